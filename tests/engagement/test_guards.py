"""Every guard by an example: what goes in, and what exactly comes out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engagement.condition import All, Compare, Comparison, Count, Near, YearlyWithin
from engagement.decision import Held, Outcome, Reservation, Situation
from engagement.event import EventKind
from engagement.fields import PRICING
from engagement.guards import PIPELINE, decide, pipeline
from engagement.guards.bounds import free_from_ms
from engagement.guards.eligibility import in_rollout
from engagement.play import Channel, Depth, Discount, Limits, Option, Play, Segment, State
from tests.engagement.events import DAY_MS
from tests.engagement.worlds import (
    CONTENT,
    EVERY_PURPOSE,
    HOUR_MS,
    LIKES_TEA,
    NOW_MS,
    RAIN,
    SEGMENTS,
    history,
    known,
    message,
    offer,
    option,
    play,
    said,
    situation,
)

#: The draw that gives the last of the options, which stand from general to personal.
LAST = 0.999
TEA = known(declared__likes=("category:Tea",))


def one(a_play: Play, moment: Situation | None = None, draw: float = LAST) -> Outcome:
    """What comes out of one play."""
    return decide([a_play], moment or situation(), draw)


def test_the_guards_stand_in_this_order():
    """The order is part of what is promised."""
    assert [guard.name for guard in PIPELINE] == [
        "consent",
        "identity_confidence",
        "child",
        "open_complaint",
        "rest",
        "eligibility",
        "existing_offer",
        "new_relation",
        "alternation",
        "personal_price",
        "margin",
        "learner",
        "relevance_floor",
        "paid_placement",
        "channel_allowed",
        "quiet_hours",
        "ask_budget",
        "cap",
    ]


def test_an_outcome_says_everything():
    """A certain adult who permits everything gets the individual option, nine times in ten and a half."""
    outcome = one(play())
    assert outcome.candidate.option.option_id == "own"
    assert outcome.candidate.send_at_ms == NOW_MS
    assert (outcome.held, outcome.retry_at_ms, outcome.depth) == (None, 0, Depth.INDIVIDUAL)
    assert {chance.option_id: round(chance.probability, 12) for chance in outcome.alternatives} == {
        "general": 0.05,
        "own": 0.95,
    }
    assert outcome.propensity == pytest.approx(0.95, abs=1e-12)
    assert (outcome.price_minor, outcome.price_personalised, outcome.honours) == (None, False, None)
    assert (outcome.reserves, outcome.binds_until_ms, outcome.read) == (False, 0, ())
    assert [(step.left, step.ceiling, step.play_id) for step in outcome.steps] == [
        (2, Depth.INDIVIDUAL, "banner")
    ] * len(PIPELINE)


@pytest.mark.parametrize("draw", [-0.1, 1.0, float("nan")])
def test_a_draw_lies_between_0_and_1(draw: float):
    """Anything else is a mistake of the caller, and not an option."""
    with pytest.raises(ValueError, match="draw"):
        one(play(), draw=draw)


def test_without_plays_nothing_is_live():
    """Held, with nothing looked at."""
    outcome = decide([], situation(), 0.5)
    assert (outcome.candidate, outcome.held, outcome.steps) == (None, Held.NOTHING_LIVE, ())


# Consent


@pytest.mark.parametrize("moment", [situation(grants=EVERY_PURPOSE - {CONTENT}), situation(person=None)])
def test_nobody_and_who_denies_get_the_general_option(moment: Situation):
    """Whatever would be for them; the same to the last detail, for 100 % of draws."""
    outcome = one(play(), replace(moment, facts=replace(moment.facts, fields=TEA)))
    assert (outcome.depth, outcome.propensity) == (Depth.GENERAL, 1.0)
    assert outcome == one(play(), situation(person=None))


def test_nobody_is_sent_anything():
    """There is nobody to send it to."""
    assert one(message(options=(option(),)), situation(person=None, channel=None)).held is Held.NOT_PERMITTED


def test_who_denies_is_not_known_by_their_complaint_or_rest():
    """Silence would tell that somebody is known."""
    tired = history(last_own_action_ms=0, open_complaint=True)
    denied = situation(grants=frozenset(), history=tired)
    assert one(play(), denied).depth is Depth.GENERAL


def test_a_condition_of_nobody_reads_the_call_alone():
    """Rain is said by the call; what is liked is not known of nobody."""
    options = (
        option(),
        option("rain", Depth.CONTEXT, condition=RAIN),
        option("tea", Depth.CONTEXT, condition=LIKES_TEA),
    )
    moment = situation(person=None, fields={**TEA, **said(weather="rain")})
    outcome = one(play(options=options), moment)
    assert {chance.option_id for chance in outcome.alternatives} == {"general", "rain"}
    assert outcome.read == ("context.weather", "declared.likes")


def test_nothing_is_concluded_from_what_nobody_did():
    """That no order is known of nobody does not make them somebody who orders nothing."""
    idle = Count(frozenset({EventKind.ORDER}), 30, Comparison.LESS, 1)
    options = (option(), option("idle", Depth.CONTEXT, condition=idle))
    assert len(one(play(options=options), situation(person=None)).alternatives) == 1
    assert len(one(play(options=options), situation()).alternatives) == 2


def test_a_play_of_another_purpose_is_not_decided():
    """What is known was loaded for the purpose of the call."""
    assert one(play(purpose="personalise.media")).held is Held.NOT_PERMITTED


# Who it is


def test_a_guess_is_never_individual():
    """Of an uncertain person at most what goes for a segment."""
    options = (option(), option("segment", Depth.SEGMENT), option("own", Depth.INDIVIDUAL))
    outcome = one(play(options=options), situation(certain=False))
    assert outcome.candidate.option.option_id == "segment"
    assert next(step for step in outcome.steps if step.guard == "identity_confidence").left == 2
    only = play(options=(option("own", Depth.INDIVIDUAL),))
    assert one(only, situation(certain=False)).held is Held.UNCERTAIN


def test_a_minor_gets_no_profile_no_personal_price_and_no_advertising():
    """Of four options the one that is for everybody and unpaid; its discount is everybody's."""
    options = (
        option(discount=Discount(permille=50)),
        option("paid", sponsored=True),
        option("segment", Depth.SEGMENT),
        option("own", Depth.INDIVIDUAL, discount=Discount(permille=100)),
    )
    outcome = one(play(options=options), situation(minor=True, price_minor=1000, currency="EUR"))
    assert [chance.option_id for chance in outcome.alternatives] == ["general"]
    assert (outcome.price_minor, outcome.price_personalised) == (950, False)


