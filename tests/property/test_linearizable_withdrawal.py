"""Random concurrent histories over several replicas: nothing that returned is ignored anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.component import EdgeFact, EdgeState, GraphStep
from consent.guard_table import NEVER_MS, GuardUpdate
from consent.leases import MARGIN_MS, TTL_MS, Leases
from consent.record import Action, CollectedVia, Notice, Said
from consent.statement import LedgerEntry, Origin, Statement, ledger_entry
from identity.ids import SubjectId
from services.consent.authority import ConsentAuthority
from services.consent.barrier import Barrier
from services.consent.guard_stream import GuardServicer
from services.consent.replica import Replica
from services.storage.consent import ConsentTables
from services.storage.sqlite import SqliteDatabase
from tests.conftest import Clock
from tests.consent.statements import KEYS
from tests.property.consent_worlds import POLICIES, STRICT, SUBJECTS, WIDE
from tests.property.histories import NEVER, NotLinearizable, Read, Write, check, widened
from tests.replicas.wire import Wire

POLICY = POLICIES["consent"]
NOW_MS = 1_000_000
REPLICAS = 3
LEAVES = ("show.items", "mail.letter", "place")
LINKING = "identity.link.deterministic"
ANNA, BERT, CORA = SUBJECTS[:3]


@dataclass(frozen=True)
class Say:
    subject: SubjectId
    node: str
    action: Action


@dataclass(frozen=True)
class Link:
    number: int
    state: EdgeState


@dataclass(frozen=True)
class Hold:
    replica: int
    held: bool


@dataclass(frozen=True)
class Sleep:
    ms: int


@dataclass(frozen=True)
class Look:
    replica: int


people = st.sampled_from((ANNA, BERT, CORA))
replicas = st.integers(0, REPLICAS - 1)
nodes = st.sampled_from(("show", "mail", "mail.letter", "place", LINKING))
steps = st.one_of(
    st.builds(Say, people, nodes, st.sampled_from(Action)),
    st.builds(Link, st.integers(0, 2), st.sampled_from((EdgeState.ACTIVE, EdgeState.WRONG))),
    st.builds(Hold, replicas, st.booleans()),
    st.builds(Sleep, st.sampled_from((10, TTL_MS // 2, TTL_MS + MARGIN_MS))),
    st.builds(Look, replicas),
)
#: After a step the next one comes at once, after some turns of the event loop, or when all that
#: was begun is durable and at every replica whose stream is not held back.
AT_ONCE, SOON, CALM = 0, 5, -1
plans = st.lists(st.tuples(steps, st.sampled_from((AT_ONCE, SOON, CALM))), max_size=20)
Plan = Sequence[tuple[Any, int]]


class NotingStore(ConsentTables):
    """Remembers the epoch of each step of the graph."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.epoch_of: dict[int, int] = {}

    async def project(self, steps: Sequence[GraphStep], entries: Sequence[LedgerEntry] = ()) -> int:
        epoch = await super().project(steps, entries)
        self.epoch_of.update({step.seq: epoch for step in steps})
        return epoch


class NotingDatabase(SqliteDatabase):
    """Says when one of its writes came back, so that whoever waits leaves the writer's thread alone.

    A loop that only turned while it waits would take the interpreter from the thread it waits for.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.under_way = 0
        self._back = asyncio.Event()

    async def write(self, write: Any) -> Any:
        self.under_way += 1
        try:
            return await super().write(write)
        finally:
            self.under_way -= 1
            self._back.set()

    async def turn(self) -> None:
        """One turn of the event loop; as many as go by until a write that is under way came back."""
        if self.under_way:
            self._back.clear()
            await self._back.wait()
        else:
            await asyncio.sleep(0)


class Masks:
    """A subscriber that remembers everybody's allow mask at each epoch."""

    def __init__(self) -> None:
        self.states: list[tuple[int, dict[SubjectId, int]]] = []

    def apply(self, update: GuardUpdate) -> None:
        known = self.states[-1][1] if self.states else {}
        news = {subject: entry.allow for subject, entry in update.entries.items() if entry is not None}
        self.states.append((update.epoch, known | news))

    def lose(self) -> None:
        pass


