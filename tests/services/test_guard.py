"""The guard, through a real server: what it lets in, what it lets out, in which order."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from consent.guard_table import GuardTable
from identity.ids import SubjectId
from services.errors import Denied
from services.interceptors.audit import audit
from services.interceptors.call import Call, Caller
from services.interceptors.layer import Layer
from services.interceptors.plan import compile_service
from tests.conftest import set_state
from tests.probe.v1 import probe_pb2
from tests.services.conftest import KeptAudit, detail_of, reason_of
from veilgraph.privacy.v1 import privacy_pb2

ANNA, BEN = SubjectId(b"anna" * 4), SubjectId(b"ben!" * 4)
SHOP = Caller("shop", "acme", frozenset({"probe"}), 1)
RECOMMEND = "personalise.recommend"


async def refused(call) -> grpc.aio.AioRpcError:
    """The error a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def stream_refused(stream) -> grpc.aio.AioRpcError:
    """The error a response stream ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in stream:
            pass
    return caught.value


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


def changing(guard: GuardTable, *purposes: str, times: int, members=((), ())):
    """A handler during which consent changes, the first ``times`` times it runs."""
    left = [times]

    async def during(call: Call) -> None:
        if left[0]:
            left[0] -= 1
            set_state(guard, ANNA, *purposes, members=members[left[0] % 2])

    return during


async def test_withdrawal_while_the_handler_runs_keeps_the_answer_back(suite):
    """The second check: an answer made before a withdrawal does not leave after it."""
    set_state(suite.guard, ANNA, RECOMMEND)
    suite.probe.during = changing(suite.guard, times=1)
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth()))
    assert reason_of(error) == "NOT_PERMITTED"


async def test_withdrawal_while_the_handler_runs_degrades_the_answer(suite):
    """A method that degrades is asked again, without the subject."""
    set_state(suite.guard, ANNA, RECOMMEND)
    suite.probe.during = changing(suite.guard, times=1)
    request = probe_pb2.DegradeRequest(subject=suite.pairwise().seal(ANNA))
    answer = await suite.stub.Degrade(request, metadata=suite.auth())
    assert (answer.reason, answer.parts[0].behaviour) == ("NOT_PERMITTED", "")
    assert [call.subject for call in suite.probe.requests and suite.probe.calls] == [None, None]


async def test_an_unlink_while_the_handler_runs_makes_the_answer_anew(suite):
    """What was read from somebody who is no longer the same person does not leave."""
    set_state(suite.guard, BEN, RECOMMEND)
    set_state(suite.guard, ANNA, RECOMMEND, members=(ANNA, BEN))
    read = []

    async def during(call: Call) -> None:
        read.append(call.members(ANNA))
        if len(read) == 1:
            set_state(suite.guard, ANNA, RECOMMEND)

    suite.probe.during = during
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    assert read == [(ANNA, BEN), (ANNA,)]


async def test_a_link_to_one_who_permits_nothing_while_the_handler_runs_makes_the_answer_anew(suite):
    """Whom the handler took for the same person is checked again, whatever they permit."""
    set_state(suite.guard, BEN)
    set_state(suite.guard, ANNA, RECOMMEND)
    seen = []

    async def during(call: Call) -> None:
        seen.append(call.linked(ANNA))
        if len(seen) == 1:
            set_state(suite.guard, ANNA, RECOMMEND, members=(ANNA, BEN))

    suite.probe.during = during
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    assert seen == [(ANNA,), (ANNA, BEN)]


async def test_a_state_that_never_rests_is_unavailable(suite):
    """An answer that can not be made under one state is not given."""
    set_state(suite.guard, BEN, RECOMMEND)
    set_state(suite.guard, ANNA, RECOMMEND, members=(ANNA, BEN))
    suite.probe.during = changing(suite.guard, RECOMMEND, times=9, members=((ANNA,), (ANNA, BEN)))

    async def during(call: Call, inner=suite.probe.during) -> None:
        call.members(ANNA)
        await inner(call)

    suite.probe.during = during
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth()))
    assert reason_of(error) == "CONSENT_CHANGED"
    assert detail_of(error, error_details_pb2.RetryInfo).retry_delay.nanos > 0


@pytest.mark.parametrize("times", [0, 1, 2])
async def test_what_was_promised_in_an_answer_that_does_not_leave_is_given_back_before_the_next(suite, times):
    """Of the answer that leaves everything stands."""
    set_state(suite.guard, BEN, RECOMMEND)
    set_state(suite.guard, ANNA, RECOMMEND, members=(ANNA, BEN))
    changes = [(ANNA, BEN), (ANNA,)][2 - times :]
    happened = []

    async def during(call: Call) -> None:
        call.members(ANNA)
        happened.append("promised")

        async def give_back() -> None:
            happened.append("given back")

        call.promised.append(give_back)
        if changes:
            set_state(suite.guard, ANNA, RECOMMEND, members=changes.pop())

    suite.probe.during = during
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    assert happened == ["promised", *["given back", "promised"] * times]


async def test_a_stream_ends_with_the_message_after_the_withdrawal(suite):
    """Every message of a response stream is checked before it leaves."""
    set_state(suite.guard, ANNA, RECOMMEND)
    stream = suite.stub.Watch(suite.ask(ANNA), metadata=suite.auth())
    got = []

    async def during(call: Call) -> None:
        if len(suite.probe.calls) == 2:
            set_state(suite.guard, ANNA)

    suite.probe.during = during
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for answer in stream:
            got.append(answer)
    assert len(got) == 1
    assert reason_of(caught.value) == "NOT_PERMITTED"


async def test_a_corrupt_message_is_answered_and_the_stream_goes_on(suite):
    """One message that is no message does not cost the others."""
    set_state(suite.guard, ANNA, RECOMMEND)
    chat = suite.channel.stream_stream("/tests.probe.v1.ProbeService/Chat")
    good = suite.ask(ANNA).SerializeToString()
    stream = chat(iter([good, b"\xff\xff\xff", good]), metadata=suite.auth())
    answers = [probe_pb2.AskResponse.FromString(answer) async for answer in stream]
    assert [answer.reason for answer in answers] == ["", "MESSAGE_UNREADABLE", ""]


async def test_each_message_of_a_stream_is_decided_anew(suite):
    """A permission given for one message says nothing about the next."""
    set_state(suite.guard, ANNA, RECOMMEND)
    chat = suite.stub.Chat(metadata=suite.auth())
    reasons = []
    for _ in range(2):
        await chat.write(suite.ask(ANNA))
        reasons.append((await chat.read()).reason)
        set_state(suite.guard, ANNA)
    await chat.done_writing()
    assert reasons == ["", "NOT_PERMITTED"]


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


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic c2hvcDpzaG9w",
        "Bearer nonsense",
        "Bearer " + "e" * 5000,
        "Bearer eyJhbGciOiJub25lIiwia2lkIjoidGVzdCJ9.eyJhenAiOiJzaG9wIn0.",
    ],
)
async def test_without_a_valid_token_nobody_calls(suite, header):
    """No, malformed and unsigned credentials are one answer."""
    metadata = (("authorization", header),) if header is not None else ()
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=metadata))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAUTHENTICATED, "CALLER_UNAUTHENTICATED")


@pytest.mark.parametrize(
    "claims",
    [{"exp": 1}, {"aud": "other"}, {"iss": "https://evil.test"}, {"azp": "nobody"}, {"azp": None}],
)
async def test_a_token_for_something_else_is_no_token(suite, claims):
    """Expired, for another audience, from another issuer, of a caller without an allow-list."""
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth(**claims)))
    assert reason_of(error) == "CALLER_UNAUTHENTICATED"


async def test_a_token_without_azp_names_its_caller_by_client_id(suite):
    """The caller is the ``azp``, or where there is none the ``client_id``."""
    set_state(suite.guard, ANNA, RECOMMEND)
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth(azp=None, client_id="shop"))
    assert suite.audit.records[-1].caller == "shop"


async def test_a_forged_signature_is_no_token(suite):
    """A token whose claims were changed after signing is refused."""
    ((_, header),) = suite.auth()
    head, body, signature = header.split(".")
    forged = f"{head}.{body}.{signature[:-4]}AAAA"
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=(("authorization", forged),)))
    assert reason_of(error) == "CALLER_UNAUTHENTICATED"


async def test_a_remembered_token_still_expires(suite):
    """The cache of verified tokens does not outlive a token, in a stream either."""
    set_state(suite.guard, ANNA, RECOMMEND)
    expires_s = 4_000_000_000
    metadata = suite.auth(exp=expires_s)
    chat = suite.stub.Chat(metadata=metadata)
    await chat.write(suite.ask(ANNA))
    await chat.read()
    suite.clock.now_ms = expires_s * 1000
    await chat.write(suite.ask(ANNA))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        assert await chat.read() is not grpc.aio.EOF
    assert reason_of(caught.value) == "CALLER_UNAUTHENTICATED"
    assert reason_of(await refused(suite.stub.Ask(suite.ask(ANNA), metadata=metadata)))


async def test_a_caller_without_the_scope_is_recorded_and_a_stranger_is_not(suite):
    """Who is known is accountable; who is not must not be able to fill the log."""
    await refused(suite.stub.Ask(suite.ask(ANNA, "scopeless"), metadata=suite.auth("scopeless")))
    (record,) = suite.audit.records
    assert (record.caller, record.reason) == ("scopeless", "SCOPE_NOT_GRANTED_TO_CALLER")
    assert record.decided == {}
    await refused(suite.stub.Ask(suite.ask(ANNA)))
    assert len(suite.audit.records) == 1


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


async def test_every_call_is_audited_with_its_decision(suite):
    """One record a call, refusals and failures included, and no subject in the clear."""
    set_state(suite.guard, ANNA, RECOMMEND)
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    await refused(suite.stub.Ask(suite.ask(BEN), metadata=suite.auth()))
    good, bad = suite.audit.records
    purpose = good.plan.purpose
    assert (good.code, good.caller, good.decided) == ("OK", "shop", {(ANNA, purpose): True})
    assert good.view is good.plan.views[purpose]
    assert (bad.code, bad.reason, bad.decided) == (
        "PERMISSION_DENIED",
        "NOT_PERMITTED",
        {(BEN, purpose): False},
    )
    assert bad.view is None


async def test_what_can_not_be_audited_is_answered_without_anybody(suite):
    """A method that has an answer for nobody gives it, and says why."""
    set_state(suite.guard, ANNA, RECOMMEND)
    suite.audit.full = True
    request = probe_pb2.DegradeRequest(subject=suite.pairwise().seal(ANNA))
    assert (await suite.stub.Degrade(request, metadata=suite.auth())).subject == ""
    assert suite.probe.calls[-1].subject is None
    assert suite.probe.calls[-1].depth_reason == "AUDIT_UNAVAILABLE"
    suite.audit.full = False
    assert (await suite.stub.Degrade(request, metadata=suite.auth())).subject


async def test_what_can_not_be_audited_is_not_answered(suite):
    """A full audit log stops the service rather than the record."""
    set_state(suite.guard, ANNA, RECOMMEND)
    suite.audit.full = True
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth()))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAVAILABLE, "AUDIT_UNAVAILABLE")
    assert suite.probe.calls == []


async def test_an_unready_guard_decides_nothing(suite, policy):
    """Until the guard table is loaded subjects can not be asked about."""
    suite.guard.lose()
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth()))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAVAILABLE, "CONSENT_NOT_READY")


async def test_a_deadline_that_leaves_no_time_is_not_begun(suite):
    """The service says that the deadline was too short instead of starting."""
    set_state(suite.guard, ANNA, RECOMMEND)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth(), timeout=0.003)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert suite.probe.calls == []


async def test_the_service_names_the_deadline_it_missed(suite):
    """A handler that is too slow is given up just before the caller stops waiting."""
    set_state(suite.guard, ANNA, RECOMMEND)
    never = asyncio.Event()

    async def during(call: Call) -> None:
        call.deadline_at = 0.0
        await never.wait()

    suite.probe.during = during
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth(), timeout=0.1))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert suite.audit.records[0].reason == "DEADLINE_PASSED"


async def test_a_deadline_that_passes_after_the_write_was_kept_says_so(suite):
    """Whoever asks again finds it finished; it did not fail."""
    set_state(suite.guard, ANNA, RECOMMEND)

    async def during(call: Call) -> None:
        call.durable = True
        await asyncio.Event().wait()

    suite.probe.during = during
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth(), timeout=0.1))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert suite.audit.records[0].reason == "WITHDRAWAL_PENDING"


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


async def test_a_token_that_ends_ends_a_response_stream(suite):
    """What is about people leaves only while the credentials it was asked for with hold."""
    set_state(suite.guard, ANNA, RECOMMEND)
    expires_s = 4_000_000_000

    async def during(call: Call) -> None:
        if len(suite.probe.calls) == 2:
            suite.clock.now_ms = expires_s * 1000

    suite.probe.during = during
    got = []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for answer in suite.stub.Watch(suite.ask(ANNA), metadata=suite.auth(exp=expires_s)):
            got.append(answer)
    assert len(got) == 1
    assert reason_of(caught.value) == "CALLER_UNAUTHENTICATED"


async def test_a_stream_takes_nothing_that_can_not_be_audited(suite):
    """A log that fills up while a stream is open stops the stream, too."""
    set_state(suite.guard, ANNA, RECOMMEND)
    chat = suite.stub.Chat(metadata=suite.auth())
    await chat.write(suite.ask(ANNA))
    await chat.read()
    suite.audit.full = True
    await chat.write(suite.ask(ANNA))
    assert (await chat.read()).reason == "AUDIT_UNAVAILABLE"
    await chat.done_writing()
    assert len(suite.probe.calls) == 1


async def test_a_call_that_was_cancelled_is_audited_as_such(suite):
    """A caller that goes away is no fault of the service; the record stands all the same."""
    set_state(suite.guard, ANNA, RECOMMEND)
    begun, never, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def during(call: Call) -> None:
        begun.set()
        try:
            await never.wait()
        finally:
            asyncio.get_running_loop().call_soon(ended.set)

    suite.probe.during = during
    call = suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())
    await begun.wait()
    call.cancel()
    await ended.wait()
    (record,) = suite.audit.records
    assert (record.code, record.decided) == ("CANCELLED", {(ANNA, record.plan.purpose): True})


@pytest.mark.parametrize(("streams", "counted"), [(True, 3), (False, 1)])
def test_a_record_counts_the_elements_refused_in_all_messages(policy, guard, clock, streams, counted):
    """In a stream those of every message; where one message is judged anew those of the last time."""
    plan = compile_service(probe_pb2.DESCRIPTOR.services_by_name["ProbeService"], policy)
    kept = KeptAudit()
    call = Call(plan["/tests.probe.v1.ProbeService/Batch"], guard, {}, clock, streams=streams, caller=SHOP)
    layer = audit(kept)
    record = layer.around(call)
    next(record)
    for refused_elements in (0, 2, 1):
        call.begin_message(clock())
        layer.incoming(call, None)
        for index in range(refused_elements):
            call.refuse_item(index, "NOT_PERMITTED")
    assert next(record, None) is None
    assert [record.refused_items for record in kept.records] == [counted]


def test_a_record_in_the_middle_of_a_stream_counts_nothing_twice(policy, guard, clock):
    """What a long stream's record has counted is not in the next."""
    plan = compile_service(probe_pb2.DESCRIPTOR.services_by_name["ProbeService"], policy)
    kept = KeptAudit()
    call = Call(plan["/tests.probe.v1.ProbeService/Batch"], guard, {}, clock, streams=True, caller=SHOP)
    layer = audit(kept)
    record = layer.around(call)
    next(record)
    for first in (0, 3000):
        call.begin_message(clock())
        call.refuse_item(0, "FIELD_REQUIRED")  # found before any layer is asked
        layer.incoming(call, None)
        call.refuse_item(1, "NOT_PERMITTED")
        call.judged = {(SubjectId(number.to_bytes(16)), 0): False for number in range(first, first + 3000)}
    assert next(record, None) is None
    assert sum(record.refused_items for record in kept.records) == 4
    assert [len(record.decided) for record in kept.records] == [3000, 3000]


