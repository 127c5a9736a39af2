"""What the numbers of a process tell: each record is counted once, and a lost one leaves a gap.

Writes reach the log ahead of reads that were counted before them, by the time a batch of reads
takes; a gap is one only when more time has passed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from consent.auditlog.file import Row

#: How long after a record all those counted before it are in the log, if they ever come.
SETTLED_MS = 10_000


class Numbers:
    """Which numbers of one process have come."""

    def __init__(self, upto: int = 0) -> None:
        """Takes those up to a number as having come."""
        self._upto = upto
        self._beyond: dict[int, int] = {}

    def take(self, number: int, at_ms: int) -> bool:
        """Whether a record's number is new."""
        if number <= self._upto or number in self._beyond:
            return False
        self._beyond[number] = at_ms
        while self._upto + 1 in self._beyond:
            self._upto += 1
            del self._beyond[self._upto]
        return True

    def missing(self, sealed_ms: int) -> Iterator[tuple[int, int]]:
        """The numbers that should have come by the instant of the last head, as first and last."""
        settled = max((n for n, at_ms in self._beyond.items() if at_ms + SETTLED_MS < sealed_ms), default=0)
        expected = self._upto + 1
        for number in sorted(self._beyond):  # numbers may be absurd: the steps are those that came
            if number > settled:
                return
            if number > expected:
                yield expected, number - 1
            expected = number + 1


def ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Runs of consecutive numbers, as first and last."""
    run: tuple[int, int] | None = None
    for number in numbers:
        if run is not None and number == run[1] + 1:
            run = run[0], number
            continue
        if run is not None:
            yield run
        run = number, number
    if run is not None:
        yield run


def out_of_count(rows: Sequence[Row]) -> list[Row]:
    """The rows of one batch whose process had counted further in a row before."""
    reached: dict[bytes, int] = {}
    out = []
    for row in rows:
        if row.leaf is None:
            continue
        before = reached.get(row.leaf.process, 0)
        if row.leaf.number < before:
            out.append(row)
        reached[row.leaf.process] = max(row.leaf.number, before)
    return out
