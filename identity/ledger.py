"""The edge ledger: who said that two identifiers belong together, on what evidence.

Nothing is rewritten: an identifier keeps its birth subject for ever, and an edge is added,
seen again or declared wrong. There is no cluster to keep: a person is what a walk over the
edges reaches. Every change has a place in one numbered sequence, which others follow.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from identity.ids import IdentifierToken, SubjectId

#: The end of an edge that does not run out.
NEVER_MS = 1 << 62
CERTAIN_PERMILLE = 1000


class Evidence(IntEnum):
    """The rules by which two identifiers belong together, numbered as in the contract."""

    LOGIN = 1
    CARD_AT_CHECKOUT = 2
    CONFIRMED_CONTACT = 3
    SAME_ORDER = 4
    PARTNER_MATCH = 5
    SIMILARITY = 6


#: No rules file makes proof of these: they are what somebody thinks, not what somebody showed.
GUESSES = frozenset({Evidence.PARTNER_MATCH, Evidence.SIMILARITY})


class EdgeState(IntEnum):
    """What the ledger holds of an edge.

    Every change is pending until every guard table has it. A pending edge, whatever it is to
    become, joins nobody and carries refusals only, so that a crash at any point leaves less
    allowed and never more. An edge that has run out is still ``ACTIVE``: it joins
    nobody any more, but refusals keep spreading over it.
    """

    ACTIVE = 1
    #: Declared wrong by ``Unlink``: as if it had never been.
    WRONG = 2
    #: Never took effect; kept with its reason.
    REFUSED = 3
    #: To be ``ACTIVE`` once it is known everywhere.
    LINK_PENDING = 4
    #: To be ``WRONG`` once it is known everywhere.
    UNLINK_PENDING = 5
    #: Taken back: its own source showed that people share an end, or rules were applied under which
    #: it would not have been taken. It counts for nothing, so that not even a refusal spreads over a
    #: till; only rules that are applied bring it back.
    QUARANTINED = 6
    #: To be ``QUARANTINED`` once it is known everywhere.
    QUARANTINE_PENDING = 7
    #: Held while other rules come into force; what it comes to then stands beside those rules.
    RULES_PENDING = 8
    #: Taken back because of what others said: they showed that people share an end, or it became a
    #: guess between two people. It joins nobody and goes on carrying refusals, so that nobody's word
    #: frees one that it did not carry. Rules that are applied may bring it back.
    DISTRUSTED = 9

    @property
    def stands(self) -> bool:
        """Whether the edge is asserted and not declared wrong, acknowledged or not."""
        return self in {EdgeState.ACTIVE, EdgeState.LINK_PENDING}

    @property
    def quarantined(self) -> bool:
        """Whether rules took it back, acknowledged or not."""
        return self in {EdgeState.QUARANTINED, EdgeState.QUARANTINE_PENDING}

    @property
    def asserted(self) -> bool:
        """Whether somebody said so and nobody that it is wrong, whatever rules make of it."""
        return self.stands or self.quarantined or self in {EdgeState.RULES_PENDING, EdgeState.DISTRUSTED}

    @property
    def declared_wrong(self) -> bool:
        """Whether the edge was declared wrong, acknowledged or not."""
        return self in {EdgeState.WRONG, EdgeState.UNLINK_PENDING}

    @property
    def pending(self) -> bool:
        """Whether it is on its way: it carries refusals only."""
        return self in CONFIRMED or self is EdgeState.RULES_PENDING


#: What a pending edge becomes when it is acknowledged.
CONFIRMED = {
    EdgeState.LINK_PENDING: EdgeState.ACTIVE,
    EdgeState.UNLINK_PENDING: EdgeState.WRONG,
    EdgeState.QUARANTINE_PENDING: EdgeState.QUARANTINED,
}


class Edge(NamedTuple):
    """One piece of evidence that two birth subjects are one person. A tuple: made four times a link.

    Attributes:
        edge_id: number in the ledger.
        a: the smaller end.
        b: the other end; an edge has no direction.
        evidence: by which rule.
        source: the system that saw it.
        observed_at_ms: when it was last seen, milliseconds since the epoch.
        valid_until_ms: from when on it joins nobody; ``NEVER_MS`` if it does not run out.
        confidence_permille: how sure the source was.
        state: what the ledger holds of it.
    """

    edge_id: int
    a: SubjectId
    b: SubjectId
    evidence: Evidence
    source: str
    observed_at_ms: int
    valid_until_ms: int
    confidence_permille: int
    state: EdgeState

    def other(self, end: SubjectId) -> SubjectId:
        """The end that is not ``end``."""
        return self.b if end == self.a else self.a

    def seen_again(self, seen: Sighting) -> Edge:
        """The edge as it is by a later sighting of it."""
        return self._replace(
            observed_at_ms=seen.observed_at_ms,
            valid_until_ms=seen.valid_until_ms,
            confidence_permille=seen.confidence_permille,
        )


class EdgeKey(NamedTuple):
    """What makes two sightings the same edge; at most one edge that stands has a key."""

    a: SubjectId
    b: SubjectId
    evidence: Evidence
    source: str


class Sighting(NamedTuple):
    """What a source saw, before it is in the ledger; attributes as of ``Edge``."""

    subject: SubjectId
    other: SubjectId
    evidence: Evidence
    source: str
    observed_at_ms: int
    valid_until_ms: int
    confidence_permille: int

    @property
    def key(self) -> EdgeKey:
        """The edge this is a sighting of."""
        return EdgeKey(*ordered(self.subject, self.other), self.evidence, self.source)


class LedgerEntry(NamedTuple):
    """An edge and when and why it came to its state."""

    edge: Edge
    stated_at_ms: int
    reason: str


class Newborn(NamedTuple):
    """An identifier seen for the first time, with the birth subject it is to get."""

    token: IdentifierToken
    kind: int
    subject: SubjectId


class Births(NamedTuple):
    """What became of newborns.

    Attributes:
        subjects: the birth subject of each token: its own, or an earlier one's.
        created: the tokens that were new.
        seq: every birth among ``subjects`` is in the sequence up to here.
    """

    subjects: dict[IdentifierToken, SubjectId]
    created: frozenset[IdentifierToken]
    seq: int


class Saved(NamedTuple):
    """What a write changed: the edges in their new state, and its place in the sequence."""

    edges: tuple[Edge, ...]
    seq: int


class Pending(NamedTuple):
    """Edges that wait to be confirmed, and the last place in the sequence at which one began to."""

    edges: tuple[Edge, ...]
    seq: int


class GraphChange(NamedTuple):
    """One step of the ledger, as its followers read it.

    Attributes:
        seq: place in the sequence, counted from 1.
        births: birth subjects that are new.
        edges: edges that were added, seen again, declared wrong or confirmed.
        suppressed: the births that begin with refusals of marketing and sharing.
    """

    seq: int
    births: tuple[SubjectId, ...]
    edges: tuple[Edge, ...]
    suppressed: tuple[SubjectId, ...] = ()


def ordered(one: SubjectId, other: SubjectId) -> tuple[SubjectId, SubjectId]:
    """Two ends in the order the ledger keeps them in."""
    return (one, other) if one < other else (other, one)
