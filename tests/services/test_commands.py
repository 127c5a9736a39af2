"""A command that can not do its work says why in one sentence and fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("tour", "--var", "here"), "here/complete-journey holds no suite; `make run` makes one."),
        (("tour", "--data", "other.toml"), "Can not walk: no mapping file other.toml"),
        (("import", "purchases", "--folder", "here"), "here holds no suite; `make run` makes one."),
        (("run", "--data", "other.toml"), "Can not run: no mapping file other.toml"),
        (("evaluate", "--data", "other.toml"), "Can not evaluate: no mapping file other.toml"),
        (("check-config", "other.toml"), "other.toml can not be used: other.toml: No such file or directory"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    """No traceback: whoever typed it reads what to type instead."""
    ran = command(tmp_path, *arguments)
    assert (ran.returncode, (ran.stdout + ran.stderr).split("\n")) == (1, [sentence, ""])


@pytest.mark.parametrize(
    "gateway", ["nonsense", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:0", "shop.example:80"]
)
def test_the_gateway_is_an_address_of_this_machine(tmp_path: Path, gateway: str) -> None:
    """A token never goes to another machine unencrypted."""
    ran = command(tmp_path, "tour", "--gateway", gateway)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert (
        ran.stderr.rstrip()
        .rpartition("\n")[2]
        .startswith("python -m services tour: error: argument --gateway: ")
    )


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of the suite in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "services", *arguments],
        cwd=folder,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'protos'}", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
