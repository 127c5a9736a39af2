"""A service's audit records on disk: when they are, in what, and what happens when they can not be."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextvars import Context
from pathlib import Path
from typing import Any

import pytest

from consent.auditlog.leaf import Leaf, decoded, unpacked
from consent.auditlog.sealing import SubjectSeal
from consent.policy import LEAVES_MAX, Policy
from identity.ids import SubjectId
from identity.keyring import KeyRing
from services.interceptors.audit import WRITTEN, AuditRecord
from services.interceptors.plan import MethodPlan, compile_service
from services.storage.audit import WAITING_MAX, StoredAuditLog
from services.storage.database import StoreUnusable
from services.storage.sqlite import SqliteDatabase
from services.storage.subject_keys import SubjectKeys
from tests.probe.v1 import probe_pb2

NOW_MS = 1_700_000_000_000
ANN, BOB = SubjectId(b"a" * 16), SubjectId(b"b" * 16)


@pytest.fixture
def plan(policy: Policy) -> MethodPlan:
    service = probe_pb2.DESCRIPTOR.services_by_name["ProbeService"]
    return compile_service(service, policy)["/tests.probe.v1.ProbeService/Ask"]


@pytest.fixture
def database(tmp_path: Path):
    opened = SqliteDatabase(tmp_path / "consent.db", "consent")
    yield opened
    opened.close()


@pytest.fixture
def log(database: SqliteDatabase, keyring: KeyRing) -> StoredAuditLog:
    return StoredAuditLog(database, keyring)


def record(plan: MethodPlan, *decided: tuple[SubjectId, int, bool], **parts: Any) -> AuditRecord:
    values: dict[str, Any] = {
        "at_ms": NOW_MS,
        "request_id": "r-1",
        "caller": "shop",
        "plan": plan,
        "view": plan.views[plan.purpose],
        "epoch": 7,
        "decided": {(subject, purpose): allowed for subject, purpose, allowed in decided},
        "refused_items": 0,
        "evidence": (),
        "code": "OK",
        "reason": "",
    }
    return AuditRecord(**(values | parts))


def kept(database: SqliteDatabase) -> list[Leaf]:
    rows = database.reader.execute("SELECT leaves FROM audit_batches ORDER BY seq")
    return [decoded(leaf) for (leaves,) in rows for leaf in unpacked(leaves)]


@pytest.mark.parametrize("purpose", [0, LEAVES_MAX - 1])
async def test_a_decision_on_any_purpose_of_a_tree_is_kept(database, log, plan, purpose: int):
    """One record that could not be written would hold up all after it."""
    log.append(record(plan, (ANN, purpose, True)))
    await log.flush()
    (leaf,) = kept(database)
    assert leaf.purposes == 1 << purpose


async def test_a_record_says_what_the_call_was_decided_by(database, log, plan, policy):
    """Policy, contract, epoch, what the view could hold and what it could not."""
    log.append(record(plan, (ANN, 3, True), reason="WHY", evidence=(b"id",)))
    await log.flush()
    (leaf,) = kept(database)
    assert leaf.policy.hex() == policy.digest
    assert leaf.contract == plan.contract
    assert (leaf.method, leaf.caller, leaf.epoch, leaf.reason) == (plan.name, "shop", 7, "WHY")
    assert (leaf.disclosed, leaf.redacted) == (
        plan.views[plan.purpose].disclosed,
        plan.views[plan.purpose].redacted,
    )
    assert leaf.disclosed
    assert leaf.evidence == (b"id",)


async def test_a_subject_opens_with_its_key_until_the_key_is_destroyed(database, log, plan, keyring):
    """What is kept of an erased person is that something was decided about somebody."""
    log.append(record(plan, (ANN, 3, True), (BOB, 3, False)))
    await log.flush()
    (leaf,) = kept(database)
    keys = SubjectKeys(keyring)
    ann = SubjectSeal(keys.existing(database.reader, [ANN])[ANN], leaf.process)
    assert [ann.opened(leaf, place) for place in (0, 1)] == [ANN, None]
    await database.write(lambda connection: keys.destroy(connection, [ANN]))
    log.append(record(plan, (ANN, 3, False)))
    await log.flush()
    assert kept(database)[0] == leaf
    assert kept(database)[1].decisions[0].says_nobody
    assert keys.existing(database.reader, [ANN]) == {}


async def test_records_are_numbered_as_they_are_taken(database, log, plan):
    """A write's record reaches the disk before reads that were counted before it, and says so."""
    log.append(record(plan))
    log.rider.set(lambda: log.ride(record(plan, code=WRITTEN)))
    await database.write(lambda _connection: None)
    log.rider.set(None)
    log.append(record(plan))
    await log.flush()
    assert [(leaf.number, leaf.code) for leaf in kept(database)] == [(2, WRITTEN), (1, "OK"), (3, "OK")]


