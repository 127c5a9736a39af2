"""Which definitions are taken, from what they say alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from engagement.admission import faults_of
from engagement.condition import Compare, Comparison, Condition, Not
from engagement.condition_check import condition_faults, placed
from engagement.definition import Fault, catalogue_of
from engagement.oddities import warnings_of
from services.engagement.definition_messages import DefinitionMalformed, definition_of
from services.engagement.templates import lint
from tests.engagement.conditions import CONDITIONS
from tests.engagement.declared_definitions import (
    AT_LEAST,
    DRAFT,
    EMAIL,
    EQUAL,
    GENERAL,
    HAS,
    ORDER,
    PERSONAL,
    PILOT,
    PRICING,
    Definition,
    compared,
    condition,
    likes,
    limits,
    play,
    programme,
    segment,
    template,
)
from veilgraph.privacy.v1 import privacy_pb2

EMAILS = privacy_pb2.PURPOSE_MARKETING_EMAIL
ADS = privacy_pb2.PURPOSE_MARKETING_ADS_FIRST_PARTY
TEN = {"permille": 100, "margin_floor_permille": 50}


def judged(
    wanted: Definition, *beside: Definition, of: Callable[..., list[Fault]] = faults_of
) -> set[tuple[str, str]]:
    """Paths and reasons of what is wrong with a definition, the usual ones beside it."""
    try:
        declared = definition_of(wanted)
        usual = [definition_of(one) for one in (limits(), segment(), template(), *beside)]
    except DefinitionMalformed as error:
        return {error.fault[:2]}
    return {fault[:2] for fault in of(declared, catalogue_of([*usual, declared]), lint)}


def offers(**option: Any) -> list[dict[str, Any]]:
    """A general option and one of another sort."""
    own = {"option_id": "own", "depth": PERSONAL, "template_id": "roses", **option}
    return [{"option_id": "house", "depth": GENERAL}, own]


RIGHT = {
    "a banner": play(),
    "a banner for a segment": play(segment_id="gardeners"),
    "a segment": segment(),
    "a template": template(),
    "limits": limits(),
    "a pilot for a tenth": play(PILOT, rollout_permille=100),
    "a personal discount": play(purpose=PRICING, options=offers(discount=TEN)),
    "everybody's discount": play(options=[{"option_id": "o", "depth": GENERAL, "discount": TEN}]),
    "an e-mail with nothing general": play(slot="", channels=[EMAIL], purpose=EMAILS, options=offers()[1:]),
    "a question": play(asks=True),
    "a programme": programme(),
    "a date": play(slot="", channels=[EMAIL], date={"field": "attribute.birthday", "days_before": 3}),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_taken(name: str) -> None:
    """Nothing is wrong with it."""
    assert judged(RIGHT[name]) == set()


WRONG = {
    "a field of another purpose": (
        play(purpose=PRICING, condition=condition(compared("attribute.sex", EQUAL, text="f"))),
        ("play.condition.nodes[0].compare.field", "FIELD_NOT_FOR_PURPOSE"),
    ),
    "a field of another purpose by its template": (
        play(purpose=ADS, options=offers(template_id="fed")),
        ("play.options[1].template_id", "FIELD_NOT_FOR_PURPOSE"),
    ),
    "a field that there is not": (
        play(condition=condition(compared("attribute.shoe_size", EQUAL, number=42))),
        ("play.condition.nodes[0].compare.field", "FIELD_UNKNOWN"),
    ),
    "a text compared with a number": (
        play(condition=condition(compared("context.weather", EQUAL, number=1))),
        ("play.condition.nodes[0].compare.value", "TYPE_WRONG"),
    ),
    "a text of several compared as one": (
        play(condition=condition(compared("declared.likes", EQUAL, text="a"))),
        ("play.condition.nodes[0].compare.comparison", "COMPARISON_WRONG"),
    ),
    "an age band that there is not": (
        play(condition=condition(compared("declared.age_band", AT_LEAST, text="OLD"))),
        ("play.condition.nodes[0].compare.value", "VALUE_UNKNOWN"),
    ),
    "a date field that holds no date": (
        play(slot="", channels=[EMAIL], date={"field": "attribute.language"}),
        ("play.date.field", "TYPE_WRONG"),
    ),
    "a comparison with nothing": (
        play(condition=condition(compared("context.weather", EQUAL))),
        ("play.condition.nodes[0].compare.value", "FIELD_REQUIRED"),
    ),
    "a place that is none": (
        play(slot="", channels=[EMAIL], place={"cells": ["here"], "distance_m": 5, "rest_days": 1}),
        ("play.place.cells[0]", "CELL_INVALID"),
    ),
    "a missing segment": (play(segment_id="nobody"), ("play.segment_id", "REFERENCE_MISSING")),
    "a missing template": (
        play(options=offers(template_id="none")),
        ("play.options[1].template_id", "REFERENCE_MISSING"),
    ),
    "a segment of another purpose": (
        play(purpose=PRICING, segment_id="gardeners"),
        ("play.segment_id", "PURPOSE_DIFFERS"),
    ),
    "the status of a programme that there is not": (
        play(condition=condition(compared("loyalty.guests.status", EQUAL, text="honoured"))),
        ("play", "REFERENCE_MISSING"),
    ),
    "a programme without a zone": (programme(zone="Mars"), ("programme.zone", "PROGRAMME_MALFORMED")),
    "a question without a bound": (play(asks=True), ("play.asks", "ASKS_WITHOUT_BOUND")),
    "a pilot for everybody": (play(PILOT), ("play.rollout_permille", "PILOT_TOO_WIDE")),
    "nothing general on a page": (play(options=offers()[1:]), ("play.options", "GENERAL_MISSING")),
    "a personal option that calls itself general": (
        play(options=offers(depth=GENERAL)),
        ("play.options[1].depth", "DEPTH_TOO_LOW"),
    ),
    "the weather as general": (
        play(
            options=offers(
                template_id="",
                depth=GENERAL,
                condition=condition(compared("context.weather", EQUAL, text="rain")),
            )
        ),
        ("play.options[1].depth", "DEPTH_TOO_LOW"),
    ),
    "a discount without a floor": (
        play(options=[{"option_id": "o", "depth": GENERAL, "discount": {"permille": 100}}]),
        ("play.options[0].discount.margin_floor_permille", "FLOOR_MISSING"),
    ),
    "a personal price for content": (
        play(options=offers(discount=TEN)),
        ("play.purpose", "PRICING_PURPOSE"),
    ),
    "a personal price that is not disclosed": (
        play(purpose=PRICING, options=offers(discount=TEN, template_id="silent")),
        ("play.options[1].template_id", "DISCLOSURE_MISSING"),
    ),
    "a plain text with another percentage": (
        play(purpose=PRICING, options=offers(discount=TEN, template_id="loud")),
        ("play.options[1].template_id", "NUMBER_UNDECIDED"),
    ),
    "a service that is for content": (play(service=True), ("play.service", "SERVICE_PURPOSE")),
    "content under the contract's purpose": (
        play(purpose=privacy_pb2.PURPOSE_SERVICE),
        ("play.service", "SERVICE_PURPOSE"),
    ),
    "a play for people's rights": (
        play(purpose=privacy_pb2.PURPOSE_RIGHTS),
        ("play.purpose", "PURPOSE_WRONG"),
    ),
    "a personal advertisement": (
        play(options=offers(sponsored=True)),
        ("play.options[1].sponsored", "ADS_PURPOSE"),
    ),
    "a slot that is also set off": (
        play(lapse={"kinds": [ORDER], "days": 60}),
        ("play.slot", "SLOT_AND_TRIGGER"),
    ),
    "an end before the beginning": (
        play(from_time={"seconds": 20}, until_time={"seconds": 10}),
        ("play.until_time", "TIMES_REVERSED"),
    ),
    "a segment of what a call says": (
        segment(declared=False, condition=condition(compared("context.weather", EQUAL, text="rain"))),
        ("segment.condition", "FIELD_OF_CALL"),
    ),
    "a declared segment of what was done": (
        segment(condition=condition({"count": {"kinds": [ORDER], "window_days": 9, "comparison": AT_LEAST}})),
        ("segment.declared", "NOT_DECLARED"),
    ),
    "a template of a field that there is not": (
        template(text="{{ attribute.shoe_size }}"),
        ("template.variants[0].parts[0].text", "TEMPLATE_UNDEFINED"),
    ),
    "a hostile template": (
        template(text="{% for a in (1..9999) %}{% endfor %}"),
        ("template.variants[0].parts[0].text", "TEMPLATE_HOSTILE"),
    ),
    "a filled text with nothing plain beside it": (
        template(variants=[{"language": "en", "parts": [{"name": "a", "text": "{{ offer.price }}"}]}]),
        ("template.variants[0].parts[0].plain", "PLAIN_MISSING"),
    ),
    "a zone that there is not": (limits(zone="Mars/Olympus"), ("limits.zone", "ZONE_UNKNOWN")),
}
BESIDE = [
    template(template_id="fed", text="{{ dependent.diet | first }}"),
    template(template_id="silent", variants=[{"language": "en", "parts": [{"name": "a", "text": "Yours."}]}]),
    template(
        template_id="loud",
        variants=[{"language": "en", "disclosure": "d", "parts": [{"name": "a", "text": "20 % off"}]}],
    ),
]  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found_where_it_is(name: str) -> None:
    """One thing is wrong, and nothing else is said."""
    wanted, fault = WRONG[name]
    beside = [*BESIDE, limits(asks=0)] if name == "a question without a bound" else BESIDE
    assert judged(wanted, *beside) == {fault}


def test_everybodys_discount_that_only_some_can_get_is_a_price_of_their_own() -> None:
    """A general option does not hide that a segment, a condition or a trigger chooses who gets it."""
    options = [{"option_id": "o", "depth": GENERAL, "discount": TEN}]
    own = {
        ("play.options[0].depth", "DEPTH_TOO_LOW"),
        ("play.purpose", "PRICING_PURPOSE"),
        ("play.options[0].template_id", "DISCLOSURE_MISSING"),
    }
    lapsed = {"slot": "", "channels": [EMAIL], "lapse": {"kinds": [ORDER], "days": 60}}
    rainy = condition(compared("context.weather", EQUAL, text="rain"))
    assert judged(play(options=options, segment_id="gardeners")) == own
    assert judged(play(options=options, condition=likes("category:Flowers"))) == own
    assert judged(play(options=options, **lapsed)) == own
    assert judged(play(options=options, condition=rainy)) == set()


TREES = {
    "two roots": condition(
        compared("context.weather", EQUAL, text="a"), compared("context.weather", EQUAL, text="b")
    ),
    "a node twice": condition({"all_of": {"nodes": [1, 1]}}, compared("context.weather", EQUAL, text="a")),
    "a ring": condition({"all_of": {"nodes": [1]}}, {"all_of": {"nodes": [0]}}),
    "itself": condition({"all_of": {"nodes": [0]}}),
    "a child that is not there": condition({"not_of": 5}),
    "children out of order": condition(
        {"any_of": {"nodes": [2, 1]}},
        compared("context.weather", EQUAL, text="a"),
        compared("context.weather", EQUAL, text="b"),
    ),
    "a node that says nothing": condition({}),
}


@pytest.mark.parametrize("name", TREES)
def test_a_list_that_is_no_tree_is_no_condition(name: str) -> None:
    """Whatever its nodes point at, it is refused and nothing loops."""
    assert {reason for _, reason in judged(play(condition=TREES[name]))} <= {
        "CONDITION_NO_TREE",
        "FIELD_REQUIRED",
    }


def test_a_condition_is_64_nodes_and_8_deep_at_most() -> None:
    """The bound itself is taken."""
    leaf = compared("context.weather", EQUAL, text="a")
    flat = [
        condition({"all_of": {"nodes": list(range(1, count))}}, *[leaf] * (count - 1)) for count in (64, 65)
    ]
    deep = [condition(*({"not_of": at + 1} for at in range(depth - 1)), leaf) for depth in (8, 9)]
    assert judged(play(condition=flat[0])) == judged(play(condition=deep[0])) == set()
    assert judged(play(condition=flat[1])) == {("play.condition", "CONDITION_TOO_LARGE")}
    assert judged(play(condition=deep[1])) == {("play.condition", "CONDITION_TOO_DEEP")}


def test_a_very_deep_condition_costs_no_stack() -> None:
    """It is measured before anything follows it down."""
    deep: Condition = Compare("context.weather", Comparison.EQUAL, "a")
    for _ in range(5000):
        deep = Not(deep)
    assert [fault.reason for fault in condition_faults(deep, "service", "c")] == ["CONDITION_TOO_LARGE"]


@given(CONDITIONS)
def test_what_is_taken_has_every_node_in_the_order_of_reading(wanted: Condition) -> None:
    """Positions count from 0 without gaps, and children come after their node."""
    nodes = placed(wanted)
    assert [one.position for one in nodes] == list(range(len(nodes)))
    assert nodes[0].node is wanted


HONOURED = compared("loyalty.guests.status", EQUAL, text="honoured")
TEN_PROMISED = programme(tiers=[{"status": "honoured", "threshold": 5_000_000, "discount_permille": 100}])


def owed(discount: dict[str, Any] = TEN, when: Any = None, **changed: Any) -> Definition:
    """A price for guests of honour."""
    options = offers(discount=discount, owed=True, condition=when or condition(HONOURED))
    return play(**{"purpose": PRICING, "options": options, **changed})


def test_what_a_status_promises_may_be_owed_and_nothing_else() -> None:
    """By exactly what it takes off; not by a condition that holds without it; to who asks, for as long."""
    flowers = compared("declared.likes", HAS, text="category:Flowers")
    with_flowers = condition({"all_of": {"nodes": [1, 2]}}, HONOURED, flowers)
    or_flowers = condition({"any_of": {"nodes": [1, 2]}}, HONOURED, flowers)
    assert judged(owed(), TEN_PROMISED) == judged(owed(when=with_flowers), TEN_PROMISED) == set()
    unfounded = {("play.options[1].owed", "OWED_UNFOUNDED")}
    assert judged(owed(), programme()) == unfounded
    assert judged(owed({**TEN, "permille": 150}), TEN_PROMISED) == unfounded
    assert judged(owed(when=or_flowers), TEN_PROMISED) == unfounded
    assert judged(owed(when=condition(flowers)), TEN_PROMISED) == unfounded
    assert judged(owed(offer_days=3), TEN_PROMISED) == unfounded
    assert judged(owed(channels=[EMAIL], slot=""), TEN_PROMISED) == unfounded


def test_a_promised_price_that_is_not_owed_is_odd() -> None:
    """It would be explored away in one answer of ten."""
    options = offers(discount=TEN, condition=condition(HONOURED))
    mild = play(purpose=PRICING, options=options)
    assert judged(mild, TEN_PROMISED) == set()
    assert judged(mild, TEN_PROMISED, of=warnings_of) == {("play.options[1].owed", "PROMISED_NOT_OWED")}
    assert judged(owed(), TEN_PROMISED, of=warnings_of) == set()


def test_a_play_that_never_comes_to_its_turn_is_odd() -> None:
    """What comes first in its slot has something for everybody; or nothing sets off what is reviewed."""
    never = {("play.priority", "NEVER_REACHED")}
    first = play(play_id="first", priority=1)
    assert judged(play(), first, of=warnings_of) == never
    assert judged(play(play_id="zz"), play(), of=warnings_of) == never
    for other in (
        play(play_id="first", priority=-1),
        play(play_id="first", priority=1, slot="elsewhere"),
        play(play_id="first", priority=1, segment_id="gardeners"),
        play(play_id="first", priority=1, rollout_permille=999),
        play(DRAFT, play_id="first", priority=1),
        play(play_id="first", priority=1, purpose=PRICING),
    ):
        assert judged(play(), other, of=warnings_of) == set()
    assert judged(play(review=True), of=warnings_of) == {("play.review", "NEVER_GIVEN")}
    assert (
        judged(play(slot="", channels=[EMAIL], review=True, event={"kinds": [ORDER]}), of=warnings_of)
        == set()
    )


def test_what_is_odd_is_a_warning_and_taken() -> None:
    """A template that nothing uses; a play that reaches out to everybody."""
    assert judged(template(template_id="alone"), of=warnings_of) == {("template", "UNUSED")}
    wide = play(slot="", channels=[EMAIL], options=[{"option_id": "o", "depth": GENERAL}])
    assert judged(wide) == set()
    assert judged(wide, of=warnings_of) == {("play.condition", "FOR_EVERYBODY")}
    assert judged(play(), of=warnings_of) == set()
