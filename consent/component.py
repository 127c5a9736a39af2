"""Who is one person, and what that person allows: decision semantics 4.

A *refusal component* is everybody whom any edge ever asserted and not declared wrong joins.
Refusals are an OR over it. Inside it an edge is read across in a view only while its own
legal basis is live at both ends and nobody refuses its purpose, and grants come over
deterministic edges only. So withdrawing, expiring or weakly linking never widens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from consent.fold import SILENT, OwnState
from consent.guard_table import GuardEntry
from consent.policy import Policy
from identity.ids import SubjectId

Parts = Mapping[SubjectId, tuple[SubjectId, ...]]


class EdgeState(StrEnum):
    """What an edge counts for."""

    ACTIVE = "ACTIVE"
    REFUSAL_ONLY = "REFUSAL_ONLY"
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class EdgeFact:
    """What consent knows of an edge of the identity ledger.

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


@dataclass(frozen=True, slots=True)
class GraphStep:
    """One step of the identity ledger's feed: new birth subjects, then new or changed edges."""

    seq: int
    births: tuple[SubjectId, ...]
    edges: tuple[EdgeFact, ...]


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
    refuse = 0
    for state in owns.values():
        refuse |= state.refuse
    refuse &= ~policy.unrefusable_mask
    active = [edge for edge in edges if edge.state is EdgeState.ACTIVE and now_ms < edge.valid_until_ms]
    ends = [state.changes_after(now_ms) for state in owns.values()]
    changes_at_ms = min(ends + [edge.valid_until_ms for edge in active])
    permitted = [
        edge
        for edge in active
        if (granted[edge.a] | policy.bases_mask)
        & (granted[edge.b] | policy.bases_mask)
        & ~refuse
        & 1 << edge.link_purpose
    ]
    grants = {subject: mask & policy.viewless_mask for subject, mask in granted.items()}
    people: list[Parts] = []
    known: dict[tuple[EdgeFact, ...], Parts] = {}
    for view, purposes in enumerate(policy.view_masks):
        seen = tuple(edge for edge in permitted if edge.views >> view & 1)
        proven = tuple(edge for edge in seen if edge.deterministic)
        for edges_read in (seen, proven):
            if edges_read not in known:  # mostly all are the same edges
                known[edges_read] = _parts(subjects, edges_read)
        people.append(known[seen])
        for part in set(known[proven].values()):
            together = 0
            for subject in part:
                together |= granted[subject]
            for subject in part:
                grants[subject] |= together & purposes
    allow = {subject: _allow(policy, mask, refuse) for subject, mask in grants.items()}
    return _entries(allow, refuse, changes_at_ms, people)


def entry_alone(policy: Policy, own: OwnState, now_ms: int) -> GuardEntry:
    """The guard entry of a birth subject without any edge."""
    refuse = own.refuse & ~policy.unrefusable_mask
    allow = _allow(policy, own.granted_at(now_ms), refuse)
    return GuardEntry(allow, refuse, own.changes_after(now_ms), None)


def _allow(policy: Policy, grants: int, refuse: int) -> int:
    return (grants | policy.bases_mask) & ~refuse | policy.unrefusable_mask


def _parts(subjects: Sequence[SubjectId], edges: Sequence[EdgeFact]) -> Parts:
    """What edges connect: for each subject everybody reached, itself included, in the given order."""
    if not edges:
        return {subject: (subject,) for subject in subjects}
    root: dict[SubjectId, SubjectId] = {subject: subject for subject in subjects}

    def find(subject: SubjectId) -> SubjectId:
        while root[subject] != subject:
            root[subject] = root[root[subject]]
            subject = root[subject]
        return subject

    for edge in edges:
        root[find(edge.a)] = find(edge.b)
    gathered: dict[SubjectId, list[SubjectId]] = {}
    for subject in subjects:
        gathered.setdefault(find(subject), []).append(subject)
    parts: dict[SubjectId, tuple[SubjectId, ...]] = {}
    for members in gathered.values():
        part = tuple(members)
        parts.update(dict.fromkeys(part, part))
    return parts


def _entries(
    allow: Mapping[SubjectId, int], refuse: int, changes_at_ms: int, people: Sequence[Parts]
) -> dict[SubjectId, GuardEntry]:
    entries: dict[SubjectId, GuardEntry] = {}
    shared: dict[tuple[int, ...], GuardEntry] = {}  # one person's identifiers share one entry
    for subject, mask in allow.items():
        members = tuple(view[subject] for view in people)
        alone = all(len(part) == 1 for part in members)
        key = (mask,) if alone else (mask, *map(id, members))
        entry = shared.get(key)
        if entry is None:
            entry = shared[key] = GuardEntry(mask, refuse, changes_at_ms, None if alone else members)
        entries[subject] = entry
    return entries
