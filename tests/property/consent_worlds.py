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
from consent.record import Action, Age, Said
from identity.ids import SubjectId

TIME_MAX = 8
INSTANTS = range(TIME_MAX + 2)
STRICT, WIDE = 1, 2


REGIMES = {
    "UK": {},
    "US": {"mail": "opt_out", "service": "vital_interest", "identity.link.probabilistic": "opt_out"},
    "US_CA": {"like": "US", "mail.parcel": "consent", "show": "forbidden"},
}
MINORS = {"CHILD": ["mail"], "MINOR": ["show.items"]}


def content_with(link_basis: str) -> dict[str, object]:
    """Two views, a node with a leaf of a later version, purposes with and without a view, regimes."""

    def purpose(basis: str, view: str, since: int = 1) -> dict[str, object]:
        return {"basis": basis, "view": view, "since": since}

    return {
        "taxonomy_version": 2,
        "regime": "EU",
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
        "regimes": REGIMES,
        "minors": MINORS,
    }


CONTENTS = {basis: content_with(basis) for basis in ("consent", "legitimate_interest")}
POLICIES = {basis: compile_policy(content) for basis, content in CONTENTS.items()}
TAKES = (
    Action.REFUSE,
    Action.WITHDRAW,
    Action.EXPIRE,
    Action.INVALIDATE,
    Action.OBJECT,
    Action.RESTRICT,
)
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


regimes = st.sampled_from(["", "", "", "EU", "UK", "US", "US", "US_CA", "one the policy lost"])
ages = st.sampled_from([Age.UNKNOWN, Age.UNKNOWN, Age.UNKNOWN, *Age])


@st.composite
def statements(draw: st.DrawFn, actions: tuple[Action, ...] = tuple(Action)) -> Said:
    """Any statement, but for what it answers and what names it; see ``worlds``."""
    action = draw(st.sampled_from(actions))
    until = draw(ends) if action is Action.GRANT else NEVER_MS
    node, version, at_ms = draw(st.sampled_from(NODES)), draw(st.integers(1, 2)), draw(times)
    return Said(node, action, version, at_ms, until, draw(regimes), draw(ages))


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
        attested_by=draw(st.sampled_from(["", "desk", "desk"])) if deterministic else "",
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Linking and more is mostly granted and edges mostly count, or nothing would be read across."""
    policy = POLICIES[draw(st.sampled_from(sorted(POLICIES)))]
    regime = draw(st.sampled_from(["EU", "US", "US_CA", ""]))
    said = [
        (subject, Said(node, Action.GRANT, 2, 0, NEVER_MS, regime))
        for subject in SUBJECTS
        for node in draw(st.sampled_from([(), ("identity",), ("identity", "mail"), ("identity", "place")]))
    ]
    said += draw(st.lists(st.tuples(subjects, statements()), max_size=8))
    often_active = (EdgeState.ACTIVE, EdgeState.ACTIVE, EdgeState.REFUSAL_ONLY, EdgeState.WRONG)
    edges = [
        draw(edges_between(policy, number, states=often_active)) for number in range(draw(st.integers(0, 7)))
    ]
    return World(policy, draw(answering(said)), tuple(edges))


@st.composite
def answering(draw: st.DrawFn, said: list[tuple[SubjectId, Said]]) -> tuple[tuple[SubjectId, Said], ...]:
    """The same statements, every refusal with an id and the grants naming some of them."""
    named = [
        (who, one._replace(id=bytes([number]) * 16) if one.action in TAKES[:2] else one)
        for number, (who, one) in enumerate(said)
    ]
    ids = [one.id for _, one in named if one.id]
    if not ids or not draw(st.booleans()):
        return tuple(named)
    some = st.lists(st.sampled_from(ids), max_size=3).map(tuple)
    return tuple(
        (who, one._replace(supersedes=draw(some)) if one.action is Action.GRANT else one)
        for who, one in named
    )


@st.composite
def answered_worlds(draw: st.DrawFn) -> World:
    """Worlds in which a grant answers a refusal, and most often over a link that lets it."""
    world = draw(worlds())
    refuser, grantor, *_ = draw(st.permutations(SUBJECTS))
    node = draw(st.sampled_from(["mail", "mail.letter", "show.items", "place", "service"]))
    refused, granted = sorted((draw(times), draw(times)))
    linking = Said("identity", Action.GRANT, 2, 0, NEVER_MS)
    refusal = Said(node, draw(st.sampled_from(TAKES[:2])), 2, refused, NEVER_MS, id=b"r" * 16)
    grant = Said(node, Action.GRANT, 2, granted, draw(ends), "US", supersedes=(refusal.id,))
    edge = EdgeFact(
        edge_id=77,
        a=refuser,
        b=grantor,
        link_purpose=world.policy.index("identity.link.deterministic"),
        deterministic=True,
        views=STRICT | WIDE,
        state=EdgeState.ACTIVE,
        valid_until_ms=draw(ends),
        attested_by="desk",
    )
    said = ((refuser, linking), (grantor, linking), (refuser, refusal), (grantor, grant), *world.said)
    return World(world.policy, said, (*world.edges, edge))


# The oracle

NO_REFUSAL = {"rights", "operate"}
NEEDS_NO_GRANT = {"none", "legal_obligation", "vital_interest", "contract", "legitimate_interest", "opt_out"}
NOT_BEATEN_BY_OBJECTION = {"none", "legal_obligation", "vital_interest"}


def under(node: str, leaf: str) -> bool:
    return leaf == node or leaf.startswith(node + ".")


def legal_basis(policy: Policy, regime: str, leaf: str) -> str:
    """What the file's table says closest to the leaf, or the table it is like, or ``[purposes]``."""
    link = next(basis for basis, known in POLICIES.items() if known is policy)
    content = CONTENTS[link]
    while regime != "EU":
        table = REGIMES[regime]
        said = [node for node in table if node != "like" and under(node, leaf)]
        if said:
            return table[max(said, key=len)]
        regime = table.get("like", "EU")
    return content["purposes"][leaf]["basis"]


