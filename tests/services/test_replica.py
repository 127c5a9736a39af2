"""A replica decides by what it was told, in order, and only while its lease lives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from consent.component import GraphStep
from consent.guard_table import GuardTable
from consent.leases import MARGIN_MS, TTL_MS, Leases
from consent.policy import Policy
from consent.record import Action
from services.consent import guard_stream
from services.consent import replica as replica_module
from services.consent.authority import ConsentAuthority
from services.consent.barrier import Barrier
from services.consent.guard_stream import GuardServicer
from services.consent.replica import Replica
from services.consent.rounds import AuthorityStopped
from services.storage.consent import ConsentTables
from services.storage.sqlite import SqliteDatabase
from tests.conftest import Clock
from tests.consent.statements import KEYS, entry, statement, subject
from tests.replicas.wire import Wire
from veilgraph.internal.v1 import guard_pb2

ANNA, BERT = subject(1), subject(2)


@dataclass
class Deployment:
    """An authority on a file, and replicas that follow it."""

    folder: Path
    policy: Policy
    wall: Clock
    boot: Clock
    log: list[str] = field(default_factory=list)
    requests: int = 0
    ring: int = 0

    async def begin(self) -> None:
        self.database = SqliteDatabase(self.folder / "consent.db", "consent")
        await self.take_over()

    async def take_over(self) -> None:
        """Another authority on the same records begins a term."""
        self.barrier = Barrier(Leases(), self.boot)
        store = ConsentTables(self.database, self.policy, KEYS)
        self.authority = ConsentAuthority(store, self.policy, self.wall, self.barrier)
        await self.authority.start()
        self.servicer = GuardServicer(self.authority)

    async def end(self) -> None:
        self.boot.now_ms += TTL_MS + MARGIN_MS  # nobody is waited for any more
        self.barrier.settle()
        self.servicer.close()
        await self.authority.stop()
        self.database.close()

    @asynccontextmanager
    async def following(
        self, wire: Wire, policy: Policy | None = None, ring: int = 0
    ) -> AsyncIterator[Replica]:
        """A replica whose process holds the key ring of a revision."""
        self.ring = ring
        replica = Replica(
            wire.follow,
            policy or self.policy,
            self.log.append,
            self.boot,
            holds_keys=lambda revision: revision <= self.ring,
        )
        replica.start()
        try:
            yield replica
        finally:
            wire.open.set()
            wire.acknowledging.set()
            await replica.stop()

    def say(self, action: Action, purpose: str = "loyalty") -> asyncio.Task:
        self.wall.now_ms += 1
        self.requests += 1
        one = entry(
            self.policy,
            statement(ANNA, purpose, action=action, effective_at_ms=None),
            request_id=f"r{self.requests}",
            now_ms=self.wall(),
        )
        return asyncio.create_task(self.authority.record([one]))

    def allows(self, table: GuardTable, purpose: str = "loyalty") -> bool:
        return table.ready and table.allows(ANNA, self.policy.index(purpose), self.wall())


@pytest.fixture
async def deployment(tmp_path: Path, policy: Policy, clock: Clock) -> AsyncIterator[Deployment]:
    deployment = Deployment(tmp_path, policy, clock, Clock(1_000))
    await deployment.begin()
    await deployment.authority.apply_graph([GraphStep(1, (ANNA, BERT), ())])
    await deployment.say(Action.GRANT)
    yield deployment
    await deployment.end()


async def turns(until: Callable[[], bool]) -> None:
    """Lets everybody have their turn until something holds."""
    async with asyncio.timeout(10):
        while not until():  # noqa: ASYNC110 - asked after each turn of the loop
            await asyncio.sleep(0)


async def test_a_replica_decides_only_after_the_state_and_a_lease(deployment: Deployment):
    """Before either it denies, and says that nothing is there yet."""
    wire = Wire(deployment.servicer)
    wire.open.clear()
    async with deployment.following(wire) as replica:
        await turns(lambda: bool(wire.told))
        assert not replica.table.loaded
        wire.open.set()
        await replica.ready()
        assert deployment.allows(replica.table)
        assert replica.table.epoch == deployment.authority.epoch


async def test_a_withdrawal_returns_when_the_replica_has_acknowledged_it(deployment: Deployment):
    """And not before: while the acknowledgement is on its way the call waits."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.acknowledging.clear()
        withdrawal = deployment.say(Action.WITHDRAW)
        await turns(lambda: not deployment.allows(replica.table))
        assert not withdrawal.done()
        wire.acknowledging.set()
        await withdrawal
        assert not deployment.allows(replica.table)


