"""Rules about the pods: what they may, what they need, how they are asked and how they end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import PurePosixPath

from services.deployment.processes import STOP_S
from tests.deploy.manifests import COMPONENT, Manifests, Object, Workload

#: Twice what a start with a million people takes (docs/benchmarks.md).
LOADING_S = 120
USER_LEAST = 10_000
#: What the port at which a process is watched answers (``services.monitoring.port``).
LIVE, READY = "/live", "/ready"
#: Made by hand, as docs/kubernetes.md says.
BY_HAND = {
    "dev": {
        "keyring",
        *(f"tls-{name}" for name in ("identity", "consent", "engagement", "recommender", "gateway")),
    },
    "production": {"public"},
}
_PAGES_FILES = ("certificate", "key", "gateway_ca", "token", "client_secret", "session_key", "verifier_key")
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|Ki|Mi|Gi|)")
_FACTOR = {"m": Decimal("0.001"), "": 1, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}
_FIRMLY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def hardened(manifests: Manifests) -> Iterator[str]:
    """Nobody is root, writes to the image, gains rights, or holds a token of the cluster's."""
    for one in manifests.workloads:
        pod = one.pod.get("securityContext", {})
        if not pod.get("runAsNonRoot") or pod.get("runAsUser", 0) < USER_LEAST:
            yield f"{one.name}: may run as root"
        if pod.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{one.name}: no seccomp profile"
        if one.pod.get("automountServiceAccountToken") is not False:
            yield f"{one.name}: is given a token of the cluster's"
        if any(key in one.pod for key in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{one.name}: shares the node's namespaces"
        for container in one.containers:
            given = container.get("securityContext", {})
            if any(given.get(key) != value for key, value in _FIRMLY.items()) or given.get("privileged"):
                yield f"{one.name}/{container['name']}: may more than it needs"
    for account in manifests.of("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield f"service account {account['metadata']['name']}: its token is handed out"


def measured(manifests: Manifests) -> Iterator[str]:
    """Everybody says what it needs and what it gets at most; no folder grows without end."""
    for one in manifests.workloads:
        for container in one.containers:
            given = container.get("resources", {})
            for kind in ("cpu", "memory"):
                least, most = (given.get(end, {}).get(kind) for end in ("requests", "limits"))
                if least is None or most is None:
                    yield f"{one.name}/{container['name']}: {kind} is not bounded"
                elif quantity(least) > quantity(most):
                    yield f"{one.name}/{container['name']}: asks for more {kind} than it may have"
        for name, volume in one.volumes().items():
            if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
                yield f"{one.name}: the folder {name} may fill the node"


def quantity(text: str | int) -> Decimal:
    """A quantity in its base unit."""
    found = _QUANTITY.fullmatch(str(text))
    if found is None:
        raise ValueError(f"{text} is no quantity")
    return Decimal(found[1]) * _FACTOR[found[2]]


def probed(manifests: Manifests) -> Iterator[str]:
    """Whoever serves is asked where it is watched, for what is answered there, and has time to load."""
    for one in manifests.servers:
        listens = manifests.watched(one)
        for probe, path in (("startupProbe", LIVE), ("livenessProbe", LIVE), ("readinessProbe", READY)):
            asked = one.main.get(probe, {})
            if asked.get("httpGet", {}).get("path") != path:
                yield f"{one.name}: {probe} does not ask for {path}"
                continue
            if f"0.0.0.0:{one.port(asked['httpGet']['port'])}" != listens:
                yield f"{one.name}: {probe} asks at port {asked['httpGet']['port']}, where nobody answers"
            if asked["timeoutSeconds"] > asked["periodSeconds"]:
                yield f"{one.name}: {probe} begins anew before it is over"
        live = one.main.get("livenessProbe", {})
        if live.get("periodSeconds", 0) * live.get("failureThreshold", 0) < LOADING_S:
            yield f"{one.name}: is ended while it loads"


def ends(manifests: Manifests) -> Iterator[str]:
    """Who is told to stop has time for its drain, the longest call and what that began."""
    for one in manifests.servers:
        pre_stop = one.main.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        drain = float(one.told("--drain-s") or manifests.config.get("drain_s", 0))
        if one.pod.get("terminationGracePeriodSeconds", 30) <= pre_stop + drain + STOP_S:
            yield f"{one.name}: is killed before it has ended in order"


def references(manifests: Manifests, by_hand: set[str]) -> Iterator[str]:
    """Everything that is named is there, and mounted where the configuration looks for it."""
    secrets = by_hand | {one["spec"]["target"]["name"] for one in manifests.of("ExternalSecret")}
    secrets |= {one["spec"]["secretName"] for one in manifests.of("Certificate")}
    there = {
        "configMap": ("name", manifests.names("ConfigMap")),
        "secret": ("secretName", secrets),
        "persistentVolumeClaim": ("claimName", manifests.names("PersistentVolumeClaim")),
    }
    for one in manifests.workloads:
        if one.pod.get("serviceAccountName") not in manifests.names("ServiceAccount"):
            yield f"{one.name}: its service account is not there"
        volumes = one.volumes()
        for volume in volumes.values():
            for kind, (key, names) in there.items():
                if kind in volume and volume[kind][key] not in names:
                    yield f"{one.name}: {kind} {volume[kind][key]} is not there"
        mounted = {
            mount["name"] for container in one.containers for mount in container.get("volumeMounts", ())
        }
        yield from (f"{one.name}: the volume {name} is not there" for name in sorted(mounted - set(volumes)))
        yield from (f"{one.name}: nothing mounts {name}" for name in sorted(set(volumes) - mounted))
    for one in manifests.services:
        told = (one.told("--config"), one.told("--folder"))
        yield from _unmounted(one, [*_paths(manifests.config, one), *told])
        yield from _ring(one)
    for one in (one for one in manifests.servers if one.role == "page"):
        section = manifests.config["preferences"]
        yield from _unmounted(one, [one.main["args"][1], *(section[name] for name in _PAGES_FILES)])
        if any("persistentVolumeClaim" in volume for volume in one.volumes().values()):
            yield f"{one.name}: the page needs no volume of the suite's"


def _unmounted(one: Workload, wanted: Iterable[str]) -> Iterator[str]:
    mounts = [PurePosixPath(mount["mountPath"]) for mount in one.main["volumeMounts"]]
    for path in map(PurePosixPath, wanted):
        if not any(path.is_relative_to(mount) for mount in mounts):
            yield f"{one.name}: nothing is mounted where it looks for {path}"


def _ring(one: Workload) -> Iterator[str]:
    writes = {mount["name"] for mount in one.main["volumeMounts"] if not mount.get("readOnly")}
    if ("keyring" in writes) != (one.name == "identity"):
        yield f"{one.name}: the key ring is written by identity, and by nobody else"


def _paths(config: Object, one: Workload) -> Iterator[str]:
    """The files a service is told of: those of NATS only who speaks with it."""
    yield config["keyring"]
    yield from (config["tls"][name] for name in ("certificate", "key", "ca"))
    yield from re.findall(r"=(/[^&]+)", config.get("stores", {}).get("postgresql", ""))
    if one.name in {"engagement", "recommender"}:
        yield from (path for name, path in config.get("nats", {}).items() if name != "url")


def pictured(manifests: Manifests) -> Iterator[str]:
    """One image for everybody, by what it is and not by name; a marked placeholder until that is known."""
    images = {container["image"] for one in manifests.workloads for container in one.containers}
    if len(images) > 1:
        yield f"more than one image: {sorted(images)}"
    for image in sorted(images):
        name, _, digest = image.partition("@")
        if not re.fullmatch(r"sha256:([0-9a-f]{64}|PLACEHOLDER)", digest) or ":" in name.rpartition("/")[2]:
            yield f"{image}: no digest says which image it is"


def unfinished(manifests: Manifests) -> Iterator[str]:
    """What stands in for what only the deployment knows; a release has none of it."""
    for one in manifests.workloads:
        for container in one.containers:
            if not re.search(r"@sha256:[0-9a-f]{64}$", container["image"]):
                yield f"{one.name}/{container['name']}: {container['image']} is no image by its digest"
    for name, whose in (
        ("jwks.json", "the issuer's"),
        ("people-jwks.json", "the ring's: render it with --ring"),
        ("preferences-jwks.json", "the page's: preferences-keys makes it"),
    ):
        if '"keys": []' in manifests.file(name):
            yield f"{name}: holds no key of {whose}"
    for kind in ("ConfigMap", "Certificate", "Gateway", "GRPCRoute", "HTTPRoute"):
        for one in manifests.of(kind):
            if found := sorted(set(re.findall(r"[a-z.]+\.example\b", str(one)))):
                yield f"{kind} {one['metadata']['name']}: {', '.join(found)} stands in for names of your own"


def labelled(manifests: Manifests) -> Iterator[str]:
    """Each workload takes its own pods and nobody else's."""
    for one in manifests.of("Deployment", "StatefulSet"):
        taken = [found.name for found in manifests.selected(one["spec"]["selector"])]
        if taken != [one["metadata"]["name"]]:
            yield f"{one['metadata']['name']}: its selector takes the pods of {taken}"
    for one in manifests.workloads:
        if one.labels.get(COMPONENT) != one.name:
            yield f"{one.name}: its pods are labelled {one.labels.get(COMPONENT)}"
