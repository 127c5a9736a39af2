"""A person's rights on a whole suite: told everything, obeyed at once, and nobody else's to use."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import Any
from xml.etree import ElementTree as ET

import grpc
import pytest

from services.deployment.config import load
from services.rights.verifier import DevelopmentVerifier, open_verifier
from services.signing import Signed, public_keys, verified
from tests.e2e.conftest import Shop
from tests.services.conftest import reason_of
from tests.services.rights_desk import whole
from veilgraph.consent.v1 import consent_pb2, rights_pb2, rights_pb2_grpc
from veilgraph.identity.v1 import identity_pb2

VIA = {"collected_via": consent_pb2.COLLECTED_VIA_WEB}


class Person:
    """Somebody who asks through the shop, authenticated by the development verifier."""

    def __init__(self, shop: Shop, value: str, subject: str) -> None:
        self.shop, self.value, self.subject = shop, value, subject
        self.verifier: DevelopmentVerifier = open_verifier(shop.folder / "keys")
        self.stub = rights_pb2_grpc.RightsServiceStub(shop.channels["consent"])

    def proof(self, subject: str = "") -> str:
        return self.verifier.attest(subject or self.subject, "shop", self.shop.clock.now_ms // 1000)

    def request(self, method: str, *proofs: str, **fields: Any) -> Any:
        given = {"subject": self.subject, "request_id": self.shop.request_id()} | fields
        return getattr(rights_pb2, f"{method}Request")(proofs=proofs or [self.proof()], **given)

    async def ask(self, method: str, *proofs: str, **fields: Any) -> Any:
        request = self.request(method, *proofs, **fields)
        return await getattr(self.stub, method)(request, metadata=self.shop.metadata)

    async def access(self, *proofs: str, form: int = rights_pb2.FORMAT_JSON) -> rights_pb2.AccessResponse:
        request = self.request("Access", *proofs, format=form)
        parts = [part async for part in self.stub.Access(request, metadata=self.shop.metadata)]
        assert {part.consent_epoch > 0 for part in parts} == {True}
        return whole(parts)


async def person(shop: Shop, value: str, *items: str) -> Person:
    """Somebody who granted everything and bought some things."""
    subject = await shop.subject(value)
    await shop.grant(subject)
    if items:
        await shop.track(*(shop.event(f"{value}-{item}", subject, item) for item in items))
    return Person(shop, value, subject)


def births(shop: Shop) -> set[bytes]:
    """Every birth subject of the suite."""
    with sqlite3.connect(f"file:{shop.folder / 'identity.db'}?mode=ro", uri=True) as connection:
        return {subject for (subject,) in connection.execute("SELECT subject FROM identifier")}


async def refusal(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return reason_of(refused.value)


async def test_a_person_is_told_everything_of_every_store_with_its_source(shop: Shop):
    """Identifier, statements, events and their copy, each with a source; and nobody's birth subject."""
    anna = await person(shop, "anna@shop.example", "tea", "cup")
    answer = await anna.access()
    assert [one.subject for one in answer.identities] == [anna.subject]
    stores = {value.store for value in answer.values}
    assert stores >= {"identity", "consent", "engagement", "recommender"}
    assert all(value.source and value.subject == anna.subject for value in answer.values)
    events = [json.loads(value.value_json) for value in answer.values if value.store == "engagement"]
    assert {event["item_id"] for event in events} == {"tea", "cup"}
    said = [value for value in answer.values if value.kind == "consent record"]
    assert said and {value.source for value in said} == {"WEB"}
    assert sum(one.count for one in answer.where_from) == len(answer.values)
    assert {one.purpose for one in answer.decisions if one.allowed} >= {"service", "rights", "loyalty"}
    text = str(answer)
    assert not [birth for birth in births(shop) if birth.hex() in text or repr(birth)[2:-1] in text]


