"""What is put before somebody and what it may be made of, through the wire: texts, pages, prices, moments."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import h3  # type: ignore[import-untyped]
import pytest

from tests.conftest import Clock
from tests.e2e.deciding import (
    CONTEXT,
    DAY_MS,
    EMAIL,
    GENERAL,
    INDIVIDUAL,
    SEGMENT,
    Desk,
    desk_in,
    held,
    limits,
    play,
    refused,
    template,
    when,
)
from veilgraph.engagement.v1 import decision_pb2, definition_pb2
from veilgraph.engagement.v1 import profile_pb2 as pb
from veilgraph.identity.v1 import identity_pb2
from veilgraph.privacy.v1 import privacy_pb2

CONTENT = privacy_pb2.PURPOSE_PERSONALISE_CONTENT
PRICING = privacy_pb2.PURPOSE_PERSONALISE_PRICING
ADS = privacy_pb2.PURPOSE_MARKETING_ADS_FIRST_PARTY
EVERYBODY = {"option_id": "everybody", "depth": GENERAL}
MINE = {"option_id": "mine", "depth": INDIVIDUAL}
BY_MAIL: dict[str, Any] = {"slot": "", "channels": [EMAIL]}
TEN = {"permille": 100, "margin_floor_permille": 50}
EQUAL, AT_LEAST, HAS = 1, 6, 7


@pytest.fixture
async def desk(tmp_path: Path, clock: Clock) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path, clock) as made:
        yield made


def text_of(answer: decision_pb2.DecideResponse) -> str:
    """The one text that is given, of a person or of everybody."""
    return content_of(answer).parts[0].text


def content_of(answer: decision_pb2.DecideResponse) -> Any:
    given = answer.given
    return given.personal_content if given.HasField("personal_content") else given.content


async def said(desk: Desk, subject: str, dependent: str = "", **attributes: str) -> None:
    """What a person says of themselves, or of what they look after."""
    answers = [
        {"attribute": f"ATTRIBUTE_{name.upper()}", "value": value, "dependent": dependent}
        for name, value in attributes.items()
    ]
    request = pb.DeclareRequest(
        subject=subject, attributes=answers, origin="quiz", request_id=desk.shop.request_id()
    )
    await desk.shop.engagement.Declare(request, metadata=desk.shop.metadata)


async def observed(desk: Desk, subject: str, name: str, value: str, **source: Any) -> list[str]:
    """Records what somebody else says of a person; the reasons it is refused for."""
    one = {
        "subject": subject,
        "attribute": f"ATTRIBUTE_{name}",
        "value": value,
        "observed_at": desk.shop.now(),
        "source": {"party": pb.PARTY_FIRST, "origin": "till", **source},
    }
    request = pb.RecordAttributesRequest(values=[one])
    answer = await desk.shop.engagement.RecordAttributes(request, metadata=desk.shop.metadata)
    return [refusal.reason for refusal in answer.refused]


async def faults(desk: Desk, *definitions: definition_pb2.Definition) -> set[tuple[str, str]]:
    """What is wrong with definitions, by path without the place in the request."""
    request = definition_pb2.ApplyRequest(
        definitions=definitions, request_id=desk.shop.request_id(), dry_run=True
    )
    answer = await desk.definitions.Apply(request, metadata=desk.shop.metadata_of("operator"))
    assert not answer.applied
    return {(one.field.partition("].")[2], one.reason) for one in answer.faults}


def compared(field: str, comparison: int = EQUAL, **value: Any) -> definition_pb2.Condition:
    return when(compare={"field": field, "comparison": comparison, **value})


async def test_a_message_says_where_it_is_from_and_nothing_the_person_did_not_give(desk: Desk) -> None:
    """With the origin line, in a scene; what a partner says is not said; expired is as if never known."""
    text = "You asked us to remember {{ attribute.occasion }} ({{ where_from }})."
    reminder = template("reminder", text, "You asked us to remember a day.")
    reminder.template.where_from = True
    reminder.template.scene_id = "florist-window"
    reminder.template.scene_element_ids.extend(["vase", "body"])
    many = template("many", "For {{ attribute.household_size }} of you.", "For all of you.")
    three = {"compare": {"field": "attribute.household_size", "comparison": AT_LEAST, "number": 3}}
    await desk.declare(
        reminder,
        many,
        play("florist", MINE | {"template_id": "reminder", "item_ids": ["roses"]}, **BY_MAIL),
        play("family", MINE | {"template_id": "many", "condition": when(**three)}, **BY_MAIL),
        limits(cap=50),
    )
    (me,) = await desk.known("me")
    before = content_of(await desk.mail(me, play_id="florist"))
    assert (before.parts[0].text, before.origin_line) == ("You asked us to remember a day.", "")
    await said(desk, me, occasion="11-22")
    told = content_of(await desk.mail(me, play_id="florist"))
    assert told.parts[0].text == "You asked us to remember 11-22 (quiz 2023-11-14)."
    assert told.origin_line == "quiz 2023-11-14"
    assert (told.scene_id, list(told.scene_element_ids)) == ("florist-window", ["vase", "body"])
    assert list(told.item_ids) == ["roses"]
    until = {"seconds": desk.shop.clock.now_ms // 1000 + 86_400}
    partner = {"party": pb.PARTY_SECOND, "origin": "partner", "agreement": "a-7", "expires_at": until}
    assert await observed(desk, me, "HOUSEHOLD_SIZE", "4", **partner) == []
    assert text_of(await desk.mail(me, play_id="family")) == "For all of you."
    desk.shop.clock.now_ms += DAY_MS - 1000
    assert (await desk.mail(me, play_id="family")).HasField("given")
    desk.shop.clock.now_ms += 1000
    assert held(await desk.mail(me, play_id="family")) == "NOT_ELIGIBLE"
    await said(desk, me, household_size="5")
    assert text_of(await desk.mail(me, play_id="family")) == "For 5 of you."


async def test_a_page_is_in_the_order_and_the_language_its_person_chose(desk: Desk) -> None:
    """Also by correction, until they take it back; what a purpose may not read changes nothing of it."""
    greeting = template("greeting", "Good day")
    german = greeting.template.variants.add(language="de")
    german.parts.add(name="body", text="Guten Tag")
    blocks = ["news", "offers", "basket"]
    page = {"option_id": "page", "depth": GENERAL, "template_id": "greeting", "blocks": blocks}
    banner = {"option_id": "ad", "depth": GENERAL, "blocks": blocks}
    await desk.declare(
        greeting, play("page", page, EVERYBODY | {"interface_choice": "layout:compact"}),
        play("ad", banner, slot="ad", purpose=ADS),
    )  # fmt: skip
    (me,) = await desk.known("me")
    page_of = [content_of(await desk.given("page", one)) for one in ("", me)]
    assert [(one.parts[0].text, list(one.blocks)) for one in page_of] == [("Good day", blocks)] * 2
    await said(desk, me, language="de-CH", interface_block_order="basket, gone, offers")
    mine = await desk.given("page", me)
    assert (text_of(mine), list(content_of(mine).blocks)) == ("Guten Tag", ["basket", "offers", "news"])
    why = await desk.why(me, mine.decision_id, reader=decision_pb2.READER_PERSON)
    assert [(one.name, one.origin) for one in why.read] == [
        ("attribute.language", "quiz"),
        ("interface.block_order", "quiz"),
        ("interface.layout", ""),
    ]
    assert "your block order (you said it, from quiz)" in why.text
    ad = await desk.decide(me, slot="ad", for_purpose=ADS)
    assert list(ad.given.content.blocks) == blocks
    await said(desk, me, interface_layout="compact")
    chosen = [await desk.decide(me) for _ in range(8)]
    assert {(one.given.option_id, one.given.propensity) for one in chosen} == {("everybody", 1.0)}
    correction = pb.DeclareRequest(
        subject=me,
        corrections=[{"attribute": pb.ATTRIBUTE_INTERFACE_BLOCK_ORDER}, {"attribute": pb.ATTRIBUTE_LANGUAGE}],
        withdrawn_attributes=[{"attribute": pb.ATTRIBUTE_INTERFACE_LAYOUT}],
        origin="app",
        request_id="correction",
    )
    await desk.shop.engagement.Declare(correction, metadata=desk.shop.metadata)
    after = content_of(await desk.given("page", me))
    assert (after.parts[0].text, list(after.blocks)) == ("Good day", blocks)


FORBIDDEN_OF_PRICES = {
    "sex": ("attribute.sex", EQUAL, {"text": "FEMALE"}),
    "age": ("declared.age_band", AT_LEAST, {"text": "FROM_65"}),
    "postcode": ("attribute.postcode", EQUAL, {"text": "101"}),
    "income": ("attribute.income_band", EQUAL, {"text": "HIGH"}),
    "the device's price": ("context.device_price_minor", AT_LEAST, {"number": 100_000}),
    "what stands for it": ("context.device", EQUAL, {"text": "phone"}),
    "an address by another name": ("attribute.time_zone", EQUAL, {"text": "Europe/Kyiv"}),
    "mood": ("context.mood", EQUAL, {"text": "sad"}),
    "who is beside them": ("context.companion", EQUAL, {"text": "child"}),
    "diet": ("attribute.diet", HAS, {"text": "vegan"}),
}
HOSTILE = {
    "nested loops": "{% for a in (1..9999) %}{% for b in (1..9999) %}x{% endfor %}{% endfor %}",
    "huge output": "{% for a in declared.likes %}{% for b in declared.likes %}"
    + "x" * 3000
    + "{% endfor %}{% endfor %}",
    "deep nesting": "{% if true %}" * 60 + "{% endif %}" * 60,
}


async def test_what_may_not_be_declared_is_refused_with_its_place_and_reason(desk: Desk) -> None:
    """Prices of what makes no price, advertisements of diets, questions and texts without bound."""

    def priced(condition: definition_pb2.Condition, **option: Any) -> definition_pb2.Definition:
        own = {"option_id": "own", "depth": INDIVIDUAL, "discount": TEN, "template_id": "price", **option}
        return play("sale", EVERYBODY, own | {"condition": condition}, purpose=PRICING)

    disclosed = template("price", "Yours.", disclosure="Worked out for you.")
    node = "play.options[1].condition.nodes[0].compare.field"
    for field, comparison, value in FORBIDDEN_OF_PRICES.values():
        wrong = priced(compared(field, comparison, **value))
        assert await faults(desk, disclosed, wrong) == {(node, "FIELD_NOT_FOR_PURPOSE")}, field
    liked = compared("declared.likes", HAS, text="category:Tea")
    wanted: Iterable[tuple[tuple[definition_pb2.Definition, ...], set[tuple[str, str]]]] = (
        (
            (template("price", "Yours."), priced(liked)),
            {("play.options[1].template_id", "DISCLOSURE_MISSING")},
        ),
        (
            (disclosed, priced(liked, discount={"permille": 100})),
            {("play.options[1].discount.margin_floor_permille", "FLOOR_MISSING")},
        ),
        (
            (play("ad", EVERYBODY, MINE | {"condition": compared("dependent.diet", HAS, text="fish")},
                  purpose=ADS),),
            {(node, "FIELD_NOT_FOR_PURPOSE")},
        ),
        (
            (limits(asks=0), play("survey", EVERYBODY, asks=True)),
            {("play.asks", "ASKS_WITHOUT_BOUND")},
        ),
        (
            (play("typed", EVERYBODY, MINE | {"condition": compared("context.weather", number=3)}),),
            {("play.options[1].condition.nodes[0].compare.value", "TYPE_WRONG")},
        ),
        (
            (play("named", EVERYBODY, MINE | {"condition": compared("attribute.shoe_size", number=42)}),),
            {(node, "FIELD_UNKNOWN")},
        ),
    )  # fmt: skip
    for definitions, expected in wanted:
        assert await faults(desk, *definitions) == expected
    before = time.perf_counter()
    for name, text in HOSTILE.items():
        found = await faults(desk, template("hostile", text, "Plain."))
        assert found == {("template.variants[0].parts[0].text", "TEMPLATE_HOSTILE")}, name
    assert time.perf_counter() - before < 5
    unknown = template("unknown", "{{ attribute }}", "Plain.")
    assert await faults(desk, unknown) == {("template.variants[0].parts[0].text", "TEMPLATE_UNDEFINED")}


async def test_what_holds_for_a_call_is_used_for_it_and_kept_nowhere(desk: Desk) -> None:
    """Weather, mood, another shop's price, a child beside somebody: it needs no person and tells of none."""
    moments: dict[str, dict[str, Any]] = {
        "weather": {"text": "rain"},
        "mood": {"text": "tired"},
        "companion": {"text": "child"},
        "device": {"text": "phone"},
        "competitor_price_minor": {"number": 900},
    }
    here, exactly = (h3.latlng_to_cell(latitude, 13.405, 10) for latitude in (52.52, 52.521))
    near = when(near={"field": "context.place_cell", "cells": [here], "distance_m": 300})
    options = [
        {"option_id": name, "depth": CONTEXT, "condition": compared(f"context.{name}", **value)}
        for name, value in moments.items()
    ]
    await desk.declare(
        play("moment", EVERYBODY, *options),
        play("near", EVERYBODY, {"option_id": "near", "depth": CONTEXT, "condition": near}, slot="near"),
    )
    (me,) = await desk.known("me")

    async def shown(subject: str, **fields: Any) -> set[str]:
        """Some of thirty answers are explored, and general."""
        answers = [await desk.decide(subject, **fields) for _ in range(30)]
        assert {one.given.depth for one in answers} <= {GENERAL, CONTEXT}
        return {one.given.option_id for one in answers}

    for name, value in moments.items():
        for subject in ("", me):
            assert await shown(subject, context=[{"name": name, **value}]) - {"everybody"} == {name}
    assert await shown("") == await shown(me) == {"everybody"}
    said = [{"name": "companion", "text": "child"}, {"name": "search", "text": "wedding rings"}]
    child = await desk.given("companion", me, context=said)
    why = await desk.why(me, child.decision_id, reader=decision_pb2.READER_PERSON)
    read = {one.name: (one.origin, one.purpose) for one in why.read}
    assert read["context.companion"] == ("call", "")
    exact = {"coordinates": {"latitude_micro": 52_521_000, "longitude_micro": 13_405_000}, "slot": "near"}
    assert await shown("", **exact) == await shown(me, **exact) == {"everybody"}
    await desk.shop.grant(me, "location_precise")
    assert "near" in await shown(me, **exact)
    assert len((await desk.shop.portrait(me)).attributes) == 0
    await desk.report(me, child.decision_id, "CLICK")  # on disk with what it is about
    kept = b"".join(path.read_bytes() for path in desk.shop.folder.glob("**/engagement.db*"))
    assert b"context.companion" in kept  # that it was read, and never what it said
    assert not any(word in kept for word in (b"wedding rings", exactly.encode(), b"52521000"))


