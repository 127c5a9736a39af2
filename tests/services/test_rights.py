"""RightsService: what a proven person is told and what is done for them, and what nobody else is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from consent.component import GraphStep
from consent.policy import Policy
from identity.keyring import KeyRing
from services.consent.authority import ConsentAuthority
from services.errors import Refusal
from services.rights.disclosure import Disclosure
from services.rights.verifier import DEV_VERIFIER
from services.storage.consent import ConsentTables
from services.storage.database import StoreUnusable
from services.storage.sqlite import SqliteDatabase
from tests.conftest import Clock
from tests.consent.statements import KEYS, entry, statement, subject
from tests.services.rights_desk import BEYOND, CARD, ME, RECEIPT, VICTIM, Desk, said, whole
from veilgraph.consent.v1 import consent_pb2
from veilgraph.consent.v1 import rights_pb2 as pb
from veilgraph.privacy.v1 import privacy_pb2

LINKING = "identity.link.deterministic"
SEEN = 1 << privacy_pb2.DATA_CLASS_BEHAVIOURAL | 1 << privacy_pb2.DATA_CLASS_PSEUDONYM
CANARY = "the-victims-own-purchase"
RESTRICTING = ("Restrict", "Object", "Lift")
UNARY = ("WhereFrom", "Recipients", *RESTRICTING, "Erase")


VIA = {"collected_via": consent_pb2.COLLECTED_VIA_WEB}


def fields_of(method: str) -> dict[str, Any]:
    """What a request needs beside subject, proof and id."""
    return VIA if method in RESTRICTING else {}


@pytest.fixture
async def desk(tmp_path: Path, policy: Policy, keyring: KeyRing, clock: Clock) -> AsyncIterator[Desk]:
    database = SqliteDatabase(tmp_path / "consent.db", "consent")
    authority = ConsentAuthority(ConsentTables(database, policy, KEYS), policy, clock)
    await authority.start()
    await authority.apply_graph([GraphStep(1, (ME, CARD, VICTIM, BEYOND), ())])
    granted = [
        entry(policy, statement(who, LINKING), request_id=f"link-{n}")
        for n, who in enumerate((ME, CARD, VICTIM, BEYOND))
    ]
    await authority.record(granted)
    yield Desk(authority, database, policy, keyring, clock)
    await authority.stop()
    database.close()


async def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(Refusal) as refusal:
        await call
    return refusal.value.reason, refusal.value.field


# What is told


async def test_the_audit_record_names_the_proofs_a_request_rests_on(desk: Desk):
    """By digests of their ids; a refused request rests on none."""
    request = pb.WhereFromRequest(proofs=[desk.proof(ME), desk.proof(CARD)], request_id="r1")
    call = desk.call("WhereFrom", ME)
    await desk.servicer.WhereFrom(request, call)
    assert [len(one) for one in call.evidence] == [16, 16]
    call = desk.call("WhereFrom", VICTIM)
    assert (await refused(desk.servicer.WhereFrom(request, call)))[0] == "NOT_PERMITTED"
    assert not call.evidence


async def test_everything_that_is_kept_is_told_with_its_source_times_and_uses(desk: Desk):
    """Field by field, of every store; what is inferred says so."""
    desk.stores["engagement"].keep("event", ME, {"item_id": "tea", "quantity": 2}, purposes=("loyalty",))
    desk.stores["recommender"].keep("interest", ME, {"weight": 0.5}, source="events", inferred=True)
    answer = whole(await desk.access())
    told = {(value.store, value.kind): value for value in answer.values}
    assert told.keys() == {("identity", "identifier"), ("engagement", "event"), ("recommender", "interest")}
    event = told["engagement", "event"]
    assert said(event) == {"item_id": "tea", "quantity": 2}
    assert (event.source, event.party, list(event.purposes)) == ("till", "FIRST", ["loyalty"])
    assert (event.observed_at.seconds, event.recorded_at.seconds) == (1_600_000_000, 1_600_000_001)
    assert [value.kind for value in answer.values if value.inferred] == ["interest"]
    assert all(value.source and value.subject == ME.hex() for value in answer.values)


async def test_an_answer_says_whom_it_is_about_and_how_they_were_proven(desk: Desk, clock: Clock):
    (one,) = whole(await desk.access()).identities
    assert (one.subject, one.covered, one.verifier) == (ME.hex(), pb.COVERED_PROVEN, DEV_VERIFIER)
    assert (one.method, one.authenticated_at.seconds) == ("email_code", clock() // 1000)


async def test_a_large_export_comes_in_parts_that_together_are_all_of_it(desk: Desk):
    """No part is larger than a message may be, and the order of the stores is kept."""
    for number in range(1200):
        desk.stores["engagement"].keep("event", ME, {"number": number, "text": "x" * 400})
    parts = await desk.access()
    assert max(part.ByteSize() for part in parts) < 1 << 20
    told = [said(value)["number"] for value in whole(parts).values if value.kind == "event"]
    assert told == list(range(1200))


async def test_where_it_came_from_counts_by_source_and_says_from_when_to_when(desk: Desk):
    engagement = desk.stores["engagement"]
    for at_ms in (3000, 1000, 2000):
        engagement.keep("event", ME, {}, observed_at_ms=at_ms)
    engagement.keep("event", ME, {}, source="web", observed_at_ms=None, recorded_at_ms=None)
    answer = await desk.ask("WhereFrom")
    rows = [(one.source, one.party, one.store, one.kind, one.count) for one in answer.where_from]
    assert rows == [
        ("till", "FIRST", "engagement", "event", 3),
        ("resolved", "", "identity", "identifier", 1),
        ("web", "FIRST", "engagement", "event", 1),
    ]
    assert (answer.where_from[0].first.seconds, answer.where_from[0].last.seconds) == (1, 3)
    assert not answer.where_from[2].HasField("first")
    assert list(whole(await desk.access()).where_from) == list(answer.where_from)


async def test_recipients_are_told_with_what_they_could_see(desk: Desk, policy: Policy):
    """Of all stores and covered identities together; not whoever was told nothing, or only refused."""
    loyalty, portrait = policy.index("loyalty"), "/veilgraph.engagement.v1.ProfileService/Portrait"
    desk.told(ME, Disclosure("partner", portrait, loyalty, SEEN, 3, 1, 1000, 5000))
    desk.told(CARD, Disclosure("partner", portrait, loyalty, SEEN, 2, 0, 500, 4000))
    desk.told(
        ME, Disclosure("importer", "/x/Track", loyalty, 1 << privacy_pb2.DATA_CLASS_OPERATIONAL, 9, 0, 1, 1)
    )
    desk.told(ME, Disclosure("nosy", portrait, loyalty, 0, 0, 4, 1, 1))
    desk.told(VICTIM, Disclosure("other", portrait, loyalty, SEEN, 1, 0, 1, 1))
    (one,) = (await desk.ask("Recipients")).recipients
    assert (one.name, one.method, one.purpose, one.answered, one.refused) == (
        "partner", portrait, "loyalty", 3, 1,
    )  # fmt: skip
    assert list(one.data_classes) == ["BEHAVIOURAL", "PSEUDONYM"]
    answer = whole(await desk.access())
    assert list(answer.recipients) == [one] and "disclosure" not in {value.kind for value in answer.values}
    (both,) = (await desk.ask("Recipients", ME, desk.proof(ME), desk.proof(CARD))).recipients
    assert (both.answered, both.refused, both.first.nanos, both.last.seconds) == (5, 1, 500_000_000, 5)


async def test_every_purpose_is_told_with_what_is_decided_now_and_why(desk: Desk, policy: Policy):
    decided = {one.purpose: one for one in whole(await desk.access()).decisions}
    assert decided.keys() == set(policy.leaves)
    assert decided["rights"].allowed and decided["rights"].legal_basis == "legal_obligation"
    assert not decided["marketing.email"].allowed and decided["marketing.email"].reason == "CONSENT_UNKNOWN"


async def test_with_a_store_missing_nothing_is_told_rather_than_less(desk: Desk):
    """A report that leaves out a store would look complete."""
    del desk.stores["engagement"]
    for call in (desk.access(), desk.ask("WhereFrom"), desk.ask("Recipients"), desk.ask("Object", **VIA)):
        assert await refused(call) == ("STORE_UNAVAILABLE", "")


# Whom it covers


async def test_a_second_proof_has_a_second_identity_told(desk: Desk):
    desk.stores["engagement"].keep("event", CARD, {"item_id": "tea"})
    answer = whole(await desk.access(ME, desk.proof(ME), desk.proof(CARD)))
    assert [one.subject for one in answer.identities] == [ME.hex(), CARD.hex()]
    assert [value.subject for value in answer.values if value.kind == "event"] == [CARD.hex()]


async def test_who_is_linked_by_evidence_proven_on_both_sides_is_covered(desk: Desk):
    desk.stores["engagement"].keep("event", CARD, {"item_id": "tea"})
    await desk.link(ME, CARD, attested_by=DEV_VERIFIER)
    answer = whole(await desk.access())
    assert [one.covered for one in answer.identities] == [pb.COVERED_PROVEN, pb.COVERED_LINKED]
    assert [value.subject for value in answer.values if value.kind == "event"] == [CARD.hex()]
    assert not answer.ask_for


async def test_linking_oneself_to_a_victim_gives_nothing_of_the_victim(desk: Desk):
    """Not in any answer of any method; the victim's kind is named, and nothing beyond the victim."""
    desk.stores["engagement"].keep("event", VICTIM, {"item_id": CANARY}, source=CANARY)
    desk.told(VICTIM, Disclosure(CANARY, "/m", 0, SEEN, 1, 0, 1, 1))
    await desk.link(ME, VICTIM)
    await desk.link(VICTIM, BEYOND, attested_by=DEV_VERIFIER)
    answers = [whole(await desk.access()), await desk.ask("WhereFrom"), await desk.ask("Recipients")]
    for answer in answers:
        assert list(answer.ask_for) == ["PHONE"]
        assert (
            CANARY not in str(answer) and VICTIM.hex() not in str(answer) and BEYOND.hex() not in str(answer)
        )
    page = await desk.page()
    assert CANARY not in page and "phone" in page and "account id" not in page


