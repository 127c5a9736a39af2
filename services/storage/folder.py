"""One process a service and folder: what is in memory follows the files while nobody else writes them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FolderInUse(RuntimeError):  # noqa: N818 - named after what it says
    """Another process serves the same service from this folder."""


#: A restored set whose files are taking their names; half of it is not to be served.
PLACING = ".placing"


@contextmanager
def sole_user(folder: Path, service: str, *, placing: bool = False) -> Iterator[None]:
    """Holds a service's files while the block runs; the lock goes with the process, however it ends.

    Args:
        folder: where they are.
        service: its name.
        placing: by whoever finishes a restore.

    Raises:
        FolderInUse: another process holds it, or a restore was broken off and is to be finished.
    """
    with (folder / f"{service}.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUse(f"another process runs {service} on {folder}") from None
        if not placing and (folder / PLACING).exists():
            raise FolderInUse(f"a restore into {folder} was broken off; run it again, and it is finished")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def user_of(folder: Path, service: str) -> int | None:
    """The id of the process that holds a service's files, as that process knows itself; ``None``: nobody."""
    try:
        with (folder / f"{service}.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int((folder / f"{service}.lock").read_text() or 0)
    except FileNotFoundError:
        return None
    return None
