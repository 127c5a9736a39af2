"""The processes of one host that listen on one address together, and nobody else with them.

The kernel lets every process of a user in who asks for it (SO_REUSEPORT), of whatever deployment.
So who joins asks first: the processes of a deployment hold a lock together, in the folder of the
configuration they have in common, and where nobody holds it the address must be free. From then on
it is held, also while nobody listens yet; all of it goes with the process, however that ends.
"""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StrangerThere(RuntimeError):  # noqa: N818 - named after what it says
    """Somebody of no such process listens there, or the address is not this machine's."""


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
        # Each opens them anew: a lock belongs to what was opened.
        self._joining = (folder / f"port-{port}.joining").open("a")
        self._members = (folder / f"port-{port}.lock").open("a")
        self._held: socket.socket | None = None

    def join(self) -> None:
        """Becomes one of them; a server that shares can listen from now on, and nobody else.

        Raises:
            StrangerThere: somebody else does.
        """
        with self._alone():
            try:
                if self._first():
                    _bound(self._address, socket.SO_REUSEADDR).close()
                self._held = self._hold()
            except OSError:
                fcntl.flock(self._members, fcntl.LOCK_UN)
                raise StrangerThere(self._address) from None
            fcntl.flock(self._members, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Is none of them any more; for one that listens no more, or never did."""
        self._joining.close()
        self._members.close()
        if self._held is not None:
            self._held.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Has whoever joins meanwhile wait."""
        fcntl.flock(self._joining, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._joining, fcntl.LOCK_UN)

    def _first(self) -> bool:
        try:
            fcntl.flock(self._members, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _hold(self) -> socket.socket:
        """The address, bound and not listened on: nobody who shares with nobody gets it, nor a client."""
        try:
            return _bound(self._address, socket.SO_REUSEPORT)
        except OSError:
            # Connections that ended here lately, under somebody who shared with nobody, do not count.
            return _bound(self._address, socket.SO_REUSEPORT, socket.SO_REUSEADDR)


def _bound(address: str, *options: int) -> socket.socket:
    host, _, port = address.rpartition(":")
    family, kind, protocol, _, where = socket.getaddrinfo(
        host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        for option in options:
            bound.setsockopt(socket.SOL_SOCKET, option, 1)
        bound.bind(where)
    except OSError:
        bound.close()
        raise
    return bound