async def test_the_page_of_a_running_suite_is_well_formed_and_says_the_same(shop: Shop):
    anna = await person(shop, "anna@shop.example", "<b>tea</b>")
    page = (await anna.access(form=rights_pb2.FORMAT_HTML)).html
    ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))  # noqa: S314 - our own page
    assert "&lt;b&gt;tea&lt;/b&gt;" in page and "<b>" not in page
    assert "vs_" not in page and not [birth for birth in births(shop) if birth.hex() in page]


async def test_a_person_is_told_who_was_told_what(shop: Shop):
    """A partner that asked, with the class of what it was shown; not one that asked about somebody else."""
    anna, bert = (
        await person(shop, "anna@shop.example", "tea"),
        await person(shop, "bert@shop.example", "tea"),
    )
    await shop.portrait(anna.subject)
    await shop.portrait(anna.subject)
    await shop.portrait(bert.subject)
    deadline = asyncio.get_running_loop().time() + 5
    told: list[rights_pb2.Recipient] = []
    while sum(one.answered for one in told) < 2:
        assert asyncio.get_running_loop().time() < deadline  # records are durable soon, not at once
        told = [one for one in (await anna.ask("Recipients")).recipients if "Portrait" in one.method]
    (one,) = told
    assert (one.name, one.purpose, one.answered, one.refused) == ("shop", "personalise.recommend", 2, 0)
    assert "BEHAVIOURAL" in one.data_classes
    assert one.first.seconds <= one.last.seconds == shop.clock.now_ms // 1000


async def test_linking_oneself_to_a_victim_shows_and_changes_nothing_of_the_victim(shop: Shop):
    """By a login as the shop reports it; the victim stays as it was, and is named by kind alone."""
    mallory = await person(shop, "mallory@shop.example", "tea")
    victim = await person(shop, "victim@shop.example", "the-victims-own-item")
    assert (await shop.link(mallory.subject, victim.subject)).linked
    answer = await mallory.access()
    assert list(answer.ask_for) == ["EMAIL"]
    assert "the-victims-own-item" not in str(answer) and victim.subject not in str(answer)
    for method in ("WhereFrom", "Recipients"):
        told = await mallory.ask(method)
        assert "the-victims-own-item" not in str(told) and list(told.ask_for) == ["EMAIL"]
    assert len((await victim.access()).identities) == 1


async def test_only_a_verifiers_word_on_both_ends_widens_a_request(shop: Shop):
    """And the shop is not let to give it in the verifier's name; a second proof does as well."""
    anna = await person(shop, "anna@shop.example", "tea")
    card = await person(shop, "anna-card@shop.example", "cup")
    link = identity_pb2.Link(
        subject=anna.subject,
        other=card.subject,
        evidence=identity_pb2.EVIDENCE_LOGIN,
        source="development-verifier",
        observed_at=shop.now(),
    )
    request = identity_pb2.LinkRequest(links=[link], request_id=shop.request_id())
    (result,) = (await shop.identity.Link(request, metadata=shop.metadata)).results
    assert result.error.reason == "SOURCE_RESERVED"
    both = await anna.access(anna.proof(), anna.proof(card.subject))
    assert [one.subject for one in both.identities] == [anna.subject, card.subject]


