"""One row of the edge ledger, and the edge it is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from identity.ids import SubjectId
from identity.ledger import Edge, EdgeState, Evidence

#: The columns of an edge but for its state, which a change of it may tell differently.
EDGE = "edge_id, a, b, evidence, source, observed_at_ms, valid_until_ms, confidence_permille"

#: Looking a member up by its value is three times the price of a dictionary.
_EVIDENCE = {int(one): one for one in Evidence}
_STATES = {int(one): one for one in EdgeState}


def edge_of(row: Sequence[Any]) -> Edge:
    """The edge of a row that begins with ``EDGE`` and its state."""
    edge_id, a, b, evidence, source, observed_at_ms, valid_until_ms, confidence_permille, state = row[:9]
    return Edge(
        edge_id,
        SubjectId(a),
        SubjectId(b),
        _EVIDENCE[evidence],
        sys.intern(source),
        observed_at_ms,
        valid_until_ms,
        confidence_permille,
        _STATES[state],
    )
