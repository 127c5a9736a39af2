"""The guard, through a real server: what it lets in, what it lets out, in which order."""

from __future__ import annotations

import hashlib

import grpc
import pytest
from google.rpc import error_details_pb2

from services.interceptors.call import Call
from tests.conftest import set_state
from tests.probe.v1 import probe_pb2
from tests.services.conftest import ANNA, BEN, RECOMMEND, detail_of, reason_of, refused, stream_refused
from veilgraph.privacy.v1 import privacy_pb2


def test_the_chain_stands_in_its_order(suite):
    """The twelve layers stand in the one order that their reasons allow."""
    assert [layer.name for layer in suite.server.chain.layers] == [
        "request_id",
        "access_log",
        "metrics",
        "errors",
        "deadline",
        "audit",
        "authentication",
        "purpose",
        "pseudonymisation",
        "signals",
        "consent",
        "minimisation",
    ]


async def test_a_permitted_call_is_answered_with_sealed_ids_and_the_epoch(suite):
    """The answer holds this caller's id of the subject, its person id, and the consent epoch."""
    set_state(suite.guard, ANNA, RECOMMEND)
    answer = await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    assert suite.pairwise().open(answer.subject, 0) == ANNA
    assert answer.person.startswith("vp_")
    assert answer.consent_epoch == suite.guard.epoch


async def test_a_handler_sees_a_token_and_a_birth_subject_and_nothing_else(suite):
    """Neither the digest nor the pairwise id is in the request a handler gets."""
    set_state(suite.guard, ANNA, RECOMMEND)
    digest = hashlib.sha256(b"anna@example.com").digest()
    await suite.stub.Ask(suite.ask(ANNA, sha256=digest), metadata=suite.auth())
    (request,), (call,) = suite.probe.requests, suite.probe.calls
    assert call.subject == ANNA
    assert not request.subject
    assert not request.sha256
    assert call.tokens[0] != digest


async def test_fields_of_another_purpose_do_not_leave(suite):
    """A field readable for loyalty only is not in an answer for recommendations."""
    set_state(suite.guard, ANNA, RECOMMEND, "loyalty")
    answer = await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    assert (answer.parts[0].title, answer.parts[0].behaviour, answer.parts[0].points) == ("tea", "bought", 0)


async def test_a_kept_response_object_is_not_changed(suite):
    """Minimisation works on a copy: a handler may answer with a cached object."""
    set_state(suite.guard, ANNA, RECOMMEND)
    kept = probe_pb2.AskResponse(subject=ANNA.hex(), parts=[probe_pb2.Part(points=3)])
    suite.probe.response = kept
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    assert kept == probe_pb2.AskResponse(subject=ANNA.hex(), parts=[probe_pb2.Part(points=3)])


async def test_unknown_fields_reach_nobody(suite):
    """Fields the contract does not know are gone before the handler and before the caller."""
    set_state(suite.guard, ANNA, RECOMMEND)
    smuggled = bytes([0xFA, 0x3F, 3]) + b"raw"  # field 1023, a string
    suite.probe.response = probe_pb2.AskResponse.FromString(smuggled)
    ask = suite.channel.unary_unary("/tests.probe.v1.ProbeService/Ask")
    answer = await ask(suite.ask(ANNA).SerializeToString() + smuggled, metadata=suite.auth())
    assert b"raw" not in suite.probe.requests[0].SerializeToString()
    assert b"raw" not in answer


@pytest.mark.parametrize("rpc", ["Ask", "Watch", "Gather", "Chat"])
async def test_a_refused_subject_is_refused_by_every_kind_of_call(suite, rpc):
    """Unary and streaming alike: without permission the handler gets nothing to work on."""
    set_state(suite.guard, ANNA)
    request, stub = suite.ask(ANNA), suite.stub
    if rpc in {"Ask", "Watch"}:
        call = getattr(stub, rpc)(request, metadata=suite.auth())
        error = await (refused(call) if rpc == "Ask" else stream_refused(call))
        assert reason_of(error) == "NOT_PERMITTED"
        assert error.code() == grpc.StatusCode.PERMISSION_DENIED
    elif rpc == "Gather":
        assert (await stub.Gather(iter([request]), metadata=suite.auth())).reason == "NOT_PERMITTED"
    else:
        answers = [a.reason async for a in stub.Chat(iter([request]), metadata=suite.auth())]
        assert answers == ["NOT_PERMITTED"]
    assert suite.probe.requests == []


