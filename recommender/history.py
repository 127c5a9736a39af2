"""One birth subject's events as the recommender keeps them in memory.

A history is read from the store when it is first asked for and thrown away when its
subject gets a new event, so that it is never older than what the store has committed. It is
immutable: a search may go on in another thread while a newer one takes its place.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from identity.ids import SubjectId

_ENTRY_BYTES = 400  # the objects around the arrays


class Provenance(NamedTuple):
    """Where events come from and what they may be used for.

    Attributes:
        party: whose data it is; number as in the contract.
        origin: the system that observed them.
        uses: mask of the purposes they may be used for.
    """

    party: int
    origin: str
    uses: int


@dataclass(frozen=True, slots=True)
class History:
    """Events of one birth subject, or of a person's birth subjects put together.

    Attributes:
        columns: int32, shape (5, events): item number, day, kind, quantity, provenance code.
        expires_at_ms: int64, shape (events,); ``None`` when none of them expires.
    """

    columns: NDArray[np.int32]
    expires_at_ms: NDArray[np.int64] | None

    def __len__(self) -> int:
        return int(self.columns.shape[1])

    @property
    def item(self) -> NDArray[np.int32]:
        """Item numbers."""
        return self._column(0)

    @property
    def day(self) -> NDArray[np.int32]:
        """Days since 1970-01-01, UTC."""
        return self._column(1)

    @property
    def kind(self) -> NDArray[np.int32]:
        """Kinds of event."""
        return self._column(2)

    @property
    def quantity(self) -> NDArray[np.int32]:
        """Pieces."""
        return self._column(3)

    @property
    def provenance(self) -> NDArray[np.int32]:
        """Codes of ``Provenance``."""
        return self._column(4)

    def _column(self, position: int) -> NDArray[np.int32]:
        column: NDArray[np.int32] = self.columns[position]
        return column

    @property
    def memory_bytes(self) -> int:
        """About what it takes in memory."""
        expires = 0 if self.expires_at_ms is None else self.expires_at_ms.nbytes
        return self.columns.nbytes + expires + _ENTRY_BYTES

    def permitted(self, uses: NDArray[np.bool_], now_ms: int) -> History:
        """The events that may be used.

        Args:
            uses: per provenance code whether its events may be used for the purpose.
            now_ms: events with ``expires_at_ms <= now_ms`` are not used any more.
        """
        kept = uses[self.provenance]
        if self.expires_at_ms is not None:
            kept &= self.expires_at_ms > now_ms
        if kept.all():
            return self
        expires = None if self.expires_at_ms is None else self.expires_at_ms[kept]
        return History(self.columns[:, kept], expires)


EMPTY = History(np.zeros((5, 0), np.int32), None)
NEVER_MS = (1 << 63) - 1


def together(histories: Sequence[History]) -> History:
    """The histories of a person's birth subjects as one."""
    if not histories:
        return EMPTY
    if len(histories) == 1:
        return histories[0]
    columns = np.concatenate([history.columns for history in histories], axis=1)
    if all(history.expires_at_ms is None for history in histories):
        return History(columns, None)
    expires = [
        np.full(len(history), NEVER_MS) if history.expires_at_ms is None else history.expires_at_ms
        for history in histories
    ]
    return History(columns, np.concatenate(expires))


class HistoryCache:
    """The histories asked for most recently, within a limit of bytes."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._histories: OrderedDict[SubjectId, History] = OrderedDict()

    def __len__(self) -> int:
        return len(self._histories)

    def get(self, subject: SubjectId) -> History | None:
        """The history of a subject, if it is here."""
        history = self._histories.get(subject)
        if history is not None:
            self._histories.move_to_end(subject)
        return history

    def put(self, subject: SubjectId, history: History) -> None:
        """Keeps a history; those not asked for the longest make room for it."""
        self.drop([subject])
        self._histories[subject] = history
        self._bytes += history.memory_bytes
        while self._bytes > self._bytes_max and self._histories:
            _, oldest = self._histories.popitem(last=False)
            self._bytes -= oldest.memory_bytes

    def clear(self) -> None:
        """Forgets all histories."""
        self._histories.clear()
        self._bytes = 0

    def drop(self, subjects: Iterable[SubjectId]) -> None:
        """Forgets the histories of some subjects."""
        for subject in subjects:
            history = self._histories.pop(subject, None)
            if history is not None:
                self._bytes -= history.memory_bytes
