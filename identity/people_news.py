"""What a reader of the map of people is told: what differs between where it stood and now.

What came and went in between is told to nobody. A link that was withdrawn before a reader heard
of it must not become known by its end, and whoever never held two people for one need not part
them. Changes that hang together are told at one time, so that no page parts a merge from what
undid it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


def groups_since(reading: Reading, news: Iterable[MapChange]) -> list[Group]:
    """What somebody who has read so far has to be told, by groups, in the order of their beginnings.

    Whoever is told the groups up to one has read ``Reading(reading.seq, last, group.first)``, with
    ``last`` the newest change of all; who is told all of them, ``Reading.up_to(last)``.

    Args:
        reading: how far that is.
        news: all changes of one view beyond ``reading.seq``, in order.
    """
    lives = _Lives()
    before_head = True
    for one in news:
        if before_head and one.seq > reading.head:
            lives.tell(reading.told)
            before_head = False
        lives.take(one)
    if before_head:
        lives.tell(reading.told)
    return lives.groups()


@dataclass(slots=True)
class _Lot:
    first: int
    subjects: list[SubjectId]


class _Lives:
    """For everybody in some changes: the person at the beginning, the person at the end, their group."""

    def __init__(self) -> None:
        self._before: dict[SubjectId, Person] = {}
        self._after: dict[SubjectId, Person] = {}
        self._lot_of: dict[SubjectId, _Lot] = {}

    def take(self, news: MapChange) -> None:
        """Goes on to the next change."""
        change = news.change
        for person in change.before:
            for subject in person:
                self._before.setdefault(subject, person)
        for person in change.after:
            self._after.update(dict.fromkeys(person, person))
        self._join(news.seq, change.whole)

    def tell(self, told: int) -> None:
        """The groups up to one have been told what happened until now."""
        for lot in self._lots():
            if lot.first <= told:
                self._before.update((subject, self._after[subject]) for subject in lot.subjects)

    def groups(self) -> list[Group]:
        """Those of whom something is left to tell."""
        found = ((lot.first, self._changes(lot.subjects)) for lot in self._lots())
        return [Group(first, left) for first, left in found if left]

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

    def _changes(self, subjects: Sequence[SubjectId]) -> list[Change]:
        return changes(_persons(self._before, subjects), _persons(self._after, subjects))


def _persons(of: Mapping[SubjectId, Person], subjects: Sequence[SubjectId]) -> list[Person]:
    return sorted({of[subject] for subject in subjects})
