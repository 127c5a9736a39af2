"""Plays, people and moments to decide about: ordinary ones to change, and random ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from engagement.condition import All, Compare, Comparison, Condition, Count, DaysSince, Not
from engagement.decision import Candidate, GivenOffer, History, Reservation, Situation
from engagement.event import EventKind
from engagement.facts import Facts, Known
from engagement.guards import guarded, judged
from engagement.play import OUTBOUND, Channel, Depth, Discount, Limits, Option, Play, Segment, State
from tests.engagement.events import DAY_MS, event

#: A Wednesday, 12:00 UTC.
NOW_MS = 1_700_049_600_000
HOUR_MS = 3_600_000
CONTENT = "personalise.content"
EVERY_PURPOSE = frozenset(
    {CONTENT, "service", "personalise.pricing", "marketing.ads.first_party", *OUTBOUND.values()}
)
LIKES_TEA = Compare("declared.likes", Comparison.HAS, "category:Tea")
RAIN = Compare("context.weather", Comparison.EQUAL, "rain")


class Permits:
    """Permits some purposes; equal when it permits the same."""

    def __init__(self, purposes: frozenset[str]) -> None:
        self.purposes = purposes

    def __call__(self, purpose: str) -> bool:
        return purpose in self.purposes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Permits) and self.purposes == other.purposes

    def __hash__(self) -> int:
        return hash(self.purposes)

    def __repr__(self) -> str:
        return f"Permits({sorted(self.purposes)})"


def option(option_id: str = "general", depth: Depth = Depth.GENERAL, **changed: Any) -> Option:
    """Something for everybody."""
    return Option(option_id, depth, **changed)


def play(play_id: str = "banner", **changed: Any) -> Play:
    """A banner on the home page: a general option, and an individual one for everybody."""
    ordinary = Play(
        play_id=play_id,
        version=1,
        state=State.LIVE,
        purpose=CONTENT,
        priority=1,
        slot="home.banner",
        channels=(Channel.WEB,),
        options=(option(), option("own", Depth.INDIVIDUAL)),
    )
    return replace(ordinary, **changed)


def message(play_id: str = "letter", **changed: Any) -> Play:
    """One individual option by e-mail, which no place asks for."""
    by_mail = {"slot": "", "channels": (Channel.EMAIL,), "options": (option("own", Depth.INDIVIDUAL),)}
    return play(play_id, **{**by_mail, **changed})


def said(**context: Any) -> dict[str, Known]:
    """What a call says, as fields."""
    return {f"context.{name}": Known(value, 0, "call", NOW_MS) for name, value in context.items()}


def known(**fields: Any) -> dict[str, Known]:
    """What is known of a person; two underscores in a name stand for its dot."""
    return {
        name.replace("__", "."): Known(value, 1, "quiz", NOW_MS - DAY_MS) for name, value in fields.items()
    }


def history(**changed: Any) -> History:
    """Somebody met long ago who was here an hour ago."""
    return replace(
        History(last_own_action_ms=NOW_MS - HOUR_MS, first_event_ms=NOW_MS - 400 * DAY_MS), **changed
    )


def situation(*, grants: frozenset[str] = EVERY_PURPOSE, **changed: Any) -> Situation:
    """A certain adult who permits everything asks on the web at noon; fields, now_ms, zone are facts."""
    facts = Facts(
        changed.pop("events", ()),
        changed.pop("fields", {}),
        changed.pop("now_ms", NOW_MS),
        changed.pop("zone", "UTC"),
    )
    ordinary = Situation(
        purpose=CONTENT,
        person=7,
        certain=True,
        minor=False,
        permits=Permits(grants),
        facts=facts,
        history=history(),
        limits=Limits(),
        segments={},
        channel=Channel.WEB,
    )
    return replace(ordinary, **changed)


def offer(play_id: str = "banner", option_id: str = "own", **changed: Any) -> GivenOffer:
    """An offer of an hour ago that binds for three days."""
    given = GivenOffer(b"1" * 16, play_id, option_id, -1, "", NOW_MS - HOUR_MS, NOW_MS + 3 * DAY_MS)
    return replace(given, **changed)


def allowed(plays: list[Play], moment: Situation) -> list[Candidate]:
    """All that the guards leave, of every play."""
    used = judged(moment)
    return [one for each in plays for one in guarded(each, used).candidates]


# Random worlds. Each is made from one number, a hundred times faster than drawn piece by piece; the number
# of a world in which something fails is what hypothesis prints.

SLOTS = ("home.banner", "basket.side", "")
PLAYS, OPTIONS = "pqrstu", "abcdef"
SEGMENTS = {"tea": Segment("tea", 1, State.LIVE, CONTENT, LIKES_TEA, declared=True)}
_PURPOSES = (*[CONTENT] * 7, "service")
_FIELDS: dict[str, tuple[Any, ...]] = {
    "declared.likes": (("category:Tea",), ("category:Coffee",), ("category:Tea", "brand:X")),
    "declared.age_band": ("AGE_25_34", "AGE_65_PLUS"),
    "interface.layout": ("compact", "wide"),
    "context.weather": ("rain", "sun"),
    "context.device": ("phone", "desk"),
}
_ORDERS, _VIEWS = frozenset({EventKind.ORDER}), frozenset({EventKind.VIEW})


@dataclass(frozen=True)
class World:
    """Some plays, a moment, another history and a number that is drawn."""

    plays: list[Play]
    moment: Situation
    other: History
    draw: float


def worlds() -> st.SearchStrategy[World]:
    """Of all kinds."""
    return st.integers(0, 2**32 - 1).map(world)


def world(number: int) -> World:
    """The world of a number."""
    dice = Random(number)
    return World(_plays(dice), moment(dice), _history(dice), dice.random())


def _leaf(dice: Random) -> Condition:
    return dice.choice(
        (
            LIKES_TEA,
            RAIN,
            Compare("interface.layout", Comparison.EQUAL, "compact"),
            Compare("context.device", Comparison.EQUAL, dice.choice(_FIELDS["context.device"])),
            Compare("declared.age_band", Comparison.AT_LEAST, "AGE_25_34"),
            Count(
                _ORDERS,
                dice.randint(1, 30),
                dice.choice((Comparison.AT_LEAST, Comparison.LESS)),
                dice.randint(0, 2),
            ),
            DaysSince(_VIEWS, dice.choice((Comparison.MORE, Comparison.AT_MOST)), dice.randint(0, 9)),
        )
    )


def _condition(dice: Random) -> Condition | None:
    """None more often than not."""
    kind = dice.randrange(9)
    if kind > 2:
        return None
    return (_leaf(dice), Not(_leaf(dice)), All((_leaf(dice), _leaf(dice))))[kind]


def _discount(dice: Random) -> Discount | None:
    """None, sound and unsound ones."""
    kind = dice.randrange(6)
    if kind == 0:
        return Discount(permille=dice.randint(0, 1001), margin_floor_permille=dice.choice((0, 100)))
    if kind == 1:
        return Discount(amount_minor=dice.randint(0, 1200), currency=dice.choice(("EUR", "USD")))
    return None


def _options(dice: Random, *, reach_out: bool) -> tuple[Option, ...]:
    """One to five; a general one first unless the channels reach out."""
    others = tuple(
        Option(
            option_id,
            dice.choice(tuple(Depth)),
            _condition(dice),
            discount=_discount(dice),
            sponsored=dice.random() < 0.25,
            interface_choice=dice.choice(("", "", "", "", "layout:compact", "layout:wide")),
            owed=dice.random() < 0.1,
        )
        for option_id in dice.sample(OPTIONS, dice.randint(1, 4))
    )
    return others if reach_out else (option(), *others)


def _channels(dice: Random) -> tuple[Channel, ...]:
    some = tuple(dice.sample(tuple(Channel)[1:], dice.randint(1, 4)))
    return dice.choice(((Channel.WEB, *some), (Channel.WEB,), (Channel.WEB,), (Channel.EMAIL, Channel.SMS)))


def _plays(dice: Random) -> list[Play]:
    """One to four of different ids."""
    made = []
    for play_id in dice.sample(PLAYS, dice.randint(1, 4)):
        channels = _channels(dice)
        made.append(
            Play(
                play_id,
                version=1,
                state=dice.choice((*[State.LIVE] * 8, State.PILOT, State.RETIRED)),
                purpose=dice.choice(_PURPOSES),
                priority=dice.randint(0, 2),
                slot=dice.choice(SLOTS),
                channels=channels,
                options=_options(dice, reach_out=all(one in OUTBOUND for one in channels)),
                segment_id=dice.choice(("", "", "", "", "", "", "tea", "none")),
                condition=_condition(dice),
                service=dice.random() < 0.2,
                asks=dice.random() < 0.3,
                rollout_permille=dice.choice((*[1000] * 7, 500, 0)),
                from_ms=dice.choice((*[0] * 9, NOW_MS + 1)),
                until_ms=dice.choice((*[0] * 8, NOW_MS + HOUR_MS, NOW_MS)),
                offer_days=dice.choice((0, 0, 3)),
                message_days=dice.choice((7, 7, 0)),
            )
        )
    return made


def _history(dice: Random) -> History:
    """What may have happened before, near the bounds."""

    def past() -> int:
        return NOW_MS - dice.randrange(40 * 24) * HOUR_MS

    def coming() -> int:
        return NOW_MS + dice.randint(-10 * 24, 48) * HOUR_MS

    return History(
        last_own_action_ms=dice.choice((None, past(), *[NOW_MS] * 6)),
        first_event_ms=dice.choice((None, past(), *[NOW_MS - 300 * DAY_MS] * 3)),
        open_complaint=dice.random() < 0.08,
        reservations=[Reservation(coming(), dice.choice(tuple(Channel))) for _ in range(dice.randrange(4))],
        asked_at_ms=[past() for _ in range(dice.randrange(3))],
        offers=[_offer(dice) for _ in range(dice.choice((0, 1, 3)))],
        last_depth={slot: dice.choice(tuple(Depth)) for slot in SLOTS[:2] if dice.random() < 0.5},
        closed=frozenset(dice.sample(tuple(Channel), dice.choice((0, 0, 2)))),
    )


def _offer(dice: Random) -> GivenOffer:
    return GivenOffer(
        dice.randbytes(16),
        dice.choice(PLAYS),
        dice.choice(("general", *OPTIONS)),
        dice.choice((-1, 700, 900)),
        dice.choice(("EUR", "EUR", "USD")),
        NOW_MS - dice.randrange(3 * DAY_MS),
        dice.choice((NOW_MS, NOW_MS + 1, NOW_MS + DAY_MS)),
    )


def moment(dice: Random) -> Situation:
    """Of any kind, most of them with a person."""
    events = [
        event(
            str(number),
            kind=dice.choice((EventKind.ORDER, EventKind.VIEW)),
            occurred_at_ms=NOW_MS - dice.randrange(20) * DAY_MS,
        )
        for number in range(dice.randrange(4))
    ]
    fields = {
        name: Known(dice.choice(values), 1, "quiz", NOW_MS - 1)
        for name, values in _FIELDS.items()
        if dice.random() < 0.5
    }
    grants = sorted(EVERY_PURPOSE)
    most = frozenset(dice.sample(grants, dice.randint(0, len(grants)))) | {CONTENT}
    return Situation(
        purpose=dice.choice(_PURPOSES),
        person=dice.choice((None, 1, 7, 7, 7)),
        certain=dice.random() < 0.7,
        minor=dice.random() < 0.2,
        permits=Permits(dice.choice((EVERY_PURPOSE, EVERY_PURPOSE, most))),
        facts=Facts(events, fields, NOW_MS, dice.choice(("UTC", "Asia/Tokyo", "no/zone"))),
        history=_history(dice),
        limits=Limits(cap=dice.randint(0, 3), sponsored_permille=dice.choice((0, 15, 200, 1000))),
        segments=SEGMENTS,
        channel=dice.choice((None, None, *[Channel.WEB] * 5, Channel.EMAIL, Channel.STORE)),
        price_minor=dice.choice((None, dice.randint(0, 2000))),
        cost_minor=dice.choice((None, dice.randint(0, 1500))),
        currency=dice.choice(("EUR", "USD")),
    )


def fewer(now: Situation) -> Iterator[Situation]:
    """The same moment with one thing less each: a grant, a field, the certainty, the person, their age."""
    grants = now.permits.purposes if isinstance(now.permits, Permits) else frozenset()
    for grant in sorted(grants):
        yield replace(now, permits=Permits(grants - {grant}))
    for name in now.facts.fields:
        fields = {other: value for other, value in now.facts.fields.items() if other != name}
        yield replace(now, facts=replace(now.facts, fields=fields))
    yield replace(now, permits=Permits(frozenset()))
    yield replace(now, certain=False)
    yield replace(now, minor=True)
    yield replace(now, person=None)
