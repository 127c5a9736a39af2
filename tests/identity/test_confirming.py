"""Link and Unlink between the write and the acknowledgement: barriers that fail, hang, and crashes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import pytest

from consent.component import EdgeState as Counts
from consent.policy import compile_policy
from identity.graph import Graph
from identity.ids import SubjectId
from identity.ledger import EdgeState
from identity.rules import compile_rules
from services.consent.rounds import AuthorityStopped
from services.errors import Refusal, Unavailable
from services.feed import FeedStopped
from services.identity.confirming import RETRY_MAX_S, RETRY_S
from services.storage.database import StoreUnusable
from tests.conftest import ROOT, Clock
from tests.identity.desk import Desk


class Failing:
    """A barrier that fails a number of times."""

    def __init__(self, times: int, error: Exception) -> None:
        self.left, self.error = times, error

    async def __call__(self, seq: int) -> None:
        if self.left:
            self.left -= 1
            raise self.error


class Hanging:
    """A barrier that lets nobody through until it is opened."""

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()

    async def __call__(self, seq: int) -> None:
        self.reached.set()
        await self.open.wait()


async def pair(desk: Desk) -> tuple[SubjectId, SubjectId]:
    """Two subjects who allow everything."""
    a, b = await desk.subjects("a", "b")
    desk.say_yes(a, b)
    return a, b


async def states(desk: Desk, a: SubjectId, b: SubjectId) -> list[EdgeState]:
    return [entry.edge.state for entry in await desk.store.between([(a, b)])]


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Gives the others their turns until something is so."""
    for _ in range(100_000):
        if await true():
            return
        await asyncio.sleep(0)
    pytest.fail("it never came to be")


async def test_nobody_reads_across_a_link_before_every_guard_table_has_it(desk):
    """It carries refusals meanwhile."""
    a, b = await pair(desk)
    desk.at_barrier = Hanging()
    asking = asyncio.ensure_future(desk.send(desk.link(a, b)))
    await desk.at_barrier.reached.wait()
    assert await states(desk, a, b) == [EdgeState.LINK_PENDING]
    await desk.follow()  # this replica has it; another may not
    assert desk.members(a) == {a}
    assert not (await desk.explain(a, b)).linked
    assert {fact.state for fact in desk.projection._edges.values()} == {Counts.REFUSAL_ONLY}
    desk.say(b, refuse=["personalise.recommend"])
    assert desk.members(a) == set()
    desk.say_yes(b)
    assert not asking.done()
    desk.at_barrier.open.set()
    assert (await asking).results[0].linked
    assert await states(desk, a, b) == [EdgeState.ACTIVE]
    assert desk.members(a) == {a, b}


async def test_nobody_reads_across_an_edge_from_the_moment_it_is_to_be_wrong(desk):
    """And what the other one refused stays refused until the correction is known everywhere."""
    a, b = await pair(desk)
    await desk.send(desk.link(a, b))
    desk.say_yes(b, but=["marketing.sms"])
    desk.say(b, grant=["service"], refuse=["marketing.sms"])
    sms = desk.policy.index("marketing.sms")
    desk.at_barrier = Hanging()
    asking = asyncio.ensure_future(desk.unlink(a, b))
    await desk.at_barrier.reached.wait()
    await desk.follow()
    assert desk.members(a) == {a}
    assert not (await desk.explain(a, b)).linked
    assert not desk.guard.allows(a, sms, desk.clock())
    desk.at_barrier.open.set()
    assert (await asking).edges_removed == 1
    assert desk.guard.allows(a, sms, desk.clock())


