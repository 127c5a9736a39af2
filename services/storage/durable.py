"""Files that survive a power failure, and that show whether they were changed since."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any


def sync(path: Path) -> None:
    """Makes a file, or the names in a folder, survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(manifest: dict[str, Any]) -> str:
    """SHA-256 of a manifest's content, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def manifest_at(path: Path) -> dict[str, Any] | None:
    """A manifest less its digest; ``None`` when it is not as it was written.

    Raises:
        OSError: it can not be read.
        ValueError: it is no JSON.
    """
    manifest = json.loads(path.read_text())
    if not isinstance(manifest, dict) or manifest.pop("digest", None) != digest_of(manifest):
        return None
    return manifest


def remove_folder(folder: Path) -> None:
    """Removes a folder from which on nobody can write into it: its name goes first.

    Whoever was about to write there by name fails; what it had opened is removed with the rest.
    """
    gone = folder.with_name(f".gone-{folder.name}")
    shutil.rmtree(gone, ignore_errors=True)
    try:
        folder.rename(gone)
    except FileNotFoundError:
        return
    shutil.rmtree(gone, ignore_errors=True)


def remove_half_written(folder: Path) -> None:
    """Removes what has not got its name yet, or has lost it, from a folder of folders.

    Must not be called while one is written.

    Raises:
        OSError: something of it is left.
    """
    for half in folder.glob(".*"):
        shutil.rmtree(half, ignore_errors=True)
        with suppress(FileNotFoundError):
            half.rmdir()  # finds nothing, or says why it is still there
    sync(folder)
