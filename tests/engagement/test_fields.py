"""What conditions, templates and prices may read."""

from __future__ import annotations

import pytest

from engagement.event import OF_A_BODY, EventKind
from engagement.fields import FIELDS, PRICING, Kind, field_of, may_read


@pytest.mark.parametrize(
    "name",
    [
        "declared.age_band",
        "attribute.sex",
        "attribute.postcode",
        "attribute.home_cell",
        "attribute.income_band",
        "context.device_price_minor",
        "context.device",
        "context.place_cell",
    ],
)
def test_no_price_is_made_of_sex_age_address_income_or_the_price_of_a_device(name: str) -> None:
    """Neither of them nor of what stands in for them, though other purposes may read it."""
    assert not may_read(name, PRICING)
    assert may_read(name, "personalise.content")


def test_no_field_of_a_demographic_or_special_class_makes_a_price() -> None:
    """Whatever is added to the list later."""
    assert not any(
        field.may_be_read_for(PRICING) for field in FIELDS if field.data_class in {"DEMOGRAPHIC", "SPECIAL"}
    )


@pytest.mark.parametrize(
    "name", ["attribute.diet", "attribute.allergies", "dependent.diet", "dependent.health"]
)
@pytest.mark.parametrize("purpose", ["marketing.ads.first_party", "marketing.ads.third_party"])
def test_diet_and_health_never_serve_advertising(name: str, purpose: str) -> None:
    """Neither a person's own nor their pet's."""
    assert not may_read(name, purpose)


def test_what_a_service_was_asked_to_remember_goes_back_to_service_alone() -> None:
    """Temperature, music and silence are not content, marketing or a price."""
    for name in ("attribute.temperature", "attribute.music", "attribute.silence"):
        assert may_read(name, "service")
        assert not any(
            may_read(name, purpose) for purpose in ("personalise.content", "marketing.email", PRICING)
        )


@pytest.mark.parametrize(
    "name",
    ["", "declared", "declared.", "attribute.shoe_size", "events.SNEEZE", "events.view", "loyalty..points",
     "loyalty.gold.plated", "interface.", "interface.a.b", "context.weather ", "declared.likes\n"],
)  # fmt: skip
def test_what_is_not_in_the_list_does_not_exist(name: str) -> None:
    """A name that is almost one is none, and nothing may read it."""
    assert field_of(name) is None
    assert not may_read(name, "service")


def test_fields_named_alike_are_one_entry() -> None:
    """Of a programme, of an interface, of every kind of event."""
    assert field_of("loyalty.guests.points") == field_of("loyalty.other-1.points")
    assert field_of("interface.layout") is not None
    assert all(field_of(f"events.{kind.name}").kind is Kind.EVENTS for kind in EventKind)  # type: ignore[union-attr]


def test_a_purpose_is_covered_by_a_node_above_it_and_by_no_word_it_begins_with() -> None:
    """``marketing`` stands for ``marketing.email`` and not for ``marketingx``."""
    assert may_read("declared.likes", "marketing.email")
    assert not may_read("declared.likes", "marketingx")
    assert not may_read("declared.likes", "train_model")


def test_no_play_reads_what_tells_of_a_body() -> None:
    """Camera and biometric events serve the purpose they are collected under."""
    plays = ("service", "personalise.content", "personalise.pricing", "marketing.email", "loyalty")
    for kind in OF_A_BODY:
        assert may_read(f"events.{kind.name}", "special_category.profile")
        assert not any(may_read(f"events.{kind.name}", purpose) for purpose in plays)
