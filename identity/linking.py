"""Decides what becomes of sightings and what a repeated request is.

A link is refused rather than doubted: malformed evidence, a source whose word does not count, a
person grown too large, or evidence older than the correction that declared the same edge wrong,
so that no repeated import brings back what somebody has put right. The same edge seen again is
refreshed if it was seen later and otherwise changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from identity.effect import Effect, effect
from identity.errors import LinkNotFound, RequestIdReused
from identity.graph import Graph
from identity.ids import SubjectId
from identity.ledger import EdgeKey, EdgeState, LedgerEntry, Sighting
from identity.rules import Rules

#: A source's clock may be ahead by so much; what it saw was then seen now.
CLOCK_SKEW_MS = 60_000
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


#: Malformed requests: they say nothing about people, and the ledger keeps none of them.
_MALFORMED = frozenset(
    {LinkRefusal.TO_ITSELF, LinkRefusal.OBSERVED_IN_FUTURE, LinkRefusal.EXPIRES_BEFORE_OBSERVED}
)


class Verdict(Enum):
    """What becomes of a sighting."""

    NEW = "new"
    SEEN_AGAIN = "seen again"
    KNOWN = "known"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What becomes of one sighting.

    Attributes:
        sighting: what was seen.
        verdict: what becomes of it.
        refusal: why it was refused.
        edge_id: the edge that was seen again.
        revives: that edge is to count for more than it did: it is pending like a new one.
    """

    sighting: Sighting
    verdict: Verdict
    refusal: LinkRefusal | None = None
    edge_id: int = 0
    revives: bool = False

    @property
    def recorded(self) -> bool:
        """Whether it makes a row of the ledger: new edges, and what rules or a correction refuse."""
        return self.verdict is Verdict.NEW or (self.refusal is not None and self.refusal not in _MALFORMED)


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


def rule(
    sightings: Sequence[Sighting], known: Iterable[LedgerEntry], graph: Graph, rules: Rules, now_ms: int
) -> list[Ruling]:
    """What becomes of each sighting, in order, each judged as if those before it were in the ledger.

    Args:
        sightings: what was seen.
        known: whatever the ledger has between the same ends, in any state.
        graph: the edges of the ledger.
        rules: what counts.
        now_ms: nothing is observed later than this.
    """
    standing, wrong_at_ms = _index(known, rules)
    growth = _Growth(graph, rules.members_max)
    added: dict[EdgeKey, int] = {}
    rulings: list[Ruling] = []
    for sighting in sightings:
        ruling = _rule_one(sighting, standing, wrong_at_ms, rules, now_ms)
        if ruling.verdict is Verdict.NEW:
            earlier = added.get(sighting.key)
            if earlier is not None:
                # The same new edge twice in one batch: the later sighting is the edge.
                if sighting.observed_at_ms <= rulings[earlier].sighting.observed_at_ms:
                    ruling = Ruling(sighting, Verdict.KNOWN)
                else:
                    rulings[earlier] = Ruling(rulings[earlier].sighting, Verdict.KNOWN)
            elif not growth.join(sighting.subject, sighting.other):
                ruling = Ruling(sighting, Verdict.REFUSED, LinkRefusal.PERSON_TOO_LARGE)
        if ruling.verdict is Verdict.NEW:
            added[sighting.key] = len(rulings)
        elif ruling.verdict is Verdict.SEEN_AGAIN:
            standing[sighting.key] = _Standing(
                ruling.edge_id, sighting.observed_at_ms, effect(sighting, rules)
            )
        rulings.append(ruling)
    return rulings


def undo(known: Iterable[LedgerEntry], reason: str, now_ms: int) -> list[LedgerEntry]:
    """What ``Unlink`` makes of what is between two: every edge that stands is to be wrong.

    Run out or not, pending or not; it is wrong in effect once that is known everywhere.

    Raises:
        LinkNotFound: there is no such edge.
    """
    wrong = [
        LedgerEntry(replace(edge, state=EdgeState.UNLINK_PENDING), now_ms, reason)
        for edge, _, _ in known
        if edge.state.stands
    ]
    if not wrong:
        raise LinkNotFound
    return wrong


def fingerprint(*parts: bytes | str | int) -> bytes:
    """Eight bytes that tell one element of a request from another."""
    state = hashlib.blake2b(digest_size=FINGERPRINT_BYTES)
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        state.update(len(data).to_bytes(4, "big") + data)
    return state.digest()


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


