"""One command's evaluation: a data set in, a table, ``report.json`` and plots out.

It can be stopped and begun again: finished models are kept in the output folder. What is not
installed is left out visibly, never silently.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from recommender import peers
from recommender.baselines import BASELINES, DECAYED, OURS
from recommender.contenders import Contender
from recommender.dense import chosen
from recommender.evaluation import Task
from recommender.parameters import DEFAULTS
from recommender.report import Report
from services.importing.mapping import Mapping
from services.importing.mapping_file import COMPLETE_JOURNEY, load_mapping
from services.importing.progress import Show, bars
from services.recommender.comparing import SERVED, Comparing
from services.recommender.front_door import lists_through_the_front_door
from services.recommender.journal import Journal
from services.recommender.plots import write_plots
from services.recommender.purchases import DataSet, load_purchases
from services.recommender.report_table import show_report

REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to evaluate.

    Attributes:
        mapping: mapping file of the purchases; ``None`` for Complete Journey.
        files: folder of its files; ``None`` for its own.
        out: where results go; ``None`` for ``build/evaluation`` and the data set's name.
        front_door: also ask a temporary suite over gRPC.
    """

    mapping: Path | None = None
    files: Path | None = None
    out: Path | None = None
    front_door: bool = False


def run_evaluation(wanted: Wanted, console: Console) -> bool:
    """Evaluates, prints a table, writes the report and its plots.

    Returns:
        Whether what is served beats decayed popularity, for items new to the person.

    Raises:
        ImportStopped: the data can not be evaluated on.
    """
    mapping = load_mapping(wanted.mapping or COMPLETE_JOURNEY, folder=wanted.files)
    out = wanted.out or Path("build") / "evaluation" / mapping.dataset
    with bars(console) as show:
        data = load_purchases(mapping, lambda _rows: None)
        _tell(data, console)
        report = _compared(mapping, data, Journal(out), show, console, front_door=wanted.front_door)
    show_report(report, console)
    path = out / REPORT
    path.write_text(json.dumps(report.as_json(), indent=1, allow_nan=False) + "\n")
    written = [path]
    try:
        written += write_plots(report, out)
    except ImportError:
        console.print("[yellow]Left out:[/yellow] the plots; matplotlib is not installed", highlight=False)
    console.print(f"Written: {', '.join(map(str, written))}", highlight=False, soft_wrap=True)
    return beats_popularity(report)


def beats_popularity(report: Report) -> bool:
    """Whether what is served is better than decayed popularity, for items new to the person."""
    return any(
        one.against == DECAYED.name and one.task is Task.NEW and one.difference.low > 0
        for one in report.comparisons
    )


def contenders(left_out: list[str]) -> Sequence[Contender]:
    """The models that can be compared here; says in ``left_out`` which can not."""
    if peers.available():
        return BASELINES
    absent = [contender for contender in BASELINES if contender.fit in peers.PEERS]
    left_out += [f"{contender.title}; implicit is not installed" for contender in absent]
    return [contender for contender in BASELINES if contender.fit not in peers.PEERS]


def _compared(
    mapping: Mapping, data: DataSet, journal: Journal, show: Show, console: Console, *, front_door: bool
) -> Report:
    left_out: list[str] = []
    comparing = Comparing(data, journal, show)
    for contender in contenders(left_out):
        comparing.contender(contender)
    constants = comparing.contender(OURS).constants
    ours = chosen(DEFAULTS, constants[Task.NEW], constants[Task.REPEATS])
    comparing.served(SERVED, "ours, served", ours)
    comparing.depths(ours)
    if front_door:
        comparing.lists(
            "front-door",
            "ours, through the front door",
            lambda told: asyncio.run(
                lists_through_the_front_door(mapping, data, comparing.split, console, told)
            ),
        )
    return comparing.report(left_out)


def _tell(data: DataSet, console: Console) -> None:
    lines = f"{len(data.purchases):,} purchases of {len(data.people):,} people, {len(data.items):,} items"
    console.print(f"{data.name}: {lines}", highlight=False)
    if data.refused:
        refused = ", ".join(f"{rows:,} {reason}" for reason, rows in data.refused.items())
        console.print(f"Of {data.rows_read:,} rows not used: {refused}", highlight=False, soft_wrap=True)
