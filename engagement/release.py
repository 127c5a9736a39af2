"""Whether what was set off may still go out, judged by the whole person at the instant it would.

Much may happen between setting off and going out: an order, a later visit, a corrected date, a link.
So nothing is taken from when it was set off but what it is about. Of one occurrence the first that goes
out is the only one: whatever else hangs on the same person for it is closed. An unlink brings nothing
back that was closed so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from engagement.event import EventKind
from engagement.facts import Facts
from engagement.firing import DAY_MS, Firing, due_by_date, in_time, occurrence_of
from engagement.play import DateTrigger, EventTrigger, LapseTrigger, PlaceTrigger, Play


class State(IntEnum):
    """How far a firing is; numbers as in the store."""

    PENDING = 1
    AWAITING_REVIEW = 2
    LEASED = 3
    DONE = 4
    DROPPED = 5


class Dropped(StrEnum):
    """Why a firing does not go out."""

    NOT_PERMITTED = "NOT_PERMITTED"  # the person, or the caller's signal, says no
    NOT_LIVE = "NOT_LIVE"  # the play was taken back, or goes by something else now
    TOO_LATE = "TOO_LATE"  # it could not go out for as long as the play allows
    CALLED_OFF = "CALLED_OFF"  # one of the events happened that call it off
    SUPERSEDED = "SUPERSEDED"  # the person acted since
    CHANGED = "CHANGED"  # what set it off is not known any more
    SAME = "SAME"  # it went out for another birth subject of the person
    RESTED = "RESTED"  # the place's last message is too young
    HELD = "HELD"  # the guards left nothing to give, and time will not help
    REFUSED = "REFUSED"  # a human said no
    FAILED = "FAILED"  # whoever sends could not


#: These were given out, or are about to be: nothing else goes out for what they are about.
_GIVEN = frozenset({State.AWAITING_REVIEW, State.LEASED, State.DONE})


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another firing of the same play for the same person.

    Attributes:
        firing: what it is.
        state: how far it is.
        given_at_ms: when it was first given out; ``None``: it was not.
    """

    firing: Firing
    state: State
    given_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may become of a firing.

    Attributes:
        dropped: why it never goes out; ``None``: it may.
        not_before_ms: it may, but not before this; 0: now.
    """

    dropped: Dropped | None = None
    not_before_ms: int = 0


GO = Verdict()


def verdict(play: Play | None, firing: Firing, siblings: Iterable[Sibling], facts: Facts) -> Verdict:
    """What may become of a firing that is due.

    Args:
        play: as it is in force now; ``None``: it is not.
        firing: that is due.
        siblings: every other firing of its play for the birth subjects of its person.
        facts: what may be read of the person for the play's purpose now.
    """
    now_ms = facts.now_ms
    if play is None or play.trigger is None:
        return Verdict(Dropped.NOT_LIVE)
    if not in_time(play, firing.due_at_ms, now_ms):
        return Verdict(Dropped.TOO_LATE)
    given = [one for one in siblings if one.state in _GIVEN]
    if any(one.firing.occurrence == firing.occurrence for one in given):
        return Verdict(Dropped.SAME)
    trigger = play.trigger
    match trigger:
        case EventTrigger():
            return _after_event(trigger, firing, facts)
        case DateTrigger():
            return _before_date(trigger, firing, facts)
        case LapseTrigger():
            return _lapsed(trigger, firing, given, facts)
        case PlaceTrigger():
            return _rested(trigger, firing, given)


def _after_event(trigger: EventTrigger, firing: Firing, facts: Facts) -> Verdict:
    """The delay runs from the latest event of the occurrence; what calls it off does so until it goes out."""
    at_ms = max(
        (
            event.occurred_at_ms
            for event in facts.events
            if event.kind in trigger.kinds and occurrence_of(event) == firing.occurrence
        ),
        default=firing.at_ms,
    )
    called_off = _last(trigger.unless, facts)
    if called_off is not None and called_off >= at_ms:  # in doubt it came after
        return Verdict(Dropped.CALLED_OFF)
    return _not_before(at_ms + trigger.delay_s * 1000, facts.now_ms)


def _before_date(trigger: DateTrigger, firing: Firing, facts: Facts) -> Verdict:
    due_at_ms = due_by_date(trigger, firing, facts)
    if due_at_ms is None:
        return Verdict(Dropped.CHANGED)
    return _not_before(due_at_ms, facts.now_ms)


def _lapsed(trigger: LapseTrigger, firing: Firing, given: Iterable[Sibling], facts: Facts) -> Verdict:
    """One lapse is one message: a person who was told since their latest event is not told again."""
    last_ms = _last(trigger.kinds, facts)
    if last_ms is None or last_ms < firing.at_ms:
        return Verdict(Dropped.CHANGED)
    if last_ms > firing.at_ms:
        return Verdict(Dropped.SUPERSEDED)
    if any(one.given_at_ms is not None and one.given_at_ms >= last_ms for one in given):
        return Verdict(Dropped.SAME)
    return _not_before(last_ms + trigger.days * DAY_MS, facts.now_ms)


def _rested(trigger: PlaceTrigger, firing: Firing, given: Iterable[Sibling]) -> Verdict:
    rest_ms = trigger.rest_days * DAY_MS
    if any(abs(firing.at_ms - one.firing.at_ms) < rest_ms for one in given):
        return Verdict(Dropped.RESTED)
    return GO


def _last(kinds: frozenset[EventKind], facts: Facts) -> int | None:
    return max((event.occurred_at_ms for event in facts.events if event.kind in kinds), default=None)


def _not_before(due_at_ms: int, now_ms: int) -> Verdict:
    return Verdict(not_before_ms=due_at_ms) if due_at_ms > now_ms else GO
