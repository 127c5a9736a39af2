"""A process that is killed between a write and its answer leaves both or neither."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from consent.auditlog.leaf import decoded, unpacked


@pytest.mark.parametrize("after_s", [0.02, 0.1, 0.23])
def test_after_a_kill_a_record_is_there_exactly_when_its_write_is(tmp_path: Path, after_s: float):
    """Eight writers at once, every third write undone, SIGKILL at some instant."""
    path = tmp_path / "consent.db"
    command = [sys.executable, "-m", "tests.services.audit_program", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline() == "begun\n"
        time.sleep(after_s)
        program.kill()
    with closing(sqlite3.connect(path)) as connection:
        written = [number for (number,) in connection.execute("SELECT number FROM written")]
        leaves = [
            decoded(leaf)
            for (batch,) in connection.execute("SELECT leaves FROM audit_batches")
            for leaf in unpacked(batch)
        ]
    recorded = [int.from_bytes(leaf.evidence[0], "big") for leaf in leaves]
    assert sorted(recorded) == sorted(written)
    assert len(written) > 1
    assert not [number for number in written if number % 3 == 0]