def written(policy, guard, clock, *, streams: bool = False) -> tuple[Call, KeptAudit, Any, Layer]:
    """A call of a method that writes, begun."""
    plan = compile_service(probe_pb2.DESCRIPTOR.services_by_name["ProbeService"], policy)
    kept = KeptAudit()
    writing = replace(plan["/tests.probe.v1.ProbeService/Batch"], write=True)
    call = Call(writing, guard, {}, clock, streams=streams, caller=SHOP)
    layer = audit(kept)
    record = layer.around(call)
    next(record)
    return call, kept, record, layer


def commit(kept: KeptAudit) -> None:
    """What a store does with what its writes take along."""
    rider = kept.rider.get()
    ride = rider() if rider is not None else None
    if ride is not None:
        ride.write(None)
        ride.arrived()


def test_the_record_of_a_write_goes_with_it_and_nothing_is_left_to_record(policy, guard, clock):
    """One record a call, whose write it is part of; a second write of the call adds none."""
    call, kept, record, _ = written(policy, guard, clock)
    call.judged = {(ANNA, 0): True}
    commit(kept)
    commit(kept)
    assert next(record, None) is None
    assert [(one.code, one.decided) for one in kept.records] == [("WRITTEN", {(ANNA, 0): True})]
    commit(kept)  # of a task that goes on: the call has its record
    assert len(kept.records) == 1


