"""The choice of parameters, by one rule for every model.

Three rolling-origin windows before the test period, mean NDCG@10. First every setting of a
fit is tried with the model's first mix, for items new to the person; then, with the best
fit, every mix, for each task. At most so many people of a window are asked, always the same.
Ties go to what stands first. Nothing here is given a line of the test period.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.contenders import Contender, Fitted, Known, Mix, Setting, mixed
from recommender.evaluation import LIST_LENGTH, Asked, Split, Task, kept_items
from recommender.events import Ints
from recommender.quality import NO_ITEM, Doubles, best_items, judged

#: People asked in a window; all of them are asked in the test.
PEOPLE_MAX = 1000
#: In a window so many items get weights for one another; in the test as many as are served with.
HEAD_ITEMS_MAX = 5000
_CELLS_AT_ONCE = 1 << 22
_SEED = 17


@dataclass(frozen=True, slots=True)
class Window:
    """A split with what models of it share."""

    split: Split
    known: Known

    @classmethod
    def of(cls, split: Split, categories: Sequence[str]) -> Window:
        """A window of a split."""
        return cls(split, Known(split.known.events, categories, HEAD_ITEMS_MAX))

    def asked(self, task: Task, people_max: int) -> Asked:
        """The question about at most so many people, always the same ones."""
        return some(self.split.asked(task), people_max)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the rule chose.

    Attributes:
        setting: of the fit.
        mix: per task.
        windows: per task the NDCG@10 of each window with it.
    """

    setting: Setting
    mix: dict[Task, Mix]
    windows: dict[Task, tuple[float, ...]]


Fits = list[tuple[Fitted, Window]]


def choose(
    contender: Contender, windows: Sequence[Window], tried: Callable[[str], object] = lambda _: None
) -> Choice:
    """Chooses the setting of the fit, then the mixes.

    Args:
        contender: the model.
        windows: before the test period.
        tried: told each thing that was tried, with its mean, as text.
    """
    return choose_mixes(contender, best_fit(contender, windows, tried), windows, tried)


def best_fit(
    contender: Contender, windows: Sequence[Window], tried: Callable[[str], object] = lambda _: None
) -> Setting:
    """The setting with the best mean over the windows, items new to the person, first mix; see ``choose``."""
    if len(contender.fits) == 1:
        return contender.fits[0]
    means = []
    for setting in contender.fits:
        found = _on_windows(_fitted(contender, windows, setting), contender.mixes[:1], Task.NEW)
        means.append(float(found.mean()))
        tried(f"{dict(setting)}: {means[-1]:.4f}")
    return contender.fits[int(np.argmax(means))]


def choose_mixes(
    contender: Contender,
    setting: Setting,
    windows: Sequence[Window],
    tried: Callable[[str], object] = lambda _: None,
) -> Choice:
    """The mix with the best mean over the windows for each task, given a fit; see ``choose``."""
    fits = _fitted(contender, windows, setting)
    mix: dict[Task, Mix] = {}
    reached: dict[Task, tuple[float, ...]] = {}
    for task in Task:
        options = contender.grid(task)
        if not options:
            continue
        figures = _on_windows(fits, options, task)
        for option, row in zip(options, figures, strict=True):
            tried(f"{task} {_told(option)}: {row.mean():.4f}")
        winner = int(np.argmax(figures.mean(axis=1)))
        mix[task], reached[task] = options[winner], tuple(figures[winner].tolist())
    return Choice(setting, mix, reached)


def lists(fitted: Fitted, people: Ints, mixes: Sequence[Mix], task: Task) -> Ints:
    """The list of each person with each mix, shape (mixes, people, 20)."""
    found = np.full((len(mixes), len(people), LIST_LENGTH), NO_ITEM, np.int64)
    if fitted.contender.same_for_all:
        for number, mix in enumerate(mixes):
            _same_for_all(fitted, people, mix, task, found[number])
        return found
    for rows in portions(len(people), fitted.known.items):
        some = people[rows]
        parts = fitted.parts(some)  # once for all mixes: it is what takes long
        for number, mix in enumerate(mixes):
            found[number, rows] = best_items(mixed(fitted, parts, some, mix, task))
    return found


def _same_for_all(fitted: Fitted, people: Ints, mix: Mix, task: Task, found: Ints) -> None:
    """Fills in one order of all items, less what each person has where only new items are asked for."""
    contender, known, _ = fitted
    scores = np.where(known.sold > 0, known.trend(contender.trend, mix.trend_days), -np.inf)
    order = np.argsort(-scores, kind="stable")[: np.count_nonzero(known.sold)]
    row, item = kept_items(known.pairs, people) if task is Task.NEW else (people[:0], people[:0])
    starts = np.searchsorted(row, np.arange(len(people) + 1))
    for position in range(len(people)):
        has = item[starts[position] : starts[position + 1]]
        best = order[: LIST_LENGTH + len(has)]
        new = best[~np.isin(best, has)][:LIST_LENGTH]
        found[position, : len(new)] = new


def portions(people: int, items: int) -> Iterator[slice]:
    """Cuts people so that a table of scores of them stays small."""
    step = max(1, _CELLS_AT_ONCE // max(items, 1))
    return (slice(start, min(start + step, people)) for start in range(0, people, step))


def some(asked: Asked, people_max: int) -> Asked:
    """At most so many of the people asked for, drawn with a fixed seed."""
    if len(asked.people) <= people_max:
        return asked
    drawn = np.random.default_rng(_SEED).choice(asked.people, people_max, replace=False)
    return asked.among(np.sort(drawn))


def fit(contender: Contender, known: Known, setting: Setting) -> Fitted:
    """Has a model learn."""
    return Fitted(contender, known, contender.fit(known, setting))


def _fitted(contender: Contender, windows: Sequence[Window], setting: Setting) -> Fits:
    return [(fit(contender, window.known, setting), window) for window in windows]


def _on_windows(fits: Fits, mixes: Sequence[Mix], task: Task) -> Doubles:
    """NDCG@10 of each mix in each window, shape (mixes, windows)."""
    reached = np.zeros((len(mixes), len(fits)))
    for column, (fitted, window) in enumerate(fits):
        asked = window.asked(task, PEOPLE_MAX)
        found = lists(fitted, asked.people, mixes, task)
        if len(asked.people):  # else the window tells nothing of any mix
            reached[:, column] = [judged(one, asked).ndcg.mean() for one in found]
    return reached


def _told(mix: Mix) -> str:
    """A mix, without what is as it always is."""
    plain = Mix()._asdict()
    return str({name: value for name, value in mix._asdict().items() if value != plain[name]})