# Peace


def test_an_open_complaint_is_silence():
    """Nothing is offered; what is owed comes."""
    upset = history(open_complaint=True)
    assert one(play(), situation(history=upset)).held is Held.OPEN_COMPLAINT
    assert one(play(service=True), situation(history=upset)).held is None


@pytest.mark.parametrize(
    ("ago_ms", "held"),
    [(30 * DAY_MS, Held.RESTING), (30 * DAY_MS - 1, None), (31 * DAY_MS, Held.RESTING)],
)
def test_after_thirty_days_without_an_own_action_a_person_is_left_alone(ago_ms: int, held: Held | None):
    """30 times 24 hours, to the millisecond."""
    assert one(play(), situation(history=history(last_own_action_ms=NOW_MS - ago_ms))).held is held


def test_rest_is_configured():
    """Seven days, where the tenant says so."""
    moment = situation(history=history(last_own_action_ms=NOW_MS - 8 * DAY_MS), limits=Limits(rest_days=7))
    assert one(play(), moment).held is Held.RESTING


def test_who_never_acted_is_answered_and_not_written_to():
    """Nobody knows that they want letters."""
    moment = situation(history=history(last_own_action_ms=None))
    assert one(play(), moment).held is None
    assert one(message(), replace(moment, channel=None)).held is Held.RESTING


# Eligibility


@pytest.mark.parametrize(
    ("changed", "held", "retry_at_ms"),
    [
        ({"state": State.DRAFT}, Held.NOTHING_LIVE, 0),
        ({"state": State.RETIRED}, Held.NOTHING_LIVE, 0),
        ({"state": State.PILOT}, None, 0),
        ({"from_ms": NOW_MS}, None, 0),
        ({"from_ms": NOW_MS + 1}, Held.NOT_ELIGIBLE, NOW_MS + 1),
        ({"until_ms": NOW_MS}, Held.NOT_ELIGIBLE, 0),
        ({"until_ms": NOW_MS + 1}, None, 0),
        ({"rollout_permille": 0}, Held.NOT_ELIGIBLE, 0),
        ({"condition": RAIN}, Held.NOT_ELIGIBLE, 0),
        ({"segment_id": "tea"}, Held.NOT_ELIGIBLE, 0),
        ({"segment_id": "nowhere"}, Held.NOT_ELIGIBLE, 0),
    ],
)
def test_a_play_is_for_some_and_for_a_time(changed, held: Held | None, retry_at_ms: int):
    """Each by itself, of a person of whom nothing is known."""
    outcome = one(play(**changed), situation(segments=SEGMENTS))
    assert (outcome.held, outcome.retry_at_ms) == (held, retry_at_ms)


