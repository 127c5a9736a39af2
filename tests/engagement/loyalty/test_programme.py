"""What keeps a programme from being applied."""

from __future__ import annotations

from typing import Any

import pytest

from engagement.loyalty.programme import Badge, Earning, Measure, Reward, Tier, Window, faults_of
from tests.engagement.loyalty.lines import programme


def test_a_programme_without_faults_has_none():
    assert list(faults_of(programme())) == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"zone": "Europe/Atlantis"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"zone": "Europe"}, "zone"),
        ({"zone": ""}, "zone"),
        ({"currency": "euro"}, "currency"),
        ({"measure": Measure.YEARS}, "window"),
        ({"window": Window.ROLLING_DAYS}, "window_days"),
        ({"window_days": 30}, "window_days"),
        ({"window": Window.EVER, "keeps_windows": 1}, "keeps_windows"),
        ({"earning": Earning(per_minor=100)}, "earning.points"),
        ({"earning": Earning(bonus_points=5)}, "earning.bonus_points"),
        ({"earning": Earning(bonus_every=2, bonus_points=5)}, "earning.bonus_every"),
        ({"tiers": (Tier("a", 5), Tier("b", 5))}, "tiers"),
        ({"tiers": (Tier("a", 5), Tier("a", 6))}, "tiers"),
        ({"badges": (Badge("a", Measure.SUM, 1), Badge("a", Measure.COUNT, 1))}, "badges"),
        ({"rewards": (Reward("a", 1), Reward("a", 2))}, "rewards"),
        ({"rewards": (Reward("a", 1, 5001),)}, "rewards[0].cost_minor"),
    ],
)
def test_each_fault_is_named_by_its_field(changed: dict[str, Any], field: str):
    assert [fault.field for fault in faults_of(programme(**changed))] == [field]