async def test_linking_oneself_to_a_victim_erases_nothing_of_the_victim(desk: Desk):
    await desk.link(ME, VICTIM)
    answer = await desk.ask("Erase")
    assert desk.erasures.begun == {answer.erasure_id: (ME,)}
    assert (answer.identities, list(answer.ask_for)) == (1, ["PHONE"])


async def test_a_proven_identity_is_not_asked_for_and_a_second_link_of_its_kind_still_is(desk: Desk):
    await desk.link(ME, CARD)
    assert list((await desk.ask("WhereFrom")).ask_for) == ["LOYALTY_CARD"]
    both = desk.proof(ME), desk.proof(CARD)
    assert list((await desk.ask("WhereFrom", ME, *both)).ask_for) == []


# Who may ask


@pytest.mark.parametrize("method", UNARY)
async def test_a_request_on_anothers_identity_is_refused_as_an_unknown_one_is(desk: Desk, method: str):
    """With a good proof of oneself, of a stranger never seen, or of another caller's person."""
    stranger = subject(99)
    answers = {
        await refused(desk.ask(method, VICTIM, desk.proof(ME), **fields_of(method))),
        await refused(desk.ask(method, ME, desk.proof(ME), desk.proof(stranger), **fields_of(method))),
        await refused(desk.ask(method, stranger, desk.proof(stranger), **fields_of(method))),
        await refused(desk.ask(method, ME, desk.proof(ME, caller="partner"), **fields_of(method))),
    }
    assert answers == {("NOT_PERMITTED", "")}
    assert not desk.erasures.begun