def test_a_write_that_fails_afterwards_leaves_a_second_record(policy, guard, clock):
    """It happened, and it was not answered."""
    call, kept, record, _ = written(policy, guard, clock)
    call.judged = {(ANNA, 0): True}
    commit(kept)
    with pytest.raises(Denied):
        record.throw(Denied("NOT_PERMITTED"))
    assert [(one.code, len(one.decided)) for one in kept.records] == [
        ("WRITTEN", 1),
        ("PERMISSION_DENIED", 0),
    ]


def test_a_write_that_was_not_committed_is_recorded_when_the_call_ends(policy, guard, clock):
    """What did not arrive is not taken for kept."""
    call, kept, record, _ = written(policy, guard, clock)
    call.judged = {(ANNA, 0): True}
    rider = kept.rider.get()
    assert rider is not None
    ride = rider()
    assert ride is not None  # put on, and thrown off with the write
    ride.undone()
    assert kept.undone == 1  # the log learns of it
    assert next(record, None) is None
    assert [(one.code, one.decided) for one in kept.records] == [("OK", {(ANNA, 0): True})]


def test_what_is_decided_after_a_write_is_recorded_when_the_call_ends(policy, guard, clock):
    """A Resolve knows its subjects only when they are born."""
    call, kept, record, _ = written(policy, guard, clock)
    commit(kept)
    call.judged = {(ANNA, 0): True}
    assert next(record, None) is None
    assert [(one.code, one.decided) for one in kept.records] == [("WRITTEN", {}), ("OK", {(ANNA, 0): True})]


def test_each_message_of_a_stream_that_writes_is_recorded_with_its_own_write(policy, guard, clock):
    """Every decision once, and a stream that goes on for ever remembers only its last message."""
    call, kept, record, layer = written(policy, guard, clock, streams=True)
    subjects = [SubjectId(number.to_bytes(16)) for number in range(5)]
    for subject in subjects:
        call.begin_message(clock())
        layer.incoming(call, None)
        call.judged = {(subject, 0): True}
        commit(kept)
        assert len(call.decisions) <= 1
    assert next(record, None) is None
    assert [list(one.decided) for one in kept.records] == [[(subject, 0)] for subject in subjects]
