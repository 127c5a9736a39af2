"""The figures of a report as SVG: accuracy with intervals, breadth, and the price of less permission.

The same report gives the same bytes. Needs matplotlib, a development library.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recommender.evaluation import Task
from recommender.report import Report, Row

_OURS, _THEIRS, _FLOOR = "#2b6cb0", "#a0aec0", "#c05621"
_TITLES = {Task.NEW: "items new to the person", Task.REPEATS: "repeats allowed"}
SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "veilgraph",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def write_plots(report: Report, folder: Path) -> list[Path]:
    """Writes ``accuracy.svg``, ``breadth.svg`` and ``depth.svg``.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib as mpl  # noqa: PLC0415 - a development library

    mpl.use("svg")
    with mpl.rc_context(SETTINGS):
        return [
            draw_accuracy(report, folder / "accuracy.svg"),
            draw_breadth(report, folder / "breadth.svg"),
            draw_depth(report, folder / "depth.svg"),
        ]


def draw_accuracy(report: Report, path: Path) -> Path:
    """Each model, each task."""
    figure, panels = _panels(report, height=3.6)
    for panel, task in zip(panels, Task, strict=True):
        rows = [row for row in report.rows if row.task is task][::-1]
        _bars(panel, rows, [row.title for row in rows])
        panel.set_title(_TITLES[task])
        panel.set_xlabel("NDCG@10, interval of 95 % over people")
    return _saved(figure, path)


def draw_breadth(report: Report, path: Path) -> Path:
    """How much of the catalogue is shown against how popular it is."""
    figure, panels = _panels(report, height=3.4)
    for panel, task in zip(panels, Task, strict=True):
        for row in (row for row in report.rows if row.task is task):
            panel.scatter(row.breadth.coverage, row.breadth.popularity, s=25, color=_colour(row))
            panel.annotate(
                row.model,
                (row.breadth.coverage, row.breadth.popularity),
                (4, 3),
                textcoords="offset points",
                fontsize=7,
            )
        panel.set_title(_TITLES[task])
        panel.set_xlabel("share of the catalogue shown to anybody")
        panel.set_ylabel("mean popularity percentile")
        panel.margins(0.15)
    return _saved(figure, path)


def draw_depth(report: Report, path: Path) -> Path:
    """The served model by how much a call may use."""
    figure, panels = _panels(report, height=2.2)
    for panel, task in zip(panels, Task, strict=True):
        rows = [row for row in report.depths if row.task is task][::-1]
        _bars(panel, rows, [row.depth for row in rows])
        panel.set_title(_TITLES[task])
        panel.set_xlabel("NDCG@10, interval of 95 % over people")
    return _saved(figure, path)


def _panels(report: Report, height: float) -> tuple[Any, Sequence[Any]]:
    import matplotlib.pyplot as plt  # noqa: PLC0415 - a development library

    figure, panels = plt.subplots(1, len(Task), figsize=(10, height), layout="constrained")
    figure.suptitle(report.dataset)
    return figure, panels


def _bars(panel: Any, rows: Sequence[Row], names: Sequence[str]) -> None:
    means = [row.ndcg.mean for row in rows]
    below = [row.ndcg.mean - row.ndcg.low for row in rows]
    above = [row.ndcg.high - row.ndcg.mean for row in rows]
    colours = [_colour(row) for row in rows]
    panel.barh(names, means, xerr=[below, above], color=colours, ecolor="#2d3748", capsize=2)


def _colour(row: Row) -> str:
    if row.title.startswith("ours"):
        return _OURS
    return _FLOOR if row.model == "decayed-popularity" else _THEIRS


def _saved(figure: Any, path: Path) -> Path:
    import matplotlib.pyplot as plt  # noqa: PLC0415 - a development library

    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path