class _Standing(NamedTuple):
    """What is known of an edge that stands."""

    edge_id: int
    observed_at_ms: int
    effect: Effect


def _index(
    known: Iterable[LedgerEntry], rules: Rules
) -> tuple[dict[EdgeKey, _Standing], dict[tuple[SubjectId, SubjectId], int]]:
    standing: dict[EdgeKey, _Standing] = {}
    wrong_at_ms: dict[tuple[SubjectId, SubjectId], int] = {}
    for edge, stated_at_ms, _ in known:
        key = EdgeKey(edge.a, edge.b, edge.evidence, edge.source)
        if edge.state.stands:
            standing[key] = _Standing(edge.edge_id, edge.observed_at_ms, effect(edge, rules))
        elif edge.state.declared_wrong:
            # Whatever was seen before is wrong with it, whoever saw it and by whichever rule.
            wrong_at_ms[edge.a, edge.b] = max(stated_at_ms, wrong_at_ms.get((edge.a, edge.b), 0))
    return standing, wrong_at_ms


def _rule_one(
    sighting: Sighting,
    standing: Mapping[EdgeKey, _Standing],
    wrong_at_ms: Mapping[tuple[SubjectId, SubjectId], int],
    rules: Rules,
    now_ms: int,
) -> Ruling:
    ahead_ms = sighting.observed_at_ms - now_ms
    if 0 < ahead_ms <= CLOCK_SKEW_MS:
        sighting = sighting._replace(observed_at_ms=now_ms)
    refusal = None
    if sighting.subject == sighting.other:
        refusal = LinkRefusal.TO_ITSELF
    elif ahead_ms > CLOCK_SKEW_MS:
        refusal = LinkRefusal.OBSERVED_IN_FUTURE
    elif sighting.valid_until_ms <= sighting.observed_at_ms:
        refusal = LinkRefusal.EXPIRES_BEFORE_OBSERVED
    elif sighting.observed_at_ms <= wrong_at_ms.get((sighting.key.a, sighting.key.b), -1):
        refusal = LinkRefusal.DECLARED_WRONG
    else:
        refusal = _refusal_of_source(sighting, rules)
    if refusal is not None:
        return Ruling(sighting, Verdict.REFUSED, refusal)
    known = standing.get(sighting.key)
    if known is None:
        return Ruling(sighting, Verdict.NEW)
    if sighting.observed_at_ms <= known.observed_at_ms:
        return Ruling(sighting, Verdict.KNOWN, edge_id=known.edge_id)
    revives = _widens(known.effect, effect(sighting, rules), now_ms)
    return Ruling(sighting, Verdict.SEEN_AGAIN, edge_id=known.edge_id, revives=revives)


def _refusal_of_source(sighting: Sighting, rules: Rules) -> LinkRefusal | None:
    source = rules.source(sighting.source)
    if not source.known:
        return LinkRefusal.SOURCE_UNKNOWN
    if not source.active:
        return LinkRefusal.SOURCE_RETIRED
    return None if sighting.evidence in source.evidence else LinkRefusal.EVIDENCE_NOT_OF_SOURCE


def _widens(old: Effect, new: Effect, now_ms: int) -> bool:
    """Whether an edge counts for something that it did not count for."""
    proves = new.deterministic and not old.deterministic
    return proves or bool(new.at(now_ms) & ~old.at(now_ms))


class _Growth:
    """How large people would get, were the sightings of a batch in the ledger one by one."""

    def __init__(self, graph: Graph, members_max: int) -> None:
        self._graph = graph
        self._members_max = members_max
        self._people: dict[SubjectId, set[SubjectId]] = {}

    def join(self, one: SubjectId, other: SubjectId) -> bool:
        """Joins two people; False if the person would be too large, or one already is."""
        mine, theirs = self._person(one), self._person(other)
        if not mine or not theirs:
            return False
        if mine is theirs:
            return True
        if len(mine) + len(theirs) > self._members_max:
            return False
        mine |= theirs
        self._people.update(dict.fromkeys(theirs, mine))
        return True

    def _person(self, subject: SubjectId) -> set[SubjectId]:
        """Everybody joined with a subject; nobody if they are more than the largest person."""
        if subject not in self._people:
            reach = self._graph.asserted(subject, self._members_max)
            if not reach.complete:
                return set()
            person = set(reach.members)
            self._people.update(dict.fromkeys(person, person))
        return self._people[subject]
