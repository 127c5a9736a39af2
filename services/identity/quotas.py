"""What each caller may still bring that nobody has seen, and the alarm when one seems to guess.

Kept in memory: a restart fills every bucket, which a caller can not bring about. Labels and
lines name callers of the configuration and nothing they asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge

from identity import quota
from identity.enumeration import Window, counted, suspicious, unseen_share
from services.errors import QuotaExceeded
from services.interceptors.call import Caller


class _Counters(NamedTuple):
    """The labelled metrics of one caller."""

    before: Counter
    never: Counter
    refused: Counter


class Quotas:
    """The quotas of one identity process; used from one event loop."""

    def __init__(self, registry: CollectorRegistry, report: Callable[[str], object]) -> None:
        """Registers ``veilgraph_identity_…``; ``report`` takes a line when an alarm goes up."""
        self._buckets: dict[str, quota.Bucket] = {}
        self._windows: dict[str, Window] = {}
        self._alarmed: set[str] = set()
        self._counted: dict[str, _Counters] = {}
        self._report = report
        self._identifiers = Counter(
            "veilgraph_identity_identifiers",
            "Identifiers asked for, by whether they were seen before; refused: over the quota.",
            ["caller", "seen"],
            registry=registry,
        )
        self._share = Gauge(
            "veilgraph_identity_unseen_share",
            "Share of never-seen identifiers in what a caller asked for in the last hour.",
            ["caller"],
            registry=registry,
        )
        self._alarms = Counter(
            "veilgraph_identity_enumeration_alarms",
            "How often a caller began to look as if it guessed identifiers.",
            ["caller"],
            registry=registry,
        )

    def take(self, caller: Caller, known: int, unseen: int, now_ms: int) -> None:
        """Charges a caller for what it asks for.

        Args:
            caller: who asks.
            known: how many of its identifiers were seen before; they cost nothing.
            unseen: how many were not.
            now_ms: the present.

        Raises:
            QuotaExceeded: more than the caller has left; nothing was charged.
        """
        self._notice(caller, known + unseen, unseen, now_ms)
        counters = self._counters(caller.id)
        counters.before.inc(known)
        if not unseen:
            return
        per_hour = caller.new_identifiers_per_hour
        bucket = self._buckets.get(caller.id) or quota.full(per_hour, now_ms)
        left = quota.take(bucket, unseen, per_hour, now_ms)
        if isinstance(left, quota.Short):
            counters.refused.inc(unseen)
            raise QuotaExceeded(left.wait_ms)
        counters.never.inc(unseen)
        self._buckets[caller.id] = left

    def give_back(self, caller: Caller, count: int) -> None:
        """Takes back the charge for identifiers that somebody else brought meanwhile."""
        if count:
            bucket = self._buckets[caller.id]
            self._buckets[caller.id] = quota.give_back(bucket, count, caller.new_identifiers_per_hour)

    def _counters(self, caller: str) -> _Counters:
        """What is counted of a caller; labels() costs more than counting."""
        found = self._counted.get(caller)
        if found is None:
            before, never, refused = (
                self._identifiers.labels(caller, seen) for seen in ("before", "never", "refused")
            )
            found = self._counted[caller] = _Counters(before, never, refused)
            self._alarms.labels(caller)  # 0 before the first: from nothing to 1 is no increase
            self._share.labels(caller).set_function(lambda: unseen_share(self._windows.get(caller, ())))
        return found

    def _notice(self, caller: Caller, asked: int, unseen: int, now_ms: int) -> None:
        window = self._windows[caller.id] = counted(self._windows.get(caller.id, ()), asked, unseen, now_ms)
        if not unseen and caller.id not in self._alarmed:
            return  # what is known makes nobody suspicious
        if not suspicious(window, caller.new_identifiers_per_hour):
            self._alarmed.discard(caller.id)
        elif caller.id not in self._alarmed:
            self._alarmed.add(caller.id)
            self._alarms.labels(caller.id).inc()
            self._report(
                f"identity: caller {caller.id} asks for many identifiers nobody has seen;"
                f" {unseen_share(window):.0%} of what it asked for in the last hour\n"
            )
