"""``make faults``: breaks things and prints fault, promise, result.

What can not be tried on this machine is shown as skipped, with the reason. The exit code is 1 when a
promise was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.faults.campaign import FAULTS, LONG, Fault, carried_out
from tests.faults.verdict import Broken

_SHOWN = {"yes": "[green]yes[/green]", "NO": "[red]NO[/red]", "skipped": "[yellow]skipped[/yellow]"}


def main(arguments: Sequence[str]) -> int:
    """Carries out the faults that are asked for, all of the short ones without any."""
    console = Console(width=140)
    asked = _asked(arguments)
    faults = FAULTS + LONG if asked.long else FAULTS
    chosen = [one for one in faults if not asked.word or any(word in one.name for word in asked.word)]
    if not chosen:
        console.print(f"No fault is called so: {' '.join(asked.word)}")
        return 2
    table = Table("fault", "promise", "kept", "result")
    broken = 0
    for number, fault in enumerate(chosen, start=1):
        console.print(f"{number} of {len(chosen)}: {fault.name} …", highlight=False)
        begun = time.monotonic()
        kept, result = _came_of(fault)
        broken += kept == "NO"
        console.print(
            f"    {_SHOWN[kept]} {escape(result)} ({time.monotonic() - begun:.0f} s)", highlight=False
        )
        table.add_row(fault.name, fault.promise, _SHOWN[kept], escape(result))
    console.print(table)
    return 1 if broken else 0


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("word", nargs="*", help="only faults with one of these in their names")
    parser.add_argument("--long", action="store_true", help="also those that take five minutes each")
    return parser.parse_args(arguments)


def _came_of(fault: Fault) -> tuple[str, str]:
    """Whether a promise was kept, and the figures or the reason."""
    with tempfile.TemporaryDirectory(prefix="vf") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL may be another user's
        try:
            return "yes", asyncio.run(carried_out(fault, Path(folder)))
        except (Broken, TimeoutError) as broken:
            return "NO", f"{type(broken).__name__}: {broken}"
        except pytest.skip.Exception as skipped:
            return "skipped", str(skipped)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
