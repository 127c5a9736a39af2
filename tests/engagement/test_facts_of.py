"""Facts: what one purpose may read, and of it what counts."""

from __future__ import annotations

from typing import Any

import pytest

from consent.guard_table import GuardTable
from consent.policy import Policy
from engagement.attributes import Attribute, Value
from engagement.declared import AgeBand, Topic
from engagement.detail import Detail, packed, unpacked
from engagement.event import Party, use_mask
from engagement.facts import Facts
from engagement.facts_of import Asked, Stored, facts_of
from engagement.store import Window
from services.engagement.knowing import EVENTS_MAX, WINDOW_DAYS, Knowing
from services.engagement.recording import attribute_uses
from tests.conftest import set_state
from tests.engagement.attributes import value
from tests.engagement.conftest import Calls
from tests.engagement.declarations import aged, likes
from tests.engagement.events import DAY_MS, NOW_MS, event, subject

A = Attribute
COARSE, PRECISE = "871f1d48bffffff", "8a1f1d48b657fff"


@pytest.fixture
def known(policy: Policy):
    """Makes facts of values as they are recorded, for a purpose, with further permissions."""

    def make(purpose: str, *values: Value, permitted: tuple[str, ...] = (), **stored: Any) -> Facts:
        uses = attribute_uses(policy)
        held = [one._replace(uses=uses[one.attribute]) for one in values]
        asked = Asked(
            policy.index(purpose), purpose, NOW_MS, "Europe/Paris", lambda _, leaf: leaf in permitted
        )
        return facts_of(Stored(values=held, **stored), asked)

    return make


def shown(facts: Facts) -> dict[str, Any]:
    return {name: one.value for name, one in facts.fields.items()}


def test_a_fact_has_its_source_and_its_end(known: Any):
    facts = known("personalise.content", value(expires_at_ms=NOW_MS + 5, origin="web"))
    one = facts.fields["attribute.language"]
    assert (one.value, one.party, one.origin) == ("de", Party.FIRST, "web")
    assert (one.observed_at_ms, one.expires_at_ms) == (NOW_MS, NOW_MS + 5)


@pytest.mark.parametrize(
    ("purpose", "names"),
    [
        ("personalise.content", {"birthday", "home_cell", "sex"}),
        ("personalise.pricing", {"birthday"}),
        ("service", {"birthday", "home_cell", "sex", "temperature"}),
        ("train_model", set()),
    ],
)
def test_only_what_the_purpose_may_read_is_there(known: Any, purpose: str, names: set[str]):
    values = [
        value(A.BIRTHDAY, "03-01"),
        value(A.HOME_CELL, COARSE),
        value(A.SEX, "MALE"),
        value(A.TEMPERATURE, "21"),
        value(A.DIET, "vegan"),
    ]
    assert set(known(purpose, *values).fields) == {f"attribute.{name}" for name in names}


def test_what_needs_a_permission_of_its_own_stands_in_nobodys_way_without_it(known: Any):
    """A conclusion that may not be read hides no observation, and a precise place shows as a coarse one."""
    values = [
        value(A.SEX, "MALE", party=Party.INFERRED),
        value(A.SEX, "FEMALE", subject=subject(2), party=Party.INFERRED, expires_at_ms=NOW_MS),
        value(A.DIET, "vegan, raw", party=Party.ZERO),
        value(A.HOME_CELL, PRECISE),
    ]
    purpose = "personalise.content"
    assert shown(known(purpose, *values)) == {"attribute.home_cell": COARSE}
    every = ("inferred_demographics", "special_category.profile", "location_precise")
    assert shown(known(purpose, *values, permitted=every)) == {
        "attribute.sex": "MALE",
        "attribute.diet": ("vegan", "raw"),
        "attribute.home_cell": PRECISE,
    }


