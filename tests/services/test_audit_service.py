"""AuditService: heads and proofs over the wire's types, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from consent.auditlog.tree import extends, includes, leaf_hash
from identity.keyring import KeyRing
from services.audit.service import AuditServicer
from services.errors import InvalidRequest
from services.signing import Signed, signer, verified
from services.storage.sealed_log import SealedLog, SealedReader
from services.storage.sqlite import SqliteDatabase
from tests.conftest import Clock
from tests.consent.auditlog.logs import ONE
from tests.services.test_sealed_log import some
from veilgraph.consent.v1 import audit_pb2


@pytest.fixture
async def log(tmp_path: Path, keyring: KeyRing, clock: Clock):
    database = SqliteDatabase(tmp_path / "consent.db", "consent")
    log = SealedLog(database, "acme", signer(keyring, Signed.AUDIT_HEAD), clock)
    await log.seal("identity", some(ONE, 4))
    yield log
    database.close()


@pytest.fixture
def service(log: SealedLog) -> AuditServicer:
    return AuditServicer(log)


async def test_a_head_is_what_the_deployment_signed(service, log, keyring):
    """Its fields give the signed encoding."""
    head = (await service.GetHead(audit_pb2.GetHeadRequest(), None)).head
    assert (head.size, head.root) == (12, reader_of(log).head().head.root)
    assert verified(
        signer(keyring, Signed.AUDIT_HEAD).public_key, head.signature, reader_of(log).head().head.message()
    )


async def test_a_leaf_is_proven_in_the_newest_log_and_in_an_older_one(service, log):
    """The head is there where a batch ends with that size."""
    for size, signed in ((0, True), (9, True), (10, False)):
        answer = await service.ProveInclusion(audit_pb2.ProveInclusionRequest(index=5, size=size), None)
        assert answer.HasField("head") is signed
        if signed:
            assert includes(answer.head.root, answer.size, 5, leaf_hash(answer.leaf), list(answer.path))
        assert answer.leaf == reader_of(log).leaf(5)


async def test_an_older_log_is_proven_to_begin_the_newest(service, log):
    """Between any two sizes."""
    for old in (1, 3, 7, 12):
        request = audit_pb2.ProveConsistencyRequest(old_size=old)
        answer = await service.ProveConsistency(request, None)
        older = reader_of(log).head(old)
        if older is not None:
            assert extends((old, older.head.root), (12, answer.head.root), list(answer.path))


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("ProveInclusion", audit_pb2.ProveInclusionRequest(index=12), "index"),
        ("ProveInclusion", audit_pb2.ProveInclusionRequest(index=5, size=5), "index"),
        ("ProveInclusion", audit_pb2.ProveInclusionRequest(index=5, size=13), "size"),
        ("ProveConsistency", audit_pb2.ProveConsistencyRequest(old_size=13), "old_size"),
        ("ProveConsistency", audit_pb2.ProveConsistencyRequest(old_size=3, new_size=13), "new_size"),
    ],
)
async def test_what_the_log_does_not_hold_is_refused(service, method, request_, field):
    """With the field's name; nothing is proven about what is not there."""
    with pytest.raises(InvalidRequest) as refusal:
        await getattr(service, method)(request_, None)
    assert (refusal.value.reason, refusal.value.field) == ("FIELD_RANGE", field)


async def test_batches_are_listed_to_the_end(service):
    """Page after page, each from where the last one ended."""
    index, seen = 0, []
    while batches := (
        await service.ListBatches(audit_pb2.ListBatchesRequest(index=index, page_size=3), None)
    ).batches:
        seen += [batch.first for batch in batches]
        index = batches[-1].head.size
    assert seen == [0, 3, 6, 9]


def reader_of(log: SealedLog) -> SealedReader:
    """Reads what a log has sealed."""
    return SealedReader(log._database.reader, "acme")
