"""What the Dockerfile puts into the image is all that the program needs, and nothing that builds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.deploy.image import faults
from tests.deploy.manifests import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_program_runs_from_what_is_copied_and_writes_nothing_there(tmp_path):
    """The last stage's files, with the environment that it sets, elsewhere than here."""
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    for source, target in re.findall(r"^COPY (?!--from)(\S+) (\S+)$", last, re.MULTILINE):
        if (ROOT / source).is_file():
            (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / source, tmp_path / target)
        else:
            shutil.copytree(ROOT / source, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__"))
    path = re.search(r"PYTHONPATH=(\S+)", last)[1].replace("/srv/veilgraph", str(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    environment = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
    for command in (
        ["--help"],
        ["render-gateway", str(ROOT / "deploy/overlays/dev/suite.toml"), str(tmp_path / "out")],
    ):
        said = subprocess.run(
            [sys.executable, "-m", "services", *command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr
    shutil.rmtree(tmp_path / "out")
    assert sorted(tmp_path.rglob("*")) == before


def test_only_what_is_copied_leaves_the_folder_of_the_sources():
    """Keys and data under var/ are never sent to whoever builds."""
    copied = set(re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE))
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


def test_the_image_is_run_by_nobody_and_builds_nothing():
    """The user is the one the manifests name; what installs packages is taken out of both stages."""
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "USER 10001:10001" in last
    assert re.search(r"pip uninstall --yes .*\bpip\b", last)
    assert "apt-get" not in DOCKERFILE
    assert "--only-binary :all:" in DOCKERFILE
    assert "--require-hashes" in DOCKERFILE


@pytest.mark.parametrize(
    ("was", "planted", "told"),
    [
        ("sha256:PLACEHOLDER", "", "by no digest"),
        ("USER 10001:10001", "USER root", "USER: not a number"),
        ("USER 10001:10001", "USER 1000", "USER: not a number"),
        ('ENTRYPOINT ["python", "-m", "services"]', "ENTRYPOINT python -m services", "a shell would get"),
        ('ENTRYPOINT ["python", "-m", "services"]', "", "ENTRYPOINT: there is none"),
        ("--require-hashes", "", "fetches what no hash names"),
        ("WORKDIR /srv/veilgraph", "WORKDIR srv", "WORKDIR srv"),
        ("COPY services services", "ADD services services", "ADD: not an instruction"),
        ("ENV PATH", "ENV DB_PASSWORD=x PATH", "a secret would lie in the image"),
        ("RUN pip uninstall", "RUN apt-get update && pip uninstall", "fetches what no hash names"),
    ],
)
def test_a_planted_fault_is_found(was, planted, told):
    """One for each rule; what stands in the repository has none."""
    assert was in DOCKERFILE
    assert [fault for fault in faults(DOCKERFILE.replace(was, planted)) if told in fault]


def test_the_dockerfile_has_no_fault():
    """As ``make lint`` says it."""
    assert list(faults(DOCKERFILE)) == []
