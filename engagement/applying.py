"""What becomes of definitions when they are applied or approved, all of them together.

Applied definitions are judged beside the newest of everything else, for that is what they will stand with;
approved ones beside what is in force, for that is what they will decide with. A definition that others
stand on is taken only if they still stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engagement.admission import broken_plays, faults_of
from engagement.content import Lint
from engagement.definition import (
    Author,
    Catalogue,
    Definition,
    Fault,
    Kind,
    Name,
    Version,
    applied,
    approved,
    as_version,
    catalogue_of,
    definition_reads,
    in_force_after,
    purposes_needed,
)
from engagement.errors import ApprovedByItsAuthor, DefinitionRefused, DefinitionUnknown, VersionOutdated
from engagement.oddities import warnings_of
from engagement.play import State


@dataclass(frozen=True, slots=True)
class Standing:
    """What is kept of all definitions.

    Attributes:
        newest: version of each.
        in_force: the versions that decide.
    """

    newest: Mapping[Name, Version]
    in_force: Mapping[Name, Version]


@dataclass(frozen=True, slots=True)
class Moved:
    """A version as it is now.

    Attributes:
        version: the newest of its definition.
        changed: it is other than what was kept.
        in_force: number of the version that decides; 0: none does.
    """

    version: Version
    changed: bool
    in_force: int


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one definition.

    Attributes:
        moved: the version; ``None``: it is not taken.
        reads: the fields it reads.
        purposes: that a person has to permit for it.
        warnings: what is odd.
        faults: what is wrong.
    """

    moved: Moved | None
    reads: frozenset[str]
    purposes: frozenset[str]
    warnings: tuple[Fault, ...]
    faults: tuple[Fault, ...]


def apply(
    standing: Standing, definitions: Sequence[Definition], author: Author, lint: Lint
) -> Sequence[Applied]:
    """Judges definitions that are applied together; one for each, in order."""
    given = {definition.name: definition for definition in definitions}
    kept = {name: _newest(version) for name, version in standing.newest.items()}
    asked = {name: as_version(definition, 0, definition.state) for name, definition in given.items()}
    beside = catalogue_of(
        definition for definition in (kept | asked).values() if definition.state is not State.RETIRED
    )
    moved = {name: applied(standing.newest.get(name), one, author) for name, one in given.items()}
    changed = {name for name, version in moved.items() if version != standing.newest.get(name)}
    broken: dict[Name, list[Fault]] = {}
    for name, fault in broken_plays(changed, beside, lint):
        broken.setdefault(name, []).append(fault)
    seen: set[Name] = set()
    return [
        _judged(definition, moved[definition.name], standing, beside, lint, [
            *_named_twice(definition.name, seen), *broken.get(definition.name, ())
        ])
        for definition in definitions
    ]  # fmt: skip


def approve(
    standing: Standing, versions: Sequence[tuple[Name, int]], author: Author, lint: Lint
) -> Sequence[Moved]:
    """Approves versions together; one for each, in order.

    Raises:
        DefinitionUnknown: there is no such version.
        VersionOutdated: it is not the newest, or it is retired.
        ApprovedByItsAuthor: the caller applied it.
        DefinitionRefused: beside what is in force it is wrong, or makes wrong what stands on it.
    """
    moved = [
        _approved(standing, name, number, author, index) for index, (name, number) in enumerate(versions)
    ]
    by_name = {one.version.definition.name: one for one in moved}
    in_force = {name: version for name, version in standing.in_force.items() if name not in by_name}
    in_force |= {name: one.version for name, one in by_name.items() if one.in_force == one.version.number}
    beside = catalogue_of(version.as_body for version in in_force.values())
    wrong = {name for name, _ in broken_plays(by_name.keys(), beside, lint)}
    for index, (name, _) in enumerate(versions):
        decides = name in in_force and in_force[name] == by_name[name].version
        if name in wrong or (decides and faults_of(by_name[name].version.as_body, beside, lint)):
            raise DefinitionRefused(field=f"versions[{index}]")
    return moved


def _newest(version: Version) -> Definition:
    """A version as what it is asked to be, so that what is about to be in force counts."""
    retired = version.state is State.RETIRED
    state = State.RETIRED if retired else max(version.state, version.definition.state)
    return as_version(
        Definition(version.definition.name, state, version.definition.body), version.number, state
    )


def _judged(  # noqa: PLR0917 - what one definition is judged by
    definition: Definition,
    moved: Version | Fault,
    standing: Standing,
    beside: Catalogue,
    lint: Lint,
    found: Iterable[Fault],
) -> Applied:
    retires = definition.state is State.RETIRED
    before = standing.newest.get(definition.name)
    decides = standing.in_force.get(definition.name)
    faults = [*found, *_pilot_faults(definition, decides)]
    faults += [] if retires else faults_of(definition, beside, lint)
    if isinstance(moved, Fault):
        faults.append(moved)
    return Applied(
        moved=None
        if isinstance(moved, Fault)
        else Moved(moved, moved != before, in_force_after(moved, decides.number if decides else 0)),
        reads=definition_reads(definition, beside, lint),
        purposes=purposes_needed(definition),
        warnings=() if retires else tuple(warnings_of(definition, beside, lint)),
        faults=tuple(faults),
    )


def _pilot_faults(definition: Definition, decides: Version | None) -> Iterator[Fault]:
    """A pilot is approved by nobody, so it is of few people, and takes nothing away from the others."""
    if definition.state is not State.PILOT:
        return
    if definition.name.kind is not Kind.PLAY:
        yield Fault(
            "state", "PILOT_OF_PLAYS", "only a play has a rollout; anything else is LIVE once approved"
        )
    elif decides is not None and decides.state is State.LIVE:
        yield Fault("state", "PILOT_IN_PLACE", "it is LIVE for everybody; a pilot beside it has its own id")


def _named_twice(name: Name, seen: set[Name]) -> Iterator[Fault]:
    if name in seen:
        yield Fault("", "NAMED_TWICE", "each definition is given once")
    seen.add(name)


def _approved(standing: Standing, name: Name, number: int, author: Author, index: int) -> Moved:
    at = f"versions[{index}]"
    newest = standing.newest.get(name)
    if newest is None or number > newest.number:
        raise DefinitionUnknown(field=at)
    if number < newest.number or newest.state is State.RETIRED:
        raise VersionOutdated(field=f"{at}.version")
    if newest.applied.caller == author.caller:
        raise ApprovedByItsAuthor(field=at)
    version = approved(newest, author)
    decides = standing.in_force.get(name)
    return Moved(version, version != newest, in_force_after(version, decides.number if decides else 0))
