"""What the recommender asks of a store.

Events are kept with the feed's cursor in one transaction and at most once by key, so that a
crash anywhere repeats news and never loses or doubles them. Everything of a subject can be
erased. Numbers of items and subjects are the store's and are never used twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from identity.ids import SubjectId
from recommender.catalogue import Item, StoredItem
from recommender.declared import DeclaredAnswer, DeclaredBy
from recommender.history import History, Provenance
from recommender.projection import ProjectedEvent


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a process begins with.

    Attributes:
        projection: names this projection; item numbers of another mean something else.
        cursors: by partition, the last position of the feed that is applied.
        events_seen: events taken in so far, erased ones included.
        items: all items with a number.
        provenances: by code.
        news: the number of the newest news of these tables.
    """

    projection: str
    cursors: tuple[int, ...]
    events_seen: int
    items: Sequence[StoredItem]
    provenances: Sequence[Provenance]
    news: int

    @property
    def cursor(self) -> int:
        """How far every partition is applied."""
        return min(self.cursors)


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of news.

    Attributes:
        recorded: events that are new.
        events_seen: events taken in so far.
        items: items that got a number because of an event; when the news were there before, all of
            the events' items that have one.
        provenances: all provenances by code, when there may be new ones.
        news: the items are as they were at the news of this number.
    """

    recorded: int
    events_seen: int
    items: Sequence[StoredItem]
    provenances: Sequence[Provenance] | None
    news: int


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """Makes a write repeatable.

    Attributes:
        key: the caller and its request id.
        digest: of the content; the same key with another digest is refused.
        now_ms: when; answers are kept for a day.
    """

    key: str
    digest: bytes
    now_ms: int


@dataclass(frozen=True, slots=True)
class Changed:
    """What a catalogue write did, or did when the request came first.

    Attributes:
        count: how many items were replaced, added or taken out.
        items: the state of all items concerned.
        news: they are so at the news of this number.
    """

    count: int
    items: Sequence[StoredItem]
    news: int


class RecommenderStore(Protocol):
    """Keeps the catalogue and the projection of events. Times are milliseconds since the epoch."""

    async def load(self) -> Loaded:
        """What a process begins with."""

    async def upsert(self, request: WriteRequest, items: Sequence[Item]) -> Changed:
        """Adds or replaces items; of two with one id the later one counts.

        Raises:
            RequestIdReused: the key was used with another content.
        """

    async def delete(self, request: WriteRequest, item_ids: Sequence[str]) -> Changed:
        """Takes items out of the catalogue.

        Raises:
            RequestIdReused: the key was used with another content.
        """

    async def item(self, item_id: str) -> Item:
        """One listed item.

        Raises:
            UnknownItem: it is not in the catalogue.
        """

    async def apply(
        self,
        cursor: int,
        events: Sequence[ProjectedEvent],
        declared: Sequence[DeclaredBy] = (),
        partition: int | None = None,
    ) -> Applied:
        """Keeps the events whose keys are new, what is declared now, and the cursor, in one transaction.

        What a subject declares takes the place of all it declared before; of two for one subject the
        later one counts. News that are not beyond the cursor change nothing. ``partition`` says whose
        news they are: all of that partition's up to the cursor; ``None``: everybody's.
        """

    async def declared(self, subject: SubjectId) -> Sequence[DeclaredAnswer]:
        """What a birth subject declares."""

    async def history(self, subject: SubjectId) -> History:
        """All events of a birth subject."""

    async def provenances(self) -> Sequence[Provenance]:
        """All provenances by code."""

    async def erase(self, subjects: Iterable[SubjectId]) -> int:
        """Erases all events and answers of some subjects; returns how many events there were."""

    async def subject_numbers(self, subjects: Sequence[SubjectId]) -> list[int]:
        """The number of each subject; 0 for one without events."""