class OwnWords:
    """What one subject itself said about one leaf."""

    def __init__(self, world: World, subject: SubjectId, leaf: str, now_ms: int) -> None:
        self.policy, self.leaf, self.now_ms = world.policy, leaf, now_ms
        self.said = [((one.effective_at_ms, order), one) for order, one in enumerate(world.of(subject))]

    def covering(self, *actions: Action) -> list[tuple[tuple[int, int], Said]]:
        """Statements of these kinds about the leaf; what permits covers only leaves there were."""
        since = self.policy.since[self.policy.leaves.index(self.leaf)]
        return [
            (when, one)
            for when, one in self.said
            if one.action in actions
            and under(one.node, self.leaf)
            and (one.action not in (Action.GRANT, Action.LIFT) or since <= one.taxonomy_version)
        ]

    def since(self, when: tuple[int, int], *actions: Action) -> bool:
        return any(later > when for later, _ in self.covering(*actions))

    def valid_grants(self) -> list[tuple[tuple[int, int], Said]]:
        grants = self.covering(Action.GRANT)
        return [(when, one) for when, one in grants if not self.since(when, Action.INVALIDATE)]

    def winner(self) -> tuple[tuple[int, int], Said] | None:
        said = self.valid_grants() + self.covering(Action.REFUSE, Action.WITHDRAW)
        return max(said, key=lambda one: one[0], default=None)

    def in_force(self, when: tuple[int, int], grant: Said) -> bool:
        return self.now_ms < grant.valid_until_ms and not self.since(when, Action.EXPIRE)

    def state(self) -> str:
        winner = self.winner()
        if winner is None:
            return "UNKNOWN"
        when, one = winner
        if one.action is Action.GRANT:
            return "GRANTED" if self.in_force(when, one) else "EXPIRED"
        return "REFUSED" if one.action is Action.REFUSE else "WITHDRAWN"

    def lies_over(self, action: Action) -> bool:
        """The latest of this and LIFT is this."""
        latest = max(self.covering(action, Action.LIFT), key=lambda one: one[0], default=None)
        return latest is not None and latest[1].action is action

    def answers(self, refusal: Said) -> bool:
        """A grant in force names the refusal, is not older, and was not taken back since."""
        return any(
            refusal.id in grant.supersedes
            and refusal.effective_at_ms <= grant.effective_at_ms
            and self.in_force(when, grant)
            and not self.since(when, Action.REFUSE, Action.WITHDRAW)
            for when, grant in self.valid_grants()
        )


