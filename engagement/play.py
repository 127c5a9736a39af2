"""What may be offered to whom, where and when: plays, and the bounds they are kept in.

A play is declared and never programmed. It offers one of its options, in a place of a page that
asks (a slot) or by a message of its own that something triggers. Everything that a decision reads
stands in its play, its segment and the tenant's bounds, so it is known before anybody is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from engagement.condition import Condition
from engagement.event import EventKind


class Depth(IntEnum):
    """How personal an option is; the higher, the more it tells that somebody is known."""

    GENERAL = 1
    CONTEXT = 2
    SEGMENT = 3
    INDIVIDUAL = 4


class Channel(IntEnum):
    """Where somebody is reached; numbers as in the contract. The first four ask, the others reach out."""

    WEB = 1
    APP = 2
    STORE = 3
    CALL_CENTRE = 4
    EMAIL = 5
    SMS = 6
    PUSH = 7
    PHONE = 8
    POST = 9


#: The channels that reach out, and the purpose that a person permits each by.
OUTBOUND = {
    Channel.EMAIL: "marketing.email",
    Channel.SMS: "marketing.sms",
    Channel.PUSH: "marketing.push",
    Channel.PHONE: "marketing.phone",
    Channel.POST: "marketing.post",
}


class State(IntEnum):
    """How far a definition is. Only PILOT and LIVE decide anything; PILOT for those of its rollout."""

    DRAFT = 1
    PILOT = 2
    LIVE = 3
    RETIRED = 4


@dataclass(frozen=True, slots=True)
class Discount:
    """What comes off a price; one of the two is 0.

    Attributes:
        permille: thousandths of the price, rounded towards the dearer.
        amount_minor: minor units of ``currency``.
        currency: ISO 4217; empty with ``permille``.
        margin_floor_permille: the price less the cost stays at least so many thousandths of the price;
            without a known cost such an option is not offered.
    """

    permille: int = 0
    amount_minor: int = 0
    currency: str = ""
    margin_floor_permille: int = 0


@dataclass(frozen=True, slots=True)
class Option:
    """One thing a play may offer.

    Attributes:
        option_id: unique in its play.
        depth: how personal it is.
        condition: for whom it is; ``None``: for everybody the play is for.
        template_id: its content; empty: the id is all that is answered.
        discount: what comes off; ``None``: nothing. At SEGMENT or INDIVIDUAL it makes the price
            personalised: it needs ``personalise.pricing`` and is disclosed.
        sponsored: somebody pays for it; labelled, and of a capped share.
        item_ids: what it is about.
        blocks: the page's blocks in their order, where it orders a page.
        interface_choice: the choice a person can declare for it, e.g. "layout:compact"; whoever did gets it.
        owed: a status of a programme promises its price: whoever has it gets it, and nothing is explored.
    """

    option_id: str
    depth: Depth
    condition: Condition | None = None
    template_id: str = ""
    discount: Discount | None = None
    sponsored: bool = False
    item_ids: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    interface_choice: str = ""
    owed: bool = False


@dataclass(frozen=True, slots=True)
class EventTrigger:
    """Some time after an event, unless one of others happened meanwhile.

    Attributes:
        kinds: what sets it off.
        delay_s: how long after.
        unless: kinds that call it off when one follows within the delay.
    """

    kinds: frozenset[EventKind]
    delay_s: int = 0
    unless: frozenset[EventKind] = frozenset()


@dataclass(frozen=True, slots=True)
class DateTrigger:
    """Once a year, some days before a yearly date (a field of the form "MM-DD"), at a time of their day."""

    field: str
    days_before: int
    minute_of_day: int


@dataclass(frozen=True, slots=True)
class LapseTrigger:
    """Once, when some days (24 hours) went by since the latest event of some kinds."""

    kinds: frozenset[EventKind]
    days: int


@dataclass(frozen=True, slots=True)
class PlaceTrigger:
    """An event was seen near one of some places (H3 cells); at most once in ``rest_days``."""

    cells: tuple[str, ...]
    distance_m: int
    rest_days: int


Trigger = EventTrigger | DateTrigger | LapseTrigger | PlaceTrigger


@dataclass(frozen=True, slots=True)
class Play:
    """One play, as a version of its definition has it.

    Attributes:
        play_id: unique in the tenant.
        version: counts up from 1 with every change.
        state: how far it is.
        purpose: leaf of the purpose tree it processes people for, e.g. "personalise.content"; what it
            reads is checked against it. A channel that reaches out needs its own purpose besides.
        priority: of two plays for one slot the higher; of equals the one with the smaller id.
        slot: the place that asks for it, e.g. "home.banner"; empty: it is triggered, or asked by name.
        channels: where; not empty.
        options: what; not empty, at least one of them GENERAL unless all channels reach out.
        segment_id: only those in the segment; empty: everybody.
        condition: only those of whom it holds; ``None``: everybody.
        trigger: what sets it off; ``None``: nothing does, it is asked for.
        service: what the person is owed (an invoice), not what is offered: no rest, no cap, no
            alternation, no holdout. Never without the basis of its purpose.
        asks: it asks the person something, and counts as asking.
        review: a human approves each of its decisions before it goes out.
        rollout_permille: of all people so many thousandths, always the same.
        from_ms: not before; 0: from always.
        until_ms: from then on no more; 0: for ever.
        offer_days: so long an offer holds in every channel, times 24 hours; 0: it does not bind.
        message_days: a message that could not go out for so long is dropped, times 24 hours.
        nps_from_one: its survey asks from 1 to 10; of others an answer is from 0 to 10.
    """

    play_id: str
    version: int
    state: State
    purpose: str
    priority: int
    slot: str
    channels: tuple[Channel, ...]
    options: tuple[Option, ...]
    segment_id: str = ""
    condition: Condition | None = None
    trigger: Trigger | None = None
    service: bool = False
    asks: bool = False
    review: bool = False
    rollout_permille: int = 1000
    from_ms: int = 0
    until_ms: int = 0
    offer_days: int = 0
    message_days: int = 7
    nps_from_one: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """Some people. RULE: those of whom a condition holds; DECLARED: it reads only what they declared.

    Attributes:
        segment_id: unique in the tenant.
        version: counts up from 1 with every change.
        state: how far it is.
        purpose: what it may be used for, a leaf; a play of another purpose can not use it.
        condition: who is in it.
        declared: it reads declared fields and no others.
    """

    segment_id: str
    version: int
    state: State
    purpose: str
    condition: Condition
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for a person over all plays and channels of the tenant.

    Attributes:
        cap: messages that reach out and offers that bind, at most, in ``cap_days`` times 24 hours.
        cap_days: the window of the cap.
        quiet_from_minute: nothing reaches out from this minute of the person's day on …
        quiet_until_minute: … until this one; equal: there are no quiet hours.
        zone: IANA name of the time zone of whoever told none.
        asks: questions at most in ``asks_days`` times 24 hours.
        asks_days: the window of the asks.
        rest_days: without an own action for so long nothing more is offered; times 24 hours.
        new_relation_days: so long after the first event SEGMENT is the deepest; times 24 hours.
        sponsored_permille: of the options of one answer at most so many thousandths are paid for.
    """

    cap: int = 2
    cap_days: int = 7
    quiet_from_minute: int = 21 * 60
    quiet_until_minute: int = 8 * 60
    zone: str = "UTC"
    asks: int = 1
    asks_days: int = 30
    rest_days: int = 30
    new_relation_days: int = 30
    sponsored_permille: int = 200
