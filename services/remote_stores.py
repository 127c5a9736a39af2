"""Every service's store of personal data, as consent asks it from another process.

An export that breaks off is an error, never a shorter answer: what a person is told is
everything or nothing. An erasure that is not answered may have happened; it is asked for again
under its id and answers as it did the first time.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence

import grpc

from identity.ids import SubjectId
from services.errors import InvalidRequest
from services.interceptors.call import Call
from services.peers import Peers
from services.server import Served
from services.stores import Erased, ExportedValue, Kept, PersonalStore, Phase, StoreDown
from veilgraph.internal.v1 import store_pb2, store_pb2_grpc

#: Values of one message of an export.
_VALUES_MAX = 500
_COUNT_S = 10.0
#: An erasure cuts the log of changes and takes the person out of what was learned.
_ERASE_S = 120.0
_PHASES = {phase.value: phase for phase in Phase}


class StoreServicer(store_pb2_grpc.StoreServiceServicer):
    """``veilgraph.internal.v1.StoreService`` over one store."""

    def __init__(self, store: PersonalStore) -> None:
        self._store = store

    async def Count(
        self,
        request: store_pb2.CountRequest,
        call: Call,  # noqa: ARG002 - the guard has judged the caller
    ) -> store_pb2.CountResponse:
        """How many things of each kind."""
        counts = await self._store.count(subjects_of(request.subjects))
        return store_pb2.CountResponse(counts=_count_messages(counts))

    async def Export(
        self,
        request: store_pb2.ExportRequest,
        call: Call,  # noqa: ARG002 - likewise
    ) -> AsyncIterator[store_pb2.ExportResponse]:
        """Everything, in the store's order."""
        values = []
        async for value in self._store.export(subjects_of(request.subjects)):
            values.append(value_message(value))
            if len(values) == _VALUES_MAX:
                yield store_pb2.ExportResponse(values=values)
                values = []
        yield store_pb2.ExportResponse(values=values)

    async def Erase(
        self,
        request: store_pb2.EraseRequest,
        call: Call,  # noqa: ARG002 - likewise
    ) -> store_pb2.EraseResponse:
        """Answers when it is taken away."""
        phase = _PHASES.get(request.phase)
        if phase is None:
            raise InvalidRequest("FIELD_ENUM", field="phase")
        erased = await self._store.erase(subjects_of(request.subjects), request.erasure_id, phase)
        return erased_message(erased)


def store_served(store: PersonalStore) -> Served:
    """A part's store among what its server serves."""
    return Served(
        store_pb2.DESCRIPTOR.services_by_name["StoreService"],
        store_pb2_grpc.add_StoreServiceServicer_to_server,
        StoreServicer(store),
    )


class RemoteStore:
    """A service's store behind a channel; implements ``services.stores.PersonalStore``.

    Its methods raise ``StoreDown`` when the service can not be asked or breaks off.

    Attributes:
        name: the service's name.
    """

    def __init__(self, name: str, peers: Peers) -> None:
        self.name = name
        self._peers = peers

    async def count(self, subjects: Collection[SubjectId]) -> Mapping[str, int]:
        """See the port."""
        try:
            answer = await self._stub().Count(
                store_pb2.CountRequest(subjects=subjects), metadata=self._metadata(), timeout=_COUNT_S
            )
        except grpc.aio.AioRpcError:
            raise StoreDown(self.name) from None
        return _counts_of(answer.counts)

    async def export(self, subjects: Collection[SubjectId]) -> AsyncIterator[ExportedValue]:
        """See the port."""
        call = self._stub().Export(store_pb2.ExportRequest(subjects=subjects), metadata=self._metadata())
        try:
            async for answer in call:
                for message in answer.values:
                    yield value_of(message, self.name)
        except grpc.aio.AioRpcError:
            raise StoreDown(self.name) from None
        finally:
            call.cancel()

    async def erase(self, subjects: Collection[SubjectId], erasure_id: str, phase: Phase) -> Erased:
        """See the port."""
        request = store_pb2.EraseRequest(subjects=subjects, erasure_id=erasure_id, phase=phase.value)
        try:
            answer = await self._stub().Erase(request, metadata=self._metadata(), timeout=_ERASE_S)
        except grpc.aio.AioRpcError:
            raise StoreDown(self.name) from None
        return erased_of(answer)

    def _stub(self) -> store_pb2_grpc.StoreServiceStub:
        stub: store_pb2_grpc.StoreServiceStub = self._peers.stub(
            self.name, "consent", store_pb2_grpc.StoreServiceStub
        )
        return stub

    def _metadata(self) -> Sequence[tuple[str, str]]:
        return self._peers.metadata("consent")


def subjects_of(raw: Iterable[bytes]) -> list[SubjectId]:
    """The subjects of a request, whose lengths are checked."""
    return [SubjectId(subject) for subject in raw]


def value_message(value: ExportedValue) -> store_pb2.StoredValue:
    """A kept thing as it travels; its store is known by who is asked."""
    return store_pb2.StoredValue(
        kind=value.kind,
        subject=value.subject,
        value_json=json.dumps(value.value),
        source=value.source,
        party=value.party,
        observed_at_ms=value.observed_at_ms,
        recorded_at_ms=value.recorded_at_ms,
        purposes=value.purposes,
        inferred=value.inferred,
    )


def value_of(message: store_pb2.StoredValue, store: str) -> ExportedValue:
    """The kept thing a message tells."""
    return ExportedValue(
        store=store,
        kind=message.kind,
        subject=SubjectId(message.subject),
        value=json.loads(message.value_json),
        source=message.source,
        party=message.party,
        observed_at_ms=message.observed_at_ms if message.HasField("observed_at_ms") else None,
        recorded_at_ms=message.recorded_at_ms if message.HasField("recorded_at_ms") else None,
        purposes=tuple(message.purposes),
        inferred=message.inferred,
    )


def erased_message(erased: Erased) -> store_pb2.EraseResponse:
    """What a phase took away, as it travels."""
    kept = [
        store_pb2.KeptKind(kind=kind, count=one.count, until_ms=one.until_ms, why=one.why)
        for kind, one in erased.kept.items()
    ]
    return store_pb2.EraseResponse(counts=_count_messages(erased.counts), keys=erased.keys, kept=kept)


def erased_of(message: store_pb2.EraseResponse) -> Erased:
    """What a message says was taken away."""
    kept = {
        one.kind: Kept(one.count, one.until_ms if one.HasField("until_ms") else None, one.why)
        for one in message.kept
    }
    return Erased(_counts_of(message.counts), tuple(message.keys), kept)


def _count_messages(counts: Mapping[str, int]) -> list[store_pb2.KindCount]:
    return [store_pb2.KindCount(kind=kind, count=count) for kind, count in counts.items()]


def _counts_of(messages: Iterable[store_pb2.KindCount]) -> dict[str, int]:
    return {one.kind: one.count for one in messages}
