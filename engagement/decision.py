"""What a decision is made from, and what comes out.

A situation is read once and says everything; deciding asks nobody, so a decision can be made again
from what it was made from. Guards go over a play's candidates in a fixed order; each may only take
candidates away or lower the depth that is left. What remains is chosen from, with its probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from engagement.facts import Facts
from engagement.play import Channel, Depth, Limits, Option, Play, Segment


class Held(StrEnum):
    """Why nothing is given. Whatever speaks against a person's data being used is NOT_PERMITTED alone."""

    NOT_PERMITTED = "NOT_PERMITTED"
    NOTHING_LIVE = "NOTHING_LIVE"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    UNCERTAIN = "UNCERTAIN"
    OPEN_COMPLAINT = "OPEN_COMPLAINT"
    RESTING = "RESTING"
    MARGIN = "MARGIN"
    CHANNEL_CLOSED = "CHANNEL_CLOSED"
    QUIET_HOURS = "QUIET_HOURS"
    ASKED_ENOUGH = "ASKED_ENOUGH"
    CAP_REACHED = "CAP_REACHED"
    OUT_OF_TIME = "OUT_OF_TIME"


@dataclass(frozen=True, slots=True)
class Reservation:
    """A place under the cap that is taken: kept for ``at_ms``, or used then."""

    at_ms: int
    channel: Channel


@dataclass(frozen=True, slots=True)
class GivenOffer:
    """An offer that binds: the person gets it everywhere until ``until_ms``, under its decision id.

    Attributes:
        decision_id: 16 bytes.
        play_id: of what play …
        option_id: … what option.
        price_minor: the price that was quoted, minor units; -1: none was.
        currency: ISO 4217 of the price.
        given_at_ms: when.
        until_ms: until when.
        item_id: of what it was quoted; empty: no item was named; ``None``: it was not kept, and the offer is
            of whatever its play is asked for.
        full_price_minor: what it was quoted off, minor units; -1: no price was told.
        subject: the birth subject it hangs on.
    """

    decision_id: bytes
    play_id: str
    option_id: str
    price_minor: int
    currency: str
    given_at_ms: int
    until_ms: int
    item_id: str | None = None
    full_price_minor: int = -1
    subject: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class History:
    """What happened between the suite and a person, summed over all their birth subjects.

    Attributes:
        last_own_action_ms: the latest thing the person did themselves; ``None``: nothing is known.
        first_event_ms: the first event ever; ``None``: there is none.
        open_complaint: they complained and nobody has closed it.
        reservations: of the cap's window, past and to come.
        asked_at_ms: when they were asked something, within the window of the asks.
        offers: that bind now; all of them are honoured.
        last_depth: by slot the depth of what was shown last.
        closed: channels they asked not to be reached by.
    """

    last_own_action_ms: int | None = None
    first_event_ms: int | None = None
    open_complaint: bool = False
    reservations: Sequence[Reservation] = ()
    asked_at_ms: Sequence[int] = ()
    offers: Sequence[GivenOffer] = ()
    last_depth: Mapping[str, Depth] = field(default_factory=dict)
    closed: frozenset[Channel] = frozenset()


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a decision is made from.

    Attributes:
        purpose: the call's, a leaf.
        person: a stable number of the person for buckets of rollouts, 0 to 2**63-1: of the smallest birth
            subject; ``None``: nobody is known, and only the call itself may be used.
        certain: every link of the person is proof, none is a guess.
        minor: the person is or may be younger than 18.
        permits: whether the person permits a purpose (leaf); for nobody it says no.
        facts: what may be read.
        history: what was offered before.
        limits: the tenant's.
        segments: by id, live ones.
        channel: the channel that asks; ``None``: an outbound play chooses its own.
        price_minor: the price without discount, minor units; ``None``: not told.
        cost_minor: what it costs the shop; ``None``: not told.
        currency: ISO 4217 of both.
    """

    purpose: str
    person: int | None
    certain: bool
    minor: bool
    permits: Callable[[str], bool]
    facts: Facts
    history: History
    limits: Limits
    segments: Mapping[str, Segment]
    channel: Channel | None = None
    price_minor: int | None = None
    cost_minor: int | None = None
    currency: str = ""


class Candidate(NamedTuple):
    """One option by one channel at one instant."""

    play: Play
    option: Option
    channel: Channel
    send_at_ms: int


class Step(NamedTuple):
    """What one guard did: its name, how many candidates of a play it left, and the depth it left.

    Attributes:
        guard: its name in the list.
        left: candidates.
        ceiling: how personal they may be.
        play_id: of which play.
    """

    guard: str
    left: int
    ceiling: Depth
    play_id: str = ""


class Chance(NamedTuple):
    """How likely an option was."""

    option_id: str
    probability: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes out of deciding.

    Attributes:
        candidate: what is given; ``None``: nothing, for ``held``.
        held: why nothing is given; ``None``: something is.
        retry_at_ms: when asking again may help; 0: it will not by itself.
        depth: how personal the answer is.
        propensity: how likely the option was, 0 to 1.
        alternatives: all that could have been given, with their probabilities; they sum to 1.
        price_minor: the price with the discount, minor units; ``None``: no price was told.
        price_personalised: the price is of this person or their segment.
        honours: the offer given before that this answer repeats; ``None``: it is a new one.
        reserves: it takes a place under the cap.
        binds_until_ms: until when the offer holds; 0: it does not bind.
        steps: of the play that is given, or came closest to it, the guards it met, in order.
        read: the names of the fields that were read, sorted.
        passed_over: of every other play that was tried the guard that left nothing of it, in order.
        offers: it is an offer that binds: a new one, or one that says more than the one it honours.
        item_id: what that offer is about; empty: what its play is.
    """

    candidate: Candidate | None
    held: Held | None
    retry_at_ms: int
    depth: Depth
    propensity: float
    alternatives: tuple[Chance, ...]
    price_minor: int | None
    price_personalised: bool
    honours: GivenOffer | None
    reserves: bool
    binds_until_ms: int
    steps: tuple[Step, ...]
    read: tuple[str, ...]
    passed_over: tuple[Step, ...] = ()
    offers: bool = False
    item_id: str = ""
