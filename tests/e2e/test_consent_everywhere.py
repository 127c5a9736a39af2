"""Consent over the whole suite: what was said is in effect in every service at the next call."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf import json_format

from identity.ids import SubjectId
from identity.pairwise import Pairwise
from services.deployment.config import SERVICES, load
from tests.e2e.conftest import Shop, suite_in
from tests.services.conftest import reason_of
from veilgraph.consent.v1 import consent_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2
from veilgraph.recommender.v1 import recommender_pb2


async def refusal(call) -> str:
    """The reason a call is refused with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return reason_of(caught.value)


async def people(shop: Shop, *values: str) -> list[str]:
    """Subjects that granted everything."""
    subjects = [await shop.subject(value) for value in values]
    for subject in subjects:
        await shop.grant(subject)
    return subjects


async def test_three_identifiers_are_three_strangers_until_they_are_linked(shop):
    """Evidence makes one person of them; the ids the caller holds stay what they were."""
    values = ("web", "till", "phone")
    web, till, phone = await people(shop, *values)
    assert len({await shop.person(value) for value in values}) == 3
    await shop.link(web, till)
    await shop.link(web, phone)
    assert len({await shop.person(value) for value in values}) == 1
    assert [await shop.subject(value) for value in values] == [web, till, phone]


async def test_a_withdrawal_on_one_identifier_reaches_the_next_call_on_another(shop):
    """Refusals spread over links and are in effect when the withdrawal returns."""
    web, till = await people(shop, "web", "till")
    await shop.link(web, till)
    await shop.track(shop.event("1", web, "tea"))
    assert (await shop.portrait(till)).total_events == 1
    await shop.withdraw(web, "personalise")
    assert await refusal(shop.portrait(till)) == "NOT_PERMITTED"
    await shop.grant(web, "personalise")
    assert (await shop.portrait(till)).total_events == 1


async def test_a_merge_does_not_bring_a_refusal_back_to_life(shop):
    """Linking a person who refused to one who granted leaves both refused, until the link is undone."""
    web, till = await people(shop, "web", "till")
    await shop.withdraw(till, "personalise")
    await shop.track(shop.event("1", web, "tea"))
    await shop.link(web, till)
    assert await refusal(shop.portrait(web)) == "NOT_PERMITTED"
    await shop.unlink(web, till)
    assert (await shop.portrait(web)).total_events == 1
    assert await refusal(shop.portrait(till)) == "NOT_PERMITTED"


async def test_unlink_restores_exactly_and_an_old_id_never_shows_the_other_half(shop):
    """After the unlink every id shows its own events only, with the states there were before."""
    web, till = await people(shop, "web", "till")
    await shop.track(shop.event("1", web, "tea"), shop.event("2", till, "milk"), shop.event("3", till, "oil"))
    before = [(await shop.portrait(s)).events for s in (web, till)]
    states = [await state(shop, s) for s in (web, till)]
    await shop.link(web, till)
    assert (await shop.portrait(web)).total_events == 3
    await shop.track(shop.event("4", web, "salt"))
    await shop.unlink(web, till)
    after = [(await shop.portrait(s)).events for s in (web, till)]
    assert [list(events)[-len(own) :] for events, own in zip(after, before, strict=True)] == [
        list(own) for own in before
    ]
    assert [len(events) for events in after] == [2, 2]
    assert [await state(shop, s) for s in (web, till)] == states


async def state(shop: Shop, subject: str) -> list[tuple[str, int, bool]]:
    """The consent state of a subject, without times."""
    answer = await shop.consent.GetState(consent_pb2.GetStateRequest(subject=subject), metadata=shop.metadata)
    return [(p.purpose, p.own, p.allowed) for p in answer.purposes]


async def test_without_consent_to_link_nothing_is_linked(shop):
    """Linking is a purpose of its own: no grant at both ends, no edge."""
    web, till = await shop.subject("web"), await shop.subject("till")
    await shop.grant(web)
    assert (await shop.link(web, till)).error.reason == "NOT_PERMITTED"


async def test_two_callers_share_nothing(shop):
    """The partner's id of the same identifier differs, and neither takes the other's."""
    partner = Shop(shop.suite, shop.clock, shop.folder, shop.log, "partner")
    own, other = await shop.subject("web"), await partner.subject("web")
    assert own != other
    await shop.grant(own)
    assert await refusal(shop.portrait(other)) == "SUBJECT_REF_MALFORMED"
    await partner.close()


