"""Runs every bench, prints a table, writes ``build/bench.json``; exits 1 when a limit is not met."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import (
    audit_log,
    consent_bootstrap,
    consent_withdraw,
    decide,
    growth,
    guard,
    main_job,
    recommend,
    track_batch,
)
from tests.bench.measure import Figure

OUTPUT = Path("build/bench.json")


def met(figure: Figure) -> bool:
    """Whether a figure keeps its limit; one without a limit is only reported."""
    if not figure.limit:
        return True
    bound = float(figure.limit[2:])
    return figure.ratio <= bound if figure.limit.startswith("<=") else figure.ratio >= bound


def main() -> int:
    """Measures, shows and keeps."""
    console = Console(width=110)
    table = Table("name", "ours", "baseline", "ratio", "limit", "unit", "n")
    table.columns[0].no_wrap = True
    kept: list[Figure] = []
    for bench in (
        guard,
        audit_log,
        decide,
        consent_withdraw,
        consent_bootstrap,
        track_batch,
        growth,
        main_job,
        recommend,
    ):
        console.print(f"measuring {bench.__name__} …")
        for figure in bench.figures():
            kept.append(figure)
            mark = figure.limit if met(figure) else f"[red]{figure.limit}[/red]"
            row = (f"{figure.ours:,.1f}", f"{figure.baseline:,.1f}", f"{figure.ratio:.3f}", mark)
            table.add_row(figure.name, *row, figure.unit, str(figure.n))
        OUTPUT.parent.mkdir(exist_ok=True)
        OUTPUT.write_text(json.dumps([figure.row() for figure in kept], indent=2))
    console.print(table)
    return 0 if all(met(figure) for figure in kept) else 1


if __name__ == "__main__":
    sys.exit(main())