def test_a_segment_is_asked_on_what_is_known_now():
    """In it while they like tea, and never in one of another purpose, or in a draft."""
    a_play = play(segment_id="tea")
    assert one(a_play, situation(segments=SEGMENTS, fields=TEA)).held is None
    for changed in ({"purpose": "marketing.email"}, {"state": State.DRAFT}):
        segments = {"tea": replace(SEGMENTS["tea"], **changed)}
        assert one(a_play, situation(segments=segments, fields=TEA)).held is Held.NOT_ELIGIBLE


def test_an_option_is_for_whom_its_condition_holds():
    """And what it read is told."""
    a_play = play(options=(option(), option("tea", Depth.SEGMENT, condition=LIKES_TEA)))
    assert one(a_play, situation(fields=TEA)).candidate.option.option_id == "tea"
    outcome = one(a_play, situation())
    assert outcome.candidate.option.option_id == "general"
    assert outcome.read == ("declared.likes",)


def test_a_rollout_is_a_share_of_people_and_always_the_same():
    """A quarter of 4000, give or take; other people for another play; everybody of 1000 permille."""
    quarter = play(rollout_permille=250)
    inside = {person for person in range(4000) if in_rollout(quarter, person)}
    assert 950 <= len(inside) <= 1050
    assert inside <= {person for person in range(4000) if in_rollout(play(rollout_permille=500), person)}
    other = {person for person in range(4000) if in_rollout(play("other", rollout_permille=250), person)}
    assert 150 <= len(inside & other) <= 350
    assert not in_rollout(quarter, None) and in_rollout(play(), None)


# Priority


def test_the_play_of_higher_priority_gives_and_the_other_is_not_read():
    """Of equals the smaller id; a play that gives nothing is passed over, and it is said where it ended."""
    tea = play("tea", priority=2, condition=LIKES_TEA)
    rain = play("rain", priority=1, condition=RAIN)
    outcome = decide([rain, tea], situation(fields=TEA), LAST)
    assert (outcome.candidate.play.play_id, outcome.read) == ("tea", ("declared.likes",))
    outcome = decide([rain, tea], situation(fields=said(weather="rain")), LAST)
    assert outcome.candidate.play.play_id == "rain"
    assert outcome.read == ("context.weather", "declared.likes")
    assert [(step.play_id, step.guard, step.left) for step in outcome.passed_over] == [
        ("tea", "eligibility", 0)
    ]
    assert decide([play("b"), play("a")], situation(), LAST).candidate.play.play_id == "a"


def test_the_reason_is_that_of_the_play_that_came_furthest():
    """One is not for the person, one is over the cap: asking again may help, so that is said."""
    full, not_for_them = message("full", priority=1), message("other", priority=2, condition=RAIN)
    moment = situation(channel=None, history=history(reservations=[Reservation(NOW_MS, Channel.SMS)] * 2))
    for plays in ([full, not_for_them], [full, replace(not_for_them, priority=0)]):
        outcome = decide(plays, moment, 0.5)
        assert (outcome.held, outcome.retry_at_ms) == (Held.CAP_REACHED, NOW_MS + 7 * DAY_MS)
        assert [step.play_id for step in outcome.passed_over] == ["other"]


# Offers that bind


def discount_play(**changed) -> Play:
    """Nothing off for everybody, ten and twenty in a hundred off for a person; it binds for three days."""
    options = (
        option(),
        option("ten", Depth.SEGMENT, discount=Discount(permille=100)),
        option("twenty", Depth.INDIVIDUAL, discount=Discount(permille=200)),
    )
    return play("price", slot="", offer_days=3, options=options, **changed)


def at_price(price_minor: int | None = 1000, **changed) -> Situation:
    """A price in euros."""
    return situation(price_minor=price_minor, currency="EUR", **changed)


def given_offers(*offers) -> dict:
    return {"history": history(offers=offers)}


def test_a_new_offer_binds_takes_a_place_and_is_disclosed():
    """800 for three days from now."""
    outcome = one(discount_play(), at_price())
    assert (outcome.price_minor, outcome.price_personalised) == (800, True)
    assert (outcome.reserves, outcome.binds_until_ms) == (True, NOW_MS + 3 * DAY_MS)


@pytest.mark.parametrize("channel", [Channel.WEB, Channel.STORE])
@pytest.mark.parametrize("draw", [0.0, 0.5, LAST])
def test_a_given_offer_is_repeated_everywhere_under_its_decision(channel: Channel, draw: float):
    """Whatever is drawn and whichever channel asks: 900, until when it was said, and no second place."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    a_play = discount_play(channels=(Channel.WEB, Channel.STORE))
    outcome = one(a_play, at_price(channel=channel, **given_offers(ten)), draw)
    assert (outcome.candidate.option.option_id, outcome.price_minor) == ("ten", 900)
    assert (outcome.honours, outcome.propensity) == (ten, 1.0)
    assert (outcome.reserves, outcome.binds_until_ms) == (False, ten.until_ms)
    assert outcome.price_personalised


def test_of_two_offers_that_bind_the_better_is_quoted():
    """After a link: 850 of one identity, 900 of the other; the 850, under its own decision."""
    dear = offer("price", "ten", price_minor=900, currency="EUR")
    cheap = offer("price", "twenty", price_minor=850, currency="EUR", decision_id=b"2" * 16)
    for offers in ((dear, cheap), (cheap, dear)):
        outcome = one(discount_play(), at_price(**given_offers(*offers)))
        assert (outcome.honours, outcome.price_minor) == (cheap, 850)


def test_of_two_equal_offers_the_less_personal_is_told():
    """When in doubt."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    twenty = replace(ten, option_id="twenty", given_at_ms=ten.given_at_ms - 1)
    assert one(discount_play(), at_price(**given_offers(twenty, ten))).honours == ten


