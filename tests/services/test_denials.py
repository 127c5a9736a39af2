"""What a caller is told when something speaks against a call, and in which order things are looked at."""

from __future__ import annotations

from itertools import combinations

import grpc
import pytest
from google.rpc import error_details_pb2

from consent.guard_table import NEVER_MS, GuardEntry, GuardUpdate
from identity.ids import SubjectId
from services.errors import REASONS
from tests.conftest import set_state
from tests.probe.v1 import probe_pb2
from tests.services.conftest import ANNA, RECOMMEND, detail_of, reason_of, refused, stream_refused
from veilgraph.privacy.v1 import privacy_pb2

#: The rows of the table of denials, as designed.
TABLE = {
    grpc.StatusCode.PERMISSION_DENIED: (
        *("METHOD_UNDECLARED", "PURPOSE_NOT_GRANTED_TO_CALLER", "PURPOSE_WIDENED", "CONSENT_REFUSED"),
        *("CONSENT_WITHDRAWN", "OBJECTED", "PROCESSING_RESTRICTED", "MINOR_PROTECTED", "REGIME_FORBIDS"),
        "NOT_PERMITTED",
    ),
    grpc.StatusCode.UNAUTHENTICATED: ("CALLER_UNAUTHENTICATED",),
    grpc.StatusCode.INVALID_ARGUMENT: (
        *("SUBJECT_REF_MISSING", "SUBJECT_REF_MALFORMED", "RAW_IDENTIFIER_REFUSED"),
    ),
    grpc.StatusCode.FAILED_PRECONDITION: (
        *("CONSENT_UNKNOWN", "CONSENT_EXPIRED", "COHORT_TOO_SMALL", "PSEUDONYM_KEY_RETIRED"),
    ),
    grpc.StatusCode.NOT_FOUND: ("SUBJECT_ERASED",),
    grpc.StatusCode.UNAVAILABLE: (
        *("CONSENT_LEASE_EXPIRED", "CONSENT_NOT_READY", "EPOCH_TOO_OLD", "AUDIT_UNAVAILABLE"),
    ),
    grpc.StatusCode.RESOURCE_EXHAUSTED: ("PRIVACY_BUDGET_EXHAUSTED", "QUOTA_EXCEEDED"),
    grpc.StatusCode.DEADLINE_EXCEEDED: ("WITHDRAWAL_PENDING",),
}


class Lease:
    """A lease that lives until a test ends it."""

    def __init__(self, guard) -> None:
        self.alive = True
        guard.live = lambda: self.alive


def test_every_row_of_the_table_has_its_code():
    """Each reason of the design is in the public table under the code the design names."""
    for code, reasons in TABLE.items():
        for reason in reasons:
            assert REASONS[reason][0] is code, reason


def fault_call(suite, faults: frozenset[str]):
    """A call with exactly these faults, one a step of the order."""
    caller = "purposeless" if "caller" in faults else "shop"
    narrowed = {"purposes": ["loyalty"]} if "token" in faults else {}
    if "snapshot" in faults:
        suite.guard.lose()
    Lease(suite.guard).alive = "lease" not in faults
    subject = suite.pairwise(caller).seal(ANNA) if "reference" not in faults else "vs_" + "x" * 34
    request = suite.ask(ANNA, caller, subject=subject)
    metadata = suite.auth(caller, **narrowed) if "credentials" not in faults else ()
    return suite.stub.Ask(request, metadata=metadata)


ORDER = [
    ("credentials", "CALLER_UNAUTHENTICATED"),
    ("caller", "PURPOSE_NOT_GRANTED_TO_CALLER"),
    ("token", "PURPOSE_WIDENED"),
    ("snapshot", "CONSENT_NOT_READY"),
    ("lease", "CONSENT_LEASE_EXPIRED"),
    ("reference", "SUBJECT_REF_MALFORMED"),
    ("consent", "NOT_PERMITTED"),
]


@pytest.mark.parametrize("first", range(len(ORDER)), ids=[name for name, _ in ORDER])
async def test_of_several_faults_the_one_that_comes_first_is_answered(suite, first):
    """Whatever else is wrong, too: nothing about a person is looked at before its turn."""
    later = [name for name, _ in ORDER[first + 1 :]]
    name, reason = ORDER[first]
    for also in [(), *((one,) for one in later), tuple(later)]:
        faults = frozenset({name, *also})
        suite.guard.apply(GuardUpdate(suite.guard.epoch + 1, {}))
        set_state(suite.guard, ANNA, *(() if "consent" in faults else (RECOMMEND,)))
        assert reason_of(await refused(fault_call(suite, faults))) == reason, faults


