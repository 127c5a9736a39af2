"""The whole ledger as columns: what rules are replayed over, at a tenth of what objects would weigh.

Rows stand in the ledger's order. What edges say (evidence, source, confidence) is kept once for
all that say the same, so that what they count for is worked out once as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from identity.effect import Effect, effect
from identity.ids import SubjectId
from identity.ledger import NEVER_MS, Edge, EdgeState, LedgerEntry, Sighting
from identity.marks import Mark
from identity.rules import Rules

Numbers: TypeAlias = NDArray[np.int64]
_ANYBODY = SubjectId(bytes(16))


class Says(NamedTuple):
    """What an edge says, but for whom it is about and when."""

    evidence: Any
    source: str
    confidence_permille: int


class Columns:
    """The rows of the ledger.

    Attributes:
        subjects: the birth subject of each number, in the order in which the ledger names them.
        kinds: the kind of identifier of each subject that is known.
        shared: the identifiers that people share, each with what showed it.
        says: what edges say; ``says_of`` is each row's place in it.
        reasons: why rows were refused, taken back or declared wrong; ``reason_of`` likewise.
        edge_id, a, b, says_of, observed_at_ms, valid_until_ms, state, stated_at_ms, reason_of: a value
            a row; ``a`` and ``b`` are numbers of subjects.
    """

    def __init__(
        self,
        entries: Iterable[LedgerEntry],
        kinds: Mapping[SubjectId, int],
        shared: Mapping[SubjectId, Mark] = MappingProxyType({}),
    ) -> None:
        """Takes rows, in the ledger's order."""
        self.kinds = kinds
        self.shared = shared
        numbers: dict[SubjectId, int] = {}
        says: dict[Says, int] = {}
        reasons: dict[str, int] = {}
        rows: list[tuple[int, ...]] = []
        blocks: list[Numbers] = []
        for edge, stated_at_ms, reason in entries:
            rows.append(
                (
                    edge.edge_id,
                    numbers.setdefault(edge.a, len(numbers)),
                    numbers.setdefault(edge.b, len(numbers)),
                    says.setdefault(Says(edge.evidence, edge.source, edge.confidence_permille), len(says)),
                    edge.observed_at_ms,
                    edge.valid_until_ms,
                    edge.state,
                    stated_at_ms,
                    reasons.setdefault(reason, len(reasons)),
                )
            )
            if len(rows) == _BLOCK:
                blocks.append(_block(rows))
                rows = []
        blocks.append(_block(rows))
        table = np.concatenate(blocks)
        (
            self.edge_id,
            self.a,
            self.b,
            self.says_of,
            self.observed_at_ms,
            self.valid_until_ms,
            self.state,
            self.stated_at_ms,
            self.reason_of,
        ) = (np.ascontiguousarray(column) for column in table.T)
        self.subjects: Sequence[SubjectId] = list(numbers)
        self.says: Sequence[Says] = list(says)
        self.reasons: Sequence[str] = list(reasons)

    def __len__(self) -> int:
        return len(self.edge_id)

    def sighting(self, row: int) -> Sighting:
        """What a source saw, as it stands in a row."""
        says = self.says[self.says_of[row]]
        return Sighting(
            self.subjects[self.a[row]],
            self.subjects[self.b[row]],
            says.evidence,
            says.source,
            int(self.observed_at_ms[row]),
            int(self.valid_until_ms[row]),
            says.confidence_permille,
        )

    def edge(self, row: int) -> Edge:
        """The edge of a row."""
        seen = self.sighting(row)
        return Edge(int(self.edge_id[row]), *seen, EdgeState(int(self.state[row])))

    def effects(self, rules: Rules) -> Effects:
        """What each row counts for under rules, while it stands."""
        told = [
            effect(
                Sighting(_ANYBODY, _ANYBODY, one.evidence, one.source, 0, NEVER_MS, one.confidence_permille),
                rules,
            )
            for one in self.says
        ]
        holds_ms = np.array([rules.evidence[one.evidence].holds_ms for one in self.says], np.int64)
        ends_ms = self.observed_at_ms + np.minimum(holds_ms[self.says_of], NEVER_MS)
        views = np.array([one.views for one in told], np.int64)[self.says_of]
        return Effects(told, views, np.minimum(self.valid_until_ms, ends_ms))


class Effects(NamedTuple):
    """What rows count for under rules.

    Attributes:
        told: by what they say, but for when it ends.
        views: for each row the views it joins people in.
        ends_ms: for each row from when on it carries refusals only.
    """

    told: list[Effect]
    views: Numbers
    ends_ms: Numbers


_BLOCK = 50_000
_COLUMNS = 9


def _block(rows: list[tuple[int, ...]]) -> Numbers:
    return np.array(rows, np.int64).reshape(-1, _COLUMNS)