async def test_where_a_guess_joins_two_nothing_is_said_that_only_one_should_hear(desk: Desk) -> None:
    """By likeness alone a person is at most in a segment; apart again each is themselves."""
    own = {"option_id": "own", "depth": INDIVIDUAL}
    many = {"option_id": "many", "depth": SEGMENT}
    await desk.declare(play("banner", EVERYBODY, many, own, offer_days=0))
    web, phone = await desk.known("web", "phone")

    async def shown() -> set[str]:
        return {(await desk.decide(web)).given.option_id for _ in range(20)}

    assert "own" in await shown()
    guess = identity_pb2.Link(
        subject=web,
        other=phone,
        evidence=identity_pb2.EVIDENCE_SIMILARITY,
        source="matching",
        observed_at=desk.shop.now(),
    )
    request = identity_pb2.LinkRequest(links=[guess], request_id=desk.shop.request_id())
    (result,) = (await desk.shop.identity.Link(request, metadata=desk.shop.metadata)).results
    assert not result.HasField("error"), result
    assert "own" not in (joined := await shown())
    assert "many" in joined
    await desk.shop.unlink(web, phone)
    assert "own" in await shown()


async def test_only_what_somebody_did_themselves_ends_their_rest(desk: Desk) -> None:
    """No fetching of pictures by a program, nothing that is told late; a click of their own does."""
    await desk.declare(play("banner", EVERYBODY, MINE))
    (me,) = await desk.known("me")
    desk.shop.clock.now_ms += 31 * DAY_MS
    assert held(await desk.decide(me)) == "RESTING"
    opened = {"kind": pb.EVENT_KIND_MESSAGE_OPEN}
    late = {"seconds": desk.shop.clock.now_ms // 1000 - 40 * 86_400}
    for fields in (
        opened | {"detail": {"machine": True}},
        {"kind": pb.EVENT_KIND_VISIT, "occurred_at": late},
        {"kind": pb.EVENT_KIND_REFUND, "item_id": "tea", "amount_minor": 5, "currency": "EUR"},
    ):
        event = desk.shop.event(desk.shop.request_id(), me, fields.pop("item_id", ""), **fields)
        assert (await desk.shop.track(event)).recorded == 1
        assert held(await desk.decide(me)) == "RESTING"
    event = desk.shop.event("own", me, "", **opened)
    assert (await desk.shop.track(event, event)).duplicates == 1
    assert (await desk.decide(me)).HasField("given")


async def test_a_sessions_special_data_does_not_become_a_profiles(desk: Desk) -> None:
    """A yes for the session is none to keep anything: said, observed or concluded."""
    (me,) = await desk.known("me")
    await desk.shop.grant(me, "special_category.session")
    assert await refused(said(desk, me, diet="vegan")) == "NOT_PERMITTED"
    for party in (pb.PARTY_FIRST, pb.PARTY_INFERRED):
        assert await observed(desk, me, "ALLERGIES", "nuts", party=party) == ["NOT_PERMITTED"]
    assert len((await desk.shop.portrait(me)).attributes) == 0
    await desk.shop.grant(me, "special_category.profile")
    await said(desk, me, diet="vegan")
    assert [one.value for one in (await desk.shop.portrait(me)).attributes] == ["vegan"]


async def test_amounts_add_up_however_large_and_each_currency_for_itself(desk: Desk) -> None:
    """What signed 64 bits do not hold is no error and no smaller number; a price of a call has its bound."""
    most, bound = 2**63 - 1, 2**53 - 1
    spent = {"kinds": [pb.EVENT_KIND_ORDER, pb.EVENT_KIND_REFUND], "window_days": 30, "amount_minor": bound}
    for currency in ("eur", "usd"):
        rich = when(sum=spent | {"currency": currency.upper(), "comparison": AT_LEAST})
        option = {"option_id": currency, "depth": SEGMENT, "condition": rich}
        await desk.declare(play(currency, EVERYBODY, option, slot=currency))
    (me,) = await desk.known("me")

    async def reached() -> set[str]:
        answers = [await desk.decide(me, slot=slot) for slot in ("eur", "usd") for _ in range(12)]
        return {one.given.option_id for one in answers} - {"everybody"}

    def bought(amount_minor: int, currency: str = "EUR", **fields: Any) -> pb.Event:
        name = desk.shop.request_id()
        return desk.shop.event(name, me, "tea", amount_minor=amount_minor, currency=currency, **fields)

    await desk.shop.track(bought(bound - 1), bought(bound - 1, "USD"))
    assert await reached() == set()
    await desk.shop.track(bought(most), bought(most))
    assert await reached() == {"eur"}
    refunds = [bought(amount, kind=pb.EVENT_KIND_REFUND) for amount in (-(2**63), most)]
    assert (await desk.shop.track(*refunds)).recorded == 2
    assert await reached() == set()
    for name in ("price_minor", "cost_minor"):
        asked = desk.decide(me, currency="EUR", slot="eur", **{name: 10**12 + 1})
        assert await refused(asked) == "FIELD_RANGE"