@pytest.mark.parametrize("rpc", ["Ask", "Watch", "Gather", "Chat"])
@pytest.mark.parametrize("why", ["CONSENT_NOT_READY", "CONSENT_LEASE_EXPIRED"])
async def test_without_a_snapshot_or_a_lease_no_kind_of_call_is_decided(suite, rpc, why):
    """Both are UNAVAILABLE with a time to come back, and told apart; no handler runs."""
    set_state(suite.guard, ANNA, RECOMMEND)
    if why == "CONSENT_NOT_READY":
        suite.guard.lose()
    else:
        Lease(suite.guard).alive = False
    request = suite.ask(ANNA)
    if rpc in {"Ask", "Watch"}:
        call = getattr(suite.stub, rpc)(request, metadata=suite.auth())
        error = await (refused(call) if rpc == "Ask" else stream_refused(call))
        assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAVAILABLE, why)
        assert detail_of(error, error_details_pb2.RetryInfo).retry_delay.nanos > 0
    elif rpc == "Gather":
        assert (await suite.stub.Gather(iter([request]), metadata=suite.auth())).reason == why
    else:
        stream = suite.stub.Chat(iter([request]), metadata=suite.auth())
        assert [answer.reason async for answer in stream] == [why]
    assert suite.probe.calls == []


async def test_a_lease_that_runs_out_while_the_handler_runs_keeps_the_answer_back(suite):
    """It is asked for again right before the answer leaves."""
    set_state(suite.guard, ANNA, RECOMMEND)
    lease = Lease(suite.guard)

    async def during(call) -> None:
        lease.alive = False

    suite.probe.during = during
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth()))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAVAILABLE, "CONSENT_LEASE_EXPIRED")


async def test_a_stream_ends_with_the_message_after_the_lease(suite):
    """Every message of a response stream is sent under a live lease."""
    set_state(suite.guard, ANNA, RECOMMEND)
    lease = Lease(suite.guard)

    async def during(call) -> None:
        lease.alive = len(suite.probe.calls) < 2

    suite.probe.during = during
    got = []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for answer in suite.stub.Watch(suite.ask(ANNA), metadata=suite.auth()):
            got.append(answer)
    assert (len(got), reason_of(caught.value)) == (1, "CONSENT_LEASE_EXPIRED")


@pytest.mark.parametrize("when", ["before", "during"])
async def test_without_a_lease_a_method_that_degrades_answers_in_general_and_says_so(suite, when):
    """Nothing personal leaves, whether the lease ended before the call or under it."""
    set_state(suite.guard, ANNA, RECOMMEND)
    lease = Lease(suite.guard)
    lease.alive = when != "before"

    async def during(call) -> None:
        lease.alive = False

    suite.probe.during = during
    request = probe_pb2.DegradeRequest(subject=suite.pairwise().seal(ANNA))
    answer = await suite.stub.Degrade(request, metadata=suite.auth())
    assert (answer.subject, answer.parts[0].behaviour) == ("", "")
    assert answer.reason == "CONSENT_LEASE_EXPIRED"
    assert suite.probe.calls[-1].subject is None


async def test_a_batch_is_not_decided_without_a_lease(suite):
    """It is refused as a whole, so that it may be repeated as a whole."""
    Lease(suite.guard).alive = False
    elements = [{"subject": suite.pairwise().seal(ANNA), "purpose": privacy_pb2.PURPOSE_LOYALTY}]
    request = probe_pb2.BatchRequest(elements=elements)
    error = await refused(suite.stub.Batch(request, metadata=suite.auth()))
    assert reason_of(error) == "CONSENT_LEASE_EXPIRED"


def states(suite) -> dict[SubjectId, str]:
    """Subjects nobody may recommend to, each for a reason of its own."""
    refuses = 1 << suite.guard.policy.index(RECOMMEND)
    unknown = SubjectId(b"nobody knows me.")
    entries = {
        SubjectId(b"never was asked."): (GuardEntry(0, 0, NEVER_MS, None), "CONSENT_UNKNOWN"),
        SubjectId(b"the grant ended."): (
            GuardEntry(refuses, 0, suite.clock.now_ms, None),
            "CONSENT_EXPIRED",
        ),
    }
    suite.guard.apply(GuardUpdate(suite.guard.epoch + 1, {who: entry for who, (entry, _) in entries.items()}))
    return {unknown: "SUBJECT_ERASED"} | {who: reason for who, (_, reason) in entries.items()}


