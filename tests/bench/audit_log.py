"""What the audit log costs: a record on its way to the disk, sealing, proving and verifying a million.

Leaves are made once and sealed in batches of a thousand, as a busy second of four services is.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from consent.auditlog.leaf import Leaf, packed
from consent.auditlog.sealing import SubjectSeal, with_decisions
from consent.auditlog.tree import extends, includes, leaf_hash
from identity.ids import SubjectId
from identity.keyring import KeyRing
from services.audit.files import batch_lines, keys_of, verify_file
from services.signing import Signed, signer
from services.storage.audit import AuditBatch
from services.storage.sealed_log import SealedLog, SealedReader
from services.storage.sqlite import SqliteDatabase
from tests.bench.measure import Figure

LEAVES = 1_000_000
BATCH = 1000
VERIFIED = 100_000
ROUNDS = 2000
_METHOD = "/veilgraph.recommender.v1.RecommenderService/Recommend"


def figures() -> list[Figure]:
    """Builds a log of a million leaves in a temporary folder and measures it."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder)))


async def _measured(folder: Path) -> list[Figure]:
    database = SqliteDatabase(folder / "consent.db", "consent")
    ring = KeyRing.create(secrets.token_bytes, 0)
    log = SealedLog(database, "acme", signer(ring, Signed.AUDIT_HEAD), lambda: 1_700_000_000_000)
    process, subject = secrets.token_bytes(8), SubjectId(secrets.token_bytes(16))
    seal = SubjectSeal(secrets.token_bytes(32), process)
    measured = [
        _figure(
            "audit.encode_and_seal_subject",
            _per_call(lambda: _leaf(1, process, subject, seal).encoded()),
            "us",
        )
    ]
    # The same decisions again and again: what is measured is the log, which does not look into leaves.
    leaf = _leaf(1, process, subject, seal)
    spent = 0.0
    for seq in range(LEAVES // BATCH):
        leaves = packed(
            leaf._replace(number=number).encoded() for number in range(seq * BATCH + 1, (seq + 1) * BATCH + 1)
        )
        begun = perf_counter()
        await log.seal("recommender", [AuditBatch(seq + 1, leaves)])
        spent += perf_counter() - begun
    measured.append(_figure("audit.append_a_leaf_of_1e6", spent / LEAVES * 1e6, "us", LEAVES))
    sealed = SealedReader(database.reader, "acme")
    signed = sealed.head()
    assert signed is not None
    head = signed.head
    picked = [secrets.randbelow(LEAVES) for _ in range(ROUNDS)]
    paths = dict(zip(picked, [sealed.inclusion(index, LEAVES) for index in picked], strict=True))
    older = sealed.head(LEAVES // 2)
    assert older is not None
    path = sealed.consistency(LEAVES // 2, LEAVES)
    encodings = {index: sealed.leaf(index) or b"" for index in picked[:50]}
    indexes = iter(picked * 2)
    known = iter(list(encodings) * ROUNDS)

    def check_inclusion() -> None:
        index = next(known)
        assert includes(head.root, LEAVES, index, leaf_hash(encodings[index]), paths[index])

    def check_consistency() -> None:
        assert extends((LEAVES // 2, older.head.root), (LEAVES, head.root), path)

    measured += [
        _figure("audit.prove_inclusion", _per_call(lambda: sealed.inclusion(next(indexes), LEAVES)), "us"),
        _figure("audit.verify_inclusion", _per_call(check_inclusion), "us"),
        _figure("audit.prove_consistency", _per_call(lambda: sealed.consistency(LEAVES // 2, LEAVES)), "us"),
        _figure("audit.verify_consistency", _per_call(check_consistency), "us"),
    ]
    lines = [line for batch in _batches(sealed) for line in batch_lines(batch)]
    keys = json.loads(json.dumps(keys_of(ring)))
    begun = perf_counter()
    report = verify_file(lines, keys, [])
    assert report.rows == VERIFIED
    assert not report.findings
    measured.append(
        _figure("audit.verify_a_row_of_a_file", (perf_counter() - begun) / VERIFIED * 1e6, "us", VERIFIED)
    )
    database.close()
    size = (folder / "consent.db").stat().st_size / LEAVES
    measured.append(_figure("audit.log_bytes_a_leaf", size, "bytes", LEAVES))
    return measured


def _batches(sealed: SealedReader) -> Iterator:
    index = 0
    while index < VERIFIED:
        for batch in sealed.batches(index, (VERIFIED - index) // BATCH):
            yield batch
            index = batch.signed.head.size


def _leaf(number: int, process: bytes, subject: SubjectId, seal: SubjectSeal) -> Leaf:
    leaf = Leaf(
        process=process,
        number=number,
        at_ms=1_700_000_000_000,
        epoch=7,
        purposes=1 << 8,
        disclosed=0b111,
        caller="shop",
        method=_METHOD,
        code="OK",
        request_id="a1b2c3d4e5f6-1f",
    )
    return with_decisions(leaf, [(subject, 8, True)], lambda _: seal)


def _per_call(call: Callable[[], object]) -> float:
    begun = perf_counter()
    for _ in range(ROUNDS):
        call()
    return (perf_counter() - begun) / ROUNDS * 1e6


def _figure(name: str, value: float, unit: str, n: int = ROUNDS) -> Figure:
    """A figure that is stated and compared with nothing."""
    return Figure(name, value, 1.0, value, unit, n)


if __name__ == "__main__":
    for figure in figures():
        print(figure)
