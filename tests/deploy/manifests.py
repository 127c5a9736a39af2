"""The objects of a deployment as `kubectl kustomize` prints them, and what they say of one another.

A deployment is applied in stages, and every rule holds for all of them together.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
#: The stages of each deployment, in the order they are applied.
STAGES = {
    "production": ("production/foundation", "production/prepare", "production", "production/operator"),
    "dev": ("dev",),
}
COMPONENT = "app.kubernetes.io/component"
Object = dict[str, Any]


def rendered(overlay: str) -> list[Object]:
    """All objects of a deployment; one that stands in two stages stands here once."""
    found: dict[tuple[str, str], Object] = {}
    for stage in STAGES[overlay]:
        command = [Path(sys.executable).parent / "kubectl", "kustomize", DEPLOY / "overlays" / stage]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for one in yaml.safe_load_all(printed):
            key = one["kind"], one["metadata"]["name"]
            if found.setdefault(key, one) != one:
                raise ValueError(f"{overlay}: two stages say two things of {key}")
    return list(found.values())


@dataclass(frozen=True)
class Workload:
    """Something that has pods.

    Attributes:
        whole: the object.
        pod: the spec of its pods.
        labels: of its pods.
    """

    whole: Object

    @property
    def kind(self) -> str:
        return self.whole["kind"]

    @property
    def name(self) -> str:
        return self.whole["metadata"]["name"]

    @property
    def pod(self) -> Object:
        return self.whole["spec"]["template"]["spec"]

    @property
    def labels(self) -> Mapping[str, str]:
        return self.whole["spec"]["template"]["metadata"]["labels"]

    @property
    def role(self) -> str:
        return self.labels.get("veilgraph/role", "")

    @property
    def serves(self) -> bool:
        """Whether it is one of the four services, the gateway or the person's page."""
        return self.role in {"service", "gateway", "page"}

    @property
    def containers(self) -> list[Object]:
        return [*self.pod.get("initContainers", ()), *self.pod["containers"]]

    @property
    def main(self) -> Object:
        return self.pod["containers"][0]

    def port(self, name_or_number: str | int) -> int | None:
        """The number of one of its ports."""
        for port in self.main.get("ports", ()):
            if name_or_number in {port["name"], port["containerPort"]}:
                return port["containerPort"]
        return None

    def told(self, flag: str) -> str:
        """What stands behind a flag of its command; empty: it has none."""
        args: Sequence[str] = self.main.get("args", ())
        return args[args.index(flag) + 1] if flag in args else ""

    def volumes(self) -> dict[str, Object]:
        """Its volumes by name, those claimed for each pod too."""
        claimed = self.whole["spec"].get("volumeClaimTemplates", ())
        volumes = {one["name"]: one for one in self.pod.get("volumes", ())}
        return volumes | {one["metadata"]["name"]: one for one in claimed}


class Manifests:
    """The objects of one deployment."""

    def __init__(self, objects: Sequence[Object]) -> None:
        self.objects = objects

    def of(self, *kinds: str) -> Iterator[Object]:
        """The objects of some kinds."""
        return (one for one in self.objects if one["kind"] in kinds)

    def names(self, *kinds: str) -> set[str]:
        """Their names."""
        return {one["metadata"]["name"] for one in self.of(*kinds)}

    @property
    def workloads(self) -> list[Workload]:
        return [Workload(one) for one in self.of("Deployment", "StatefulSet", "Job")]

    @property
    def servers(self) -> list[Workload]:
        return [one for one in self.workloads if one.serves]

    @property
    def services(self) -> list[Workload]:
        """The four services."""
        return [one for one in self.workloads if one.role == "service"]

    def selected(self, selector: Object) -> list[Workload]:
        """The workloads whose pods a selector takes."""
        return [one for one in self.workloads if takes(selector, one.labels)]

    @property
    def config(self) -> Object:
        """The deployment's suite.toml."""
        return tomllib.loads(self.file("suite.toml"))

    def watched(self, workload: Workload) -> str:
        """Where a server is told to be watched, "host:port"; empty: nowhere."""
        if workload.role == "page":
            return self.config.get("preferences", {}).get("monitoring", "")
        said = self.config.get("monitoring", {}).get(workload.name, "")
        return workload.told("--monitoring") or said

    def processes(self, workload: Workload) -> int:
        """How many of a workload there are at the least."""
        for one in self.of("HorizontalPodAutoscaler"):
            if one["spec"]["scaleTargetRef"]["name"] == workload.name:
                return one["spec"].get("minReplicas", 1)
        return workload.whole["spec"].get("replicas", 1)

    def file(self, name: str) -> str:
        """A file in one of the ConfigMaps."""
        return next(one["data"][name] for one in self.of("ConfigMap") if name in one.get("data", {}))


def takes(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes some labels; an empty one takes all."""
    matched = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    for one in selector.get("matchExpressions", ()):
        if one["operator"] != "In":
            raise ValueError(f"an operator these tests do not know: {one['operator']}")
        matched = matched and labels.get(one["key"]) in one["values"]
    return matched
