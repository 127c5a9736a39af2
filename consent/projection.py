"""The whole of the consent state in memory, and what a change does to it.

Entries are a function of the births, the edges that are not wrong, every subject's own state
and the instant; a change folds again only the refusal components it touches, and what comes
out is the same as folding everything from scratch. Loading is one big change.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping

from consent.alike import fold_alike
from consent.component import EdgeFact, EdgeState, entry_alone, fold_component, linked_with_proof
from consent.errors import SubjectUnknown
from consent.fold import SILENT, OwnState
from consent.guard_table import NEVER_MS, GuardEntry, narrows
from consent.policy import Policy
from identity.ids import SubjectId


class Projection:
    """Guard entries of every birth subject, kept up to date.

    Attributes:
        entries: the entry of every birth subject.
        narrowed: the last change took something away from somebody.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.narrowed = False
        self.entries: dict[SubjectId, GuardEntry] = {}
        self._births = 0
        self._born: dict[SubjectId, int] = {}
        self._own: dict[SubjectId, OwnState] = {}
        self._edges: dict[int, EdgeFact] = {}
        self._edges_of: dict[SubjectId, tuple[int, ...]] = {}
        self._changes: list[tuple[int, SubjectId]] = []
        self._scheduled: set[tuple[int, SubjectId]] = set()
        self._shared: dict[OwnState, OwnState] = {SILENT: SILENT}
        self._alone: dict[OwnState, GuardEntry] = {}

    def __contains__(self, subject: object) -> bool:
        return subject in self._born

    def change(
        self,
        now_ms: int,
        births: Iterable[SubjectId] = (),
        edges: Iterable[EdgeFact] = (),
        own: Mapping[SubjectId, OwnState] | None = None,
        erased: Collection[SubjectId] = (),
    ) -> dict[SubjectId, GuardEntry | None]:
        """Takes in a change and whatever ran out by now.

        Args:
            now_ms: the instant the entries are to hold from, milliseconds since the epoch.
            births: birth subjects, oldest first; those already known change nothing.
            edges: new or changed edges; the last one given for an ``edge_id`` counts.
            own: own states that replace earlier ones.
            erased: subjects that are unknown from now on, and so are their edges.

        Returns:
            The entries that are no longer what they were; ``None`` for those of the erased.

        Raises:
            SubjectUnknown: an edge or a state is about a subject never announced. Nothing is
                taken in.
        """
        births, edges, own = list(births), list(edges), own or {}
        self._must_know(births, (*own, *(end for edge in edges for end in (edge.a, edge.b))))
        touched = self._bear(births)
        for edge in edges:
            self._replace(edge)
            touched += (edge.a, edge.b)
        for subject, state in own.items():
            self._own[subject] = self._shared.setdefault(state, state) if state.common else state
            touched.append(subject)
        for subject in erased:
            touched += self._forget(subject)
        self._schedule_without(erased)
        touched += self._run_out(now_ms)
        changed = self._refold([one for one in touched if one in self._born], now_ms)
        self.narrowed = self.narrowed or bool(erased)
        return changed | dict.fromkeys(erased)

    def left_by(self, erased: Collection[SubjectId], now_ms: int) -> dict[SubjectId, int]:
        """What others are denied because of some subjects, and would be no more without them.

        A refusal, an objection, a restriction, an age or a place: what denied it is left as one mask.

        An erasure must not widen: whatever of this is to go on has to be said in their own name.

        Args:
            erased: the subjects.
            now_ms: the instant it is asked about.

        Returns:
            For each other subject of their components the mask, where there is one.
        """
        others: set[SubjectId] = set()
        for subject in erased:
            others.update(self._component(subject)[0])
        left: dict[SubjectId, int] = {}
        for subject in sorted(others.difference(erased), key=self._born.__getitem__):
            without = self._fold(subject, now_ms, frozenset(erased))[subject]
            mask = _denied(self.entries[subject]) & ~_denied(without) & ~self.policy.unrefusable_mask
            if mask:
                left[subject] = mask
        return left

    def edges_at(self, subject: SubjectId) -> tuple[EdgeFact, ...]:
        """The edges of a birth subject that are not wrong, in the order they were taken in."""
        return tuple(self._edges[edge_id] for edge_id in self._edges_of.get(subject, ()))

    def proven(self, subject: SubjectId, now_ms: int) -> tuple[SubjectId, ...]:
        """Everybody joined with a subject by permitted proof on both sides now, itself included."""
        reached, edges = self._component(subject)
        return linked_with_proof(self.policy, reached, edges, self._own, now_ms)[subject]

    def next_change_ms(self) -> int:
        """The next instant at which something runs out; ``NEVER_MS`` if nothing does."""
        while self._changes:
            at_ms, subject = self._changes[0]
            entry = self.entries.get(subject)
            if entry is not None and entry.changes_at_ms == at_ms:
                return at_ms
            self._unschedule()  # folded again since, with another end
        return NEVER_MS

    def _bear(self, births: Iterable[SubjectId]) -> list[SubjectId]:
        new = []
        for subject in births:
            if subject not in self._born:
                self._births += 1
                self._born[subject] = self._births
                new.append(subject)
        return new

    def _forget(self, subject: SubjectId) -> list[SubjectId]:
        """Drops all that is held of a subject; those it was linked with."""
        edges = self.edges_at(subject)
        for edge in edges:
            self._replace(edge._replace(state=EdgeState.WRONG))
        self._born.pop(subject, None)
        self._own.pop(subject, None)
        self.entries.pop(subject, None)
        return [end for edge in edges for end in (edge.a, edge.b)]

    def _schedule_without(self, erased: Collection[SubjectId]) -> None:
        if erased:
            self._scheduled = {one for one in self._scheduled if one[1] not in erased}
            self._changes = sorted(self._scheduled)  # a sorted list is a heap

    def _must_know(self, births: Iterable[SubjectId], subjects: Iterable[SubjectId]) -> None:
        strangers = {subject for subject in subjects if subject not in self._born}
        if strangers and not strangers <= set(births):
            raise SubjectUnknown

    def _replace(self, edge: EdgeFact) -> None:
        old = self._edges.pop(edge.edge_id, None)
        for end in () if old is None else (old.a, old.b):
            rest = tuple(one for one in self._edges_of.get(end, ()) if one != edge.edge_id)
            if rest:
                self._edges_of[end] = rest
            else:
                self._edges_of.pop(end, None)
        if edge.state is EdgeState.WRONG:
            return
        self._edges[edge.edge_id] = edge
        for end in (edge.a, edge.b):
            self._edges_of[end] = (*self._edges_of.get(end, ()), edge.edge_id)

    def _run_out(self, now_ms: int) -> list[SubjectId]:
        out = []
        while self.next_change_ms() <= now_ms:
            out.append(self._unschedule())
        return out

    def _schedule(self, at_ms: int, subject: SubjectId) -> None:
        if at_ms != NEVER_MS and (at_ms, subject) not in self._scheduled:
            self._scheduled.add((at_ms, subject))
            heapq.heappush(self._changes, (at_ms, subject))

    def _unschedule(self) -> SubjectId:
        change = heapq.heappop(self._changes)
        self._scheduled.remove(change)
        return change[1]

    def _refold(self, touched: Iterable[SubjectId], now_ms: int) -> dict[SubjectId, GuardEntry | None]:
        changed: dict[SubjectId, GuardEntry | None] = {}
        done: set[SubjectId] = set()
        entries = self.entries
        self.narrowed = False
        for subject in touched:
            if subject in done:
                continue
            folded = self._fold(subject, now_ms)
            done.update(folded)
            was: GuardEntry | None = None
            now: GuardEntry | None = None
            for one, entry in folded.items():
                old = entries.get(one)
                if old is entry:
                    continue
                # Those of one person share an entry, before and after: they are compared once.
                if old is None or old is not was or entry is not now:
                    if old == entry:
                        continue
                    self.narrowed = self.narrowed or (old is not None and narrows(old, entry))
                    was, now = old, entry
                entries[one] = changed[one] = entry
            self._schedule(folded[subject].changes_at_ms, subject)
        return changed

    def _fold(
        self, subject: SubjectId, now_ms: int, without: frozenset[SubjectId] = frozenset()
    ) -> Mapping[SubjectId, GuardEntry]:
        reached, edges = self._component(subject, without) if subject in self._edges_of else ([], [])
        if not edges:
            return {subject: self._fold_alone(self._own.get(subject, SILENT), now_ms)}
        own = self._own.get(subject, SILENT)
        if own.common and self._alike(reached, own):
            return fold_alike(self.policy, reached, edges, self._fold_alone(own, now_ms), now_ms)
        return fold_component(self.policy, reached, edges, self._own, now_ms)

    def _alike(self, subjects: Iterable[SubjectId], own: OwnState) -> bool:
        """Whether everybody said the same; equal states that others may share are one object."""
        states = self._own
        return all(states.get(subject, SILENT) is own for subject in subjects)

    def _fold_alone(self, own: OwnState, now_ms: int) -> GuardEntry:
        """Most subjects are alone and said one of a few things: they share one entry."""
        if not own.common:
            return entry_alone(self.policy, own, now_ms)
        entry = self._alone.get(own)
        if entry is None:
            entry = self._alone[own] = entry_alone(self.policy, own, now_ms)
        return entry

    def _component(
        self, subject: SubjectId, without: frozenset[SubjectId] = frozenset()
    ) -> tuple[list[SubjectId], list[EdgeFact]]:
        """The refusal component of a subject, oldest first, and its edges; as if some were not there."""
        edges_of, known = self._edges_of, self._edges
        reached = {subject}
        edge_ids: set[int] = set()
        frontier = [subject]
        while frontier:
            for edge_id in edges_of.get(frontier.pop(), ()):
                edge = known[edge_id]
                if edge_id in edge_ids or (without and (edge.a in without or edge.b in without)):
                    continue
                edge_ids.add(edge_id)
                for end in (edge.a, edge.b):
                    if end not in reached:
                        reached.add(end)
                        frontier.append(end)
        edges = [known[edge_id] for edge_id in sorted(edge_ids)]
        return sorted(reached, key=self._born.__getitem__), edges


def _denied(entry: GuardEntry) -> int:
    """What stands against the purposes of an entry, whatever is granted; a grant that ran out does not."""
    why = entry.why
    if why is None:
        return entry.refuse
    return entry.refuse | why.refused | why.withdrawn | why.objected | why.restricted | why.minor | why.regime
