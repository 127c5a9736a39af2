"""What deciding asks of a store: what was decided before, and what a decision promises.

A decision is one row, on the birth subject it was asked for; whatever it promises (a place under the
cap, a question, a price that holds) stands in that row and nowhere else. A promise is written in one
statement that counts those of the whole person and writes nothing if there is no room: so many at
once as there may be, there is never one promise too many. What promises nothing is written later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple, Protocol

from engagement.decision import History
from identity.ids import SubjectId

DECISION_BYTES = 16
#: ``Row.price_minor`` where no price was told.
NO_PRICE = -1


class Became(IntEnum):
    """What became of a decision."""

    SHOWN = 1  # it promised nothing
    PROMISED = 2
    SENT = 3
    RELEASED = 4  # what it promised is free again
    HELD = 5  # nothing was given


class Promise(IntFlag):
    """What a decision promises."""

    NOTHING = 0
    PLACE = 1  # under the cap
    QUESTION = 2
    OFFER = 4


class MadeAt(NamedTuple):
    """When a decision was made; of any two one is the later."""

    decided_at_ms: int
    turn: int


class Row(NamedTuple):
    """One decision; a tuple in the order of the store's columns.

    Attributes:
        decision_id: 16 bytes.
        subject: the birth subject it was asked for; empty: for nobody.
        digest: of the question; the same id with another question is refused.
        purpose: bit position of the purpose.
        decided_at_ms: when.
        play_id: empty where no play was in force.
        version: the play's.
        option_id: empty: nothing was given.
        channel: an ``engagement.play.Channel``; 0 where nothing was given.
        slot: the place that asked.
        depth: an ``engagement.play.Depth``.
        held: why nothing was given; empty: something was.
        send_at_ms: when it goes out.
        price_minor: with the discount; -1: none was told.
        full_price_minor: without it; -1 likewise.
        currency: ISO 4217 of both.
        personalised: 1: the price is of this person or their segment.
        propensity: how likely it was.
        binds_until_ms: until when the offer holds; 0: it does not bind.
        promises: a ``Promise``.
        became: a ``Became``.
        honours: the decision whose offer it repeats; empty: none.
        grounds: the rest of what ``Why`` tells, packed (``engagement.grounds``).
        item_id: of an offer that binds what it was quoted of; empty: no item was named, or it is no offer;
            ``None``: of a time when it was not kept.
        turn: counts the decisions of a process; of one millisecond the larger is the later.
    """

    decision_id: bytes
    subject: bytes
    digest: bytes
    purpose: int
    decided_at_ms: int
    play_id: str
    version: int
    option_id: str
    channel: int
    slot: str
    depth: int
    held: str
    send_at_ms: int
    price_minor: int
    full_price_minor: int
    currency: str
    personalised: int
    propensity: float
    binds_until_ms: int
    promises: int
    became: int
    honours: bytes
    grounds: bytes
    item_id: str | None
    turn: int

    @property
    def made_at(self) -> MadeAt:
        """When it was made."""
        return MadeAt(self.decided_at_ms, self.turn)

    def __repr__(self) -> str:
        return "Row(…)"


@dataclass(frozen=True, slots=True)
class Whose:
    """Of whom a history is read.

    Attributes:
        readable: the birth subjects whose data may be used for the purpose.
        person: all birth subjects of the person that may be kept from harm by what is known of them:
            what protects is counted over all of them, whoever of them permits the purpose.
        proven: those of the person who are proved to be one; only they take back what another said.
    """

    readable: Sequence[SubjectId]
    person: Sequence[SubjectId]
    proven: Sequence[SubjectId] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked up before a decision.

    Attributes:
        whose: of whom.
        decision_id: of the decision that is to be made, and may have been.
        slot: the place whose latest depth counts.
    """

    whose: Whose
    decision_id: bytes
    slot: str


@dataclass(frozen=True, slots=True)
class Windows:
    """How far back and ahead promises count.

    Attributes:
        now_ms: the instant that is decided for.
        cap_ms: length of the cap's window.
        asks_ms: length of the asks' window.
    """

    now_ms: int
    cap_ms: int
    asks_ms: int


@dataclass(frozen=True, slots=True)
class Room:
    """How much there may be, for one promise to be made.

    Attributes:
        whose: whose promises count; of offers those that may be read.
        cap: places in the window of the cap, at most.
        asks: questions in the window of the asks, at most.
        windows: their lengths.
    """

    whose: Whose
    cap: int
    asks: int
    windows: Windows


@dataclass(frozen=True, slots=True)
class Before:
    """What was there before a decision.

    Attributes:
        history: between the suite and the person.
        row: the decision of that id, if there is one.
        shown_at: when what was shown last in the slot was decided; ``None``: nothing was.
    """

    history: History
    row: Row | None
    shown_at: MadeAt | None = None


class Outcome(IntEnum):
    """What is reported of a decision; numbers as in the contract."""

    SENT = 1
    FAILED = 2
    CLICK = 3
    ORDER = 4
    COMPLETE = 5
    UNSUBSCRIBE = 6
    RESUBSCRIBE = 7
    COMPLAINT = 8
    COMPLAINT_CLOSED = 9
    NPS = 10
    CSAT = 11
    CES = 12


#: What the person did themselves.
OWN_OUTCOMES = (Outcome.CLICK, Outcome.ORDER, Outcome.COMPLETE)


class Report(NamedTuple):
    """What became of a decision; a tuple in the order of the store's columns.

    Attributes:
        key: what makes it this report: BLAKE2b-128 of tenant, caller and request id.
        subject: the birth subject it was reported by.
        decision_id: of which decision.
        digest: of its content; the same key with another content is refused.
        outcome: an ``Outcome``.
        value: a score or an amount; ``None``: it has none.
        at_ms: when it was reported.
    """

    key: bytes
    subject: SubjectId
    decision_id: bytes
    digest: bytes
    outcome: int
    value: int | None
    at_ms: int

    def __repr__(self) -> str:
        return "Report(…)"


class DecisionStore(Protocol):
    """The decisions of a tenant."""

    async def before(self, looks: Sequence[Look], windows: Windows) -> Sequence[Before]:
        """What was before each decision, all of one state."""

    async def promise(self, wanted: Sequence[tuple[Row, Room]]) -> Sequence[bool]:
        """Writes decisions that promise something, one after another, each if there is room then.

        Returns:
            Whether each was written; those that were are durable. One is not when the cap or the asks
            are used up, when another offer of the play and the item binds for the person (of one that
            honours another: one of its option, as cheap), when a decision of its id stands, or when the
            person was erased.
        """

    async def give_back(self, decision_ids: Sequence[bytes]) -> None:
        """Frees what decisions promised that nobody was told of."""

    def note(self, row: Row) -> None:
        """Takes down a decision that promises nothing; durable soon, lost if the process dies before."""

    async def decision(self, decision_id: bytes) -> Row | None:
        """A decision, also one that is only taken down yet."""

    async def report(self, report: Report, row: Row, person: Sequence[SubjectId]) -> None:
        """Keeps a report of a decision and does what it says; durable when it returns.

        Who takes back a complaint or a closed channel does so for themselves, and for the others of the
        person for as long as they are one: what another said stands again without who took it back.

        Args:
            report: what is reported.
            row: the decision.
            person: the birth subjects proved to be one with whoever reports it, themselves included.

        Raises:
            RequestIdReused: another report has the key.
        """

    async def reports(self, decision_id: bytes) -> Sequence[Report]:
        """What was reported of a decision, oldest first."""
