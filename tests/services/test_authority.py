"""The authority keeps what it may, takes in the graph, and gives its state to whoever subscribes."""

from __future__ import annotations

import asyncio

import pytest

from consent.component import EdgeState, GraphStep
from consent.errors import SubjectUnknown
from consent.guard_table import GuardTable
from consent.policy import Policy
from consent.record import Action
from services.consent.authority import ConsentAuthority
from services.storage.database import StoreUnusable
from tests.conftest import Clock
from tests.consent.statements import edge
from tests.services.authority_world import (
    ANNA,
    BERT,
    LINKING,
    STRANGER,
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