async def test_unknown_and_refused_are_one_answer(suite):
    """Nobody learns from an error whether a subject exists."""
    set_state(suite.guard, ANNA)
    errors = [await refused(suite.stub.Ask(suite.ask(who), metadata=suite.auth())) for who in (ANNA, BEN)]
    one, other = ((e.code(), e.details(), reason_of(e)) for e in errors)
    assert one == other


async def test_an_entry_past_its_change_allows_nothing(suite):
    """A grant that ran out denies, even before the authority says so."""
    set_state(suite.guard, ANNA, RECOMMEND, changes_at_ms=suite.clock.now_ms)
    assert reason_of(await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth()))) == "NOT_PERMITTED"


async def test_a_denial_degrades_where_the_method_says_so(suite):
    """The handler is asked without the subject, and what is personal cannot leave."""
    set_state(suite.guard, ANNA)
    request = probe_pb2.DegradeRequest(subject=suite.pairwise().seal(ANNA))
    answer = await suite.stub.Degrade(request, metadata=suite.auth())
    assert suite.probe.calls[0].subject is None
    assert answer.reason == "NOT_PERMITTED"
    assert (answer.parts[0].title, answer.parts[0].behaviour) == ("tea", "")


async def test_a_guest_is_served_without_a_subject(suite):
    """A guest gets the answer that is not personal, without a reason against it."""
    answer = await suite.stub.Degrade(probe_pb2.DegradeRequest(guest=True), metadata=suite.auth())
    assert (answer.subject, answer.reason, answer.parts[0].behaviour) == ("", "", "")


async def test_neither_subject_nor_guest_is_an_error(suite):
    """A JSON gateway drops a misspelt field silently; the server must miss it."""
    error = await refused(suite.stub.Degrade(probe_pb2.DegradeRequest(), metadata=suite.auth()))
    assert reason_of(error) == "SUBJECT_REF_MISSING"
    assert detail_of(error, error_details_pb2.BadRequest).field_violations[0].field == "subject"


async def test_a_corrupt_message_is_answered_and_the_stream_goes_on(suite):
    """One message that is no message does not cost the others."""
    set_state(suite.guard, ANNA, RECOMMEND)
    chat = suite.channel.stream_stream("/tests.probe.v1.ProbeService/Chat")
    good = suite.ask(ANNA).SerializeToString()
    stream = chat(iter([good, b"\xff\xff\xff", good]), metadata=suite.auth())
    answers = [probe_pb2.AskResponse.FromString(answer) async for answer in stream]
    assert [answer.reason for answer in answers] == ["", "MESSAGE_UNREADABLE", ""]


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"subject": ""}, "SUBJECT_REF_MISSING", "subject"),
        ({"subject": "anna@example.com"}, "SUBJECT_REF_MALFORMED", "subject"),
        ({"subject": "vs_" + "A" * 34}, "SUBJECT_REF_MALFORMED", "subject"),
        ({"subject": ANNA.hex()}, "SUBJECT_REF_MALFORMED", "subject"),
        ({"sha256": b"anna@example.com"}, "RAW_IDENTIFIER_REFUSED", "sha256"),
        ({"sha256": b""}, "RAW_IDENTIFIER_REFUSED", "sha256"),
        ({"note": "123456789"}, "FIELD_LENGTH", "note"),
    ],
)
async def test_bad_fields_have_their_reason_and_their_path(suite, fields, reason, field):
    """Missing, raw, foreign and overlong fields are told apart, and the field is named."""
    set_state(suite.guard, ANNA, RECOMMEND)
    error = await refused(suite.stub.Ask(suite.ask(ANNA, **fields), metadata=suite.auth()))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(error) == reason
    assert detail_of(error, error_details_pb2.BadRequest).field_violations[0].field == field


async def test_another_callers_id_is_no_id(suite):
    """Ids are pairwise: what the partner holds means nothing to the shop, nor does a person id."""
    set_state(suite.guard, ANNA, RECOMMEND)
    for foreign in (suite.pairwise("partner").seal(ANNA), suite.pairwise().seal_person(ANNA)):
        error = await refused(suite.stub.Ask(suite.ask(ANNA, subject=foreign), metadata=suite.auth()))
        assert reason_of(error) == "SUBJECT_REF_MALFORMED"


