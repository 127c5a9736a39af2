"""AuditService: the sealed log to whoever checks it, with proofs."""

from __future__ import annotations

from functools import partial

from consent.auditlog.head import SignedHead
from services.errors import InvalidRequest
from services.interceptors.call import Call
from services.storage.sealed_log import SealedBatch, SealedLog, SealedReader
from veilgraph.consent.v1 import audit_pb2, audit_pb2_grpc

PAGE_SIZE_DEFAULT = 100


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """``veilgraph.consent.v1.AuditService``."""

    def __init__(self, log: SealedLog) -> None:
        self._log = log

    async def GetHead(self, _request: audit_pb2.GetHeadRequest, _call: Call) -> audit_pb2.GetHeadResponse:
        """The newest head, once there is one."""
        signed = await self._log.read(SealedReader.head)
        return audit_pb2.GetHeadResponse(head=head_message(signed) if signed is not None else None)

    async def ProveInclusion(
        self, request: audit_pb2.ProveInclusionRequest, _call: Call
    ) -> audit_pb2.ProveInclusionResponse:
        """The leaf and its path."""
        return await self._log.read(partial(_inclusion, request))

    async def ProveConsistency(
        self, request: audit_pb2.ProveConsistencyRequest, _call: Call
    ) -> audit_pb2.ProveConsistencyResponse:
        """The path from one root to the other."""
        return await self._log.read(partial(_consistency, request))

    async def ListBatches(
        self, request: audit_pb2.ListBatchesRequest, _call: Call
    ) -> audit_pb2.ListBatchesResponse:
        """Batches from a place on."""
        page_size = request.page_size or PAGE_SIZE_DEFAULT
        batches = await self._log.read(lambda log: log.batches(request.index, page_size))
        return audit_pb2.ListBatchesResponse(batches=[batch_message(batch) for batch in batches])


def _inclusion(
    request: audit_pb2.ProveInclusionRequest, log: SealedReader
) -> audit_pb2.ProveInclusionResponse:
    size = _size(log, request.size, "size")
    leaf = log.leaf(request.index) if request.index < size else None
    if leaf is None:
        raise InvalidRequest("FIELD_RANGE", field="index")
    path = log.inclusion(request.index, size)
    return audit_pb2.ProveInclusionResponse(leaf=leaf, path=path, size=size, head=_head(log, size))


def _consistency(
    request: audit_pb2.ProveConsistencyRequest, log: SealedReader
) -> audit_pb2.ProveConsistencyResponse:
    size = _size(log, request.new_size, "new_size")
    if request.old_size > size:
        raise InvalidRequest("FIELD_RANGE", field="old_size")
    path = log.consistency(request.old_size, size)
    return audit_pb2.ProveConsistencyResponse(path=path, new_size=size, head=_head(log, size))


def _size(log: SealedReader, asked: int, field: str) -> int:
    """The size asked for, or the log's; refuses one it does not have."""
    signed = log.head()
    size = signed.head.size if signed is not None else 0
    if asked > size:
        raise InvalidRequest("FIELD_RANGE", field=field)
    return asked or size


def _head(log: SealedReader, size: int) -> audit_pb2.SignedHead | None:
    signed = log.head(size)
    return head_message(signed) if signed is not None else None


def batch_message(batch: SealedBatch) -> audit_pb2.SealedBatch:
    """A sealed batch as the contract shows it."""
    return audit_pb2.SealedBatch(
        first=batch.first, leaves=batch.leaves, head=head_message(batch.signed), edge=batch.edge.peaks
    )


def head_message(signed: SignedHead) -> audit_pb2.SignedHead:
    """A signed head as the contract shows it."""
    return audit_pb2.SignedHead(
        tenant=signed.head.tenant,
        size=signed.head.size,
        root=signed.head.root,
        at_ms=signed.head.at_ms,
        key_version=signed.key_version,
        signature=signed.signature,
    )
