"""The page about clusters names what there is: folders to apply, commands, the program's own."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from services.__main__ import _parser
from tests.deploy.manifests import ROOT

PAGE = (ROOT / "docs" / "kubernetes.md").read_text()
COMMANDS = re.findall(r"(?:^|-- )python -m services (.+?)(?: < \S+)?$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("line", sorted(set(COMMANDS)))
def test_a_command_of_the_page_is_one(line):
    """Those typed in a pod, too."""
    assert callable(_parser().parse_args(shlex.split(line)).command)


def test_what_is_applied_is_there():
    """Every folder is a kustomization."""
    folders = set(re.findall(r"-k (\S+)", PAGE))
    assert len(folders) > 4
    assert [folder for folder in folders if not (ROOT / folder / "kustomization.yaml").is_file()] == []


def test_secrets_made_by_hand_are_those_the_pods_mount(tmp_path):
    """The lines that make them, carried out but for the cluster."""
    (tmp_path / "var/cluster/tls/service").mkdir(parents=True)
    names = [f"{one}.{end}" for one in ("service/consent", "gateway") for end in ("pem", "key")]
    for name in (*(f"tls/{it}" for it in names), "tls/ca.pem", "ring.json"):
        (tmp_path / "var/cluster" / name).write_text("x")
    made = re.findall(r"kubectl (-n veilgraph create secret generic (?:\\\n|[^\n])+)", PAGE)
    assert len(made) == 2
    for line in made:
        command = (
            line.replace("\\\n", " ").replace("${one#service/}", "consent").replace("$one", "service/consent")
        )
        kubectl = Path(sys.executable).parent / "kubectl"
        said = subprocess.run(
            [kubectl, *shlex.split(command), "--dry-run=client", "-o", "yaml"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        secret = yaml.safe_load(said.stdout)
        keys = {"ring.json"} if secret["metadata"]["name"] == "keyring" else {"tls.crt", "tls.key", "ca.crt"}
        assert set(secret["data"]) == keys


def test_alerts_become_a_rule_of_the_operators():
    """As the page's line indents them."""
    indented = "".join(
        f"  {line}\n" for line in (ROOT / "deploy/monitoring/alerts.yaml").read_text().splitlines()
    )
    assert yaml.safe_load(f"spec:\n{indented}")["spec"]["groups"][0]["rules"]
