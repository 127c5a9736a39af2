"""The authority: durable, then folded, then applied everywhere, and only then answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from consent.component import EdgeState, GraphStep
from consent.errors import SubjectUnknown
from consent.guard_table import NEVER_MS, GuardTable, GuardUpdate
from consent.leases import TTL_MS, Leases
from consent.policy import Policy
from consent.record import Action
from consent.store import ConsentStore
from identity.ids import SubjectId
from services.consent import rounds
from services.consent.authority import ConsentAuthority
from services.consent.barrier import Barrier
from services.consent.rounds import AuthorityStopped
from services.storage.consent import ConsentTables
from services.storage.database import StoreUnusable
from services.storage.sqlite import SqliteDatabase
from tests.conftest import Clock
from tests.consent.statements import KEYS, edge, entry, statement, subject

ANNA, BERT, STRANGER = subject(1), subject(2), subject(3)
LINKING = "identity.link.deterministic"


@dataclass
class Moody:
    """A store that fails, or waits before it goes on, where it is told to."""

    store: ConsentStore
    fails: set[str] = field(default_factory=set)
    waits: dict[str, asyncio.Event] = field(default_factory=dict)
    reached: dict[str, asyncio.Event] = field(default_factory=dict)

    def __getattr__(self, name: str):
        async def run(*arguments: object) -> object:
            if name in self.fails:
                raise StoreUnusable(name)
            result = await getattr(self.store, name)(*arguments)
            self.reached.setdefault(name, asyncio.Event()).set()
            if name in self.waits:
                await self.waits[name].wait()
            return result

        return run


@dataclass
class Listener:
    """A subscriber that remembers what it was told."""

    updates: list[GuardUpdate] = field(default_factory=list)
    lost: bool = False
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def apply(self, update: GuardUpdate) -> None:
        self.updates.append(GuardUpdate(update.epoch, dict(update.entries)))
        self.told.set()

    def lose(self) -> None:
        self.lost = True

    @property
    def epochs(self) -> list[int]:
        return [update.epoch for update in self.updates]


@pytest.fixture
async def store(tmp_path: Path, policy: Policy) -> AsyncIterator[Moody]:
    database = SqliteDatabase(tmp_path / "consent.db", "consent")
    yield Moody(ConsentTables(database, policy, KEYS))
    database.close()


@pytest.fixture
async def authority(store: Moody, policy: Policy, clock: Clock) -> AsyncIterator[ConsentAuthority]:
    """An authority that knows Anna and Bert."""
    authority = ConsentAuthority(store, policy, clock)
    await authority.start()
    await authority.apply_graph([GraphStep(1, (ANNA, BERT), ())])
    yield authority
    await authority.stop()


@pytest.fixture
def table(authority: ConsentAuthority, policy: Policy) -> GuardTable:
    table = GuardTable(policy)
    authority.subscribe(table)
    return table


class Saying:
    """Statements, each under a request id of its own."""

    def __init__(self, authority: ConsentAuthority, clock: Clock) -> None:
        self.authority, self.clock, self.requests = authority, clock, 0

    def entry(self, who: SubjectId, *nodes: str, action: Action = Action.GRANT, until_ms: int = NEVER_MS):
        self.requests += 1
        one = statement(who, *nodes, action=action, valid_until_ms=until_ms)
        return entry(self.authority.policy, one, request_id=f"r{self.requests}", now_ms=self.clock())

    async def __call__(self, *arguments, **named) -> int:
        return (await self.authority.record([self.entry(*arguments, **named)])).epoch


@pytest.fixture
def say(authority: ConsentAuthority, clock: Clock) -> Saying:
    return Saying(authority, clock)


def allows(table: GuardTable, who: SubjectId, purpose: str, clock: Clock) -> bool:
    return table.allows(who, table.policy.index(purpose), clock())


async def test_a_subscriber_gets_the_whole_state_first_and_then_every_step(
    authority: ConsentAuthority, say: Saying
):
    """Two who joined at different times have the same state, by epochs that only grow."""
    early, late = Listener(), Listener()
    authority.subscribe(early)
    await say(ANNA, "loyalty")
    authority.subscribe(late)
    await say(BERT, "loyalty")
    assert late.epochs == early.epochs[1:]
    assert late.updates[0].entries == early.updates[0].entries | early.updates[1].entries
    assert early.epochs == sorted(set(early.epochs))


async def test_every_subscriber_has_applied_a_statement_when_it_returns(
    authority: ConsentAuthority, table: GuardTable, say: Saying, policy: Policy, clock: Clock
):
    """Grants and withdrawals alike, at each table, at the epoch that is returned."""
    other = GuardTable(policy)
    authority.subscribe(other)
    for action, allowed in ((Action.GRANT, True), (Action.WITHDRAW, False), (Action.GRANT, True)):
        epoch = await say(ANNA, "loyalty", action=action)
        clock.now_ms += 1
        for one in (table, other):
            assert one.epoch == epoch
            assert allows(one, ANNA, "loyalty", clock) == allowed


async def test_a_statement_is_not_in_effect_before_it_is_durable(
    authority: ConsentAuthority, store: Moody, table: GuardTable, say: Saying, clock: Clock
):
    """While the append waits for the disk, nothing is pushed and nobody is answered."""
    store.waits["append"] = asyncio.Event()
    saying = asyncio.create_task(say(ANNA, "loyalty"))
    await store.reached.setdefault("append", asyncio.Event()).wait()
    assert not allows(table, ANNA, "loyalty", clock)
    assert not saying.done()
    store.waits["append"].set()
    assert await saying == table.epoch
    assert allows(table, ANNA, "loyalty", clock)


async def test_statements_made_at_once_are_pushed_in_the_order_of_epochs(
    authority: ConsentAuthority, say: Saying, clock: Clock, table: GuardTable
):
    """Each of many callers finds its own epoch reached, and the last word is the last epoch's."""
    listener = Listener()
    authority.subscribe(listener)

    async def one(number: int) -> None:
        action = Action.GRANT if number % 2 else Action.WITHDRAW
        epoch = await say(ANNA if number % 3 else BERT, "loyalty", action=action)
        assert table.epoch >= epoch

    await asyncio.gather(*(one(number) for number in range(60)))
    assert listener.epochs == sorted(set(listener.epochs))
    replayed: dict[SubjectId, object] = {}
    for update in listener.updates:
        replayed |= update.entries
    fresh = Listener()
    authority.subscribe(fresh)
    assert replayed == fresh.updates[0].entries


