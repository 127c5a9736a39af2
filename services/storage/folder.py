"""One process a service and folder: what is in memory follows the files while nobody else writes them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FolderInUse(RuntimeError):  # noqa: N818 - named after what it says
    """Another process serves the same service from this folder."""


@contextmanager
def sole_user(folder: Path, service: str) -> Iterator[None]:
    """Holds a service's files while the block runs; the lock goes with the process, however it ends.

    Raises:
        FolderInUse: another process holds it.
    """
    with (folder / f"{service}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUse(f"another process runs {service} on {folder}") from None
        yield
