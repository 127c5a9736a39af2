"""``make faults``: breaks things and prints fault, promise, result; exits 1 when a promise was broken.

python -m tests.faults [words of the faults' names]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.campaign import FAULTS, Broken, carried_out


def main(asked: Sequence[str]) -> int:
    """Carries out the faults that are asked for, all without any."""
    console = Console(width=140)
    table = Table("fault", "promise", "kept", "result")
    kept = True
    for fault in FAULTS:
        if asked and not any(word in fault.name for word in asked):
            continue
        console.print(f"{fault.name} …", highlight=False)
        with tempfile.TemporaryDirectory(prefix="vf") as folder:
            Path(folder).chmod(0o755)
            (Path(folder) / "postgresql").mkdir()
            try:
                result, held = asyncio.run(carried_out(fault, Path(folder))), True
            except (Broken, TimeoutError) as broken:
                result, held = f"{type(broken).__name__}: {broken}", False
        kept = kept and held
        table.add_row(fault.name, fault.promise, "[green]yes[/green]" if held else "[red]NO[/red]", result)
    console.print(table)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
