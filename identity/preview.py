"""What other rules would change: the plan, and in every view the people who would split or merge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass

from identity.columns import Columns
from identity.ids import SubjectId
from identity.ledger import Edge, EdgeState
from identity.repartition import Repartition, people_in, repartition
from identity.replay import Plan, plan, replay
from identity.rules import Rules


@dataclass(frozen=True, slots=True)
class MovedEdge:
    """An edge that would come back or go.

    Attributes:
        edge: as it stands.
        comes_back: it would stand, and does not.
        reason: why it would not stand; of one that comes back, why it did not.
    """

    edge: Edge
    comes_back: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What rules would change.

    Attributes:
        ledger: what they were replayed over.
        plan: how the ledger would come to them.
        views: by name of the view, its people.
        going: of the edges that would go, how many for which reason.
        edges: a few of the edges that would come back or go.
    """

    ledger: Columns
    plan: Plan
    views: Mapping[str, Repartition]
    going: Mapping[str, int]
    edges: tuple[MovedEdge, ...]


def preview(
    ledger: Columns,
    before: Rules,
    after: Rules,
    blocked: Container[SubjectId],
    *,
    now_ms: int,
    some_max: int,
) -> Preview:
    """Replays rules over the ledger and compares.

    Args:
        ledger: all of it.
        before: the rules in force.
        after: rules with the same views.
        blocked: identifiers that stand for none under ``after``.
        now_ms: the instant people are counted at.
        some_max: so many people and edges of each sort are told, not just counted.
    """
    replayed = replay(ledger, after, blocked, now_ms)
    planned = plan(ledger, before, after, replayed)
    was, becomes = ledger.effects(before), ledger.effects(after)
    stood = planned.stood
    views = {
        name: repartition(
            people_in(ledger, stood, was, view, now_ms),
            people_in(ledger, replayed.stands, becomes, view, now_ms),
            some_max,
        )
        for view, name in enumerate(before.views)
    }
    moved = [place for place, row in enumerate(planned.rows.tolist()) if stood[row] != planned.stands(place)]
    return Preview(
        ledger,
        planned,
        views,
        Counter(planned.reasons[place] for place in moved if not planned.stands(place)),
        tuple(_moved_edge(ledger, planned, place) for place in moved[:some_max]),
    )


def _moved_edge(ledger: Columns, planned: Plan, place: int) -> MovedEdge:
    row, stands = int(planned.rows[place]), planned.stands(place)
    reason = ledger.reasons[int(ledger.reason_of[row])] if stands else planned.reasons[place]
    edge = ledger.edge(row)
    assert edge.state is not EdgeState.RULES_PENDING  # noqa: S101 - nothing is previewed during a change
    return MovedEdge(edge, stands, reason)
