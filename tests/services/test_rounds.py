"""A change is durable, then folded, then in effect everywhere, then answered; what waits shares a round."""

from __future__ import annotations

import asyncio

import pytest

from consent.component import GraphStep
from consent.guard_table import NEVER_MS, GuardTable
from consent.policy import Policy
from consent.record import Action
from identity.ids import SubjectId
from services.consent import rounds
from services.consent.authority import ConsentAuthority
from services.consent.rounds import AuthorityStopped
from services.storage.database import StoreUnusable
from tests.conftest import Clock
from tests.services.authority_world import (
    ANNA,
    BERT,
    Listener,
    Moody,
    Saying,
    allows,
    authority,
    say,
    store,
    table,
)

__all__ = ["authority", "say", "store", "table"]


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