def test_an_offer_outlives_what_made_it_but_not_its_play():
    """Out of the segment, the rollout, the play's time it still holds; a retired play decides nothing."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    for changed in (
        {"segment_id": "tea"},
        {"rollout_permille": 0},
        {"until_ms": NOW_MS},
        {"condition": RAIN},
    ):
        assert one(discount_play(**changed), at_price(**given_offers(ten))).price_minor == 900
    assert one(discount_play(state=State.RETIRED), at_price(**given_offers(ten))).held is Held.NOTHING_LIVE


def test_an_expired_offer_binds_nobody():
    """At its end a new one is made."""
    over = offer("price", "ten", price_minor=900, currency="EUR", until_ms=NOW_MS)
    outcome = one(discount_play(), at_price(**given_offers(over)))
    assert (outcome.honours, outcome.price_minor) == (None, 800)


def test_an_offer_of_another_currency_is_not_converted():
    """A promise in dollars is not quoted in euros, and no second one is made beside it."""
    dollars = offer("price", "ten", price_minor=900, currency="USD")
    outcome = one(discount_play(), at_price(**given_offers(dollars)))
    assert (outcome.candidate.option.option_id, outcome.price_minor, outcome.honours) == (
        "general",
        1000,
        None,
    )


def test_an_offer_is_not_quoted_to_who_took_the_permission_back():
    """The price is a personal one also when it is repeated."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    moment = at_price(grants=EVERY_PURPOSE - {"personalise.pricing"}, **given_offers(ten))
    assert one(discount_play(), moment).held is Held.NOT_PERMITTED


def test_without_a_price_the_offer_is_told_and_nothing_else():
    """In every channel the same, also where nobody asks for a price."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    outcome = one(discount_play(), at_price(None, **given_offers(ten)))
    assert [chance.option_id for chance in outcome.alternatives] == ["ten"]
    assert outcome.honours == ten


def test_what_is_general_and_takes_nothing_off_is_no_offer():
    """Explored in a play whose offers bind, it binds nobody and takes no place."""
    outcome = one(discount_play(), at_price(), draw=0.01)
    assert outcome.candidate.option.option_id == "general"
    assert (outcome.binds_until_ms, outcome.reserves) == (0, False)


def test_no_other_discount_is_shown_beside_an_offer_that_binds():
    """Not even everybody's."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    options = (option(discount=Discount(permille=50)), *discount_play().options[1:])
    outcome = one(replace(discount_play(), options=options), at_price(None, **given_offers(ten)))
    assert [chance.option_id for chance in outcome.alternatives] == ["ten"]


def test_nobody_is_promised_anything():
    """Everybody's discount is given to nobody in particular, and binds nobody."""
    everybody = play(offer_days=3, options=(option(discount=Discount(permille=100)),))
    outcome = one(everybody, at_price(person=None))
    assert (outcome.price_minor, outcome.binds_until_ms, outcome.reserves) == (900, 0, False)


# Courtesy


@pytest.mark.parametrize(
    ("met_ms", "option_id"),
    [(NOW_MS - 30 * DAY_MS, "own"), (NOW_MS - 30 * DAY_MS + 1, "segment"), (None, "segment")],
)
def test_a_new_relation_is_at_most_of_a_segment(met_ms: int | None, option_id: str):
    """For the first 30 times 24 hours."""
    options = (option(), option("segment", Depth.SEGMENT), option("own", Depth.INDIVIDUAL))
    outcome = one(play(options=options), situation(history=history(first_event_ms=met_ms)))
    assert outcome.candidate.option.option_id == option_id


def test_personal_and_general_alternate_in_a_place():
    """What was shown last decides: own, general, own; another place has its own turn."""
    shown: dict[str, Depth] = {}
    given = []
    for _ in range(4):
        outcome = one(play(), situation(history=history(last_depth=dict(shown))))
        shown["home.banner"] = outcome.depth
        given.append(outcome.candidate.option.option_id)
    assert given == ["own", "general", "own", "general"]
    elsewhere = one(play(slot="basket.side"), situation(history=history(last_depth=shown)))
    assert elsewhere.candidate.option.option_id == "own"