async def test_nobody_asks_about_anybody_else(shop: Shop):
    """Without a proof, with one's own, with another caller's, with one that is too old."""
    anna, bert = await person(shop, "anna@shop.example"), await person(shop, "bert@shop.example")
    request = anna.request("WhereFrom")
    del request.proofs[:]
    assert await refusal(anna.stub.WhereFrom(request, metadata=shop.metadata)) == "PROOF_MISSING"
    assert await refusal(anna.ask("WhereFrom", bert.proof())) == "NOT_PERMITTED"
    elsewhere = anna.verifier.attest(anna.subject, "partner", shop.clock.now_ms // 1000)
    assert await refusal(anna.ask("WhereFrom", elsewhere)) == "NOT_PERMITTED"
    proof = anna.proof()
    shop.clock.now_ms += 900_000
    assert await refusal(anna.ask("WhereFrom", proof)) == "PROOF_EXPIRED"
    partner = anna.request("WhereFrom")
    denied = refusal(anna.stub.WhereFrom(partner, metadata=shop.metadata_of("partner")))
    assert await denied == "SCOPE_NOT_GRANTED_TO_CALLER"


async def test_an_erasure_leaves_a_signed_receipt_and_nobody_to_ask_about(shop: Shop):
    """In the answer or asked for by its id; by no other caller; the identifier begins anew."""
    anna = await person(shop, "anna@shop.example", "tea", "cup")
    proof = anna.proof()
    answer = await anna.ask("Erase", proof, request_id="erase-1")
    assert answer.identities == 1
    receipt = await receipt_of(anna, erasure_id=answer.erasure_id)
    assert receipt == await receipt_of(anna, request_id="erase-1")
    body = json.loads(receipt.body)
    assert body["erased"]["engagement"] == {"event": 2} and body["erased"]["consent"]["consent record"]
    keys = public_keys(load(shop.folder / "suite.toml").keyring, Signed.ERASURE_RECEIPT)
    assert verified(keys[receipt.key_version], receipt.signature, receipt.body)
    assert not verified(keys[receipt.key_version], receipt.signature, receipt.body + b" ")
    assert await refusal(anna.ask("WhereFrom")) == "NOT_PERMITTED"
    assert await refusal(anna.ask("Erase", proof, request_id="erase-1")) == "NOT_PERMITTED"
    elsewhere = rights_pb2.GetReceiptRequest(erasure_id=answer.erasure_id)
    denied = anna.stub.GetReceipt(elsewhere, metadata=shop.metadata_of("partner"))
    assert await refusal(denied) == "SCOPE_NOT_GRANTED_TO_CALLER"
    assert await shop.subject("anna@shop.example") != anna.subject


async def test_linking_oneself_to_a_victim_erases_nothing_of_the_victim(shop: Shop):
    mallory = await person(shop, "mallory@shop.example", "tea")
    victim = await person(shop, "victim@shop.example", "cup")
    assert (await shop.link(mallory.subject, victim.subject)).linked
    answer = await mallory.ask("Erase")
    assert (answer.identities, list(answer.ask_for)) == (1, ["EMAIL"])
    await receipt_of(mallory, erasure_id=answer.erasure_id)
    kept = await victim.access()
    assert [one.subject for one in kept.identities] == [victim.subject]
    assert sum(value.store == "engagement" for value in kept.values) == 1


async def receipt_of(one: Person, **which: str) -> rights_pb2.SignedReceipt:
    """The receipt of an erasure, as soon as it is there."""
    until = asyncio.get_running_loop().time() + 20
    while True:
        request = rights_pb2.GetReceiptRequest(**which)
        answer = await one.stub.GetReceipt(request, metadata=one.shop.metadata)
        if answer.HasField("receipt"):
            return answer.receipt
        assert asyncio.get_running_loop().time() < until


@pytest.mark.parametrize("method", ["Restrict", "Object"])
async def test_what_a_person_stops_is_stopped_for_the_next_call_of_any_service(shop: Shop, method: str):
    """Until it is lifted; what they had granted then holds as before, and nobody else is stopped."""
    anna, bert = (
        await person(shop, "anna@shop.example", "tea"),
        await person(shop, "bert@shop.example", "tea"),
    )
    assert (await shop.portrait(anna.subject)).total_events == 1
    stopped = await anna.ask(method, **VIA)
    assert stopped.identities == 1
    assert await refusal(shop.portrait(anna.subject)) == "NOT_PERMITTED"
    assert (await shop.portrait(bert.subject)).total_events == 1
    assert len((await anna.access()).identities) == 1
    shop.clock.now_ms += 1
    await anna.ask("Lift", **VIA)
    assert (await shop.portrait(anna.subject)).total_events == 1
