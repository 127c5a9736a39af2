"""One person as the graph knows it: everybody that links which stand reach, and every link of theirs.

A link that does not stand is part of the picture and joins nobody in it: its other end is
named as one that was not reached. The picture is bounded, and says so when it was cut.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from identity.graph import Graph
from identity.ids import SubjectId
from identity.ledger import Edge, LedgerEntry

MEMBERS_MAX = 500
LINKS_MAX = 2_000


class Birth(NamedTuple):
    """What kind of identifier a birth subject is, and when it was first seen."""

    kind: int
    born_at_ms: int


class Person(NamedTuple):
    """A person's part of the graph.

    Attributes:
        reached: whom links that stand reach, the start first.
        beyond: the other ends of links that do not stand.
        links: every link of those reached, oldest first.
        complete: False if there is more.
    """

    reached: tuple[SubjectId, ...]
    beyond: tuple[SubjectId, ...]
    links: tuple[LedgerEntry, ...]
    complete: bool


class PersonStore(Protocol):
    """What is asked of a ledger to show a person."""

    async def births_of(self, subjects: Collection[SubjectId]) -> Mapping[SubjectId, Birth]:
        """Kind and birth of each subject that is known."""

    async def entries_at(self, subjects: Collection[SubjectId], limit: int) -> Sequence[LedgerEntry]:
        """Up to ``limit`` entries, oldest first.

        Those whose smaller end is one of the subjects, in whatever state, and those that do not
        stand whose larger end is one.
        """


def reached_from(start: SubjectId, graph: Graph) -> tuple[tuple[SubjectId, ...], bool]:
    """Whom links that stand reach, nearest first, and whether those are all.

    Pending links count, as they do for how large a person may become.
    """
    reach = graph.asserted(start, MEMBERS_MAX)
    if reach.complete:
        return reach.members, True
    nearest, seen = [start], {start}
    for subject in nearest:
        for edge in sorted(graph.at(subject), key=_age):
            other = edge.other(subject)
            if other not in seen and len(nearest) < MEMBERS_MAX:
                seen.add(other)
                nearest.append(other)
    return tuple(nearest), False


def person_of(reached: Sequence[SubjectId], entries: Sequence[LedgerEntry], *, complete: bool) -> Person:
    """The person made of those reached and of what the ledger has at them.

    Args:
        reached: see ``reached_from``.
        entries: as ``PersonStore.entries_at`` gives them for those, asked for one more than
            ``LINKS_MAX``.
        complete: nobody else is reached.
    """
    links = tuple(entries[:LINKS_MAX])
    known = set(reached)
    beyond = dict.fromkeys(end for entry in links for end in (entry.edge.a, entry.edge.b) if end not in known)
    return Person(tuple(reached), tuple(beyond), links, complete and len(entries) <= LINKS_MAX)


def without(person: Person, gone: Collection[SubjectId]) -> Person:
    """The person without some birth subjects and all links of theirs."""
    return Person(
        tuple(one for one in person.reached if one not in gone),
        tuple(one for one in person.beyond if one not in gone),
        tuple(link for link in person.links if link.edge.a not in gone and link.edge.b not in gone),
        person.complete,
    )


def _age(edge: Edge) -> int:
    return edge.edge_id
