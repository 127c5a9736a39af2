"""Random histories of everything that moves people together and apart, through the real service.

Links, corrections, evidence that runs out, permissions taken back and given again, other rules, new
keys, barriers that fail and processes that start again; after every step ledger, graph and guard
table say what a naive graph of plain tuples says, and every identifier has the subject it was born
with. When a history is taken back the guard table is, entry for entry, what it was before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import LinkNotFound
from identity.graph import Graph
from identity.ids import SubjectId
from identity.ledger import NEVER_MS
from services.consent.rounds import AuthorityStopped
from services.errors import Refusal
from services.storage.rekeying import SealedRows
from tests.conftest import NOW_MS, Clock
from tests.identity.desk import Desk
from tests.identity.rulebook import SHIPPED
from tests.identity.test_rules_change import Office, file_of
from veilgraph.identity.v1 import identity_pb2 as pb

VALUES = [f"identifier {number}" for number in range(5)]
EVERYBODY = range(len(VALUES))
PROOF, GUESS = pb.EVIDENCE_LOGIN, pb.EVIDENCE_SIMILARITY
BY_PROOF, BY_GUESS, LOYALTY = "identity.link.deterministic", "identity.link.probabilistic", "loyalty"
#: A purpose of each view, and by what evidence people are joined in it.
VIEWS = {"marketing.email": (PROOF,), "personalise.recommend": (PROOF, GUESS)}

Pair = frozenset[int]


class Link(NamedTuple):
    """A source says that two belong together."""

    pair: Pair
    evidence: int
    source: str
    seen_ago_ms: int
    holds_ms: int | None
    sure_permille: int


class Unlink(NamedTuple):
    """Somebody says that they do not."""

    pair: Pair


class Refuse(NamedTuple):
    """Whoever is behind an identifier takes a permission back."""

    who: int
    purpose: str


class Permit(NamedTuple):
    """And gives it again."""

    who: int
    purpose: str


class Wait(NamedTuple):
    """Time passes."""

    ms: int


class Fail(NamedTuple):
    """The barrier fails the next times it is asked; the process may start again in between."""

    times: int
    restarts: bool


class Restart(NamedTuple):
    """What is only in memory is forgotten."""


class Rotate(NamedTuple):
    """A new key seals identifiers from now on; so many of those under the older ones are sealed anew."""

    rows: int


class Rules(NamedTuple):
    """Other rules come into force, for the past as well: so sure must a login be in the strict view."""

    sure_permille: int


who = st.sampled_from(EVERYBODY)
#: Few, so that one is spoken of again and again: two rings that share a side, and a bridge.
pairs = st.sampled_from([frozenset(pair) for pair in ((0, 1), (1, 2), (2, 3), (0, 3), (1, 3), (3, 4))])
purposes = st.sampled_from([BY_PROOF, BY_GUESS, LOYALTY])
links = st.builds(
    Link,
    pairs,
    st.sampled_from([PROOF, GUESS]),
    st.sampled_from(["web", "till"]),
    st.sampled_from([0, 0, 20]),
    st.sampled_from([None, None, 5, 30]),
    st.sampled_from([600, 1000]),
)
steps = st.one_of(
    *[links] * 4,
    *[st.builds(Unlink, pairs)] * 2,
    st.builds(Refuse, who, purposes),
    st.builds(Permit, who, purposes),
    st.builds(Wait, st.integers(1, 5)),
    st.builds(Fail, st.integers(1, 4), st.booleans()),
    st.just(Restart()),
    st.builds(Rotate, st.sampled_from([0, 2, 9])),
    st.builds(Rules, st.sampled_from([0, 800])),
)


class Seen(NamedTuple):
    """What is known of an edge that stands: when it was last seen, until when it holds, how surely."""

    at_ms: int
    end_ms: int
    sure_permille: int


@dataclass
class Plain:
    """What must come of a history, kept as plainly as can be.

    Attributes:
        edges: those that stand, by pair, evidence and source.
        wrong_ms: when a pair was last declared wrong.
        refused: who refuses what.
        strict_permille: how sure a login must be in the strict view.
    """

    edges: dict[tuple[Pair, int, str], Seen] = field(default_factory=dict)
    wrong_ms: dict[Pair, int] = field(default_factory=dict)
    refused: set[tuple[int, str]] = field(default_factory=set)
    strict_permille: int = 0

    def link(self, link: Link, now_ms: int) -> bool:
        """Whether it is taken: what is older than a correction is not."""
        key, at_ms = (link.pair, link.evidence, link.source), now_ms - link.seen_ago_ms
        if at_ms <= self.wrong_ms.get(link.pair, -1):
            return False
        if key not in self.edges or at_ms > self.edges[key].at_ms:
            end_ms = NEVER_MS if link.holds_ms is None else at_ms + link.holds_ms
            self.edges[key] = Seen(at_ms, end_ms, link.sure_permille)
        return True

    def unlink(self, pair: Pair, now_ms: int) -> int:
        """How many edges it takes away."""
        standing = [key for key in self.edges if key[0] == pair]
        for key in standing:
            del self.edges[key]
        if standing:
            self.wrong_ms[pair] = now_ms
        return len(standing)

    def refuses(self, one: int, purpose: str) -> bool:
        """Refusals go over every edge that was not declared wrong, run out or not."""
        asserted = component(one, (pair for pair, _, _ in self.edges))
        return any((other, purpose) in self.refused for other in asserted)

    def person(self, one: int, purpose: str, now_ms: int) -> set[int]:
        """Everybody joined by evidence that counts for the purpose, holds, and neither end refuses."""
        evidence = VIEWS[purpose]
        needed = self.strict_permille if evidence == (PROOF,) else 0
        return component(
            one,
            (
                pair
                for (pair, by, _), seen in self.edges.items()
                if by in evidence
                and now_ms < seen.end_ms
                and seen.sure_permille >= needed
                and not any(self.refuses(end, BY_PROOF if by == PROOF else BY_GUESS) for end in pair)
            ),
        )


def component(one: int, joined: Iterable[Pair]) -> set[int]:
    """Whoever is connected with one."""
    graph = nx.Graph()
    graph.add_nodes_from(EVERYBODY)
    graph.add_edges_from(map(tuple, joined))
    return nx.node_connected_component(graph, one)


class Life:
    """A desk that lives through a history, beside what must come of it."""

    def __init__(self, desk: Desk, born: list[SubjectId]) -> None:
        self.desk, self.born, self.plain = desk, born, Plain()
        self.graph = Graph()
        self.failures, self.restarts = 0, False
        desk.servicer = desk.make_servicer(self.graph)
        self.office = Office(desk)
        desk.at_barrier = self.maybe_fail

    async def maybe_fail(self, _seq: int) -> None:
        if self.failures:
            self.failures -= 1
            raise AuthorityStopped

    async def restart(self) -> None:
        await self.desk.servicer.drained()
        self.graph = Graph(await self.desk.store.confirmed_edges())
        self.desk.rules = self.desk.book.rules
        self.desk.servicer = self.desk.make_servicer(self.graph)
        self.office.change = self.office.make()
        await self.desk.servicer.take_up()
        self.desk.servicer.resume()
        await self.desk.all_confirmed()

    async def step(self, step: NamedTuple) -> None:
        match step:
            case Link():
                await self.link(step)
            case Unlink(pair):
                await self.unlink(pair)
            case Refuse(one, purpose):
                self.plain.refused.add((one, purpose))
                self.say(one)
            case Permit(one, purpose):
                self.plain.refused.discard((one, purpose))
                self.say(one)
            case Wait(ms):
                self.desk.clock.now_ms += ms
            case Fail(times, restarts):
                self.failures, self.restarts = times, restarts
            case Restart():
                await self.restart()
            case Rotate(rows):
                self.desk.rotate()
                await self.reseal(rows)
            case Rules(sure_permille):
                await self.go_by(sure_permille)

    async def link(self, link: Link) -> None:
        now_ms = self.desk.clock()
        seen_ms = now_ms - link.seen_ago_ms
        one, other = self.subjects(link.pair)
        sent = self.desk.link(
            one,
            other,
            evidence=link.evidence,
            source=link.source,
            confidence_permille=link.sure_permille,
            observed_at_ms=seen_ms,
            valid_until_ms=None if link.holds_ms is None else seen_ms + link.holds_ms,
        )
        taken = self.plain.link(link, now_ms)
        try:
            (result,) = (await self.desk.send(sent)).results
        except Refusal:
            await self.recover()
        else:
            assert result.error.reason == ("" if taken else "LINK_DECLARED_WRONG")

    async def unlink(self, pair: Pair) -> None:
        expected = self.plain.unlink(pair, self.desk.clock())
        try:
            removed = (await self.desk.unlink(*self.subjects(pair))).edges_removed
        except LinkNotFound:
            removed = 0
        except Refusal:
            removed = expected
            await self.recover()
        assert removed == expected

    async def recover(self) -> None:
        """A write whose barrier failed is durable: it is finished by this process or by the next one."""
        if self.restarts:
            await self.restart()
        await self.desk.all_confirmed()

    async def go_by(self, sure_permille: int) -> None:
        """Has other rules come into force, as previewed."""
        self.plain.strict_permille = sure_permille
        needed = f"confidence_min_permille = {{ strict = {sure_permille} }}, both_ends = true"
        version = self.desk.book.rules.version + 1
        await self.office.apply(file_of(version, ("both_ends = true", needed)))

    async def reseal(self, rows: int) -> None:
        """Seals up to so many rows of each older key anew, as a job would that is killed then."""
        keys = self.desk.identifiers.recognition()
        for version in keys.kept_under:
            await SealedRows(self.desk.database).reseal(keys, version, rows)

    def say(self, one: int) -> None:
        refused = [purpose for who, purpose in self.plain.refused if who == one]
        granted = [leaf for leaf in self.desk.policy.consent_nodes if leaf not in refused]
        self.desk.say(self.born[one], grant=granted, refuse=refused)

    def subjects(self, pair: Pair) -> Iterator[SubjectId]:
        return (self.born[one] for one in sorted(pair))

    async def compare(self) -> None:
        """What everything says is what the plain graph says."""
        desk, born, plain, now_ms = self.desk, self.born, self.plain, self.desk.clock()
        kept = await desk.store.confirmed_edges()
        assert not (await desk.store.pending()).edges
        assert {edge for one in born for edge in self.graph.at(one)} == set(kept)
        assert await desk.subjects(*VALUES) == born
        loyalty = desk.policy.index(LOYALTY)
        for one, subject in enumerate(born):
            for purpose in VIEWS:
                person = plain.person(one, purpose, now_ms)
                assert desk.members(subject, purpose) == {born[other] for other in person}
            assert desk.guard.allows(subject, loyalty, now_ms) is not plain.refuses(one, LOYALTY)

    async def take_back(self) -> None:
        """Corrects every link and gives every permission again."""
        self.failures = 0
        if self.plain.strict_permille:
            await self.go_by(0)
        for pair in {pair for pair, _, _ in self.plain.edges}:
            await self.unlink(pair)
        for one in {one for one, _ in self.plain.refused}:
            self.plain.refused -= {(one, purpose) for purpose in (BY_PROOF, BY_GUESS, LOYALTY)}
            self.say(one)


async def live(desk: Desk, history: Sequence[NamedTuple]) -> None:
    """Goes through a history, compares after every step, and takes it back."""
    born = await desk.subjects(*VALUES)
    desk.say_yes(*born)
    before = dict(desk.guard._entries)
    life = Life(desk, born)
    await life.office.open()
    for step in history:
        desk.clock.now_ms += 1
        await life.step(step)
        await desk.follow()  # consent reads on, whatever became of whoever waited for it
        desk.push()
        await life.compare()
    await life.take_back()
    assert desk.guard._entries == before


@settings(max_examples=30)
@given(history=st.lists(steps, min_size=8, max_size=16))
def test_any_history_is_what_a_naive_graph_says_and_can_be_taken_back(policy, history):
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder), policy, SHIPPED, Clock(NOW_MS))
        try:
            asyncio.run(live(desk, history))
        finally:
            desk.close()
