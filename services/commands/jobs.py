"""Jobs on a recommender: evaluate on a data set, or have a suite that runs do one."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path
from typing import Any

from rich.console import Console

from services.commands.given import reached

#: As a shell says that a program was interrupted.
_INTERRUPTED = 130


def add(commands: Any) -> None:
    """Adds them to the program's."""
    evaluate = commands.add_parser(
        "evaluate", help="compare the recommender with others on the last fifth of the time"
    )
    evaluate.add_argument("--data", type=Path, help="mapping of the purchases (default: Complete Journey)")
    evaluate.add_argument(
        "--files", type=Path, help="folder of the files the mapping names (default: its own)"
    )
    evaluate.add_argument("--out", type=Path, help="where results go (build/evaluation/NAME)")
    evaluate.add_argument(
        "--front-door", action="store_true", help="also ask a temporary suite over gRPC, as a check"
    )
    _suite(evaluate, required=False)
    evaluate.set_defaults(command=_evaluate)

    train = commands.add_parser("train", help="have a running suite train a model and serve it")
    rebuild = commands.add_parser("rebuild", help="have a running suite build its index anew")
    forget = commands.add_parser("forget", help="have what serves forget a person who withdrew train_model")
    forget.add_argument("subject", help="any of the person's ids of this caller")
    for command, what in (train, "train"), (rebuild, "rebuild"), (forget, "forget"):
        _suite(command, required=True)
        command.set_defaults(command=_ask, job=what)


def _suite(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--folder", type=Path, required=required, help="the folder of a suite that runs")
    parser.add_argument("--caller", default="operator", help="whose token to use (operator)")
    parser.add_argument("--request-id", default="", help="follow the job of this id, or begin it (a new one)")


def _evaluate(arguments: argparse.Namespace, console: Console) -> int:
    if arguments.folder:
        arguments.job = "evaluate"
        return _ask(arguments, console)
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


def _ask(arguments: argparse.Namespace, console: Console) -> int:
    from contextlib import closing

    from services.commands.job_desk import JobDesk
    from services.deployment.config import ConfigError
    from services.importing.progress import bars
    from services.loopback import NotLoopback
    from veilgraph.client.errors import VeilgraphError

    request_id = arguments.request_id or f"{arguments.job}-{secrets.token_hex(8)}"
    try:
        whom = reached(arguments.folder, "recommender", arguments.caller)
        with closing(JobDesk(*whom)) as desk, bars(console) as show:
            lines = desk.done(arguments.job, request_id, getattr(arguments, "subject", ""), show)
    except (ConfigError, NotLoopback, VeilgraphError) as error:
        console.print(f"[red]Not done:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print(
            f"The job goes on without being watched; follow it with --request-id {request_id}",
            highlight=False,
            soft_wrap=True,
        )
        return _INTERRUPTED
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    return 0