async def test_a_withdrawal_waits_for_a_silent_replica_until_its_lease_is_over(deployment: Deployment):
    """By then the replica denies by itself, whatever it holds; the next withdrawal does not wait for it."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.open.clear()
        withdrawal = deployment.say(Action.WITHDRAW)
        await turns(lambda: deployment.authority.epoch > replica.table.epoch)
        assert deployment.allows(replica.table)  # nothing has returned
        deployment.boot.now_ms += TTL_MS
        deployment.barrier.settle()
        assert not replica.table.ready
        await asyncio.sleep(0)
        assert not withdrawal.done()  # the margin
        deployment.boot.now_ms += MARGIN_MS
        deployment.barrier.settle()
        await withdrawal
        await deployment.say(Action.REFUSE, "marketing.email")


async def test_a_replica_without_a_lease_decides_again_only_with_the_new_state(deployment: Deployment):
    """What it missed comes before the lease."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.open.clear()
        withdrawal = deployment.say(Action.WITHDRAW)
        await turns(lambda: deployment.authority.epoch > replica.table.epoch)
        deployment.boot.now_ms += TTL_MS + MARGIN_MS
        deployment.barrier.settle()
        await withdrawal
        replica.renew()
        wire.open.set()
        await replica.ready()
        assert replica.table.ready
        assert not deployment.allows(replica.table)


async def test_a_grant_does_not_wait_for_a_silent_replica(deployment: Deployment):
    """It is in effect where it can be."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.open.clear()
        await deployment.say(Action.GRANT, "marketing.email")
        assert not deployment.allows(replica.table, "marketing.email")
        wire.open.set()
        await turns(lambda: deployment.allows(replica.table, "marketing.email"))


async def test_a_caller_that_goes_away_while_the_barrier_holds_changes_nothing(deployment: Deployment):
    """The withdrawal is in effect as if somebody had waited."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.acknowledging.clear()
        withdrawal = deployment.say(Action.WITHDRAW)
        await turns(lambda: not deployment.allows(replica.table))
        withdrawal.cancel()
        await asyncio.gather(withdrawal, return_exceptions=True)
        wire.acknowledging.set()
        await deployment.say(Action.REFUSE, "marketing.email")
        assert not deployment.allows(replica.table)


async def test_a_replica_whose_stream_broke_reads_on_where_it_was(deployment: Deployment):
    """It is sent what it missed, not the whole state."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.told.clear()
        wire.cut.set()
        await deployment.say(Action.GRANT, "marketing.email")
        await turns(lambda: deployment.allows(replica.table, "marketing.email"))
        assert not any(response.part.whole for response in wire.told)
    assert deployment.log == []


async def test_a_replica_that_was_away_too_long_gets_the_whole_state(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    """The steps in between are not kept for ever."""
    monkeypatch.setattr(guard_stream, "KEPT_BYTES_MAX", 0)
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.told.clear()
        wire.open.clear()
        await deployment.say(Action.GRANT, "marketing.email")
        wire.cut.set()
        wire.open.set()
        await turns(lambda: deployment.allows(replica.table, "marketing.email"))
        assert any(response.part.whole for response in wire.told)


async def test_a_long_state_comes_in_parts_and_is_applied_at_once(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    """A table is the whole state or not loaded."""
    from consent import packing

    monkeypatch.setattr(packing, "SUBJECTS_MAX", 1)
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        parts = [response.part for response in wire.told if response.HasField("part")]
        assert [part.more for part in parts] == [True, True, False]  # the first says the term
        assert set(replica.table.subjects()) == {ANNA, BERT}


async def test_a_replica_under_another_policy_gets_neither_state_nor_lease(deployment: Deployment):
    """Masks mean nothing there. It says so once, however often it tries."""
    from dataclasses import replace

    wire = Wire(deployment.servicer)
    tries = 0

    async def follow(requests):
        nonlocal tries
        tries += 1
        async for response in wire.follow(requests):
            yield response

    counted = Wire(deployment.servicer)
    counted.follow = follow  # type: ignore[method-assign]
    async with deployment.following(counted, replace(deployment.policy, digest="another")) as replica:
        await turns(lambda: tries >= 3)
        assert not replica.table.loaded
        assert not wire.told
    assert [line for line in deployment.log if "POLICY_DIFFERS" in line] == deployment.log
    assert len(deployment.log) == 1


async def test_a_machine_that_slept_wakes_without_a_lease(deployment: Deployment):
    """The clock of leases runs while a machine sleeps; decisions begin again with a new lease."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        deployment.boot.now_ms += 3_600_000
        assert not replica.table.ready
        assert not replica.table.allows(ANNA, deployment.policy.index("loyalty"), deployment.wall())
        replica.renew()
        await replica.ready()


