"""What people say of themselves: what is refused, and what several identities make of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import recommender.declared
from engagement.declaration import Declaration, refusal_of
from engagement.declared import AgeBand, Thing, Topic, of_person
from engagement.store import Declared
from services.engagement.event_feed import projected_answers
from tests.engagement.declarations import aged, likes
from tests.engagement.events import NOW_MS, subject

ANSWERS = st.lists(
    st.builds(
        lambda who, name, value, at_ms: likes(name, value, subject=subject(who), declared_at_ms=at_ms),
        st.integers(1, 3),
        st.sampled_from(["tea", "cups", "books"]),
        st.sampled_from([-3, -2, -1, 1, 2, 3]),
        st.integers(NOW_MS, NOW_MS + 2),
    )
    | st.builds(
        lambda who, band, at_ms: aged(band, subject=subject(who), declared_at_ms=at_ms),
        st.integers(1, 3),
        st.sampled_from(list(AgeBand)),
        st.integers(NOW_MS, NOW_MS + 2),
    ),
    max_size=12,
)


def says(*answers, withdrawn=(), replace_all=False):
    return Declaration(subject(1), answers, withdrawn, replace_all)


@pytest.mark.parametrize(
    ("declaration", "reason", "field"),
    [
        (says(), "FIELD_REQUIRED", "preferences"),
        (says(likes(), likes(value=-1)), "ANSWERED_TWICE", "preferences[1].name"),
        (says(likes("a@b.example")), "RAW_CONTACT_REFUSED", "preferences[0].name"),
        (says(likes(), withdrawn=(Thing(Topic.CATEGORY, "tea"),)), "ANSWERED_TWICE", "withdrawn[0].name"),
        (
            says(aged(AgeBand.UNDER_13), withdrawn=(Thing(Topic.AGE_BAND, ""),)),
            "ANSWERED_TWICE",
            "withdraw_age_band",
        ),
    ],
)
def test_what_says_nothing_or_two_things_at_once_is_refused_whole(declaration, reason, field):
    """With the field at fault; a name that could reach somebody is not kept either."""
    assert refusal_of(declaration) == (reason, field)


@pytest.mark.parametrize(
    "declaration",
    [
        says(likes()),
        says(likes(), likes(topic=Topic.BRAND)),  # one name, two things
        says(aged(AgeBand.FROM_65)),
        says(withdrawn=(Thing(Topic.BRAND, "Own"),)),
        says(replace_all=True),
    ],
)
def test_whatever_says_something_once_is_taken(declaration):
    assert refusal_of(declaration) is None


@given(ANSWERS)
def test_of_two_answers_about_one_thing_the_later_counts(answers):
    """And of the same instant the more negative."""
    for answer in of_person(answers):
        if answer.topic != Topic.AGE_BAND:
            rivals = [(one.declared_at_ms, -one.value) for one in answers if one.thing == answer.thing]
            assert (answer.declared_at_ms, -answer.value) == max(rivals)
    assert {one.thing for one in of_person(answers)} == {one.thing for one in answers}


@given(ANSWERS, st.lists(st.integers(0, 2 * 86_400_000), min_size=12, max_size=12))
def test_the_recommender_concludes_what_a_portrait_shows(answers, later_ms):
    """Of the same answers of one person, also of two of one day."""
    answers = [
        one._replace(declared_at_ms=one.declared_at_ms + ms)
        for one, ms in zip(answers, later_ms, strict=False)
    ]
    by = [projected_answers(Declared(one.subject, (one,))) for one in answers]
    concluded = recommender.declared.of_person(answer for one in by for answer in one.answers)
    shown = {one.thing: one.value for one in of_person(answers)}
    assert concluded.age_band == shown.pop((Topic.AGE_BAND, ""), 0)
    assert {(one.topic, one.name): one.value for one in concluded.preferences} == shown


@given(ANSWERS, ANSWERS)
def test_joining_identities_makes_nobody_older(mine, others):
    """The youngest band of all counts, in whatever order and whenever it was said."""

    def band(answers):
        return [one.value for one in of_person(answers) if one.topic == Topic.AGE_BAND]

    joined = band([*mine, *others])
    assert joined == band([*others, *mine])
    assert all(joined <= alone for alone in (band(mine), band(others)) if alone)
