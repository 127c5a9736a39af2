"""One rule chooses the parameters of every model, before the test period."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.contenders import Contender, Mix, Own, Trend, no_parts
from recommender.evaluation import Asked, Purchases, Task, windows
from recommender.quality import judged
from recommender.selection import Window, choose, fit, lists, portions, some

DAYS = 100


def market() -> list[Window]:
    """What people begin to buy moves on slowly; some bought everything long ago."""
    random = np.random.default_rng(3)
    rows = [(person, item, 0) for person in range(40, 45) for item in range(20)]
    for day in range(DAYS):
        for person in random.choice(40, 12, replace=False).tolist():
            rows.append((person, (day // 5 + int(random.integers(5))) % 20, day))
    person, item, day = np.array(rows, np.int64).T
    return [Window.of(part, ["c"] * 20) for part in windows(Purchases(person, item, day, day))]


def decayed(*days: float) -> Contender:
    """Decayed popularity with these half-lives to choose from."""
    mixes = tuple(Mix(trend=1.0, trend_days=half_life) for half_life in days)
    return Contender("decayed", "decayed", Trend.LINES, Own.NONE, no_parts, mixes=mixes, repeats=mixes[:1])


def test_the_mix_with_the_best_mean_over_the_windows_is_chosen() -> None:
    """Alone it reaches what it reached among others."""
    among = choose(decayed(1000.0, 2.0, 30.0), market())
    alone = {days: np.mean(choose(decayed(days), market()).windows[Task.NEW]) for days in (1000.0, 2.0, 30.0)}
    assert np.mean(among.windows[Task.NEW]) == max(alone.values())
    assert alone[among.mix[Task.NEW].trend_days] == max(alone.values())
    assert min(alone.values()) < max(alone.values())


def test_of_equals_the_first_is_chosen() -> None:
    """So that a grid's order says what is preferred."""
    assert choose(decayed(2.0, 2.0001), market()).mix[Task.NEW].trend_days == 2.0


def test_a_fit_is_chosen_by_what_it_reaches() -> None:
    """And every thing that was tried is told."""

    def parts(known, setting):
        good = known.trend(Trend.LINES, 2.0) * setting["sign"]
        return lambda people: (np.tile(good, (len(people), 1)),)

    fits = ({"sign": -1.0}, {"sign": 1.0})
    tried: list[str] = []
    choice = choose(Contender("c", "c", Trend.NONE, Own.NONE, parts, fits=fits), market(), tried.append)
    assert choice.setting == {"sign": 1.0}
    assert len(tried) == len(fits) + 1
    assert Task.REPEATS not in choice.mix


def test_the_same_people_are_asked_every_time() -> None:
    """And no more than allowed."""
    people = np.arange(50)
    asked = Asked(people, people << 32 | 3)
    drawn = some(asked, 10)
    assert len(drawn.people) == 10
    assert drawn.people.tolist() == some(asked, 10).people.tolist()
    assert (drawn.wanted >> 32).tolist() == drawn.people.tolist()
    assert some(asked, 50) is asked


@pytest.mark.parametrize(("people", "items"), [(0, 5), (1, 1), (7, 1 << 21), (100, 10)])
def test_portions_cover_everybody_once(people: int, items: int) -> None:
    """However many items there are."""
    covered = [row for part in portions(people, items) for row in range(part.start, part.stop)]
    assert covered == list(range(people))


def test_one_order_for_all_gives_the_lists_of_its_scores() -> None:
    """What is faster is the same: as if each person's scores were made and sorted."""
    window = market()[2]
    shared = fit(decayed(7.0), window.known, {})
    other = Contender("same", "same", Trend.LINES, Own.HAZARD, no_parts)
    people = window.split.asked(Task.NEW).people
    for task in Task:
        mix = (Mix(trend=1.0, trend_days=7.0),)
        one, each = lists(shared, people, mix, task), lists(fit(other, window.known, {}), people, mix, task)
        assert shared.contender.same_for_all and not other.same_for_all
        assert judged(one[0], window.split.asked(task).among(people)).ndcg.tolist() == (
            judged(each[0], window.split.asked(task).among(people)).ndcg.tolist()
        )
