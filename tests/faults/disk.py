"""A disk that is full under a running suite, and has room again: a small tmpfs, filled to its last byte."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.faults.load import Load
from tests.faults.verdict import Broken
from tests.faults.world import Form, World

_SIZE = "48m"
_FULL_S = 8.0
_PIECE_BYTES = 1 << 16


class SmallDisk(World):
    """Four processes with their files on a disk of their own."""

    def __init__(self, folder: Path) -> None:
        """Mounts it.

        Raises:
            pytest.skip.Exception: this machine lets nobody do that; the text says why.
        """
        if shutil.which("mount") is None or os.geteuid() != 0:
            pytest.skip("only root mounts a disk")
        self.disk = folder / "suite"
        self.disk.mkdir()
        mounting = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=0700", "veilgraph", str(self.disk)]
        refused = subprocess.run(mounting, check=False, capture_output=True, text=True)
        if refused.returncode:
            pytest.skip(f"no disk can be mounted here: {refused.stderr.strip()}")
        super().__init__(folder, Form(postgresql=False))

    async def end(self) -> None:
        await super().end()
        await asyncio.to_thread(subprocess.run, ["umount", str(self.disk)], check=True)


async def filled(world: SmallDisk, load: Load) -> str:
    """There is no room for anything, and then there is.

    Raises:
        Broken: nothing was refused, or a process ended by it.
    """
    load.told.given_up.clear()
    fill = world.disk / "fill"
    _fill(fill)
    before = load.counts()
    await asyncio.sleep(_FULL_S)
    done = [now - then for now, then in zip(load.counts(), before, strict=True)]
    refused = dict(load.told.given_up)
    ended = [name for (name, _), process in world.pairs.running.items() if process.returncode is not None]
    fill.unlink()
    if ended:
        raise Broken(f"{' and '.join(ended)} ended")
    if not refused:
        raise Broken(f"nothing was refused for want of room; {done} were done")
    return f"full {_FULL_S:.0f} s, refused then: {'; '.join(sorted(refused))}"


def _fill(path: Path) -> None:
    """Takes all the room there is, to the last byte."""
    size = _PIECE_BYTES
    with path.open("wb", buffering=0) as file:
        while size:
            try:
                file.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2
