"""What a tenant declares, how far each of it is, and what all of it together reads.

A definition goes forward only: DRAFT, PILOT, LIVE, RETIRED; what is retired begins again as the draft of
a new version. A version is LIVE once a second caller approved it; until then the version before stays in
force. So what decides about people was seen by two, and what once decided is never lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NamedTuple

from engagement.condition import Condition
from engagement.content import Lint, Template, fields_shown, put_by
from engagement.evaluate import event_fields, fields_read, goes_by_clock
from engagement.fields import LANGUAGE, TIME_ZONE, may_read
from engagement.loyalty.programme import Programme
from engagement.play import (
    OUTBOUND,
    DateTrigger,
    EventTrigger,
    LapseTrigger,
    Limits,
    Option,
    PlaceTrigger,
    Play,
    Segment,
    State,
)

#: The id of the one definition of limits.
LIMITS_ID = ""
LOYALTY_PREFIX = "loyalty."
#: A pilot reaches so many thousandths of all people at most: nobody has approved it.
PILOT_PERMILLE_MAX = 100


class Kind(IntEnum):
    """What a definition is; numbers as in the contract."""

    PLAY = 1
    SEGMENT = 2
    LIMITS = 3
    TEMPLATE = 4
    PROGRAMME = 5


class Name(NamedTuple):
    """What names a definition in its tenant."""

    kind: Kind
    id: str


Body = Play | Segment | Limits | Template | Programme


@dataclass(frozen=True, slots=True)
class Definition:
    """One thing that is declared.

    Attributes:
        name: its kind and id.
        state: how far it is to be.
        body: what it says; its own version and state say nothing here.
    """

    name: Name
    state: State
    body: Body


class Fault(NamedTuple):
    """Something that is wrong with a definition, or odd.

    Attributes:
        path: of the field within the definition, as in the contract, e.g. "play.options[1].discount".
        reason: what, e.g. "FIELD_NOT_FOR_PURPOSE".
        text: the same in words.
    """

    path: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Definitions that stand beside each other."""

    plays: Mapping[str, Play] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    templates: Mapping[str, Template] = field(default_factory=dict)
    programmes: Mapping[str, Programme] = field(default_factory=dict)
    limits: Limits | None = None

    def of_play(self, play: Play) -> Segment | None:
        """The segment a play is for."""
        return self.segments.get(play.segment_id)


def catalogue_of(definitions: Iterable[Definition]) -> Catalogue:
    """Definitions beside each other; of two of one name the later."""
    plays, segments, templates, programmes, limits = {}, {}, {}, {}, None
    for definition in definitions:
        match definition.body:
            case Play():
                plays[definition.name.id] = definition.body
            case Segment():
                segments[definition.name.id] = definition.body
            case Template():
                templates[definition.name.id] = definition.body
            case Programme():
                programmes[definition.name.id] = definition.body
            case Limits():
                limits = definition.body
    return Catalogue(plays, segments, templates, programmes, limits)


def as_version(definition: Definition, version: int, state: State) -> Definition:
    """The definition as one of its versions."""
    body = definition.body
    if isinstance(body, Limits | Programme):  # what they say has no version
        return definition
    return replace(definition, body=replace(body, version=version, state=state))


def play_reads(play: Play, catalogue: Catalogue, lint: Lint) -> frozenset[str]:
    """The fields that a play reads, by whatever it is made of."""
    templates = catalogue.templates
    put = (put_by(templates.get(option.template_id), option, play.purpose) for option in play.options)
    return _said_by(play, catalogue, lint).union(_clock_of(play, catalogue), *put)


def is_for_everybody(play: Play, catalogue: Catalogue, lint: Lint) -> bool:
    """Whether nothing known of a person says if they get it, or what it says."""
    return not _said_by(play, catalogue, lint)


def _said_by(play: Play, catalogue: Catalogue, lint: Lint) -> frozenset[str]:
    """The fields that say for whom it is, when, and what."""
    segment = catalogue.of_play(play)
    conditions = [play.condition, *(option.condition for option in play.options)]
    if segment is not None:
        conditions.append(segment.condition)
    read = frozenset(name for condition in conditions for name in fields_read(condition))
    shown = (option_shows(option, catalogue, lint) for option in play.options)
    return read.union(trigger_reads(play), *shown)


def option_shows(option: Option, catalogue: Catalogue, lint: Lint) -> frozenset[str]:
    """The fields that the content of an option reads."""
    template = catalogue.templates.get(option.template_id)
    return fields_shown(template, lint) if template is not None else frozenset()


