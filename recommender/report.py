"""What an evaluation found: figures of each model, and how they compare.

A report holds means over people, never a person's. Where an interval of differences covers 0
the two are *equal*; where too few people were asked there are no figures at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from recommender.bootstrap import Interval, interval
from recommender.evaluation import Asked, Task
from recommender.events import Ints
from recommender.quality import Breadth, Judged, breadth, judged

#: Of fewer people no figures are given.
PEOPLE_MIN = 20
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one model for one task.

    Attributes:
        model: one word.
        title: as in a table.
        task: what was asked for.
        depth: how personal the lists were.
        people: how many were asked.
        ndcg: NDCG@10 and its interval over people.
        recall: Recall@20.
        hit_rate: share of people with a hit in 10.
        breadth: coverage and bias.
        constants: what the rule chose, by name.
        windows: NDCG@10 with it on each window before the test period.
    """

    model: str
    title: str
    task: Task
    depth: str
    people: int
    ndcg: Interval
    recall: float
    hit_rate: float
    breadth: Breadth
    constants: Mapping[str, float] = field(default_factory=dict)
    windows: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """NDCG@10 of one model less that of another, over the same people."""

    model: str
    against: str
    task: Task
    difference: Interval


@dataclass(frozen=True, slots=True)
class Report:
    """A whole evaluation.

    Attributes:
        dataset: its name.
        about: what it is.
        lines: purchases in it.
        people: people in it.
        items: items in the catalogue at the cut.
        cut_ms: the instant asked from, milliseconds since the epoch.
        rows: the models in order.
        depths: the served model by how much it may use.
        comparisons: the served model against the others.
        left_out: what could not be done, each a sentence.
    """

    dataset: str
    about: str
    lines: int
    people: int
    items: int
    cut_ms: int
    rows: Sequence[Row]
    depths: Sequence[Row]
    comparisons: Sequence[Comparison]
    left_out: Sequence[str] = ()

    def row(self, model: str, task: Task) -> Row | None:
        """The figures of a model, if there are any."""
        return next((row for row in self.rows if row.model == model and row.task is task), None)

    def as_json(self) -> dict[str, Any]:
        """As in ``report.json``."""
        return {
            "format": FORMAT,
            "dataset": self.dataset,
            "about": self.about,
            "lines": self.lines,
            "people": self.people,
            "items": self.items,
            "cut_ms": self.cut_ms,
            "rows": [_row_json(row) for row in self.rows],
            "depths": [_row_json(row) for row in self.depths],
            "comparisons": [
                {
                    "model": one.model,
                    "against": one.against,
                    "task": one.task.value,
                    **one.difference._asdict(),
                    "verdict": one.difference.verdict.value,
                }
                for one in self.comparisons
            ],
            "left_out": list(self.left_out),
        }


def row_of(
    *,
    model: str,
    title: str,
    task: Task,
    lists: Ints,
    asked: Asked,
    sold: Ints,
    depth: str = "INDIVIDUAL",
    constants: Mapping[str, float] | None = None,
    windows: Sequence[float] = (),
) -> Row:
    """The figures of one model's lists.

    Args:
        model: one word.
        title: as in a table.
        task: what was asked for.
        lists: item numbers, shape (people, 20).
        asked: the people in the order of the lists; at least ``PEOPLE_MIN``.
        sold: lines of each item before the cut.
        depth: how personal the lists are.
        constants: what the rule chose.
        windows: what it reached on the windows.
    """
    found = judged(lists, asked)
    return Row(
        model=model,
        title=title,
        task=task,
        depth=depth,
        people=len(asked.people),
        ndcg=interval(found.ndcg),
        recall=float(found.recall.mean()),
        hit_rate=float(found.hit.mean()),
        breadth=breadth(lists, sold),
        constants=constants or {},
        windows=tuple(windows),
    )


def compared(served: str, found: Mapping[str, Judged], task: Task) -> list[Comparison]:
    """One model against every other.

    Args:
        served: the model.
        found: figures by model, all of the same people.
        task: what was asked for.
    """
    own = found[served].ndcg
    return [
        Comparison(served, other, task, interval(own - np.asarray(figures.ndcg)))
        for other, figures in found.items()
        if other != served
    ]


def _row_json(row: Row) -> dict[str, Any]:
    content = asdict(row)
    return content | {
        "task": row.task.value,
        "ndcg": row.ndcg._asdict(),
        "breadth": row.breadth._asdict(),
        "constants": dict(row.constants),
        "windows": list(row.windows),
    }