def protected(world: World, subject: SubjectId, leaf: str) -> bool:
    """Child or minor by the latest word; only who asked for something is believed to see an adult."""
    ages: list[Age] = []
    for one in sorted(world.of(subject), key=lambda one: one.effective_at_ms):
        if one.age is Age.UNKNOWN:
            continue
        if one.action in (Action.GRANT, Action.REQUEST, Action.DEFER):
            ages = []
        ages.append(one.age)
    nodes = {Age.CHILD: MINORS["CHILD"] + MINORS["MINOR"], Age.MINOR: MINORS["MINOR"], Age.ADULT: []}
    return any(under(node, leaf) for age in ages for node in nodes[age])


def regimes_of(world: World, subject: SubjectId) -> set[str]:
    """Those named with a permission, a question or a lift; all there are when none is known."""
    every = {"EU", *REGIMES}
    named = {one.regime for one in world.of(subject) if one.regime and one.action not in TAKES}
    return named if named and named <= every else every


class Oracle:
    """Answers about a world at an instant, straight from the definitions."""

    def __init__(self, world: World, now_ms: int) -> None:
        self.world = world
        self.policy = world.policy
        self.now_ms = now_ms
        self.words = {
            (subject, leaf): OwnWords(world, subject, leaf, now_ms)
            for subject in SUBJECTS
            for leaf in self.policy.leaves
        }
        self.states = {key: words.state() for key, words in self.words.items()}
        asserted = self._graph([edge for edge in world.edges if edge.state is not EdgeState.WRONG])
        self.refusal_component = {s: nx.node_connected_component(asserted, s) for s in SUBJECTS}
        self.bases = {
            (subject, leaf): {
                legal_basis(self.policy, regime, leaf)
                for other in self.refusal_component[subject]
                for regime in regimes_of(world, other)
            }
            for subject in SUBJECTS
            for leaf in self.policy.leaves
        }
        self.permitted = [edge for edge in world.edges if self._is_permitted(edge)]

    def allowed(self, subject: SubjectId, leaf: str) -> bool:
        return leaf in NO_REFUSAL or (
            not self.refused(subject, leaf)
            and not self._barred(subject, leaf)
            and (self._needs_no_grant(subject, leaf) or self._heard(subject, leaf, "GRANTED"))
        )

    def reason(self, subject: SubjectId, leaf: str) -> str:
        """The first that stands, in the order of the text."""
        if self.allowed(subject, leaf):
            return ""
        bars = self._barred(subject, leaf)
        unanswered = [self.states[who, leaf] for who in self._refusers(subject, leaf)]
        if "WITHDRAWN" in unanswered or "REFUSED" in unanswered:
            bars.append("CONSENT_WITHDRAWN" if "WITHDRAWN" in unanswered else "CONSENT_REFUSED")
        order = ("PROCESSING_RESTRICTED", "OBJECTED", "MINOR_PROTECTED")
        order += ("CONSENT_WITHDRAWN", "CONSENT_REFUSED", "REGIME_FORBIDS")
        if bars:
            return min(bars, key=order.index)
        return "CONSENT_EXPIRED" if self._heard(subject, leaf, "EXPIRED") else "CONSENT_UNKNOWN"

    def refused(self, subject: SubjectId, leaf: str) -> bool:
        return leaf not in NO_REFUSAL and bool(self._refusers(subject, leaf))

    def members(self, subject: SubjectId, view: int) -> set[SubjectId]:
        return nx.node_connected_component(self._graph(self._seen_in(view)), subject)

    def _barred(self, subject: SubjectId, leaf: str) -> list[str]:
        """What denies besides refusals, over the refusal component."""
        component, bases = self.refusal_component[subject], self.bases[subject, leaf]
        bars = []
        for action, reason in ((Action.RESTRICT, "PROCESSING_RESTRICTED"), (Action.OBJECT, "OBJECTED")):
            over = any(self.words[other, leaf].lies_over(action) for other in component)
            if over and not bases <= NOT_BEATEN_BY_OBJECTION:
                bars.append(reason)
        if any(protected(self.world, other, leaf) for other in component):
            bars.append("MINOR_PROTECTED")
        if "forbidden" in bases:
            bars.append("REGIME_FORBIDS")
        return bars

    def _refusers(self, subject: SubjectId, leaf: str) -> list[SubjectId]:
        """Whose refusal counts against a subject."""
        return [
            other
            for other in self.refusal_component[subject]
            if self._refuses(other, leaf) and not self._rests(other, subject, leaf)
        ]

    def _rests(self, refuser: SubjectId, subject: SubjectId, leaf: str) -> bool:
        """A grant that reaches the subject answers it, over proof on both sides."""
        if under("identity.link", leaf):
            return False
        refusal = self.words[refuser, leaf].winner()[1]
        view = self.policy.view_of[self.policy.leaves.index(leaf)]
        seen = self._seen_in(view) if view >= 0 else self.permitted
        linked = nx.node_connected_component(self._graph([e for e in seen if e.attested_by]), refuser)
        return any(
            self.states[grantor, leaf] == "GRANTED"
            and grantor in linked
            and self.words[grantor, leaf].answers(refusal)
            for grantor in self._grantors(subject, leaf)
        )

    def _heard(self, subject: SubjectId, leaf: str, state: str) -> bool:
        return any(self.states[other, leaf] == state for other in self._grantors(subject, leaf))

    def _grantors(self, subject: SubjectId, leaf: str) -> set[SubjectId]:
        """Reached over deterministic edges inside what permitted edges reach in the purpose's view."""
        view = self.policy.view_of[self.policy.leaves.index(leaf)]
        if view < 0:
            return {subject}
        reached = self.members(subject, view)
        proven = [edge for edge in self._seen_in(view) if edge.deterministic]
        return nx.node_connected_component(self._graph(proven).subgraph(reached), subject)

    def _seen_in(self, view: int) -> list[EdgeFact]:
        return [edge for edge in self.permitted if edge.views & 1 << view]

    def _is_permitted(self, edge: EdgeFact) -> bool:
        return (
            edge.state is EdgeState.ACTIVE
            and self.now_ms < edge.valid_until_ms
            and all(self._lets_link(end, self.policy.leaves[edge.link_purpose]) for end in (edge.a, edge.b))
        )

    def _lets_link(self, subject: SubjectId, link_purpose: str) -> bool:
        """Judged by refusals as they were said: none of them rests yet."""
        component = self.refusal_component[subject]
        own = self.states[subject, link_purpose] == "GRANTED" or self._needs_no_grant(subject, link_purpose)
        refused = any(self._refuses(other, link_purpose) for other in component)
        return own and not refused and not self._barred(subject, link_purpose)

    def _refuses(self, subject: SubjectId, leaf: str) -> bool:
        return self.states[subject, leaf] in {"REFUSED", "WITHDRAWN"}

    def _needs_no_grant(self, subject: SubjectId, leaf: str) -> bool:
        return self.bases[subject, leaf] <= NEEDS_NO_GRANT

    @staticmethod
    def _graph(edges: list[EdgeFact]) -> nx.Graph:
        graph = nx.Graph()
        graph.add_nodes_from(SUBJECTS)
        graph.add_edges_from((edge.a, edge.b) for edge in edges)
        return graph