async def test_statements_that_wait_share_one_round(authority: ConsentAuthority, store: Moody, say: Saying):
    """Whoever comes while another is being written is written together with all that wait."""
    listener = Listener()
    authority.subscribe(listener)
    store.waits["append"] = asyncio.Event()
    tasks = [asyncio.create_task(say(ANNA, "loyalty"))]
    await store.reached.setdefault("append", asyncio.Event()).wait()
    tasks += [asyncio.create_task(say(BERT, "loyalty")) for _ in range(20)]
    await asyncio.sleep(0)
    store.waits["append"].set()
    await asyncio.gather(*tasks)
    assert len(listener.updates) == 3  # the snapshot, the first, all the others


async def test_a_caller_that_goes_away_leaves_nothing_half_done(
    authority: ConsentAuthority, store: Moody, table: GuardTable, say: Saying, clock: Clock
):
    """A withdrawal whose caller was cancelled after the commit is in effect before the next change is."""
    await say(ANNA, "loyalty")
    clock.now_ms += 1
    store.waits["append"] = asyncio.Event()
    store.reached.clear()
    saying = asyncio.create_task(say(ANNA, "loyalty", action=Action.WITHDRAW))
    await store.reached.setdefault("append", asyncio.Event()).wait()
    saying.cancel()
    await asyncio.gather(saying, return_exceptions=True)
    store.waits["append"].set()
    await say(BERT, "loyalty")
    assert not allows(table, ANNA, "loyalty", clock)


async def test_a_repeat_answers_as_the_first_time_and_pushes_nothing(
    authority: ConsentAuthority, say: Saying
):
    """The epoch of a repeat is the one it has been in effect since."""
    one = say.entry(ANNA, "loyalty")
    first = await authority.record([one])
    await say(BERT, "loyalty")
    listener = Listener()
    authority.subscribe(listener)
    assert await authority.record([one]) == first
    assert len(listener.updates) == 1


async def test_nothing_to_append_is_no_change(authority: ConsentAuthority):
    """A request whose every statement was refused takes no epoch."""
    before = authority.epoch
    assert (await authority.record([])).epoch == 0
    assert authority.epoch == before


async def test_a_subject_never_announced_takes_no_statement(
    authority: ConsentAuthority, store: Moody, say: Saying
):
    """Nor do those beside it in the same request; nothing is kept."""
    with pytest.raises(SubjectUnknown):
        await authority.record([say.entry(ANNA, "loyalty"), say.entry(STRANGER, "loyalty")])
    assert STRANGER not in authority
    assert await store.said_by([ANNA, STRANGER]) == {}


