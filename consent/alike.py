"""The fold of a refusal component in which everybody said the same, which is most of them.

What one of them alone is allowed, all of them together are: an OR over equals. Only who the person
is in each view, and until when that holds, has to be found out.
"""

from __future__ import annotations

from collections.abc import Sequence

from consent.component import EdgeFact, EdgeState
from consent.guard_table import GuardEntry
from consent.parts import Parts, parts_of
from consent.policy import Policy
from identity.ids import SubjectId


def fold_alike(
    policy: Policy, subjects: Sequence[SubjectId], edges: Sequence[EdgeFact], alone: GuardEntry, now_ms: int
) -> dict[SubjectId, GuardEntry]:
    """The guard entries of one refusal component; the same as ``consent.component.fold_component``.

    Args:
        policy: masks, bases and views.
        subjects: everybody in the component, in the order the members are to be listed; each with
            the same own state, in which nothing ends and no grant answers a refusal.
        edges: every edge between them that is not WRONG.
        alone: the entry of such a subject without any edge.
        now_ms: the instant the entries hold from.
    """
    changes_at_ms = alone.changes_at_ms
    permitted: list[EdgeFact] = []
    for edge in edges:
        if edge.state is EdgeState.ACTIVE and now_ms < edge.valid_until_ms:
            changes_at_ms = min(changes_at_ms, edge.valid_until_ms)
            # No link purpose is one that nobody can refuse: what is allowed is what is permitted.
            if alone.allow >> edge.link_purpose & 1:
                permitted.append(edge)
    people = _people(len(policy.views), subjects, len(edges), permitted)
    if people is None:
        if changes_at_ms != alone.changes_at_ms:
            alone = GuardEntry(alone.allow, alone.refuse, changes_at_ms, None, alone.why)
        return dict.fromkeys(subjects, alone)
    entries: dict[SubjectId, GuardEntry] = {}
    known: dict[tuple[int, ...], GuardEntry] = {}  # one person's identifiers share one entry
    for subject in subjects:
        members = tuple([parts[subject] for parts in people])
        key = tuple(map(id, members))
        entry = known.get(key)
        if entry is None:
            joined = None if all(len(part) == 1 for part in members) else members
            entry = known[key] = GuardEntry(alone.allow, alone.refuse, changes_at_ms, joined, alone.why)
        entries[subject] = entry
    return entries


def _people(
    views: int, subjects: Sequence[SubjectId], edges: int, permitted: Sequence[EdgeFact]
) -> list[Parts] | None:
    """For each view the people that permitted edges make; ``None`` if nobody is joined in any."""
    people: list[Parts] = []
    known: dict[tuple[int, ...], Parts] = {}
    joined = False
    for view in range(views):
        seen = [edge for edge in permitted if edge.views >> view & 1]
        joined = joined or bool(seen)
        key = tuple([edge.edge_id for edge in seen])
        parts = known.get(key)
        if parts is None:
            if len(seen) == edges:  # all that makes it a component counts here
                parts = dict.fromkeys(subjects, tuple(subjects))
            else:
                parts = parts_of(subjects, [(edge.a, edge.b) for edge in seen])
            known[key] = parts
        people.append(parts)
    return people if joined else None
