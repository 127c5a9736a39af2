"""The tables of a deployment: bringing them up to date."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from rich.console import Console


def add(commands: Any) -> None:
    """Adds them to the program's."""
    migrate = commands.add_parser(
        "migrate", help="bring the tables of a deployment up to date with this program, or refuse"
    )
    migrate.add_argument("file", type=Path, help="the deployment's configuration")
    migrate.set_defaults(command=_migrate)


def _migrate(arguments: argparse.Namespace, console: Console) -> int:
    from services.deployment.config import SERVICES, ConfigError, load
    from services.storage.database import SchemaTooNew, StoreUnusable
    from services.storage.folder import FolderInUse

    try:
        config = load(arguments.file)
        for service in SERVICES:
            steps = asyncio.run(config.store(service).migrate())
            done = ", ".join(f"{step.component} {step.number:04}" for step in steps)
            console.print(f"{service}: {done or 'up to date'}", highlight=False, soft_wrap=True)
    except (ConfigError, FolderInUse, SchemaTooNew, StoreUnusable) as error:
        console.print(f"[red]Not migrated:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    return 0