async def told(suite, caller: str, who: SubjectId) -> dict[str, bytes]:
    """Everything a caller is told about a subject by every shape of call, less what names the call."""
    seal, auth = suite.pairwise(caller).seal, suite.auth(caller)
    error = await refused(suite.stub.Ask(suite.ask(who, caller), metadata=auth))
    info = detail_of(error, error_details_pb2.ErrorInfo)
    trailer = dict(error.trailing_metadata())["grpc-status-details-bin"]
    element = {"subject": seal(who), "purpose": privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND}
    batch = await suite.stub.Batch(probe_pb2.BatchRequest(elements=[element]), metadata=auth)
    degraded = await suite.stub.Degrade(probe_pb2.DegradeRequest(subject=seal(who)), metadata=auth)
    chat = suite.stub.Chat(iter([suite.ask(who, caller)]), metadata=auth)
    return {
        "code": error.code().name.encode(),
        "text": error.details().encode(),
        "trailers": b",".join(sorted(key.encode() for key, _ in error.trailing_metadata())),
        "details": trailer.replace(info.metadata["request_id"].encode(), b""),
        "item": batch.SerializeToString(),
        "degraded": degraded.SerializeToString(),
        "message": b",".join([answer.SerializeToString() async for answer in chat]),
    }


async def test_the_folded_answer_is_one_answer_to_the_byte(suite):
    """Call, element, degraded answer and message of a stream alike, whatever the reason is."""
    answers = [await told(suite, "shop", who) for who in states(suite)]
    assert len(answers) == 3
    assert all(one == other for one, other in combinations(answers, 2))
    assert answers[0]["code"] == b"PERMISSION_DENIED"


async def test_who_holds_the_scope_is_told_the_reason(suite):
    """By an error with the reason's own code, in an element, in a degraded answer, in a stream."""
    for who, reason in states(suite).items():
        answer = await told(suite, "desk", who)
        assert answer["code"] == REASONS[reason][0].name.encode()
        for part in ("details", "item", "degraded", "message"):
            assert reason.encode() in answer[part], (reason, part)


async def test_a_permission_not_asked_for_yet_says_how_to_ask(suite):
    """Only for those who may know: where a statement is recorded, and for which purpose."""
    set_state(suite.guard, ANNA)
    error = await refused(suite.stub.Ask(suite.ask(ANNA, "desk"), metadata=suite.auth("desk")))
    assert reason_of(error) == "CONSENT_UNKNOWN"
    (link,) = detail_of(error, error_details_pb2.Help).links
    assert link.url == "/v1/consent:record"
    assert detail_of(error, error_details_pb2.ErrorInfo).metadata["purpose"] == RECOMMEND


async def test_a_token_narrows_what_its_caller_may_use(suite):
    """A node of the tree stands for its leaves; outside of them it is PURPOSE_WIDENED."""
    set_state(suite.guard, ANNA, RECOMMEND, "loyalty")
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth(purposes=["personalise"]))
    for purposes in ([], ["loyalty"], ["personalise.search", "rights"]):
        error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth(purposes=purposes)))
        assert reason_of(error) == "PURPOSE_WIDENED"


async def test_a_token_never_widens(suite):
    """A purpose its caller was not given is not given by the token that names it."""
    metadata = suite.auth("purposeless", purposes=["personalise"])
    error = await refused(suite.stub.Ask(suite.ask(ANNA, "purposeless"), metadata=metadata))
    assert reason_of(error) == "PURPOSE_NOT_GRANTED_TO_CALLER"


async def test_an_element_is_judged_by_the_narrowed_token_too(suite):
    """Elements with a purpose of their own are refused one by one; the field is named."""
    set_state(suite.guard, ANNA, RECOMMEND, "loyalty")
    seal = suite.pairwise().seal
    elements = [
        {"subject": seal(ANNA), "purpose": privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND},
        {"subject": seal(ANNA), "purpose": privacy_pb2.PURPOSE_LOYALTY},
    ]
    metadata = suite.auth(purposes=["loyalty"])
    answer = await suite.stub.Batch(probe_pb2.BatchRequest(elements=elements), metadata=metadata)
    assert len(answer.subjects) == 1
    ((index, reason, field),) = [(e.index, e.reason, e.field) for e in answer.refused]
    assert (index, reason, field) == (0, "PURPOSE_WIDENED", "elements[0].purpose")


@pytest.mark.parametrize("purposes", ["personalise", 7, None, ["personalise", "world.domination"], [["a"]]])
async def test_a_narrowing_nobody_understands_makes_the_token_none(suite, purposes):
    """An unknown purpose, or no list of purposes: what is not understood is not guessed at."""
    set_state(suite.guard, ANNA, RECOMMEND)
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth(purposes=purposes)))
    assert reason_of(error) == "CALLER_UNAUTHENTICATED"