async def test_access_to_anothers_identity_is_refused_before_anything_is_read(desk: Desk):
    assert await refused(desk.access(VICTIM, desk.proof(ME))) == ("NOT_PERMITTED", "")


@pytest.mark.parametrize("method", UNARY)
async def test_every_method_wants_a_proof(desk: Desk, method: str):
    request = getattr(pb, f"{method}Request")(request_id="r1", **fields_of(method))
    call = desk.call(method, ME)
    assert await refused(getattr(desk.servicer, method)(request, call)) == ("PROOF_MISSING", "proofs")


async def test_a_proof_serves_one_request_which_may_be_repeated(desk: Desk, clock: Clock):
    """Not another method, another id, another content, another subject; after expiry it is expired."""
    proof = desk.proof(ME)
    first = await desk.ask("WhereFrom", ME, proof, request_id="r1")
    assert await desk.ask("WhereFrom", ME, proof, request_id="r1") == first
    both = proof, desk.proof(CARD)
    for again in (
        desk.ask("WhereFrom", ME, proof, request_id="r2"),
        desk.ask("Recipients", ME, proof, request_id="r1"),
        desk.ask("Erase", ME, proof, request_id="r1"),
        desk.ask("WhereFrom", CARD, *both, request_id="r1"),
    ):
        assert await refused(again) == ("PROOF_REUSED", "proofs[0]")
    clock.now_ms += 900_000
    assert await refused(desk.ask("WhereFrom", ME, proof, request_id="r1")) == ("PROOF_EXPIRED", "proofs[0]")


