"""Runs benches, prints a table, writes ``build/bench.json``; exits 1 when a limit is not met.

``python -m tests.bench guard decide`` runs those alone. Each runs in a process of its own, so
that none measures what another one left behind: threads, memory, a warm cache.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.measure import Figure, measured

OUTPUT = Path("build/bench.json")
BENCHES = (
    "guard",
    "audit_log",
    "decide",
    "decide_offer",
    "consent_withdraw",
    "consent_bootstrap",
    "consent_failover",
    "track_batch",
    "track_batch_postgres",
    "workers",
    "guard_postgres",
    "engagement_guards",
    "growth",
    "identity_graph",
    "identity_rekey",
    "identity_filled",
    "identity_import",
    "main_job",
    "search",
    "recommend",
    "recommend_live",
    "triggers",
    "forget",
    "training",
    "gateway",
)


def met(figure: Figure) -> bool:
    """Whether a figure keeps its limit; one without a limit is only reported."""
    if not figure.limit:
        return True
    bound = float(figure.limit[2:])
    return figure.ratio <= bound if figure.limit.startswith("<=") else figure.ratio >= bound


def main(asked: Sequence[str]) -> int:
    """Measures, shows and keeps."""
    if unknown := set(asked) - set(BENCHES):
        sys.exit(f"no bench is called {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # benches start programs beside gRPC's threads
    console = Console(width=110)
    table = Table("name", "ours", "baseline", "ratio", "limit", "unit", "n")
    table.columns[0].no_wrap = True
    kept: list[Figure] = []
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn, max_tasks_per_child=1) as one:
        for name in asked or BENCHES:
            console.print(f"measuring {name} …")
            for figure in one.submit(measured, name).result():
                kept.append(figure)
                mark = figure.limit if met(figure) else f"[red]{figure.limit}[/red]"
                row = (f"{figure.ours:,.1f}", f"{figure.baseline:,.1f}", f"{figure.ratio:.3f}", mark)
                table.add_row(figure.name, *row, figure.unit, str(figure.n))
                console.print(f"  {figure.name} {figure.ratio:.3f} {mark}")
            OUTPUT.parent.mkdir(exist_ok=True)
            OUTPUT.write_text(json.dumps([figure.row() for figure in kept], indent=2))
    console.print(table)
    return 0 if all(met(figure) for figure in kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
