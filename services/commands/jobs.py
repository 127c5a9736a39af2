"""Jobs on a recommender: evaluate on a data set, or have a suite that runs do one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

#: As a shell says that a program was interrupted.
_INTERRUPTED = 130


def add(commands: Any) -> None:
    """Adds them to the program's."""
    evaluate = commands.add_parser(
        "evaluate", help="compare the recommender with others on the last fifth of a data set's time"
    )
    evaluate.add_argument("--data", type=Path, help="mapping of the purchases (default: Complete Journey)")
    evaluate.add_argument(
        "--files", type=Path, help="folder of the files the mapping names (default: its own)"
    )
    evaluate.add_argument("--out", type=Path, help="where results go (build/evaluation/NAME)")
    evaluate.add_argument(
        "--front-door", action="store_true", help="also ask a temporary suite over gRPC, as a check"
    )
    evaluate.set_defaults(command=_evaluate)


def _evaluate(arguments: argparse.Namespace, console: Console) -> int:
    from services.importing.errors import ImportStopped
    from services.recommender.evaluate import Wanted, run_evaluation

    wanted = Wanted(arguments.data, arguments.files, arguments.out, arguments.front_door)
    try:
        return 0 if run_evaluation(wanted, console) else 1
    except ImportStopped as error:
        console.print(f"[red]Can not evaluate:[/red] {error}", highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped. What was finished is kept; the same command goes on from there.")
        return _INTERRUPTED
