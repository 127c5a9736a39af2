"""The certificate the page shows, read again when another one lies there; nothing is restarted for it.

What is open goes on under the certificate before. One that can not be used is said and not shown.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

LOOK_S: Final = 5.0
Seen = tuple[int, int, int, int]


class Shown:
    """What one server shows; used from one event loop."""

    def __init__(
        self,
        context: ssl.SSLContext | None,
        certificate: Path | None,
        key: Path | None,
        log: Callable[[str], object],
    ) -> None:
        """Goes by the files as they were when the server read them.

        Args:
            context: the server's; ``None``: it shows nothing.
            certificate: its file, PEM.
            key: its key's.
            log: takes a line when one was read or can not be.
        """
        self._context, self._certificate, self._key = context, certificate, key
        self._log = log
        self._seen = self._look()

    async def keep(self) -> None:
        """Looks again and again, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Reads what lies there, if it is another than before."""
        seen = self._look()
        if seen is None or seen == self._seen or self._context is None or self._certificate is None:
            return
        self._seen = seen
        try:
            # On another one first: half of what does not fit together would stay in the server's.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self._certificate, self._key)
            self._context.load_cert_chain(self._certificate, self._key)
        except (OSError, ssl.SSLError) as error:
            self._log(f"another certificate lies there and can not be used: {type(error).__name__}\n")
        else:
            self._log("another certificate is shown from now on\n")

    def _look(self) -> Seen | None:
        """What tells two files from those before; ``None`` while one of them is not there."""
        if self._certificate is None or self._key is None:
            return None
        try:
            certificate, key = self._certificate.stat(), self._key.stat()
        except OSError:
            return None
        return certificate.st_ino, certificate.st_mtime_ns, key.st_ino, key.st_mtime_ns
