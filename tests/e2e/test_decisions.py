"""Decisions through the wire: every rule that acts, with what goes in and what comes out."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.engagement import decision_service
from services.storage.decisions import DecisionTables
from tests.conftest import Clock
from tests.e2e.deciding import (
    APP,
    DAY_MS,
    EMAIL,
    GENERAL,
    INDIVIDUAL,
    SERVICE,
    STORE,
    WEB,
    Desk,
    desk_in,
    held,
    letter,
    limits,
    play,
    refused,
    template,
    when,
)
from veilgraph.consent.v1 import consent_pb2
from veilgraph.engagement.v1 import decision_pb2, offer_pb2, profile_pb2
from veilgraph.privacy.v1 import privacy_pb2

PRICING = privacy_pb2.PURPOSE_PERSONALISE_PRICING
PERSON, AUDITOR = decision_pb2.READER_PERSON, decision_pb2.READER_AUDITOR
EVERYBODY = {"option_id": "everybody", "depth": GENERAL}
MINE = {"option_id": "mine", "depth": INDIVIDUAL}


@pytest.fixture
async def desk(tmp_path: Path, clock: Clock) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path, clock) as made:
        yield made


def ms(instant: Any) -> int:
    return int(instant.seconds * 1000 + instant.nanos // 1_000_000)


async def test_nobody_a_child_and_who_refuses_are_given_the_same_from_the_call_alone(desk: Desk) -> None:
    """A context option needs no person; a personal one and a message are for nobody."""
    rain = when(compare={"field": "context.weather", "comparison": 1, "text": "rain"})
    umbrella = {"option_id": "umbrella", "depth": offer_pb2.DEPTH_CONTEXT, "condition": rain}
    await desk.declare(play("banner", EVERYBODY, umbrella, MINE), letter())
    stranger = await desk.shop.subject("stranger")
    known, child = await desk.known("me", "child")
    await desk.shop.say(consent_pb2.ACTION_GRANT, child, "personalise", age=consent_pb2.AGE_CHILD)
    context = [{"name": "weather", "text": "rain"}]
    for subject in ("", stranger, child):
        answers = [await desk.decide(subject, context=context) for _ in range(12)]
        assert {one.given.option_id for one in answers} <= {"umbrella", "everybody"}
        assert all(one.given.depth <= offer_pb2.DEPTH_CONTEXT for one in answers)
        assert {one.given.option_id for one in [await desk.decide(subject) for _ in range(4)]} == {
            "everybody"
        }
        assert held(await desk.decide(subject, play_id="letter")) == "NOT_PERMITTED"
    assert (await desk.decide(stranger)).depth_reason == "NOT_PERMITTED"
    assert (await desk.decide(known, play_id="letter")).given.channel == EMAIL
    shown = [await desk.decide(known, request_id=f"shown-{n}", context=context) for n in range(2)]
    assert {one.given.depth for one in shown} & {INDIVIDUAL}


async def test_what_a_call_says_is_a_known_field_of_its_kind(desk: Desk) -> None:
    await desk.declare(play("banner"))
    said = {"name": "favourite_colour", "text": "red"}
    assert await refused(desk.decide(context=[said])) == "CONTEXT_UNKNOWN"
    assert await refused(desk.decide(context=[{"name": "weather", "flag": True}])) == "CONTEXT_KIND"
    assert await refused(desk.decide(play_id="banner", slot="home")) == "FIELD_REQUIRED"
    assert await refused(desk.decide(price_minor=100)) == "CURRENCY_MISSING"


async def test_who_does_not_act_for_30_days_is_left_alone_until_they_do(desk: Desk) -> None:
    """The last instant before is still in time; a click that is reported wakes."""
    await desk.declare(play("banner", EVERYBODY, MINE), letter())
    (me,) = await desk.known("me")
    mail = await desk.mail(me)
    acted_s = desk.shop.clock.now_ms // 1000
    last = await desk.mail(me, at={"seconds": acted_s + 30 * 86_400 - 1})
    assert last.HasField("given")
    desk.shop.clock.now_ms += 30 * DAY_MS
    assert held(await desk.mail(me)) == "RESTING"
    assert held(await desk.decide(me)) == "RESTING"
    await desk.report(me, mail.decision_id, "CLICK")
    assert (await desk.mail(me)).given.option_id == "mail"


async def test_personal_and_general_alternate_in_a_slot(desk: Desk) -> None:
    """After something personal the general follows, in whatever channel; never two personal ones."""
    await desk.declare(play("banner", EVERYBODY, MINE))
    (me,) = await desk.known("me")
    depths, chances = [], set()
    for number in range(20):
        given = (await desk.decide(me, channel=(WEB, APP)[number % 2])).given
        depths.append(given.depth)
        chances.add((given.option_id, round(given.propensity, 9)))
    pairs = list(itertools.pairwise(depths))
    assert (INDIVIDUAL, GENERAL) in pairs
    assert (INDIVIDUAL, INDIVIDUAL) not in pairs
    assert depths.count(INDIVIDUAL) > 5
    # In a personal turn the general one is explored, in a general one there is no other.
    assert {("mine", 0.95), ("everybody", 1.0)} <= chances <= {
        ("mine", 0.95), ("everybody", 0.05), ("everybody", 1.0)
    }  # fmt: skip


async def test_a_new_acquaintance_is_shown_nothing_of_their_own(desk: Desk) -> None:
    await desk.declare(play("banner", EVERYBODY, MINE))
    me = await desk.shop.subject("me")
    await desk.shop.grant(me)
    await desk.acted(me)
    answers = [await desk.decide(me) for _ in range(10)]
    assert {one.given.option_id for one in answers} == {"everybody"}


async def test_an_offer_is_the_same_in_two_channels_and_over_linked_identities(desk: Desk) -> None:
    """Its price and decision stay; of two people who turn out to be one the better binds; unlink restores."""
    ten = {
        "option_id": "ten",
        "depth": INDIVIDUAL,
        "discount": {"permille": 100, "margin_floor_permille": 50},
        "template_id": "price",
    }
    disclosed = template("price", "Yours.", disclosure="Worked out for you.")
    await desk.declare(disclosed, play("sale", EVERYBODY, ten, purpose=PRICING, offer_days=3))
    web, phone = await desk.known("web", "phone")
    euro = {"for_purpose": PRICING, "cost_minor": 500, "currency": "EUR"}
    quoted = {"price_minor": 1000, **euro}
    mine = await desk.given("ten", web, **quoted)
    assert (mine.given.price_minor, mine.given.discount_minor) == (900, 100)
    assert mine.given.price_personalised
    assert mine.given.disclosure == "Worked out for you."
    assert ms(mine.given.expires_at) == desk.shop.clock.now_ms + 3 * DAY_MS
    app = await desk.decide(web, channel=APP, price_minor=2000, **euro)
    assert (app.decision_id, app.given.price_minor) == (mine.decision_id, 900)
    assert "HONOURED" in app.given.reasons
    theirs = await desk.given("ten", phone, price_minor=800, **euro)
    assert theirs.given.price_minor == 720
    await desk.shop.link(web, phone)
    for subject in (web, phone):
        joined = await desk.decide(subject, **quoted)
        assert (joined.decision_id, joined.given.price_minor) == (theirs.decision_id, 720)
    await desk.shop.unlink(web, phone)
    apart = await desk.decide(web, **quoted)
    assert (apart.decision_id, apart.given.price_minor) == (mine.decision_id, 900)
    desk.shop.clock.now_ms += 3 * DAY_MS
    anew = await desk.given("ten", web, **quoted)
    assert anew.decision_id not in {mine.decision_id, theirs.decision_id}


async def test_why_names_exactly_what_was_read_and_from_where(desk: Desk) -> None:
    """For the person in words; for an auditor with guards and chances; to nobody else at all."""
    liked = when(compare={"field": "declared.likes", "comparison": 7, "text": "brand:Acme"})
    ten = {
        "option_id": "ten",
        "depth": INDIVIDUAL,
        "discount": {"permille": 100, "margin_floor_permille": 50},
        "template_id": "price",
        "condition": liked,
    }
    disclosed = template("price", "Yours.", disclosure="Worked out for you.")
    await desk.declare(disclosed, play("sale", EVERYBODY, ten, purpose=PRICING, offer_days=3))
    (me,) = await desk.known("me")
    (other,) = await desk.known("other")
    await desk.shop.engagement.Declare(_declaration(me), metadata=desk.shop.metadata)
    quoted = {"for_purpose": PRICING, "price_minor": 1000, "cost_minor": 500, "currency": "EUR"}
    offered = await desk.given("ten", me, **quoted)
    why = await desk.why(me, offered.decision_id, reader=PERSON)
    assert [(one.name, one.origin, one.purpose) for one in why.read] == [
        ("declared.likes", "quiz", "personalise.pricing")
    ]
    assert why.read[0].legal_basis == "consent"
    assert (why.decision.option_id, why.decision.price_minor, why.decision.price_personalised) == (
        "ten",
        900,
        True,
    )
    assert "your likes (you said it, from quiz)" in why.text
    assert "worked out for you" in why.text
    assert not why.guards
    assert not why.alternatives
    assert await refused(desk.why(me, offered.decision_id, reader=AUDITOR)) == "SCOPE_NOT_GRANTED_TO_CALLER"
    assert await refused(desk.why(other, offered.decision_id, reader=PERSON)) == "DECISION_UNKNOWN"
    operator = await _as_operator(desk, "me")
    told = await desk.why(operator, offered.decision_id, caller="operator", reader=AUDITOR)
    assert [one.guard for one in told.guards][:2] == ["consent", "identity_confidence"]
    assert told.guards[-1].guard == "cap"
    assert sum(one.probability for one in told.alternatives) == pytest.approx(1)
    assert {one.option_id for one in told.alternatives} == {"everybody", "ten"}
    assert told.decision.propensity == offered.given.propensity


def _declaration(subject: str) -> Any:
    return profile_pb2.DeclareRequest(
        subject=subject,
        origin="quiz",
        request_id="quiz",
        preferences=[
            {"kind": profile_pb2.TOPIC_KIND_BRAND, "name": "Acme", "stance": profile_pb2.STANCE_LIKE}
        ],
    )


async def _as_operator(desk: Desk, name: str) -> str:
    shop = desk.shop
    mine, shop.metadata = shop.metadata, shop.metadata_of("operator")
    try:
        return await shop.subject(name)
    finally:
        shop.metadata = mine


async def test_what_a_person_is_owed_reaches_them_at_rest_and_over_the_cap(desk: Desk) -> None:
    """But not without the basis of its purpose."""
    invoice = letter("invoice", purpose=SERVICE, service=True)
    await desk.declare(invoice, letter())
    (me,) = await desk.known("me")
    assert [(await desk.mail(me)).HasField("given") for _ in range(3)] == [True, True, False]
    desk.shop.clock.now_ms += 40 * DAY_MS
    assert held(await desk.mail(me)) == "RESTING"
    owed = await desk.decide(me, play_id="invoice", for_purpose=SERVICE)
    assert owed.given.option_id == "mail"
    assert held(await desk.decide("", play_id="invoice", for_purpose=SERVICE)) == "NOT_PERMITTED"


async def test_a_complaint_silences_until_it_is_closed_over_linked_identities(desk: Desk) -> None:
    """What another closed stands again after an unlink, until whoever said it closes it themselves."""
    await desk.declare(letter())
    web, phone = await desk.known("web", "phone")
    mail = await desk.mail(web)
    await desk.report(web, mail.decision_id, "COMPLAINT")
    assert held(await desk.mail(web)) == "OPEN_COMPLAINT"
    assert (await desk.mail(phone)).HasField("given")
    await desk.shop.link(web, phone)
    assert held(await desk.mail(phone)) == "OPEN_COMPLAINT"
    await desk.report(phone, mail.decision_id, "COMPLAINT_CLOSED")
    await desk.report(phone, mail.decision_id, "UNSUBSCRIBE")
    assert held(await desk.mail(web)) == "CHANNEL_CLOSED"
    await desk.shop.unlink(web, phone)
    assert held(await desk.mail(web)) == "OPEN_COMPLAINT"
    assert held(await desk.mail(phone)) == "CHANNEL_CLOSED"
    await desk.report(web, mail.decision_id, "COMPLAINT_CLOSED")
    assert (await desk.mail(web)).HasField("given")


async def test_a_person_is_asked_once_a_month(desk: Desk) -> None:
    ask = play("survey", {"option_id": "nps", "depth": GENERAL}, slot="survey", asks=True)
    await desk.declare(ask)
    (me,) = await desk.known("me")
    asked = await desk.decide(me, slot="survey")
    assert asked.given.option_id == "nps"
    again = await desk.decide(me, slot="survey")
    assert held(again) == "ASKED_ENOUGH"
    assert ms(again.hold.retry_at) == desk.shop.clock.now_ms + 30 * DAY_MS
    await desk.report(me, asked.decision_id, "NPS", value=10)
    assert await refused(desk.report(me, asked.decision_id, "NPS", value=11)) == "FIELD_RANGE"
    assert await refused(desk.report(me, asked.decision_id, "NPS")) == "FIELD_REQUIRED"


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        # The clocks go forward on the 31st of March 2024 and back on the 27th of October.
        (datetime(2024, 3, 30, 22, 30, tzinfo=UTC), datetime(2024, 3, 31, 6, 0, tzinfo=UTC)),
        (datetime(2024, 10, 26, 21, 30, tzinfo=UTC), datetime(2024, 10, 27, 7, 0, tzinfo=UTC)),
        (datetime(2024, 7, 1, 10, 0, tzinfo=UTC), datetime(2024, 7, 1, 10, 0, tzinfo=UTC)),
    ],
)
async def test_quiet_hours_are_those_of_the_zone_over_its_changes(
    desk: Desk, asked: datetime, sent: datetime
) -> None:
    """From 21:00 to 08:00 in Berlin nothing reaches out; what is asked then goes out at 08:00 there."""
    quiet = {"quiet_from_minute": 21 * 60, "quiet_until_minute": 8 * 60, "zone": "Europe/Berlin"}
    await desk.declare(limits(rest_days=366, **quiet), letter())
    (me,) = await desk.known("me")
    answer = await desk.mail(me, at={"seconds": int(asked.timestamp())})
    assert datetime.fromtimestamp(answer.given.send_at.seconds, UTC) == sent
    assert not answer.decision_id


async def test_a_dry_run_takes_no_place_and_is_known_to_nobody(desk: Desk) -> None:
    await desk.declare(letter())
    (me,) = await desk.known("me")
    for _ in range(5):
        answer = await desk.mail(me, dry_run=True)
        assert (answer.given.option_id, answer.decision_id) == ("mail", "")
    assert [(await desk.mail(me)).HasField("given") for _ in range(3)] == [True, True, False]


async def test_a_request_is_told_the_same_again_while_it_stands(desk: Desk) -> None:
    await desk.declare(letter())
    (me,) = await desk.known("me")
    first, again = [await desk.mail(me, request_id="one") for _ in range(2)]
    assert first == again
    assert first.decision_id
    assert (await desk.mail(me)).HasField("given")
    full = await desk.mail(me)
    assert (held(full), ms(full.hold.retry_at)) == ("CAP_REACHED", desk.shop.clock.now_ms + 7 * DAY_MS)
    assert await refused(desk.mail(me, request_id="one", language="de")) == "REQUEST_ID_REUSED"
    await desk.shop.withdraw(me, "marketing.email")
    assert held(await desk.mail(me, request_id="one")) == "NOT_PERMITTED"


async def test_a_till_without_time_is_given_what_is_for_everybody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within its deadline, and what it was given then took nobody's place; with time it is their own."""
    await desk.declare(play("till", EVERYBODY, MINE, slot="till", offer_days=1))
    (me,) = await desk.known("me")
    monkeypatch.setattr(decision_service, "ANSWERING_S", 60)
    late = await desk.decide(me, slot="till", channel=STORE, timeout=5)
    assert late.given.option_id == "everybody"
    assert late.given.reasons[0] == "OUT_OF_TIME"
    assert late.decision_id == ""
    monkeypatch.undo()
    answer = await desk.decide(me, slot="till", channel=STORE, timeout=5)
    assert answer.given.HasField("expires_at")
    assert answer.decision_id


