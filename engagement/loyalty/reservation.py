"""A reward that somebody is about to get: points and budget are held for it until it expires.

A reservation that was not committed in time holds nothing, by the passing of time alone: nobody has
to take it away, and a process that dies between the two leaves nothing to be mended.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from engagement.rules import Refusal
from identity.ids import SubjectId


class Settling(IntEnum):
    """How far a reservation is."""

    OPEN = 1
    COMMITTED = 2
    CANCELLED = 3


class Reservation(NamedTuple):
    """One reservation; a tuple in the order of the store's columns.

    Attributes:
        subject: the birth subject that asked; whose points pay, its shares say (``share``).
        programme_id: the programme.
        reservation_id: 16 bytes that stand for the caller and its request id.
        digest: of what was asked; the same id with another is refused.
        reward_id: the reward.
        price_points: its price then.
        cost_minor: what it took of the budget.
        reserved_ms: when.
        expires_ms: from when on it holds nothing, unless it was committed before.
        state: a ``Settling``.
    """

    subject: SubjectId
    programme_id: str
    reservation_id: bytes
    digest: bytes
    reward_id: str
    price_points: int
    cost_minor: int
    reserved_ms: int
    expires_ms: int
    state: int = Settling.OPEN

    def __repr__(self) -> str:
        return "Reservation(…)"


PROGRAMME_UNKNOWN = Refusal("PROGRAMME_UNKNOWN", "programme_id")
REWARD_UNKNOWN = Refusal("REWARD_UNKNOWN", "reward_id")
POINTS_TOO_FEW = Refusal("POINTS_TOO_FEW", "reward_id")
BUDGET_EXHAUSTED = Refusal("BUDGET_EXHAUSTED", "reward_id")
RESERVATION_UNKNOWN = Refusal("RESERVATION_UNKNOWN", "reservation_id")
_EXPIRED = Refusal("RESERVATION_EXPIRED", "reservation_id")
_SETTLED = Refusal("RESERVATION_SETTLED", "reservation_id")


def refusal_to_settle(reservation: Reservation, wanted: Settling, now_ms: int) -> Refusal | None:
    """Why a reservation can not be committed or cancelled; ``None``: it can, or it has been already."""
    if reservation.state == wanted:
        return None
    if reservation.state != Settling.OPEN:
        return _SETTLED
    if wanted is Settling.COMMITTED and reservation.expires_ms <= now_ms:
        return _EXPIRED
    return None