@dataclass
class Run:
    """One authority, three replicas, and what is noted while a plan is carried out."""

    authority: ConsentAuthority
    database: NotingDatabase
    store: NotingStore
    barrier: Barrier
    boot: Clock
    wires: list[Wire]
    replicas: list[Replica]
    masks: Masks
    instant: int = 0
    seq: int = 1
    writes: list[Write] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    writing: list[asyncio.Task[None]] = field(default_factory=list)
    kept: int = 0

    def tick(self) -> int:
        self.instant += 1
        return self.instant

    async def carry_out(self, plan: Plan) -> None:
        for step, turns in plan:
            self.begin(step)
            for _ in range(turns):
                await asyncio.sleep(0)
            while turns == CALM and not self.calm():
                await self.database.turn()
        for wire in self.wires:
            wire.open.set()
        while not all(task.done() for task in self.writing):
            self.sleep(TTL_MS)
            await self.database.turn()
        for number in range(REPLICAS):
            self.look(number)
        await asyncio.gather(*self.writing)

    def calm(self) -> bool:
        free = [one for one, wire in zip(self.replicas, self.wires, strict=True) if wire.open.is_set()]
        return (
            self.kept == len(self.writing)
            and self.authority.graph_cursor == self.seq
            and all(one.table.epoch == self.authority.epoch for one in free)
        )

    def begin(self, step: Any) -> None:
        match step:
            case Say() | Link():
                self.writing.append(asyncio.create_task(self.write(step)))
            case Hold(number, held):
                (self.wires[number].open.clear if held else self.wires[number].open.set)()
            case Sleep(ms):
                self.sleep(ms)
            case Look(number):
                self.look(number)

    def sleep(self, ms: int) -> None:
        self.boot.now_ms += ms
        self.barrier.settle()
        for one in self.replicas:
            one.renew()

    def look(self, number: int) -> None:
        """Every decision of a replica; none at all without a lease."""
        table = self.replicas[number].table
        for subject in (ANNA, BERT, CORA):
            for leaf in LEAVES:
                if table.ready:
                    allowed = table.allows(subject, POLICY.index(leaf), NOW_MS)
                    self.reads.append(Read(number, self.tick(), subject, leaf, allowed))

    def note_kept(self) -> None:
        self.kept += 1

    async def write(self, step: Say | Link) -> None:
        begun = self.tick()
        if isinstance(step, Say):
            said = Said(step.node, step.action, 2, begun, NEVER_MS)
            appended = await self.authority.record([entry(step.subject, said)], self.note_kept)
            what, epoch = (step.subject, said), appended.epoch
        else:
            self.seq += 1
            self.kept += 1  # the authority's cursor says when
            seq, what = self.seq, edge(step)
            await self.authority.apply_graph([GraphStep(seq, (), (what,))])
            epoch = self.store.epoch_of[seq]
        self.writes.append(Write(what, begun, self.tick(), epoch))


def entry(who: SubjectId, said: Said) -> LedgerEntry:
    one = Statement(
        who, said.action, (said.node,), CollectedVia.WEB, said.effective_at_ms, NEVER_MS, Notice("n", "1", "")
    )
    made = ledger_entry(one, Origin("t", "c", f"r{said.effective_at_ms}", 0), POLICY, NOW_MS)
    # At the instant the history knows, not at the one a slow clock would be forgiven for.
    return replace(made, records=tuple(replace(record, said=said) for record in made.records))


def edge(link: Link) -> EdgeFact:
    a, b = ((ANNA, BERT), (BERT, CORA), (ANNA, CORA))[link.number]
    return EdgeFact(
        edge_id=link.number,
        a=a,
        b=b,
        link_purpose=POLICY.index(LINKING),
        deterministic=True,
        views=STRICT | WIDE,
        state=link.state,
        valid_until_ms=NEVER_MS,
    )


