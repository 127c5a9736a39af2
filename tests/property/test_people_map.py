"""Random histories of linking, unlinking, refusing and restarting, followed by whoever watches.

Whoever applies the changes in order, each to persons there are, has at any time the map that
networkx makes of the links in effect; and undoing every link undoes every change.
"""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import networkx as nx
from hypothesis import example, given, settings
from hypothesis import strategies as st

from identity.errors import LinkNotFound
from identity.people_map import Person
from identity.rules import compile_rules
from services.identity.people_map import PeopleMap
from services.storage.people_map import PeopleMapStore
from tests.conftest import ROOT, Clock
from tests.identity.desk import Desk
from veilgraph.identity.v1 import identity_pb2 as pb

VALUES = [f"identifier {number}" for number in range(6)]
indexes = st.integers(0, len(VALUES) - 1)
pairs = st.tuples(indexes, indexes).filter(lambda pair: pair[0] < pair[1])


class Link(NamedTuple):
    """Says that two belong together."""

    pair: tuple[int, int]
    evidence: int


class Unlink(NamedTuple):
    """Says that two do not."""

    pair: tuple[int, int]


class Refuse(NamedTuple):
    """One refuses to be linked, or does not any more."""

    who: int
    refuses: bool


class Restart(NamedTuple):
    """What follows the map begins anew; what happens while it is away, it has to find."""

    meanwhile: Link | Unlink


links = st.builds(Link, pairs, st.sampled_from([pb.EVIDENCE_LOGIN, pb.EVIDENCE_SIMILARITY]))
unlinks = st.builds(Unlink, pairs)
steps = st.one_of(
    links,
    links,
    unlinks,
    st.builds(Refuse, indexes, st.booleans()),
    st.builds(Restart, links | unlinks),
)


class Life:
    """A desk, what follows its map, and a watcher who only knows what it was told."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.store = PeopleMapStore(desk.database)
        self.map = self.new_map()
        self.edges: set[tuple[tuple[int, int], int]] = set()
        self.refusing: set[int] = set()
        self.cursor = 0
        self.known: list[set[Person]] = []

    def new_map(self) -> PeopleMap:
        self.desk.guard._foretold.clear()
        return PeopleMap(self.desk.guard, self.store, self.desk.clock, self.desk.reports.append)

    async def begin(self) -> None:
        await self.map.followed()
        self.born = await self.desk.subjects(*VALUES)
        self.desk.say_yes(*self.born)
        self.known = [{(subject,) for subject in self.born} for _ in self.desk.policy.views]

    async def step(self, step: NamedTuple) -> None:
        match step:
            case Link(pair, evidence):
                self.desk.clock.now_ms += 1  # newer than any correction
                one, other = (self.born[number] for number in pair)
                response = await self.desk.send(self.desk.link(one, other, evidence=evidence))
                assert response.results[0].linked
                self.edges.add((pair, evidence))
            case Unlink(pair):
                self.desk.clock.now_ms += 1
                try:
                    await self.desk.unlink(*(self.born[number] for number in pair))
                except LinkNotFound:
                    assert not any(known == pair for known, _ in self.edges)
                self.edges = {edge for edge in self.edges if edge[0] != pair}
            case Refuse(who, refuses):
                self.desk.say(
                    self.born[who],
                    grant=self.desk.policy.consent_nodes,
                    refuse=["identity.link"] if refuses else (),
                )
                (self.refusing.add if refuses else self.refusing.discard)(who)
            case Restart(meanwhile):
                await self.map.stop()
                self.desk.guard._foretold.clear()
                await self.step(meanwhile)
                self.map = self.new_map()
                await self.map.followed()

    async def hear(self) -> None:
        """Waits until everything is kept, and takes in what was told."""
        for _ in range(1000):
            if not self.map._steps and self.map._compared == self.desk.guard.generation:
                break
            await asyncio.sleep(0)
        await self.desk.database.write(lambda _: None)
        for news in await self.store.after(self.cursor, 1000):
            for view, people in enumerate(self.known):
                if news.views >> view & 1:
                    assert set(news.change.before) <= people
                    self.known[view] = people - set(news.change.before) | set(news.change.after)
            self.cursor = news.seq

    def people(self, *evidence: int) -> set[frozenset[bytes]]:
        """By networkx. Where one refuses to be linked, nobody of those ever joined with it is."""
        asserted = nx.Graph()
        asserted.add_nodes_from(range(len(VALUES)))
        asserted.add_edges_from(pair for pair, _ in self.edges)
        silent = {n for one in self.refusing for n in nx.node_connected_component(asserted, one)}
        graph = nx.Graph()
        graph.add_nodes_from(range(len(VALUES)))
        graph.add_edges_from(
            pair for pair, one in self.edges if one in evidence and not silent.intersection(pair)
        )
        return {frozenset(self.born[n] for n in part) for part in nx.connected_components(graph)}

    def check(self) -> None:
        views = {
            "strict": (pb.EVIDENCE_LOGIN,),
            "wide": (pb.EVIDENCE_LOGIN, pb.EVIDENCE_SIMILARITY),
        }
        for name, known in zip(self.desk.policy.views, self.known, strict=True):
            assert {frozenset(person) for person in known} == self.people(*views[name])


#: Whose strict person grows keeps the wide one, and so does everybody else in it.
GROWS = [Link((0, 1), 6), Link((0, 2), 6), Link((0, 1), 1), Restart(Link((0, 1), 1))]


@example(history=GROWS)
@given(history=st.lists(steps, max_size=10))
@settings(max_examples=25)
def test_whoever_follows_the_changes_knows_the_map_and_undoing_all_links_undoes_all_of_it(policy, history):
    rules = compile_rules(tomllib.loads((ROOT / "identity/rules.toml").read_text()))

    async def live(folder: Path) -> None:
        desk = Desk(folder, policy, rules, Clock(1_700_000_000_000))
        life = Life(desk)
        try:
            await life.begin()
            for step in history:
                await life.step(step)
                await life.hear()
                life.check()
            for pair in {pair for pair, _ in life.edges}:
                await life.step(Unlink(pair))
            await life.hear()
            assert life.known == [{(subject,) for subject in life.born}] * len(policy.views)
            assert list(await life.store.kept()) == []
        finally:
            await life.map.stop()
            desk.close()

    with TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder)))
