"""The identity graph of a suite that runs: its rules, a picture of a person."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from services.commands.given import gateway, reached, token_of


def add(commands: Any) -> None:
    """Adds them to the program's."""
    pictures = commands.add_parser("picture", help="draw what a running suite knows")
    drawn = pictures.add_subparsers(required=True, metavar="what")
    person = drawn.add_parser("person", help="a person's identifiers and links as an SVG, without a value")
    person.add_argument("subject", help="the caller's id of one of the person's identifiers")
    person.add_argument("--out", type=Path, default=Path("person.svg"), help="the file (person.svg)")
    person.add_argument("--view", default="", help="a purpose: show who is one person in its view")
    person.add_argument("--folder", type=Path, required=True, help="the suite's folder, with its tokens")
    person.add_argument("--caller", default="operator", help="whose token to use (operator)")
    gateway(person)
    person.set_defaults(command=_picture)

    rules = commands.add_parser("rules", help="check, preview or apply a file of identity's rules")
    deeds = rules.add_subparsers(required=True, metavar="action", dest="action")
    for name, says in {
        "check": "say whether a file can be used",
        "preview": "say who would split or merge by it in a suite that runs",
        "apply": "preview it, and bring exactly that into force",
    }.items():
        deed = deeds.add_parser(name, help=says)
        deed.add_argument("file", type=Path)
        if name != "check":
            deed.add_argument("--folder", type=Path, required=True, help="the suite's folder")
    rules.set_defaults(command=_rules)


def _picture(arguments: argparse.Namespace, console: Console) -> int:
    from services.commands.picture import VIEWS, run_picture

    if arguments.view and arguments.view not in VIEWS:
        console.print(f"[red]No picture:[/red] the views are those of {', '.join(VIEWS)}", highlight=False)
        return 1
    return run_picture(
        arguments.subject,
        arguments.out,
        console,
        view=arguments.view,
        gateway=arguments.gateway,
        token=token_of(arguments.folder, arguments.caller),
    )


def _rules(arguments: argparse.Namespace, console: Console) -> int:
    from contextlib import closing

    from identity.errors import RulesError
    from services.commands.rules import RulesDesk, checked
    from services.deployment.config import ConfigError, shipped_policy, shipped_rules
    from services.loopback import NotLoopback
    from veilgraph.client.errors import VeilgraphError

    try:
        content = arguments.file.read_text()
        console.print(checked(content, shipped_rules(shipped_policy())), highlight=False, soft_wrap=True)
        if arguments.action != "check":
            with closing(RulesDesk(*reached(arguments.folder, "identity", "operator"))) as desk:
                for line in (desk.preview if arguments.action == "preview" else desk.apply)(content):
                    console.print(line, highlight=False, soft_wrap=True)
    except (ConfigError, NotLoopback, OSError, RulesError, VeilgraphError) as error:
        console.print(f"[red]Not done:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    return 0
