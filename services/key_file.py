"""The deployment's key ring in its file, and the ring as a process holds it.

The file is replaced as a whole, by identity alone. Every other process takes it up when it is
told that there is a later revision, and never goes back to an earlier one; what is made of the
ring is made anew with it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from identity.errors import KeyRingError
from identity.keyring import KeyRing
from identity.pairwise import Pairwise

if TYPE_CHECKING:
    from services.interceptors.call import Caller


class Keys:
    """The ring a process works under; used from one event loop.

    Attributes:
        ring: the newest ring this process has seen.
        lasting: whether the file with the last ring that was kept outlasts a power failure.
    """

    def __init__(self, path: Path, ring: KeyRing) -> None:
        """Holds ``ring``, which was read from ``path``."""
        self.ring = ring
        self._path = path
        self.lasting = True
        self._pairwise: dict[tuple[str, str], Pairwise] = {}

    def pairwise(self, caller: Caller) -> Pairwise:
        """A caller's ids under the ring of now; each caller's are made once a ring."""
        name = caller.tenant, caller.id
        known = self._pairwise.get(name)
        if known is None:
            known = self._pairwise[name] = Pairwise(self.ring, caller.tenant, caller.id)
        return known

    def follow(self) -> None:
        """Takes up the ring of the file, if that is a later one.

        Raises:
            KeyRingError: there is no ring in the file.
            OSError: the file can not be read.
        """
        self._hold(KeyRing.from_json(self._path.read_text()))

    def reaches(self, revision: int) -> bool:
        """Whether the ring is of a revision or a later one; if it is not, the file is read first."""
        if self.ring.revision < revision:
            try:
                self.follow()
            except (KeyRingError, OSError):
                return False  # as good as not there yet; whoever asked says so and asks again
        return self.ring.revision >= revision

    def keep(self, ring: KeyRing) -> None:
        """Puts the next ring into the file, whole or not at all, and holds it. For identity alone.

        Raises:
            OSError: the file can not be replaced, and the ring is what it was; or it was replaced
                and the ring is held, but is not lasting until it is kept again.
        """
        _replace(self._path, ring.to_json())
        self.lasting = False
        self._hold(ring)
        _flush_folder(self._path)
        self.lasting = True

    def _hold(self, ring: KeyRing) -> None:
        if ring.revision > self.ring.revision:
            self.ring = ring
            self._pairwise = {}


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, whole or not at all; durable when it returns."""
    _replace(path, text)
    _flush_folder(path)


def make_private(path: Path, text: str) -> None:
    """Makes a file that only its owner can read, whole or not at all; durable when it returns.

    Raises:
        FileExistsError: something is there, and stays what it is.
    """
    beside = _beside(path, text)
    try:
        os.link(beside, path)  # unlike a rename it replaces nothing, whoever else makes one now
    finally:
        beside.unlink()
    _flush_folder(path)


def _replace(path: Path, text: str) -> None:
    """Replaces the file, or raises and leaves it as it was."""
    _beside(path, text).replace(path)


def _beside(path: Path, text: str) -> Path:
    """The text in a private file of the same folder, on disk."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)  # left by a process that was killed; its mode is anybody's guess
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return beside


def _flush_folder(path: Path) -> None:
    """Has what was renamed in a file's folder outlast a power failure."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
