"""The processes of one host that listen on one address together, and nobody else with them.

The kernel lets every process of a user in who asks for it (SO_REUSEPORT), of whatever deployment.
So who joins asks first: the processes of a deployment hold a lock together, in the folder of the
configuration they have in common, and where nobody holds it the address must be free. The lock goes
with the process, however it ends. The kernel deals new connections out among those who listen.
"""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


class StrangerThere(RuntimeError):  # noqa: N818 - named after what it says
    """Somebody of no such process listens there."""


class Fellows:
    """The processes that share an address, as one of them sees them."""

    def __init__(self, folder: Path, address: str) -> None:
        """Shares nothing yet.

        Args:
            folder: of the configuration they have in common.
            address: "host:port".

        Raises:
            OSError: the folder can not hold the lock.
        """
        self._address = address
        port = address.rpartition(":")[2]
        # Opened by name each time: a lock belongs to what was opened.
        self._joining = (folder / f"port-{port}.joining").open("a")
        self._members = (folder / f"port-{port}.lock").open("a")

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Lets one process after the other begin to listen, in the block; it is one of them afterwards.

        Raises:
            StrangerThere: the address is taken by somebody else.
        """
        fcntl.flock(self._joining, fcntl.LOCK_EX)
        try:
            if self._first() and not _free(self._address):
                raise StrangerThere(self._address)
            fcntl.flock(self._members, fcntl.LOCK_SH)
            yield
        finally:
            fcntl.flock(self._joining, fcntl.LOCK_UN)

    def leave(self) -> None:
        """Is none of them any more; for one that listens no more, or never did."""
        self._joining.close()
        self._members.close()

    def _first(self) -> bool:
        try:
            fcntl.flock(self._members, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _free(address: str) -> bool:
    """Whether one can listen there who shares with nobody."""
    host, _, port = address.rpartition(":")
    family, kind, protocol, _, where = socket.getaddrinfo(
        host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with closing(socket.socket(family, kind, protocol)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(where)
        except OSError:
            return False
    return True
