"""How facts are made of what is stored: only what the purpose may read, and of it what counts.

Everything is filtered first and weighed after: a value that the purpose may not read, or whose person
does not permit what it needs besides, does not even stand in the way of another. A precise place is
shown as a coarse one unless its person permits precise ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from engagement.attributes import Attribute, Value, by_name, name_of, of_dependent, read
from engagement.attributes import needs as needed_for
from engagement.attributes import of_person as attributes_of_person
from engagement.declared import AgeBand, Answer, Topic
from engagement.declared import of_person as answers_of_person
from engagement.detail import LOCATION_PRECISE, coarse, coarsened, has_precise_place, is_precise
from engagement.event import Event, Party, use_of
from engagement.facts import Facts, Known
from engagement.fields import TIME_ZONE, may_read
from identity.ids import SubjectId

_RIGHTS = "rights"


class Stored(NamedTuple):
    """What is stored of a person's birth subjects.

    Attributes:
        events: newest first.
        answers: what they declared.
        values: their attributes, all parties.
    """

    events: Sequence[Event] = ()
    answers: Sequence[Answer] = ()
    values: Sequence[Value] = ()


class Asked(NamedTuple):
    """What the facts are for.

    Attributes:
        purpose: bit position of the purpose.
        leaf: its name.
        now_ms: the instant.
        zone: of whoever told none.
        permits: whether a birth subject permits another purpose, a leaf.
    """

    purpose: int
    leaf: str
    now_ms: int
    zone: str
    permits: Callable[[SubjectId, str], bool]


def facts_of(stored: Stored, asked: Asked, *, events_known: bool = True) -> Facts:
    """The facts that one purpose may read.

    Args:
        stored: of the birth subjects that permit the purpose, and of no other.
        asked: what for.
        events_known: whether ``stored.events`` is all there was.
    """
    fields = {**_said_by(stored.answers, asked), **_told_of(stored.values, asked)}
    zone = fields.get(TIME_ZONE)
    return Facts(
        events=readable_events(stored.events, asked),
        fields=fields,
        now_ms=asked.now_ms,
        zone=str(zone.value) if zone is not None else asked.zone,
        events_known=events_known,
    )


def _said_by(answers: Sequence[Answer], asked: Asked) -> dict[str, Known]:
    if not answers:
        return {}
    uses = use_of(asked.purpose)
    return _declared(answers_of_person(answer for answer in answers if answer.uses & uses), asked.leaf)


def _told_of(values: Sequence[Value], asked: Asked) -> dict[str, Known]:
    if not values:
        return {}
    counting = by_name(attributes_of_person(readable(values, asked), asked.now_ms))
    return {name: _known(found) for name, found in counting.items()}


def readable(values: Iterable[Value], asked: Asked) -> list[Value]:
    """The values that a purpose may read now, places as finely as their person permits."""
    uses = use_of(asked.purpose)
    return [
        _placed(value, asked)
        for value in values
        if value.uses & uses and may_read(name_of(value.attribute), asked.leaf) and _permitted(value, asked)
    ]


def readable_events(events: Iterable[Event], asked: Asked) -> list[Event]:
    """The events that a purpose may read now, in their order."""
    uses = use_of(asked.purpose)
    return [
        event
        if not has_precise_place(event.detail) or asked.permits(event.subject, LOCATION_PRECISE)
        else event._replace(detail=coarsened(event.detail))
        for event in events
        if event.uses & uses and (event.expires_at_ms is None or asked.now_ms < event.expires_at_ms)
    ]


def _permitted(value: Value, asked: Asked) -> bool:
    """Whether the person permits what a value needs besides; what is kept of them they may see."""
    other = needed_for(value)
    return other is None or asked.leaf == _RIGHTS or asked.permits(value.subject, other)


def _placed(value: Value, asked: Asked) -> Value:
    if value.attribute != Attribute.HOME_CELL or not is_precise(value.value):
        return value
    return (
        value if asked.permits(value.subject, LOCATION_PRECISE) else value._replace(value=coarse(value.value))
    )


def _declared(answers: Sequence[Answer], leaf: str) -> dict[str, Known]:
    """Likes, dislikes and the age band, each with the newest answer's origin and time."""
    named: dict[str, list[Answer]] = {}
    for answer in answers:
        named.setdefault(declared_name(answer), []).append(answer)
    return {
        name: _said(
            said,
            AgeBand(said[0].value).name
            if said[0].topic == Topic.AGE_BAND
            else tuple(_thing(answer) for answer in said),
        )
        for name, said in named.items()
        if may_read(name, leaf)
    }


def declared_name(answer: Answer) -> str:
    """The field that an answer is a part of."""
    if answer.topic == Topic.AGE_BAND:
        return "declared.age_band"
    return "declared.likes" if answer.value > 0 else "declared.dislikes"


def _thing(answer: Answer) -> str:
    return f"{Topic(answer.topic).name.lower()}:{answer.name}"


def _said(answers: Sequence[Answer], value: str | tuple[str, ...]) -> Known:
    newest = max(answers, key=lambda answer: answer.declared_at_ms)
    return Known(value, Party.ZERO, newest.origin, newest.declared_at_ms)


def _known(values: Sequence[Value]) -> Known:
    """One fact; of several dependents all their values, with the newest one's source."""
    newest = max(values, key=lambda value: value.observed_at_ms)
    ends = [value.expires_at_ms for value in values if value.expires_at_ms is not None]
    said = [one for value in values if (one := read(value.attribute, value.value)) is not None]
    texts = sorted({text for one in said for text in (one if isinstance(one, tuple) else (str(one),))})
    value = tuple(texts) if of_dependent(newest.attribute) else said[0]
    return Known(value, newest.party, newest.origin, newest.observed_at_ms, min(ends, default=None))
