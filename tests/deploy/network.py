"""What a set of NetworkPolicies lets through, as Kubernetes defines it.

Once a policy takes a pod for a direction, only what some policy lists passes in that direction; a
connection passes if both ends let it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.deploy.manifests import Manifests, Object, Workload, takes

_ENDS = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}


def passes(manifests: Manifests, source: Workload, target: Workload, port: int) -> bool:
    """Whether a pod of one workload may connect to a port of another's."""
    return _lets(manifests, "Egress", source, target, port) and _lets(
        manifests, "Ingress", target, source, port
    )


def _lets(manifests: Manifests, direction: str, mine: Workload, other: Workload, port: int) -> bool:
    listed, end = _ENDS[direction]
    target = other if direction == "Egress" else mine
    policies = list(policies_of(manifests, mine, direction))
    return not policies or any(
        _names_port(rule, target, port) and any(_names(peer, other) for peer in rule.get(end, ()))
        for policy in policies
        for rule in policy["spec"].get(listed, ())
    )


def policies_of(manifests: Manifests, workload: Workload, direction: str) -> Iterator[Object]:
    """The policies that take its pods for a direction."""
    return (
        one
        for one in manifests.of("NetworkPolicy")
        if direction in one["spec"]["policyTypes"] and takes(one["spec"]["podSelector"], workload.labels)
    )


def outward(manifests: Manifests, workload: Workload, port: int) -> bool:
    """Whether some policy lets it connect to a port outside of its namespace."""
    return any(
        "namespaceSelector" in peer and port in {one["port"] for one in rule["ports"]}
        for policy in policies_of(manifests, workload, "Egress")
        for rule in policy["spec"].get("egress", ())
        for peer in rule.get("to", ())
    )


def inward(manifests: Manifests, workload: Workload, port: str) -> bool:
    """Whether some policy lets somebody outside of its namespace reach a port of its."""
    return any(
        "namespaceSelector" in peer and port in {one["port"] for one in rule["ports"]}
        for policy in policies_of(manifests, workload, "Ingress")
        for rule in policy["spec"].get("ingress", ())
        for peer in rule.get("from", ())
    )


def _names(peer: Object, workload: Workload) -> bool:
    return set(peer) == {"podSelector"} and takes(peer["podSelector"], workload.labels)


def _names_port(rule: Object, target: Workload, port: int) -> bool:
    return any(target.port(one["port"]) == port for one in rule.get("ports", ()))
