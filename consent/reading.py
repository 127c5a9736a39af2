"""A person's statements, read from the latest back to the first.

For every leaf the latest of the grants and refusals that cover it wins: the later one between
a node and its ancestors, and of two said at the same instant the one recorded later. What
restricts covers every leaf beneath its node; what permits only the leaves that existed in the
version of the tree it was said under. Nothing that restricts can widen, whenever it is said
to have been said.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from consent.policy import Policy
from consent.record import ASKING, RESTRICTING, Action, Age, Said

_effective_at = attrgetter("effective_at_ms")


class Answer(NamedTuple):
    """A grant's answer to a refusal: which, from when to when, for which leaves."""

    refusal: bytes
    at_ms: int
    valid_until_ms: int
    mask: int


class Reading:
    """Statements read from the latest back to the first.

    Attributes:
        winners: the grant or refusal that counts, with the leaves it counts for; masks do not
            overlap, and leaves nobody spoke of are in none.
        ended: leaves whose winner is a grant that was ended by a statement after it.
        expired: leaves at which a statement was read that ends every grant before it.
        void: leaves whose earlier grants never were valid.
        taken: leaves whose winner is found.
        turned: leaves at which a refusal has been read: no grant before it answers anything.
        objected, restricted: leaves objected to, or restricted.
        objection_read, restriction_read: leaves at which nothing earlier says whether they are.
        regimes, minor: see ``OwnState``.
        age_read: an age was read that nothing said before it matters to.
    """

    __slots__ = (
        "age_read", "answers", "ended", "expired", "minor", "objected", "objection_read", "regimes",
        "restricted", "restriction_read", "taken", "turned", "void", "winners",
    )  # fmt: skip

    def __init__(self) -> None:
        self.winners: list[tuple[int, Said]] = []
        self.answers: list[Answer] = []
        self.ended = self.expired = self.void = self.taken = self.turned = 0
        self.objected = self.restricted = self.objection_read = self.restriction_read = 0
        self.regimes = self.minor = 0
        self.age_read = False

    def grant(self, policy: Policy, one: Said) -> None:
        """A grant covers the leaves there were when it was given."""
        covered = policy.mask_at(one.node, one.taxonomy_version) & ~self.void
        if one.supersedes:
            answered = covered & ~self.turned & ~self.expired
            self.answers += [
                Answer(refusal, one.effective_at_ms, one.valid_until_ms, answered)
                for refusal in (dict.fromkeys(one.supersedes) if answered else ())
            ]
        won = covered & ~self.taken
        self.ended |= won & self.expired
        self._win(won, one)

    def refuse(self, policy: Policy, one: Said) -> None:
        """A refusal, or a withdrawal, covers every leaf beneath its node."""
        covered = policy.mask(one.node)
        self.turned |= covered
        self._win(covered & ~self.taken, one)

    def _win(self, won: int, one: Said) -> None:
        if won:
            self.winners.append((won, one))
            self.taken |= won

    def expire(self, policy: Policy, one: Said) -> None:
        """Ends the grants before it."""
        self.expired |= policy.mask(one.node)

    def invalidate(self, policy: Policy, one: Said) -> None:
        """Makes the grants before it void."""
        self.void |= policy.mask(one.node)

    def object(self, policy: Policy, one: Said) -> None:
        """Lies over the leaves until it is lifted."""
        covered = policy.mask(one.node) & ~self.objection_read
        self.objected |= covered
        self.objection_read |= covered

    def restrict(self, policy: Policy, one: Said) -> None:
        """Lies over the leaves until it is lifted."""
        covered = policy.mask(one.node) & ~self.restriction_read
        self.restricted |= covered
        self.restriction_read |= covered

    def lift(self, policy: Policy, one: Said) -> None:
        """Takes objections and restrictions before it back, of the leaves there were."""
        covered = policy.mask_at(one.node, one.taxonomy_version)
        self.objection_read |= covered
        self.restriction_read |= covered

    def ask(self, policy: Policy, one: Said) -> None:
        """Changes nothing."""
        policy.mask(one.node)  # a purpose that the policy lost is an error here, too

    def place_and_age(self, policy: Policy, one: Said) -> None:
        """Where the person was and how old. What restricts can only make either stricter."""
        if one.regime and one.action not in RESTRICTING:
            self.regimes |= policy.regime_mask(one.regime) or policy.every_regime
        if one.age is not Age.UNKNOWN and not self.age_read:
            self.minor |= policy.protected(one.age)
            self.age_read = one.action in ASKING


_READERS = {
    Action.GRANT: Reading.grant,
    Action.REFUSE: Reading.refuse,
    Action.WITHDRAW: Reading.refuse,
    Action.EXPIRE: Reading.expire,
    Action.INVALIDATE: Reading.invalidate,
    Action.OBJECT: Reading.object,
    Action.RESTRICT: Reading.restrict,
    Action.LIFT: Reading.lift,
    Action.REQUEST: Reading.ask,
    Action.DEFER: Reading.ask,
}


def read(policy: Policy, said: Iterable[Said]) -> Reading:
    """Reads the statements of one birth subject, given in the order they were recorded.

    Raises:
        UnknownPurpose: a statement names a node that the tree no longer has.
    """
    in_time = sorted(said, key=_effective_at)  # stable: ties stay in recorded order
    reading, grant, unknown = Reading(), Action.GRANT, Age.UNKNOWN
    for one in reversed(in_time):
        if one.action is grant:  # nearly all are; looking an enum up in a dict hashes it in Python
            reading.grant(policy, one)
        else:
            _READERS[one.action](reading, policy, one)
        if one.regime or one.age is not unknown:
            reading.place_and_age(policy, one)
    return reading