def test_the_general_option_is_explored_in_a_personal_turn():
    """Five in a hundred draws, and it is logged so."""
    outcome = one(play(), draw=0.04)
    assert (outcome.candidate.option.option_id, outcome.depth) == ("general", Depth.GENERAL)
    assert outcome.propensity == pytest.approx(0.05, abs=1e-12)


def test_alternation_never_changes_a_price_that_was_given():
    """The place showed something personal last; whoever asks for the price gets the price."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    last = history(offers=[ten], last_depth={"home.banner": Depth.SEGMENT})
    a_play = replace(discount_play(), slot="home.banner")
    assert one(a_play, at_price(history=last)).price_minor == 900
    assert one(a_play, at_price(None, history=last)).honours == ten


# Prices


def test_a_personal_price_needs_a_permission_of_its_own():
    """Without it everybody's price, not personalised."""
    outcome = one(discount_play(), at_price(grants=EVERY_PURPOSE - {"personalise.pricing"}))
    assert (outcome.price_minor, outcome.price_personalised) == (1000, False)


def test_a_discount_for_who_likes_tea_is_personal_whatever_it_is_called():
    """An option that says GENERAL and reads what is known of a person is a personal price."""
    tea = option("tea", Depth.GENERAL, condition=LIKES_TEA, discount=Discount(permille=100))
    a_play = play(options=(option(), tea))
    outcome = one(a_play, at_price(fields=TEA), 0.9)
    assert (outcome.price_minor, outcome.price_personalised) == (900, True)
    outcome = one(a_play, at_price(fields=TEA, grants=EVERY_PURPOSE - {"personalise.pricing"}), 0.9)
    assert (outcome.price_minor, outcome.price_personalised) == (1000, False)


def test_a_minor_has_no_price_made_of_what_is_known_of_them():
    """Not even one that calls itself general."""
    tea = option("tea", Depth.GENERAL, condition=LIKES_TEA, discount=Discount(permille=100))
    outcome = one(play(options=(option(), tea)), at_price(fields=TEA, minor=True), 0.9)
    assert (outcome.price_minor, outcome.price_personalised) == (1000, False)


def test_an_offer_that_binds_holds_below_the_floor():
    """It was above when it was given; what it costs the shop has gone up since."""
    ten = offer("price", "ten", price_minor=900, currency="EUR")
    assert one(discount_play(), at_price(cost_minor=950, **given_offers(ten))).price_minor == 900


@pytest.mark.parametrize(
    ("discount", "moment", "price_minor"),
    [
        (Discount(permille=100), {"price_minor": 1000, "cost_minor": 900}, 900),
        (Discount(permille=100), {"price_minor": 1000, "cost_minor": 901}, 1000),
        (Discount(permille=100, margin_floor_permille=100), {"price_minor": 1000, "cost_minor": 810}, 900),
        (Discount(permille=100, margin_floor_permille=100), {"price_minor": 1000, "cost_minor": 811}, 1000),
        (Discount(permille=100, margin_floor_permille=100), {"price_minor": 1000}, 1000),
        (Discount(permille=333), {"price_minor": 1000}, 667),
        (Discount(permille=333), {"price_minor": 2**63 - 1}, -(-(2**63 - 1) * 667 // 1000)),
        (Discount(amount_minor=300, currency="EUR"), {"price_minor": 1000}, 700),
        (Discount(amount_minor=300, currency="USD"), {"price_minor": 1000}, 1000),
        (Discount(amount_minor=1001, currency="EUR"), {"price_minor": 1000}, 1000),
    ],
)
def test_a_discount_keeps_the_margin_and_the_currency(discount: Discount, moment, price_minor: int):
    """Or everybody's price is asked."""
    a_play = play(options=(option(), option("off", Depth.INDIVIDUAL, discount=discount)))
    assert one(a_play, situation(currency="EUR", **moment)).price_minor == price_minor


def test_what_is_left_of_a_play_of_discounts_alone_is_its_margin():
    """Held, with the reason."""
    a_play = play(options=(option("off", Depth.CONTEXT, discount=Discount(amount_minor=1, currency="USD")),))
    assert one(a_play, at_price()).held is Held.MARGIN


def test_no_price_is_made_of_what_makes_no_price():
    """Neither the device's nor the age's, at any depth."""
    phone = Compare("context.device", Comparison.EQUAL, "phone")
    old = Compare("declared.age_band", Comparison.EQUAL, "AGE_65_PLUS")
    fields = {**said(device="phone"), **known(declared__age_band="AGE_65_PLUS")}
    for condition in (phone, old):
        off = option("off", Depth.CONTEXT, condition=condition, discount=Discount(permille=100))
        assert one(play(options=(option(), off)), at_price(fields=fields)).price_minor == 1000


# Learner, relevance, what is declared


class Prefers:
    """Weighs by the option's id."""

    def __init__(self, **weights: float) -> None:
        self.weights = weights

    def weigh(self, _situation, candidates):
        return [self.weights[candidate.option.option_id] for candidate in candidates]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({"general": 1.0, "own": 3.0}, {"general": 0.25, "own": 0.75}),
        ({"general": 1e-300, "own": 1e300}, {"general": 0.01, "own": 0.99}),
        ({"general": 0.0, "own": 5.0}, {"own": 1.0}),
        ({"general": float("nan"), "own": 5.0}, {"own": 1.0}),
        ({"general": 5.0, "own": float("inf")}, {"general": 1.0}),
        ({"general": 5.0, "own": -1.0}, {"general": 1.0}),
    ],
)
def test_a_chooser_weighs_and_the_floor_is_one_percent(weights, expected):
    """What has no weight is irrelevant; what has little is explored all the same."""
    outcome = decide([play()], situation(), 0.5, pipeline(Prefers(**weights)))
    assert {chance.option_id: chance.probability for chance in outcome.alternatives} == pytest.approx(
        expected
    )


