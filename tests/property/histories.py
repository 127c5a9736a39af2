"""Histories of concurrent writes and reads at replicas, and the check that they are linearizable.

Writes have one order, that of their epochs. A decision is right if there is an epoch whose
state gives it, such that every restricting write that had returned is in that state, no write
is that had not begun, and the replica did not go back. Grants may arrive late, so a grant that
returned need not be in it. What the state of an epoch is, the oracle of the decision
semantics says, which shares no code with what is tested.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from consent.component import EdgeFact, EdgeState
from consent.policy import Policy
from consent.record import RESTRICTING, Action, Said
from identity.ids import SubjectId
from tests.property.consent_worlds import Oracle, World

NEVER = 1 << 62


@dataclass(frozen=True)
class Write:
    """A change: what was said, or an edge as it is from then on.

    Attributes:
        begun: when its caller called.
        returned: when it returned to its caller; ``NEVER`` if it did not.
        epoch: the epoch it is kept under.
    """

    what: tuple[SubjectId, Said] | EdgeFact
    begun: int
    returned: int
    epoch: int

    @property
    def restricts(self) -> bool:
        """Whether it is finished only when nobody can act on the state before."""
        return isinstance(self.what, EdgeFact) or self.what[1].action is not Action.GRANT

    @property
    def takes_back(self) -> bool:
        """Whether it is one of those after which nobody may be allowed more."""
        return not isinstance(self.what, EdgeFact) and self.what[1].action in RESTRICTING


@dataclass(frozen=True)
class Read:
    """A decision of a replica."""

    replica: int
    at: int
    subject: SubjectId
    leaf: str
    allowed: bool


class NotLinearizable(AssertionError):  # noqa: N818 - named after what it says
    """No order of the writes explains a decision."""


def check(policy: Policy, writes: Sequence[Write], reads: Iterable[Read], now_ms: int) -> None:
    """Checks a history; the first read that nothing explains is named.

    Raises:
        NotLinearizable: a decision ignores a restricting write that had returned, knows one
            that had not begun, or its replica went back.
    """
    epochs = sorted({0, *(write.epoch for write in writes)})

    @cache
    def oracle(epoch: int) -> Oracle:
        return Oracle(world_at(policy, writes, epoch), now_ms)

    reached: dict[int, int] = {}
    for read in sorted(reads, key=lambda one: one.at):
        least = max(
            [reached.get(read.replica, 0)]
            + [write.epoch for write in writes if write.restricts and write.returned < read.at]
        )
        most = min([write.epoch for write in writes if write.begun >= read.at], default=NEVER)
        for epoch in epochs:
            if least <= epoch < most and oracle(epoch).allowed(read.subject, read.leaf) == read.allowed:
                reached[read.replica] = epoch
                break
        else:
            raise NotLinearizable(f"{read} between epochs {least} and {most}")


def world_at(policy: Policy, writes: Sequence[Write], epoch: int) -> World:
    """Everything written up to an epoch."""
    kept = sorted((write for write in writes if write.epoch <= epoch), key=lambda write: write.epoch)
    said = tuple(write.what for write in kept if not isinstance(write.what, EdgeFact))
    edges = {write.what.edge_id: write.what for write in kept if isinstance(write.what, EdgeFact)}
    return World(policy, said, tuple(edge for edge in edges.values() if edge.state is not EdgeState.WRONG))


def widened(writes: Sequence[Write], states: Sequence[tuple[int, Mapping[SubjectId, int]]]) -> list[int]:
    """The epochs that only took back and after which somebody is allowed more.

    Args:
        writes: the history.
        states: the allow masks of everybody at one epoch after another.
    """
    found = []
    for (before, old), (epoch, new) in pairwise(states):
        between = [write for write in writes if before < write.epoch <= epoch]
        grown = any(new[subject] & ~mask for subject, mask in old.items())
        if grown and all(write.takes_back for write in between):
            found.append(epoch)
    return found
