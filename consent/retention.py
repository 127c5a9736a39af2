"""How long what is kept may stay: the tables ``[retention.…]`` of the policy file.

Every kind of event, every kind of record and every data class that the contract uses has a
line, in days from the day it was recorded or "until_erased". What no line names must not be
kept, so that a program which knows a kind the file does not know refuses to start. No kind
stays longer than its data class.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from consent.errors import PolicyError

DAY_MS = 86_400_000
#: Stays until the person is erased.
UNTIL_ERASED = "until_erased"
#: The data class of every kind of event, and of those that are of another.
EVENT_CLASS = "BEHAVIOURAL"
EVENT_CLASSES: Mapping[str, str] = {"CAMERA": "SPECIAL", "BIOMETRIC": "SPECIAL"}
#: What is kept besides events, each with its data class; there is a line for every one.
RECORD_CLASSES: Mapping[str, str] = {
    "audit": "OPERATIONAL",
    "answers": "PSEUDONYM",
    "refused_links": "PSEUDONYM",
    "quarantined_links": "PSEUDONYM",
    "people_changes": "PSEUDONYM",
    "preferences": "DECLARED",
    "age_bands": "DEMOGRAPHIC",
    "entitlements": "BEHAVIOURAL",
    "announcements": "OPERATIONAL",
    "attributes": "DECLARED",
    "corrections": "DECLARED",
    "observed_attributes": "DEMOGRAPHIC",
    "special_attributes": "SPECIAL",
    "precise_places": "LOCATION_PRECISE",
    "firings": "BEHAVIOURAL",
    "decisions": "BEHAVIOURAL",
    "boundaries": "DECLARED",
}
_TABLES = {"classes", "events", "records"}


@dataclass(frozen=True, slots=True)
class Retention:
    """A deployment's limits in days; ``None`` stands for "until erased".

    Attributes:
        classes: by data class, the longest for anything of that class.
        events: by kind of event.
        records: by kind of record, see ``RECORD_CLASSES``.
    """

    classes: Mapping[str, int | None]
    events: Mapping[str, int | None]
    records: Mapping[str, int | None]

    def missing(self, event_kinds: Collection[str], data_classes: Collection[str]) -> list[str]:
        """What is kept or declared without a limit, and limits for what nobody knows.

        Args:
            event_kinds: all kinds of events there are.
            data_classes: all data classes that may be kept.
        """
        known = {"classes": data_classes, "events": event_kinds, "records": RECORD_CLASSES}
        gaps = []
        for table, names in known.items():
            limits = getattr(self, table)
            gaps += [f"retention.{table}: no limit for {name}" for name in sorted(set(names) - set(limits))]
            gaps += [f"retention.{table}: unknown {name}" for name in sorted(set(limits) - set(names))]
        return gaps

    def events_due(self, now_ms: int) -> dict[str, int]:
        """For each kind of event that ends by itself: those recorded before this instant are due."""
        return {kind: due_before_ms(days, now_ms) for kind, days in self.events.items() if days is not None}

    def records_due(self, kind: str, now_ms: int) -> int:
        """Records of a kind made before this instant are due; 0 when they stay until erased."""
        days = self.records[kind]
        return 0 if days is None else due_before_ms(days, now_ms)


def due_before_ms(days: int, now_ms: int) -> int:
    """The instant before which whatever is kept for some days must have been recorded to be due.

    A day counts as a whole: what was recorded during day d (UTC) is due when day d + days + 1
    begins, so that a store which keeps days only and one which keeps milliseconds agree.
    """
    return max(now_ms // DAY_MS - days, 0) * DAY_MS


def compile_retention(tables: Mapping[str, Any]) -> Retention:
    """Compiles the tables ``[retention.…]`` of a policy file.

    Raises:
        PolicyError: a table or a line is unknown or no limit, or outlasts its data class.
    """
    if unknown := set(tables) - _TABLES:
        raise PolicyError(f"retention: unknown tables {sorted(unknown)}")
    classes, events, records = (
        _limits(name, tables.get(name, {})) for name in ("classes", "events", "records")
    )
    for kind, days in events.items():
        _within(f"retention.events.{kind}", days, EVENT_CLASSES.get(kind, EVENT_CLASS), classes)
    for kind, days in records.items():
        if kind in RECORD_CLASSES:
            _within(f"retention.records.{kind}", days, RECORD_CLASSES[kind], classes)
    return Retention(classes, events, records)


def _limits(table: str, lines: Any) -> dict[str, int | None]:
    if not isinstance(lines, Mapping):
        raise PolicyError(f"retention.{table} is no table")
    limits: dict[str, int | None] = {}
    for name, days in lines.items():
        if days != UNTIL_ERASED and (type(days) is not int or days < 1):
            raise PolicyError(
                f"retention.{table}.{name}: {days!r} is neither days, 1 or more, nor {UNTIL_ERASED!r}"
            )
        limits[name] = None if days == UNTIL_ERASED else days
    return limits


def _within(where: str, days: int | None, data_class: str, classes: Mapping[str, int | None]) -> None:
    if data_class not in classes:
        return  # named by ``Retention.missing``
    longest = classes[data_class]
    if longest is not None and (days is None or days > longest):
        raise PolicyError(f"{where}: stays longer than anything of class {data_class} may ({longest} days)")
