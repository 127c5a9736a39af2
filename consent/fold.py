"""What one birth subject's own records come to.

Statements are read from the latest back (``consent.reading``); what is found are masks that
hold at every instant. A grant that ran out is no refusal and no grant. Objections and
restrictions lie over grants and refusals, apart from them, until they are lifted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from consent.guard_table import NEVER_MS
from consent.policy import Policy
from consent.reading import Answer, read
from consent.record import Action, Said


class State(Enum):
    """The own state of one purpose."""

    UNKNOWN = "UNKNOWN"
    GRANTED = "GRANTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class LeafState(NamedTuple):
    """One leaf's state, the statement behind it, if any, and what lies over it."""

    state: State
    said: Said | None
    objected: bool = False
    restricted: bool = False


class Answerable(NamedTuple):
    """A refusal in force that some grant names: which, since when, for which leaves."""

    refusal: bytes
    at_ms: int
    mask: int


class OwnState(NamedTuple):
    """A birth subject's own masks, at every instant. A tuple: a million are made at every start.

    Attributes:
        grants: ``(valid_until_ms, mask)`` of the grants in force, one pair per end.
        refuse: mask of the purposes refused or withdrawn.
        withdrawn: those of them that were withdrawn.
        expired: purposes whose grant was ended by a statement.
        objected: purposes objected to.
        restricted: purposes whose processing is restricted.
        minor: purposes that somebody of the subject's age is protected from.
        regimes: mask of the regimes the subject is under; 0 for UNKNOWN.
        answers: which refusals of others its grants answer.
        answerable: which of its refusals some grant names.
    """

    grants: tuple[tuple[int, int], ...]
    refuse: int
    withdrawn: int = 0
    expired: int = 0
    objected: int = 0
    restricted: int = 0
    minor: int = 0
    regimes: int = 0
    answers: tuple[Answer, ...] = ()
    answerable: tuple[Answerable, ...] = ()

    def granted_at(self, now_ms: int) -> int:
        """The purposes granted at an instant."""
        mask = 0
        for valid_until_ms, granted in self.grants:
            if now_ms < valid_until_ms:
                mask |= granted
        return mask

    def expired_at(self, now_ms: int) -> int:
        """The purposes whose grant has ended by an instant."""
        mask = self.expired
        for valid_until_ms, granted in self.grants:
            if now_ms >= valid_until_ms:
                mask |= granted
        return mask

    def changes_after(self, now_ms: int) -> int:
        """The next instant at which a grant or an answer runs out; ``NEVER_MS`` if none does."""
        ends = [until for until, _ in self.grants if now_ms < until]
        ends += [answer.valid_until_ms for answer in self.answers if now_ms < answer.valid_until_ms]
        return min(ends, default=NEVER_MS)

    @property
    def common(self) -> bool:
        """Whether others may share it for ever: nothing in it ends, and nothing is somebody's own."""
        return not (self.answers or self.answerable) and all(until == NEVER_MS for until, _ in self.grants)


#: Who never said anything.
SILENT = OwnState(grants=(), refuse=0)


def fold(policy: Policy, said: Iterable[Said]) -> OwnState:
    """The own state of one birth subject.

    Args:
        policy: the purpose tree and the regimes.
        said: the statements of one birth subject in the order they were recorded.

    Raises:
        UnknownPurpose: a statement names a node that the tree no longer has.
    """
    reading = read(policy, said)
    grants: dict[int, int] = {}
    refuse = withdrawn = expired = 0
    answerable: list[Answerable] = []
    for mask, one in reading.winners:
        if one.action is Action.GRANT:
            live = mask & ~reading.ended
            if live:
                grants[one.valid_until_ms] = grants.get(one.valid_until_ms, 0) | live
            expired |= mask & reading.ended
            continue
        refuse |= mask
        if one.action is Action.WITHDRAW:
            withdrawn |= mask
        if one.id:
            answerable.append(Answerable(one.id, one.effective_at_ms, mask))
    return OwnState(
        tuple(sorted(grants.items())) if grants else (),
        refuse,
        withdrawn,
        expired,
        reading.objected,
        reading.restricted,
        reading.minor,
        reading.regimes,
        tuple(sorted(set(reading.answers))) if reading.answers else (),
        tuple(sorted(answerable)) if answerable else (),
    )


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What a birth subject itself said, to be shown.

    Attributes:
        leaves: the state of every leaf, in the tree's order.
        regimes: mask of the regimes the subject is under; 0 for UNKNOWN.
    """

    leaves: tuple[LeafState, ...]
    regimes: int


def own_words(policy: Policy, said: Iterable[Said], now_ms: int) -> OwnWords:
    """What a birth subject itself said, at an instant; errors as of ``fold``."""
    said = list(said)
    return OwnWords(leaf_states(policy, said, now_ms), fold(policy, said).regimes)


def leaf_states(policy: Policy, said: Iterable[Said], now_ms: int) -> tuple[LeafState, ...]:
    """The own state of every leaf at an instant, in the tree's order; errors as of ``fold``."""
    reading = read(policy, said)
    behind: dict[int, Said] = {}
    for mask, one in reading.winners:
        behind.update((index, one) for index in range(len(policy.leaves)) if mask >> index & 1)
    states = []
    for index in range(len(policy.leaves)):
        bit, found = 1 << index, behind.get(index)
        state = State.UNKNOWN if found is None else _state(found, now_ms, ended=bool(reading.ended & bit))
        states.append(LeafState(state, found, bool(reading.objected & bit), bool(reading.restricted & bit)))
    return tuple(states)


def _state(said: Said, now_ms: int, *, ended: bool) -> State:
    if said.action is Action.REFUSE:
        return State.REFUSED
    if said.action is Action.WITHDRAW:
        return State.WITHDRAWN
    return State.EXPIRED if ended or now_ms >= said.valid_until_ms else State.GRANTED
