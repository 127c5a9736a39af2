"""The level of a running process is set by a signal, and nobody else gets one that would end it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from services.deployment.log_level import SIGNALS, LogLevel, NotListening, tell
from services.interceptors.access_log import Level
from services.storage.folder import sole_user, user_of
from tests.services.typed import typed


@pytest.fixture
async def level():
    """This process's, until the test is over."""
    lines: asyncio.Queue[str] = asyncio.Queue()
    level = LogLevel(lines.put_nowait)
    level.follow_signals()
    yield level, lines
    for number in SIGNALS.values():
        asyncio.get_running_loop().remove_signal_handler(number)


async def test_a_process_goes_to_the_level_it_is_told_and_says_so(level):
    """Told twice it stays there."""
    level, lines = level
    assert level() is Level.NORMAL
    for wanted in (Level.DEBUG, Level.QUIET, Level.QUIET):
        tell(os.getpid(), wanted)
        assert await lines.get() == f"the log is {wanted.name.lower()} from here on\n"
        assert level() is wanted


def test_a_process_that_takes_no_such_signal_is_not_ended_by_it():
    """The number may be another program's by now."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        with pytest.raises(NotListening):
            tell(other.pid, Level.QUIET)
        assert other.poll() is None
        other.kill()
    with pytest.raises(NotListening):
        tell(other.pid, Level.QUIET)


async def test_all_that_serve_a_folder_are_told(tmp_path, level):
    """They are known by the locks they hold; a lock that nobody holds names nobody."""
    level, lines = level
    assert typed("log-level", "quiet", "--folder", tmp_path)[0] == 1
    with sole_user(tmp_path, "identity"), sole_user(tmp_path, "consent"):
        code, said = typed("log-level", "quiet", "--folder", tmp_path)
    assert (code, said) == (0, f"process {os.getpid()} writes quiet from now on\n")
    await lines.get()
    assert level() is Level.QUIET
    assert user_of(tmp_path, "identity") is None