def test_an_interface_that_was_declared_wins_over_any_order():
    """Whoever chose the compact page has it, however a chooser weighs; nothing is explored."""
    options = (
        option(),
        option("compact", Depth.CONTEXT, interface_choice="layout:compact"),
        option("wide", Depth.SEGMENT, interface_choice="layout:wide"),
    )
    chose = situation(fields=known(interface__layout="compact"))
    for guards in (PIPELINE, pipeline(Prefers(general=1.0, compact=0.0, wide=9.0))):
        outcome = decide([play(options=options)], chose, LAST, guards)
        assert (outcome.candidate.option.option_id, outcome.propensity) == ("compact", 1.0)
        assert outcome.read == ("interface.layout",)
    assert one(play(options=options)).candidate.option.option_id == "wide"


def test_nobody_declares_what_somebody_else_pays_for():
    """A paid layout keeps to its share although the person's choice has its name."""
    options = (option(), option("compact", sponsored=True, interface_choice="layout:compact"))
    outcome = one(play(options=options), situation(fields=known(interface__layout="compact")))
    assert outcome.propensity == pytest.approx(0.2)


# What is paid for


def paid_play(**paid) -> Play:
    return play(options=(option(), option("second"), option("paid", **{"sponsored": True, **paid})))


def test_what_is_paid_for_has_at_most_its_share():
    """A third of three alike would be more than 200 thousandths; the others keep their proportion."""
    outcome = one(paid_play())
    chances = {chance.option_id: chance.probability for chance in outcome.alternatives}
    assert chances == pytest.approx({"general": 0.4, "second": 0.4, "paid": 0.2})
    assert outcome.candidate.option.sponsored
    none = one(paid_play(), situation(limits=Limits(sponsored_permille=0)))
    assert [chance.option_id for chance in none.alternatives] == ["general", "second"]


def test_what_is_paid_for_goes_by_the_call_unless_advertising_is_permitted():
    """Neither by its depth nor by what it reads."""
    denied = situation(grants=EVERY_PURPOSE - {"marketing.ads.first_party"}, fields=TEA)
    permitted = situation(fields=TEA)
    for paid in ({"depth": Depth.SEGMENT}, {"condition": LIKES_TEA}):
        a_play = paid_play(**paid)
        assert len(one(a_play, denied).alternatives) == 2
        assert len(one(a_play, permitted).alternatives) == 3
    assert len(one(paid_play(), denied).alternatives) == 3


def test_nothing_is_given_that_is_all_paid_for():
    """There is no share of an answer that is all of it."""
    assert one(play(options=(option("paid", sponsored=True),))).held is Held.NOT_ELIGIBLE


def test_a_place_may_be_all_for_sale():
    """Where the tenant's share is the whole of it."""
    all_paid = situation(limits=Limits(sponsored_permille=1000))
    assert one(play(options=(option("paid", sponsored=True),)), all_paid).propensity == 1.0


# Channels


@pytest.mark.parametrize(
    ("grants", "closed", "expected"),
    [
        (EVERY_PURPOSE, frozenset(), Channel.EMAIL),
        (EVERY_PURPOSE - {"marketing.email"}, frozenset(), Channel.SMS),
        (EVERY_PURPOSE, frozenset({Channel.EMAIL}), Channel.SMS),
        (EVERY_PURPOSE - {"marketing.email"}, frozenset({Channel.SMS}), Held.CHANNEL_CLOSED),
        (EVERY_PURPOSE - {"marketing.email", "marketing.sms"}, frozenset(), Held.NOT_PERMITTED),
    ],
)
def test_a_message_goes_by_the_first_channel_that_is_open(grants, closed, expected):
    """In the play's order: permitted, and not left."""
    a_play = message(channels=(Channel.EMAIL, Channel.SMS))
    outcome = one(a_play, situation(grants=grants, channel=None, history=history(closed=closed)))
    assert (outcome.candidate.channel if outcome.candidate else outcome.held) == expected