async def test_an_edge_to_a_subject_never_announced_is_refused_before_it_is_kept(
    authority: ConsentAuthority, store: Moody, policy: Policy
):
    """An edge in the step of its own births is fine."""
    with pytest.raises(SubjectUnknown):
        await authority.apply_graph([GraphStep(2, (), (edge(policy, 1, ANNA, STRANGER),))])
    assert (await store.load(list)).graph_cursor == authority.graph_cursor == 1
    await authority.apply_graph([GraphStep(2, (STRANGER,), (edge(policy, 1, ANNA, STRANGER),))])
    assert STRANGER in authority


async def test_links_join_and_unlinks_restore(
    authority: ConsentAuthority, table: GuardTable, say: Saying, policy: Policy, clock: Clock
):
    """A refusal and a grant travel over a proven link; both are gone when it is declared wrong."""
    for who in (ANNA, BERT):
        await say(who, LINKING)
    await say(ANNA, "loyalty")
    await say(BERT, "share", action=Action.REFUSE)
    before = {who: table.entry(who) for who in (ANNA, BERT)}
    link = edge(policy, 1, ANNA, BERT)
    await authority.apply_graph([GraphStep(2, (), (link,))])
    loyalty = policy.index("loyalty")
    assert table.members(BERT, loyalty, clock()) == (ANNA, BERT)
    assert table.entry(ANNA).refuse == policy.mask("share")
    wrong = edge(policy, 1, ANNA, BERT, state=EdgeState.WRONG)
    await authority.apply_graph([GraphStep(3, (), (wrong,))])
    assert {who: table.entry(who) for who in (ANNA, BERT)} == before


async def test_a_step_delivered_again_changes_nothing(
    authority: ConsentAuthority, table: GuardTable, say: Saying, policy: Policy
):
    """Neither a whole redelivery nor one that overlaps with news."""
    for who in (ANNA, BERT):
        await say(who, LINKING)
    linked = GraphStep(2, (), (edge(policy, 1, ANNA, BERT),))
    wrong = GraphStep(3, (), (edge(policy, 1, ANNA, BERT, state=EdgeState.WRONG),))
    await authority.apply_graph([linked, wrong])
    epoch = authority.epoch
    await authority.apply_graph([linked])
    assert authority.epoch == epoch
    await authority.apply_graph([linked, GraphStep(4, (STRANGER,), ())])
    assert table.entry(ANNA).members is None
    assert authority.graph_cursor == 4


async def test_what_runs_out_is_folded_again_under_a_new_epoch(
    authority: ConsentAuthority, table: GuardTable, say: Saying, clock: Clock
):
    """Before the end nothing is due; after it the table holds an entry that does not change any more."""
    until_ms = clock() + 3_600_000
    epoch = await say(ANNA, "loyalty", until_ms=until_ms)
    assert authority.next_change_ms() == until_ms
    await authority.due()
    assert table.epoch == epoch
    clock.now_ms = until_ms
    assert not allows(table, ANNA, "service", clock)  # the table itself no longer trusts the entry
    await authority.due()
    assert table.epoch == epoch + 1
    assert allows(table, ANNA, "service", clock)
    assert not allows(table, ANNA, "loyalty", clock)
    assert authority.next_change_ms() == NEVER_MS


async def test_an_end_is_taken_in_by_itself(authority: ConsentAuthority, say: Saying, clock: Clock):
    """Nobody has to ask: the authority waits for the instant."""
    await say(ANNA, "loyalty", until_ms=clock() + 5)
    listener = Listener()
    authority.subscribe(listener)
    listener.told.clear()
    clock.now_ms += 5
    await listener.told.wait()
    assert listener.updates[-1].entries[ANNA].changes_at_ms == NEVER_MS


