"""The person's page: serving it, and making its own secrets."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape


def add(commands: Any) -> None:
    """Adds them to the program's."""
    page = commands.add_parser(
        "preferences",
        help="serve the page where people see what is known of them and decide",
        description=(
            "Serves the person's page in a process of its own, which calls the suite through its gateway."
            " Of the configuration it reads the section [preferences] and nothing else; see"
            " docs/preferences.md."
        ),
    )
    page.add_argument("config", type=Path, help="the configuration file")
    page.set_defaults(command=_preferences)

    keys = commands.add_parser(
        "preferences-keys",
        help="make the page's own keys in a folder",
        description=(
            "Makes the key that cookies are sealed under and the key that proofs are signed with, each in a"
            " file only its owner can read, and writes the public half of the latter for [verifiers]."
            " Nothing that is there is overwritten."
        ),
    )
    keys.add_argument("folder", type=Path, help="where they lie")
    keys.set_defaults(command=_preferences_keys)


def _preferences(arguments: argparse.Namespace, console: Console) -> int:
    from services.preferences.serving import serve
    from services.preferences.settings import SettingsError, read_settings

    try:
        return serve(read_settings(arguments.config), sys.stdout)
    except SettingsError as error:
        console.print(
            f"[red]The page can not run:[/red] {escape(str(error))}", highlight=False, soft_wrap=True
        )
        return 1


def _preferences_keys(arguments: argparse.Namespace, console: Console) -> int:
    from services.preferences.keys import provide

    try:
        session, verifier, public = provide(arguments.folder)
    except (OSError, ValueError) as error:
        console.print(f"[red]Not made:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        return 1
    console.print(f"session_key  = {session}", highlight=False, soft_wrap=True)
    console.print(f"verifier_key = {verifier}", highlight=False, soft_wrap=True)
    console.print(
        f"{public} is the jwks of the section [verifiers] of the suite; it is no secret.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return 0
