"""Bringing purchases, identities and items to a suite that runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from services.commands.given import gateway, purchases, token_of

_GOES_ON = "Started again it goes on from here."
_AGAIN = "It can be made again as it is."


def add(commands: Any) -> None:
    """Adds them to the program's."""
    importing = commands.add_parser("import", help="import through a running suite")
    what = importing.add_subparsers(required=True, metavar="what")
    bought = what.add_parser("purchases", help="purchase histories named by a mapping")
    purchases(bought)
    bought.add_argument("--folder", type=Path, required=True, help="the data set's folder, with its tokens")
    bought.set_defaults(command=_import_purchases)
    identities = what.add_parser("identities", help="identifiers, and the evidence that joins those of a row")
    identities.add_argument("file", type=Path, nargs="+", help="CSV, JSON lines or Parquet")
    identities.add_argument("--map", type=Path, required=True, help="what the columns mean")
    identities.add_argument(
        "--folder", type=Path, required=True, help="the deployment's folder, with its tokens"
    )
    identities.add_argument("--caller", default="importer", help="whose token is used (importer)")
    gateway(identities)
    identities.set_defaults(command=_import_identities)
    items = what.add_parser("items", help="items of the catalogue")
    items.add_argument("file", type=Path, nargs="+", help="CSV, JSON lines or Parquet")
    items.add_argument("--map", type=Path, required=True, help="what the columns mean")
    items.add_argument("--folder", type=Path, required=True, help="the deployment's folder, with its tokens")
    items.add_argument("--caller", default="importer", help="whose token is used (importer)")
    gateway(items)
    items.set_defaults(command=_import_items)


def _import_purchases(arguments: argparse.Namespace, console: Console) -> int:
    from services.importing.run import run_import

    def run() -> object:
        token = token_of(arguments.folder, "importer")
        return run_import(
            arguments.data, arguments.gateway, token, arguments.folder, console, data_folder=arguments.files
        )

    return _brought(run, console, _GOES_ON)


def _import_identities(arguments: argparse.Namespace, console: Console) -> int:
    from services.importing.identity_run import run_identities

    return _brought(partial(_of_files, run_identities, arguments, console), console, _GOES_ON)


def _import_items(arguments: argparse.Namespace, console: Console) -> int:
    from services.importing.item_run import run_items

    return _brought(partial(_of_files, run_items, arguments, console), console, _AGAIN)


def _of_files(run: Callable[..., object], arguments: argparse.Namespace, console: Console) -> object:
    token = token_of(arguments.folder, arguments.caller)
    folder = arguments.folder / "imports"
    return run(arguments.file, arguments.map, folder, console, target=arguments.gateway, token=token)


def _brought(run: Callable[[], object], console: Console, next_time: str) -> int:
    """Imports; where that stopped it is said why, and what comes of the ``next_time``."""
    from services.importing.errors import ImportStopped

    try:
        run()
    except ImportStopped as stopped:
        console.print(f"[red]The import stopped:[/red] {stopped}. {next_time}")
        return 1
    return 0
