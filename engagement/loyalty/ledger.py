"""What a person did in a programme, folded from its lines and from tracked orders: the same in any order.

A purchase is what its reference names. Each birth subject whose lines name it is a witness of it, and
so is each whose tracked events do; of several witnesses the one that tells most is believed, what was
posted before what was tracked. So a purchase that is both, or that was reported for two identities of
one person, counts once; and what was returned counts as never bought.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engagement.event import Event, EventKind
from engagement.loyalty.entry import Entry, PostingKind
from engagement.loyalty.programme import Programme

#: The kinds of events a programme may earn from.
EARNING_KINDS = (EventKind.ORDER, EventKind.REFUND)
#: What names an order that has no reference begins with; no reference does.
_NAMELESS = "\n"


class Moved(NamedTuple):
    """An amount or some points at an instant, of either sign."""

    at_ms: int
    number: int


class Purchase(NamedTuple):
    """One purchase, less what was returned of it.

    Attributes:
        at_ms: when it was made.
        name: what tells it from the person's others.
        amount_minor: what is left of it, at least 0.
    """

    at_ms: int
    name: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """What counts for a person in a programme, each list in the order of time.

    Attributes:
        purchases: those that were not returned whole.
        adjusted: amounts added by hand, and returns of purchases that nobody told of.
        earned: points that wait before they can be spent.
        added: points that do not; above 0.
        taken: points that are spent or taken away; above 0.
        since_ms: the first thing recorded; ``None``: there is none.
        latest_ms: the latest.
    """

    purchases: tuple[Purchase, ...]
    adjusted: tuple[Moved, ...]
    earned: tuple[Moved, ...]
    added: tuple[Moved, ...]
    taken: tuple[Moved, ...]
    since_ms: int | None
    latest_ms: int | None


class _Witness(NamedTuple):
    """What one birth subject's lines, or its events, tell of a purchase: each at its instant."""

    bought: list[Moved]
    returned: list[Moved]


class _Named(NamedTuple):
    """What tells a purchase from others, and by whom it is told."""

    name: str
    subject: bytes


_Witnesses = Mapping[_Named, _Witness]


def ledger_of(programme: Programme, entries: Iterable[Entry], events: Iterable[Event] = ()) -> Ledger:
    """Folds what was recorded for the birth subjects of a person.

    Args:
        programme: whose currency everything must be in that counts.
        entries: its lines, in any order; a line that comes twice counts once.
        events: tracked for the person, likewise; only orders and refunds count, and only where the
            programme earns from them.
    """
    lines = {entry.entry_key: entry for entry in entries if entry.currency in {"", programme.currency}}
    posted = _posted(lines.values())
    purchases, unknown = _purchases(posted, _tracked(programme, events))
    others = [(line, left) for line, left in _left(lines.values()) if not _is_purchase(line)]
    adjusted = [Moved(line.occurred_at_ms, left) for line, left in others if line.amount_minor and left]
    points = [(line, left) for line, left in others if line.points and left]
    instants = [
        *(purchase.at_ms for purchase in purchases),
        *(line.occurred_at_ms for line, left in others if left or _enrols(line)),
    ]
    return Ledger(
        purchases=tuple(sorted(purchases)),
        adjusted=tuple(sorted([*adjusted, *unknown])),
        earned=_moved(points, lambda line, left: left if line.kind == PostingKind.EARN else 0),
        added=_moved(points, lambda line, left: left if line.kind == PostingKind.ADJUST else 0),
        taken=_moved(points, lambda line, left: left if line.kind == PostingKind.SPEND else -left),
        since_ms=min(instants, default=None),
        latest_ms=max(instants, default=None),
    )


def _moved(points: Iterable[tuple[Entry, int]], number: Callable[[Entry, int], int]) -> tuple[Moved, ...]:
    """Those of some lines whose number is above 0."""
    numbers = ((line.occurred_at_ms, number(line, left)) for line, left in points)
    return tuple(sorted(Moved(at_ms, number) for at_ms, number in numbers if number > 0))


def _is_purchase(line: Entry) -> bool:
    return line.kind == PostingKind.EARN and bool(line.amount_minor)


def _enrols(line: Entry) -> bool:
    """It says nothing but that somebody is a member since then."""
    return line.kind == PostingKind.ADJUST and not line.amount_minor and not line.points


def _left(lines: Iterable[Entry]) -> list[tuple[Entry, int]]:
    """The lines that have names, each with what is left of its amount or points."""
    reversed_by: dict[tuple[bytes, str, int], int] = defaultdict(int)
    for line in lines:
        if line.reverses:
            reversed_by[line.subject, line.reverses, line.kind] += line.amount_minor + line.points
    left = []
    for line in lines:
        if line.reference:
            number = line.amount_minor + line.points  # one of the two is 0
            less = min(abs(number), reversed_by[line.subject, line.reference, line.kind])
            left.append((line, number - less if number > 0 else number + less))
    return left


def _posted(lines: Iterable[Entry]) -> _Witnesses:
    """Who tells what of purchases by postings."""
    witnesses: dict[_Named, _Witness] = defaultdict(lambda: _Witness([], []))
    for line in filter(_is_purchase, lines):
        witness = witnesses[_Named(line.reference or line.reverses, line.subject)]
        number = Moved(line.occurred_at_ms, line.amount_minor)
        (witness.returned if line.reverses else witness.bought).append(number)
    return {named: witness for named, witness in witnesses.items() if witness.bought}


def _tracked(programme: Programme, events: Iterable[Event]) -> _Witnesses:
    """Who tells what of purchases by events. An order without a name is a purchase of its own."""
    witnesses: dict[_Named, _Witness] = defaultdict(lambda: _Witness([], []))
    counting = events if programme.earns_from_events else ()
    for event in {event.event_key: event for event in counting}.values():
        if event.currency not in {"", programme.currency}:
            continue
        witness = witnesses[_Named(event.order_ref or _NAMELESS + event.event_key.hex(), event.subject)]
        if event.kind == EventKind.ORDER:
            witness.bought.append(Moved(event.occurred_at_ms, max(event.amount_minor, 0)))
        elif event.kind == EventKind.REFUND:
            witness.returned.append(Moved(event.occurred_at_ms, abs(event.amount_minor)))
    return witnesses


def _purchases(posted: _Witnesses, tracked: _Witnesses) -> tuple[list[Purchase], list[Moved]]:
    """The purchases that were not returned whole, and returns of which nobody knows the purchase."""
    by_name: dict[str, list[_Named]] = defaultdict(list)
    for named in sorted({*posted, *tracked}):
        by_name[named.name].append(named)
    purchases, unknown = [], []
    for name, names in by_name.items():
        all_told = [told[one] for told in (posted, tracked) for one in names if one in told]
        returned = max((one.returned for one in all_told), key=lambda told: (_sum(told), len(told)))
        bought = _most(posted, names) or _most(tracked, names)
        if not bought:
            unknown += [Moved(one.at_ms, -one.number) for one in returned]
            continue
        ordered = _sum(bought)
        left = max(ordered - _sum(returned), 0)
        if left or not (ordered or returned):
            purchases.append(Purchase(min(bought).at_ms, name, left))
    return purchases, unknown


def _most(told: _Witnesses, names: Sequence[_Named]) -> list[Moved]:
    """What the witness tells that tells most; nothing if none tells of buying."""
    return max((told[one].bought for one in names if one in told), key=_sum, default=[])


def _sum(moved: Sequence[Moved]) -> int:
    return sum(one.number for one in moved)
