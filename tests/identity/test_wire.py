"""IdentityService over gRPC behind the whole chain: what two callers see, and what nobody sees."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from typing import Any

import grpc
import pytest
from prometheus_client import CollectorRegistry

from consent.fold import OwnState
from identity.ids import SubjectId
from identity.pairwise import Pairwise
from identity.rotation import activate, begin
from services.interceptors import layers
from services.interceptors.authentication import verifier
from services.interceptors.call import Caller
from services.interceptors.metrics import CallMetrics
from services.key_sets import fixed
from services.server import GuardedServer, Served
from tests.conftest import AUDIENCE, ISSUER
from tests.services.conftest import KeptAudit, KeptSignals, reason_of
from veilgraph.identity.v1 import identity_pb2 as pb
from veilgraph.identity.v1 import identity_pb2_grpc
from veilgraph.privacy.v1 import privacy_pb2

RECOMMEND = privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND
CANARY = "ada.lovelace@shop.example"


class Counter:
    """One caller's stub, with its credentials."""

    def __init__(self, channel: grpc.aio.Channel, token: str, desk: Any, name: str) -> None:
        self._stub = identity_pb2_grpc.IdentityServiceStub(channel)
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._desk, self._name = desk, name

    async def ask(self, rpc: str, request: Any) -> Any:
        return await getattr(self._stub, rpc)(request, metadata=self._metadata, timeout=5)

    async def resolve(self, *digests: bytes, for_purpose: Any = 0) -> Any:
        identifiers = [pb.Identifier(kind=pb.IDENTIFIER_KIND_EMAIL, sha256=digest) for digest in digests]
        return await self.ask("Resolve", pb.ResolveRequest(identifiers=identifiers, for_purpose=for_purpose))

    async def subjects(self, *values: str) -> list[str]:
        return [result.subject for result in (await self.resolve(*map(digest, values))).results]

    async def link(self, *pairs: tuple[str, str], request_id: str = "r1") -> Any:
        links = [
            pb.Link(subject=one, other=other, evidence=pb.EVIDENCE_LOGIN, source="web")
            for one, other in pairs
        ]
        for link in links:
            link.observed_at.FromMilliseconds(self._desk.clock())
        return await self.ask("Link", pb.LinkRequest(links=links, request_id=request_id))

    @property
    def pairwise(self) -> Pairwise:
        return Pairwise(self._desk.keys.ring, "acme", self._name)

    def opened(self, subjects: Sequence[str]) -> list[SubjectId]:
        return [self.pairwise.open(subject, 0) for subject in subjects]


