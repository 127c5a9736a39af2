"""Faults to be planted in manifests, each by the rule that has to find it and what the rule has to say.

One a way in which a deployment has gone wrong somewhere, not one a line of the rules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.deploy.manifests import Manifests, Object, Workload


class Fault(NamedTuple):
    """One fault.

    Attributes:
        rule: who finds it.
        said: part of what the rule says.
        plant: spoils the manifests.
    """

    rule: str
    said: str
    plant: Callable[[Manifests], Any]


def one(manifests: Manifests, kind: str, name: str) -> Object:
    """An object's spec; of a ConfigMap the whole."""
    found = next(it for it in manifests.of(kind) if it["metadata"]["name"].startswith(name))
    return found.get("spec", found)


def workload(manifests: Manifests, name: str) -> Workload:
    return next(it for it in manifests.workloads if it.name == name)


def main(manifests: Manifests, name: str) -> Object:
    return workload(manifests, name).main


def probe(manifests: Manifests, name: str, kind: str) -> Object:
    return main(manifests, name)[f"{kind}Probe"]["httpGet"]


def monitored(manifests: Manifests, address: str) -> None:
    args = main(manifests, "gateway")["args"]
    args[args.index("--monitoring") + 1] = address


def pod(manifests: Manifests, name: str) -> Object:
    return workload(manifests, name).pod


def template(manifests: Manifests, name: str) -> Object:
    return workload(manifests, name).whole["spec"]["template"]


def config(manifests: Manifests, old: str, new: str) -> None:
    data = next(it["data"] for it in manifests.of("ConfigMap") if "suite.toml" in it["data"])
    assert old in data["suite.toml"]
    data["suite.toml"] = data["suite.toml"].replace(old, new, 1)


def gone(manifests: Manifests, kind: str, name: str) -> None:
    manifests.objects = [
        it for it in manifests.objects if (it["kind"], it["metadata"]["name"]) != (kind, name)
    ]


def volume(manifests: Manifests, name: str, of: str) -> Object:
    return workload(manifests, name).volumes()[of]


def mount(manifests: Manifests, name: str, of: str) -> Object:
    return next(it for it in main(manifests, name)["volumeMounts"] if it["name"] == of)


def first_port(manifests: Manifests, policy: str, listed: str) -> Object:
    return one(manifests, "NetworkPolicy", policy)[listed][0]["ports"][0]


