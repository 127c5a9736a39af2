"""What was begun and is not at its end: feeds, erasures, a change of rules, a change of keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from identity.keyring import KeyState
from services.deployment.config import SERVICES, SuiteConfig
from services.doctor.finding import Finding, error, note, warning
from services.storage import inspection
from services.storage.database import Connection, StoreUnusable

T = TypeVar("T")

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
#: An erasure takes minutes; the law gives a month, and somebody has to have time to look.
ERASURE_ERROR_MS = 3 * _DAY_MS
#: A feed is looked at twice, so far apart.
LOOK_AGAIN_S = 2.0


class Feed(NamedTuple):
    """How far a producer has told, and how far a consumer has taken it in."""

    name: str
    taken: int
    told: int


def of_feeds(config: SuiteConfig, running: bool, pause: Callable[[float], object]) -> Iterator[Finding]:
    """Does what was told arrive? Behind is only who does not move; ahead nobody can be."""
    feeds = {feed.name: feed for feed in _feeds(config)}
    behind = {name: feed for name, feed in feeds.items() if feed.taken < feed.told}
    for feed in feeds.values():
        if feed.taken > feed.told:
            yield error(
                f"feed {feed.name}",
                f"{feed.taken} was taken in, but {feed.told} is the last that was told: one store is older",
                "stop the suite; restore all stores of one backup together",
            )
    if not behind:
        return
    if not running:
        for feed in behind.values():
            yield note(
                f"feed {feed.name}", f"{feed.told - feed.taken} wait; they are taken in after the start"
            )
        return
    pause(LOOK_AGAIN_S)
    for feed in _feeds(config):
        if feed.name in behind and feed.taken == behind[feed.name].taken:
            yield error(
                f"feed {feed.name}",
                f"{feed.told - feed.taken} wait and none is taken in",
                "look at the log of the service that takes it in, and whether it reaches the other",
            )


def of_erasures(config: SuiteConfig, now_ms: int) -> Iterator[Finding]:
    """Is any erasure open, and since when?"""
    found = _asked(config, "consent", inspection.erasures_open)
    if found is None or not found.many:
        return
    age_ms = now_ms - found.oldest_ms
    what = f"{found.many} are open, the oldest for {age_ms / _HOUR_MS:.1f} hours"
    do = "every service must run; the log of consent says whom it waits for"
    finding = error if age_ms > ERASURE_ERROR_MS else warning if age_ms > _HOUR_MS else note
    yield finding("erasures", what, do)


def of_rules(config: SuiteConfig, now_ms: int) -> Iterator[Finding]:
    """Is a change of identity's rules half done, and do links wait?"""
    begun_ms = _asked(config, "identity", inspection.rules_change_since)
    if begun_ms is not None:
        age_h = (now_ms - begun_ms) / _HOUR_MS
        finding = warning if age_h > 1 else note
        yield finding(
            "rules", f"a change of them is half done since {age_h:.1f} hours", "identity goes on when it runs"
        )
    if pending := _asked(config, "identity", inspection.links_pending):
        yield note("links", f"{pending} wait until every guard table has them", "consent must run")


def of_keys(config: SuiteConfig, now_ms: int) -> Iterator[Finding]:
    """Does the ring open what is kept, and is a change of keys half done?"""
    ring = config.keyring
    for use in ring.uses:
        for key in ring.every(use):
            if key.state is KeyState.PENDING:
                yield warning(
                    f"key {use} v{key.version}",
                    "its rotation was cut off",
                    f"ask again: keys rotate {use.split('/')[0]}",
                )
    kept = _asked(config, "identity", inspection.kept_under) or {}
    opening = {key.version for key in ring.versions("identifier")}
    active = ring.active("identifier")
    for version, count in sorted(kept.items()):
        where = f"key identifier v{version}"
        if version not in opening:
            yield error(
                where, f"{count} identifiers are kept under it, and the ring has it no more",
                "put back the ring that has it; identity does not start without",
            )  # fmt: skip
        elif version != active.version:
            finding = warning if now_ms - active.created_at_ms > _DAY_MS else note
            yield finding(
                where, f"{count} identifiers are still to be sealed anew", "identity does, when it runs"
            )
    for key in ring.versions("identifier"):
        if key.state is KeyState.RETIRED and not kept.get(key.version):
            yield note(
                f"key identifier v{key.version}",
                "nothing is kept under it",
                f"keys destroy identifier {key.version}",
            )


def _feeds(config: SuiteConfig) -> Iterator[Feed]:
    """Whoever takes in is asked first, or it could seem to be ahead."""
    graph = _asked(config, "consent", inspection.graph_taken)
    events = _asked(config, "recommender", inspection.events_taken)
    sealed = _asked(config, "consent", inspection.audit_sealed)
    if graph is not None and (told := _asked(config, "identity", inspection.graph_told)) is not None:
        yield Feed("identity's graph to consent", graph, told)
    if events is not None and (told := _asked(config, "engagement", inspection.events_told)) is not None:
        yield Feed("engagement's events to the recommender", events, told)
    for service in SERVICES if sealed is not None else ():
        if (told := _asked(config, service, inspection.audit_told)) is not None:
            yield Feed(f"{service}'s audit to the log", sealed.get(service, 0) if sealed else 0, told)


def _asked(config: SuiteConfig, service: str, read: Callable[[Connection], T]) -> T | None:
    """The answer of a store; ``None`` from one that can not give it: ``stores`` says so."""
    try:
        return inspection.asked(config.store(service), read)
    except (StoreUnusable, inspection.Missing):
        return None
