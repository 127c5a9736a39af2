"""The guard table for questions about many: a column of masks beside the dictionary of entries.

Who asks about a few takes the table; who asks about a thousand at once maps subjects to rows
and rows to answers, in arrays. The index is open-addressed: birth subjects are random, so
their own first bytes are the hash. It is made at the first question, kept up with every step
of the guard stream, and takes 40 to 72 bytes a subject: 32 in one place (its name, the mask,
the end), 4 a slot of which a quarter to a half are taken, and room to grow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from identity.ids import SUBJECT_BYTES, SubjectId

Rows = NDArray[np.int32]
_FREE = -1
_ALLOW, _CHANGES_AT_MS = 2, 3
_LEAST = 1024
_NOTHING = GuardEntry(0, 0, NEVER_MS, None)


class GuardColumns:
    """Answers as its table does, for many subjects at once; used from the table's own thread."""

    def __init__(self, table: GuardTable) -> None:
        """Follows ``table`` from now on; nothing is built before the first question."""
        self._table = table
        self._unrefusable = np.uint64(table.policy.unrefusable_mask)
        self._generation = -1
        self._count = 0
        self._slots: Rows
        self._state: NDArray[np.uint64]  # columns: name, name, allow, changes_at_ms
        table.watch(self._take_in)

    @property
    def held_bytes(self) -> int:
        """What the arrays take."""
        return self._slots.nbytes + self._state.nbytes

    def allowed(self, subjects: Sequence[SubjectId], purpose_index: int, now_ms: int) -> NDArray[np.bool_]:
        """For each subject what ``GuardTable.allows`` says."""
        return self.allowed_rows(self.rows(subjects), purpose_index, now_ms)

    def rows(self, subjects: Sequence[SubjectId]) -> Rows:
        """The row of each subject, -1 where it is not known. A row stays a subject's until it is erased.

        Rows are good until the next await: a step of the stream may move them.
        """
        self._build()
        return self._find(_names(subjects))

    def allowed_rows(self, rows: Rows, purpose_index: int, now_ms: int) -> NDArray[np.bool_]:
        """For each row whether its subject allows a purpose now; no row allows nothing."""
        if not self._table.ready:
            return np.zeros(len(rows), np.bool_)
        state = self._state.take(rows, axis=0, mode="wrap")  # -1 finds the last, and is left out below
        allow = np.where(state[:, _CHANGES_AT_MS] > np.uint64(now_ms), state[:, _ALLOW], self._unrefusable)
        bit = np.uint64(1 << purpose_index)
        permitted: NDArray[np.bool_] = (allow & bit != 0) & (rows != _FREE)
        return permitted

    def _build(self) -> None:
        if self._generation == self._table.generation:
            return
        self._generation = self._table.generation
        self._count = 0
        self._reserve(0)
        self._put(dict(self._table.entries()))

    def _take_in(self, update: GuardUpdate) -> None:
        if self._generation == self._table.generation:
            self._put(update.entries)

    def _put(self, entries: Mapping[SubjectId, GuardEntry | None]) -> None:
        if not entries:
            return
        names = _names(tuple(entries))
        rows = self._find(names)
        new = np.flatnonzero(rows == _FREE)
        if len(new):
            self._reserve(self._count + len(new))
            rows[new] = np.arange(self._count, self._count + len(new), dtype=np.int32)
            self._state[rows[new], :2] = names[new]
            self._count += len(new)
            self._index(rows[new])
        kept = [entry or _NOTHING for entry in entries.values()]  # of somebody gone nothing is allowed
        for column, values in (
            (_ALLOW, (entry.allow for entry in kept)),
            (_CHANGES_AT_MS, (entry.changes_at_ms for entry in kept)),
        ):
            self._state[rows, column] = np.fromiter(values, np.uint64, len(kept))

    def _find(self, names: NDArray[np.uint64]) -> Rows:
        """Probes for all names at once, a step further for those that met another."""
        found = np.full(len(names), _FREE, np.int32)
        mask = len(self._slots) - 1
        asked = np.arange(len(names))
        slots = (names[:, 0] & np.uint64(mask)).astype(np.int64)
        while len(asked):
            rows = self._slots[slots]
            taken = rows != _FREE
            held = self._state.take(rows, axis=0, mode="wrap")
            same = taken & (held[:, 0] == names[asked, 0]) & (held[:, 1] == names[asked, 1])
            found[asked[same]] = rows[same]
            further = taken & ~same
            asked, slots = asked[further], slots[further] + 1 & mask
        return found

    def _index(self, rows: Rows) -> None:
        """Gives each new row a slot; where two want one the last that wrote has it."""
        mask = len(self._slots) - 1
        slots = (self._state[rows, 0] & np.uint64(mask)).astype(np.int64)
        while len(rows):
            free = self._slots[slots] == _FREE
            self._slots[slots[free]] = rows[free]
            lost = self._slots[slots] != rows
            rows, slots = rows[lost], slots[lost] + 1 & mask

    def _reserve(self, count: int) -> None:
        """Makes room for so many rows, half of the slots free at least."""
        if not self._count:
            capacity = max(_LEAST, count + count // 4)
            self._state = np.zeros((capacity, _CHANGES_AT_MS + 1), np.uint64)
        elif count > len(self._state):
            more = np.zeros((count + count // 4 - len(self._state), _CHANGES_AT_MS + 1), np.uint64)
            self._state = np.concatenate([self._state, more])
        slots = 1 << max(2 * count, _LEAST).bit_length()
        if not self._count or slots > len(self._slots):
            self._slots = np.full(slots, _FREE, np.int32)
            self._index(np.arange(self._count, dtype=np.int32))


def _names(subjects: Sequence[SubjectId]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(subjects), np.uint64).reshape(len(subjects), SUBJECT_BYTES // 8)
