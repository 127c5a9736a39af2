"""What can become of sightings, what a correction does, and what a repeated request is.

A link is refused rather than doubted, and what rules or a correction refuse is kept with its
reason: one row for each edge that somebody goes on asserting, however often. A request that
comes again is the same one as far as both times were judged, and is carried out once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from identity.errors import LinkNotFound, RequestIdReused
from identity.ledger import EdgeState, LedgerEntry, Sighting

FINGERPRINT_BYTES = 8
_NOT_JUDGED = bytes(FINGERPRINT_BYTES)


class LinkRefusal(Enum):
    """Why a sighting was refused."""

    TO_ITSELF = "LINK_TO_ITSELF"
    OBSERVED_IN_FUTURE = "OBSERVED_IN_FUTURE"
    EXPIRES_BEFORE_OBSERVED = "EXPIRES_BEFORE_OBSERVED"
    DECLARED_WRONG = "LINK_DECLARED_WRONG"
    BLOCKED_VALUE = "BLOCKED_VALUE"
    SOURCE_UNKNOWN = "SOURCE_UNKNOWN"
    SOURCE_RETIRED = "SOURCE_RETIRED"
    EVIDENCE_NOT_OF_SOURCE = "EVIDENCE_NOT_OF_SOURCE"
    PERSON_TOO_LARGE = "PERSON_TOO_LARGE"
    PERSON_KIND_LIMIT = "PERSON_KIND_LIMIT"
    BRIDGES_PEOPLE = "LINK_BRIDGES_PEOPLE"
    IDENTIFIER_SHARED = "IDENTIFIER_SHARED"
    TOO_MUCH_EVIDENCE = "TOO_MUCH_EVIDENCE"


#: Malformed requests and floods: they say nothing about people, and the ledger keeps none of them.
_UNKEPT = frozenset(
    {
        LinkRefusal.TO_ITSELF,
        LinkRefusal.OBSERVED_IN_FUTURE,
        LinkRefusal.EXPIRES_BEFORE_OBSERVED,
        LinkRefusal.TOO_MUCH_EVIDENCE,
    }
)


class Verdict(Enum):
    """What becomes of a sighting."""

    NEW = "new"
    SEEN_AGAIN = "seen again"
    KNOWN = "known"
    REFUSED = "refused"


class Ruling(NamedTuple):
    """What becomes of one sighting.

    Attributes:
        sighting: what was seen.
        verdict: what becomes of it.
        refusal: why it was refused.
        detail: what of it, e.g. the kind of identifier a person has too many of.
        fault: the end at fault, ``subject`` or ``other``, where it is one of them.
        edge_id: the edge that was seen again.
        revives: that edge is to count for more than it did: it is pending like a new one.
        carries: it joins nobody and carries refusals, as one does that was taken before and then given up.
    """

    sighting: Sighting
    verdict: Verdict
    refusal: LinkRefusal | None = None
    detail: str = ""
    edge_id: int = 0
    revives: bool = False
    carries: bool = False
    fault: str = ""

    @property
    def recorded(self) -> bool:
        """Whether it has a row in the ledger: new edges, and what rules or a correction refuse.

        An edge that is refused again is kept in the row of the first time.
        """
        return self.verdict is Verdict.NEW or (self.refusal is not None and self.refusal not in _UNKEPT)

    @property
    def reason(self) -> str:
        """The refusal as the ledger keeps it."""
        return "" if self.refusal is None else ":".join(filter(None, (self.refusal.value, self.detail)))


class Request(NamedTuple):
    """A write that may come again.

    Attributes:
        caller: who asks.
        method: for what.
        request_id: the caller's name for it.
        fingerprints: 8 bytes for each element, zeros for those refused before they were judged.
    """

    caller: str
    method: str
    request_id: str
    fingerprints: bytes


class Done(NamedTuple):
    """A request that was carried out: what it was, its answer, its place in the sequence."""

    fingerprints: bytes
    answer: bytes
    seq: int


def undo(known: Iterable[LedgerEntry], reason: str, now_ms: int) -> list[LedgerEntry]:
    """What ``Unlink`` makes of what is between two: whatever somebody asserted is to be wrong.

    Run out or not, pending or not, refused or not, so that no laxer rules bring it back. It is wrong
    in effect once that is known everywhere, and at once where it counted for nothing.

    Raises:
        LinkNotFound: there is no such edge.
    """
    wrong = [
        LedgerEntry(edge._replace(state=_undone(edge.state)), now_ms, reason)
        for edge, _, _ in known
        if edge.state.asserted or edge.state is EdgeState.REFUSED
    ]
    if not wrong:
        raise LinkNotFound
    return wrong


def _undone(state: EdgeState) -> EdgeState:
    counts_for_nothing = state in {EdgeState.QUARANTINED, EdgeState.REFUSED}
    return EdgeState.WRONG if counts_for_nothing else EdgeState.UNLINK_PENDING


def fingerprint(*parts: bytes | str | int) -> bytes:
    """Eight bytes that tell one element of a request from another."""
    told = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    framed = b"".join([len(part).to_bytes(4, "big") + part for part in told])
    return hashlib.blake2b(framed, digest_size=FINGERPRINT_BYTES).digest()


def fingerprints(elements: Mapping[int, bytes], count: int) -> bytes:
    """The fingerprints of a request of ``count`` elements, of which some were judged."""
    return b"".join(elements.get(index, _NOT_JUDGED) for index in range(count))


def check_same(request: Request, done: Done) -> None:
    """A repeat must be the same request, as far as both were judged.

    Raises:
        RequestIdReused: it is another one.
    """
    if len(request.fingerprints) != len(done.fingerprints):
        raise RequestIdReused
    for start in range(0, len(done.fingerprints), FINGERPRINT_BYTES):
        now, then = (
            prints[start : start + FINGERPRINT_BYTES] for prints in (request.fingerprints, done.fingerprints)
        )
        if now != then and _NOT_JUDGED not in (now, then):
            raise RequestIdReused