async def test_what_was_promised_in_an_answer_that_did_not_leave_is_taken_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Consent changes when the place is taken: the answer is made anew without it, and the place is free."""
    await desk.declare(letter(), limits(cap=1))
    (me,) = await desk.known("me")
    promise, withdrawn = DecisionTables.promise, ["marketing.email", "personalise.content"]

    async def changed_after(store: DecisionTables, wanted: Any) -> list[bool]:
        stands = await promise(store, wanted)
        if withdrawn:
            await desk.shop.withdraw(me, withdrawn.pop())
        return stands

    monkeypatch.setattr(DecisionTables, "promise", changed_after)
    while withdrawn:
        assert held(await desk.mail(me)) == "NOT_PERMITTED"
        await desk.shop.grant(me)
    assert (await desk.mail(me)).HasField("given")
    assert held(await desk.mail(me)) == "CAP_REACHED"


async def test_a_batch_decides_for_each_and_keeps_the_order(desk: Desk) -> None:
    """Of one person twice the cap holds; who refuses is given nothing; an unknown id is refused alone."""
    await desk.declare(letter(), limits(cap=1))
    (me,) = await desk.known("me")
    stranger = await desk.shop.subject("stranger")
    request = decision_pb2.DecideBatchRequest(
        items=[{"subject": one} for one in (me, stranger, "nonsense", me)],
        for_purpose=privacy_pb2.PURPOSE_PERSONALISE_CONTENT,
        play_id="letter",
        request_id="campaign",
    )
    first, again = [await desk.decisions.DecideBatch(request, metadata=desk.shop.metadata) for _ in range(2)]
    mine, theirs, nonsense, twice = first.decisions
    assert mine.given.option_id == "mail"
    assert held(theirs) == "NOT_PERMITTED"
    assert nonsense.error.reason == "SUBJECT_REF_MALFORMED"
    assert held(twice) == "CAP_REACHED"
    assert again.decisions[0] == mine


async def test_a_link_in_the_middle_of_a_pending_decision_counts_it_and_an_unlink_does_not(
    desk: Desk,
) -> None:
    """A place taken before the link counts for the person after it; each has their own after the unlink.

    What was sent keeps its place, also if it is said later that it failed.
    """
    await desk.declare(letter(), limits(cap=1))
    web, phone = await desk.known("web", "phone")
    pending = await desk.mail(web)
    await desk.shop.link(web, phone)
    assert held(await desk.mail(phone)) == "CAP_REACHED"
    await desk.report(phone, pending.decision_id, "SENT")
    assert held(await desk.mail(phone)) == "CAP_REACHED"
    await desk.shop.unlink(web, phone)
    assert (await desk.mail(phone)).HasField("given")
    assert held(await desk.mail(web)) == "CAP_REACHED"
    assert await refused(desk.report(phone, pending.decision_id, "FAILED")) == "DECISION_UNKNOWN"
    await desk.report(web, pending.decision_id, "FAILED")
    assert held(await desk.mail(web)) == "CAP_REACHED"


async def test_64_at_once_never_put_a_person_over_the_cap(desk: Desk) -> None:
    """Two identities of one person, each asked 32 times: as many messages as the cap, none more."""
    await desk.declare(limits(cap=3), letter())
    web, phone = await desk.known("web", "phone")
    await desk.shop.link(web, phone)
    answers = await asyncio.gather(*(desk.mail((web, phone)[n % 2]) for n in range(64)))
    assert sum(one.HasField("given") for one in answers) == 3
    assert {held(one) for one in answers if one.HasField("hold")} == {"CAP_REACHED"}
