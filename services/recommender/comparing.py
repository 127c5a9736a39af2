"""Every model on one data set: parameters chosen on windows, the test asked once, one report.

Each model is finished as a whole and kept in the journal, so that an evaluation that was
stopped goes on where it was. What is kept depends on the data, the model's grid and the
constants in the code; when one of them changes it is done anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from itertools import count
from typing import Any

import numpy as np

from recommender.contenders import Contender, Known, Mix, Setting
from recommender.evaluation import WINDOWS, Asked, Task, split, windows
from recommender.events import Ints
from recommender.parameters import Parameters
from recommender.quality import Judged, judged
from recommender.question import Depth
from recommender.report import PEOPLE_MIN, Comparison, Report, Row, compared, row_of
from recommender.selection import Choice, Window, best_fit, choose_mixes, fit, lists
from recommender.served_form import served_index, served_lists
from services.importing.progress import Show
from services.recommender.journal import Kept, code_digest, key_of
from services.recommender.purchases import DataSet, TooFew

#: The model that a suite serves, as it is called in files.
SERVED = "served"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of one model.

    Attributes:
        constants: what the rule chose, per task.
        windows: NDCG@10 with it on each window, per task.
        lists: per task, shape (people, 20).
    """

    constants: Mapping[Task, Mapping[str, float]]
    windows: Mapping[Task, Sequence[float]]
    lists: Mapping[Task, Ints]

    @classmethod
    def of(cls, lists: Mapping[Task, Ints]) -> Entry:
        """Lists of a model for which nothing was chosen here."""
        return cls({}, {}, lists)

    def as_json(self) -> dict[str, Any]:
        """As the journal keeps it."""
        return {
            "constants": {task.value: dict(chosen) for task, chosen in self.constants.items()},
            "windows": {task.value: list(reached) for task, reached in self.windows.items()},
            "lists": {task.value: found.tolist() for task, found in self.lists.items()},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Entry:
        """What ``as_json`` gave."""
        return cls(
            {Task(task): chosen for task, chosen in content["constants"].items()},
            {Task(task): reached for task, reached in content["windows"].items()},
            {Task(task): np.array(found, np.int64) for task, found in content["lists"].items()},
        )


#: Told each thing that was tried, as text.
Told = Callable[[str], object]
#: Told how many of how many are done.
Counted = Callable[[int, int], object]
Made = Callable[[Told], Entry]


class Comparing:
    """One data set with its windows, its test, and what was found of each model on it."""

    def __init__(self, data: DataSet, journal: Kept, show: Show) -> None:
        """Reads nothing yet but the split.

        Args:
            data: the purchases.
            journal: what was finished before.
            show: told how far each model is.

        Raises:
            TooFew: nobody was known before and bought anything after the cut.
        """
        self._data = data
        self._journal = journal
        self._show = show
        at = data.purchases.at
        if not len(at) or at.min() >= np.quantile(at, WINDOWS[0][0]):
            raise TooFew(f"{data.name} holds too few purchases at different times")
        self.split = split(data.purchases)
        self._asked: dict[Task, Asked] = {task: self.split.asked(task) for task in Task}
        if any(len(asked.people) < PEOPLE_MIN for asked in self._asked.values()):
            raise TooFew(f"{data.name}: fewer than {PEOPLE_MIN} people can be asked about")
        self._rows: list[Row] = []
        self._depths: list[Row] = []
        self._judged: dict[Task, dict[str, Judged]] = {task: {} for task in Task}
        self._index = cache(lambda parameters: served_index(self._known, parameters))

    @cached_property
    def _windows(self) -> list[Window]:
        """The windows before the test period; built when a model needs them."""
        return [Window.of(part, self._data.categories) for part in windows(self._data.purchases)]

    @cached_property
    def _known(self) -> Known:
        """What may be learned from before the test period."""
        events = self._data.events
        if events is None:
            return Known(self.split.known.events, self._data.categories)
        return Known(events.where(events.day < self.split.cut), self._data.categories)

    def contender(self, contender: Contender) -> Entry:
        """Chooses a model's parameters and asks it the test once."""
        steps = len(contender.fits) * (len(contender.fits) > 1) + sum(len(contender.grid(t)) for t in Task)

        def made(told: Told) -> Entry:
            choice = choose_mixes(contender, self._fit_of(contender, told), self._windows, told)
            fitted = fit(contender, self._known, choice.setting)
            found = {
                task: lists(fitted, self._asked[task].people, (mix,), task)[0]
                for task, mix in choice.mix.items()
            }
            constants = {task: constants_of(choice, mix) for task, mix in choice.mix.items()}
            return Entry(constants, choice.windows, found)

        grid = contender.fits, contender.mixes, contender.repeats
        return self._entered(contender.name, contender.title, steps + 1, made, grid)

    def _fit_of(self, contender: Contender, told: Told) -> Setting:
        """The setting of a model's fit; kept by itself, because other mixes do not change it."""
        if len(contender.fits) == 1:
            return contender.fits[0]
        key = key_of(self._data.digest, contender.name, "fit", contender.fits, contender.mixes[:1])
        setting: Setting | None = self._journal.get(key)
        if setting is None:
            setting = best_fit(contender, self._windows, told)
            self._journal.put(key, dict(setting))
        return setting

    def served(self, name: str, title: str, parameters: Parameters) -> None:
        """Asks a model as it would be served with some constants."""

        def made(_told: Told) -> Entry:
            return Entry.of(self._served_lists(parameters, Depth.INDIVIDUAL))

        self._entered(name, title, 1, made, (asdict(parameters), code_digest()))

    def depths(self, parameters: Parameters) -> None:
        """Asks it with as much as calls of each depth may use."""
        for depth in (Depth.INDIVIDUAL, Depth.CONTEXT, Depth.GENERAL):

            def made(_told: Told, depth: Depth = depth) -> Entry:
                return Entry.of(self._served_lists(parameters, depth))

            entry = self._kept(f"{SERVED} {depth.name}", 1, made, (asdict(parameters), code_digest()))
            self._depths += [self._row(SERVED, depth.name, task, entry, depth.name) for task in Task]

    def lists(self, name: str, title: str, asked: Callable[[Counted], Mapping[Task, Ints]]) -> None:
        """Takes a model's lists from somewhere else.

        Args:
            name: one word.
            title: as in a table.
            asked: makes the lists; is given what tells how many people of how many were asked.
        """

        def made(_told: Told) -> Entry:
            return Entry.of(asked(lambda done, total: self._show(name, done, total)))

        self._entered(name, title, 1, made, (code_digest(),))

    def report(self, left_out: Sequence[str]) -> Report:
        """Everything that was found."""
        known = self.split.known
        comparisons: list[Comparison] = []
        for task, found in self._judged.items():
            if SERVED in found:
                comparisons += compared(SERVED, found, task)
        return Report(
            dataset=self._data.name,
            about=self._data.about,
            lines=len(self._data.purchases),
            people=len(np.unique(self._data.purchases.person)),
            items=len(np.unique(known.item)),
            cut_ms=self.split.cut,
            rows=self._rows,
            depths=self._depths,
            comparisons=comparisons,
            left_out=left_out,
        )

    def _served_lists(self, parameters: Parameters, depth: Depth) -> dict[Task, Ints]:
        index = self._index(parameters)
        return {
            task: served_lists(index, self._known, self._asked[task].people, task, depth) for task in Task
        }

    def _entered(self, name: str, title: str, steps: int, made: Made, grid: tuple[object, ...]) -> Entry:
        """Has a model's lists made, or takes those that are kept, and judges them."""
        entry = self._kept(name, steps, made, grid)
        for task in entry.lists:
            self._rows.append(self._row(name, title, task, entry))
            self._judged[task][name] = judged(entry.lists[task], self._asked[task])
        return entry

    def _kept(self, name: str, steps: int, made: Made, grid: tuple[object, ...]) -> Entry:
        key = key_of(self._data.digest, name, *grid)
        if (kept := self._journal.get(key)) is not None:
            self._show(name, steps, steps, "kept")
            return Entry.from_json(kept)
        done = count(1)
        self._show(name, 0, steps)
        entry = made(lambda what: self._show(name, min(next(done), steps), steps, what))
        self._journal.put(key, entry.as_json())
        self._show(name, steps, steps)
        return entry

    def _row(self, name: str, title: str, task: Task, entry: Entry, depth: str = "INDIVIDUAL") -> Row:
        return row_of(
            model=name,
            title=title,
            task=task,
            lists=entry.lists[task],
            asked=self._asked[task],
            sold=np.bincount(self.split.known.item, minlength=len(self._data.items)),
            depth=depth,
            constants=entry.constants.get(task, {}),
            windows=entry.windows.get(task, ()),
        )


def constants_of(choice: Choice, mix: Mix) -> dict[str, float]:
    """What was chosen, without what is as it always is."""
    plain = Mix()._asdict()
    chosen = {name: value for name, value in mix._asdict().items() if value != plain[name]}
    return {**choice.setting, **chosen}
