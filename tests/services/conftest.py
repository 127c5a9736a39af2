"""A real server of the probe service behind the real chain, and a client of it."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from prometheus_client import CollectorRegistry

from consent.guard_table import GuardTable, GuardUpdate
from identity.ids import SubjectId
from identity.pairwise import Pairwise
from identity.tokens import Tokeniser
from services.consent.signals import gpc_mask
from services.interceptors import layers
from services.interceptors.audit import AuditRecord
from services.interceptors.authentication import verifier
from services.interceptors.call import Call, Caller, Unreadable
from services.interceptors.metrics import CallMetrics
from services.key_sets import fixed
from services.reflection import REFLECTION_SCOPE
from services.server import GuardedServer, Served
from services.storage.database import Ride, Rider
from tests.conftest import AUDIENCE, ISSUER
from tests.probe.v1 import probe_pb2, probe_pb2_grpc

ANNA, BEN = SubjectId(b"anna" * 4), SubjectId(b"ben!" * 4)
SHOP = Caller("shop", "acme", frozenset({"probe"}), 1)
RECOMMEND = "personalise.recommend"


@dataclass
class KeptAudit:
    """An audit log in memory."""

    records: list[AuditRecord] = field(default_factory=list)
    undone: int = 0
    full: bool = False
    rider: ContextVar[Rider | None] = field(default_factory=lambda: ContextVar("rider", default=None))

    def append(self, record: AuditRecord) -> None:
        self.records.append(record)

    def ride(self, record: AuditRecord) -> Ride:
        def undone() -> None:
            self.undone += 1

        return Ride(lambda _connection: None, lambda: self.records.append(record), undone)


class KeptSignals:
    """Keeps what it is told and has the guard table refuse it, as the authority would."""

    def __init__(self, guard: GuardTable) -> None:
        self.told: list[tuple[str, frozenset[SubjectId]]] = []
        self._guard = guard

    async def refuse(self, caller, subjects):
        self.told.append((caller, frozenset(subjects)))
        mask = gpc_mask(self._guard.policy)
        entries = {}
        for subject in subjects:
            entry = self._guard.entry(subject)
            if entry is not None:
                entries[subject] = replace(entry, allow=entry.allow & ~mask, refuse=entry.refuse | mask)
        self._guard.apply(GuardUpdate(self._guard.epoch + 1, entries))


class Probe(probe_pb2_grpc.ProbeServiceServicer):
    """Answers with what it was let to see; a test may put its own behaviour in."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.requests: list[Any] = []
        self.during: Callable[[Call], Awaitable[None]] | None = None
        self.response: Any = None

    async def _answer(self, request: Any, call: Call) -> Any:
        self.calls.append(call)
        self.requests.append(request)
        if self.during is not None:
            await self.during(call)
        if self.response is not None:
            return self.response
        if call.subject is not None:
            call.members(call.subject)
        subject = call.subject.hex() if call.subject is not None else ""
        part = probe_pb2.Part(title="tea", behaviour="bought", points=7)
        return probe_pb2.AskResponse(subject=subject, person=subject, parts=[part], reason=call.depth_reason)

    async def Ask(self, request, call):
        return await self._answer(request, call)

    async def Degrade(self, request, call):
        return await self._answer(request, call)

    async def Watch(self, request, call):
        for _ in range(3):
            yield await self._answer(request, call)

    async def Gather(self, requests, call):
        reasons = []
        async for request in requests:
            reasons.append(request.reason if isinstance(request, Unreadable) else "ok")
        return probe_pb2.AskResponse(reason=",".join(reasons))

    async def Chat(self, requests, call):
        async for request in requests:
            if isinstance(request, Unreadable):
                yield probe_pb2.AskResponse(reason=request.reason)
            else:
                yield await self._answer(request, call)

    async def Batch(self, request, call):
        self.calls.append(call)
        self.requests.append(request)
        subjects = [subject.hex() for subject in call.subjects["elements.subject"]]
        refused = [
            {"index": r.index, "reason": r.reason, "field": r.field, "code": r.code} for r in call.refused
        ]
        return probe_pb2.BatchResponse(subjects=subjects, refused=refused)


class Suite:
    """The running probe and what is needed to talk to it."""

    def __init__(
        self, server, stub, channel, probe, guard, audit, log, issuer, keyring, clock, signals
    ) -> None:
        self.server, self.stub, self.channel, self.probe = server, stub, channel, probe
        self.guard, self.audit, self.log, self.clock = guard, audit, log, clock
        self._issuer, self._keyring = issuer, keyring
        self.signals = signals

    def auth(self, caller: str = "shop", **claims: object) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self._issuer.token(caller, **claims)}"),)

    def pairwise(self, caller: str = "shop") -> Pairwise:
        return Pairwise(self._keyring, "acme", caller)

    def ask(self, who: SubjectId, caller: str = "shop", **fields: Any) -> probe_pb2.AskRequest:
        request = {"subject": self.pairwise(caller).seal(who), "kind": 1, "sha256": bytes(32)}
        return probe_pb2.AskRequest(**(request | fields))


@pytest.fixture
async def suite(policy, keyring, issuer, clock, guard):
    everything = (1 << len(policy.leaves)) - 1
    callers = {
        "shop": Caller("shop", "acme", frozenset({"probe"}), everything),
        "partner": Caller("partner", "acme", frozenset({"probe"}), everything),
        "desk": Caller("desk", "acme", frozenset({"probe", "consent.reasons"}), everything),
        "scopeless": Caller("scopeless", "acme", frozenset(), everything),
        "operator": Caller("operator", "acme", frozenset({REFLECTION_SCOPE}), everything, kind="operator"),
        "purposeless": Caller("purposeless", "acme", frozenset({"probe"}), 0),
    }
    tokeniser = Tokeniser(keyring, "acme")
    pairs = {caller.id: Pairwise(keyring, "acme", caller.id) for caller in callers.values()}
    audit, log, probe, signals = KeptAudit(), io.StringIO(), Probe(), KeptSignals(guard)
    chain = layers(
        log=log.write,
        call_metrics=CallMetrics(CollectorRegistry()),
        verify=verifier(fixed(issuer.jwks), ISSUER, AUDIENCE, callers, policy),
        clock_ms=clock,
        audit_log=audit,
        pairwise_of=lambda caller: pairs[caller.id],
        tokenise=lambda _tenant, kind, digest: tokeniser.token(kind, digest),
        signals_port=signals,
    )
    server = GuardedServer(
        Served(
            probe_pb2.DESCRIPTOR.services_by_name["ProbeService"],
            probe_pb2_grpc.add_ProbeServiceServicer_to_server,
            probe,
        ),
        layers=chain,
        policy=policy,
        guard=guard,
        clock_ms=clock,
    )
    await server.start("127.0.0.1:0")
    await server.serving()
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = probe_pb2_grpc.ProbeServiceStub(channel)
        yield Suite(server, stub, channel, probe, guard, audit, log, issuer, keyring, clock, signals)
    await server.stop(0)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The ErrorInfo reason of an error."""
    return detail_of(error, error_details_pb2.ErrorInfo).reason


def detail_of(error: grpc.aio.AioRpcError, kind: type[Any]) -> Any:
    """The first detail of a kind in an error."""
    packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
    for detail in status_pb2.Status.FromString(packed).details:
        found = kind()
        if detail.Unpack(found):
            return found
    raise AssertionError(f"no {kind.__name__} in the error")


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