def test_a_play_is_not_given_by_a_channel_it_does_not_have():
    """A shop asks for a banner of the web page."""
    assert one(play(), situation(channel=Channel.STORE)).held is Held.CHANNEL_CLOSED


def test_an_invoice_needs_no_permission_to_advertise():
    """Owed, under the purpose ``service``; not under any other."""
    bill = message(service=True, purpose="service")
    moment = situation(grants=frozenset({"service", CONTENT}), purpose="service", channel=None)
    assert one(bill, moment).candidate.channel is Channel.EMAIL
    assert one(replace(bill, purpose=CONTENT), replace(moment, purpose=CONTENT)).held is Held.NOT_PERMITTED
    assert one(replace(bill, service=False), moment).held is Held.NOT_PERMITTED


# Time


def test_a_message_waits_for_the_morning_where_the_person_is():
    """At noon UTC it is 21:00 in Tokyo: eleven hours later; a banner does not wait."""
    outcome = one(message(), situation(channel=None, zone="Asia/Tokyo"))
    assert outcome.candidate.send_at_ms == NOW_MS + 11 * HOUR_MS
    assert one(message(), situation(channel=None, zone="UTC")).candidate.send_at_ms == NOW_MS
    assert one(play(), situation(zone="Asia/Tokyo")).candidate.send_at_ms == NOW_MS


@pytest.mark.parametrize(
    ("changed", "zone"),
    [
        ({"until_ms": NOW_MS + 11 * HOUR_MS}, "Asia/Tokyo"),
        ({"message_days": 0}, "Asia/Tokyo"),
        ({}, "Nowhere/At_All"),
    ],
)
def test_a_message_that_would_come_too_late_does_not_come(changed, zone: str):
    """Nor one to where nobody knows what time it is."""
    assert one(message(**changed), situation(channel=None, zone=zone)).held is Held.QUIET_HOURS


# Bounds


@pytest.mark.parametrize(
    ("taken", "at_ms", "expected"),
    [
        ([], 100, 100),
        ([95, 91], 100, 101),
        ([95, 90], 100, 100),
        ([95, 91, 92, 93], 100, 103),
        ([95, 120], 100, 105),
    ],
)
def test_a_place_is_free_when_the_window_has_room(taken: list[int], at_ms: int, expected: int):
    """Two in a window of ten; places to come count."""
    assert free_from_ms(taken, 2, 10, at_ms) == expected


def test_over_the_cap_a_message_is_put_off_to_when_the_oldest_place_is_free():
    """Two in seven days: on the 6th day of the first it is held for a day."""
    at_ms = [NOW_MS - 6 * DAY_MS, NOW_MS - DAY_MS]
    places = [Reservation(one_ms, Channel.SMS) for one_ms in at_ms]
    moment = situation(channel=None, history=history(reservations=places))
    outcome = one(message(), moment)
    assert (outcome.held, outcome.retry_at_ms) == (Held.CAP_REACHED, NOW_MS + DAY_MS)
    later = replace(moment, facts=replace(moment.facts, now_ms=outcome.retry_at_ms))
    assert one(message(), later).reserves
    assert one(message(), replace(later, facts=replace(later.facts, now_ms=outcome.retry_at_ms - 1))).held
    assert one(play(), replace(moment, channel=Channel.WEB)).held is None


def test_a_cap_of_nothing_lets_nothing_out():
    """And asking again does not help."""
    outcome = one(message(), situation(channel=None, limits=Limits(cap=0)))
    assert (outcome.held, outcome.retry_at_ms) == (Held.CAP_REACHED, 0)


def test_places_are_counted_at_the_time_of_sending():
    """Eleven hours later, in the morning, the place of seven days ago is free again."""
    places = [Reservation(NOW_MS - 7 * DAY_MS + HOUR_MS, Channel.SMS), Reservation(NOW_MS, Channel.SMS)]
    moment = situation(channel=None, zone="Asia/Tokyo", history=history(reservations=places))
    assert one(message(), moment).candidate.send_at_ms == NOW_MS + 11 * HOUR_MS
    assert one(message(), replace(moment, facts=replace(moment.facts, zone="UTC"))).held is Held.CAP_REACHED