FAULTS = [
    Fault("hardened", "root", lambda m: pod(m, "consent")["securityContext"].update(runAsUser=0)),
    Fault("hardened", "root", lambda m: pod(m, "consent")["securityContext"].pop("runAsNonRoot")),
    Fault("hardened", "seccomp", lambda m: pod(m, "gateway")["securityContext"].pop("seccompProfile")),
    Fault("hardened", "token", lambda m: pod(m, "identity").update(automountServiceAccountToken=True)),
    Fault("hardened", "node's", lambda m: pod(m, "gateway").update(hostNetwork=True)),
    Fault(
        "hardened",
        "more than it needs",
        lambda m: main(m, "prepare")["securityContext"].update(readOnlyRootFilesystem=False),
    ),
    Fault(
        "hardened", "prepare/keyring", lambda m: pod(m, "prepare")["initContainers"][0].pop("securityContext")
    ),
    Fault(
        "hardened",
        "handed out",
        lambda m: next(m.of("ServiceAccount")).update(automountServiceAccountToken=True),
    ),
    Fault(
        "measured", "memory is not bounded", lambda m: main(m, "consent")["resources"]["limits"].pop("memory")
    ),
    Fault("measured", "more cpu", lambda m: main(m, "consent")["resources"]["requests"].update(cpu="3000m")),
    Fault("measured", "fill the node", lambda m: volume(m, "consent", "tmp").update(emptyDir={})),
    Fault("probed", "for /live", lambda m: main(m, "identity").pop("livenessProbe")),
    Fault(
        "probed",
        "for /ready",
        lambda m: probe(m, "identity", "readiness").update(path="/live"),
    ),
    Fault(
        "probed",
        "nobody answers",
        lambda m: probe(m, "identity", "liveness").update(port=7101),
    ),
    Fault("probed", "gateway: livenessProbe asks", lambda m: monitored(m, "0.0.0.0:9402")),
    Fault(
        "probed",
        "preferences: readinessProbe asks",
        lambda m: config(m, 'monitoring = "0.0.0.0:9401"', 'monitoring = "0.0.0.0:9402"'),
    ),
    Fault("probed", "begins anew", lambda m: main(m, "gateway")["startupProbe"].update(timeoutSeconds=9)),
    Fault(
        "probed", "while it loads", lambda m: main(m, "consent")["livenessProbe"].update(failureThreshold=3)
    ),
    Fault("ends", "consent: is killed", lambda m: config(m, "drain_s = 5", "drain_s = 60")),
    Fault("ends", "gateway: is killed", lambda m: pod(m, "gateway").pop("terminationGracePeriodSeconds")),
    Fault(
        "labelled",
        "takes the pods",
        lambda m: one(m, "Deployment", "consent")["selector"].update(matchLabels={}),
    ),
    Fault(
        "labelled",
        "are labelled",
        lambda m: template(m, "prepare")["metadata"]["labels"].update({"app.kubernetes.io/component": "job"}),
    ),
    Fault(
        "addressed",
        "stands for the pods",
        lambda m: one(m, "Service", "identity")["selector"].update(
            {"app.kubernetes.io/component": "consent"}
        ),
    ),
    Fault(
        "addressed",
        "no port grcp",
        lambda m: one(m, "Service", "consent")["ports"][0].update(targetPort="grcp"),
    ),
    Fault("addressed", "there is no service", lambda m: config(m, '"consent:7102"', '"consents:7102"')),
    Fault("addressed", "does not lead", lambda m: config(m, '"0.0.0.0:7102"', '"0.0.0.0:7109"')),
    Fault("addressed", "does not lead", lambda m: config(m, '"consent:7102"', '"consent:443"')),
    Fault(
        "found_unready",
        "nobody becomes ready",
        lambda m: one(m, "Service", "consent").pop("publishNotReadyAddresses"),
    ),
    Fault("disrupted", "2 processes and 0", lambda m: gone(m, "PodDisruptionBudget", "consent")),
    Fault(
        "disrupted", "or of none", lambda m: one(m, "PodDisruptionBudget", "consent").update(minAvailable=2)
    ),
    Fault("disrupted", "1 processes and 1", lambda m: gone(m, "HorizontalPodAutoscaler", "gateway")),
    Fault(
        "disrupted",
        "shares its budget",
        lambda m: one(m, "PodDisruptionBudget", "consent").update(
            selector={"matchLabels": {"app.kubernetes.io/name": "veilgraph"}}
        ),
    ),
    Fault("spread", "on one node", lambda m: pod(m, "recommender").pop("topologySpreadConstraints")),
    Fault(
        "spread",
        "on one node",
        lambda m: pod(m, "recommender")["topologySpreadConstraints"][0]["labelSelector"].update(
            matchLabels={"app.kubernetes.io/component": "recommend"}
        ),
    ),
    Fault("rolled_out", "may end all", lambda m: one(m, "Deployment", "gateway").pop("strategy")),
    Fault(
        "rolled_out",
        "open one file",
        lambda m: config(m, "[stores]\npostgresql", "[elsewhere]\npostgresql"),
    ),
    Fault(
        "scaled",
        "one process serves",
        lambda m: one(m, "HorizontalPodAutoscaler", "gateway")["scaleTargetRef"].update(name="consent"),
    ),
    Fault(
        "scaled",
        "there is no",
        lambda m: one(m, "HorizontalPodAutoscaler", "gateway")["scaleTargetRef"].update(kind="StatefulSet"),
    ),
    Fault("scaled", "alone", lambda m: one(m, "HorizontalPodAutoscaler", "gateway").update(minReplicas=1)),
    Fault("scaled", "undoes", lambda m: one(m, "Deployment", "engagement").update(replicas=2)),
    Fault(
        "scaled_by",
        "nobody makes",
        lambda m: one(m, "HorizontalPodAutoscaler", "engagement")["metrics"][0]["pods"]["metric"].update(
            name="calls"
        ),
    ),
    Fault(
        "watched",
        "is read by nobody",
        lambda m: one(m, "PodMonitor", "veilgraph").update(selector={"matchLabels": {"app": "veilgraph"}}),
    ),
    Fault("watched", "watched at 0.0.0.0:9402", lambda m: config(m, "0.0.0.0:9401", "0.0.0.0:9402")),
    Fault(
        "watched",
        "gateway: is read by nobody",
        lambda m: one(m, "PodMonitor", "veilgraph")["selector"]["matchExpressions"][0]["values"].pop(),
    ),
    Fault(
        "watched",
        "preferences: is read by nobody",
        lambda m: (
            one(m, "PodMonitor", "veilgraph")["selector"].pop("matchExpressions")
            and one(m, "PodMonitor", "veilgraph")["selector"]["matchLabels"].update(
                {"veilgraph/role": "service"}
            )
        ),
    ),
    Fault("watched", "may not reach", lambda m: gone(m, "NetworkPolicy", "from-prometheus")),
    Fault(
        "watched",
        "gateway: Prometheus may not reach it",
        lambda m: one(m, "NetworkPolicy", "from-prometheus")["podSelector"]["matchExpressions"][0][
            "values"
        ].pop(),
    ),
    Fault(
        "references",
        "configMap veil is",
        lambda m: volume(m, "consent", "config")["configMap"].update(name="veil"),
    ),
    Fault("references", "secret postgresql is", lambda m: gone(m, "ExternalSecret", "postgresql")),
    Fault("references", "secret tls-consent is", lambda m: gone(m, "Certificate", "consent")),
    Fault("references", "Claim keyring is", lambda m: gone(m, "PersistentVolumeClaim", "keyring")),
    Fault("references", "service account", lambda m: gone(m, "ServiceAccount", "gateway")),
    Fault("references", "volume temp is not", lambda m: mount(m, "gateway", "tmp").update(name="temp")),
    Fault(
        "references",
        "looks for /postgresql/ca.crt",
        lambda m: mount(m, "consent", "postgresql").update(mountPath="/postgres"),
    ),
    Fault("references", "by nobody else", lambda m: mount(m, "consent", "keyring").pop("readOnly")),
    Fault("references", "by nobody else", lambda m: mount(m, "identity", "keyring").update(readOnly=True)),
    Fault(
        "references",
        "looks for /secrets/token",
        lambda m: mount(m, "preferences", "secrets").update(mountPath="/secret"),
    ),
    Fault("references", "secret preferences is", lambda m: gone(m, "ExternalSecret", "preferences")),
    Fault(
        "references",
        "needs no volume",
        lambda m: volume(m, "preferences", "tmp").update(persistentVolumeClaim={"claimName": "keyring"}),
    ),
    Fault(
        "pictured", "no digest", lambda m: main(m, "consent").update(image="registry.example/veilgraph:1.2")
    ),
    Fault("pictured", "more than one", lambda m: main(m, "consent").update(image="other@sha256:" + "0" * 64)),
    Fault("connected", "takes everybody", lambda m: gone(m, "NetworkPolicy", "nobody")),
    Fault(
        "connected",
        "identity: needs to reach consent",
        lambda m: one(m, "NetworkPolicy", "identity")["egress"].pop(0),
    ),
    Fault(
        "connected",
        "needs to reach consent",
        lambda m: first_port(m, "consent", "ingress").update(port="grcp"),
    ),
    Fault(
        "connected",
        "engagement: may, and need not, reach identity",
        lambda m: (
            one(m, "NetworkPolicy", "identity")["ingress"][0].update(**{"from": [{"podSelector": {}}]}),
            one(m, "NetworkPolicy", "engagement")["egress"][0].update(to=[{"podSelector": {}}]),
            first_port(m, "engagement", "egress").update(port=7101),
        ),
    ),
    Fault(
        "connected",
        "preferences: may, and need not, reach consent",
        lambda m: (
            one(m, "NetworkPolicy", "consent")["ingress"][0].update(**{"from": [{"podSelector": {}}]}),
            one(m, "NetworkPolicy", "preferences")["egress"][0].update(to=[{"podSelector": {}}]),
            first_port(m, "preferences", "egress").update(port=7102),
        ),
    ),
    Fault(
        "connected",
        "gateway: needs to reach preferences",
        lambda m: one(m, "NetworkPolicy", "gateway")["egress"].pop(),
    ),
    Fault(
        "connected",
        "consent: may, and need not, reach preferences",
        lambda m: (
            one(m, "NetworkPolicy", "preferences")["ingress"][0].update(**{"from": [{"podSelector": {}}]}),
            first_port(m, "consent", "egress").update(port=8445),
            one(m, "NetworkPolicy", "consent")["egress"][0].update(to=[{"podSelector": {}}]),
        ),
    ),
    Fault(
        "connected",
        "can not reach where people sign in",
        lambda m: one(m, "NetworkPolicy", "to-provider").pop("egress"),
    ),
    Fault("connected", "can not reach names", lambda m: gone(m, "NetworkPolicy", "to-dns")),
    Fault(
        "connected",
        "can not reach the database",
        lambda m: one(m, "NetworkPolicy", "to-postgresql").pop("egress"),
    ),
    Fault(
        "connected",
        "gateway: need not reach the database",
        lambda m: one(m, "NetworkPolicy", "to-postgresql").update(podSelector={}),
    ),
    Fault(
        "certified",
        "consent: its certificate speaks for",
        lambda m: one(m, "Certificate", "consent").update(
            uris=["spiffe://veilgraph.example/service/identity"]
        ),
    ),
    Fault("certified", "lacks its DNS name", lambda m: one(m, "Certificate", "consent").pop("dnsNames")),
    Fault("certified", "is for", lambda m: one(m, "Certificate", "consent").update(usages=["server auth"])),
    Fault(
        "certified", "half of its life", lambda m: one(m, "Certificate", "consent").update(renewBefore="1h")
    ),
    Fault(
        "certified",
        "takes no such key",
        lambda m: one(m, "Certificate", "consent")["privateKey"].update(algorithm="Ed25519"),
    ),
    Fault(
        "certified", "nobody issues", lambda m: volume(m, "consent", "tls")["secret"].update(secretName="tls")
    ),
    Fault(
        "routed",
        "not the contract's",
        lambda m: one(m, "GRPCRoute", "grpc")["rules"][0]["matches"][0]["method"].update(
            service="veilgraph.internal.v1.GuardService"
        ),
    ),
    Fault("routed", "leads nowhere", lambda m: one(m, "HTTPRoute", "json")["rules"][0]["matches"].pop(0)),
    Fault(
        "routed",
        "does not lead to the gateway",
        lambda m: one(m, "HTTPRoute", "json")["rules"][0]["backendRefs"][0].update(name="consent", port=7102),
    ),
    Fault(
        "routed",
        "no listener",
        lambda m: one(m, "Gateway", "veilgraph")["listeners"][0].update(hostname="x.example"),
    ),
    Fault(
        "routed",
        "not both",
        lambda m: one(m, "HTTPRoute", "json").update(hostnames=["grpc.veilgraph.example"]),
    ),
    Fault(
        "routed",
        "HTTPRoute page: does not lead to the gateway at 8444",
        lambda m: one(m, "HTTPRoute", "page")["rules"][0]["backendRefs"][0].update(port=443),
    ),
    Fault("routed", "none leads to the person's page", lambda m: gone(m, "HTTPRoute", "page")),
    Fault("routed", "all visitors are one network", lambda m: config(m, "doors = 1", "doors = 0")),
    Fault("commanded", "unrecognized", lambda m: main(m, "consent")["args"].append("--colour")),
    Fault("configured", "colour", lambda m: config(m, "\n[listen]", '\ncolour = "blue"\n[listen]')),
]