async def test_an_empty_allow_list_refuses(suite):
    """A caller without scopes, or without purposes, may do nothing."""
    set_state(suite.guard, ANNA, RECOMMEND)
    for caller, reason in (
        ("scopeless", "SCOPE_NOT_GRANTED_TO_CALLER"),
        ("purposeless", "PURPOSE_NOT_GRANTED_TO_CALLER"),
    ):
        error = await refused(suite.stub.Ask(suite.ask(ANNA, caller), metadata=suite.auth(caller)))
        assert (error.code(), reason_of(error)) == (grpc.StatusCode.PERMISSION_DENIED, reason)


async def test_a_batch_serves_what_may_be_served(suite):
    """Each element is judged by its own subject and purpose; the others are served, in order."""
    set_state(suite.guard, ANNA, RECOMMEND)
    set_state(suite.guard, BEN, "loyalty")
    seal = suite.pairwise().seal
    elements = [
        {"subject": seal(BEN), "purpose": privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND},
        {"subject": seal(ANNA), "purpose": privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND},
        {"subject": "x", "purpose": privacy_pb2.PURPOSE_LOYALTY},
        {"subject": seal(ANNA), "purpose": 99},
        {"subject": seal(ANNA)},
        {"subject": seal(BEN), "purpose": privacy_pb2.PURPOSE_LOYALTY},
    ]
    answer = await suite.stub.Batch(probe_pb2.BatchRequest(elements=elements), metadata=suite.auth())
    assert [suite.pairwise().open(s, 0) for s in answer.subjects] == [ANNA, BEN]
    assert sorted((e.index, e.reason, e.field) for e in answer.refused) == [
        (0, "NOT_PERMITTED", ""),
        (2, "SUBJECT_REF_MALFORMED", "elements[2].subject"),
        (3, "FIELD_ENUM", "elements[3].purpose"),
        (4, "FIELD_REQUIRED", "elements[4].purpose"),
    ]
    (call,), (request,) = suite.probe.calls, suite.probe.requests
    assert call.accepted == [1, 5]
    assert len(request.elements) == 2


async def test_too_many_elements_are_refused_whole(suite):
    """A batch beyond its limit is a wrong request, not a long one."""
    elements = [probe_pb2.Element()] * 11
    error = await refused(suite.stub.Batch(probe_pb2.BatchRequest(elements=elements), metadata=suite.auth()))
    assert reason_of(error) == "TOO_MANY_ITEMS"


async def test_exception_texts_stay_inside(suite):
    """An unforeseen error is INTERNAL with a fixed text, in the answer and in the log."""
    set_state(suite.guard, ANNA, RECOMMEND)

    async def during(call: Call) -> None:
        raise ValueError("anna@example.com")

    suite.probe.during = during
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth()))
    assert (error.code(), error.details()) == (grpc.StatusCode.INTERNAL, "internal error")
    assert "anna@" not in str(error.trailing_metadata())
    assert "ValueError" in suite.log.getvalue()
    assert "anna@" not in suite.log.getvalue()


async def test_an_unready_guard_decides_nothing(suite, policy):
    """Until the guard table is loaded subjects can not be asked about."""
    suite.guard.lose()
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth()))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAVAILABLE, "CONSENT_NOT_READY")


async def test_undeclared_methods_are_refused(suite):
    """Whatever has no plan is denied, whether somebody registered it or not."""
    call = suite.channel.unary_unary("/tests.probe.v1.ProbeService/Nothing")
    error = await refused(call(b"", metadata=suite.auth()))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.PERMISSION_DENIED, "METHOD_UNDECLARED")


async def test_no_identifier_is_in_the_log(suite):
    """The log names calls by method and caller; nothing a client wrote is in it."""
    set_state(suite.guard, ANNA, RECOMMEND)
    canary = "canary-4711"
    metadata = (*suite.auth(), ("x-request-id", canary), ("user-agent", canary), ("x-forwarded-for", canary))
    await suite.stub.Ask(suite.ask(ANNA), metadata=metadata)
    await refused(suite.stub.Ask(suite.ask(ANNA, note=canary), metadata=metadata))
    line = suite.log.getvalue()
    assert line.count('"rpc":"/tests.probe.v1.ProbeService/Ask"') == 2
    for secret in (canary, suite.pairwise().seal(ANNA), ANNA.hex()):
        assert secret not in line
