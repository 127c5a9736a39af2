"""What a training reads: the events of the people who permit it, and nobody else's.

Read by subject, in one snapshot of the file, on a connection of its own. The grouping says
which subject numbers may be read and which training person each belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.declared import Topic
from recommender.events import EventTable, Ints
from recommender.text import item_words
from services.storage.sqlite import connect

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


def subjects_present(path: Path) -> Ints:
    """The numbers of all subjects there are, ascending.

    Args:
        path: the recommender's file.
    """
    with closing(connect(path, read_only=True)) as connection:
        rows = connection.execute("SELECT number FROM subject ORDER BY number").fetchall()
    return np.array(rows, np.int64).reshape(-1)


def training_data(path: Path, grouping: Grouping, purpose: int, now_ms: int) -> TrainingData:
    """Reads what may be learned from.

    Args:
        path: the recommender's file.
        grouping: the people who permit it now.
        purpose: bit position of the purpose; only events that may be used for it are read.
        now_ms: events that have expired by then are left out.
    """
    with closing(connect(path, read_only=True)) as connection:
        connection.execute("BEGIN")
        (projection,) = connection.execute("SELECT projection FROM state").fetchone()
        (items,) = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM item").fetchone()
        categories, words = [""] * items, [list[str]() for _ in range(items)]
        for number, *texts in connection.execute(
            "SELECT number, title, category, brand, tags, description FROM item"
        ):
            categories[number], words[number] = texts[1], item_words(*texts)
        bands, telling = _bands(connection, grouping, purpose)
        codes = [
            code
            for code, uses in connection.execute("SELECT code, uses FROM provenance")
            if uses >> purpose & 1
        ]
        marks = ", ".join("?" * len(codes))
        query = (
            "SELECT item, day, kind, quantity FROM event WHERE subject = ?"  # noqa: S608 - marks only
            f" AND provenance IN ({marks}) AND (expires_at_ms IS NULL OR expires_at_ms > ?)"
        )
        parts = list(_parts(connection, query, grouping, (*codes, now_ms)))
    columns = np.concatenate(parts) if parts else np.zeros((0, 6), np.int64)
    having = grouping.where(np.isin(grouping.subject, columns[:, 0]))
    read = np.isin(grouping.subject, telling) & np.isin(grouping.person, having.person)
    learned_from = grouping.where(np.isin(grouping.subject, having.subject) | read)
    events = EventTable.of_columns(columns[:, 1:])
    return TrainingData(projection, having, learned_from, events, categories, words, bands)


def _bands(connection: Any, grouping: Grouping, purpose: int) -> tuple[Ints, Ints]:
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
    connection: Any, query: str, grouping: Grouping, arguments: tuple[int, ...]
) -> Iterator[NDArray[np.int64]]:
    """Arrays of shape (events, 6): subject, person, item, day, kind, quantity."""
    rows: list[tuple[int, ...]] = []
    whose: list[tuple[int, int]] = []
    for subject, person in zip(grouping.subject.tolist(), grouping.person.tolist(), strict=True):
        found = connection.execute(query, (subject, *arguments)).fetchall()
        rows += found
        whose += [(subject, person)] * len(found)
        if len(rows) >= _ROWS_AT_ONCE:
            yield _array(whose, rows)
            rows, whose = [], []
    if rows:
        yield _array(whose, rows)


def _array(whose: list[tuple[int, int]], rows: list[tuple[int, ...]]) -> NDArray[np.int64]:
    return np.concatenate([np.array(whose, np.int64), np.array(rows, np.int64)], axis=1)