@pytest.mark.parametrize("jump_ms", [-86_400_000, 86_400_000])
async def test_a_wall_clock_that_is_set_moves_no_lease(deployment: Deployment, jump_ms: int):
    """Neither does a lease live longer by it nor end."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        deployment.wall.now_ms += jump_ms
        assert replica.table.ready
        deployment.boot.now_ms += TTL_MS
        assert not replica.table.ready


async def test_a_replica_that_stops_holds_nobody_up(deployment: Deployment):
    """It says that it decides nothing any more, and a withdrawal returns at once."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        assert deployment.barrier.holders
    assert not replica.table.ready
    assert not deployment.barrier.holders
    await deployment.say(Action.WITHDRAW)


async def test_an_authority_that_begins_waits_for_the_leases_of_the_term_before(deployment: Deployment):
    """A withdrawal right after a restart does not return while a replica may decide by the state before."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.open.clear()
        await deployment.take_over()
        withdrawal = deployment.say(Action.WITHDRAW)
        epoch = deployment.authority.epoch
        await turns(lambda: deployment.authority.epoch > epoch)
        assert deployment.allows(replica.table)
        assert not withdrawal.done()
        deployment.boot.now_ms += TTL_MS
        assert not deployment.allows(replica.table)
        deployment.boot.now_ms += MARGIN_MS
        deployment.barrier.settle()
        await withdrawal


async def test_a_replica_that_follows_the_new_authority_is_not_waited_for(deployment: Deployment):
    """Renewals go on at once after a restart, and an acknowledgement is one."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        await deployment.take_over()
        wire.servicer = deployment.servicer
        wire.cut.set()
        await turns(lambda: replica.term == deployment.authority.term)
        await deployment.say(Action.WITHDRAW)
        assert replica.table.ready
        assert not deployment.allows(replica.table)


async def test_an_authority_that_was_paused_while_another_took_over_keeps_nothing_alive(
    deployment: Deployment,
):
    """It neither writes nor renews; on the first attempt it finds out and closes its tables."""
    own = GuardTable(deployment.policy)
    deployment.authority.subscribe(own)
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        paused = deployment.authority
        await deployment.take_over()
        replica.renew()
        await turns(lambda: not own.loaded)
        with pytest.raises(AuthorityStopped):
            await paused.apply_graph([GraphStep(2, (subject(3),), ())])
        deployment.boot.now_ms += TTL_MS
        assert not replica.table.ready


async def granted(barrier: Barrier) -> None:
    """Returns when the next lease is granted, and about to be told."""
    given, grant = asyncio.Event(), barrier.grant

    def noted(*arguments: Any) -> None:
        grant(*arguments)
        given.set()

    barrier.grant = noted  # type: ignore[method-assign]
    await given.wait()
    await asyncio.sleep(0)


async def told_before_the_state(deployment: Deployment, holder: bytes) -> bool:
    """Whether somebody who asks for a lease after the first part of two gets it before the second."""
    asked = asyncio.Event()
    hello = guard_pb2.Hello(replica=holder, term=1, epoch=1, policy_digest=deployment.policy.digest)

    async def says() -> AsyncIterator[guard_pb2.FollowRequest]:
        yield guard_pb2.FollowRequest(hello=hello)
        await asked.wait()
        yield guard_pb2.FollowRequest(lease_sent_at_ms=deployment.boot())
        await asyncio.Event().wait()

    told = deployment.servicer.Follow(says(), None)
    assert (await anext(told)).part.more
    asked.set()
    await granted(deployment.barrier)
    second = await anext(told)
    await told.aclose()
    return second.HasField("lease")