def test_what_several_dependents_have_is_told_together(known: Any):
    pets = [
        value(A.DEPENDENT_SPECIES, "dog", dependent="rex"),
        value(A.DEPENDENT_SPECIES, "cat", dependent="tom", observed_at_ms=NOW_MS - 1, origin="quiz"),
        value(A.DEPENDENT_DIET, "fish, rice", dependent="tom"),
        value(A.DEPENDENT_BIRTHDAY, "05-05", dependent="rex"),
    ]
    assert shown(known("personalise.content", *pets)) == {
        "dependent.species": ("cat", "dog"),
        "dependent.diet": ("fish", "rice"),
        "dependent.birthday": ("05-05",),
    }
    assert "dependent.diet" not in known("marketing.ads.first_party", *pets).fields


def test_the_zone_is_the_persons_own_or_the_tenants(known: Any):
    assert known("service").zone == "Europe/Paris"
    assert known("service", value(A.TIME_ZONE, "Asia/Tokyo")).zone == "Asia/Tokyo"


def test_what_was_declared_is_told_by_its_kind(known: Any):
    answers = [
        likes("tea"),
        likes("Acme", topic=Topic.BRAND, declared_at_ms=NOW_MS - 9),
        likes("milk", -3, topic=Topic.ITEM),
        aged(AgeBand.FROM_35_TO_44),
    ]
    facts = known("personalise.content", answers=answers)
    assert shown(facts) == {
        "declared.likes": ("category:tea", "brand:Acme"),
        "declared.dislikes": ("item:milk",),
        "declared.age_band": "FROM_35_TO_44",
    }
    assert facts.fields["declared.likes"].observed_at_ms == NOW_MS
    assert "declared.age_band" not in known("personalise.pricing", answers=answers).fields


def test_events_are_those_of_the_purpose_that_have_not_expired(known: Any, policy: Policy):
    """With a place no finer than the person permits."""
    purpose = policy.index("personalise.content")
    events = [
        event("precise", detail=packed(Detail(place_cell=PRECISE, topic="tea"))),
        event("expired", expires_at_ms=NOW_MS),
        event("for another", uses=use_mask([purpose + 1])),
    ]
    (one,) = known("personalise.content", events=events).events
    assert unpacked(one.detail) == Detail(place_cell=COARSE, topic="tea")
    (precise,) = known("personalise.content", events=events, permitted=("location_precise",)).events
    assert precise is events[0]


class Shelf:
    """A store that holds one event, one value and nothing else of each birth subject it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, Window]] = []
        self.events = 1

    async def stored(self, people: Any, window: Window) -> Any:
        self.asked.append((people, window))
        return [
            Stored(
                [event(str(n), subject=one) for one in who for n in range(self.events)],
                (),
                [value(subject=one) for one in who],
            )
            for who in people
        ]


async def test_only_birth_subjects_that_permit_the_purpose_are_read(
    calls: Calls, guard: GuardTable, policy: Policy
):
    """Several people in one reading; of nobody, and of who permits nothing, nothing is known."""
    both = (subject(1), subject(2))
    for one in both:
        set_state(guard, one, "personalise.content", members=both)
    shelf = Shelf()
    call = calls.portraying(subject(1), "personalise.content")
    mine, nobodys, others = await Knowing(shelf, policy).facts_of_each(
        call, [subject(1), None, subject(3)], "personalise.content", "UTC"
    )
    ((people, window),) = shelf.asked
    assert [set(one) for one in people] == [set(both), set(), set()]
    assert window == Window(
        use_mask([policy.index("personalise.content")]), NOW_MS - WINDOW_DAYS * DAY_MS, NOW_MS, EVENTS_MAX
    )
    assert (len(mine.events), mine.events_known) == (2, True)
    for facts in (nobodys, others):
        assert (facts.events, facts.fields, facts.events_known, facts.zone) == ([], {}, False, "UTC")


async def test_more_events_than_are_read_are_not_all_events(calls: Calls, guard: GuardTable, policy: Policy):
    """So that nothing is concluded from what was left out."""
    set_state(guard, subject(1), "personalise.content")
    shelf = Shelf()
    shelf.events = EVENTS_MAX
    call = calls.portraying(subject(1), "personalise.content")
    facts = await Knowing(shelf, policy).facts(call, subject(1), "personalise.content", "UTC")
    assert not facts.events_known
