"""What a person can say about a purpose, and how it is said so that it holds.

Permission asked for is given by a grant and taken back by a withdrawal. What needs no permission
ends by an objection and comes back when that is lifted. What the law demands has no switch. The
page offers, of the two, the one that changes what is in effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

#: Bases under which nobody is asked and nobody can say no.
_FIXED: Final = frozenset({"legal_obligation", "none", "forbidden", ""})
_ASKED: Final = frozenset({"consent", "opt_out"})
_NO: Final = frozenset({"REFUSED", "WITHDRAWN"})


class Act(Enum):
    """Something to be said to the suite."""

    GRANT = "grant"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    OBJECT = "object"
    LIFT = "lift"


class Why(Enum):
    """Why a purpose is as it is; the name of a text."""

    ON = "on"
    ON_WITHOUT_ASKING = "on_without_asking"
    FIXED = "fixed"
    FORBIDDEN = "forbidden"
    OBJECTED = "objected"
    RESTRICTED = "restricted"
    SAID_NO = "said_no"
    RAN_OUT = "ran_out"
    NOT_ASKED = "not_asked"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Switch:
    """One purpose as it stands for a person.

    Attributes:
        purpose: a leaf of the purpose tree.
        allowed: it is in effect now.
        own: what they said of it: UNKNOWN, GRANTED, REFUSED, WITHDRAWN, EXPIRED.
        basis: what it rests on, as the policy file names it.
        objected: they objected.
        restricted: they had it stopped.
        statement_id: of what they said; empty if nothing.
    """

    purpose: str
    allowed: bool
    own: str
    basis: str
    objected: bool = False
    restricted: bool = False
    statement_id: str = ""

    @property
    def has_say(self) -> bool:
        """The person can change it."""
        return self.basis not in _FIXED

    @property
    def is_wanted(self) -> bool:
        """As far as it lies with this person alone, it is on."""
        if self.objected or self.restricted or self.own in _NO:
            return False
        return self.own == "GRANTED" or self.basis != "consent"

    @property
    def why(self) -> Why:
        """Why it is as it is."""
        if not self.has_say:
            return Why.FORBIDDEN if self.basis == "forbidden" else Why.FIXED
        if self.restricted:
            return Why.RESTRICTED
        if self.objected:
            return Why.OBJECTED
        if self.own in _NO:
            return Why.SAID_NO
        if self.allowed:
            return Why.ON if self.own == "GRANTED" else Why.ON_WITHOUT_ASKING
        if self.own == "EXPIRED" and self.basis in _ASKED:
            return Why.RAN_OUT
        if self.own == "UNKNOWN" and self.basis == "consent":
            return Why.NOT_ASKED
        return Why.ELSEWHERE

    def turned(self, on: bool) -> tuple[Act, ...]:
        """What has to be said to have it on or off; nothing where it is that way already."""
        if not self.has_say or on == self.is_wanted:
            return ()
        if not on:
            if self.basis not in _ASKED:
                return (Act.OBJECT,)
            return (Act.WITHDRAW if self.own == "GRANTED" else Act.REFUSE,)
        lift = (Act.LIFT,) if self.objected or self.restricted else ()
        needs_grant = self.own in _NO or (self.basis == "consent" and self.own != "GRANTED")
        return (*lift, Act.GRANT) if needs_grant else lift


def grouped(switches: Iterable[Switch]) -> Mapping[str, Sequence[Switch]]:
    """Switches by the root of the tree they stand under, in the tree's order."""
    groups: dict[str, list[Switch]] = {}
    for switch in switches:
        groups.setdefault(switch.purpose.partition(".")[0], []).append(switch)
    return groups
