"""The policy file's limits: what they say, and what they refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.errors import PolicyError
from consent.retention import DAY_MS, RECORD_CLASSES, compile_retention, due_before_ms

CLASSES = {
    "BEHAVIOURAL": 100,
    "OPERATIONAL": 50,
    "PSEUDONYM": "until_erased",
    "DECLARED": "until_erased",
    "DEMOGRAPHIC": 365,
    "SPECIAL": 7,
    "LOCATION_PRECISE": 30,
}
RECORDS = {
    "audit": 50,
    "answers": 3,
    "refused_links": "until_erased",
    "quarantined_links": 395,
    "people_changes": 30,
    "preferences": "until_erased",
    "age_bands": 365,
    "entitlements": 100,
    "firings": 100,
    "announcements": 1,
    "attributes": 100,
    "corrections": "until_erased",
    "observed_attributes": 100,
    "special_attributes": 7,
    "precise_places": 30,
    "decisions": 100,
    "boundaries": "until_erased",
}


def tables(**changed):
    return {"classes": CLASSES, "events": {"VIEW": 10, "ORDER": 100}, "records": RECORDS} | changed


def test_a_complete_file_has_nothing_missing():
    assert compile_retention(tables()).missing(["VIEW", "ORDER"], list(CLASSES)) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"events": {"VIEW": 10}}, "retention.events: no limit for ORDER"),
        ({"events": {"VIEW": 10, "ORDER": 100, "DREAM": 1}}, "retention.events: unknown DREAM"),
        (
            {"classes": {name: days for name, days in CLASSES.items() if name != "PSEUDONYM"}},
            "retention.classes: no limit for PSEUDONYM",
        ),
        (
            {"records": {k: v for k, v in RECORDS.items() if k != "answers"}},
            "retention.records: no limit for answers",
        ),
        ({"records": RECORDS | {"songs": 1}}, "retention.records: unknown songs"),
    ],
)
def test_a_kind_without_a_line_and_a_line_without_a_kind_are_both_named(changed, says):
    assert compile_retention(tables(**changed)).missing(["VIEW", "ORDER"], list(CLASSES)) == [says]


def test_without_any_table_everything_is_missing():
    gaps = compile_retention({}).missing(["VIEW"], ["BEHAVIOURAL"])
    assert len(gaps) == 2 + len(RECORD_CLASSES)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"events": {"VIEW": 0}}, "retention.events.VIEW: 0 is neither"),
        ({"events": {"VIEW": -1}}, "-1 is neither"),
        ({"events": {"VIEW": 1.5}}, "1.5 is neither"),
        ({"events": {"VIEW": True}}, "True is neither"),
        ({"events": {"VIEW": "for_ever"}}, "'for_ever' is neither"),
        ({"events": {"VIEW": 101}}, "retention.events.VIEW: stays longer than anything of class BEHAVIOURAL"),
        ({"events": {"CAMERA": 8}}, "retention.events.CAMERA: stays longer than anything of class SPECIAL"),
        ({"events": {"VIEW": "until_erased"}}, "stays longer than anything of class BEHAVIOURAL"),
        ({"records": RECORDS | {"audit": 51}}, "retention.records.audit: stays longer"),
        ({"songs": {}}, r"unknown tables \['songs'\]"),
        ({"events": 3}, "retention.events is no table"),
    ],
)
def test_what_is_no_limit_or_outlasts_its_class_is_refused_by_name(changed, says):
    with pytest.raises(PolicyError, match=says):
        compile_retention(tables(**changed))


@given(
    recorded_ms=st.integers(0, 40_000 * DAY_MS),
    days=st.integers(1, 4000),
    now_ms=st.integers(0, 40_000 * DAY_MS),
)
def test_what_was_recorded_on_a_day_is_due_when_so_many_whole_days_have_passed(recorded_ms, days, now_ms):
    """Whether a store keeps the millisecond or only the day."""
    due = now_ms // DAY_MS > recorded_ms // DAY_MS + days
    before_ms = due_before_ms(days, now_ms)
    assert (recorded_ms < before_ms) == (recorded_ms // DAY_MS < before_ms // DAY_MS) == due


def test_what_stays_until_erased_is_never_due():
    retention = compile_retention(
        tables(classes=CLASSES | {"BEHAVIOURAL": "until_erased"}, events={"VIEW": "until_erased"})
    )
    assert retention.events_due(10**15) == {}
    assert retention.records_due("refused_links", 10**15) == 0


def test_the_shipped_policy_keeps_nothing_it_does_not_name(policy):
    from engagement.event import EventKind
    from services.interceptors.declared import data_classes

    assert policy.retention.missing([kind.name for kind in EventKind], data_classes()) == []
