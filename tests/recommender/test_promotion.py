"""A model that does not beat decayed popularity on days kept back is not promoted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import promotion
from recommender.events import EventTable, Kind
from recommender.parameters import Parameters
from recommender.promotion import PEOPLE_MIN, check
from recommender.verdict import Check, Verdict

PARAMETERS = Parameters(head_items_max=40, rank=8, ridge=1.0, directional_ridge=1.0)
PEOPLE, ITEMS, DAYS = 300, 48, 40


def shoppers(tastes: int, people: int = PEOPLE) -> EventTable:
    """Everybody buys things of their own taste, now and then; with one taste anything."""
    random = np.random.default_rng(11)
    rows = []
    for person in range(people):
        for day in random.choice(DAYS, 9, replace=False).tolist():
            item = tastes * int(random.integers(ITEMS // tastes)) + person % tastes
            rows.append((1000 + 7 * person, item, 15_000 + day, Kind.ORDER, 1))
    return EventTable.of_columns(np.array(rows, np.int64))


def judged_as(events: EventTable) -> Check:
    """What the check says of a method that learns from some events."""
    return check(events, ["c"] * ITEMS, PARAMETERS)


def test_a_model_of_tastes_is_promoted_where_there_are_tastes() -> None:
    """It beats what everybody buys; how many were asked is said."""
    found = judged_as(shoppers(tastes=4))
    assert found.verdict is Verdict.BEATS_POPULARITY
    assert found.promotes
    assert found.model_ndcg > found.popularity_ndcg > 0
    assert found.people >= PEOPLE_MIN


def test_a_method_that_knows_nothing_is_not_promoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of the least bought items first do not beat popularity."""
    served = promotion.served_lists
    monkeypatch.setattr(promotion, "served_lists", lambda *given: served(*given)[:, ::-1])
    monkeypatch.setattr(promotion, "_popular", lambda _window, known, asked: best(known, asked))

    def best(known, asked):
        found = np.full((len(asked.people), 20), -1)
        found[:, 0] = asked.wanted[np.searchsorted(asked.wanted >> 32, asked.people)] & 0xFFFFFFFF
        return found

    found = judged_as(shoppers(tastes=4))
    assert found.verdict is Verdict.NOT_BETTER
    assert not found.promotes


def test_a_tie_is_not_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown means no: what does not beat popularity does not serve."""
    monkeypatch.setattr(
        promotion,
        "_popular",
        lambda _window, known, asked: promotion.served_lists(
            promotion.served_index(known, PARAMETERS), known, asked.people, promotion.Task.NEW
        ),
    )
    assert judged_as(shoppers(tastes=4)).verdict is Verdict.NOT_BETTER


def test_of_too_few_people_nothing_is_said() -> None:
    """A shop that begins gets its model; no figure is given."""
    assert judged_as(shoppers(tastes=4, people=30)) == Check(
        Verdict.NOT_ENOUGH, 0.0, 0.0, judged_as(shoppers(tastes=4, people=30)).people
    )
    assert judged_as(shoppers(tastes=4, people=30)).promotes
    assert judged_as(EventTable.empty()) == Check(Verdict.NOT_ENOUGH, 0.0, 0.0, 0)


def test_what_happens_on_the_days_kept_back_teaches_nothing() -> None:
    """Of a method that can not see them, the figure changes by what is wanted and not by what is known."""
    events = shoppers(tastes=4)
    seen: list[int] = []
    served = promotion.served_index

    def index(known, parameters):
        seen.append(int(known.events.day.max()))
        return served(known, parameters)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(promotion, "served_index", index)
        judged_as(events)
    assert seen and max(seen) < np.quantile(events.day, 0.9)


def test_a_check_is_the_same_whatever_the_order_of_events() -> None:
    """Whom it asks is drawn with a fixed seed."""
    events = shoppers(tastes=2)
    order = np.random.default_rng(1).permutation(len(events))
    columns = events.person, events.item, events.day, events.kind, events.quantity
    shuffled = EventTable.of_columns(np.column_stack([column[order] for column in columns]))
    assert judged_as(events) == judged_as(shuffled)


@settings(max_examples=2, deadline=None)
@given(numbers=st.permutations(range(PEOPLE)))
def test_a_check_is_the_same_whatever_numbers_people_have(numbers: list[int]) -> None:
    """Numbers are given as events come in, by partitions in any order; a verdict must not hang on them."""
    events = shoppers(tastes=2)
    renumbered = replace(events, person=np.array(numbers)[(events.person - 1000) // 7])
    one, other = judged_as(events), judged_as(renumbered)
    assert (one.verdict, one.people) == (other.verdict, other.people)
    assert one.model_ndcg == pytest.approx(other.model_ndcg, abs=1e-3)
    assert one.popularity_ndcg == pytest.approx(other.popularity_ndcg, abs=1e-9)
