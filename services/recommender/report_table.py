"""A report as tables for the eye."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from recommender.evaluation import Task
from recommender.report import Comparison, Report, Row

_TITLES = {Task.NEW: "Items new to the person", Task.REPEATS: "Repeats allowed"}


def show_report(report: Report, console: Console) -> None:
    """Prints the models, the depths and what was left out."""
    for task in Task:
        rows = [row for row in report.rows if row.task is task]
        against = {one.against: one for one in report.comparisons if one.task is task}
        if rows:
            console.print(_models(f"{_TITLES[task]}, {rows[0].people:,} people", rows, against))
    if report.depths:
        console.print(_depths(report.depths))
    for sentence in report.left_out:
        console.print(f"[yellow]Left out:[/yellow] {sentence}", highlight=False)


def _models(title: str, rows: Sequence[Row], against: dict[str, Comparison]) -> Table:
    heads = ("NDCG@10", "95 %", "R@20", "HR@10", "coverage", "Gini", "popularity", "served is")
    table = _table(title, "model", heads)
    for row in rows:
        compared = against.get(row.model)
        verdict = ""
        if compared is not None:
            mean, low, high = compared.difference
            verdict = f"{compared.difference.verdict} {mean:+.4f} [{low:+.4f}, {high:+.4f}]"
        table.add_row(row.title, *_figures(row), verdict)
    return table


def _depths(rows: Iterable[Row]) -> Table:
    heads = ("task", "NDCG@10", "95 %", "R@20", "HR@10", "coverage", "Gini", "popularity")
    table = _table("The served model by how much a call may use", "depth", heads)
    for row in rows:
        table.add_row(row.depth, row.task.value, *_figures(row))
    return table


def _table(title: str, first: str, heads: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for head in heads:
        table.add_column(head, justify="right")
    return table


def _figures(row: Row) -> tuple[str, ...]:
    return (
        f"{row.ndcg.mean:.4f}",
        f"{row.ndcg.low:.4f}-{row.ndcg.high:.4f}",
        f"{row.recall:.4f}",
        f"{row.hit_rate:.3f}",
        f"{row.breadth.coverage:.3f}",
        f"{row.breadth.gini:.3f}",
        f"{row.breadth.popularity:.3f}",
    )
