"""How the bench measures: pairs in one run, interleaved, medians of pairs.

A figure is a ratio of ours to a baseline that ran in the same minute on the same input, so
that a busy machine slows both.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from time import perf_counter

PAIRS = 7


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``limit`` is what the project asks for, as "<=1.35" or ">=0.4"."""

    name: str
    ours: float
    baseline: float
    ratio: float
    unit: str
    n: int
    limit: str = ""

    def row(self) -> dict[str, object]:
        """The line as it stands in ``build/bench.json``."""
        return asdict(self)


def measured(name: str) -> list[Figure]:
    """The figures of one bench, a module of this package; for a process of its own."""
    figures: list[Figure] = import_module(f"tests.bench.{name}").figures()
    return figures


def p50_us(call: Callable[[], object], calls: int) -> float:
    """The median duration of ``calls`` calls, one after another, in microseconds."""
    durations = []
    for _ in range(calls):
        begun = perf_counter()
        call()
        durations.append(perf_counter() - begun)
    return statistics.median(durations) * 1e6


def paired(
    name: str, ours: Callable[[], float], baseline: Callable[[], float], unit: str, n: int, limit: str
) -> Figure:
    """Measures both sides in turn, ``PAIRS`` times; the ratio is the median of the pairs' ratios."""
    pairs = [(ours(), baseline()) for _ in range(PAIRS)]
    return Figure(
        name,
        statistics.median(pair[0] for pair in pairs),
        statistics.median(pair[1] for pair in pairs),
        statistics.median(a / b for a, b in pairs),
        unit,
        n,
        limit,
    )


def cpu_s(pid: int) -> float:
    """CPU time a process has used so far, user and system, in seconds (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
