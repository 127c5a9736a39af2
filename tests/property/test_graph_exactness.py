"""Random histories of linking, unlinking, waiting, failing and restarting, through the real service.

After every step the graph in memory holds exactly the ledger's confirmed edges, and ledger,
graph and guard table say what a plain list of the edges still standing says; every identifier
has the subject it was born with.
"""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import LinkNotFound
from identity.graph import Graph
from identity.ids import SubjectId
from identity.ledger import NEVER_MS
from identity.rules import Rules, compile_rules
from services.authority import AuthorityStopped
from services.errors import Refusal
from tests.conftest import ROOT, Clock
from tests.identity.desk import Desk
from veilgraph.identity.v1 import identity_pb2 as pb

VALUES = [f"identifier {number}" for number in range(6)]
DETERMINISTIC, PROBABILISTIC = pb.EVIDENCE_LOGIN, pb.EVIDENCE_SIMILARITY
indexes = st.integers(0, len(VALUES) - 1)
pairs = st.tuples(indexes, indexes).filter(lambda pair: pair[0] != pair[1])


@pytest.fixture(scope="module")
def rules() -> Rules:
    """The rules as shipped."""
    return compile_rules(tomllib.loads((ROOT / "identity/rules.toml").read_text()))


class Link(NamedTuple):
    """Says that two belong together."""

    pair: tuple[int, int]
    evidence: int
    holds_ms: int | None


class Unlink(NamedTuple):
    """Says that two do not."""

    pair: tuple[int, int]


class Fail(NamedTuple):
    """Has the barrier fail the next times it is asked; the process may start again in between."""

    times: int
    restarts: bool


class Wait(NamedTuple):
    """Lets time pass."""

    ms: int


class Restart(NamedTuple):
    """Forgets what is only in memory."""


steps = st.one_of(
    st.builds(
        Link, pairs, st.sampled_from([DETERMINISTIC, PROBABILISTIC]), st.sampled_from([None, None, 3, 9])
    ),
    st.builds(Unlink, pairs),
    st.builds(Wait, st.integers(1, 5)),
    st.builds(Fail, st.integers(1, 4), st.booleans()),
    st.just(Restart()),
)


class Plain:
    """The edges still standing: pair and evidence, with their end."""

    def __init__(self) -> None:
        self.ends: dict[tuple[frozenset[int], int], int] = {}

    def people(self, *evidence: int, now_ms: int = 0) -> dict[int, set[int]]:
        graph = nx.Graph()
        graph.add_nodes_from(range(len(VALUES)))
        graph.add_edges_from(
            tuple(pair) for (pair, one), end_ms in self.ends.items() if one in evidence and now_ms < end_ms
        )
        return {number: nx.node_connected_component(graph, number) for number in graph}


