"""Definitions to test with, as the contract has them: each is right, and a test makes one thing wrong."""

from __future__ import annotations

from typing import Any

from veilgraph.engagement.v1 import definition_pb2, loyalty_pb2, offer_pb2, profile_pb2
from veilgraph.privacy.v1 import privacy_pb2

DRAFT, PILOT, LIVE, RETIRED = (
    getattr(definition_pb2, f"DEFINITION_STATE_{name}") for name in ("DRAFT", "PILOT", "LIVE", "RETIRED")
)
PLAY, SEGMENT, LIMITS, TEMPLATE = (
    getattr(definition_pb2, f"DEFINITION_KIND_{name}") for name in ("PLAY", "SEGMENT", "LIMITS", "TEMPLATE")
)
EQUAL, AT_LEAST, HAS = (
    definition_pb2.COMPARISON_EQUAL,
    definition_pb2.COMPARISON_AT_LEAST,
    definition_pb2.COMPARISON_HAS,
)
ORDER, VIEW = profile_pb2.EVENT_KIND_ORDER, profile_pb2.EVENT_KIND_VIEW
WEB, EMAIL = offer_pb2.CHANNEL_WEB, offer_pb2.CHANNEL_EMAIL
GENERAL, CONTEXT, PERSONAL = offer_pb2.DEPTH_GENERAL, offer_pb2.DEPTH_CONTEXT, offer_pb2.DEPTH_INDIVIDUAL
CONTENT, PRICING = privacy_pb2.PURPOSE_PERSONALISE_CONTENT, privacy_pb2.PURPOSE_PERSONALISE_PRICING
ADS = privacy_pb2.PURPOSE_MARKETING_ADS_FIRST_PARTY
Definition = definition_pb2.Definition


def compared(field: str, comparison: int, **value: Any) -> definition_pb2.ConditionNode:
    """A node that compares a field."""
    return definition_pb2.ConditionNode(
        compare=definition_pb2.FieldComparison(field=field, comparison=comparison, **value)  # type: ignore[arg-type]
    )


def condition(*nodes: definition_pb2.ConditionNode) -> definition_pb2.Condition:
    """The nodes as a list."""
    return definition_pb2.Condition(nodes=nodes)


def likes(what: str) -> definition_pb2.Condition:
    """Whoever said they like something."""
    return condition(compared("declared.likes", HAS, text=what))


def play(state: int = LIVE, **changed: Any) -> Definition:
    """A banner on the home page: roses for whoever likes flowers, else the house's own."""
    fields = {
        "play_id": "banner",
        "purpose": CONTENT,
        "slot": "home.banner",
        "channels": [WEB],
        "options": [
            {"option_id": "house", "depth": GENERAL},
            {
                "option_id": "roses",
                "depth": PERSONAL,
                "template_id": "roses",
                "condition": likes("category:Flowers"),
            },
        ],
        "rollout_permille": 1000,
    }
    return Definition(play=definition_pb2.Play(**{**fields, **changed}), state=state)  # type: ignore[arg-type]


def template(
    state: int = LIVE, text: str = "You like {{ declared.likes | first }}.", **changed: Any
) -> Definition:
    """One text in one language."""
    part = {"name": "body", "text": text, "plain": "Roses, fresh every day."}
    fields = {
        "template_id": "roses",
        "variants": [{"language": "en", "parts": [part], "disclosure": "This price is your own."}],
    }
    return Definition(template=definition_pb2.Template(**{**fields, **changed}), state=state)  # type: ignore[arg-type]


def segment(state: int = LIVE, **changed: Any) -> Definition:
    """Whoever likes flowers."""
    fields = {
        "segment_id": "gardeners",
        "purpose": CONTENT,
        "condition": likes("category:Flowers"),
        "declared": True,
    }
    return Definition(segment=definition_pb2.Segment(**{**fields, **changed}), state=state)  # type: ignore[arg-type]


def limits(state: int = LIVE, **changed: Any) -> Definition:
    """Two messages a week, one question a month."""
    fields = {
        "cap": 2,
        "cap_days": 7,
        "quiet_from_minute": 21 * 60,
        "quiet_until_minute": 8 * 60,
        "zone": "Europe/Amsterdam",
        "asks": 1,
        "asks_days": 30,
        "rest_days": 30,
        "new_relation_days": 30,
        "sponsored_permille": 200,
    }
    return Definition(limits=definition_pb2.Limits(**{**fields, **changed}), state=state)  # type: ignore[arg-type]


def programme(state: int = LIVE, **changed: Any) -> Definition:
    """Purchases of 50,000.00 in a calendar month make an honoured guest."""
    fields = {
        "programme_id": "guests",
        "measure": loyalty_pb2.PROGRAMME_MEASURE_SUM,
        "window": loyalty_pb2.PROGRAMME_WINDOW_CALENDAR_MONTH,
        "currency": "EUR",
        "zone": "Europe/Amsterdam",
        "tiers": [{"status": "honoured", "threshold": 5_000_000}],
    }
    return Definition(programme=loyalty_pb2.Programme(**{**fields, **changed}), state=state)  # type: ignore[arg-type]
