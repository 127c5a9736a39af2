"""The contract as others install it: one wheel with stubs, types, client and fake, nothing of the suite."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROTOS = Path(__file__).parents[2] / "protos"
USE = """
from veilgraph.client import email
from veilgraph.client.testing import FakeVeilgraph
from veilgraph.identity.v1.identity_pb2 import ResolveRequest, ResolveResponse, ResolveResult


def resolve(request: ResolveRequest) -> ResolveResponse:
    return ResolveResponse(results=[ResolveResult(subject="vs_1") for _ in request.identifiers])


veil = FakeVeilgraph({"identity.Resolve": resolve})
answer: ResolveResponse = veil.identity.Resolve(ResolveRequest(identifiers=[email("jane@example.com")]))
print(answer.results[0].subject)
"""
MISUSE = """
from veilgraph.identity.v1.identity_pb2 import ResolveRequest

ResolveRequest(identifier="jane@example.com")
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel holds; the dependencies are those of the environment."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    source = shutil.copytree(PROTOS, folder / "protos", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    subprocess.run([*command, "-w", str(folder), str(source)], check=True, cwd=folder)
    (wheel,) = folder.glob("veilgraph-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(folder / "site")
    return folder / "site"


def ran(command: list[str], site: Path, **texts: str) -> subprocess.CompletedProcess[str]:
    """What came of a command on programs that see the wheel and no checkout."""
    for name, text in texts.items():
        (site.parent / f"{name}.py").write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(site), "MYPYPATH": str(site)}
    return subprocess.run(
        [*command, *(f"{name}.py" for name in texts)],
        cwd=site.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_holds_every_proto_with_its_stubs_and_types(installed: Path) -> None:
    """What lies in the folder, and nothing beside."""
    protos = {path.relative_to(PROTOS) for path in (PROTOS / "veilgraph").rglob("*.proto")}
    assert len(protos) > 15
    for proto in protos:
        for suffix in (".proto", "_pb2.py", "_pb2.pyi"):
            assert (installed / proto.with_name(proto.stem + suffix)).is_file()
    assert (installed / "veilgraph" / "py.typed").is_file()
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {"veilgraph"}
    assert not list(installed.rglob("*.binpb"))


def test_a_users_test_runs_with_the_wheel_alone(installed: Path) -> None:
    """The client, its hashing and the fake need no suite."""
    use = ran([sys.executable], installed, right=USE)
    assert (use.returncode, use.stdout, use.stderr) == (0, "vs_1\n", "")


def test_the_types_accept_what_is_right_and_refuse_what_is_wrong(installed: Path) -> None:
    """A strict check of two programs of a user, one with a field that is not there."""
    check = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", os.devnull]
    said = ran(check, installed, right=USE, wrong=MISUSE).stdout
    assert 'wrong.py:4: error: Unexpected keyword argument "identifier"' in said
    assert "right.py" not in said
