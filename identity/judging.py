"""Decides what becomes of sightings, each as if those before it were in the ledger.

Refused are malformed evidence, evidence older than the correction that declared the same edge
wrong (so that no repeated import brings back what somebody has put right), a source whose word
does not count, and whatever the census of people refuses. The same edge seen again is refreshed
if it was seen later and otherwise changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from identity.census import Census, Known, Quarantine
from identity.effect import Effect, effect
from identity.graph import Graph, Reach
from identity.ids import SubjectId
from identity.ledger import Edge, EdgeKey, LedgerEntry, Sighting
from identity.linking import LinkRefusal, Ruling, Verdict
from identity.rules import Rules

#: A source's clock may be ahead by so much; what it saw was then seen now.
CLOCK_SKEW_MS = 60_000
#: So many edges between the same two are kept, by whichever sources; wrong ones do not count.
EDGES_BETWEEN_MAX = 64


class Judged(NamedTuple):
    """What becomes of sightings.

    Attributes:
        rulings: one for each, in their order.
        quarantines: what of the ledger is to join nobody because of them.
    """

    rulings: list[Ruling]
    quarantines: list[Quarantine]


class Undone(NamedTuple):
    """What a correction changes.

    Attributes:
        wrong: the edges it declares wrong, in their new states.
        quarantines: what else of the ledger is to join nobody because of it.
    """

    wrong: list[LedgerEntry]
    quarantines: list[Quarantine]


def reaches(ends: Iterable[SubjectId], graph: Graph, members_max: int) -> dict[SubjectId, Reach]:
    """Whom somebody is joined with, by whatever edge there is; those alone are left out."""
    found: dict[SubjectId, Reach] = {}
    for end in ends:
        if end not in found:
            reach = graph.asserted(end, members_max)
            if reach.complete and len(reach.members) > 1:
                found.update(dict.fromkeys(reach.members, reach))
            elif not reach.complete:
                found[end] = reach
    return found


def rule(
    sightings: Sequence[Sighting], entries: Iterable[LedgerEntry], known: Known, rules: Rules, now_ms: int
) -> Judged:
    """What becomes of each sighting, in order.

    Args:
        sightings: what was seen.
        entries: whatever the ledger has between the same ends, in any state.
        known: the people they are about.
        rules: what counts.
        now_ms: nothing is observed later than this.
    """
    ledger = _Between(entries, rules)
    seen = list(sightings)
    census = Census(rules, known, seen.__getitem__)
    first: dict[EdgeKey, int] = {}
    newest: dict[int, int] = {}  # by the place that was admitted, where the same edge was seen last
    rulings: list[Ruling] = []
    for place, sighting in enumerate(sightings):
        key = sighting.key
        ruling = _rule_one(sighting, key, ledger, census, now_ms)
        refusal = None
        admitted = _admitted(key, place, first, census)
        earlier = newest.get(admitted)
        if ruling.verdict is Verdict.NEW and earlier is not None:
            ruling = _later(ruling.sighting, rulings[earlier].sighting)
            seen[place] = ruling.sighting
            if ruling.verdict is Verdict.NEW:
                refusal = census.comes_back(place)
        elif ruling.verdict is Verdict.NEW:
            seen[place] = ruling.sighting
            refusal = census.admit(place)
        elif ruling.verdict is Verdict.SEEN_AGAIN:
            seen[place] = ruling.sighting
            refusal = census.see_again(place, ruling.edge_id)
        if refusal is not None:
            ruling = _refused(place, ruling.sighting, refusal, census)
        if ruling.verdict is Verdict.NEW:
            if earlier is not None:
                rulings[earlier] = Ruling(rulings[earlier].sighting, Verdict.KNOWN)
            else:
                ledger.count[key[:2]] += 1
            # Whatever comes after it is judged by what was seen last, in the place that was admitted.
            seen[admitted] = ruling.sighting
            first[key], newest[admitted] = admitted, place
        elif ruling.verdict is Verdict.SEEN_AGAIN:
            again = ruling.sighting
            ledger.standing[key] = _standing(ruling.edge_id, again, rules)
        rulings.append(ruling)
    return Judged(_without(census, rulings, newest), census.quarantines)


def taken_apart(pair: tuple[SubjectId, SubjectId], known: Known, rules: Rules) -> list[Quarantine]:
    """What else is to join nobody any more once nothing links two.

    While the two were one person by proof, nobody asked what guesses beside it would join, nor whether
    people hang together by an identifier that is not theirs alone.

    Args:
        pair: the two.
        known: the people they are in, as they still are.
        rules: what counts.
    """
    census = Census(rules, known, ().__getitem__)
    census.take_apart(pair)
    return census.quarantines


def source_refusal(sighting: Sighting, rules: Rules) -> LinkRefusal | None:
    """Why the word of a source does not count for a sighting."""
    source = rules.source(sighting.source)
    if not source.known:
        return LinkRefusal.SOURCE_UNKNOWN
    if not source.active:
        return LinkRefusal.SOURCE_RETIRED
    return None if sighting.evidence in source.evidence else LinkRefusal.EVIDENCE_NOT_OF_SOURCE


class _Standing(NamedTuple):
    """What is known of an edge that stands."""

    edge_id: int
    observed_at_ms: int
    confidence_permille: int
    effect: Effect


def _standing(edge_id: int, seen: Edge | Sighting, rules: Rules) -> _Standing:
    return _Standing(edge_id, seen.observed_at_ms, seen.confidence_permille, effect(seen, rules))


class _Between:
    """What the ledger has between the ends of the sightings.

    Attributes:
        rules: what counts.
        standing: the edges that stand.
        wrong_at_ms: when a pair was last declared wrong.
        count: how many rows a pair has that were not declared wrong.
    """

    def __init__(self, entries: Iterable[LedgerEntry], rules: Rules) -> None:
        self.rules = rules
        self.standing: dict[EdgeKey, _Standing] = {}
        self.wrong_at_ms: dict[tuple[SubjectId, SubjectId], int] = {}
        self.count: Counter[tuple[SubjectId, SubjectId]] = Counter()
        for edge, stated_at_ms, _ in entries:
            key, pair = EdgeKey(edge.a, edge.b, edge.evidence, edge.source), (edge.a, edge.b)
            if edge.state.declared_wrong:
                # Whatever was seen before is wrong with it, whoever saw it and by whichever rule.
                self.wrong_at_ms[pair] = max(stated_at_ms, self.wrong_at_ms.get(pair, 0))
                continue
            self.count[pair] += 1
            if edge.state.stands:
                self.standing[key] = _standing(edge.edge_id, edge, rules)


def _rule_one(sighting: Sighting, key: EdgeKey, ledger: _Between, census: Census, now_ms: int) -> Ruling:
    ahead_ms = sighting.observed_at_ms - now_ms
    if 0 < ahead_ms <= CLOCK_SKEW_MS:
        sighting = sighting._replace(observed_at_ms=now_ms)
    pair = key[:2]
    refusal = _malformed(sighting, now_ms)
    if refusal is None and sighting.observed_at_ms <= ledger.wrong_at_ms.get(pair, -1):
        refusal = LinkRefusal.DECLARED_WRONG
    if refusal is None and census.shared(*pair):
        refusal = LinkRefusal.IDENTIFIER_SHARED
    refusal = refusal or source_refusal(sighting, ledger.rules)
    if refusal is not None:
        return Ruling(sighting, Verdict.REFUSED, refusal)
    known = ledger.standing.get(key)
    if known is None:
        if ledger.count.get(pair, 0) >= EDGES_BETWEEN_MAX:
            return Ruling(sighting, Verdict.REFUSED, LinkRefusal.TOO_MUCH_EVIDENCE)
        return Ruling(sighting, Verdict.NEW)
    if sighting.observed_at_ms <= known.observed_at_ms:
        return Ruling(sighting, Verdict.KNOWN, edge_id=known.edge_id)
    # Whoever is less sure now does not take back what was shown: proof would become a guess that joins.
    sighting = _as_sure(sighting, known.confidence_permille)
    revives = _widens(known.effect, effect(sighting, ledger.rules), now_ms)
    return Ruling(sighting, Verdict.SEEN_AGAIN, edge_id=known.edge_id, revives=revives)


def _refused(place: int, sighting: Sighting, refusal: LinkRefusal, census: Census) -> Ruling:
    if refusal is not LinkRefusal.PERSON_KIND_LIMIT:
        return Ruling(sighting, Verdict.REFUSED, refusal)
    return Ruling(sighting, Verdict.REFUSED, refusal, census.detail(place), fault=census.fault(place))


def _admitted(key: EdgeKey, place: int, first: Mapping[EdgeKey, int], census: Census) -> int:
    """The place at which an edge was admitted: this one unless an earlier one was, and not given up since."""
    admitted = first.get(key, place)
    return place if admitted in census.given_up else admitted


def _later(sighting: Sighting, before: Sighting) -> Ruling:
    """What becomes of the same new edge twice in one batch: the later sighting is the edge."""
    if sighting.observed_at_ms <= before.observed_at_ms:
        return Ruling(sighting, Verdict.KNOWN)
    return Ruling(_as_sure(sighting, before.confidence_permille), Verdict.NEW)


def _as_sure(sighting: Sighting, confidence_permille: int) -> Sighting:
    """The sighting, at least as sure as an earlier one of the same edge."""
    if sighting.confidence_permille >= confidence_permille:
        return sighting
    return sighting._replace(confidence_permille=confidence_permille)


def _malformed(sighting: Sighting, now_ms: int) -> LinkRefusal | None:
    if sighting.subject == sighting.other:
        return LinkRefusal.TO_ITSELF
    if sighting.observed_at_ms > now_ms:
        return LinkRefusal.OBSERVED_IN_FUTURE
    return LinkRefusal.EXPIRES_BEFORE_OBSERVED if sighting.valid_until_ms <= sighting.observed_at_ms else None


def _widens(old: Effect, new: Effect, now_ms: int) -> bool:
    """Whether an edge counts for something that it did not count for."""
    proves = new.deterministic and not old.deterministic
    return proves or bool(new.at(now_ms) & ~old.at(now_ms))


def _without(census: Census, rulings: list[Ruling], newest: Mapping[int, int]) -> list[Ruling]:
    """The rulings, less the new edges that a later one of the batch has shown to join strangers."""
    for admitted, refusal in census.given_up.items():
        # A later sighting of the same edge stands in the place of the one that was admitted.
        place = newest.get(admitted)
        if place is not None:
            carries = census.carries(admitted)
            rulings[place] = Ruling(rulings[place].sighting, Verdict.REFUSED, refusal, carries=carries)
    return rulings