async def carried_out(folder: Path, plan: Plan, barrier_of: type[Barrier] = Barrier) -> Run:
    """What happened; ``plan`` begins with everybody ready and nobody having said anything."""
    boot = Clock(1_000)
    barrier = barrier_of(Leases(), boot)
    async with AsyncExitStack() as stack:
        database = NotingDatabase(folder / "consent.db", "consent")
        stack.callback(database.close)
        store = NotingStore(database, POLICY, KEYS)
        authority = ConsentAuthority(store, POLICY, lambda: NOW_MS, barrier)
        await authority.start()
        stack.push_async_callback(authority.stop)
        await authority.apply_graph([GraphStep(1, SUBJECTS, ())])
        servicer, masks = GuardServicer(authority), Masks()
        authority.subscribe(masks)
        wires = [Wire(servicer) for _ in range(REPLICAS)]
        replicas = [Replica(wire.follow, POLICY, lambda _: None, boot) for wire in wires]
        for one in replicas:
            one.start()
            stack.push_async_callback(one.stop)
            await one.ready()
        run = Run(authority, database, store, barrier, boot, wires, replicas, masks)
        await run.carry_out(plan)
        return run


def run_of(plan: Plan, barrier_of: type[Barrier] = Barrier) -> Run:
    with TemporaryDirectory() as folder:
        return asyncio.run(carried_out(Path(folder), plan, barrier_of))


@settings(max_examples=40)
@given(plans)
def test_concurrent_histories_are_linearizable_and_taking_back_never_widens(plan: Plan):
    """With streams held back, leases that run out, links made and undone."""
    run = run_of(plan)
    check(POLICY, run.writes, run.reads, NOW_MS)
    assert widened(run.writes, run.masks.states) == []


#: A grant everybody knows, a stream held back, the withdrawal, and a look at who does not know.
STALE_PLAN = [
    (Say(ANNA, "place", Action.GRANT), CALM),
    (Hold(0, held=True), AT_ONCE),
    (Say(ANNA, "place", Action.WITHDRAW), CALM),
    (Look(0), AT_ONCE),
]


class NoWait(Barrier):
    def passed(self, epoch: int, wait_ms: int | None = None) -> asyncio.Future[None]:
        return super().passed(0, wait_ms)


def test_a_withdrawal_that_waits_makes_the_same_history_right():
    """The replica still allowed, but nothing had returned."""
    run = run_of(STALE_PLAN)
    assert any(read.allowed for read in run.reads)
    check(POLICY, run.writes, run.reads, NOW_MS)


def test_an_authority_without_a_barrier_makes_a_history_that_is_refused():
    """The check sees in a real run what it is there for."""
    run = run_of(STALE_PLAN, NoWait)
    with pytest.raises(NotLinearizable):
        check(POLICY, run.writes, run.reads, NOW_MS)


GRANT = Write((ANNA, Said("place", Action.GRANT, 2, 1, NEVER_MS)), 1, 2, 1)
WITHDRAW = Write((ANNA, Said("place", Action.WITHDRAW, 2, 3, NEVER_MS)), 3, 6, 2)


@pytest.mark.parametrize(
    ("reads", "right"),
    [
        ([Read(0, 5, ANNA, "place", allowed=True)], True),  # not returned yet
        ([Read(0, 5, ANNA, "place", allowed=False)], True),  # nor need it have
        ([Read(0, 2, ANNA, "place", allowed=False)], True),  # a grant may be late
        ([Read(0, 7, ANNA, "place", allowed=True)], False),  # stale
        ([Read(0, 1, ANNA, "place", allowed=True)], False),  # of what has not begun
        ([Read(0, 4, ANNA, "place", allowed=False), Read(1, 5, ANNA, "place", allowed=True)], True),
        (
            [
                Read(0, 3, ANNA, "place", allowed=True),
                Read(0, 4, ANNA, "place", allowed=False),
                Read(0, 5, ANNA, "place", allowed=True),  # the replica went back
            ],
            False,
        ),
        ([Read(0, 7, BERT, "place", allowed=True)], False),  # nobody said so
    ],
)
def test_the_check_tells_right_histories_from_broken_ones(reads: list[Read], right: bool):
    """Each break alone is enough."""
    if right:
        check(POLICY, [GRANT, WITHDRAW], reads, NOW_MS)
        return
    with pytest.raises(NotLinearizable):
        check(POLICY, [GRANT, WITHDRAW], reads, NOW_MS)


def test_a_withdrawal_that_widens_is_found():
    """And a grant that does is none of it."""
    states = [(0, {ANNA: 0}), (1, {ANNA: 1}), (2, {ANNA: 3})]
    assert widened([GRANT, WITHDRAW], states) == [2]
    assert widened([GRANT, replace(GRANT, epoch=2)], states) == []
    assert WITHDRAW.returned < NEVER