async def test_a_refused_request_uses_up_no_proof(desk: Desk):
    """All of a request's proofs are taken, or none."""
    used, fresh = desk.proof(CARD), desk.proof(ME)
    await desk.ask("WhereFrom", CARD, used, request_id="r1")
    assert await refused(desk.ask("WhereFrom", ME, fresh, used, request_id="r2")) == (
        "PROOF_REUSED",
        "proofs[1]",
    )
    assert await desk.ask("WhereFrom", ME, fresh, request_id="r3")


async def test_a_proof_taken_before_a_restart_is_remembered_after_it(desk: Desk, tmp_path: Path):
    from services.storage.proof_register import ProofRegister

    proof = desk.proof(ME)
    await desk.ask("WhereFrom", ME, proof, request_id="r1")
    again = SqliteDatabase(tmp_path / "consent.db", "consent")
    desk.servicer._register = ProofRegister(again)
    assert await refused(desk.ask("WhereFrom", ME, proof, request_id="r2")) == ("PROOF_REUSED", "proofs[0]")
    again.close()


# What is done


async def test_an_erasure_answers_with_its_receipt_when_it_is_finished_in_time(desk: Desk):
    answer = await desk.ask("Erase", suppress=True)
    assert (answer.receipt.body, answer.receipt.key_version) == (RECEIPT.body, 1)
    assert desk.erasures.suppressed == {answer.erasure_id}


async def test_an_erasure_that_takes_longer_is_asked_for_by_its_id_or_that_of_the_request(desk: Desk):
    """By the caller who asked, and by no other; an unknown one is refused alike."""
    desk.erasures.done = False
    answer = await desk.ask("Erase", request_id="r1")
    assert answer.erasure_id and not answer.HasField("receipt")
    assert not (await desk.receipt(erasure_id=answer.erasure_id)).HasField("receipt")
    desk.erasures.done = True
    by_id, by_request = await desk.receipt(erasure_id=answer.erasure_id), await desk.receipt(request_id="r1")
    assert by_id == by_request and by_id.receipt.body == RECEIPT.body
    assert await refused(desk.receipt("partner", erasure_id=answer.erasure_id)) == (
        "ERASURE_UNKNOWN", "erasure_id",
    )  # fmt: skip
    assert await refused(desk.receipt("partner", request_id="r1")) == ("ERASURE_UNKNOWN", "request_id")
    assert await refused(desk.receipt(erasure_id="erasure-7")) == ("ERASURE_UNKNOWN", "erasure_id")
    assert await refused(desk.receipt()) == ("ERASURE_UNKNOWN", "erasure_id")


async def test_a_repeated_erasure_is_the_same_erasure(desk: Desk):
    proof = desk.proof(ME)
    first = await desk.ask("Erase", ME, proof, request_id="r1")
    assert await desk.ask("Erase", ME, proof, request_id="r1") == first
    assert len(desk.erasures.begun) == 1


async def test_a_request_id_is_never_answered_with_anothers_erasure(desk: Desk):
    """Of one caller and two people: the second is refused, and nothing is begun for them."""
    first = await desk.ask("Erase", ME, request_id="r1")
    for other in (
        desk.ask("Erase", VICTIM, request_id="r1"),
        desk.ask("Erase", ME, request_id="r1", suppress=True),
    ):
        assert await refused(other) == ("REQUEST_ID_REUSED", "request_id")
    assert desk.erasures.begun == {first.erasure_id: (ME,)}
    assert not desk.erasures.suppressed
    assert (await desk.ask("Erase", ME, request_id="r1")).erasure_id == first.erasure_id
    elsewhere = await desk.ask("Erase", VICTIM, caller="partner", request_id="r1")
    assert desk.erasures.begun[elsewhere.erasure_id] == (VICTIM,)