class Life:
    """A desk that lives through a history, beside the plain list of what must come of it."""

    def __init__(self, desk: Desk, born: list[SubjectId]) -> None:
        self.desk, self.born, self.plain = desk, born, Plain()
        self.graph = Graph()
        self.failures, self.restarts = 0, False
        desk.servicer = desk.make_servicer(self.graph)
        desk.at_barrier = self.maybe_fail

    async def maybe_fail(self, _seq: int) -> None:
        if self.failures:
            self.failures -= 1
            raise AuthorityStopped

    async def restart(self) -> None:
        await self.desk.servicer.drained()
        self.graph = Graph(await self.desk.store.active_edges())
        self.desk.servicer = self.desk.make_servicer(self.graph)
        await self.desk.servicer.resume()

    async def recover(self) -> None:
        """A refused write is durable: it is finished by the same process or by the next one."""
        if self.restarts:
            await self.restart()
        await self.desk.all_confirmed()

    async def step(self, step: NamedTuple) -> None:
        match step:
            case Link(pair, evidence, holds_ms):
                await self.link(pair, evidence, holds_ms)
            case Unlink(pair):
                await self.unlink(pair)
            case Fail(times, restarts):
                self.failures, self.restarts = times, restarts
            case Wait(ms):
                self.desk.clock.now_ms += ms
            case Restart():
                await self.restart()
                await self.desk.all_confirmed()

    async def link(self, pair: tuple[int, int], evidence: int, holds_ms: int | None) -> None:
        end_ms = None if holds_ms is None else self.desk.clock() + holds_ms
        one, other = (self.born[number] for number in pair)
        link = self.desk.link(one, other, evidence=evidence, valid_until_ms=end_ms)
        try:
            assert (await self.desk.send(link)).results[0].linked
        except Refusal:
            await self.recover()
        self.plain.ends[frozenset(pair), evidence] = end_ms or NEVER_MS

    async def unlink(self, pair: tuple[int, int]) -> None:
        standing = [key for key in self.plain.ends if key[0] == set(pair)]
        for key in standing:
            del self.plain.ends[key]
        try:
            removed = (await self.desk.unlink(*(self.born[number] for number in pair))).edges_removed
        except LinkNotFound:
            removed = 0
        except Refusal:
            removed = len(standing)
            await self.recover()
        assert removed == len(standing)

    async def compare(self) -> None:
        desk, born = self.desk, self.born
        kept = await desk.store.active_edges()
        assert not (await desk.store.pending()).edges
        assert {edge for one in born for edge in self.graph.at(one)} == set(kept)
        assert await desk.subjects(*VALUES) == born
        everybody = self.plain.people(DETERMINISTIC, PROBABILISTIC)
        strict = self.plain.people(DETERMINISTIC, now_ms=desk.clock())
        wide = self.plain.people(DETERMINISTIC, PROBABILISTIC, now_ms=desk.clock())
        for number, subject in enumerate(born):
            reach = self.graph.walk(subject, lambda _: True, 500)
            assert set(reach.members) == {born[one] for one in everybody[number]}
            assert desk.members(subject, "marketing.email") == {born[one] for one in strict[number]}
            assert desk.members(subject) == {born[one] for one in wide[number]}


async def live(desk: Desk, history: list[NamedTuple]) -> None:
    """Goes through a history and compares after every step."""
    born = await desk.subjects(*VALUES)
    desk.say_yes(*born)
    life = Life(desk, born)
    for step in history:
        desk.clock.now_ms += 1
        await life.step(step)
        desk.follow()  # consent reads on, whatever became of whoever waited for it
        desk.push()
        await life.compare()


@settings(max_examples=60)
@given(history=st.lists(steps, max_size=12))
def test_what_is_linked_is_what_the_standing_edges_join_after_any_history(policy, rules, history):
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder), policy, rules, Clock(1_700_000_000_000))
        try:
            asyncio.run(live(desk, history))
        finally:
            desk.close()


async def live_and_undo(desk: Desk, before: list[tuple[int, int]], bridges: list[tuple[int, int]]) -> None:
    born = await desk.subjects(*VALUES)
    desk.say_yes(*born)
    for one, other in before:
        desk.clock.now_ms += 1
        await desk.send(desk.link(born[one], born[other]))
    was = dict(desk.guard._entries)
    added = {frozenset(pair) for pair in bridges} - {frozenset(pair) for pair in before}
    for one, other in map(sorted, added):
        await desk.send(desk.link(born[one], born[other], evidence=PROBABILISTIC))
    for one, other in map(sorted, added):
        desk.clock.now_ms += 1
        await desk.unlink(born[other], born[one])
    assert desk.guard._entries == was
    assert await desk.subjects(*VALUES) == born


@settings(max_examples=40)
@given(before=st.lists(pairs, max_size=5), bridges=st.lists(pairs, max_size=5))
def test_undoing_links_in_any_order_restores_every_guard_entry(policy, rules, before, bridges):
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder), policy, rules, Clock(1_700_000_000_000))
        try:
            asyncio.run(live_and_undo(desk, before, bridges))
        finally:
            desk.close()
