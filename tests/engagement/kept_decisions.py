"""Decisions as tests keep them."""

from __future__ import annotations

from typing import Any

from engagement.decision import Chance, Step
from engagement.decision_store import Became, Promise, Room, Row, Whose, Windows
from engagement.grounds import Grounds, Source, packed
from engagement.play import Channel, Depth
from identity.ids import SubjectId

DAY_MS = 86_400_000
NOW = 1_800_000_000_000
A, B, C = (SubjectId(bytes([n]) * 16) for n in (1, 2, 3))
GROUNDS = packed(
    Grounds(
        (Step("cap", 1, Depth.INDIVIDUAL),), (Chance("mail", 1.0),), (Source("declared.likes", 1, "quiz", 7),)
    )
)
WINDOWS = Windows(NOW, 7 * DAY_MS, 30 * DAY_MS)


def row(n: int, subject: bytes = A, **fields: Any) -> Row:
    """A message that takes a place under the cap, unless ``fields`` say something else."""
    values: dict[str, Any] = {
        "decision_id": n.to_bytes(16, "big"),
        "subject": subject,
        "digest": b"digest",
        "purpose": 5,
        "decided_at_ms": NOW,
        "play_id": "reminder",
        "version": 1,
        "option_id": "mail",
        "channel": Channel.EMAIL,
        "slot": "",
        "depth": Depth.INDIVIDUAL,
        "held": "",
        "send_at_ms": NOW,
        "price_minor": -1,
        "full_price_minor": -1,
        "currency": "",
        "personalised": 0,
        "propensity": 1 / 3,
        "binds_until_ms": 0,
        "promises": Promise.PLACE,
        "became": Became.PROMISED,
        "honours": b"",
        "grounds": GROUNDS,
        "item_id": "",
        "turn": 0,
    }
    return Row(**(values | fields))


def room(*person: SubjectId, cap: int = 2, asks: int = 1) -> Room:
    whole = person or (A,)
    return Room(Whose(whole, whole, whole), cap, asks, WINDOWS)
