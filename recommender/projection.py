"""The recommender's own view of what people did: erasable, and only what it needs.

News of events come through a feed, at least once and in order; each is kept once. What is
in memory follows the store: a subject's history is dropped when news of it are committed and
read anew when it is next asked for, so no query sees less than was committed before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from identity.ids import SubjectId
from recommender.catalogue import Catalogue
from recommender.declared import AnswerCache, Declared, DeclaredAnswer, DeclaredBy, of_person, permitted
from recommender.history import History, HistoryCache, Provenance, together

if TYPE_CHECKING:
    from recommender.store import Loaded, RecommenderStore


#: Answers and subjects without any that are held in memory; an answer takes some 300 bytes.
_ANSWERS_KEPT_MAX = 50_000


class ProjectedEvent(NamedTuple):
    """One event as it reaches the recommender.

    Attributes:
        event_key: what makes it this event.
        subject: the birth subject it was recorded for.
        item_id: the item it was done to.
        day: days since 1970-01-01, UTC; an earlier day is kept as that one.
        kind: an ``events.Kind``.
        quantity: pieces, at least 1.
        uses: mask of the purposes it may be used for.
        party: whose data it is; number as in the contract.
        origin: the system that observed it.
        expires_at_ms: from when on it must not be used; ``None`` = it does not expire.
        recorded_day: the day the suite recorded it; retention counts from there.
    """

    event_key: bytes
    subject: SubjectId
    item_id: str
    day: int
    kind: int
    quantity: int
    uses: int
    party: int
    origin: str
    expires_at_ms: int | None
    recorded_day: int


class RecommenderProjection:
    """The projection of one process.

    Attributes:
        cursors: by partition, the last position of the feed that is applied.
        events_seen: events taken in so far.
    """

    def __init__(
        self,
        store: RecommenderStore,
        catalogue: Catalogue,
        loaded: Loaded,
        *,
        history_bytes_max: int,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Makes the projection.

        Args:
            store: where events are kept.
            catalogue: learns the numbers of items that are known from events only.
            loaded: what the store held at start-up.
            history_bytes_max: about so much memory for histories.
            changed: called after each application.
        """
        self._store = store
        self._catalogue = catalogue
        self._histories = HistoryCache(history_bytes_max)
        self._declared = AnswerCache(_ANSWERS_KEPT_MAX)
        self._changed = changed
        self._provenances = tuple(loaded.provenances)
        self._applied = 0
        self._permitting: dict[int, NDArray[np.bool_]] = {}
        self.cursors = list(loaded.cursors)
        self.events_seen = loaded.events_seen

    @property
    def cursor(self) -> int:
        """How far every partition is applied."""
        return min(self.cursors)

    async def apply(
        self,
        cursor: int,
        events: Sequence[ProjectedEvent],
        declared: Sequence[DeclaredBy] = (),
        partition: int | None = None,
    ) -> None:
        """Takes news in; the same ones again change nothing.

        Args:
            cursor: position of the last news in the feed.
            events: in the feed's order.
            declared: what subjects declare by now, in the feed's order.
            partition: whose news they are; ``None``: everybody's.
        """
        applied = await self._store.apply(cursor, events, declared, partition)
        self._catalogue.put_as_of(applied.items, applied.news)
        if applied.provenances is not None and len(applied.provenances) > len(self._provenances):
            self._learn(applied.provenances)  # partitions are applied side by side
        self._drop({event.subject for event in events} | {one.subject for one in declared})
        for place in range(len(self.cursors)) if partition is None else (partition,):
            self.cursors[place] = max(self.cursors[place], cursor)
        self.events_seen = max(self.events_seen, applied.events_seen)
        self._changed()

    async def permitted(self, subjects: Iterable[SubjectId], purpose: int, now_ms: int) -> History:
        """The events of a person that may be used for a purpose.

        Args:
            subjects: the person's birth subjects.
            purpose: bit position of the purpose.
            now_ms: events that have expired by then are left out.
        """
        history = together([await self._history(subject) for subject in subjects])
        return history.permitted(self._uses(purpose), now_ms)

    async def declared(self, members: Mapping[int, Iterable[SubjectId]]) -> Declared:
        """What a person declares.

        Args:
            members: for each purpose (bit position) the birth subjects whose answers may be used
                for it; an answer of one of them counts when it may be used for that purpose.
        """
        return of_person(
            [
                answer
                for purpose, subjects in members.items()
                for subject in subjects
                for answer in permitted(await self._answers(subject), purpose)
            ]
        )

    def provenance(self, code: int) -> tuple[int, str]:
        """Party and origin of a provenance code."""
        party, origin, _ = self._provenances[code]
        return party, origin

    async def everything(self, subject: SubjectId) -> History:
        """All events of a birth subject, whatever they may be used for; read anew and not kept."""
        return await self._store.history(subject)

    def forget(self, subjects: Sequence[SubjectId]) -> None:
        """Drops what is in memory of subjects that the store has erased."""
        self._drop(subjects)

    def forget_everybody(self) -> None:
        """Drops what is in memory of everybody: some of them are gone, and nothing says who."""
        self._applied += 1
        self._histories.clear()
        self._declared.clear()

    async def _history(self, subject: SubjectId) -> History:
        history = self._histories.get(subject)
        if history is None:
            applied = self._applied
            history = await self._store.history(subject)
            if len(history) and int(history.provenance.max()) >= len(self._provenances):
                self._learn(await self._store.provenances())
            if applied == self._applied:  # else it may be older than what was dropped meanwhile
                self._histories.put(subject, history)
        return history

    async def _answers(self, subject: SubjectId) -> Sequence[DeclaredAnswer]:
        answers = self._declared.get(subject)
        if answers is None:
            applied = self._applied
            answers = tuple(await self._store.declared(subject))
            if applied == self._applied:
                self._declared.put(subject, answers)
        return answers

    def _drop(self, subjects: Iterable[SubjectId]) -> None:
        self._applied += 1
        self._histories.drop(subjects)
        self._declared.drop(subjects)

    def _learn(self, provenances: Sequence[Provenance]) -> None:
        self._provenances = tuple(provenances)
        self._permitting.clear()

    def _uses(self, purpose: int) -> NDArray[np.bool_]:
        permitting = self._permitting.get(purpose)
        if permitting is None:
            bits = [bool(provenance.uses >> purpose & 1) for provenance in self._provenances]
            permitting = self._permitting[purpose] = np.array(bits, np.bool_)
        return permitting
