"""What sets a play off for somebody: which play, on what occasion, and when it is due.

A firing hangs on the birth subject whose event or date set it off. Its occurrence says what it is
about in words that are the same for every birth subject of a person, so that after a link two
firings of one occurrence are seen to be one. The same thing read twice makes the same firing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from engagement.evaluate import distance_m
from engagement.event import Event
from engagement.facts import Facts
from engagement.occasion import Span, due_of, occasions
from engagement.play import DateTrigger, EventTrigger, LapseTrigger, PlaceTrigger, Play
from identity.ids import SubjectId

DAY_MS = 86_400_000
_YEAR = "year:"


class Firing(NamedTuple):
    """A play set off for somebody.

    Attributes:
        subject: the birth subject it hangs on.
        play_id: which play.
        occurrence: what it is about; the same for everybody who is the same person.
        at_ms: when what set it off happened; of a date, when it is due.
        due_at_ms: not before this.
    """

    subject: SubjectId
    play_id: str
    occurrence: str
    at_ms: int
    due_at_ms: int

    def __repr__(self) -> str:
        return "Firing(…)"


def of_event(play: Play, event: Event, cell: str = "") -> Firing | None:
    """What an event sets off.

    Events of one order or basket are one occurrence, and of those without a reference all of one day
    (UTC); being near a place is one occurrence a day.

    Args:
        play: with any trigger, or with none.
        event: as it was recorded.
        cell: the H3 cell it was seen in; empty: none was told.
    """
    trigger, at_ms = play.trigger, event.occurred_at_ms
    if isinstance(trigger, EventTrigger) and event.kind in trigger.kinds:
        due_at_ms = at_ms + trigger.delay_s * 1000
        return Firing(event.subject, play.play_id, occurrence_of(event), at_ms, due_at_ms)
    if isinstance(trigger, PlaceTrigger) and cell and _is_near(cell, trigger):
        return Firing(event.subject, play.play_id, _day_of(at_ms), at_ms, at_ms)
    return None


def of_date(play: Play, subject: SubjectId, facts: Facts, span: Span) -> Iterator[Firing]:
    """What a yearly date sets off within a span; nothing if the play goes by no date.

    A date of the person is one occurrence a year, whenever in it they say it is; of what they look
    after every date is one of its own.

    Args:
        play: whose trigger it is.
        subject: whose date it is.
        facts: what may be read of the birth subject.
        span: when it is due.
    """
    trigger = play.trigger
    if not isinstance(trigger, DateTrigger):
        return
    zone = ZoneInfo(facts.zone)
    for month_day, several in _dates(trigger, facts):
        for year, due_at_ms in occasions(month_day, trigger, zone, span):
            occurrence = f"{_YEAR}{year}-{month_day}" if several else f"{_YEAR}{year}"
            yield Firing(subject, play.play_id, occurrence, due_at_ms, due_at_ms)


def due_by_date(trigger: DateTrigger, firing: Firing, facts: Facts) -> int | None:
    """When what a date has set off is due by what is known now; ``None``: there is no such date any more."""
    year, _, one_of_several = firing.occurrence.removeprefix(_YEAR).partition("-")
    for month_day, several in _dates(trigger, facts):
        if not several or month_day == one_of_several:
            return due_of(month_day, int(year), trigger, ZoneInfo(facts.zone))
    return None


def _dates(trigger: DateTrigger, facts: Facts) -> Iterator[tuple[str, bool]]:
    """The dates a trigger goes by, each "MM-DD", and whether the field may have several."""
    known = facts.fields.get(trigger.field)
    if known is None:
        return
    several = isinstance(known.value, tuple)
    for text in known.value if isinstance(known.value, tuple) else (known.value,):
        if isinstance(text, str):
            yield text, several


def of_lapse(play: Play, subject: SubjectId, last_ms: int, span: Span) -> Firing | None:
    """What the latest event of a trigger's kinds sets off, if it is due within a span."""
    trigger = play.trigger
    if not isinstance(trigger, LapseTrigger):
        return None
    due_at_ms = last_ms + trigger.days * DAY_MS
    if not span.has(due_at_ms):
        return None
    return Firing(subject, play.play_id, _day_of(last_ms), last_ms, due_at_ms)


def occurrence_of(event: Event) -> str:
    """What an event is about: its order or basket, or its day."""
    return f"ref:{event.order_ref}" if event.order_ref else _day_of(event.occurred_at_ms)


def in_time(play: Play, due_at_ms: int, now_ms: int) -> bool:
    """Whether something due then may still go out, and the play has a say in it at that instant."""
    within = play.from_ms <= due_at_ms and (not play.until_ms or due_at_ms < play.until_ms)
    return within and now_ms < due_at_ms + play.message_days * DAY_MS


def _day_of(instant_ms: int) -> str:
    return f"day:{instant_ms // DAY_MS}"


def _is_near(cell: str, trigger: PlaceTrigger) -> bool:
    apart = (distance_m(cell, place) for place in trigger.cells)
    return any(metres is not None and metres <= trigger.distance_m for metres in apart)
