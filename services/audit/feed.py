"""A service's audit records between processes: how consent collects what it does not keep itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc

from services.feed import Feed
from services.interceptors.call import Call
from services.peers import Peers
from services.remote_feed import Patience, RemoteFeed, followed, portions
from services.storage.audit import AuditBatch
from veilgraph.internal.v1 import audit_pb2, audit_pb2_grpc

_BYTES_MAX = 1 << 20


class AuditFeedServicer(audit_pb2_grpc.AuditFeedServiceServicer):
    """``veilgraph.internal.v1.AuditFeedService``."""

    def __init__(self, feed: Feed[AuditBatch]) -> None:
        self._feed = feed
        self._stopping = asyncio.Event()

    def close(self) -> None:
        """Ends every stream; for an orderly stop, before the server's."""
        self._stopping.set()

    async def SubscribeAudit(
        self,
        request: audit_pb2.SubscribeAuditRequest,
        call: Call,  # noqa: ARG002 - the guard has judged the caller
    ) -> AsyncIterator[audit_pb2.SubscribeAuditResponse]:
        """The head, then the batches beyond the cursor as they are or come."""
        yield audit_pb2.SubscribeAuditResponse(head=await self._feed.head())
        async for batches in followed(self._feed, request.cursor, self._stopping):
            for portion in portions(batches, lambda batch: len(batch.leaves), _BYTES_MAX):
                messages = [audit_pb2.AuditBatch(seq=batch.seq, leaves=batch.leaves) for batch in portion]
                yield audit_pb2.SubscribeAuditResponse(head=await self._feed.head(), batches=messages)


def remote_audit(peers: Peers, service: str, patience: Patience) -> RemoteFeed[AuditBatch]:
    """A service's records as consent collects them from another process."""

    def subscribe(cursor: int) -> grpc.aio.UnaryStreamCall:
        stub = peers.stub(service, "consent", audit_pb2_grpc.AuditFeedServiceStub)
        request = audit_pb2.SubscribeAuditRequest(cursor=cursor)
        return stub.SubscribeAudit(request, metadata=peers.metadata("consent"))

    return RemoteFeed(
        subscribe, lambda message: [AuditBatch(one.seq, one.leaves) for one in message.batches], patience
    )
