"""What a backup says of itself: a JSON file that is written last and checked first.

A folder without it, or with one that was changed, is no backup. It names every file with its
digest, the versions of the tables, and the key versions that what lies sealed in them needs.
Keys are no part of a backup, and neither is what is learned: models and sums are made anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from services.storage import migrations
from services.storage.durable import digest_of, digest_of_file, manifest_at, sync

NAME = "backup.json"
FORMAT = 1


class BackupUnusable(Exception):  # noqa: N818 - named after what it says
    """A backup can not be made, or can not be restored; nothing was changed. The text says why."""


class Saved(NamedTuple):
    """What an engine wrote.

    Attributes:
        schemas: of each service the version of each component of its tables.
        tables: of each service its tables with their columns, in the order they were written; of files none.
        counters: of each service the last values of the engine's own counters, by "table.column".
    """

    schemas: dict[str, dict[str, int]]
    tables: dict[str, dict[str, list[str]]]
    counters: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A backup.

    Attributes:
        engine: whose files these are.
        tenant: whose data.
        begun_at_ms: everything acknowledged before this instant is in it; of what came later, some is.
        keys: of the uses of the key ring under which something is sealed, the versions that opened it.
        saved: see there.
        files: SHA-256 by the path within the folder.
    """

    engine: str
    tenant: str
    begun_at_ms: int
    keys: Mapping[str, Sequence[int]]
    saved: Saved
    files: Mapping[str, str] = field(default_factory=dict)

    def must_be_known(self) -> None:
        """Refuses tables that are newer than this program.

        Raises:
            SchemaTooNew: they are.
        """
        for versions in self.saved.schemas.values():
            for component, version in versions.items():
                migrations.missing(component, version)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the digests of a folder's files and everything else down, and makes all of it durable."""
    content = asdict(manifest) | {"format": FORMAT, "saved": manifest.saved._asdict()}
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    content["files"] = {str(path.relative_to(folder)): digest_of_file(path) for path in paths}
    content["digest"] = digest_of(content)
    with private(folder / NAME) as file:
        file.write(json.dumps(content, indent=1).encode())
    for path in (*paths, folder / NAME, *(path for path in folder.iterdir() if path.is_dir()), folder):
        sync(path)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup, whose files are all there and as they were written.

    Raises:
        BackupUnusable: they are not, or there is none.
    """
    try:
        content = manifest_at(folder / NAME)
        if content is None:
            raise BackupUnusable(f"{folder / NAME}: it was changed")
        if content.pop("format") != FORMAT:
            raise BackupUnusable(f"{folder / NAME}: of another form than this program knows")
        manifest = Manifest(**content | {"saved": Saved(**content["saved"])})
        for name, digest in manifest.files.items():
            if digest_of_file(folder / name) != digest:
                raise BackupUnusable(f"{folder / name}: it was changed")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupUnusable(f"{folder}: no whole backup ({type(error).__name__})") from error
    return manifest


def private(path: Path) -> Any:
    """A new file that its owner alone reads, open for writing bytes."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
