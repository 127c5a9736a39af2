"""Which fields are held and not read: what a company need not have.

Reads are counted by field and day, never by person. Nothing is said to be unread for longer than reads
have been counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

#: Without a read for so many days a field is not needed.
UNREAD_DAYS = 90


class FieldUse(NamedTuple):
    """One field that is held.

    Attributes:
        field: as conditions write it.
        held: how many values of it.
        reads: how often it was read in the days looked at.
        last_read_day: days since 1970-01-01; ``None``: not since reads are counted.
    """

    field: str
    held: int
    reads: int
    last_read_day: int | None


class Report(NamedTuple):
    """What is held and how it is read.

    Attributes:
        uses: of every field that is held, by name.
        counted_days: for how many days reads have been counted.
        days: how many days were looked at.
        today: days since 1970-01-01.
    """

    uses: tuple[FieldUse, ...]
    counted_days: int
    days: int
    today: int

    @property
    def unread(self) -> tuple[FieldUse, ...]:
        """The fields that were not read in the days looked at, all of which were counted."""
        if self.counted_days < self.days:
            return ()
        return tuple(use for use in self.uses if not use.reads)


def report_of(
    held: Mapping[str, int], reads: Mapping[tuple[str, int], int], begun: int | None, today: int, days: int
) -> Report:
    """The report of a day.

    Args:
        held: how many values there are of each field.
        reads: by field and day.
        begun: the day on which counting began; ``None``: it has not.
        today: days since 1970-01-01.
        days: how many days are looked at, today among them.
    """
    uses = []
    for field in sorted(name for name, values in held.items() if values):
        of_field = {day: count for (name, day), count in reads.items() if name == field}
        recent = sum(count for day, count in of_field.items() if day > today - days)
        uses.append(FieldUse(field, held[field], recent, max(of_field, default=None)))
    return Report(tuple(uses), 0 if begun is None else today - begun + 1, days, today)
