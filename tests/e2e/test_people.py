"""The map of people over the whole suite: who consumes it follows it without rewriting a row."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from services.commands.picture_svg import picture
from tests.e2e.conftest import Shop
from veilgraph.consent.v1 import consent_pb2
from veilgraph.identity.v1 import people_pb2, people_pb2_grpc
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2

RECOMMEND = privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND
#: What the consumers keep of people, by the file it is in.
KEPT = {
    "engagement": ("event",),
    "consent": ("records",),
    "recommender": ("event", "subject"),
}


def rows(shop: Shop) -> dict[str, list[Any]]:
    """Every row of what the consumers keep of people."""
    found = {}
    for file, tables in KEPT.items():
        with closing(sqlite3.connect(f"file:{shop.folder}/{file}.db?mode=ro", uri=True)) as connection:
            for table in tables:
                found[f"{file}.{table}"] = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
    return found


async def watched(shop: Shop, cursor: str, wait_ms: int = 0) -> people_pb2.WatchResponse:
    stub = people_pb2_grpc.PeopleServiceStub(shop.channels["identity"])
    request = people_pb2.WatchRequest(for_purpose=RECOMMEND, cursor=cursor, wait_ms=wait_ms)
    return await stub.Watch(request, metadata=shop.metadata)


async def read(shop: Shop, subject: str) -> tuple[list[str], str, list[tuple[str, bool]]]:
    """What the consumers say of a subject: its events, what it is recommended, what is allowed."""
    events = [event.item_id for event in (await shop.portrait(subject)).events]
    request = recommender_pb2.RecommendRequest(subject=subject, recipe=recommender_pb2.RECIPE_BUY_AGAIN)
    recommended = await shop.recommender.Recommend(request, metadata=shop.metadata)
    state = await shop.consent.GetState(consent_pb2.GetStateRequest(subject=subject), metadata=shop.metadata)
    allowed = [(one.purpose, one.allowed) for one in state.purposes]
    return sorted(events), str(list(recommended.items)), allowed


async def test_events_consents_and_models_are_read_joined_and_apart_and_no_row_is_touched(shop):
    """Linked, each of two is read as both; unlinked, as before; what is stored stays byte for byte."""
    web, till = await shop.subject("web"), await shop.subject("till")
    await shop.grant(web)
    await shop.grant(till, "personalise", "identity.link")
    await shop.track(shop.event("1", web, "tea"), shop.event("2", till, "milk"))
    start = await watched(shop, "")
    before = {subject: await read(shop, subject) for subject in (web, till)}
    stored = rows(shop)
    assert all(stored[name] for name in ("engagement.event", "consent.records", "recommender.event"))

    await shop.link(web, till)
    merged = await watched(shop, start.cursor, 5_000)
    (change,) = merged.changes
    assert list(change.merged.after.subjects) == [web, till]
    assert [list(person.subjects) for person in change.merged.before] == [[web], [till]]
    assert change.merged.after.person == await shop.person("till")
    joined = [await read(shop, subject) for subject in (web, till)]
    assert [events for events, *_ in joined] == [["milk", "tea"]] * 2
    assert joined[0][2] == joined[1][2] == before[web][2]  # grants over proof are both's
    assert rows(shop) == stored

    await shop.unlink(web, till)
    split = await watched(shop, merged.cursor, 5_000)
    assert [list(person.subjects) for person in split.changes[0].split.after] == [[web], [till]]
    assert {subject: await read(shop, subject) for subject in (web, till)} == before
    assert rows(shop) == stored


async def test_an_operator_looks_up_a_person_and_draws_it(shop):
    """By ids of its own; the picture has both identifiers and the link, and no id."""
    web, till = await shop.subject("web"), await shop.subject("till")
    for subject in (web, till):
        await shop.grant(subject)
    await shop.link(web, till)
    operator = Shop(shop.suite, shop.clock, shop.folder, shop.log, "operator")
    (asked,) = await operator.resolve("till")
    assert asked.subject != till
    stub = people_pb2_grpc.PeopleServiceStub(operator.channels["identity"])
    request = people_pb2.GetPersonRequest(subject=asked.subject, for_purpose=RECOMMEND)
    person = await stub.GetPerson(request, metadata=operator.metadata)
    assert [(one.reached, one.in_view) for one in person.members] == [(True, True)] * 2
    assert [(link.state, link.held_back) for link in person.links] == [("ACTIVE", "")]
    drawn = picture(person, "personalise.recommend")
    assert drawn.count('class="member"') == len(person.members)
    assert not any(member.subject in drawn for member in person.members)
    await operator.close()


async def test_the_shop_gives_a_partner_s_ids_of_those_who_permit_it(shop):
    """The partner finds the very id it has from its own Resolve."""
    partner = Shop(shop.suite, shop.clock, shop.folder, shop.log, "partner")
    web, till = await shop.subject("web"), await shop.subject("till")
    await shop.grant(web, "share.partner")
    stub = people_pb2_grpc.PeopleServiceStub(shop.channels["identity"])
    request = people_pb2.TranslateRequest(items=[{"subject": web}, {"subject": till}], recipient="partner")
    answer = await stub.Translate(request, metadata=shop.metadata)
    assert answer.results[0].subject == await partner.subject("web")
    assert answer.results[1].error.reason == "NOT_PERMITTED"
    await shop.withdraw(web, "share.partner")
    answer = await stub.Translate(request, metadata=shop.metadata)
    assert [result.error.reason for result in answer.results] == ["NOT_PERMITTED"] * 2
    await partner.close()
