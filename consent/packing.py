"""Guard entries as bytes: how a step of the guard stream travels.

Many subjects share few entries, so a batch holds each distinct entry once and says for every
subject which one is its; persons are held once, too. What is unpacked equals what was packed,
sharing included. A long step is cut into batches that each stand for themselves.

A batch is little-endian: a header of counts, the subjects, for each the number of its row (or
``_GONE``), the rows, the reasons, the persons (a part for each view), the sizes of the parts
and the subjects in them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized

from consent.errors import BatchMalformed
from consent.guard_table import GuardEntry
from consent.why import Why, shared
from identity.ids import SUBJECT_BYTES, SubjectId

#: A batch is closed when it has grown to this size; with what the last subject brings it
#: stays far below what a message may hold.
BATCH_BYTES = 1 << 19
SUBJECTS_MAX = 1 << 12
_GONE = 0xFFFFFFFF
_NONE = 0xFFFFFFFF
_HEADER = struct.Struct("<6I")  # subjects, rows, reasons, persons, parts of a person, parts
_ROW = struct.Struct("<QQqII")  # allow, refuse, changes_at_ms, number of the person, of the reasons
_WHY = struct.Struct(f"<{len(Why._fields)}Q")

Entries = Mapping[SubjectId, GuardEntry | None]
Person = tuple[tuple[SubjectId, ...], ...]


def packed(entries: Entries) -> Iterator[bytes]:
    """Cuts a step's entries into packed batches; one at least."""
    batch = _Batch()
    for subject, entry in entries.items():
        if batch.full:
            yield batch.packed()
            batch = _Batch()
        batch.add(subject, entry)
    yield batch.packed()


def unpacked(batch: bytes) -> dict[SubjectId, GuardEntry | None]:
    """The entries of one batch.

    Raises:
        BatchMalformed: the bytes are not a whole batch.
    """
    try:
        return _unpacked(batch)
    except (struct.error, IndexError) as error:
        raise BatchMalformed from error


class _Batch:
    """A batch while it is being filled. Sharing is found by identity: entries are interned."""

    def __init__(self) -> None:
        self._subjects: list[SubjectId] = []
        self._row_of: list[int] = []
        self._rows: list[bytes] = []
        self._row_by_entry: dict[int, int] = {}
        self._whys: list[bytes] = []
        self._why_by_masks: dict[Why, int] = {}
        self._persons: list[tuple[int, ...]] = []
        self._person_by_members: dict[int, int] = {}
        self._parts: list[tuple[SubjectId, ...]] = []
        self._part_by_subjects: dict[int, int] = {}
        self._bytes = 0

    @property
    def full(self) -> bool:
        return self._bytes >= BATCH_BYTES or len(self._subjects) >= SUBJECTS_MAX

    def add(self, subject: SubjectId, entry: GuardEntry | None) -> None:
        self._subjects.append(subject)
        if entry is None:
            self._row_of.append(_GONE)
            return
        row = self._row_by_entry.get(id(entry))
        if row is None:
            row = self._row_by_entry[id(entry)] = len(self._rows)
            person = _NONE if entry.members is None else self._person(entry.members)
            why = _NONE if entry.why is None else self._why(entry.why)
            self._rows.append(_ROW.pack(entry.allow, entry.refuse, entry.changes_at_ms, person, why))
            self._bytes += _ROW.size
        self._row_of.append(row)
        self._bytes += SUBJECT_BYTES

    def packed(self) -> bytes:
        views = len(self._persons[0]) if self._persons else 0
        tables: tuple[Sized, ...] = (self._subjects, self._rows, self._whys, self._persons)
        return b"".join(
            (
                _HEADER.pack(*map(len, tables), views, len(self._parts)),
                *self._subjects,
                _numbers(self._row_of),
                *self._rows,
                *self._whys,
                _numbers([part for person in self._persons for part in person]),
                _numbers([len(part) for part in self._parts]),
                *(subject for part in self._parts for subject in part),
            )
        )

    def _why(self, why: Why) -> int:
        number = self._why_by_masks.get(why)
        if number is None:
            number = self._why_by_masks[why] = len(self._whys)
            self._whys.append(_WHY.pack(*why))
        return number

    def _person(self, members: Person) -> int:
        person = self._person_by_members.get(id(members))
        if person is None:
            person = self._person_by_members[id(members)] = len(self._persons)
            self._persons.append(tuple(self._part(part) for part in members))
        return person

    def _part(self, subjects: tuple[SubjectId, ...]) -> int:
        part = self._part_by_subjects.get(id(subjects))
        if part is None:
            part = self._part_by_subjects[id(subjects)] = len(self._parts)
            self._parts.append(subjects)
            self._bytes += SUBJECT_BYTES * len(subjects)
        return part


class _Reader:
    """Takes one piece after another off a batch."""

    def __init__(self, batch: bytes) -> None:
        self._batch = batch
        self.at = _HEADER.size

    def numbers(self, count: int) -> tuple[int, ...]:
        return self._take(struct.Struct(f"<{count}I"))

    def records(self, shape: struct.Struct, count: int) -> list[tuple[int, ...]]:
        end = self.at + count * shape.size
        piece, self.at = self._batch[self.at : end], end
        if len(piece) < count * shape.size:
            raise IndexError
        return list(shape.iter_unpack(piece))

    def subjects(self, count: int) -> list[SubjectId]:
        begin, self.at = self.at, self.at + count * SUBJECT_BYTES
        if self.at > len(self._batch):
            raise IndexError
        batch = self._batch
        return [SubjectId(batch[at : at + SUBJECT_BYTES]) for at in range(begin, self.at, SUBJECT_BYTES)]

    def _take(self, shape: struct.Struct) -> tuple[int, ...]:
        taken = shape.unpack_from(self._batch, self.at)
        self.at += shape.size
        return taken


def _unpacked(batch: bytes) -> dict[SubjectId, GuardEntry | None]:
    subjects_count, rows_count, whys_count, persons_count, views, parts_count = _HEADER.unpack_from(batch)
    reader = _Reader(batch)
    subjects = reader.subjects(subjects_count)
    row_of = reader.numbers(subjects_count)
    rows = reader.records(_ROW, rows_count)
    whys: list[Why | None] = [shared(Why(*masks)) for masks in reader.records(_WHY, whys_count)]
    parts_of = reader.numbers(persons_count * views)
    own = dict(zip(subjects, subjects, strict=True))  # one object a subject: a million twice are 60 MiB
    parts = [
        tuple([own.get(one, one) for one in reader.subjects(size)]) for size in reader.numbers(parts_count)
    ]
    if reader.at != len(batch):
        raise IndexError
    persons: list[Person | None] = [
        tuple(parts[part] for part in parts_of[at : at + views])
        for at in range(0, persons_count * views, views or 1)
    ]
    entries: dict[int, GuardEntry | None] = {
        number: GuardEntry(
            allow,
            refuse,
            changes_at_ms,
            None if person == _NONE else persons[person],
            None if why == _NONE else whys[why],
        )
        for number, (allow, refuse, changes_at_ms, person, why) in enumerate(rows)
    }
    entries[_GONE] = None
    try:
        return dict(zip(subjects, [entries[row] for row in row_of], strict=True))
    except KeyError as error:
        raise IndexError from error


def _numbers(numbers: Sequence[int] | Iterable[int]) -> bytes:
    numbers = list(numbers)
    return struct.pack(f"<{len(numbers)}I", *numbers)
