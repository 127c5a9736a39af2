"""Whom a request for one's rights covers: the proven, and whom they are provably one person with.

Being linked is not enough. Whoever links themselves to a victim would otherwise be shown, or
erase, the victim. So an edge is followed only if a registered verifier saw one person prove
both its ends, and while both ends permit the linking. Whoever is joined in any other way is
a neighbour: known to be there, not opened, to be proven in turn. What lies beyond a neighbour
is the neighbour's, and is not even counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from consent.component import EdgeFact, EdgeState
from identity.ids import SubjectId


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whom a request covers.

    Attributes:
        proven: the birth subjects that tokens name, in the order of the tokens.
        linked: those one with them by evidence proven on both sides, in the order reached.
        neighbours: those only linked with them otherwise; named by kind and asked for.
    """

    proven: tuple[SubjectId, ...]
    linked: tuple[SubjectId, ...]
    neighbours: tuple[SubjectId, ...]

    @property
    def covered(self) -> tuple[SubjectId, ...]:
        """Whose data the request is about."""
        return self.proven + self.linked


def coverage(
    proven: Iterable[SubjectId],
    edges_at: Callable[[SubjectId], Sequence[EdgeFact]],
    reaches: Callable[[EdgeFact], bool],
) -> Coverage:
    """Walks from the proven over the edges that ``reaches`` admits, and looks one step further.

    Args:
        proven: whom tokens name.
        edges_at: the edges of a birth subject that are not wrong.
        reaches: which edges prove that both ends are one person, see ``proves_both_ends``.
    """
    begun = tuple(dict.fromkeys(proven))
    reached = dict.fromkeys(begun)
    beside: dict[SubjectId, None] = {}
    for subject in (order := list(begun)):
        for edge in edges_at(subject):
            other = edge.b if edge.a == subject else edge.a
            if not reaches(edge):
                beside[other] = None
            elif other not in reached:
                reached[other] = None
                order.append(other)
    neighbours = tuple(subject for subject in beside if subject not in reached)
    return Coverage(begun, tuple(order[len(begun) :]), neighbours)


def proves_both_ends(
    attesters: Collection[str], permits: Callable[[SubjectId, int], bool], now_ms: int
) -> Callable[[EdgeFact], bool]:
    """Which edges a request follows.

    Args:
        attesters: the verifiers registered now; one struck off the list attests nothing any more.
        permits: whether a birth subject permits a purpose (a bit position) now.
        now_ms: the present instant, milliseconds since the epoch.
    """

    def reaches(edge: EdgeFact) -> bool:
        return (
            edge.attested_by in attesters
            and edge.state is EdgeState.ACTIVE
            and now_ms < edge.valid_until_ms
            and all(permits(end, edge.link_purpose) for end in (edge.a, edge.b))
        )

    return reaches
