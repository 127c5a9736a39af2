"""Definitions of a suite that runs: applied from files, shown, approved."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from services.commands.given import reached

if TYPE_CHECKING:
    from services.commands.definition_desk import DefinitionDesk

#: What `apply` ends with: nothing is to be done, or it is done; something is wrong; a dry run found changes.
DONE, WRONG, WOULD_CHANGE = 0, 1, 2
KINDS = ("play", "segment", "limits", "template", "programme")


def add(commands: Any) -> None:
    """Adds them to the program's."""
    apply = commands.add_parser(
        "apply",
        help="apply plays, segments, limits, templates and programmes from YAML files",
        epilog="Ends with 0 when it is done or nothing would change, 1 when something is wrong,"
        " 2 when a dry run found changes.",
    )
    apply.add_argument("path", type=Path, metavar="DIR", help="a folder of YAML files, or one file")
    apply.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    _suite(apply, "operator")
    apply.add_argument("--request-id", default="", help="repeat the request of this id (a new one)")
    apply.set_defaults(command=_run, deed=_apply)

    describe = commands.add_parser("describe", help="show the definitions that a suite keeps")
    describe.add_argument("kind", nargs="?", choices=KINDS, help="only of this kind")
    describe.add_argument("id", nargs="?", default="", help="only this one, in all its versions")
    _suite(describe, "operator")
    describe.set_defaults(command=_run, deed=_describe)

    approve = commands.add_parser("approve", help="approve a version that another caller applied")
    approve.add_argument("kind", choices=KINDS)
    approve.add_argument("id", help='of the definition; "-" for limits')
    approve.add_argument("version", type=int)
    _suite(approve, "approver")
    approve.add_argument("--request-id", default="", help="repeat the request of this id (a new one)")
    approve.set_defaults(command=_run, deed=_approve)


def _suite(parser: argparse.ArgumentParser, caller: str) -> None:
    parser.add_argument("--folder", type=Path, required=True, help="the folder of a suite that runs")
    parser.add_argument("--caller", default=caller, help=f"whose token to use ({caller})")


def _run(arguments: argparse.Namespace, console: Console) -> int:
    from contextlib import closing

    from services.commands.definition_desk import DefinitionDesk
    from services.deployment.config import ConfigError
    from services.loopback import NotLoopback
    from veilgraph.client.errors import VeilgraphError

    deed: Callable[[argparse.Namespace, DefinitionDesk, Console], int] = arguments.deed
    try:
        with closing(DefinitionDesk(*reached(arguments.folder, "engagement", arguments.caller))) as desk:
            return deed(arguments, desk, console)
    except (ConfigError, NotLoopback, OSError, VeilgraphError) as error:
        console.print(f"[red]Not done:[/red] {error}", highlight=False, soft_wrap=True)
        return WRONG


def _apply(arguments: argparse.Namespace, desk: DefinitionDesk, console: Console) -> int:
    from services.commands.definition_desk import difference, named, place_of, show_faults, shown_answer
    from services.engagement.definition_files import FilesRefused, read_folder
    from veilgraph.client.errors import VeilgraphError

    try:
        written = read_folder(arguments.path)
    except FilesRefused as error:
        for line in error.lines:
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        return WRONG
    messages = [one.message for one in written]
    request_id = arguments.request_id or f"apply-{secrets.token_hex(8)}"
    try:
        seen = desk.apply(messages, request_id, dry_run=True)
    except VeilgraphError as error:
        where = place_of(error.field, written) if error.field else "Not done"
        console.print(f"{where}: {error}", highlight=False, markup=False, soft_wrap=True)
        return WRONG
    for one in seen.definitions:
        show_faults(one.warnings, written, console, "yellow")
    if seen.faults:
        show_faults(seen.faults, written, console, "red")
        return WRONG
    newest: dict[tuple[str, str], Any] = {}
    for kept in desk.kept():
        newest.setdefault(named(kept.definition), kept.definition)
    for shown in difference(newest, written):
        console.print(shown, highlight=False, soft_wrap=True)
    changed = sum(one.changed for one in seen.definitions)
    if arguments.dry_run or not changed:
        console.print(shown_answer(seen))
        console.print(f"{changed} of {len(written)} would change" if changed else "nothing would change")
        return WOULD_CHANGE if changed else DONE
    console.print(shown_answer(desk.apply(messages, request_id, dry_run=False)))
    return DONE


def _describe(arguments: argparse.Namespace, desk: DefinitionDesk, console: Console) -> int:
    from google.protobuf import json_format

    from services.commands.definition_desk import shown_kept

    asked: dict[str, Any] = {}
    if arguments.kind:
        asked["kind"] = f"DEFINITION_KIND_{arguments.kind.upper()}"
    one = arguments.kind and (arguments.id or arguments.kind == "limits")
    if one:
        asked |= {"id": arguments.id, "all_versions": True}
    kept = list(desk.kept(**asked))
    if not kept:
        console.print("nothing is kept")
        return DONE
    console.print(shown_kept(kept))
    if one:
        newest = json_format.MessageToJson(kept[0].definition, preserving_proto_field_name=True)
        console.print(newest, highlight=False, markup=False, soft_wrap=True)
    return DONE


def _approve(arguments: argparse.Namespace, desk: DefinitionDesk, console: Console) -> int:
    from veilgraph.engagement.v1 import definition_pb2

    kind = definition_pb2.DefinitionKind.Value(f"DEFINITION_KIND_{arguments.kind.upper()}")
    name = "" if arguments.id == "-" else arguments.id
    request_id = arguments.request_id or f"approve-{secrets.token_hex(8)}"
    state = desk.approve(kind, name, arguments.version, request_id)
    console.print(f"{arguments.kind} {arguments.id} version {arguments.version} is approved, and {state}")
    return DONE
