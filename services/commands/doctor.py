"""Looking at a deployment: whether its configuration can be used, and what is wrong with it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console


def add(commands: Any) -> None:
    """Adds them to the program's."""
    check = commands.add_parser(
        "check-config", help="say whether a configuration can be used, and everything it points to"
    )
    check.add_argument("file", type=Path)
    check.set_defaults(command=_check_config)

    doctor = commands.add_parser(
        "doctor",
        help="say what is wrong with a deployment, running or stopped, and what to do",
        description="A line a finding. Exit code 0: nothing is wrong; 1: warnings; 2: errors.",
    )
    doctor.add_argument("file", type=Path, help="the deployment's configuration")
    doctor.add_argument("--json", action="store_true", help="as JSON, for a program")
    doctor.set_defaults(command=_doctor)


def _check_config(arguments: argparse.Namespace, console: Console) -> int:
    from rich.markup import escape

    from services.deployment.config import load
    from services.deployment.program import wall_clock_ms
    from services.doctor.examination import of_configuration
    from services.doctor.finding import Severity

    found = list(of_configuration(arguments.file, wall_clock_ms))
    for one in found:
        if one.severity is Severity.ERROR:
            place = "" if one.where == str(arguments.file) else f"{one.where}: "
            text = f"[red]{arguments.file} can not be used:[/red] {escape(place + one.what)}"
        else:
            text = escape(f"{one.severity.name.lower()}: {one.where}: {one.what}")
        text += escape(f" -> {one.do}") if one.do else ""
        console.print(text, highlight=False, soft_wrap=True)
    if any(one.severity is Severity.ERROR for one in found):
        return 1
    config = load(arguments.file)
    whose = "its own, signed" if config.own_policy else "the suite's"
    console.print(
        f"{arguments.file} is good: {len(config.callers)} callers,"
        f" policy version {config.policy.version} {config.policy.digest[:12]} ({whose})",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _doctor(arguments: argparse.Namespace, console: Console) -> int:
    from services.deployment.program import wall_clock_ms
    from services.doctor.examination import of_deployment
    from services.doctor.finding import worst

    def say(line: object) -> None:
        Console(stderr=True).print(line, highlight=False, soft_wrap=True)

    found = []
    for one in of_deployment(arguments.file, wall_clock_ms, say=say):
        found.append(one)
        if not arguments.json:
            console.print(one.line(), highlight=False, markup=False, soft_wrap=True)
    if arguments.json:
        sys.stdout.write(json.dumps([one.as_json() for one in found], indent=1) + "\n")
    elif not worst(found):
        console.print("Nothing is wrong.")
    return int(worst(found))
