"""What a person's permitted events say, and what is left out of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given

from recommender.decay import FRESH, FULL
from recommender.events import Kind
from recommender.history import EMPTY, NEVER_MS, History, HistoryCache, together
from recommender.holdings import holdings, purchases
from recommender.interest import SESSION, interest_of
from recommender.parameters import DEFAULTS
from tests.recommender.events import NOW_MS, TODAY, Row, history, rows, subject, table

HALVED = replace(DEFAULTS, half_life_days=30.0, lasting_half_life_days=90.0)
VIEW, ADD, REMOVE, ORDER, REFUND = (int(kind) for kind in Kind)


@given(rows(people=1, days=300))
def test_a_question_sees_what_the_sums_would(events: list[Row]) -> None:
    """The same fold as in training, to the rounding of its integers."""
    interest = interest_of(history(*(row[1:] for row in events)), (), TODAY, HALVED)
    for half_life_days, weights in ((30.0, interest.weight), (90.0, interest.lasting)):
        held = holdings(table(events), TODAY, half_life_days)
        found = dict(zip(interest.item.tolist(), (weights**2).tolist(), strict=True))
        expected = dict(zip(held.item.tolist(), ((held.weight / FULL) ** 2).tolist(), strict=True))
        for item in found.keys() | expected.keys():
            assert abs(found.get(item, 0) - expected.get(item, 0)) <= 60 / FRESH
    assert set(interest.bought.tolist()) == set(purchases(table(events)).item.tolist())


def test_a_refund_takes_the_purchase_out() -> None:
    """The item is neither in the query nor known to the person any more."""
    bought = history((1, TODAY, ORDER, 1), (2, TODAY, ORDER, 1), (1, TODAY, REFUND, 1))
    interest = interest_of(bought, (), TODAY, HALVED)
    assert interest.item.tolist() == [2]
    assert interest.bought.tolist() == [2]


def test_the_strongest_event_stands_for_an_item() -> None:
    """An order of last week tells more than a look of today."""
    interest = interest_of(history((1, TODAY, VIEW, 1), (1, TODAY - 7, ORDER, 1)), (), TODAY, HALVED)
    assert (interest.kind.tolist(), interest.day.tolist()) == ([ORDER], [TODAY - 7])


def test_the_oldest_events_still_count() -> None:
    """A person last seen decades ago has an interest, if a faint one."""
    interest = interest_of(history((1, 0, ORDER, 1)), (), TODAY, replace(HALVED, half_life_days=1.0))
    assert interest.weight[0] > 0
    assert interest.own.all()


def test_session_items_count_for_this_call() -> None:
    """They are marked as such, and what is only in the session is not the person's own."""
    interest = interest_of(history((1, TODAY - 90, ORDER, 1)), (2, 1), TODAY, HALVED)
    assert interest.item.tolist() == [1, 2]
    assert interest.own.tolist() == [True, False]
    assert interest.provenance.tolist() == [SESSION, SESSION]
    assert interest.bought.tolist() == [1]


def test_nothing_is_known_of_nobody() -> None:
    """No events and no session: no interest."""
    interest = interest_of(EMPTY, (), TODAY, HALVED)
    assert not len(interest.item)
    assert not len(interest.bought)


def test_only_events_with_the_use_are_permitted() -> None:
    """Events are left out by provenance, whatever else they are."""
    columns = np.array([[1, TODAY, ORDER, 1, 1], [2, TODAY, ORDER, 1, 2]], np.int32).T
    permitted = History(columns, None).permitted(np.array([False, False, True]), NOW_MS)
    assert permitted.item.tolist() == [2]


def test_an_expired_event_is_not_permitted() -> None:
    """It ends at its instant, not after it."""
    bought = history((1, TODAY, ORDER, 1), (2, TODAY, ORDER, 1), expires=[NOW_MS, NOW_MS + 1])
    permitted = bought.permitted(np.array([False, True]), NOW_MS)
    assert permitted.item.tolist() == [2]


def test_histories_come_together_with_their_ends() -> None:
    """One that does not expire stays so beside one that does."""
    whole = together([history((1, TODAY, ORDER, 1)), history((2, TODAY, ORDER, 1), expires=[NOW_MS])])
    assert whole.item.tolist() == [1, 2]
    assert whole.expires_at_ms is not None
    assert whole.expires_at_ms.tolist() == [NEVER_MS, NOW_MS]
    assert together([]) is EMPTY


def test_the_cache_keeps_within_its_bytes() -> None:
    """What was not asked for the longest makes room."""
    one = history(*((item, TODAY, ORDER, 1) for item in range(10)))
    cache = HistoryCache(3 * one.memory_bytes)
    for number in range(3):
        cache.put(subject(number), one)
    assert cache.get(subject(0)) is one
    cache.put(subject(3), one)
    assert cache.get(subject(1)) is None
    assert cache.get(subject(0)) is one
    cache.drop([subject(0), subject(9)])
    assert cache.get(subject(0)) is None
    assert len(cache) == 2


def test_a_history_larger_than_the_cache_is_served_and_not_kept() -> None:
    """It must not stay for ever, nor push the count of bytes astray."""
    cache = HistoryCache(10)
    cache.put(subject(1), history((1, TODAY, ORDER, 1)))
    assert len(cache) == 0