@pytest.mark.parametrize(
    ("error", "reason", "code"),
    [
        (AuthorityStopped(), "CONSENT_NOT_READY", grpc.StatusCode.UNAVAILABLE),
        (FeedStopped(), "CONSENT_NOT_READY", grpc.StatusCode.UNAVAILABLE),
        (Unavailable("CONSENT_NOT_READY"), "CONSENT_NOT_READY", grpc.StatusCode.UNAVAILABLE),
        (TimeoutError(), "WITHDRAWAL_PENDING", grpc.StatusCode.DEADLINE_EXCEEDED),
        (StoreUnusable("full"), "WITHDRAWAL_PENDING", grpc.StatusCode.DEADLINE_EXCEEDED),
        (ConnectionError("gone"), "WITHDRAWAL_PENDING", grpc.StatusCode.DEADLINE_EXCEEDED),
    ],
)
async def test_a_barrier_that_fails_is_a_clear_refusal_and_the_link_is_finished_without_its_caller(
    desk, error, reason, code
):
    a, b = await pair(desk)
    desk.at_barrier = Failing(3, error)
    with pytest.raises(Refusal) as refusal:
        await desk.send(desk.link(a, b), request_id="r1")
    assert (refusal.value.reason, refusal.value.code) == (reason, code)
    await desk.all_confirmed()
    assert await states(desk, a, b) == [EdgeState.ACTIVE]
    assert desk.members(a) == {a, b}
    again = await desk.send(desk.link(a, b), request_id="r1")
    assert again.results[0].linked
    assert len(await desk.store.confirmed_edges()) == 1


async def test_a_correction_whose_barrier_fails_answers_the_same_when_it_is_repeated(desk):
    a, b = await pair(desk)
    await desk.send(desk.link(a, b))
    desk.at_barrier = Failing(1_000_000, AuthorityStopped())
    for _ in range(2):
        with pytest.raises(Refusal):
            await desk.unlink(a, b, request_id="r1")
    desk.at_barrier = None
    assert (await desk.unlink(a, b, request_id="r1")).edges_removed == 1
    assert await states(desk, a, b) == [EdgeState.WRONG]


async def test_a_confirmation_whose_own_barrier_fails_is_finished_too(desk):
    """The second barrier of a Link: what widens is confirmed, but not answered as done yet."""
    a, b = await pair(desk)

    async def second_fails(seq: int) -> None:
        if await desk.store.last_seq() == seq and not (await desk.store.pending()).edges:
            desk.at_barrier = None
            raise AuthorityStopped

    desk.at_barrier = second_fails
    with pytest.raises(Refusal):
        await desk.send(desk.link(a, b), request_id="r1")
    assert await states(desk, a, b) == [EdgeState.ACTIVE]
    await desk.all_confirmed()
    assert desk.members(a) == {a, b}


async def test_tries_come_later_and_later_up_to_a_bound_and_each_leaves_one_line_without_a_subject(desk):
    a, b = await pair(desk)
    desk.at_barrier = Failing(8, ConnectionError(f"no way to {a.hex()}"))
    with pytest.raises(Refusal):
        await desk.send(desk.link(a, b))
    await desk.all_confirmed()
    assert desk.pauses == [min(RETRY_S * 2**n, RETRY_MAX_S) for n in range(8)]
    assert desk.reports == ["identity: pending links not confirmed yet: ConnectionError\n"] * 8


async def test_links_that_wait_together_are_confirmed_together(desk):
    subjects = await desk.subjects(*(f"identifier {n}" for n in range(8)))
    desk.say_yes(*subjects)
    desk.barriers.clear()
    desk.at_barrier = Hanging()
    links = [desk.link(subjects[n], subjects[n + 1]) for n in range(0, 8, 2)]
    asking = [asyncio.ensure_future(desk.send(link)) for link in links]

    async def told_of_four() -> bool:
        return len(await desk.store.changes(1, 9)) == 4

    await until(told_of_four)
    desk.at_barrier.open.set()
    assert all(answer.results[0].linked for answer in await asyncio.gather(*asking))
    assert len(await desk.store.confirmed_edges()) == 4
    assert len(desk.barriers) == 4  # two for the first, two for the other three


async def test_a_second_sighting_of_a_pending_edge_is_not_answered_before_the_first(desk):
    a, b = await pair(desk)
    desk.at_barrier = Hanging()
    first = asyncio.ensure_future(desk.send(desk.link(a, b)))
    await desk.at_barrier.reached.wait()
    second = asyncio.ensure_future(desk.send(desk.link(a, b)))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not first.done() and not second.done()
    desk.at_barrier.open.set()
    await asyncio.gather(first, second)
    assert await states(desk, a, b) == [EdgeState.ACTIVE]


