"""What other rules would make of the whole ledger: every edge judged again, in the ledger's order.

Replayed is whatever somebody asserted and nobody declared wrong, also what rules refused or took
back. An edge that stood and is not admitted is taken back; one that was refused or taken back and
is admitted comes back, but never in the place of one that stands. Evidence whose source does not
count any more, that became a guess between people, or that is shared or too much only with what others
said, carries refusals: a rule narrows at once and widens only by letting go of what joined strangers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from identity.census import Census, Known
from identity.columns import Columns, Numbers
from identity.effect import Effect
from identity.ids import SubjectId
from identity.judging import source_refusal
from identity.ledger import EdgeState
from identity.linking import LinkRefusal
from identity.marks import Mark, allowed
from identity.partition import parts
from identity.rules import Rules

_ASSERTED = frozenset(int(state) for state in EdgeState if state.asserted)
_STANDS = frozenset(int(state) for state in EdgeState if state.stands)
_WRONG = frozenset(int(state) for state in EdgeState if state.declared_wrong)
_LIMITS = frozenset({LinkRefusal.PERSON_KIND_LIMIT, LinkRefusal.PERSON_TOO_LARGE})
_DECLARED_WRONG = LinkRefusal.DECLARED_WRONG.value


@dataclass(frozen=True, slots=True)
class Replayed:
    """What rules make of the ledger.

    Attributes:
        states: for each row ``ACTIVE`` if it is to stand, ``DISTRUSTED`` if it is to carry refusals
            only, and otherwise ``QUARANTINED``: it is to count for nothing.
        refusals: for rows that are not to stand and that the rules did judge, why.
        shared: the identifiers that people share, each with what showed it.
    """

    states: Numbers
    refusals: dict[int, LinkRefusal]
    shared: dict[SubjectId, Mark]

    @property
    def stands(self) -> NDArray[np.bool_]:
        """For each row whether it is to stand."""
        stands: NDArray[np.bool_] = self.states == EdgeState.ACTIVE
        return stands


@dataclass(frozen=True, slots=True)
class Plan:
    """How the ledger comes from the rules in force to others.

    Attributes:
        stood: for each row of the ledger whether it stands now.
        rows: the rows of which what they count for changes.
        states: for each of these what it is to be, as of ``Replayed``.
        reasons: for each that is not to stand, why; empty for one that is.
        comes_back: how many stand afterwards that did not.
        goes: how many stood that do not.
        shared: the identifiers that people share afterwards, each with what showed it.
        digest: of all this and the two rules, hexadecimal; another plan, another digest.
    """

    stood: NDArray[np.bool_]
    rows: Numbers
    states: Numbers
    reasons: list[str]
    comes_back: int
    goes: int
    shared: Mapping[SubjectId, Mark]
    digest: str

    def stands(self, place: int) -> bool:
        """Whether the changed row at a place is to stand."""
        return bool(self.states[place] == EdgeState.ACTIVE)


def replay(ledger: Columns, rules: Rules, blocked: Container[SubjectId], now_ms: int) -> Replayed:
    """Judges every edge of the ledger as if each came for the first time, under rules.

    In the ledger's order, as they came. Where that would throw out what stands, what stands goes
    first; and where nobody is left to show that an identifier is shared, it is taken as known.

    Args:
        ledger: all of it.
        rules: the rules.
        blocked: identifiers that stand for none under them.
        now_ms: proof that joins nobody any more by then is none.
    """
    rows = _to_replay(ledger)
    stood = np.isin(ledger.state, list(_STANDS))
    kept = {
        one: mark for one, mark in ledger.shared.items() if not allowed(mark, ledger.kinds.get(one, 0), rules)
    }
    judged = _judged(ledger, rows, rules, Known(kinds=ledger.kinds, blocked=blocked, now_ms=now_ms))
    again, shared = _again(ledger, rows, stood, judged, kept)
    if again:
        again.sort(key=stood.__getitem__, reverse=True)  # those alike stay in the ledger's order
        known = Known(kinds=ledger.kinds, shared=kept, blocked=blocked, now_ms=now_ms)
        anew = _judged(ledger, again, rules, known)
        judged.refusals.update(anew.refusals)
        judged.let_go.difference_update(again)
        judged.let_go.update(anew.let_go)
        shared |= anew.shared
    states = _as_they_are(ledger)
    for row, refusal in judged.refusals.items():
        states[row] = _becomes(EdgeState(int(states[row])), refusal, let_go=row in judged.let_go)
    refusals = {row: refusal for row, refusal in judged.refusals.items() if refusal is not None}
    return Replayed(states, refusals, shared | kept)


def plan(ledger: Columns, before: Rules, after: Rules, replayed: Replayed) -> Plan:
    """What has to change for the ledger to be what a replay made of it.

    Args:
        ledger: all of it.
        before: the rules in force.
        after: the rules replayed.
        replayed: by ``replay`` of the same ledger.
    """
    is_now, states = _as_they_are(ledger), replayed.states
    stood, stands = is_now == EdgeState.ACTIVE, replayed.stands
    was, becomes = ledger.effects(before), ledger.effects(after)
    same_word = np.array(
        [_same(one, other) for one, other in zip(was.told, becomes.told, strict=True)], np.bool_
    )
    counts = (was.views != 0) | (becomes.views != 0)
    other_effect = ~same_word[ledger.says_of] | (counts & (was.ends_ms != becomes.ends_ms))
    rows = np.flatnonzero((is_now != states) | (stood & stands & other_effect))
    reasons = ["" if stands[row] else replayed.refusals[row].value for row in rows.tolist()]
    return Plan(
        stood,
        rows,
        states[rows],
        reasons,
        int(np.count_nonzero(stands & ~stood)),
        int(np.count_nonzero(stood & ~stands)),
        replayed.shared,
        _digest(before, after, ledger.edge_id[rows], states[rows], replayed.shared),
    )


class _Judged(NamedTuple):
    """What rules say to rows.

    Attributes:
        refusals: to each ``None``, or why not.
        let_go: those refused for what their source shows alone: an end is shared, or a person too large.
        shared: what they find to be shared.
    """

    refusals: dict[int, LinkRefusal | None]
    let_go: set[int]
    shared: dict[SubjectId, Mark]


def _judged(ledger: Columns, rows: Sequence[int], rules: Rules, known: Known) -> _Judged:
    census = Census(rules, known, ledger.sighting)
    refusals: dict[int, LinkRefusal | None] = {}
    for row in rows:
        refusals[row] = _admit(ledger, row, rules, census)
    refusals.update(census.given_up)
    of_shared = (row for row, refusal in refusals.items() if refusal is LinkRefusal.IDENTIFIER_SHARED)
    let_go = set(filter(census.let_go, of_shared))
    let_go |= _beyond_limits_alone(ledger, rows, refusals, rules, known)
    shared = {one.shared: one.mark for one in census.quarantines if one.shared is not None}
    return _Judged(refusals, let_go, shared)


def _admit(ledger: Columns, row: int, rules: Rules, census: Census) -> LinkRefusal | None:
    refusal = None
    if int(ledger.state[row]) not in _ASSERTED:
        refusal = source_refusal(ledger.sighting(row), rules)
    return refusal or census.admit(row)


def _beyond_limits_alone(
    ledger: Columns,
    rows: Sequence[int],
    refusals: Mapping[int, LinkRefusal | None],
    rules: Rules,
    known: Known,
) -> set[int]:
    """The rows beyond a limit that would be, had nobody but their own source said anything."""
    beyond = [row for row, refusal in refusals.items() if refusal in _LIMITS]
    if not beyond:
        return set()
    part_of = parts(len(ledger.subjects), ledger.a[rows], ledger.b[rows])
    concerned = np.isin(part_of, part_of[ledger.a[beyond]])
    by_source: dict[str, list[int]] = {}
    for row in rows:
        if concerned[ledger.a[row]]:
            by_source.setdefault(ledger.says[ledger.says_of[row]].source, []).append(row)
    alone = set()
    for said in by_source.values():
        census = Census(rules, known, ledger.sighting)
        alone.update([row for row in said if _admit(ledger, row, rules, census) in _LIMITS])
    return alone.intersection(beyond)


def _becomes(now: EdgeState, refusal: LinkRefusal | None, *, let_go: bool) -> EdgeState:
    """What an edge is to be that rules judged.

    Args:
        now: ``ACTIVE``, ``DISTRUSTED``, or ``QUARANTINED`` if it counts for nothing.
        refusal: why it is not to stand.
        let_go: its source alone shows why, where that is for sources to show.
    """
    if refusal is None:
        return EdgeState.ACTIVE
    if now is EdgeState.DISTRUSTED and refusal is not LinkRefusal.BLOCKED_VALUE:
        return now
    carries = refusal is LinkRefusal.BRIDGES_PEOPLE
    carries |= (refusal is LinkRefusal.IDENTIFIER_SHARED or refusal in _LIMITS) and not let_go
    return EdgeState.DISTRUSTED if carries and now is EdgeState.ACTIVE else EdgeState.QUARANTINED


def _again(
    ledger: Columns,
    rows: Sequence[int],
    stood: NDArray[np.bool_],
    judged: _Judged,
    kept: Mapping[SubjectId, Mark],
) -> tuple[list[int], dict[SubjectId, Mark]]:
    """The rows that are to be judged another way, and what was found to be shared among the others.

    All of those that hang together: what happens to one of them is nothing to anybody else.
    """
    thrown_out = [row for row, refusal in judged.refusals.items() if refusal is not None and stood[row]]
    unseen = kept.keys() - judged.shared.keys()
    if not thrown_out and not unseen:
        return [], judged.shared
    number = {one: place for place, one in enumerate(ledger.subjects)}
    part_of = parts(len(number), ledger.a[rows], ledger.b[rows])
    moved = np.zeros(len(number), np.bool_)
    moved[part_of[ledger.a[thrown_out]]] = True
    moved[part_of[[number[one] for one in unseen if one in number]]] = True
    shared = {one: mark for one, mark in judged.shared.items() if not moved[part_of[number[one]]]}
    return [row for row in rows if moved[part_of[ledger.a[row]]]], shared


def _as_they_are(ledger: Columns) -> Numbers:
    """The states of rows now, of the three that a replay knows."""
    states = np.full(len(ledger), EdgeState.QUARANTINED, np.int64)
    states[np.isin(ledger.state, list(_STANDS))] = EdgeState.ACTIVE
    states[ledger.state == EdgeState.DISTRUSTED] = EdgeState.DISTRUSTED
    return states


def _to_replay(ledger: Columns) -> list[int]:
    """The rows to judge, in the ledger's order: one an edge, the one that stands if there is one.

    What is declared wrong, or was refused because its pair had been, or was seen before its pair
    was, is none of them.
    """
    if not len(ledger):
        return []
    pairs = ledger.a * len(ledger.subjects) + ledger.b
    out = np.isin(ledger.state, list(_WRONG))
    refused = ledger.state == EdgeState.REFUSED
    found, pair_of = np.unique(pairs, return_inverse=True)
    wrong_at_ms = np.full(len(found), -1, np.int64)
    np.maximum.at(wrong_at_ms, pair_of[out], ledger.stated_at_ms[out])
    out |= refused & (ledger.observed_at_ms <= wrong_at_ms[pair_of])
    corrections = [place for place, reason in enumerate(ledger.reasons) if reason == _DECLARED_WRONG]
    out |= refused & np.isin(ledger.reason_of, corrections)
    rows = np.flatnonzero(~out)
    words = {(one.evidence, one.source): 0 for one in ledger.says}
    words = {word: place for place, word in enumerate(words)}
    word_of = np.array([words[one.evidence, one.source] for one in ledger.says], np.int64)[ledger.says_of]
    rank = np.full(len(ledger), 2)
    rank[refused] = 3
    rank[ledger.state == EdgeState.DISTRUSTED] = 1
    rank[np.isin(ledger.state, list(_STANDS))] = 0
    order = rows[np.lexsort((-ledger.edge_id[rows], rank[rows], word_of[rows], pairs[rows]))]
    first = np.ones(len(order), np.bool_)
    first[1:] = (np.diff(pairs[order]) != 0) | (np.diff(word_of[order]) != 0)
    chosen: list[int] = np.sort(order[first]).tolist()
    return chosen


def _same(one: Effect, other: Effect) -> bool:
    """Whether two effects are alike but for when they end; without a view nothing else matters."""
    if one.refusal_only or other.refusal_only:
        return one.refusal_only and other.refusal_only
    return one._replace(ends_ms=0) == other._replace(ends_ms=0)


def _digest(
    before: Rules, after: Rules, edges: Numbers, states: Numbers, shared: Mapping[SubjectId, Mark]
) -> str:
    state = hashlib.sha256(f"{before.digest} {after.digest} {len(edges)} ".encode())
    marks = [one + repr(tuple(mark)).encode() for one, mark in sorted(shared.items())]
    for part in (edges.tobytes(), states.tobytes(), *marks):
        state.update(part)
    return state.hexdigest()