async def test_a_write_on_an_unknown_subject_is_refused(shop):
    """A well-made id of a subject nobody ever resolved makes no phantom person."""
    config = load(shop.folder / "suite.toml")
    phantom = Pairwise(config.keyring, "demo", "shop").seal(SubjectId(b"phantom!" * 2))
    answer = await shop.track(shop.event("1", phantom, "tea"))
    assert [(e.index, e.reason) for e in answer.refused] == [(0, "NOT_PERMITTED")]
    statement = consent_pb2.Statement(
        subject=phantom,
        action=consent_pb2.ACTION_WITHDRAW,
        purposes=["marketing"],
        collected_via=consent_pb2.COLLECTED_VIA_WEB,
    )
    request = consent_pb2.RecordRequest(statements=[statement], request_id="r")
    recorded = await shop.consent.Record(request, metadata=shop.metadata)
    assert [e.reason for e in recorded.refused] == ["NOT_PERMITTED"]
    (web,) = await people(shop, "web")
    assert (await shop.link(web, phantom)).error.reason == "NOT_PERMITTED"
    assert await refusal(shop.unlink(web, phantom)) in {"NOT_PERMITTED", "LINK_NOT_FOUND"}


async def test_a_misspelt_subject_is_not_served_as_a_guest(shop):
    """The gateway drops the unknown field; neither form of the call then says who is asked for."""
    json = {"subjet": await shop.subject("web"), "recipe": "RECIPE_FOR_YOU"}
    one = json_format.ParseDict(json, recommender_pb2.RecommendRequest(), ignore_unknown_fields=True)
    assert await refusal(shop.recommender.Recommend(one, metadata=shop.metadata)) == "SUBJECT_REF_MISSING"
    guest = recommender_pb2.RecommendRequest(anonymous={}, recipe=recommender_pb2.RECIPE_FOR_YOU)
    batch = recommender_pb2.RecommendBatchRequest(requests=[one, guest])
    answer = await shop.recommender.RecommendBatch(batch, metadata=shop.metadata)
    assert [a.error.reason for a in answer.responses] == ["SUBJECT_REF_MISSING", ""]


async def test_a_corrupt_message_costs_a_tracking_stream_nothing_else(shop):
    """It is answered as unreadable at its place; what came before and after it is recorded."""
    (web,) = await people(shop, "web")
    good = [profile_pb2.TrackRequest(events=[shop.event(e, web, "tea")]).SerializeToString() for e in "12"]
    track = shop.channels["engagement"].stream_stream("/veilgraph.engagement.v1.ProfileService/Track")
    stream = track(iter([good[0], b"\xff" * 40, good[1]]), metadata=shop.metadata)
    answers = [profile_pb2.TrackResponse.FromString(answer) async for answer in stream]
    told = [(a.message, a.recorded, [(e.index, e.reason) for e in a.refused]) for a in answers]
    assert told == [(1, 1, []), (2, 0, [(-1, "MESSAGE_UNREADABLE")]), (3, 1, [])]
    assert (await shop.portrait(web)).total_events == 2