async def test_the_record_of_a_write_is_there_exactly_when_the_write_is(database, log, plan):
    """One savepoint: a write that fails takes its record with it."""
    log.rider.set(lambda: log.ride(record(plan, code=WRITTEN)))

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE t (x)")
        raise KeyError

    with pytest.raises(KeyError):
        await database.write(fail)
    assert kept(database) == []
    await database.write(lambda connection: connection.execute("CREATE TABLE t (x)"))
    assert [leaf.code for leaf in kept(database)] == [WRITTEN]
    assert await log.feed.head() == 1


async def test_the_number_of_a_write_that_failed_goes_to_the_next_record(database, log, plan):
    """Else the log would say that a record was lost, which was never to be."""
    log.rider.set(lambda: log.ride(record(plan, code=WRITTEN)))

    def fail(_connection: sqlite3.Connection) -> None:
        raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            await database.write(fail)
    log.rider.set(None)
    log.append(record(plan, code="PERMISSION_DENIED"))
    await log.flush()
    log.append(record(plan))
    await log.flush()
    assert [leaf.number for leaf in kept(database)] == [1, 2]


async def test_the_number_of_a_failed_write_comes_back_although_its_caller_went_away(database, log, plan):
    """Nobody waits for the write any more; what became of it is known all the same."""
    held = threading.Event()

    def fail(_connection: sqlite3.Connection) -> None:
        held.wait()
        raise KeyError

    log.rider.set(lambda: log.ride(record(plan, code=WRITTEN)))
    write = asyncio.get_running_loop().create_task(database.write(fail))
    await asyncio.sleep(0)
    write.cancel()
    with pytest.raises(asyncio.CancelledError):
        await write
    log.rider.set(None)
    held.set()
    await database.write(lambda _connection: None)
    log.append(record(plan))
    await log.flush()
    assert [leaf.number for leaf in kept(database)] == [1]


async def test_a_tasks_writes_take_along_nothing_of_another_task(database, log, plan):
    """Neither another call's writes nor the log's own."""
    log.rider.set(lambda: log.ride(record(plan, code=WRITTEN)))
    log.append(record(plan))
    await log.feed.after(0)
    write = asyncio.get_running_loop().create_task(
        database.write(lambda _connection: None), context=Context()
    )
    await write
    assert [leaf.code for leaf in kept(database)] == ["OK"]


@pytest.mark.parametrize("fault", [StoreUnusable, ValueError])
async def test_a_log_whose_batch_was_not_taken_is_full_until_it_is(database, log, plan, monkeypatch, fault):
    """A dead disk or a bad record stops the service at once; nothing is lost or doubled."""
    write, broken = database.write, True

    async def writing(job: Any) -> Any:
        if broken:
            raise fault
        return await write(job)

    monkeypatch.setattr(database, "write", writing)
    log.append(record(plan))
    with pytest.raises(fault):
        await log.flush()
    assert log.full
    broken = False
    await log.flush()
    assert not log.full
    assert [leaf.number for leaf in kept(database)] == [1]


async def test_a_full_log_counts_what_it_does_not_keep(database, log, plan):
    """The gap in the numbers is what tells."""
    for _ in range(WAITING_MAX):
        log.append(record(plan))
    assert log.full
    log.append(record(plan))
    await log.flush()
    assert not log.full
    log.append(record(plan))
    await log.flush()
    numbers = [leaf.number for leaf in kept(database)]
    assert numbers[-2:] == [WAITING_MAX, WAITING_MAX + 2]


async def test_the_feed_goes_on_where_another_process_ended(database, log, plan, keyring):
    """Positions are the store's, numbers are the process's."""
    log.append(record(plan))
    await log.flush()
    again = StoredAuditLog(database, keyring)
    again.append(record(plan))
    await again.flush()
    batches = await again.feed.after(0)
    assert [batch.seq for batch in batches] == [1, 2]
    first, second = kept(database)
    assert (first.number, second.number) == (1, 1)
    assert first.process != second.process


async def test_a_record_says_for_whom_ids_were_asked(database, log, plan):
    log.append(record(plan, (ANN, 3, True), recipient="partner", evidence=(b"hash",)))
    log.append(record(plan, (ANN, 3, True)))
    await log.flush()
    assert [leaf.recipient for leaf in kept(database)] == ["partner", "shop"]
