"""Rules about the cluster's door: it hands on the contract, all of it and nothing else, to the gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from google.api import annotations_pb2

from services.contract import public_services
from tests.deploy.manifests import Manifests, Object

#: The gateway's ports: of the API, and of the person's page.
_API, _PAGE = 443, 8444


def routed(manifests: Manifests) -> Iterator[str]:
    """The cluster's door hands on the contract, all of it, and to the gateway."""
    listeners = {
        (gateway["metadata"]["name"], one["name"]): one
        for gateway in manifests.of("Gateway")
        for one in gateway["spec"]["listeners"]
    }
    ports = {
        (one["metadata"]["name"], port["port"])
        for one in manifests.of("Service")
        for port in one["spec"]["ports"]
    }
    for route in manifests.of("GRPCRoute", "HTTPRoute"):
        name = f"{route['kind']} {route['metadata']['name']}"
        for parent in route["spec"]["parentRefs"]:
            listener = listeners.get((parent["name"], parent["sectionName"]))
            if listener is None or listener["hostname"] not in route["spec"]["hostnames"]:
                yield f"{name}: no listener of its name"
        for rule in route["spec"]["rules"]:
            wanted = _PAGE if _is_pages(manifests, route) else _API
            if {(one["name"], one["port"]) for one in rule["backendRefs"]} != {("gateway", wanted)}:
                yield f"{name}: does not lead to the gateway at {wanted}"
            if not {(one["name"], one["port"]) for one in rule["backendRefs"]} <= ports:
                yield f"{name}: leads nowhere"
    hosts = [
        {host for one in manifests.of(kind) for host in one["spec"]["hostnames"]}
        for kind in ("GRPCRoute", "HTTPRoute")
    ]
    if hosts[0] & hosts[1]:
        yield f"{sorted(hosts[0] & hosts[1])}: a listener takes GRPCRoutes or HTTPRoutes of a name, not both"
    pages = [one for one in manifests.of("HTTPRoute") if _is_pages(manifests, one)]
    if "page" in manifests.config["gateway"] and not pages:
        yield "HTTPRoutes: none leads to the person's page"
    if pages and not manifests.config["gateway"]["page"].get("doors"):
        yield "gateway.page: behind a door and does not say so (doors), so that all visitors are one network"
    yield from _contract(manifests)


def _is_pages(manifests: Manifests, route: Object) -> bool:
    """Whether a route is of the host that browsers find the person's page at."""
    page = manifests.config["gateway"].get("page", {})
    return [urlsplit(page.get("origin", "")).netloc] == route["spec"]["hostnames"]


def _contract(manifests: Manifests) -> Iterator[str]:
    routes = list(manifests.of("GRPCRoute"))
    named = {
        match["method"]["service"]
        for route in routes
        for rule in route["spec"]["rules"]
        for match in rule["matches"]
    }
    if routes and named != set(public_services()):
        yield f"GRPCRoutes: not the contract's services: {sorted(named ^ set(public_services()))}"
    prefixes = [
        match["path"]["value"]
        for route in manifests.of("HTTPRoute")
        if not _is_pages(manifests, route)
        for rule in route["spec"]["rules"]
        for match in rule["matches"]
    ]
    for path in _http_paths():
        if routes and not any(re.match(f"{re.escape(prefix)}(/|$)", path) for prefix in prefixes):
            yield f"HTTPRoutes: {path} leads nowhere"


def _http_paths() -> Iterator[str]:
    for service in public_services().values():
        for method in service.methods:
            rule = method.GetOptions().Extensions[annotations_pb2.http]
            if kind := rule.WhichOneof("pattern"):
                yield getattr(rule, kind)
