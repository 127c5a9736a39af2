"""Lines of a ledger and programmes to test with."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engagement.event import Event, EventKind, event_key_of
from engagement.loyalty.entry import Entry, PostingKind
from engagement.loyalty.programme import Earning, Measure, Programme, Reward, Tier, Window
from engagement.loyalty.reservation import Reservation
from engagement.loyalty.share import Share, shares_of
from tests.engagement.events import event, subject

ZONE = "Europe/Amsterdam"
_KEY_OF = event_key_of("tenant", "till")


def at(text: str, zone: str = ZONE) -> int:
    """A local time ("2024-02-29 23:59") as milliseconds since the epoch."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return int(local.timestamp()) * 1000


NOW_MS = at("2024-03-15 12:00")


def line(name: str, **changed: Any) -> Entry:
    """A purchase of 10.00 of the first person, called as it is named."""
    purchase = Entry(
        subject=subject(1),
        programme_id="stamps",
        entry_key=_KEY_OF(name),
        kind=PostingKind.EARN,
        amount_minor=1000,
        currency="EUR",
        points=0,
        occurred_at_ms=NOW_MS,
        reference=name,
        reverses="",
        recorded_at_ms=NOW_MS,
    )
    return purchase._replace(**changed)


def of_points(name: str, kind: PostingKind, points: int, **changed: Any) -> Entry:
    """A line that moves points."""
    return line(name, kind=kind, points=points, amount_minor=0, currency="", **changed)


def back(name: str, reverses: str, amount_minor: int = 1000, **changed: Any) -> Entry:
    """A reversal of some of a purchase."""
    return line(name, reference="", reverses=reverses, amount_minor=amount_minor, **changed)


def order(name: str, amount_minor: int = 1000, **changed: Any) -> Event:
    """A tracked order of one line."""
    values = {"order_ref": name, "amount_minor": amount_minor, "occurred_at_ms": NOW_MS}
    return event(name, **(values | changed))


def refund(name: str, order_ref: str, amount_minor: int = 1000, **changed: Any) -> Event:
    """A tracked return."""
    return order(name, amount_minor, kind=EventKind.REFUND, **({"order_ref": order_ref} | changed))


def programme(**changed: Any) -> Programme:
    """Points for every euro, at once and for ever, and one status for 100.00 in a calendar month."""
    values: dict[str, Any] = {
        "programme_id": "stamps",
        "measure": Measure.SUM,
        "window": Window.CALENDAR_MONTH,
        "currency": "EUR",
        "zone": ZONE,
        "earns_from_events": True,
        "earning": Earning(per_minor=100, points=1),
        "tiers": (Tier("friend", 10_000, 100, ("cellar",)),),
        "rewards": (Reward("cup", 100, 500, 600),),
        "budget_minor": 5000,
    }
    return Programme(**(values | changed))


def reservation(number: int, **changed: Any) -> Reservation:
    """Of a cup, by the first person, for ten minutes."""
    wanted = Reservation(
        subject=subject(1),
        programme_id="stamps",
        reservation_id=number.to_bytes(16, "big"),
        digest=b"cup",
        reward_id="cup",
        price_points=100,
        cost_minor=500,
        reserved_ms=NOW_MS,
        expires_ms=NOW_MS + 600_000,
    )
    return wanted._replace(**changed)


def share(of: Reservation) -> Share:
    """All of a reservation, by whoever asked for it."""
    (one,) = shares_of(of, [((of.subject,), False, of.price_points)])
    return one._replace(state=of.state)