async def test_bad_events_are_named_and_the_good_ones_kept(shop):
    """One batch with every fault: each has its reason, the rest is recorded."""
    (web,) = await people(shop, "web")
    future = {"seconds": shop.clock.now_ms // 1000 + 3600}
    third = {"party": profile_pb2.PARTY_THIRD, "origin": "broker"}
    answer = await shop.track(
        shop.event("1", web, "tea"),
        shop.event("2", web, "tea", occurred_at=future),
        shop.event("3", web, "tea", source=third),
        shop.event("4", "nonsense", "tea"),
        shop.event("5", web, "tea", kind=77),
        shop.event("6", web, "tea", amount_minor=100),
        shop.event("1", web, "tea"),
    )
    assert (answer.recorded, answer.duplicates) == (1, 1)
    assert {e.index: e.reason for e in answer.refused} == {
        1: "TIME_IN_FUTURE",
        2: "THIRD_PARTY_REFUSED",
        3: "SUBJECT_REF_MALFORMED",
        4: "FIELD_ENUM",
        5: "CURRENCY_MISSING",
    }


async def test_what_was_acknowledged_is_there_after_a_restart(tmp_path, clock):
    """Identities, links, statements and events survive; nothing is loaded that was not."""
    import io

    async with suite_in(tmp_path, clock, io.StringIO()) as suite:
        shop = Shop(suite, clock, tmp_path, io.StringIO(), "shop")
        web, till = await people(shop, "web", "till")
        await shop.link(web, till)
        await shop.track(shop.event("1", web, "tea"))
        epoch = suite.guard.epoch
        await shop.close()
    async with suite_in(tmp_path, clock, io.StringIO()) as suite:
        shop = Shop(suite, clock, tmp_path, io.StringIO(), "shop")
        assert suite.guard.epoch > epoch
        assert await shop.subject("web") == web
        assert (await shop.portrait(till)).total_events == 1
        await shop.close()


def misuses(shop: Shop, subject: str, raw: str) -> list[Any]:
    """Calls that say who is meant where nobody may, or ask about somebody who withdrew."""
    digest, source = shop.digest(raw), {"party": profile_pb2.PARTY_FIRST, "origin": raw}
    everywhere = {"order_ref": raw, "currency": raw[:3], "source": source}
    item = {"item_id": raw, "title": raw * 50}
    return [
        shop.portrait(subject),
        shop.portrait(raw),
        shop.portrait(digest.hex()),
        shop.link(subject, raw),
        shop.unlink(raw, subject),
        shop.track(shop.event(raw, raw, "tea"), shop.event(raw, subject, raw, **everywhere)),
        shop.say(consent_pb2.ACTION_WITHDRAW, subject, raw),
        shop.identity.Resolve(
            identity_pb2.ResolveRequest(identifiers=[{"kind": 1, "sha256": raw.encode()}]),
            metadata=(*shop.metadata, ("x-request-id", raw)),
        ),
        shop.recommender.Recommend(
            recommender_pb2.RecommendRequest(subject=raw, recipe=1), metadata=shop.metadata
        ),
        shop.recommender.GetItem(recommender_pb2.GetItemRequest(item_id=raw), metadata=shop.metadata),
        shop.recommender.UpsertItems(
            recommender_pb2.UpsertItemsRequest(items=[item], request_id=raw),
            metadata=shop.metadata_of("importer"),
        ),
        shop.recommender.GetModel(recommender_pb2.GetModelRequest(), metadata=(("authorization", raw),)),
    ]


async def refused_whole(call: Any) -> str:
    """All that a refusal says, of the call or of its elements."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        return f"{error!r} {error.trailing_metadata()} {error.initial_metadata()}"
    except AssertionError as error:
        return str(error)  # a statement refused, as the shop tells it
    if isinstance(answer, identity_pb2.ResolveResponse):
        named = [result.error for result in answer.results]
    else:
        named = [answer.error] if isinstance(answer, identity_pb2.LinkResult) else answer.refused
    assert named, answer
    assert all(error.reason for error in named), answer
    return str(named)


async def test_nothing_that_identifies_is_in_any_output(shop, tmp_path):
    """Digests, subject ids and birth subjects are in no log line, metric, error or audit record."""
    from prometheus_client import generate_latest

    canary = "canary@example.com"
    subject = await shop.subject(canary)
    await shop.grant(subject)
    await shop.track(shop.event("1", subject, "tea"))
    await shop.portrait(subject)
    await shop.withdraw(subject, "personalise")
    refused = [await refused_whole(call) for call in misuses(shop, subject, canary)]
    import hashlib
    import sqlite3

    config = load(tmp_path / "suite.toml")
    birth = Pairwise(config.keyring, "demo", "shop").open(subject, 0)
    digest = hashlib.sha256(canary.encode()).digest()
    outputs = shop.log.getvalue() + generate_latest(shop.suite.registry).decode() + "".join(refused)
    for domain in SERVICES:
        with sqlite3.connect(tmp_path / f"{domain}.db") as connection:
            outputs += str(connection.execute("SELECT * FROM audit_batches").fetchall())
    for secret in (canary, subject, birth.hex(), repr(bytes(birth)), digest.hex(), repr(digest)):
        assert secret not in outputs
    for database in tmp_path.glob("*.db*"):
        content = database.read_bytes()
        assert digest not in content, database.name
        assert canary.encode() not in content, database.name


async def test_a_withdrawal_by_a_slower_clock_is_in_effect_when_it_returns(shop):
    """A grant stamped by the suite does not outlive a withdrawal stamped by a clock a minute behind."""
    web = await shop.subject("web")
    await shop.grant(web)
    await shop.say(
        consent_pb2.ACTION_WITHDRAW,
        web,
        "personalise",
        effective_at={"seconds": shop.clock.now_ms // 1000 - 60},
    )
    assert await refusal(shop.portrait(web)) == "NOT_PERMITTED"


async def test_a_clock_a_little_ahead_costs_nobody_a_withdrawal(shop):
    """Statements and sightings stamped some seconds ahead are taken as of now."""
    web, till = await people(shop, "web", "till")
    ahead = {"seconds": shop.clock.now_ms // 1000 + 20}
    assert (await shop.link(web, till, observed_at=ahead)).linked
    await shop.say(consent_pb2.ACTION_WITHDRAW, web, "personalise", effective_at=ahead)
    assert await refusal(shop.portrait(till)) == "NOT_PERMITTED"
    await shop.unlink(web, till)
    assert (await shop.portrait(till)).total_events == 0


async def test_an_opt_out_signal_on_any_service_is_a_refusal_for_all_of_them(shop):
    """Resolve and Portrait alike record it before they answer; consent shows it as the person's own."""
    metadata = (*shop.metadata, ("sec-gpc", "1"))
    (web,) = await people(shop, "web")
    new = identity_pb2.Identifier(kind=identity_pb2.IDENTIFIER_KIND_COOKIE, sha256=shop.digest("new"))
    resolved = await shop.identity.Resolve(identity_pb2.ResolveRequest(identifiers=[new]), metadata=metadata)
    request = profile_pb2.PortraitRequest(subject=web, for_purpose=6)
    await shop.engagement.Portrait(request, metadata=metadata)
    for subject in (web, resolved.results[0].subject):
        state = await shop.consent.GetState(
            consent_pb2.GetStateRequest(subject=subject), metadata=shop.metadata
        )
        refused = {one.purpose for one in state.purposes if one.own == consent_pb2.STATE_REFUSED}
        assert refused == {"share.partner", "share.sale", "marketing.ads.third_party"}
