"""Who is one person, and what that person allows: decision semantics 4.

A *refusal component* is everybody whom any edge ever asserted and not declared wrong joins.
What denies is an OR over it: refusals, objections, restrictions, minority, and what any
member's regime forbids. Inside it an edge is read across in a view only while its own legal
basis is live at both ends and nothing denies its purpose, and grants come over deterministic
edges only. So withdrawing, expiring or weakly linking never widens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from consent.answers import Resting, Span, resting
from consent.fold import SILENT, OwnState
from consent.guard_table import GuardEntry
from consent.parts import Parts, parts_of
from consent.policy import Policy
from consent.regimes import Regime
from consent.why import Why, shared
from identity.ids import SubjectId


class EdgeState(StrEnum):
    """What an edge counts for."""

    ACTIVE = "ACTIVE"
    REFUSAL_ONLY = "REFUSAL_ONLY"
    WRONG = "WRONG"


class EdgeFact(NamedTuple):
    """What consent knows of an edge of the identity ledger. A tuple: millions are made at a start.

    Attributes:
        edge_id: the ledger's id of the edge.
        a: birth subject at one end.
        b: birth subject at the other end.
        link_purpose: bit position of the purpose the two may be linked under.
        deterministic: grants come over it.
        views: bit v = it counts in view v of the policy.
        state: WRONG edges count for nothing, REFUSAL_ONLY ones carry refusals.
        valid_until_ms: from when on it only carries refusals; ``NEVER_MS`` if it does not end.
        attested_by: the registered verifier that saw one person prove both ends; empty if none did.
    """

    edge_id: int
    a: SubjectId
    b: SubjectId
    link_purpose: int
    deterministic: bool
    views: int
    state: EdgeState
    valid_until_ms: int
    attested_by: str = ""

    @property
    def ends(self) -> tuple[SubjectId, SubjectId]:
        """The birth subjects at both ends."""
        return self.a, self.b


@dataclass(frozen=True, slots=True)
class GraphStep:
    """One step of the identity ledger's feed: new birth subjects, then new or changed edges.

    Those of the births that are suppressed begin with refusals of marketing and sharing.
    """

    seq: int
    births: tuple[SubjectId, ...]
    edges: tuple[EdgeFact, ...]
    suppressed: tuple[SubjectId, ...] = ()


class _Bars(NamedTuple):
    """What denies in a refusal component.

    Attributes:
        law: the legal bases of all its members at once.
        why: what denies which purposes.
        denied: the purposes denied.
    """

    law: Regime
    why: Why
    denied: int


def fold_component(
    policy: Policy,
    subjects: Sequence[SubjectId],
    edges: Iterable[EdgeFact],
    own: Mapping[SubjectId, OwnState],
    now_ms: int,
) -> dict[SubjectId, GuardEntry]:
    """The guard entries of one refusal component.

    Args:
        policy: masks, bases and views.
        subjects: everybody in the component, in the order the members are to be listed.
        edges: every edge between them that is not WRONG.
        own: own states; a subject that is missing never said anything.
        now_ms: the instant the entries hold from.
    """
    owns = {subject: own.get(subject, SILENT) for subject in subjects}
    granted = {subject: state.granted_at(now_ms) for subject, state in owns.items()}
    bars = _bars(policy, ((state, 0) for state in owns.values()))
    active = _active(edges, now_ms)
    ends = [state.changes_after(now_ms) for state in owns.values()]
    changes_at_ms = min(ends + [edge.valid_until_ms for edge in active])
    permitted = _permitted(active, granted, bars)
    people, proven = _views(policy, subjects, permitted)
    expired = {subject: state.expired_at(now_ms) for subject, state in owns.items()}
    grants = _spread(policy, granted, proven)
    ran_out = _spread(policy, expired, proven) if any(expired.values()) else expired
    rests: Resting = {}
    if any(state.answers for state in owns.values()):
        rests = resting(owns, granted, _spans(policy, subjects, permitted, proven), now_ms)
    entries: dict[SubjectId, GuardEntry] = {}
    known: dict[tuple[object, ...], GuardEntry] = {}  # one person's identifiers share one entry
    for subject in subjects:
        members = tuple(view[subject] for view in people)
        alone = all(len(part) == 1 for part in members)
        rest = rests.get(subject)
        its = bars if rest is None else _bars(policy, ((one, rest.get(who, 0)) for who, one in owns.items()))
        entry = _decided(policy, its, grants[subject], ran_out[subject])
        key = (*entry, None) if alone else (*entry, *map(id, members))
        if key not in known:
            allow, refuse, why = entry
            known[key] = GuardEntry(allow, refuse, changes_at_ms, None if alone else members, shared(why))
        entries[subject] = known[key]
    return entries


def entry_alone(policy: Policy, own: OwnState, now_ms: int) -> GuardEntry:
    """The guard entry of a birth subject without any edge."""
    bars = _bars(policy, [(own, 0)])
    allow, refuse, why = _decided(policy, bars, own.granted_at(now_ms), own.expired_at(now_ms))
    return GuardEntry(allow, refuse, own.changes_after(now_ms), None, shared(why))


def linked_with_proof(
    policy: Policy,
    subjects: Sequence[SubjectId],
    edges: Iterable[EdgeFact],
    own: Mapping[SubjectId, OwnState],
    now_ms: int,
) -> Parts:
    """Who is joined by permitted proof on both sides in some view; arguments as of ``fold_component``."""
    owns = {subject: own.get(subject, SILENT) for subject in subjects}
    granted = {subject: state.granted_at(now_ms) for subject, state in owns.items()}
    bars = _bars(policy, ((state, 0) for state in owns.values()))
    permitted = _permitted(_active(edges, now_ms), granted, bars)
    return parts_of(subjects, [edge.ends for edge in permitted if edge.attested_by])


def _bars(policy: Policy, states: Iterable[tuple[OwnState, int]]) -> _Bars:
    """What states deny together, each with the mask of its refusals that rest."""
    restricted = objected = minor = withdrawn = refused = regimes = 0
    everywhere = False
    for state, rests in states:
        withdrawn |= state.withdrawn & ~rests
        refused |= state.refuse & ~state.withdrawn & ~rests
        restricted |= state.restricted
        objected |= state.objected
        minor |= state.minor
        regimes |= state.regimes
        everywhere |= not state.regimes
    law = policy.under(0 if everywhere else regimes)
    people = ~policy.unrefusable_mask
    beaten = ~law.binding & people
    why = Why(
        restricted & beaten,
        objected & beaten,
        minor & people,
        withdrawn & people,
        refused & people,
        law.forbidden,
    )
    denied = why.restricted | why.objected | why.minor | why.withdrawn | why.refused | why.regime
    return _Bars(law, why, denied)


def _decided(policy: Policy, bars: _Bars, grants: int, expired: int) -> tuple[int, int, Why]:
    """``allow = (grants | bases that need no grant) & ~what denies``; the refusals; the reasons."""
    allow = (grants | bars.law.free) & ~bars.denied | policy.unrefusable_mask
    ran_out = expired & ~allow & ~bars.denied
    why = bars.why._replace(expired=ran_out) if ran_out else bars.why
    return allow, why.withdrawn | why.refused, why


def _active(edges: Iterable[EdgeFact], now_ms: int) -> list[EdgeFact]:
    return [edge for edge in edges if edge.state is EdgeState.ACTIVE and now_ms < edge.valid_until_ms]


def _permitted(edges: Iterable[EdgeFact], granted: Mapping[SubjectId, int], bars: _Bars) -> list[EdgeFact]:
    """The edges whose own legal basis is live at both ends and whose purpose nothing denies."""
    return [
        edge
        for edge in edges
        if (granted[edge.a] | bars.law.free)
        & (granted[edge.b] | bars.law.free)
        & ~bars.denied
        & 1 << edge.link_purpose
    ]


def _views(
    policy: Policy, subjects: Sequence[SubjectId], permitted: Sequence[EdgeFact]
) -> tuple[list[Parts], list[Parts]]:
    """For each view the people permitted edges make, and what of them proof makes."""
    known: dict[tuple[EdgeFact, ...], Parts] = {}  # mostly all are the same edges

    def made_by(edges: tuple[EdgeFact, ...]) -> Parts:
        if edges not in known:
            known[edges] = parts_of(subjects, [edge.ends for edge in edges])
        return known[edges]

    people, proven = [], []
    for view in range(len(policy.views)):
        seen = tuple(edge for edge in permitted if edge.views >> view & 1)
        people.append(made_by(seen))
        proven.append(made_by(tuple(edge for edge in seen if edge.deterministic)))
    return people, proven


def _spread(policy: Policy, own: Mapping[SubjectId, int], proven: Sequence[Parts]) -> dict[SubjectId, int]:
    """Masks of single subjects as they hold for all whom proof joins with them, each purpose in its view."""
    spread = {subject: mask & policy.viewless_mask for subject, mask in own.items()}
    for purposes, parts in zip(policy.view_masks, proven, strict=True):
        for part in set(parts.values()):
            together = 0
            for subject in part:
                together |= own[subject]
            for subject in part:
                spread[subject] |= together & purposes
    return spread


def _spans(
    policy: Policy, subjects: Sequence[SubjectId], permitted: Sequence[EdgeFact], proven: Sequence[Parts]
) -> list[Span]:
    """How far an answer goes. A refusal to be linked is answered by nobody else."""
    both = [edge for edge in permitted if edge.attested_by]
    anywhere = parts_of(subjects, [edge.ends for edge in both])
    alone = parts_of(subjects, ())
    spans = [Span(policy.viewless_mask & ~policy.link_mask, anywhere, alone)]
    for view, (purposes, reached) in enumerate(zip(policy.view_masks, proven, strict=True)):
        linked = parts_of(subjects, [edge.ends for edge in both if edge.views >> view & 1])
        spans.append(Span(purposes & ~policy.link_mask, linked, reached))
    return spans
