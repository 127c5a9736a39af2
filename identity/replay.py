"""What other rules would make of the whole ledger: every edge judged again, in the ledger's order.

Replayed is whatever somebody asserted and nobody declared wrong, also what rules refused or took
back. An edge that stood and is not admitted is taken back; one that was refused or taken back and
is admitted comes back. Evidence of a source whose word does not count any more stays and carries
refusals: a rule narrows at once and widens only by letting go of what joined strangers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from identity.census import Census, Known
from identity.columns import Columns, Numbers
from identity.effect import Effect
from identity.ids import SubjectId
from identity.judging import source_refusal
from identity.ledger import EdgeState
from identity.linking import LinkRefusal
from identity.rules import Rules

_ASSERTED = frozenset(int(state) for state in EdgeState if state.asserted)
_STANDS = frozenset(int(state) for state in EdgeState if state.stands)
_WRONG = frozenset(int(state) for state in EdgeState if state.declared_wrong)
_DECLARED_WRONG = LinkRefusal.DECLARED_WRONG.value


@dataclass(frozen=True, slots=True)
class Replayed:
    """What rules make of the ledger.

    Attributes:
        stands: for each row whether it is to stand.
        refusals: for rows that are not to stand and that the rules did judge, why.
        shared: the identifiers that people share.
    """

    stands: NDArray[np.bool_]
    refusals: dict[int, LinkRefusal]
    shared: frozenset[SubjectId]


@dataclass(frozen=True, slots=True)
class Plan:
    """How the ledger comes from the rules in force to others.

    Attributes:
        stood: for each row of the ledger whether it stands now.
        rows: the rows of which what they count for changes.
        stands: for each of these whether it stands afterwards.
        reasons: for each that does not, why; empty for one that does.
        comes_back: how many stand afterwards that did not.
        goes: how many stood that do not.
        shared: the identifiers that people share afterwards.
        digest: of all this and the two rules, hexadecimal; another plan, another digest.
    """

    stood: NDArray[np.bool_]
    rows: NDArray[np.int64]
    stands: NDArray[np.bool_]
    reasons: list[str]
    comes_back: int
    goes: int
    shared: frozenset[SubjectId]
    digest: str


def replay(ledger: Columns, rules: Rules, blocked: Container[SubjectId]) -> Replayed:
    """Judges every edge of the ledger as if each came for the first time, under rules.

    Args:
        ledger: all of it.
        rules: the rules.
        blocked: identifiers that stand for none under them.
    """
    census = Census(rules, Known(kinds=ledger.kinds, blocked=blocked), ledger.sighting)
    stands = np.zeros(len(ledger), np.bool_)
    refusals: dict[int, LinkRefusal] = {}
    for row in _to_replay(ledger):
        refusal = None
        if int(ledger.state[row]) not in _ASSERTED:
            refusal = source_refusal(ledger.sighting(row), rules)
        refusal = refusal or census.admit(row)
        if refusal is None:
            stands[row] = True
        else:
            refusals[row] = refusal
    for row, refusal in census.given_up.items():
        stands[row] = False
        refusals[row] = refusal
    shared = frozenset(one.shared for one in census.quarantines if one.shared is not None)
    return Replayed(stands, refusals, shared)


def plan(ledger: Columns, before: Rules, after: Rules, replayed: Replayed) -> Plan:
    """What has to change for the ledger to be what a replay made of it.

    Args:
        ledger: all of it.
        before: the rules in force.
        after: the rules replayed.
        replayed: by ``replay`` of the same ledger.
    """
    stood = np.isin(ledger.state, list(_STANDS))
    stands = replayed.stands
    was, becomes = ledger.effects(before), ledger.effects(after)
    same_word = np.array(
        [_same(one, other) for one, other in zip(was.told, becomes.told, strict=True)], np.bool_
    )
    counts = (was.views != 0) | (becomes.views != 0)
    other_effect = ~same_word[ledger.says_of] | (counts & (was.ends_ms != becomes.ends_ms))
    rows = np.flatnonzero((stood != stands) | (stood & stands & other_effect))
    reasons = ["" if stands[row] else replayed.refusals[row].value for row in rows.tolist()]
    return Plan(
        stood,
        rows,
        stands[rows],
        reasons,
        int(np.count_nonzero(stands & ~stood)),
        int(np.count_nonzero(stood & ~stands)),
        replayed.shared,
        _digest(before, after, ledger.edge_id[rows], stands[rows], replayed.shared),
    )


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
    rank = np.where(np.isin(ledger.state, list(_STANDS)), 0, np.where(refused, 2, 1))
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
    before: Rules, after: Rules, edges: Numbers, stands: NDArray[np.bool_], shared: Iterable[SubjectId]
) -> str:
    state = hashlib.sha256(f"{before.digest} {after.digest} {len(edges)} ".encode())
    for part in (edges.tobytes(), stands.tobytes(), *sorted(shared)):
        state.update(part)
    return state.hexdigest()
