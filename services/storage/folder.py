"""One process a folder: what is in memory follows the files only while nobody else writes them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_FILE = "suite.lock"


class FolderInUse(RuntimeError):  # noqa: N818 - named after what it says
    """Another process serves from this folder."""


@contextmanager
def sole_user(folder: Path) -> Iterator[None]:
    """Holds a folder while the block runs; the lock goes with the process, however it ends.

    Raises:
        FolderInUse: another process holds it.
    """
    with (folder / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUse(f"another suite runs on {folder}") from None
        yield
