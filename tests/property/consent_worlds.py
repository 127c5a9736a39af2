"""Small random worlds of people, links and statements, and what they come to by definition.

The oracle below follows the text of the decision semantics word by word and shares no code
with the domain beyond its data types: reachability is networkx's, one question at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import networkx as nx
from hypothesis import strategies as st

from consent.component import EdgeFact, EdgeState
from consent.fold import OwnState, fold
from consent.guard_table import NEVER_MS, GuardEntry
from consent.policy import Policy, compile_policy
from consent.projection import Projection
from consent.record import Action, Said
from identity.ids import SubjectId

TIME_MAX = 8
INSTANTS = range(TIME_MAX + 2)
STRICT, WIDE = 1, 2


def policy_with(link_basis: str = "consent") -> Policy:
    """Two views, a node with a leaf of a later version, purposes with and without a view."""

    def purpose(basis: str, view: str, since: int = 1) -> dict[str, object]:
        return {"basis": basis, "view": view, "since": since}

    return compile_policy(
        {
            "taxonomy_version": 2,
            "regime": "EU_GDPR",
            "views": ["strict", "wide"],
            "purposes": {
                "service": purpose("contract", "strict"),
                "show.items": purpose("consent", "wide"),
                "mail.letter": purpose("consent", "strict"),
                "mail.parcel": purpose("consent", "strict", since=2),
                "place": purpose("consent", "none"),
                "identity.link.deterministic": purpose(link_basis, "none"),
                "identity.link.probabilistic": purpose("consent", "none"),
                "rights": purpose("legal_obligation", "none"),
                "operate": purpose("none", "none"),
            },
        }
    )


POLICIES = {basis: policy_with(basis) for basis in ("consent", "legitimate_interest")}
NODES = [
    "service",
    "show",
    "show.items",
    "mail",
    "mail.letter",
    "mail.parcel",
    "place",
    "identity",
    "identity.link",
    "identity.link.deterministic",
    "identity.link.probabilistic",
    "rights",
]
SUBJECTS = tuple(SubjectId(bytes([number]) * 16) for number in range(1, 7))


@dataclass(frozen=True)
class World:
    """Everything consent knows: who said what (in recorded order), and who is linked."""

    policy: Policy
    said: tuple[tuple[SubjectId, Said], ...]
    edges: tuple[EdgeFact, ...]

    def of(self, subject: SubjectId) -> list[Said]:
        return [said for who, said in self.said if who == subject]

    @cached_property
    def own(self) -> dict[SubjectId, OwnState]:
        return {subject: fold(self.policy, self.of(subject)) for subject in SUBJECTS}

    def saying(self, subject: SubjectId, said: Said) -> World:
        return replace(self, said=(*self.said, (subject, said)))

    def linking(self, edge: EdgeFact) -> World:
        return replace(self, edges=(*self.edges, edge))


def entries_of(world: World, now_ms: int) -> dict[SubjectId, GuardEntry]:
    """What the domain makes of a world, from scratch."""
    projection = Projection(world.policy)
    projection.change(now_ms, SUBJECTS, world.edges, world.own)
    return projection.entries


# Strategies

times = st.integers(0, TIME_MAX)
ends = st.one_of(st.just(NEVER_MS), st.integers(1, TIME_MAX + 1))
subjects = st.sampled_from(SUBJECTS)


@st.composite
def statements(draw: st.DrawFn, actions: tuple[Action, ...] = tuple(Action)) -> Said:
    action = draw(st.sampled_from(actions))
    until = draw(ends) if action is Action.GRANT else NEVER_MS
    return Said(draw(st.sampled_from(NODES)), action, draw(st.integers(1, 2)), draw(times), until)


@st.composite
def edges_between(
    draw: st.DrawFn,
    policy: Policy,
    edge_id: int,
    *,
    kinds: tuple[bool, ...] = (True, False),
    states: tuple[EdgeState, ...] = tuple(EdgeState),
) -> EdgeFact:
    deterministic = draw(st.sampled_from(kinds))
    purpose = "identity.link.deterministic" if deterministic else "identity.link.probabilistic"
    a, b = draw(st.lists(subjects, min_size=2, max_size=2, unique=True))
    return EdgeFact(
        edge_id=edge_id,
        a=a,
        b=b,
        link_purpose=policy.index(purpose),
        deterministic=deterministic,
        views=draw(st.sampled_from([STRICT | WIDE, WIDE])) if deterministic else WIDE,
        state=draw(st.sampled_from(states)),
        valid_until_ms=draw(ends),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Linking and more is mostly granted and edges mostly count, or nothing would be read across."""
    policy = POLICIES[draw(st.sampled_from(sorted(POLICIES)))]
    said = [
        (subject, Said(node, Action.GRANT, 2, 0, NEVER_MS))
        for subject in SUBJECTS
        for node in draw(st.sampled_from([(), ("identity",), ("identity", "mail"), ("identity", "place")]))
    ]
    said += draw(st.lists(st.tuples(subjects, statements()), max_size=8))
    often_active = (EdgeState.ACTIVE, EdgeState.ACTIVE, EdgeState.REFUSAL_ONLY, EdgeState.WRONG)
    edges = [
        draw(edges_between(policy, number, states=often_active)) for number in range(draw(st.integers(0, 7)))
    ]
    return World(policy, tuple(said), tuple(edges))


