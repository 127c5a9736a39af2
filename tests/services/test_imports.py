"""Who may import whom, and that the packages imported are ours."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("identity", "consent", "recommender", "engagement", "services")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the import contracts over a tree."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ]
    environment = {"PYTHONPATH": f"{folder}:{folder / 'protos'}", "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree to break."""
    folder = tmp_path_factory.mktemp("tree")
    for package in (*PACKAGES, "protos"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_import_contracts_hold(tree):
    """Domain packages know no network, disk or clock, nor one another; SQL stays in the stores."""
    assert lint_imports(tree).returncode == 0


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("identity/graph.py", "import grpc"),
        ("consent/fold.py", "from veilgraph.consent.v1 import consent_pb2"),
        ("recommender/sums.py", "import time"),
        ("engagement/rules.py", "import consent.policy"),
        ("identity/walker.py", "import services.server"),
        ("services/server.py", "import sqlite3"),
    ],
)
def test_a_broken_rule_is_found(tree, file, line):
    """Each contract fails when it is broken."""
    path = tree / file
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        assert lint_imports(tree).returncode == 1
    finally:
        path.write_text(before) if before is not None else path.unlink()


@pytest.mark.parametrize("package", PACKAGES)
def test_the_packages_are_those_of_this_tree(package):
    """A distribution of the same name (there is an `identity`) has not put its files in the way."""
    assert Path(importlib.import_module(package).__file__).is_relative_to(ROOT)