async def test_a_link_corrected_while_it_was_pending_is_never_active(desk):
    a, b = await pair(desk)
    desk.at_barrier = Hanging()
    linking = asyncio.ensure_future(desk.send(desk.link(a, b)))
    await desk.at_barrier.reached.wait()
    unlinking = asyncio.ensure_future(desk.unlink(a, b))

    async def written() -> bool:
        return await desk.store.last_seq() == 3

    await until(written)
    desk.at_barrier.open.set()
    await asyncio.gather(linking, unlinking)
    assert await states(desk, a, b) == [EdgeState.WRONG]
    steps = [edge.state for change in await desk.store.changes(0, 99) for edge in change.edges]
    assert EdgeState.ACTIVE not in steps


async def test_a_servicer_started_again_confirms_what_was_pending_when_the_last_one_stopped(desk):
    a, b = await pair(desk)
    desk.at_barrier = Failing(1_000_000, AuthorityStopped())
    with pytest.raises(Refusal):
        await desk.send(desk.link(a, b))
    await desk.servicer.drained()
    assert await states(desk, a, b) == [EdgeState.LINK_PENDING]
    desk.at_barrier = None
    graph = Graph(await desk.store.confirmed_edges())
    desk.servicer = desk.make_servicer(graph)
    await desk.servicer.take_up()
    desk.servicer.resume()
    await desk.all_confirmed()
    assert await states(desk, a, b) == [EdgeState.ACTIVE]
    assert graph.asserted(a, 500).members == (a, b)


def desk_in(folder: Path) -> Desk:
    policy = compile_policy(tomllib.loads((ROOT / "consent/policy.toml").read_text()))
    rules = compile_rules(tomllib.loads((ROOT / "identity/rules.toml").read_text()))
    return Desk(folder, policy, rules, Clock(1_700_000_000_000))


KILLED = """
import asyncio, os, sys
from pathlib import Path
from tests.identity.test_confirming import desk_in

async def main(folder, what):
    desk = desk_in(Path(folder))
    a, b = await desk.subjects("a", "b")
    if what == "Unlink":
        await desk.send(desk.link(a, b))

    async def die(seq):
        print("written", flush=True)
        await asyncio.Event().wait()

    desk.at_barrier = die
    if what == "Unlink":
        desk.clock.now_ms += 1
        await desk.unlink(a, b, request_id="r1")
    else:
        await desk.send(desk.link(a, b), request_id="r1")

asyncio.run(main(*sys.argv[1:]))
"""


def killed_between(folder: Path, what: str) -> None:
    """Runs a process that is killed when it has written and nothing is acknowledged."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "protos")])}
    arguments = [sys.executable, "-c", KILLED, str(folder), what]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "written\n"
        program.send_signal(signal.SIGKILL)


@pytest.mark.parametrize(("what", "after"), [("Link", EdgeState.ACTIVE), ("Unlink", EdgeState.WRONG)])
async def test_a_process_killed_between_write_and_acknowledgement_leaves_a_write_that_is_finished(
    tmp_path, what, after
):
    """Whoever opens the ledger next finishes it; until then nothing is read across the edge."""
    killed_between(tmp_path, what)
    desk = desk_in(tmp_path)
    try:
        await desk.follow()
        a, b = await pair(desk)
        (entry,) = await desk.store.between([(a, b)])
        assert entry.edge.state.pending
        assert desk.members(a) == {a}
        desk.servicer = desk.make_servicer(Graph(await desk.store.confirmed_edges()))
        await desk.servicer.take_up()
        desk.servicer.resume()
        await desk.all_confirmed()
        assert await states(desk, a, b) == [after]
        assert desk.members(a) == ({a, b} if what == "Link" else {a})
        if what == "Unlink":
            assert (await desk.unlink(a, b, request_id="r1")).edges_removed == 1
    finally:
        desk.close()