def _clock_of(play: Play, catalogue: Catalogue) -> frozenset[str]:
    """The field that tells what time it is where the person is, where that matters and may be read."""
    conditions = (*conditions_of(play, catalogue), *(option.condition for option in play.options))
    by_clock = (
        isinstance(play.trigger, DateTrigger)
        or any(channel in OUTBOUND for channel in play.channels)
        or any(map(goes_by_clock, conditions))
    )
    return frozenset({TIME_ZONE} if by_clock and may_read(TIME_ZONE, play.purpose) else ())


def trigger_reads(play: Play) -> frozenset[str]:
    """The fields by which a play is set off."""
    match play.trigger:
        case EventTrigger(kinds, _, unless):
            return event_fields(kinds | unless)
        case LapseTrigger(kinds):
            return event_fields(kinds)
        case DateTrigger(name):
            return frozenset({name})
        case PlaceTrigger():
            return frozenset({"context.place_cell"})
        case None:
            return frozenset()


def definition_reads(definition: Definition, catalogue: Catalogue, lint: Lint) -> frozenset[str]:
    """The fields that a definition reads."""
    match definition.body:
        case Play() as play:
            return play_reads(play, catalogue, lint)
        case Segment(condition=condition):
            return fields_read(condition)
        case Template() as template:
            several = len(template.variants) > 1
            return fields_shown(template, lint).union({LANGUAGE} if several else ())
        case Limits() | Programme():
            return frozenset()


def programmes_read(names: Iterable[str]) -> frozenset[str]:
    """The ids of the loyalty programmes whose fields are among some fields."""
    return frozenset(name.split(".")[1] for name in names if name.startswith(LOYALTY_PREFIX))


def purposes_needed(definition: Definition) -> frozenset[str]:
    """The purposes that a person has to permit for a definition to reach them."""
    match definition.body:
        case Play(purpose=purpose, channels=channels, service=service):
            reached = () if service else (OUTBOUND[channel] for channel in channels if channel in OUTBOUND)
            return frozenset({purpose, *reached})
        case Segment(purpose=purpose):
            return frozenset({purpose})
        case Programme():
            return frozenset({"loyalty"})
        case _:
            return frozenset()


def conditions_of(play: Play, catalogue: Catalogue) -> Iterable[Condition]:
    """The conditions that say for whom a play is, its options' own left out."""
    segment = catalogue.of_play(play)
    return [one for one in (play.condition, segment.condition if segment else None) if one is not None]


class Author(NamedTuple):
    """Who did something, and when: a caller of the configuration, milliseconds since the epoch."""

    caller: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a definition.

    Attributes:
        definition: what it says; its state is the one that was asked for.
        number: counts up from 1.
        state: how far it is.
        applied: who applied it first.
        approved: who approved it; ``None``: nobody has.
    """

    definition: Definition
    number: int
    state: State
    applied: Author
    approved: Author | None = None

    @property
    def awaits_approval(self) -> bool:
        """It is asked to be LIVE and nobody else has approved it."""
        return self.definition.state is State.LIVE and self.approved is None

    @property
    def as_body(self) -> Definition:
        """What it says, with its number and how far it is."""
        return as_version(self.definition, self.number, self.state)


def applied(newest: Version | None, definition: Definition, author: Author) -> Version | Fault:
    """What a definition becomes when it is applied after the newest version of its name.

    Returns:
        The newest version as it was, or asked to go further; or a new one; or why neither can be.
    """
    first = 1 if newest is None else newest.number + 1
    begun = Version(definition, first, _reached(definition.state, State.DRAFT), author)
    if newest is None:
        return begun
    if newest.state is State.RETIRED and definition.state is not State.RETIRED:
        text = "what is retired begins again as a draft"
        return begun if definition.state is State.DRAFT else Fault("state", "STATE_BACKWARDS", text)
    if _said(newest.definition) != _said(definition):
        return begun
    if definition.state < newest.state:
        text = f"it is {newest.state.name} already; RETIRED ends it"
        return Fault("state", "STATE_BACKWARDS", text)
    approved_live = definition.state is State.LIVE and newest.approved is not None
    state = State.LIVE if approved_live else _reached(definition.state, newest.state)
    return replace(newest, definition=definition, state=state)


def approved(version: Version, author: Author) -> Version:
    """A version that another caller approved; it is LIVE if that was asked."""
    state = State.LIVE if version.definition.state is State.LIVE else version.state
    return replace(version, approved=version.approved or author, state=state)


def in_force_after(newest: Version, before: int) -> int:
    """Number of the version that decides once the newest is as it is; 0: none does."""
    if newest.state < State.PILOT:
        return before
    return newest.number if newest.state is not State.RETIRED else 0


def _reached(asked: State, before: State) -> State:
    """How far a version comes by being asked; LIVE takes an approval."""
    return before if asked is State.LIVE else asked


def _said(definition: Definition) -> Body:
    return as_version(definition, 0, State.DRAFT).body
