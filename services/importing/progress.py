"""How far an import is, for the eye: a bar a step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Show(Protocol):
    """Shows how far a step is; ``total`` is 0 where it is not known."""

    def __call__(self, step: str, done: int, total: int, note: str = "") -> None:
        """Called as often as there is news."""


@contextmanager
def bars(console: Console) -> Iterator[Show]:
    """A bar a step, appearing as the step begins."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int, note: str = "") -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total or None, note=note)
            progress.update(tasks[step], completed=done, total=total or None, note=note)

        yield show