async def test_a_lease_of_the_term_before_goes_on_while_the_state_is_told(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    """Soon after the change of hands, for whoever held one; the state of a million takes seconds."""
    from consent import packing

    monkeypatch.setattr(packing, "SUBJECTS_MAX", 1)
    async with deployment.following(Wire(deployment.servicer)) as replica:
        await replica.ready()
        await deployment.take_over()
        (holder,) = deployment.barrier.holders
        assert not await told_before_the_state(deployment, b"another replica.")
        assert await told_before_the_state(deployment, holder)
        deployment.boot.now_ms += TTL_MS // 2
        assert not await told_before_the_state(deployment, holder)


async def test_a_lease_that_ended_does_not_go_on(deployment: Deployment, monkeypatch: pytest.MonkeyPatch):
    """What was restricted since may have returned: it was waited for no longer."""
    from consent import packing

    monkeypatch.setattr(packing, "SUBJECTS_MAX", 1)
    async with deployment.following(Wire(deployment.servicer)) as replica:
        await replica.ready()
        await deployment.take_over()
        (holder,) = deployment.barrier.holders
        deployment.boot.now_ms += TTL_MS + MARGIN_MS
        await deployment.say(Action.WITHDRAW)
        assert not await told_before_the_state(deployment, holder)


async def test_who_was_overtaken_takes_no_lease_for_ended(deployment: Deployment):
    """The next authority may have had it go on: the withdrawal does not return, and is durable."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        wire.acknowledging.clear()
        withdrawal = deployment.say(Action.WITHDRAW)
        epoch = deployment.authority.epoch
        await turns(lambda: deployment.authority.epoch > epoch)
        barrier = deployment.barrier
        await deployment.take_over()
        deployment.boot.now_ms += TTL_MS + MARGIN_MS
        barrier.settle()
        with pytest.raises(AuthorityStopped):
            await withdrawal
        loyalty = deployment.policy.index("loyalty")
        assert not deployment.authority.snapshot().entries[ANNA].allow >> loyalty & 1


async def test_a_replica_goes_on_deciding_while_the_next_term_tells_its_state(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    """It asks as soon as it hears of the term, and decides by what it held."""
    from consent import packing

    monkeypatch.setattr(packing, "SUBJECTS_MAX", 1)
    monkeypatch.setattr(replica_module, "RENEWALS_A_TTL", 0.01)  # not because it is time
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        before = replica.table.epoch
        deployment.boot.now_ms += TTL_MS - 1
        await deployment.take_over()
        told, told_all = asyncio.Event(), asyncio.Event()

        async def between() -> None:
            if wire.told[-1].HasField("lease"):
                told.set()
                await told_all.wait()
            else:
                await granted(deployment.barrier)

        wire.servicer, wire.between = deployment.servicer, between
        wire.cut.set()
        async with asyncio.timeout(10):
            await told.wait()
        deployment.boot.now_ms += 1
        assert (replica.table.epoch, replica.table.ready) == (before, True)
        wire.between = None
        told_all.set()
        await turns(lambda: replica.table.epoch == deployment.authority.epoch)


async def test_a_replica_refuses_a_term_that_is_over(deployment: Deployment):
    """Once it has heard of a term, nothing of an earlier one reaches its table."""
    old = deployment.servicer
    await deployment.take_over()
    new = Wire(deployment.servicer)
    async with deployment.following(new) as replica:
        await replica.ready()
        epoch = replica.table.epoch
        new.servicer = old
        old._over = False
        new.cut.set()
        await turns(lambda: any("TERM_OVER" in line for line in deployment.log))
        assert replica.table.epoch == epoch
        deployment.boot.now_ms += TTL_MS
        assert not replica.table.ready


async def test_a_holder_is_kept_before_its_lease_is_out(deployment: Deployment):
    """So the next authority knows whom to wait for, also when several ask at once."""
    wires = [Wire(deployment.servicer) for _ in range(3)]
    async with (
        deployment.following(wires[0]) as one,
        deployment.following(wires[1]) as two,
        deployment.following(wires[2]) as three,
    ):
        for replica in (one, two, three):
            await replica.ready()
        begun = await ConsentTables(deployment.database, deployment.policy, KEYS).begin()
        assert begun.holders == deployment.barrier.holders
        assert len(begun.holders) == 3


async def test_whose_lease_ran_out_is_kept_no_longer(deployment: Deployment):
    """Or each authority after it would wait for a replica that is gone."""
    async with deployment.following(Wire(deployment.servicer)) as replica:
        await replica.ready()
        await deployment.authority.grant_lease(b"one that is gone", deployment.boot(), lambda: 0)
        assert len(deployment.barrier.holders) == 2
        deployment.boot.now_ms += TTL_MS + MARGIN_MS
        replica.renew()
        await turns(lambda: b"one that is gone" not in deployment.barrier.holders)
        await turns(lambda: replica.table.ready)
        replica.renew()
        await turns(lambda: deployment.authority._term.holders_kept == deployment.barrier.holders)
        begun = await ConsentTables(deployment.database, deployment.policy, KEYS).begin()
        assert begun.holders == {replica._name}


async def test_a_change_of_keys_returns_when_the_replicas_process_holds_the_ring(deployment: Deployment):
    """Without it the step is not taken, whatever else the step says."""
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        before = replica.table.epoch
        change = asyncio.create_task(deployment.authority.hold_keys(7))
        await turns(lambda: any("KEYS_BEHIND" in line for line in deployment.log))
        assert not change.done()
        assert replica.table.epoch == before
        deployment.ring = 7
        await change
        assert replica.table.epoch == deployment.authority.epoch > before


async def test_a_replica_that_never_gets_the_ring_is_waited_for_until_it_denies(deployment: Deployment):
    wire = Wire(deployment.servicer)
    async with deployment.following(wire) as replica:
        await replica.ready()
        change = asyncio.create_task(deployment.authority.hold_keys(7))
        await turns(lambda: any("KEYS_BEHIND" in line for line in deployment.log))
        deployment.boot.now_ms += TTL_MS + MARGIN_MS
        deployment.barrier.settle()
        await change
        assert not replica.table.ready


async def test_who_comes_later_decides_nothing_without_the_ring_either(deployment: Deployment):
    await deployment.authority.hold_keys(7)
    wire = Wire(deployment.servicer)
    async with deployment.following(wire, ring=6) as replica:
        await turns(lambda: any("KEYS_BEHIND" in line for line in deployment.log))
        assert not replica.table.loaded
        deployment.ring = 8
        await replica.ready()


async def test_asked_again_a_change_of_keys_takes_no_further_step(deployment: Deployment):
    await deployment.authority.hold_keys(7)
    epoch = deployment.authority.epoch
    await deployment.authority.hold_keys(7)
    await deployment.authority.hold_keys(3)
    assert deployment.authority.epoch == epoch


async def test_the_whole_state_is_packed_once_for_all_who_are_told_it_at_a_time(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    """Each of three replicas that come at once holds everybody; the state was cut into batches once."""
    packed, cut = guard_stream.packed, []

    def counted(entries):
        cut.append(len(entries))
        return packed(entries)

    monkeypatch.setattr(guard_stream, "packed", counted)
    requests = [asyncio.Event() for _ in range(3)]

    async def hello(over: asyncio.Event):
        greeting = guard_pb2.Hello(replica=bytes(16), policy_digest=deployment.policy.digest)
        yield guard_pb2.FollowRequest(hello=greeting)
        await over.wait()

    streams = [deployment.servicer.Follow(hello(over), None) for over in requests]
    told = [[await anext(stream)] for stream in streams]
    while not all(parts[-1].HasField("part") and not parts[-1].part.more for parts in told):
        for stream, parts in zip(streams, told, strict=True):
            parts.append(await anext(stream))
    assert cut == [0, 0, 0, 2]
    assert len({tuple(part.part.entries for part in parts) for parts in told}) == 1
    for stream in streams:
        await stream.aclose()
