"""Versions of definitions as the store keeps them, made into those that are judged, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from engagement.applying import Standing
from engagement.definition import Author, Definition, Version
from engagement.play import State
from services.engagement.definition_messages import DefinitionMalformed, definition_of
from services.storage.definitions import Kept, KeptVersion, Placed
from veilgraph.engagement.v1 import definition_pb2

#: Definitions that are kept as they were read: all are looked at whenever one changes.
_READ_MAX = 5_000


def versions_of(placed: Iterable[Placed], log: Callable[[str], object]) -> Iterator[Version]:
    """The versions that can be understood; the others are told of and left out."""
    for one in placed:
        try:
            yield version_of(one.kept)
        except (DefinitionMalformed, ValueError) as error:
            log(f"definition {one.kept.kind}/{one.kept.id} version {one.kept.version} not used: {error}")


@lru_cache(_READ_MAX)
def _read(content: bytes) -> Definition:
    return definition_of(definition_pb2.Definition.FromString(content))


def message_of(kept: KeptVersion) -> definition_pb2.Definition:
    """What a version says, as the contract has it; its state is the one that was asked for."""
    return definition_pb2.Definition.FromString(kept.content)


def version_of(kept: KeptVersion) -> Version:
    """A version that is kept.

    Raises:
        DefinitionMalformed: this program does not understand it.
    """
    approved = (
        Author(kept.approved_by, kept.approved_at_ms)
        if kept.approved_by is not None and kept.approved_at_ms is not None
        else None
    )
    return Version(
        _read(kept.content),
        kept.version,
        State(kept.state),
        Author(kept.applied_by, kept.applied_at_ms),
        approved,
    )


def standing_of(kept: Kept) -> Standing:
    """All that is kept, as it is judged; of each definition the newest version and the one in force."""
    newest = [version_of(one.kept) for one in kept.versions if one.kept.version == one.newest]
    in_force = [version_of(one.kept) for one in kept.versions if one.kept.version == one.in_force]
    return Standing(
        {version.definition.name: version for version in newest},
        {version.definition.name: version for version in in_force},
    )


def kept_of(version: Version, content: bytes, in_force: int) -> Placed:
    """A version to be kept as the newest of its definition.

    Args:
        version: as it is now.
        content: what it says, as the contract has it.
        in_force: the version of the definition that decides; 0: none.
    """
    kept = KeptVersion(
        int(version.definition.name.kind),
        version.definition.name.id,
        version.number,
        content,
        int(version.state),
        *version.applied,
        *(version.approved or (None, None)),
    )
    return Placed(kept, version.number, in_force)
