"""A loyalty programme as a file: keys named as in the contract, but for what a list's elements are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.engagement.definition_keys import Keys
from veilgraph.engagement.v1 import loyalty_pb2


def _names(enum: Any, prefix: str) -> dict[str, int]:
    return {value.name.removeprefix(prefix): value.number for value in enum.DESCRIPTOR.values if value.number}


_MEASURES = _names(loyalty_pb2.ProgrammeMeasure, "PROGRAMME_MEASURE_")
_WINDOWS = _names(loyalty_pb2.ProgrammeWindow, "PROGRAMME_WINDOW_")
_EARNING = ("per_minor", "points", "bonus_every", "bonus_points", "pending_days", "valid_months")
#: What an element of a list is called in a file, by its name in the contract.
CALLED: Final[Mapping[str, str]] = {
    "programme_id": "programme",
    "badge_id": "badge",
    "reward_id": "reward",
    "exclusive_item_ids": "exclusive_items",
}


def programme_in(keys: Keys) -> loyalty_pb2.Programme:
    """The programme of a document.

    Raises:
        DefinitionFileError: it is none.
    """
    programme = loyalty_pb2.Programme(
        programme_id=keys.text("programme"),
        measure=keys.name("measure", _MEASURES),  # type: ignore[arg-type]
        window=keys.name("window", _WINDOWS, "EVER"),  # type: ignore[arg-type]
        window_days=keys.number("window_days", 0),
        keeps_windows=keys.number("keeps_windows", 0),
        currency=keys.text("currency"),
        zone=keys.text("zone"),
        earns_from_events=keys.flag("earns_from_events"),
        budget_minor=keys.number("budget_minor", 0),
    )
    if "earning" in keys:
        said = keys.keys("earning")
        programme.earning.CopyFrom(
            loyalty_pb2.EarningRule(**{name: said.number(name, 0) for name in _EARNING})
        )
        said.done()
    programme.tiers.extend(_tier(said) for said in _each(keys, "tiers"))
    programme.badges.extend(_badge(said) for said in _each(keys, "badges"))
    programme.rewards.extend(_reward(said) for said in _each(keys, "rewards"))
    return programme


def _each(keys: Keys, key: str) -> list[Keys]:
    return [Keys(one, where) for one, where in keys.entries(key)]


def _tier(said: Keys) -> loyalty_pb2.Tier:
    tier = loyalty_pb2.Tier(
        status=said.text("status"),
        threshold=said.number("threshold"),
        discount_permille=said.number("discount_permille", 0),
        exclusive_item_ids=said.texts("exclusive_items", ()),
    )
    said.done()
    return tier


def _badge(said: Keys) -> loyalty_pb2.Badge:
    badge = loyalty_pb2.Badge(
        badge_id=said.text("badge"),
        measure=said.name("measure", _MEASURES),  # type: ignore[arg-type]
        threshold=said.number("threshold"),
    )
    said.done()
    return badge


def _reward(said: Keys) -> loyalty_pb2.Reward:
    reward = loyalty_pb2.Reward(
        reward_id=said.text("reward"),
        price_points=said.number("price_points"),
        cost_minor=said.number("cost_minor", 0),
        hold_s=said.number("hold_s", 0),
    )
    said.done()
    return reward
