"""Random histories of linking, unlinking, waiting and restarting, through the real service.

After every step the ledger, the graph in memory and the guard table say what a plain list of
the edges still standing says, and every identifier has the subject it was born with.
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
from identity.ledger import NEVER_MS
from identity.rules import Rules, compile_rules
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


async def live(desk: Desk, history: list[NamedTuple]) -> None:
    """Goes through a history and compares after every step."""
    born = await desk.subjects(*VALUES)
    desk.say_yes(*born)
    plain = Plain()
    graph = Graph()
    desk.servicer = desk.make_servicer(graph)
    for step in history:
        desk.clock.now_ms += 1
        match step:
            case Link((one, other), evidence, holds_ms):
                end_ms = None if holds_ms is None else desk.clock() + holds_ms
                link = desk.link(born[one], born[other], evidence=evidence, valid_until_ms=end_ms)
                assert (await desk.send(link)).results[0].linked
                plain.ends[frozenset((one, other)), evidence] = end_ms or NEVER_MS
            case Unlink((one, other)):
                standing = [key for key in plain.ends if key[0] == {one, other}]
                for key in standing:
                    del plain.ends[key]
                try:
                    removed = (await desk.unlink(born[one], born[other])).edges_removed
                except LinkNotFound:
                    removed = 0
                assert removed == len(standing)
            case Wait(ms):
                desk.clock.now_ms += ms
            case Restart():
                graph = Graph(await desk.store.active_edges())
                desk.servicer = desk.make_servicer(graph)
        desk.push()
        assert await desk.subjects(*VALUES) == born
        everybody = plain.people(DETERMINISTIC, PROBABILISTIC)
        strict = plain.people(DETERMINISTIC, now_ms=desk.clock())
        wide = plain.people(DETERMINISTIC, PROBABILISTIC, now_ms=desk.clock())
        for number, subject in enumerate(born):
            reach = graph.walk(subject, lambda _: True, 500)
            assert set(reach.members) == {born[one] for one in everybody[number]}
            assert desk.members(subject, "marketing.email") == {born[one] for one in strict[number]}
            assert desk.members(subject) == {born[one] for one in wide[number]}


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
