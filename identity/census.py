"""Who would be one person with whom, were some links in the ledger one by one; what rules say to it.

A link is admitted or refused by the people it would make: not too large, not too many identifiers
of one kind, not joined by a guess alone, not over something that people share. What turns out to
be shared joins nobody from then on: its edges, those admitted before among them, are given up. Only
proof makes an identifier suspicious; a guess is just refused, so that a weak link never widens. What
is given up goes on carrying refusals, unless its own source alone shows why it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from identity.effect import joins, weak
from identity.graph import Graph, Reach
from identity.ids import SubjectId
from identity.ledger import Edge, Sighting, ordered
from identity.linking import LinkRefusal
from identity.marks import PARTS, UNSAID, Mark
from identity.rules import Rules, Strength
from identity.tokens import IdentifierKind
from identity.witnesses import Witnesses

if TYPE_CHECKING:
    from identity.sharing import Pair

_KINDS_END = max(IdentifierKind) + 1


@dataclass(slots=True, eq=False)
class _Person:
    """Who is one person.

    Attributes:
        members: everybody joined.
        counts: how many identifiers of each kind that makes, by the kind's number.
        anchored: one of them is one person's own.
    """

    members: set[SubjectId]
    counts: list[int]
    anchored: bool


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Edges of the ledger that are to join nobody.

    Attributes:
        reason: why.
        shared: the identifier that people share; ``None`` where it is a guess that goes.
        edges: the edges that are to count for nothing, as they stand.
        carriers: the edges that are to go on carrying refusals, as they stand.
        mark: what showed the identifier to be shared.
    """

    reason: LinkRefusal
    shared: SubjectId | None
    edges: tuple[Edge, ...] = ()
    carriers: tuple[Edge, ...] = ()
    mark: Mark = UNSAID


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the people a few links are about.

    Attributes:
        graph: the edges of the ledger.
        reaches: for the ends of the links whom the graph joins them with; whoever is missing is alone.
        kinds: the kind of identifier of everybody among those.
        shared: identifiers found to be shared before.
        blocked: identifiers that stand for none.
        now_ms: what joins nobody any more by then upholds no guess.
    """

    graph: Graph = field(default_factory=Graph)
    reaches: Mapping[SubjectId, Reach] = field(default_factory=dict)
    kinds: Mapping[SubjectId, int] = field(default_factory=dict)
    shared: Container[SubjectId] = frozenset()
    blocked: Container[SubjectId] = frozenset()
    now_ms: int = 0


class Census:
    """Admits links one by one.

    Attributes:
        quarantines: what of the ledger is to join nobody any more.
        given_up: the links that were admitted and are not any more, by the place they were given.
        limited: for links that one person has too many identifiers for, by place, of which kind.
    """

    def __init__(self, rules: Rules, known: Known, link_at: Callable[[int], Sighting]) -> None:
        """Takes no link in yet.

        Args:
            rules: what counts.
            known: the people the links are about.
            link_at: the link at a place, as it was last seen; asked for those that were admitted, too.
        """
        self._rules = rules
        self._known = known
        self._people: dict[SubjectId, _Person] = {}
        self._link_at = link_at
        self._added: dict[SubjectId, list[int]] = {}
        self._shared: set[SubjectId] = set()
        self._parted: set[Pair] = set()
        self._gone: set[int] = set()  # ids of the edges between those parted
        self.quarantines: list[Quarantine] = []
        self.given_up: dict[int, LinkRefusal] = {}
        self.limited: dict[int, IdentifierKind] = {}
        kinds = {int(kind): rule for kind, rule in rules.kinds.items()}
        self._anchoring = {kind for kind, rule in kinds.items() if rule.strength is Strength.ANCHOR}
        self._shareable = {kind for kind, rule in kinds.items() if rule.strength is Strength.SHAREABLE}
        self._above: dict[int, Mapping[int, int]] = {0: {}}
        for kind, rule in kinds.items():
            self._above[kind] = {int(other): above for other, above in rule.shared_above.items()}
        self._limits = [(kind, rule.per_person_max, rule.window_ms) for kind, rule in kinds.items()]
        self._least_limit = min(most for _, most, _ in self._limits)
        self._witnesses = Witnesses(self._above)
        self._weak: dict[tuple[int, str, int], bool] = {}
        self._anew: dict[int, Sighting] = {}  # by the id of the edge that was seen again

    def shared(self, one: SubjectId, other: SubjectId) -> bool:
        """Whether one of two identifiers is one that people share, found before or here."""
        found, known = self._shared, self._known.shared
        return bool(found and (one in found or other in found)) or (one in known or other in known)

    def let_go(self, place: int) -> bool:
        """Whether the source of a link alone shows that an end is shared, so that it counts for nothing."""
        link = self._link_at(place)
        return any(
            self._alone(end, link.source)
            for end in (link.subject, link.other)
            if end in self._shared or end in self._known.shared
        )

    def carries(self, place: int) -> bool:
        """Whether a link that was admitted and is not any more goes on carrying refusals."""
        return self.given_up[place] is LinkRefusal.BRIDGES_PEOPLE or not self.let_go(place)

    def fault(self, place: int) -> str:
        """Which end of a refused link is one too many; empty if the kind is another one than theirs.

        Whoever sent the link knows that kind, and is told of no other that the person has many of.
        """
        kind, link = self.limited.get(place), self._link_at(place)
        ends = {"other": link.other, "subject": link.subject}
        return next((name for name, end in ends.items() if self._known.kinds.get(end) == kind), "")

    def detail(self, place: int) -> str:
        """What else there is to say of a refusal: the kind that a person has too many of."""
        kind = self.limited.get(place)
        return "" if kind is None else kind.name

    def admit(self, place: int) -> LinkRefusal | None:
        """Takes the new link at a place in, unless the rules refuse it."""
        sighting = self._link_at(place)
        one, other = sighting.subject, sighting.other
        if one in self._known.blocked or other in self._known.blocked:
            return LinkRefusal.BLOCKED_VALUE
        if self.shared(one, other):
            for end in () if self._is_guess(sighting) else (one, other):
                self._hear(end, sighting)
            return LinkRefusal.IDENTIFIER_SHARED
        guess = self._is_guess(sighting)
        crowded = self._crowded(one, other)
        if crowded:
            for end in [] if guess else crowded:
                self._hear(end, sighting)
                self._quarantine(end, self._crowd(end, other if end == one else one), sighting.source)
            return LinkRefusal.IDENTIFIER_SHARED
        mine, theirs = self._person(one), self._person(other)
        if mine is None or theirs is None:
            return LinkRefusal.PERSON_TOO_LARGE
        if mine is not theirs:
            return self._admit_between(mine, theirs, place, sighting, guess=guess)
        self._add(place, sighting)
        return self._upheld(mine, place) if guess and mine.anchored else None

    def see_again(self, place: int, edge_id: int) -> LinkRefusal | None:
        """Takes in that an edge of the ledger was seen again: it is what was seen last, unless refused."""
        refusal = self.comes_back(place)
        if refusal is None and edge_id not in self._gone:
            self._anew[edge_id] = self._link_at(place)
        return refusal

    def comes_back(self, place: int) -> LinkRefusal | None:
        """Whether by what was seen again an end comes back into a window that is full without it."""
        sighting = self._link_at(place)
        ends = sighting.subject, sighting.other
        person = self._person(sighting.subject)
        if person is not None and len(person.members) > self._least_limit:
            for kind, most, window_ms in self._limits:
                if person.counts[kind] <= most:
                    continue
                back = [one for one in ends if self._known.kinds.get(one) == kind]
                since_ms = sighting.observed_at_ms - window_ms
                if all(self._seen_since(one, since_ms) for one in back):
                    continue
                if self._seen(person.members, kind, sighting, window_ms) > most:
                    self.limited[place] = IdentifierKind(kind)
                    return LinkRefusal.PERSON_KIND_LIMIT
        return None

    def take_apart(self, pair: Pair) -> None:
        """Takes away whatever links two, and gives up what only that kept from being seen as it is.

        An identifier that now turns out to stand between people, and guesses that only proof between
        the two upheld. All of it goes on carrying refusals: declared wrong was only what links the two.
        """
        self._part_pair(ordered(*pair))
        for end in pair:
            person = self._person(end)
            if person is not None and person.anchored:
                self._part(person, "")

    def _admit_between(
        self, mine: _Person, theirs: _Person, place: int, sighting: Sighting, *, guess: bool
    ) -> LinkRefusal | None:
        size = len(mine.members) + len(theirs.members)
        most = self._rules.members_max - size
        if most < 0 or self._known.graph.beyond(chain(mine.members, theirs.members), most + 1) > most:
            return LinkRefusal.PERSON_TOO_LARGE
        both_anchored = mine.anchored and theirs.anchored
        if guess and both_anchored:
            return LinkRefusal.BRIDGES_PEOPLE
        if size > self._least_limit and self._over_limit(mine, theirs, place, sighting):
            return LinkRefusal.PERSON_KIND_LIMIT
        self._add(place, sighting)
        joined = self._join(mine, theirs)
        if not both_anchored:
            return None
        self._part(joined, sighting.source)
        return self.given_up.get(place)

    def _upheld(self, person: _Person, place: int) -> LinkRefusal | None:
        """What becomes of a guess within a person, parts of whom only what ran out may have joined."""
        proof, guesses, ran_out = self._pairs(person.members)
        if ran_out:
            self._give_up_bridges(proof, guesses, self._anchors(person))
        return self.given_up.get(place)

    def _over_limit(self, mine: _Person, theirs: _Person, place: int, sighting: Sighting) -> bool:
        for kind, most, window_ms in self._limits:
            if mine.counts[kind] + theirs.counts[kind] > most:
                everybody = (*mine.members, *theirs.members)
                if self._seen(everybody, kind, sighting, window_ms) > most:
                    self.limited[place] = IdentifierKind(kind)
                    return True
        return False

    def _is_guess(self, link: Sighting | Edge) -> bool:
        says = link.evidence, link.source, link.confidence_permille
        known = self._weak.get(says)
        if known is None:
            known = self._weak[says] = weak(link, self._rules)
        return known

    def _part_pair(self, pair: Pair) -> None:
        self._parted.add(pair)
        self._gone.update(
            edge.edge_id for edge in self._known.graph.held(pair[0]) if (edge.a, edge.b) == pair
        )

    def _add(self, place: int, sighting: Sighting) -> None:
        self._parted.discard(sighting.key[:2])  # what parted them went; this is new
        self._added.setdefault(sighting.subject, []).append(place)
        self._added.setdefault(sighting.other, []).append(place)

    def _seen(self, members: Iterable[SubjectId], kind: int, sighting: Sighting, window_ms: int) -> int:
        """How many identifiers of a kind were seen within a window before a link; its ends are seen now."""
        since_ms = sighting.observed_at_ms - window_ms
        ends = sighting.subject, sighting.other
        return sum(
            one in ends or self._seen_since(one, since_ms)
            for one in members
            if self._known.kinds.get(one) == kind
        )

    def _seen_since(self, one: SubjectId, since_ms: int) -> bool:
        return any(seen.observed_at_ms > since_ms for seen in self._links_of(one))

    def _crowded(self, one: SubjectId, other: SubjectId) -> list[SubjectId]:
        """The ends that would be linked directly with more of the other's kind than is allowed."""
        kinds, above = self._known.kinds, self._above
        of_one, of_other = kinds.get(one, 0), kinds.get(other, 0)
        crowded = []
        most = above[of_one].get(of_other)
        if most is not None and self._full(one, other, of_other, most):
            crowded.append(one)
        most = above[of_other].get(of_one)
        if most is not None and self._full(other, one, of_one, most):
            crowded.append(other)
        return crowded

    def _crowd(self, end: SubjectId, beyond: SubjectId) -> Mark:
        kind = self._known.kinds.get(beyond, 0)
        return Mark(kind, self._above[self._known.kinds.get(end, 0)][kind] + 1)

    def _full(self, end: SubjectId, beyond: SubjectId, kind: int, most: int) -> bool:
        near = set(self._near(end))
        if len(near) < most or beyond in near:
            return False
        kinds = self._known.kinds
        return sum(kinds.get(one) == kind for one in near) >= most

    def _part(self, person: _Person, source: str) -> None:
        """Gives up what nothing but a shared identifier or a guess holds a person together by.

        Args:
            person: whom.
            source: who showed it now; empty if nobody did.
        """
        kinds = self._known.kinds
        anchors = self._anchors(person)
        shareable = [one for one in person.members if kinds.get(one) in self._shareable]
        proof, guesses, ran_out = self._pairs(person.members)
        if shareable and len(anchors) > self._rules.anchored_parts_max:
            # It brings networkx along, a third of a start; few people are ever looked at so closely.
            from identity.sharing import drawn_of, shared_joints  # noqa: PLC0415

            def shown_by(pairs: Iterable[Pair]) -> list[SubjectId]:
                drawn = drawn_of(pairs)
                joints = shared_joints(drawn, shareable, anchors, self._rules.anchored_parts_max)
                return [one for joint in joints for one in sorted(joint)]

            shared = shown_by([*proof, *guesses, *ran_out])
            if shared and source:
                for one in shown_by(set().union(*self._pairs(person.members, source))):
                    self._witnesses.hear_joint(one, source)
            for one in shared:
                self._quarantine(one, None, source)
        self._give_up_bridges(proof, guesses, anchors)

    def _anchors(self, person: _Person) -> set[SubjectId]:
        return {one for one in person.members if self._known.kinds.get(one) in self._anchoring}

    def _give_up_bridges(self, proof: set[Pair], guesses: set[Pair], anchors: set[SubjectId]) -> None:
        if not guesses:
            return
        from identity.sharing import drawn_of, weak_bridges  # noqa: PLC0415 - as above

        left = [{pair for pair in pairs if self._counted(*pair)} for pairs in (proof, guesses)]
        for pair in weak_bridges(drawn_of(left[0]), left[1], anchors):
            self._give_up_guess(pair)

    def _pairs(
        self, members: Collection[SubjectId], source: str = ""
    ) -> tuple[set[Pair], set[Pair], set[Pair]]:
        """The pairs among members that something links which stands: by proof, by guesses beside none.

        The third are those that proof links, but only such as joins nobody any more.

        Args:
            members: the members.
            source: whose links alone; everybody's if empty.
        """
        guesses: set[Pair] = set()
        proof: set[Pair] = set()
        ran_out: set[Pair] = set()
        for member in members:
            for link in self._links_of(member):
                if source and link.source != source:
                    continue
                if isinstance(link, Edge):
                    if not link.state.stands:
                        continue
                    ends = link.a, link.b
                else:
                    ends = link.key[:2]
                if self._is_guess(link):
                    guesses.add(ends)
                else:
                    (proof if joins(link, self._rules, self._known.now_ms) else ran_out).add(ends)
        return proof, guesses - proof, ran_out - proof

    def _quarantine(self, subject: SubjectId, mark: Mark | None, source: str) -> None:
        """Gives up whatever links an identifier; without a mark it is a joint between people.

        Links of the source that showed it count for nothing if it shows it by itself.
        """
        mark = mark or Mark(PARTS, self._rules.anchored_parts_max + 1)
        person = self._person(subject)
        for link in self._links_of(subject):
            if not isinstance(link, Edge) or link.state.stands:
                self._hear(subject, link)
        held = [edge for edge in self._held(subject) if edge.state.stands]
        alone = self._alone(subject, source)
        edges = tuple([edge for edge in held if alone and edge.source == source])
        carriers = tuple([edge for edge in held if not alone or edge.source != source])
        self.quarantines.append(Quarantine(LinkRefusal.IDENTIFIER_SHARED, subject, edges, carriers, mark))
        self._shared.add(subject)
        for place in self._added.get(subject, ()):
            self.given_up[place] = LinkRefusal.IDENTIFIER_SHARED
        self._forget(person)

    def _give_up_guess(self, pair: Pair) -> None:
        """Gives up the guesses between two; proof that ran out beside them stays what it was."""
        person = self._person(pair[0])
        held = [edge for edge in self._held(pair[0]) if (edge.a, edge.b) == pair]
        edges = tuple([edge for edge in held if edge.state.stands and self._is_guess(edge)])
        self.quarantines.append(Quarantine(LinkRefusal.BRIDGES_PEOPLE, None, carriers=edges))
        self._gone.update(edge.edge_id for edge in edges)
        added = [place for place in self._added.get(pair[0], ()) if self._link_at(place).key[:2] == pair]
        guesses = [place for place in added if self._is_guess(self._link_at(place))]
        self.given_up.update(dict.fromkeys(guesses, LinkRefusal.BRIDGES_PEOPLE))
        if len(guesses) == len(added) and not any(edge.state.stands for edge in held if edge not in edges):
            self._part_pair(pair)
        self._forget(person)

    def _hear(self, end: SubjectId, link: Edge | Sighting) -> None:
        """Notes what a source says of an identifier that is or may be shared."""
        one, other = link[1:3] if isinstance(link, Edge) else link[:2]
        beyond = other if end == one else one
        self._witnesses.hear(end, link.source, beyond, self._known.kinds.get(beyond, 0))

    def _alone(self, end: SubjectId, source: str) -> bool:
        return self._witnesses.alone(end, self._known.kinds.get(end, 0), source)

    def _held(self, subject: SubjectId) -> Iterator[Edge]:
        """The edges of the ledger at an identifier, as they were last seen."""
        for edge in self._known.graph.held(subject):
            again = self._anew.get(edge.edge_id)
            yield edge if again is None else edge.seen_again(again)

    def _links_of(self, subject: SubjectId) -> Iterator[Edge | Sighting]:
        """Whatever links an identifier directly and still counts."""
        for edge in self._held(subject):
            if edge.edge_id not in self._gone and self._counted(edge.a, edge.b):
                yield edge
        for place in self._added.get(subject, ()):
            if place not in self.given_up:
                yield self._link_at(place)

    def _near(self, subject: SubjectId) -> Iterator[SubjectId]:
        """Who is linked with an identifier directly; somebody may come more than once."""
        for other in self._known.graph.near(subject):
            if self._counted(*ordered(subject, other)):
                yield other
        for place in self._added.get(subject, ()):
            if place not in self.given_up:
                sighting = self._link_at(place)
                yield sighting.other if sighting.subject == subject else sighting.subject

    def _counted(self, a: SubjectId, b: SubjectId) -> bool:
        if not self._shared and not self._parted:
            return True
        return a not in self._shared and b not in self._shared and (a, b) not in self._parted

    def _person(self, subject: SubjectId) -> _Person | None:
        """Everybody joined with a subject; ``None`` if they are more than the largest person."""
        person = self._people.get(subject)
        if person is not None:
            return person
        if self._parted or self.quarantines:  # whoever was joined here since is no longer noted
            members = self._walked(subject)
        else:
            reach = self._known.reaches.get(subject)
            if reach is not None and not reach.complete:
                return None
            members = {subject} if reach is None else set(reach.members)
        if len(members) > self._rules.members_max:
            return None
        counts = [0] * _KINDS_END
        for member in members:
            counts[self._known.kinds.get(member, 0)] += 1
        person = _Person(members, counts, any(counts[kind] for kind in self._anchoring))
        for member in members:
            self._people[member] = person
        return person

    def _walked(self, subject: SubjectId) -> set[SubjectId]:
        members = [subject]
        seen = {subject}
        for member in members:
            for other in self._near(member):
                if other not in seen:
                    seen.add(other)
                    members.append(other)
            if len(members) > self._rules.members_max:
                break
        return seen

    def _join(self, mine: _Person, theirs: _Person) -> _Person:
        """The larger takes the smaller in."""
        if len(mine.members) < len(theirs.members):
            mine, theirs = theirs, mine
        mine.members |= theirs.members
        mine.anchored = mine.anchored or theirs.anchored
        for kind, count in enumerate(theirs.counts):
            if count:
                mine.counts[kind] += count
        for member in theirs.members:
            self._people[member] = mine
        return mine

    def _forget(self, person: _Person | None) -> None:
        for member in person.members if person is not None else ():
            self._people.pop(member, None)