async def test_an_end_that_could_not_be_kept_is_tried_again(
    authority: ConsentAuthority, store: Moody, say: Saying, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """A store that is unusable for a while stops nothing for good."""
    monkeypatch.setattr(rounds, "RETRY_S", 0.001)
    await say(ANNA, "loyalty", until_ms=clock() + 5)
    listener = Listener()
    authority.subscribe(listener)
    listener.told.clear()
    store.fails.add("next_epoch")
    clock.now_ms += 5
    with pytest.raises(StoreUnusable):
        await authority.due()
    store.fails.clear()
    await listener.told.wait()
    assert listener.updates[-1].entries[ANNA].changes_at_ms == NEVER_MS


async def test_a_statement_that_could_not_be_kept_changes_nothing(
    authority: ConsentAuthority, store: Moody, table: GuardTable, say: Saying, clock: Clock
):
    """Its caller is told, the next one is served."""
    store.fails.add("append")
    epoch = table.epoch
    with pytest.raises(StoreUnusable):
        await say(ANNA, "loyalty")
    assert (table.epoch, allows(table, ANNA, "loyalty", clock)) == (epoch, False)
    store.fails.clear()
    await say(ANNA, "loyalty")
    assert allows(table, ANNA, "loyalty", clock)


async def test_an_authority_that_cannot_push_what_is_durable_closes_its_tables(
    authority: ConsentAuthority, store: Moody, table: GuardTable, say: Saying, clock: Clock
):
    """Better nobody is served than somebody by a state that is no longer true."""
    await say(ANNA, "loyalty")
    store.fails.add("said_by")
    with pytest.raises(AuthorityStopped):
        await say(ANNA, "loyalty", action=Action.WITHDRAW)
    assert not table.ready
    assert not allows(table, ANNA, "loyalty", clock)
    with pytest.raises(AuthorityStopped):
        await say(BERT, "loyalty")


async def test_what_was_durable_but_not_pushed_is_in_effect_after_a_restart(
    authority: ConsentAuthority, store: Moody, say: Saying, policy: Policy, clock: Clock
):
    """A withdrawal committed in the instant of a crash is the first thing the next process knows."""
    await say(ANNA, "loyalty")
    clock.now_ms += 1
    await store.append([say.entry(ANNA, "loyalty", action=Action.WITHDRAW)])
    again = ConsentAuthority(store, policy, clock)
    await again.start()
    table = GuardTable(policy)
    again.subscribe(table)
    assert not allows(table, ANNA, "loyalty", clock)
    assert table.epoch > authority.epoch
    await again.stop()


async def test_stopping_finishes_what_waits_and_closes_the_tables(store: Moody, policy: Policy, clock: Clock):
    """Whoever called before the stop gets an answer; afterwards nothing is decided and nothing taken."""
    authority = ConsentAuthority(store, policy, clock)
    with pytest.raises(AuthorityStopped):
        authority.subscribe(Listener())
    await authority.start()
    table = GuardTable(policy)
    authority.subscribe(table)
    step = asyncio.create_task(authority.apply_graph([GraphStep(1, (ANNA,), ())]))
    await asyncio.sleep(0)
    await authority.stop()
    assert step.done()
    assert ANNA in authority
    assert not table.ready
    with pytest.raises(AuthorityStopped):
        await authority.due()


async def test_own_states_tell_what_was_said_and_until_when(
    authority: ConsentAuthority, say: Saying, policy: Policy, clock: Clock
):
    """One's own words only, whoever one is linked with."""
    await say(ANNA, "marketing", until_ms=clock() + 10)
    await say(BERT, "loyalty", action=Action.REFUSE)
    await authority.apply_graph([GraphStep(2, (), (edge(policy, 1, ANNA, BERT),))])
    states = dict(zip(policy.leaves, (await authority.own_states(ANNA, clock() + 10)).leaves, strict=True))
    assert states["marketing.email"].state.name == "EXPIRED"
    assert states["marketing.email"].said.valid_until_ms == clock() + 10
    assert states["loyalty"].state.name == "UNKNOWN"


async def test_a_holder_dropped_while_it_asks_again_is_kept_before_it_decides(
    store: Moody, policy: Policy, clock: Clock
):
    """Else the next authority would not wait for a lease that is out."""
    boot = Clock(1_000)
    authority = ConsentAuthority(store, policy, clock, Barrier(Leases(), boot))
    await authority.start()
    one, other = b"1" * 16, b"2" * 16
    await authority.grant_lease(one, boot(), lambda: 0)
    boot.now_ms += 10 * TTL_MS
    authority.barrier.settle()
    first = asyncio.create_task(authority.grant_lease(other, boot(), lambda: 0))
    for _ in range(3):
        await asyncio.sleep(0)  # the round that keeps the other one alone has begun
    await authority.grant_lease(one, boot(), lambda: 0)
    await first
    assert authority.barrier.holders == {one, other}
    await authority.stop()
    assert (await store.begin()).holders == {one, other}


async def test_an_edge_that_comes_while_an_erasure_fails_is_taken_in(
    authority: ConsentAuthority, policy: Policy
):
    """The person lives on, and refusals go on spreading over the edge."""
    begun, fail = asyncio.Event(), asyncio.Event()

    async def keep(_left: object) -> int:
        begun.set()
        await fail.wait()
        raise StoreUnusable("full")

    erasing = asyncio.create_task(authority.erase([ANNA], keep))
    await begun.wait()
    coming = asyncio.create_task(authority.apply_graph([GraphStep(2, (), (edge(policy, 1, ANNA, BERT),))]))
    await asyncio.sleep(0)
    fail.set()
    with pytest.raises(StoreUnusable):
        await erasing
    await coming
    assert len(authority.edges_at(ANNA)) == 1
