"""What a training reads: the events of the people who permit it, and nobody else's.

Read by subject, in one snapshot of the file, on a connection of its own. The grouping says
which subject numbers may be read and which training person each belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from recommender.declared import Topic
from recommender.events import EventTable, Ints
from recommender.text import item_words
from services.storage.database import Connection

_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class Grouping:
    """Who may be learned from; two columns of one length, by ascending subject.

    Attributes:
        subject: subject numbers.
        person: the training person of each: the smallest subject number of the component, so
            that a person has the same name as long as nothing of it is there before.
    """

    subject: Ints
    person: Ints

    @classmethod
    def of_components(cls, subject: Ints, component: Ints) -> Grouping:
        """Names components.

        Args:
            subject: subject numbers, each once.
            component: the same number for those who are one person, from 0.
        """
        smallest = np.full(int(component.max(initial=-1)) + 1, np.iinfo(np.int64).max)
        np.minimum.at(smallest, component, subject)
        order = np.argsort(subject)
        return cls(subject[order], smallest[component][order])

    def where(self, mask: NDArray[np.bool_]) -> Grouping:
        """Those for whom ``mask`` holds."""
        return Grouping(self.subject[mask], self.person[mask])

    def differs_from(self, other: Grouping) -> bool:
        """Whether one of these is not there, or two of these are one person here or there only."""
        at = np.searchsorted(other.subject, self.subject)
        at = np.minimum(at, max(len(other.subject) - 1, 0))
        if not len(other.subject) or not (other.subject[at] == self.subject).all():
            return bool(len(self.subject))
        pairs = np.unique(np.stack([self.person, other.person[at]]), axis=1)
        return any(len(np.unique(side)) < pairs.shape[1] for side in pairs)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a model is learned from.

    Attributes:
        projection: names the projection the item numbers belong to.
        grouping: of those whose events are among them.
        learned_from: of those, and of those besides whose age band was read for one of these people.
        events: the events.
        categories: of each item by number.
        words: of each item by number.
        bands: the youngest age band that each training person declared and lets be learned from, by
            the number of the person; 0 for none.
    """

    projection: str
    grouping: Grouping
    learned_from: Grouping
    events: EventTable
    categories: list[str]
    words: list[list[str]]
    bands: Ints


def subjects_present(connection: Connection) -> Ints:
    """The numbers of all subjects that the recommender's tables hold, ascending."""
    rows = connection.execute("SELECT number FROM subject ORDER BY number").fetchall()
    return np.array(rows, np.int64).reshape(-1)


def training_data(grouping: Grouping, purpose: int, now_ms: int, connection: Connection) -> TrainingData:
    """Reads what may be learned from.

    Args:
        grouping: the people who permit it now.
        purpose: bit position of the purpose; only events that may be used for it are read.
        now_ms: events that have expired by then are left out.
        connection: reads the recommender's tables, one state of them.
    """
    (projection,) = connection.execute("SELECT projection FROM state").fetchone()
    (items,) = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM item").fetchone()
    categories, words = [""] * items, [list[str]() for _ in range(items)]
    for number, *texts in connection.execute(
        "SELECT number, title, category, brand, tags, description FROM item"
    ):
        categories[number], words[number] = texts[1], item_words(*texts)
    bands, telling = _bands(connection, grouping, purpose)
    codes = [
        code for code, uses in connection.execute("SELECT code, uses FROM provenance") if uses >> purpose & 1
    ]
    parts = list(_parts(connection, grouping, codes, now_ms))
    columns = np.concatenate(parts) if parts else np.zeros((0, 6), np.int64)
    having = grouping.where(np.isin(grouping.subject, columns[:, 0]))
    read = np.isin(grouping.subject, telling) & np.isin(grouping.person, having.person)
    learned_from = grouping.where(np.isin(grouping.subject, having.subject) | read)
    events = EventTable.of_columns(columns[:, 1:])
    return TrainingData(projection, having, learned_from, events, categories, words, bands)


def _bands(connection: Connection, grouping: Grouping, purpose: int) -> tuple[Ints, Ints]:
    """The age band of each training person, and the subjects that told one."""
    told = connection.execute(
        "SELECT subject.number, declared.value, declared.uses FROM declared"
        " JOIN subject ON subject.birth = declared.birth WHERE topic = ?",
        (Topic.AGE_BAND,),
    ).fetchall()
    person_of = dict(zip(grouping.subject.tolist(), grouping.person.tolist(), strict=True))
    bands = np.zeros(int(grouping.person.max(initial=-1)) + 1, np.int64)
    telling: list[int] = []
    for number, band, uses in told:
        person = person_of.get(number)
        if person is not None and uses >> purpose & 1:
            bands[person] = min(band, bands[person] or band)
            telling.append(number)
    return bands, np.array(telling, np.int64)


def _parts(
    connection: Connection, grouping: Grouping, codes: Sequence[int], now_ms: int
) -> Iterator[NDArray[np.int64]]:
    """Arrays of shape (events, 6): subject, person, item, day, kind, quantity; by subject."""
    query = (
        "SELECT subject, item, day, kind, quantity FROM event"  # noqa: S608 - marks only
        f" WHERE provenance IN ({', '.join('?' * len(codes))})"
        " AND (expires_at_ms IS NULL OR expires_at_ms > ?) ORDER BY subject, event_key"
    )
    rows = iter(connection.execute(query, (*codes, now_ms)))
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        told = np.array(some, np.int64)
        place = np.searchsorted(grouping.subject, told[:, 0]).clip(max=max(len(grouping.subject) - 1, 0))
        mine = np.isin(told[:, 0], grouping.subject)
        yield np.insert(told[mine], 1, grouping.person[place[mine]], axis=1)
