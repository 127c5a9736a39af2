"""What loyalty asks of a store: lines that are only added, and reservations that never overrun a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from engagement.loyalty.account import Recorded
from engagement.loyalty.entry import Entry
from engagement.loyalty.programme import Programme
from engagement.loyalty.reservation import Reservation, Settling
from engagement.rules import Refusal
from identity.ids import SubjectId


class Posting(NamedTuple):
    """A line as it was sent, and the birth subjects among whose lines that is sought which it reverses."""

    entry: Entry
    members: Sequence[SubjectId]


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of some postings.

    Attributes:
        recorded: lines that are new.
        duplicates: lines whose key was there before.
        refused: why others are not, by their place.
    """

    recorded: int
    duplicates: int
    refused: Mapping[int, Refusal]


class Loyalty(NamedTuple):
    """Whose records are read, and of what.

    Attributes:
        members: birth subjects of a person.
        programmes: in force.
        purpose: bit position of the purpose that events are read for.
        now_ms: the present instant.
    """

    members: Sequence[SubjectId]
    programmes: Sequence[Programme]
    purpose: int
    now_ms: int


class LoyaltyStore(Protocol):
    """Keeps lines and reservations. Times are milliseconds since the epoch."""

    async def post(self, postings: Sequence[Posting]) -> Posted:
        """Records the lines that are new and not refused, in their order; durable when it returns."""

    async def recorded(self, asked: Loyalty) -> Recorded:
        """What was recorded for some birth subjects in some programmes, as of one state."""

    async def recorded_of_each(
        self, people: Sequence[Sequence[SubjectId]], asked: Loyalty
    ) -> Sequence[Recorded]:
        """The same of several people, all as of one state and in their order.

        Args:
            people: the birth subjects of each.
            asked: what of; its members do not count.
        """

    async def reserve(self, wanted: Reservation, asked: Loyalty) -> Reservation | Refusal:
        """Reserves a reward of the one programme asked of, or answers with the reservation of that id.

        Points are counted, the budget is checked and the reservation is made in one transaction, the
        last two in one statement.

        Raises:
            RequestIdReused: the id stands for something else.
        """

    async def settle(
        self, reservation_id: bytes, members: Sequence[SubjectId], wanted: Settling, now_ms: int
    ) -> Reservation | Refusal:
        """Commits or cancels a reservation of one of some birth subjects; what was done stays done."""
