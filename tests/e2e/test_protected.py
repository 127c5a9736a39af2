"""What is taken in only with a permission of its own, and what is not taken in at all."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

import grpc
import pytest
from rich.console import Console

from services.commands.minimisation import _minimisation
from services.deployment.development import CONFIG_FILE
from tests.services.conftest import reason_of
from veilgraph.consent.v1 import consent_pb2
from veilgraph.engagement.v1 import profile_pb2 as pb
from veilgraph.privacy.v1 import privacy_pb2

COARSE, PRECISE = "871f1d48bffffff", "8a1f1d48b657fff"
SOME_TIME = {"seconds": 1_600_000_000}


async def tracked(shop: Any, subject: str, **fields: Any) -> tuple[int, list[tuple[str, str]]]:
    """How many events were recorded, and why others were not."""
    answer = await shop.track(shop.event(shop.request_id(), subject, fields.pop("item_id", ""), **fields))
    return answer.recorded, [(one.reason, one.field) for one in answer.refused]


async def recorded(shop: Any, subject: str, attribute: int, value: str, **fields: Any):
    one = {
        "subject": subject,
        "attribute": attribute,
        "value": value,
        "observed_at": shop.now(),
        "source": {"party": pb.PARTY_FIRST, "origin": "till"},
    }
    request = pb.RecordAttributesRequest(values=[one | fields])
    answer = await shop.engagement.RecordAttributes(request, metadata=shop.metadata)
    return answer.recorded, [(refused.reason, refused.field) for refused in answer.refused]


async def declare(shop: Any, subject: str, **said: Any) -> pb.DeclareResponse:
    request = pb.DeclareRequest(subject=subject, origin="quiz", request_id=shop.request_id(), **said)
    return await shop.engagement.Declare(request, metadata=shop.metadata)


async def attributes(shop: Any, subject: str, purpose: int) -> dict[tuple[str, str], str]:
    """What a purpose is shown of attributes, by dependent and name."""
    request = pb.PortraitRequest(subject=subject, for_purpose=purpose)
    answer = await shop.engagement.Portrait(request, metadata=shop.metadata)
    return {
        (one.dependent, pb.Attribute.Name(one.attribute).removeprefix("ATTRIBUTE_")): one.value
        for one in answer.attributes
    }


@pytest.mark.parametrize("kind", [pb.EVENT_KIND_CAMERA, pb.EVENT_KIND_BIOMETRIC])
async def test_a_body_is_measured_for_a_profile_only_where_its_person_permits_that(shop: Any, kind: int):
    """A yes to everything else does not do; a session's special data does not become a profile's."""
    me = await shop.subject("web")
    await shop.grant(me, "personalise", "analytics", "special_category.session")
    assert await tracked(shop, me, kind=kind) == (0, [("NOT_PERMITTED", "")])
    await shop.grant(me, "special_category.profile")
    assert await tracked(shop, me, kind=kind) == (1, [])
    request = pb.PortraitRequest(subject=me, for_purpose=privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND)
    shown = await shop.engagement.Portrait(request, metadata=shop.metadata)
    assert (shown.total_events, len(shown.events)) == (0, 0)  # nor does any other purpose read it
    await shop.withdraw(me, "special_category.profile")
    assert await tracked(shop, me, kind=kind) == (0, [("NOT_PERMITTED", "")])


async def test_a_child_has_no_profile(shop: Any):
    """Whatever was permitted: views, searches and demographics are refused, an order is taken."""
    me = await shop.subject("web")
    await shop.grant(me, "analytics", "personalise")
    assert (await tracked(shop, me, kind=pb.EVENT_KIND_SEARCH))[0] == 1
    await shop.say(consent_pb2.ACTION_GRANT, me, "loyalty", age=consent_pb2.AGE_CHILD)
    for kind in (pb.EVENT_KIND_SEARCH, pb.EVENT_KIND_VIEW, pb.EVENT_KIND_VISIT, pb.EVENT_KIND_PLAY):
        assert await tracked(shop, me, kind=kind, item_id="tea") == (0, [("NOT_PERMITTED", "")])
    assert await recorded(shop, me, pb.ATTRIBUTE_SEX, "FEMALE") == (0, [("NOT_PERMITTED", "")])
    assert (await tracked(shop, me, item_id="tea"))[0] == 1


async def test_a_precise_place_is_taken_only_from_who_permits_it(shop: Any):
    """A coarse one is; after the permission ended the precise one is shown as the coarse one around it."""
    me = await shop.subject("web")
    await shop.grant(me, "analytics", "personalise")
    visit = {"kind": pb.EVENT_KIND_VISIT}
    assert await tracked(shop, me, **visit, detail={"place_cell": COARSE}) == (1, [])
    refused = (0, [("NOT_PERMITTED", "events[0].detail.place_cell")])
    assert await tracked(shop, me, **visit, detail={"place_cell": PRECISE}) == refused
    assert await tracked(shop, me, **visit, detail={"place_cell": "8a1f1d48b657ff0"}) == (
        0,
        [("PLACE_MALFORMED", "events[0].detail.place_cell")],
    )
    home = pb.ATTRIBUTE_HOME_CELL
    assert await recorded(shop, me, home, PRECISE) == (0, [("NOT_PERMITTED", "values[0].value")])
    await shop.grant(me, "location_precise")
    assert await tracked(shop, me, **visit, detail={"place_cell": PRECISE}) == (1, [])
    assert await recorded(shop, me, home, PRECISE) == (1, [])
    places = {one.detail.place_cell for one in (await shop.portrait(me)).events}
    assert places == {COARSE, PRECISE}
    await shop.withdraw(me, "location_precise")
    portrait = await shop.portrait(me)
    assert {one.detail.place_cell for one in portrait.events} == {COARSE}
    assert [one.value for one in portrait.attributes] == [COARSE]


async def test_what_is_concluded_about_somebody_needs_their_yes(shop: Any):
    """Sex, income, postcode, household: observed is one thing, concluded another."""
    me = await shop.subject("web")
    await shop.grant(me, "analytics", "personalise")
    concluded = {"source": {"party": pb.PARTY_INFERRED, "origin": "model"}}
    for attribute, value in (
        (pb.ATTRIBUTE_SEX, "FEMALE"),
        (pb.ATTRIBUTE_INCOME_BAND, "HIGH"),
        (pb.ATTRIBUTE_POSTCODE, "101"),
        (pb.ATTRIBUTE_HOUSEHOLD_SIZE, "3"),
    ):
        refused = await recorded(shop, me, attribute, value, **concluded)
        assert refused == (0, [("NOT_PERMITTED", "values[0].value")])
    assert await recorded(shop, me, pb.ATTRIBUTE_HOUSEHOLD_SIZE, "2") == (1, [])
    await shop.grant(me, "inferred_demographics")
    assert await recorded(shop, me, pb.ATTRIBUTE_SEX, "FEMALE", **concluded) == (1, [])
    content = privacy_pb2.PURPOSE_PERSONALISE_CONTENT
    known = await attributes(shop, me, content)
    assert known == {("", "SEX"): "FEMALE", ("", "HOUSEHOLD_SIZE"): "2"}
    assert await attributes(shop, me, privacy_pb2.PURPOSE_PERSONALISE_PRICING) == {}
    await shop.withdraw(me, "inferred_demographics")
    assert await attributes(shop, me, content) == {("", "HOUSEHOLD_SIZE"): "2"}


async def test_what_somebody_eats_is_special_and_what_a_pet_eats_is_not(shop: Any):
    """A declaration is refused whole; neither ever serves advertising."""
    me = await shop.subject("web")
    await shop.grant(me, "personalise", "marketing")
    diet = {"attribute": pb.ATTRIBUTE_DIET, "value": "vegan"}
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await declare(shop, me, attributes=[diet, {"attribute": pb.ATTRIBUTE_LANGUAGE, "value": "de"}])
    assert reason_of(refused.value) == "NOT_PERMITTED"
    pet = [
        {"attribute": pb.ATTRIBUTE_DEPENDENT_KIND, "dependent": "rex", "value": "PET"},
        {"attribute": pb.ATTRIBUTE_DEPENDENT_DIET, "dependent": "rex", "value": "grain-free, fish"},
    ]
    answer = await declare(shop, me, attributes=pet)
    assert (answer.answered, [one.benefit for one in answer.unlocked]) == (
        2,
        [pb.BENEFIT_TIPS_FOR_DEPENDENTS],
    )
    content = privacy_pb2.PURPOSE_PERSONALISE_CONTENT
    known = {("rex", "DEPENDENT_KIND"): "PET", ("rex", "DEPENDENT_DIET"): "grain-free, fish"}
    assert await attributes(shop, me, content) == known
    await shop.grant(me, "special_category.profile")
    await declare(shop, me, attributes=[diet])
    assert await attributes(shop, me, content) == known | {("", "DIET"): "vegan"}
    ads = privacy_pb2.PURPOSE_MARKETING_ADS_FIRST_PARTY
    assert await attributes(shop, me, ads) == {("rex", "DEPENDENT_KIND"): "PET"}
    await shop.withdraw(me, "special_category.profile")
    assert await attributes(shop, me, content) == known


async def test_what_a_service_remembers_goes_back_to_the_service_alone(shop: Any):
    me = await shop.subject("web")
    await shop.grant(me, "personalise", "marketing", "loyalty")
    answer = await declare(shop, me, attributes=[{"attribute": pb.ATTRIBUTE_TEMPERATURE, "value": "21"}])
    assert [(one.benefit, one.in_effect) for one in answer.unlocked] == [(pb.BENEFIT_SERVICE_REMEMBERS, True)]
    assert await attributes(shop, me, privacy_pb2.PURPOSE_SERVICE) == {("", "TEMPERATURE"): "21"}
    for purpose in (
        privacy_pb2.PURPOSE_PERSONALISE_CONTENT,
        privacy_pb2.PURPOSE_PERSONALISE_PRICING,
        privacy_pb2.PURPOSE_MARKETING_ADS_FIRST_PARTY,
        privacy_pb2.PURPOSE_LOYALTY,
    ):
        assert await attributes(shop, me, purpose) == {}


async def test_what_is_never_taken_is_refused_by_name_and_the_batch_goes_on(shop: Any):
    """Contacts, addresses, what a program says of a device; third parties, ended agreements, the future."""
    me = await shop.subject("web")
    await shop.grant(me, "analytics")
    partner = {"party": pb.PARTY_SECOND, "origin": "partner"}
    refused = [
        ({"detail": {"topic": "call me: anna@example.org"}}, "RAW_CONTACT_REFUSED", "detail.topic"),
        ({"detail": {"topic": "from 192.168.7.1"}}, "RAW_IP_REFUSED", "detail.topic"),
        ({"detail": {"entry": {"campaign": "2001:db8::7"}}}, "RAW_IP_REFUSED", "detail.entry.campaign"),
        (
            {"detail": {"entry": {"source": "Mozilla/5.0 (X11; Linux)"}}},
            "RAW_USER_AGENT_REFUSED",
            "detail.entry.source",
        ),
        ({"source": {"party": pb.PARTY_FIRST, "origin": "10.1.2.3"}}, "RAW_IP_REFUSED", "source.origin"),
        ({"source": {"party": pb.PARTY_THIRD, "origin": "bought"}}, "THIRD_PARTY_REFUSED", "source.party"),
        ({"source": {"party": pb.PARTY_INFERRED, "origin": "model"}}, "FIELD_ENUM", "source.party"),
        ({"source": partner}, "AGREEMENT_MISSING", "source.agreement"),
        (
            {"source": partner | {"agreement": "a-7", "expires_at": SOME_TIME}},
            "SOURCE_EXPIRED",
            "source.expires_at",
        ),
        ({"occurred_at": {"seconds": 4_000_000_000}}, "TIME_IN_FUTURE", "occurred_at"),
        ({"item_id": ""}, "FIELD_REQUIRED", "item_id"),
    ]
    events = [
        shop.event(str(n), me, **({"item_id": "tea"} | fields)) for n, (fields, *_) in enumerate(refused)
    ]
    answer = await shop.track(*events, shop.event("good", me, "tea"))
    assert answer.recorded == 1
    assert [(one.reason, one.field) for one in answer.refused] == [
        (reason, f"events[{n}].{field}") for n, (_, reason, field) in enumerate(refused)
    ]


async def test_a_source_that_counts_more_wins_and_a_correction_beats_it_until_it_is_taken_back(shop: Any):
    """Said beats observed beats a partner's beats concluded; a correction says even that there is none."""
    me = await shop.subject("web")
    await shop.grant(me, "analytics", "personalise", "inferred_demographics")
    sex, content = pb.ATTRIBUTE_SEX, privacy_pb2.PURPOSE_PERSONALISE_CONTENT
    partner = {"source": {"party": pb.PARTY_SECOND, "origin": "partner", "agreement": "a-7"}}

    async def known() -> str | None:
        return (await attributes(shop, me, content)).get(("", "SEX"))

    concluded = {"source": {"party": pb.PARTY_INFERRED, "origin": "model"}}
    for fields, value in ((concluded, "FEMALE"), (partner, "MALE"), ({}, "DIVERSE"), (partner, "FEMALE")):
        assert (await recorded(shop, me, sex, value, **fields))[0] == 1
        assert await known() == ("DIVERSE" if value == "FEMALE" and fields is partner else value)
    await declare(shop, me, corrections=[{"attribute": sex}])
    assert await known() is None
    await recorded(shop, me, sex, "MALE")
    assert await known() is None
    await declare(shop, me, withdrawn_attributes=[{"attribute": sex}])
    assert await known() == "MALE"
    other = await shop.subject("app")
    await shop.grant(other, "personalise", "analytics", "identity.link")
    await shop.grant(me, "identity.link")
    await shop.link(me, other)
    await declare(shop, other, attributes=[{"attribute": sex, "value": "FEMALE"}])
    assert await known() == "FEMALE"
    await shop.unlink(me, other)
    assert await known() == "MALE"


async def test_an_operator_is_told_what_is_held_and_not_read(shop: Any, capsys: pytest.CaptureFixture[str]):
    """By a command beside the running suite, without a word of anybody."""
    me = await shop.subject("web")
    await shop.grant(me, "personalise", "analytics")
    await declare(shop, me, attributes=[{"attribute": pb.ATTRIBUTE_BIRTHDAY, "value": "03-01"}])
    await shop.track(shop.event("e", me, "tea"))
    await attributes(shop, me, privacy_pb2.PURPOSE_RIGHTS)
    arguments = argparse.Namespace(file=shop.folder / CONFIG_FILE, days=1, json=True)

    def report() -> dict[str, int]:
        assert _minimisation(arguments, Console()) == 0
        said = json.loads(capsys.readouterr().out)
        return {one["field"]: one["held"] for one in said["fields"]}

    assert await asyncio.to_thread(report) == {"attribute.birthday": 1, "events.ORDER": 1}
