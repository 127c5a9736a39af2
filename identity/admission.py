"""Which edges join people now, said so that it can be decided by kind of edge and not edge by edge.

Whoever walks a graph may ask with any function of an edge. One of this shape is asked once for
all that is equal in evidence, source and sureness; of the edge itself only its instants are
looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from identity.ledger import Edge, Evidence

#: For how long after it was seen what a source saw by an evidence, so sure (permille), joins
#: people, in milliseconds; 0 if it does not.
Holds = Callable[[Evidence, str, int], int]


@dataclass(frozen=True, slots=True)
class Admission:
    """Admits edges that join people and have not run out.

    Attributes:
        holds_ms: for how long what was seen joins people.
        now_ms: the instant it is asked about, milliseconds since the epoch.
    """

    holds_ms: Holds
    now_ms: int

    def __call__(self, edge: Edge) -> bool:
        """Whether the edge is admitted."""
        holds_ms = self.holds_ms(edge.evidence, edge.source, edge.confidence_permille)
        return 0 < holds_ms > self.now_ms - edge.observed_at_ms and self.now_ms < edge.valid_until_ms