# The oracle


def own_state(world: World, subject: SubjectId, leaf: str, now_ms: int) -> str:
    """The latest statement among the leaf and its ancestors that covers the leaf."""
    best: tuple[int, int] | None = None
    state = "UNKNOWN"
    for order, said in enumerate(world.of(subject)):
        if leaf != said.node and not leaf.startswith(said.node + "."):
            continue
        existed = world.policy.since[world.policy.leaves.index(leaf)] <= said.taxonomy_version
        if said.action is Action.GRANT and not existed:
            continue
        if best is None or (said.effective_at_ms, order) > best:
            best = (said.effective_at_ms, order)
            state = {"GRANT": "GRANTED", "REFUSE": "REFUSED", "WITHDRAW": "WITHDRAWN"}[said.action]
            if state == "GRANTED" and now_ms >= said.valid_until_ms:
                state = "EXPIRED"
    return state


class Oracle:
    """Answers about a world at an instant, straight from the definitions."""

    def __init__(self, world: World, now_ms: int) -> None:
        self.world = world
        self.policy = world.policy
        self.now_ms = now_ms
        self.states = {
            (subject, leaf): own_state(world, subject, leaf, now_ms)
            for subject in SUBJECTS
            for leaf in self.policy.leaves
        }
        asserted = self._graph([edge for edge in world.edges if edge.state is not EdgeState.WRONG])
        self.refusal_component = {s: nx.node_connected_component(asserted, s) for s in SUBJECTS}

    def allowed(self, subject: SubjectId, leaf: str) -> bool:
        if leaf in {"rights", "operate"}:
            return True
        if self._refused(subject, leaf):
            return False
        return self._needs_no_grant(leaf) or any(
            self.states[other, leaf] == "GRANTED" for other in self._grantors(subject, leaf)
        )

    def refused(self, subject: SubjectId, leaf: str) -> bool:
        return leaf not in {"rights", "operate"} and self._refused(subject, leaf)

    def members(self, subject: SubjectId, view: int) -> set[SubjectId]:
        return nx.node_connected_component(self._graph(self._permitted(view)), subject)

    def _grantors(self, subject: SubjectId, leaf: str) -> set[SubjectId]:
        """Reached over deterministic edges inside what permitted edges reach in the purpose's view."""
        view = self.policy.view_of[self.policy.leaves.index(leaf)]
        if view < 0:
            return {subject}
        reached = self.members(subject, view)
        proven = [edge for edge in self._permitted(view) if edge.deterministic]
        return nx.node_connected_component(self._graph(proven).subgraph(reached), subject)

    def _permitted(self, view: int) -> list[EdgeFact]:
        return [
            edge
            for edge in self.world.edges
            if edge.state is EdgeState.ACTIVE
            and self.now_ms < edge.valid_until_ms
            and edge.views & 1 << view
            and all(self._lets_link(end, self.policy.leaves[edge.link_purpose]) for end in (edge.a, edge.b))
        ]

    def _lets_link(self, subject: SubjectId, link_purpose: str) -> bool:
        own = self.states[subject, link_purpose] == "GRANTED" or self._needs_no_grant(link_purpose)
        return own and not self._refused(subject, link_purpose)

    def _refused(self, subject: SubjectId, leaf: str) -> bool:
        component = self.refusal_component[subject]
        return any(self.states[other, leaf] in {"REFUSED", "WITHDRAWN"} for other in component)

    def _needs_no_grant(self, leaf: str) -> bool:
        return self.policy.basis[self.policy.leaves.index(leaf)] != "consent"

    @staticmethod
    def _graph(edges: list[EdgeFact]) -> nx.Graph:
        graph = nx.Graph()
        graph.add_nodes_from(SUBJECTS)
        graph.add_edges_from((edge.a, edge.b) for edge in edges)
        return graph
