"""What a reader of the map of people is told: what differs between where it stood and now.

What came and went in between is told to nobody. A link that was withdrawn before a reader heard
of it must not become known by its end, and whoever never held two people for one need not part
them. Changes that hang together are told at one time, so that no page parts a merge from what
undid it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from identity.ids import SubjectId
from identity.people_map import Change, MapChange, Person, changes


class Reading(NamedTuple):
    """How far somebody has read.

    Attributes:
        seq: everything up to this change is told.
        head: what lies beyond is told up to this change to those of ``told``.
        told: these are the groups whose first change beyond ``seq`` is this one or an earlier one.
    """

    seq: int
    head: int
    told: int

    @classmethod
    def up_to(cls, seq: int) -> Reading:
        """Everything up to a change and nothing beyond."""
        return cls(seq, seq, 0)


class Group(NamedTuple):
    """Changes of people who had to do with each other, and with nobody else, since a reading.

    Attributes:
        first: the first change of theirs in the sequence of all.
        changes: what is left to tell of them.
    """

    first: int
    changes: list[Change]


@dataclass(slots=True)
class _Lot:
    first: int
    subjects: list[SubjectId]


class News:
    """What happened in one view since a reading: for everybody in it the person then, the person now."""

    def __init__(self, reading: Reading) -> None:
        """Nothing yet; every change beyond ``reading.seq`` is to be taken in, in order."""
        self._reading = reading
        self._of_before = True
        self._before: dict[SubjectId, Person] = {}
        self._after: dict[SubjectId, Person] = {}
        self._lot_of: dict[SubjectId, _Lot] = {}

    def take(self, news: MapChange) -> None:
        """Takes in the next change."""
        if news.seq > self._reading.head:
            self._tell()
        for person in news.change.before:
            for subject in person:
                self._before.setdefault(subject, person)
        for person in news.change.after:
            self._after.update(dict.fromkeys(person, person))
        self._join(news.seq, news.change.whole)

    def groups(self) -> Iterator[Group]:
        """What is left to tell, in the order of the groups' beginnings; found as it is asked for.

        Whoever is told the groups up to one has read ``Reading(reading.seq, last, group.first)``,
        with ``last`` the newest change of all; who is told all of them, ``Reading.up_to(last)``.
        """
        self._tell()
        for lot in self._lots():
            left = changes(_persons(self._before, lot.subjects), _persons(self._after, lot.subjects))
            if left:
                yield Group(lot.first, left)

    def _tell(self) -> None:
        """Once all that was known at the reading is taken in: to whom it was told, that is how it was."""
        if not self._of_before:
            return
        self._of_before = False
        for lot in self._lots():
            if lot.first <= self._reading.told:
                self._before.update((subject, self._after[subject]) for subject in lot.subjects)

    def _join(self, seq: int, whole: Sequence[SubjectId]) -> None:
        lots = {id(lot): lot for subject in whole if (lot := self._lot_of.get(subject))}
        largest = max(lots.values(), key=lambda lot: len(lot.subjects), default=_Lot(seq, []))
        for lot in lots.values():
            if lot is not largest:
                largest.first = min(largest.first, lot.first)
                self._move(lot.subjects, largest)
        self._move([subject for subject in whole if subject not in self._lot_of], largest)

    def _move(self, subjects: Sequence[SubjectId], lot: _Lot) -> None:
        lot.subjects += subjects
        self._lot_of.update(dict.fromkeys(subjects, lot))

    def _lots(self) -> list[_Lot]:
        return sorted({id(lot): lot for lot in self._lot_of.values()}.values(), key=lambda lot: lot.first)


def _persons(of: Mapping[SubjectId, Person], subjects: Sequence[SubjectId]) -> list[Person]:
    return sorted({of[subject] for subject in subjects})
