"""The certificate a process holds, which follows its files.

Files that changed and can be used are taken up, for connections that begin then; files that can
not be used are named in the log, once, and what was held stays. A process never starts without.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from services.tls.material import CertificateUnusable, Files, Material, read
from services.tls.spiffe import SpiffeId

#: Within so long changed files are taken up.
FOLLOW_S = 1.0
_Stamp = tuple[int, int, int] | None


class Certificate:
    """One workload's certificate; used from one event loop, read from any thread.

    Attributes:
        identity: whom it speaks for.
        material: what connections that begin now are made with.
    """

    def __init__(
        self, files: Files, identity: SpiffeId, clock_ms: Callable[[], int], log: Callable[[str], object]
    ) -> None:
        """Reads the files.

        Raises:
            CertificateUnusable: they can not be used.
        """
        self._files = files
        self._clock_ms = clock_ms
        self._log = log
        self._fault = ""
        self._taken = self._stamps()  # before reading: what changes meanwhile is looked at again
        self.identity = identity
        self.material: Material = read(files, identity, clock_ms())

    def follow(self) -> None:
        """Takes the files up if they changed and can be used."""
        stamps = self._stamps()
        if stamps == self._taken:
            if self._clock_ms() >= self.material.late_ms:
                self._tell("three quarters of its life are over and its files are the same")
            return
        try:
            material = read(self._files, self.identity, self._clock_ms())
        except CertificateUnusable as error:
            self._tell(str(error))  # it is read again: one that is not valid yet will be
            return
        self._taken, self._fault = stamps, ""
        if material != self.material:
            self.material = material
            self._log(f"a new certificate of {self.identity} is in use\n")

    def _tell(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            self._log(f"the certificate of {self.identity} stays in use; {fault}\n")

    def _stamps(self) -> tuple[_Stamp, ...]:
        return tuple(_stamp(path) for path in self._files.paths)


async def following(certificates: Iterable[Certificate]) -> None:
    """Follows the files of some certificates for ever."""
    held = list(certificates)
    while True:
        await asyncio.sleep(FOLLOW_S)
        for one in held:
            one.follow()


def _stamp(path: Path) -> _Stamp:
    """Differs when a file was written or replaced; ``None`` when there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
