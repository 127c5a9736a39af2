"""What is held of people and not read: the report an operator shrinks a deployment by."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console


def add(commands: Any) -> None:
    """Adds it to the program's."""
    report = commands.add_parser(
        "minimisation",
        help="name the fields that are held and were not read for a time; may be asked of a suite that runs",
    )
    report.add_argument("file", type=Path, help="the deployment's configuration")
    report.add_argument("--days", type=int, default=90, help="how far back to look (default: %(default)s)")
    report.add_argument("--json", action="store_true", help="as JSON instead of a table")
    report.set_defaults(command=_minimisation)


def _minimisation(arguments: argparse.Namespace, console: Console) -> int:
    import json
    import time
    from functools import partial

    from rich.table import Table

    from services.deployment.config import ConfigError, load
    from services.storage import inspection
    from services.storage.database import StoreUnusable
    from services.storage.field_reads import KEPT_DAYS, minimisation_report

    if not 1 <= arguments.days <= KEPT_DAYS:
        console.print(f"[red]--days is 1 to {KEPT_DAYS}[/red]", highlight=False)
        return 2
    today = int(time.time()) // 86_400
    try:
        store = load(arguments.file).store("engagement")
        report = inspection.asked(store, partial(minimisation_report, today, arguments.days))
    except (ConfigError, StoreUnusable) as error:
        console.print(f"[red]No report:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    except inspection.Missing:
        console.print("[red]No report:[/red] there are no tables yet", highlight=False)
        return 1
    unread = {use.field for use in report.unread}
    if arguments.json:
        rows = [use._asdict() | {"unread": use.field in unread} for use in report.uses]
        said = {"days": report.days, "counted_days": report.counted_days, "fields": rows}
        console.print(json.dumps(said, indent=2), highlight=False, markup=False, soft_wrap=True)
        return 0
    table = Table("field", "values held", f"reads in {report.days} days", "last read", "")
    for use in report.uses:
        ago = "never" if use.last_read_day is None else f"{report.today - use.last_read_day} days ago"
        verdict = "not needed: neither collect nor keep it" if use.field in unread else ""
        table.add_row(use.field, f"{use.held:,}", f"{use.reads:,}", ago, verdict)
    console.print(table)
    if report.counted_days < report.days:
        console.print(
            f"Reads have been counted for {report.counted_days} days; nothing is said to be unread"
            f" before there are {report.days}.",
            highlight=False,
            soft_wrap=True,
        )
    return 0
