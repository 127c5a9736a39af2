"""What one birth subject's own records come to.

For every leaf of the purpose tree the latest statement that covers it wins: the later one
between a node and its ancestors, and of two said at the same instant the one recorded later.
A refusal covers every leaf beneath its node; a grant only the leaves that existed in the
version of the tree it was given under. A grant that ran out is no refusal and no grant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from consent.guard_table import NEVER_MS
from consent.policy import Policy
from consent.record import Action, Said


class State(Enum):
    """The own state of one purpose."""

    UNKNOWN = "UNKNOWN"
    GRANTED = "GRANTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class LeafState(NamedTuple):
    """One leaf's state and the statement behind it, if any."""

    state: State
    said: Said | None


@dataclass(frozen=True, slots=True)
class OwnState:
    """A birth subject's own masks, at every instant.

    Attributes:
        grants: ``(valid_until_ms, mask)`` of the grants in force, one pair per end.
        refuse: mask of the purposes refused or withdrawn.
    """

    grants: tuple[tuple[int, int], ...]
    refuse: int

    def granted_at(self, now_ms: int) -> int:
        """The purposes granted at an instant."""
        mask = 0
        for valid_until_ms, granted in self.grants:
            if now_ms < valid_until_ms:
                mask |= granted
        return mask

    def changes_after(self, now_ms: int) -> int:
        """The next instant at which a grant runs out; ``NEVER_MS`` if none does."""
        return min((until for until, _ in self.grants if now_ms < until), default=NEVER_MS)

    @property
    def endless(self) -> bool:
        """No grant runs out."""
        return all(until == NEVER_MS for until, _ in self.grants)


#: Who never said anything.
SILENT = OwnState(grants=(), refuse=0)


def latest(policy: Policy, said: Iterable[Said]) -> list[tuple[int, Said]]:
    """The statement that counts for each leaf.

    Args:
        policy: the purpose tree.
        said: the statements of one birth subject in the order they were recorded.

    Returns:
        Pairs of a mask and the statement that is the latest for exactly these leaves, latest
        first; masks do not overlap and leaves nobody spoke of are in none.

    Raises:
        UnknownPurpose: a statement names a node that the tree no longer has.
    """
    in_time = sorted(said, key=lambda one: one.effective_at_ms)  # stable: ties stay in recorded order
    winners: list[tuple[int, Said]] = []
    taken = 0
    for one in reversed(in_time):
        if one.action is Action.GRANT:
            covered = policy.mask_at(one.node, one.taxonomy_version)
        else:
            covered = policy.mask(one.node)
        won = covered & ~taken
        if won:
            winners.append((won, one))
            taken |= won
    return winners


def fold(policy: Policy, said: Iterable[Said]) -> OwnState:
    """The own state of one birth subject; arguments and errors as of ``latest``."""
    grants: dict[int, int] = {}
    refuse = 0
    for mask, one in latest(policy, said):
        if one.action is Action.GRANT:
            grants[one.valid_until_ms] = grants.get(one.valid_until_ms, 0) | mask
        else:
            refuse |= mask
    return OwnState(tuple(sorted(grants.items())), refuse)


def leaf_states(policy: Policy, said: Iterable[Said], now_ms: int) -> tuple[LeafState, ...]:
    """The own state of every leaf at an instant, in the tree's order; errors as of ``latest``."""
    states = [LeafState(State.UNKNOWN, None)] * len(policy.leaves)
    for mask, one in latest(policy, said):
        state = LeafState(_state(one, now_ms), one)
        for index in range(len(states)):
            if mask >> index & 1:
                states[index] = state
    return tuple(states)


def _state(said: Said, now_ms: int) -> State:
    if said.action is Action.REFUSE:
        return State.REFUSED
    if said.action is Action.WITHDRAW:
        return State.WITHDRAWN
    return State.GRANTED if now_ms < said.valid_until_ms else State.EXPIRED