def test_a_person_is_asked_once_a_month():
    """The second question is put off until 30 days after the first."""
    asked = situation(history=history(asked_at_ms=[NOW_MS - 10 * DAY_MS]))
    outcome = one(play(asks=True), asked)
    assert (outcome.held, outcome.retry_at_ms) == (Held.ASKED_ENOUGH, NOW_MS + 20 * DAY_MS)
    assert one(play(), asked).held is None


# What is owed


def test_what_is_owed_skips_rest_cap_and_alternation():
    """An order confirmation to somebody new who rests, is over the cap and saw something personal."""
    places = [Reservation(NOW_MS - hour, Channel.SMS) for hour in range(9)]
    busy = history(
        last_own_action_ms=0,
        first_event_ms=NOW_MS - DAY_MS,
        reservations=places,
        last_depth={"orders": Depth.INDIVIDUAL},
    )
    confirmation = message(service=True, slot="orders")
    outcome = one(confirmation, situation(channel=None, history=busy))
    assert (outcome.held, outcome.reserves) == (None, False)
    assert (
        one(confirmation, situation(channel=None, history=busy, grants=frozenset())).held
        is Held.NOT_PERMITTED
    )


HONOURED = Compare("loyalty.guests.status", Comparison.EQUAL, "honoured")
AS_PROMISED = Option(
    "honoured",
    Depth.INDIVIDUAL,
    HONOURED,
    discount=Discount(permille=100, margin_floor_permille=50),
    owed=True,
)


@pytest.mark.parametrize("draw", [0.0, 0.04, 0.5, 0.999])
def test_a_price_that_a_status_promises_is_neither_explored_away_nor_alternated(draw: float):
    """Nor taken by a new relation, rest, a complaint or a full cap; without the status it is not given."""
    guests = play(options=(option(), option("other", Depth.INDIVIDUAL), AS_PROMISED), purpose=PRICING)
    busy = history(
        last_own_action_ms=0,
        first_event_ms=NOW_MS - DAY_MS,
        open_complaint=True,
        reservations=[Reservation(NOW_MS - hour, Channel.SMS) for hour in range(9)],
        last_depth={"home.banner": Depth.INDIVIDUAL},
    )
    for before in (history(), busy):
        outcome = one(guests, guest(history=before), draw)
        assert (outcome.candidate.option.option_id, outcome.price_minor) == ("honoured", 900)
        assert (outcome.propensity, outcome.reserves, outcome.price_personalised) == (1.0, False, True)
    assert one(guests, guest(fields={}), draw).price_minor == 1000
    assert one(guests, guest(grants=frozenset({CONTENT, "loyalty"})), draw).price_minor == 1000
    assert one(guests, guest(cost_minor=890), draw).price_minor == 1000


def test_of_two_prices_that_are_promised_the_lower_is_given():
    """The best of a person's statuses counts, and not their sum."""
    gold = replace(AS_PROMISED, option_id="gold", discount=Discount(permille=150, margin_floor_permille=50))
    for options in ((AS_PROMISED, gold), (gold, AS_PROMISED)):
        outcome = one(play(options=(option(), *options), purpose=PRICING), guest())
        assert (outcome.price_minor, outcome.propensity) == (850, 1.0)


def test_what_is_promised_is_given_whatever_a_chooser_holds_of_it():
    """Also if it is held irrelevant."""
    guests = play(options=(option(), AS_PROMISED), purpose=PRICING)
    outcome = decide([guests], guest(), 0.5, pipeline(Prefers(general=1.0, honoured=0.0)))
    assert outcome.candidate is not None
    assert outcome.candidate.option.option_id == "honoured"


def guest(**changed) -> Situation:
    """A guest of honour asks what something for 10.00 costs."""
    values = {
        "fields": known(loyalty__guests__status="honoured"),
        "purpose": PRICING,
        "cost_minor": 500,
    }
    return at_price(**(values | changed))


def test_a_florist_reminds_once_two_identities_are_one():
    """Near the shop and a week before the date: each half alone is not enough."""
    cell = "871e23660ffffff"
    florist = message(
        condition=All((YearlyWithin("attribute.birthday", 7), Near("attribute.home_cell", (cell,), 5000)))
    )
    phone = known(attribute__birthday="11-20")
    web = known(attribute__home_cell=cell)
    for fields, held in ((phone, Held.NOT_ELIGIBLE), (web, Held.NOT_ELIGIBLE), ({**phone, **web}, None)):
        assert one(florist, situation(channel=None, fields=fields)).held is held


def test_a_segment_is_read_with_its_play():
    """Fields of the segment's condition are among what was read."""
    segments = {"tea": Segment("tea", 1, State.LIVE, CONTENT, LIKES_TEA)}
    outcome = one(play(segment_id="tea", condition=RAIN), situation(segments=segments, fields=TEA))
    assert (outcome.held, outcome.read) == (Held.NOT_ELIGIBLE, ("context.weather", "declared.likes"))
