"""Which of several sources counts, and what a value is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.attribute_rules import needed, refusal_of, refusal_of_content
from engagement.attributes import About, Attribute, Value, field_of, name_of, of_dependent, of_person, read
from engagement.event import Party
from engagement.rules import CLOCK_SKEW_MS, Refusal
from services.engagement.recording import attribute_uses
from tests.engagement.attributes import value
from tests.engagement.events import NOW_MS, subject

A = Attribute
TAKEN = [
    (A.BIRTHDAY, "02-29", "02-29"),
    (A.LANGUAGE, "de-CH", "de-CH"),
    (A.TIME_ZONE, "Europe/Berlin", "Europe/Berlin"),
    (A.HOME_CELL, "871f1d48bffffff", "871f1d48bffffff"),
    (A.HOUSEHOLD_SIZE, "3", 3),
    (A.SEX, "DIVERSE", "DIVERSE"),
    (A.POSTCODE, "101", "101"),
    (A.DIET, "vegan, nut-free", ("vegan", "nut-free")),
    (A.SILENCE, "yes", "yes"),
    (A.INTERFACE_LAYOUT, "compact", "compact"),
    (A.INTERFACE_BLOCK_ORDER, "basket, news", ("basket", "news")),
    (A.DEPENDENT_KIND, "PET", ("PET",)),
    (A.DEPENDENT_NAME, "Herr Müller", ("Herr Müller",)),
    (A.DEPENDENT_BIRTHDAY, "12-31", "12-31"),
]
MALFORMED = [
    *((A.BIRTHDAY, text) for text in ("02-30", "1990-02-01", "2-1", "")),
    *((A.LANGUAGE, text) for text in ("german", "DE")),
    *((A.TIME_ZONE, text) for text in ("Europe", "../etc/passwd", "/etc/passwd", "Mars/Olympus", "CEST+1")),
    *((A.HOME_CELL, text) for text in ("52.5,13.4", "871F1D48BFFFFFF", "somewhere")),
    *((A.HOUSEHOLD_SIZE, text) for text in ("0", "21", "-1", "three", "٣", "1e1")),
    *((A.SEX, "female"), (A.INCOME_BAND, "52000"), (A.POSTCODE, "10115"), (A.DEPENDENT_KIND, "CHILD")),
    *((A.DIET, text) for text in ("", "vegan,,nut-free", ",".join("abcdefghijk"))),
    *((A.INTERFACE_THEME, "Dark Mode!"), (A.TEMPERATURE, "x" * 65)),
]


@pytest.mark.parametrize(("attribute", "text", "said"), TAKEN)
def test_a_text_in_the_attributes_form_is_its_value(attribute: Attribute, text: str, said: Any):
    assert read(attribute, text) == said


@pytest.mark.parametrize(("attribute", "text"), MALFORMED)
def test_any_other_text_is_no_value_and_refused(attribute: Attribute, text: str):
    assert read(attribute, text) is None
    held = value(attribute, text, dependent="rex" if of_dependent(attribute) else "")
    assert refusal_of_content(held) == Refusal("VALUE_MALFORMED", "value")


@pytest.mark.parametrize("attribute", list(Attribute))
def test_every_attribute_has_a_field_that_some_purpose_may_read(attribute: Attribute, policy: Any):
    """And none that hands it on, sells it or learns from it."""
    names = policy.names_in(attribute_uses(policy)[attribute])
    assert "rights" in names
    assert not [name for name in names if name.startswith(("share.", "train_model", "identity."))]
    assert field_of(attribute).name in {name_of(attribute), "interface.*"}


@pytest.mark.parametrize(
    ("changed", "reason", "field"),
    [
        ({"party": Party.ZERO}, "FIELD_ENUM", "source.party"),
        ({"party": Party.THIRD}, "THIRD_PARTY_REFUSED", "source.party"),
        ({"party": 0}, "FIELD_ENUM", "source.party"),
        ({"party": Party.SECOND}, "AGREEMENT_MISSING", "source.agreement"),
        ({"expires_at_ms": NOW_MS}, "SOURCE_EXPIRED", "source.expires_at"),
        ({"observed_at_ms": NOW_MS + CLOCK_SKEW_MS + 1}, "TIME_IN_FUTURE", "observed_at"),
        ({"origin": "10.0.0.1"}, "RAW_IP_REFUSED", "source.origin"),
        ({"attribute": 99}, "FIELD_ENUM", "attribute"),
        ({"dependent": "rex"}, "DEPENDENT_NOT_TAKEN", "dependent"),
        ({"attribute": A.DEPENDENT_NAME, "value": "Rex"}, "FIELD_REQUIRED", "dependent"),
        (
            {"attribute": A.DEPENDENT_NAME, "dependent": "rex", "value": "a@b.example"},
            "RAW_CONTACT_REFUSED",
            "value",
        ),
        ({"value": ""}, "VALUE_MALFORMED", "value"),
    ],
)
def test_a_refused_value_names_its_reason_and_field(changed: dict[str, Any], reason: str, field: str):
    assert refusal_of(value(**{"text": changed.pop("value", "de")} | changed), NOW_MS) == Refusal(
        reason, field
    )


def test_a_value_is_taken_up_to_the_very_edge_of_each_rule():
    for changed in (
        {"observed_at_ms": NOW_MS + CLOCK_SKEW_MS},
        {"expires_at_ms": NOW_MS + 1},
        {"party": Party.SECOND, "agreement": "a-7"},
        {"party": Party.INFERRED},
    ):
        assert refusal_of(value(**changed), NOW_MS) is None


@pytest.mark.parametrize(
    ("held", "leaves"),
    [
        (value(), []),
        (value(A.DIET, "vegan"), ["special_category.profile"]),
        (value(A.DIET, "", corrected=1), []),
        (value(A.SEX, "MALE"), []),
        (value(A.SEX, "MALE", party=Party.INFERRED), ["inferred_demographics"]),
        (value(A.LANGUAGE, "de", party=Party.INFERRED), []),
        (value(A.HOME_CELL, "871f1d48bffffff"), []),
        (value(A.HOME_CELL, "881f1d48b1fffff"), ["location_precise"]),
        (value(A.DEPENDENT_DIET, "fish", dependent="rex"), []),
        (value(A.DEPENDENT_HEALTH, "hip", dependent="rex", party=Party.INFERRED), []),
    ],
)
def test_what_is_special_concluded_or_precise_needs_a_permission_of_its_own(held: Value, leaves: list[str]):
    assert list(needed(held)) == leaves


VALUES = st.builds(
    value,
    st.just(A.LANGUAGE),
    st.sampled_from(["de", "fr", "it", ""]),
    subject=st.builds(subject, st.integers(1, 3)),
    party=st.sampled_from([Party.ZERO, Party.FIRST, Party.SECOND, Party.INFERRED]),
    corrected=st.integers(0, 1),
    observed_at_ms=st.integers(NOW_MS - 4, NOW_MS),
    expires_at_ms=st.none() | st.integers(NOW_MS - 1, NOW_MS + 1),
)


@given(st.lists(VALUES, max_size=8))
def test_the_best_source_counts_and_of_one_the_latest_whoever_of_the_person_holds_it(values: list[Value]):
    """Against a naive search; a correction never expires, and an empty one hides everything worse."""
    alive = [
        one for one in values if one.corrected or one.expires_at_ms is None or one.expires_at_ms > NOW_MS
    ]
    counts = of_person(values, NOW_MS)
    assert counts == of_person(values[::-1], NOW_MS)
    if not alive:
        assert counts == {}
        return
    party = min(one.party for one in alive)
    of_party = [one for one in alive if one.party == party]
    latest = max(one.observed_at_ms for one in of_party)
    said = {one.value for one in of_party if one.observed_at_ms == latest}
    found = counts.get(About("", A.LANGUAGE))
    assert (found.value if found else "") in said


def test_a_value_prints_nothing_of_what_it_holds():
    assert "vegan" not in repr(value(A.DIET, "vegan"))