async def test_two_people_at_once_under_one_request_id_begin_one_erasure(desk: Desk):
    """The id is claimed before anything begins, so that the second finds it taken."""
    asked = [desk.ask("Erase", who, request_id="r1") for who in (ME, VICTIM)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    (begun,) = [answer for answer in answers if not isinstance(answer, BaseException)]
    (failure,) = [answer for answer in answers if isinstance(answer, BaseException)]
    assert isinstance(failure, Refusal) and failure.reason == "REQUEST_ID_REUSED"
    assert list(desk.erasures.begun) == [begun.erasure_id]


async def test_an_erasure_claimed_before_a_crash_is_begun_by_the_repeat(desk: Desk):
    """Until then there is no receipt to ask for, and nobody else can take the id."""
    desk.erasures.fails = True
    with pytest.raises(StoreUnusable):
        await desk.ask("Erase", ME, request_id="r1")
    desk.erasures.fails = False
    assert await refused(desk.receipt(request_id="r1")) == ("ERASURE_UNKNOWN", "request_id")
    assert await refused(desk.ask("Erase", VICTIM, request_id="r1")) == ("REQUEST_ID_REUSED", "request_id")
    answer = await desk.ask("Erase", ME, request_id="r1")
    assert desk.erasures.begun == {answer.erasure_id: (ME,)}
    assert (await desk.receipt(request_id="r1")).erasure_id == answer.erasure_id


@pytest.mark.parametrize(("method", "purpose"), [("Object", "security"), ("Restrict", "service")])
async def test_an_objection_and_a_restriction_are_in_effect_when_they_are_answered(
    desk: Desk, policy: Policy, clock: Clock, method: str, purpose: str
):
    """For the covered identities, whatever the legal basis but an obligation; until they are lifted.

    Linking is restricted, too: a lift reaches nobody by a link, so each identity is proven.
    """
    index, others = policy.index(purpose), [VICTIM]
    await desk.link(ME, CARD, attested_by=DEV_VERIFIER)
    assert all(desk.guard.allows(who, index, clock()) for who in (ME, CARD, VICTIM))
    answer = await desk.ask(method, **fields_of(method))
    assert (answer.identities, answer.consent_epoch) == (2, desk.guard.epoch)
    assert not any(desk.guard.allows(who, index, clock()) for who in (ME, CARD))
    assert all(desk.guard.allows(who, index, clock()) for who in others)
    assert desk.guard.allows(ME, policy.index("rights"), clock())
    clock.now_ms += 1
    lifted = await desk.ask("Lift", **fields_of("Lift"))
    assert (lifted.identities, len(lifted.ask_for)) == (1, 1)
    assert not any(desk.guard.allows(who, index, clock()) for who in (ME, CARD))
    await desk.ask("Lift", ME, desk.proof(ME), desk.proof(CARD), **fields_of("Lift"))
    assert all(desk.guard.allows(who, index, clock()) for who in (ME, CARD))


async def test_an_objection_names_nodes_of_the_tree_and_nothing_else(
    desk: Desk, policy: Policy, clock: Clock
):
    for purposes, reason in ((["markting"], "UNKNOWN_PURPOSE"), (["rights"], "PURPOSE_UNREFUSABLE")):
        asked = desk.ask("Object", purposes=purposes, **fields_of("Object"))
        assert await refused(asked) == (reason, "purposes")
    await desk.ask("Object", purposes=["security"], **fields_of("Object"))
    assert desk.guard.allows(ME, policy.index("service"), clock())


async def test_a_repeated_objection_is_recorded_once(desk: Desk):
    proof = desk.proof(ME)
    first = await desk.ask("Object", ME, proof, request_id="r1", **fields_of("Object"))
    assert await desk.ask("Object", ME, proof, request_id="r1", **fields_of("Object")) == first
