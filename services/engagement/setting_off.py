"""What news of events and walks over everybody set off, by the plays in force and the guard table.

Of somebody who does not permit a play's purpose nothing is set off, and nothing of them is read for
it. What may be read is what a decision for the purpose could read, by the same functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from consent.guard_table import GuardTable
from consent.policy import Policy
from engagement.attributes import Attribute, name_of
from engagement.detail import unpacked
from engagement.event import Event, use_mask
from engagement.facts_of import Asked, Stored, facts_of, readable_events
from engagement.firing import DAY_MS, Firing, in_time, of_date, of_event, of_lapse
from engagement.occasion import Span, month_days
from engagement.play import DateTrigger, LapseTrigger, Play, State
from identity.ids import SubjectId
from services.storage.firing_walk import Act, Dated, Wanted

#: So far ahead a walk looks; it begins anew well before that time has gone by.
AHEAD_MS = 25 * 60 * 60 * 1000
_ATTRIBUTES = {name_of(attribute): attribute for attribute in Attribute}


@dataclass(frozen=True, slots=True)
class Ground:
    """What setting off goes by.

    Attributes:
        plays: gives the plays that are in force now.
        zone: gives the IANA name of the time zone of whoever told none.
        policy: the deployment's.
        guard: the process's guard table.
        clock: the present instant, milliseconds since the epoch.
    """

    plays: Callable[[], Iterable[Play]]
    zone: Callable[[], str]
    policy: Policy
    guard: GuardTable
    clock: Callable[[], int]

    def triggered(self) -> list[Play]:
        """The plays that something sets off, each of a purpose that the policy knows."""
        return [
            play
            for play in self.plays()
            if play.trigger is not None
            and play.state in {State.PILOT, State.LIVE}
            and self.policy.has(play.purpose)
        ]

    def permits(self, subject: SubjectId, purpose: str) -> bool:
        """Whether a birth subject permits a purpose, a leaf, now."""
        return self.guard.allows(subject, self.policy.index(purpose), self.clock())

    def asked(self, play: Play, now_ms: int) -> Asked:
        """What a play may read now."""
        return Asked(self.policy.index(play.purpose), play.purpose, now_ms, self.zone(), self.permits)


def by_events(ground: Ground, events: Iterable[Event]) -> list[Firing]:
    """What events set off now."""
    plays, now_ms = ground.triggered(), ground.clock()
    return [
        firing
        for event in (events if plays else ())
        for play in plays
        if (firing := _by_event(ground, play, event, now_ms)) is not None
    ]


def by_dates(ground: Ground, plays: Sequence[Play], dated: Iterable[Dated]) -> list[Firing]:
    """What the dates of some birth subjects set off from now on until a walk comes by again."""
    return list(_by_dates(ground, plays, dated, ground.clock()))


def by_lapses(ground: Ground, play: Play, acts: Iterable[Act]) -> list[Firing]:
    """What the latest acts of some birth subjects set off, likewise."""
    now_ms = ground.clock()
    found = []
    for act in acts:
        if act.last_ms is None or not ground.permits(act.subject, play.purpose):
            continue
        firing = of_lapse(play, act.subject, act.last_ms, _span(play, now_ms))
        if firing is not None and in_time(play, firing.due_at_ms, now_ms):
            found.append(firing)
    return found


def acts_wanted(ground: Ground, play: Play) -> Wanted:
    """Whose lapse may be due; only of a play that goes by one."""
    trigger, now_ms = play.trigger, ground.clock()
    assert isinstance(trigger, LapseTrigger)  # noqa: S101 - asked of no other
    after_ms = now_ms - (play.message_days + trigger.days) * DAY_MS
    return Wanted(trigger.kinds, use_mask([ground.policy.index(play.purpose)]), after_ms, now_ms)


def dates_wanted(ground: Ground, plays: Iterable[Play]) -> dict[Attribute, set[str]]:
    """The dates, by the attributes that hold them, that may set off one of some plays now."""
    now_ms = ground.clock()
    wanted: dict[Attribute, set[str]] = {}
    for play in plays:
        if isinstance(play.trigger, DateTrigger) and (attribute := _ATTRIBUTES.get(play.trigger.field)):
            days = month_days(play.trigger, _span(play, now_ms))
            wanted.setdefault(attribute, set()).update(days)
    return wanted


def stand_for(plays: Iterable[Play]) -> str:
    """A digest that is another for other plays, or another version of one."""
    lines = sorted(f"{play.play_id}:{play.version}:{int(play.state)}" for play in plays)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _by_event(ground: Ground, play: Play, event: Event, now_ms: int) -> Firing | None:
    if not ground.permits(event.subject, play.purpose):
        return None
    readable = readable_events([event], ground.asked(play, now_ms))
    if not readable:
        return None
    cell = unpacked(readable[0].detail).place_cell if readable[0].detail else ""
    firing = of_event(play, event, cell)
    return firing if firing is not None and in_time(play, firing.due_at_ms, now_ms) else None


def _by_dates(ground: Ground, plays: Sequence[Play], dated: Iterable[Dated], now_ms: int) -> Iterator[Firing]:
    for subject, values in dated:
        for play in plays:
            if ground.permits(subject, play.purpose):
                facts = facts_of(Stored(values=values), ground.asked(play, now_ms))
                for firing in of_date(play, subject, facts, _span(play, now_ms)):
                    if in_time(play, firing.due_at_ms, now_ms):
                        yield firing


def _span(play: Play, now_ms: int) -> Span:
    return Span(now_ms - play.message_days * DAY_MS, now_ms + AHEAD_MS)
