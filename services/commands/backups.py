"""Backups of a deployment, and a deployment from a backup."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from services.deployment.restore import Restored


def add(commands: Any) -> None:
    """Adds them to the program's."""
    backup = commands.add_parser(
        "backup",
        help="save all tables of a deployment at one moment, while it runs or not",
        description=(
            "Writes a new folder with the tables of all services, at one moment, and backup.json."
            " Keys, the configuration and what is learned are not in it: keep the key ring apart."
        ),
    )
    backup.add_argument("file", type=Path, help="the deployment's configuration")
    backup.add_argument("folder", type=Path, help="a folder that is not there yet")
    backup.set_defaults(command=_backup)
    restore = commands.add_parser(
        "restore",
        help="make the tables of a deployment from a backup, with every erasure and withdrawal since",
        description=(
            "Restores a backup where nothing is; what is there is moved aside with --replace. Erasures,"
            " withdrawals and objections after the backup are taken from consent's tables as they were last:"
            " those named by --journal, else those of the deployment itself."
        ),
    )
    restore.add_argument("file", type=Path, help="the deployment's configuration")
    restore.add_argument("folder", type=Path, help="the backup")
    restore.add_argument(
        "--journal",
        type=Path,
        metavar="PATH",
        help="consent's latest tables: a consent.db, or a later backup",
    )
    restore.add_argument("--replace", action="store_true", help="move aside what is there")
    restore.add_argument(
        "--accept-loss",
        action="store_true",
        help="restore though nothing says what was erased since",
    )
    restore.set_defaults(command=_restore)


def _backup(arguments: argparse.Namespace, console: Console) -> int:
    from services.deployment.backup import back_up
    from services.deployment.config import ConfigError, load
    from services.storage.backup_manifest import BackupUnusable

    try:
        config = load(arguments.file)
        with _progress(console) as progress:
            manifest = asyncio.run(back_up(config, arguments.folder, _now_ms, progress))
    except (BackupUnusable, ConfigError, OSError) as error:
        console.print(f"[red]Not saved:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    console.print(
        f"{arguments.folder}: everything acknowledged before {_shown(manifest.begun_at_ms)}."
        f" It needs the key ring {config.keyring_path}, which is not in it.",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _restore(arguments: argparse.Namespace, console: Console) -> int:
    from services.deployment.config import ConfigError, load
    from services.deployment.restore import Wanted, restore
    from services.storage.backup_manifest import BackupUnusable
    from services.storage.database import SchemaTooNew, SchemaTooOld, StoreUnusable, TurnTaken
    from services.storage.folder import FolderInUse
    from services.stores import StoreDown

    wanted = Wanted(arguments.folder, arguments.journal, arguments.replace, arguments.accept_loss)
    try:
        config = load(arguments.file)
        with _progress(console) as progress:
            restored = asyncio.run(restore(config, wanted, _now_ms, progress))
    except (
        BackupUnusable,
        ConfigError,
        FolderInUse,
        OSError,
        SchemaTooNew,
        SchemaTooOld,
        StoreDown,
        StoreUnusable,
        TurnTaken,
    ) as error:
        console.print(f"[red]Not restored:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    for line in _told(restored):
        console.print(line, highlight=False, soft_wrap=True)
    return 0


def _told(restored: Restored) -> Iterator[str]:
    if restored.manifest is None:
        yield "A restore that had been broken off is finished."
    else:
        since = _shown(restored.manifest.begun_at_ms)
        yield f"Restored: the tables of {since}; {restored.erased} erased since are erased again."
        if restored.carried is None:
            yield "[yellow]Lost:[/yellow] every erasure, withdrawal and objection since."
        else:
            yield f"{restored.carried.records} consent records since are in it."
            if restored.carried.of_nobody:
                yield (
                    f"{restored.carried.of_nobody} are of identifiers first seen after the backup, which will"
                    " be met as new ones: these records are not in it."
                )
    if restored.aside:
        yield f"What was there lies aside as {restored.aside}; delete it when you do not need it any more."
    yield "Models and sums are made anew when the suite starts."


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str, int, int], object]]:
    from rich.progress import BarColumn, Progress, TaskID, TextColumn

    with Progress(TextColumn("{task.description}"), BarColumn(), console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def told(service: str, done: int, of: int) -> None:
            task = tasks.setdefault(service, TaskID(len(tasks)))
            if int(task) >= len(bars.task_ids):
                bars.add_task(service, total=of)
            bars.update(task, completed=done, total=of)

        yield told


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _shown(instant_ms: int) -> str:
    return datetime.fromtimestamp(instant_ms / 1000, UTC).isoformat(timespec="seconds")
