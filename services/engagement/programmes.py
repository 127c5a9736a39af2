"""Loyalty programmes between the contract and the domain, and where those in force come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engagement.loyalty.programme import (
    HOLD_S_DEFAULT,
    Badge,
    Earning,
    Measure,
    Programme,
    Reward,
    Tier,
    Window,
)
from veilgraph.engagement.v1 import loyalty_pb2

#: The programmes in force now, by id; asked anew for every call.
Programmes = Callable[[], Mapping[str, Programme]]


def programme_of(message: loyalty_pb2.Programme) -> Programme:
    """A programme as the domain has it; what is wrong with it tells ``engagement.loyalty.programme``."""
    earning = message.earning
    return Programme(
        programme_id=message.programme_id,
        measure=Measure(message.measure),
        window=Window(message.window or Window.EVER),
        currency=message.currency,
        zone=message.zone,
        window_days=message.window_days,
        keeps_windows=message.keeps_windows,
        earns_from_events=message.earns_from_events,
        earning=Earning(
            earning.per_minor,
            earning.points,
            earning.bonus_every,
            earning.bonus_points,
            earning.pending_days,
            earning.valid_months,
        ),
        tiers=tuple(
            Tier(one.status, one.threshold, one.discount_permille, tuple(one.exclusive_item_ids))
            for one in message.tiers
        ),
        badges=tuple(Badge(one.badge_id, Measure(one.measure), one.threshold) for one in message.badges),
        rewards=tuple(
            Reward(one.reward_id, one.price_points, one.cost_minor, one.hold_s or HOLD_S_DEFAULT)
            for one in message.rewards
        ),
        budget_minor=message.budget_minor,
    )