def digest(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()


@pytest.fixture
async def counters(desk, issuer):
    """The shop, the till and what they said: (shop, till, log, audit)."""
    everything = (1 << len(desk.policy.leaves)) - 1
    scopes = frozenset({f"identity.{rpc}" for rpc in ("resolve", "link", "unlink", "explain")})
    callers = {name: Caller(name, "acme", scopes, everything) for name in ("shop", "till")}
    log, audit = io.StringIO(), KeptAudit()
    server = GuardedServer(
        Served(
            pb.DESCRIPTOR.services_by_name["IdentityService"],
            identity_pb2_grpc.add_IdentityServiceServicer_to_server,
            desk.servicer,
        ),
        layers=layers(
            log=log.write,
            call_metrics=CallMetrics(CollectorRegistry()),
            verify=verifier(fixed(issuer.jwks), ISSUER, AUDIENCE, callers, desk.policy),
            clock_ms=desk.clock,
            audit_log=audit,
            pairwise_of=desk.keys.pairwise,
            tokenise=desk.identifiers.token,
            signals_port=KeptSignals(desk.guard),
        ),
        policy=desk.policy,
        guard=desk.guard,
        clock_ms=desk.clock,
    )
    await server.start("127.0.0.1:0")
    async with grpc.aio.insecure_channel(server.address) as channel:
        shop, till = (Counter(channel, issuer.token(name), desk, name) for name in callers)
        yield shop, till, log, audit
    await server.stop(0)


async def test_two_strangers_are_linked_explained_and_unlinked(desk, counters):
    shop, _, _, _ = counters
    ada, card = await shop.subjects("ada@shop.example", "ada@work.example")
    desk.say_yes(*shop.opened([ada, card]))
    linked = await shop.link((ada, card))
    assert linked.results[0].linked
    assert linked.consent_epoch == desk.guard.epoch
    question = pb.ExplainRequest(subject=card, other=ada, for_purpose=RECOMMEND)
    explained = await shop.ask("Explain", question)
    assert explained.linked
    assert [step.source for step in explained.path] == ["web"]
    person = (await shop.resolve(digest("ada@work.example"), for_purpose=RECOMMEND)).results[0].person
    assert person == shop.pairwise.seal_person(*shop.opened([ada]))
    undone = await shop.ask("Unlink", pb.UnlinkRequest(subject=ada, other=card, request_id="r2"))
    assert undone.edges_removed == 1
    assert not (await shop.ask("Explain", question)).linked
    assert await shop.subjects("ada@shop.example", "ada@work.example") == [ada, card]


async def test_nothing_is_resolved_before_the_guard_table_is_loaded(desk, counters):
    shop, _, _, _ = counters
    desk.guard.lose()
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await shop.subjects("ada@shop.example")
    assert reason_of(refusal.value) == "CONSENT_NOT_READY"
    assert await desk.store.last_seq() == 0


async def test_another_caller_s_ids_of_the_same_person_share_nothing_and_are_no_use_to_it(desk, counters):
    shop, till, _, _ = counters
    (mine,), (theirs,) = await shop.subjects("ada@shop.example"), await till.subjects("ada@shop.example")
    assert mine != theirs
    assert shop.opened([mine]) == till.opened([theirs])
    desk.say_yes(*shop.opened([mine]))
    response = await till.link((mine, theirs), (theirs, theirs))
    assert [result.error.reason for result in response.results] == ["SUBJECT_REF_MALFORMED", "LINK_TO_ITSELF"]


async def test_a_person_id_is_refused_as_a_subject(desk, counters):
    shop, _, _, _ = counters
    (ada,) = await shop.subjects("ada@shop.example")
    desk.say_yes(*shop.opened([ada]))
    person = (await shop.resolve(digest("ada@shop.example"), for_purpose=RECOMMEND)).results[0].person
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await shop.ask("Explain", pb.ExplainRequest(subject=person, other=ada, for_purpose=RECOMMEND))
    assert reason_of(refusal.value) == "SUBJECT_REF_MALFORMED"


async def test_what_is_no_digest_or_stands_for_nothing_is_refused_alone(counters):
    shop, _, _, _ = counters
    response = await shop.resolve(
        digest("a@shop.example"), CANARY.encode(), digest(""), digest("b@shop.example")
    )
    assert [result.error.reason for result in response.results] == [
        "",
        "RAW_IDENTIFIER_REFUSED",
        "BLOCKED_VALUE",
        "",
    ]
    assert [bool(result.subject) for result in response.results] == [True, False, False, True]


async def test_who_has_not_agreed_to_linking_is_not_linked(counters):
    shop, _, _, _ = counters
    ada, card = await shop.subjects("ada@shop.example", "ada@work.example")
    response = await shop.link((ada, card))
    assert [result.error.reason for result in response.results] == ["NOT_PERMITTED"]


async def test_a_link_that_is_not_there_is_said_not_to_be_found(desk, counters):
    shop, _, _, _ = counters
    ada, card = await shop.subjects("ada@shop.example", "ada@work.example")
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await shop.ask("Unlink", pb.UnlinkRequest(subject=ada, other=card, request_id="r1"))
    assert (reason_of(refusal.value), refusal.value.code()) == ("LINK_NOT_FOUND", grpc.StatusCode.NOT_FOUND)


async def test_five_thousand_identifiers_are_one_call_and_one_more_is_too_many(counters):
    shop, _, _, _ = counters
    digests = [digest(str(number) + "@shop.example") for number in range(5001)]
    response = await shop.resolve(*digests[:5000])
    assert len({result.subject for result in response.results}) == 5000
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await shop.resolve(*digests)
    assert reason_of(refusal.value) == "TOO_MANY_ITEMS"


async def test_no_log_line_audit_record_answer_or_file_holds_an_identifier_or_a_subject(desk, counters):
    shop, _, log, audit = counters
    ada, raw = digest(CANARY), CANARY.encode()
    response = await shop.resolve(ada, raw, for_purpose=RECOMMEND)
    subject = shop.opened([response.results[0].subject])[0]
    kept = b"".join(file.read_bytes() for file in desk.database.path.parent.iterdir())
    written = kept + log.getvalue().encode() + repr(audit.records).encode() + response.SerializeToString()
    for secret in (raw, ada, ada.hex().encode()):
        assert secret not in written
    outside = log.getvalue().encode() + repr(audit.records).encode() + response.SerializeToString()
    for secret in (bytes(subject), subject.hex().encode()):
        assert secret not in outside


def rotated(desk: Any, use: str, overlap_ms: int) -> None:
    """New ids for the callers of a use; those before are taken for a while."""
    begun = begin(desk.keys.ring, use, b"p" * 32, desk.clock())
    desk.hold(activate(begun, use, desk.clock() + overlap_ms))


@pytest.mark.parametrize("use", ["pairwise", "pairwise/shop"])
async def test_while_a_callers_key_changes_an_answer_has_both_ids_and_says_until_when(desk, counters, use):
    shop, till, _, _ = counters
    (old,), (theirs,) = await shop.subjects("ada@shop.example"), await till.subjects("ada@shop.example")
    before = (await shop.resolve(digest("ada@shop.example"))).results[0]
    assert (before.previous, before.HasField("refresh_at")) == ("", False)
    rotated(desk, use, 1_000)
    result = (await shop.resolve(digest("ada@shop.example"))).results[0]
    assert result.previous == old != result.subject
    assert result.refresh_at.ToMilliseconds() == desk.clock() + 1_000
    assert (await till.subjects("ada@shop.example") == [theirs]) == (use != "pairwise")
    desk.clock.now_ms += 1_000
    result = (await shop.resolve(digest("ada@shop.example"))).results[0]
    assert (result.previous, result.HasField("refresh_at")) == ("", False)


async def test_an_id_under_a_retired_key_is_refused_by_its_reason_alone_and_in_a_batch(desk, counters):
    shop, _, _, _ = counters
    ada, card = await shop.subjects("ada@shop.example", "ada@work.example")
    desk.say_yes(*shop.opened([ada, card]))
    rotated(desk, "pairwise/shop", 1_000)
    new, _ = await shop.subjects("ada@shop.example", "ada@work.example")
    assert (await shop.link((ada, card))).results[0].linked
    question = pb.ExplainRequest(subject=new, other=card, for_purpose=RECOMMEND)
    assert (await shop.ask("Explain", question)).linked
    desk.clock.now_ms += 1_000
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await shop.ask("Explain", question)
    assert (reason_of(refusal.value), refusal.value.code()) == (
        "PSEUDONYM_KEY_RETIRED",
        grpc.StatusCode.FAILED_PRECONDITION,
    )
    (result,) = (await shop.link((new, card), request_id="r2")).results
    assert (result.error.reason, result.error.field) == ("PSEUDONYM_KEY_RETIRED", "links[0].other")


async def test_a_person_is_told_with_the_instant_it_may_be_another_at(desk, counters):
    shop, _, _, _ = counters
    (ada,) = await shop.subjects("ada@shop.example")
    ends_ms = desk.clock() + 5_000
    recommend = desk.policy.mask("personalise.recommend")
    desk.push(own={shop.opened([ada])[0]: OwnState(((ends_ms, recommend),), 0)})
    alone = (await shop.resolve(digest("ada@shop.example"))).results[0]
    assert not alone.HasField("refresh_at")
    known = (await shop.resolve(digest("ada@shop.example"), for_purpose=RECOMMEND)).results[0]
    assert known.person
    assert known.refresh_at.ToMilliseconds() == ends_ms
    rotated(desk, "pairwise/shop", 1_000)
    known = (await shop.resolve(digest("ada@shop.example"), for_purpose=RECOMMEND)).results[0]
    assert known.refresh_at.ToMilliseconds() == desk.clock() + 1_000
