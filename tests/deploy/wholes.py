"""Rules about the whole: who reaches whom, who stands in for whom, who speaks for whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.deployment.config import SERVICES, SHARED
from services.tls.spiffe import gateway_id, service_id
from tests.deploy.calls import Calls
from tests.deploy.manifests import Manifests, Object
from tests.deploy.network import inward, outward, passes, policies_of

#: Several processes of these serve at once; of the others one serves, and more make nothing faster.
SEVERAL = {"gateway", "preferences"} | SHARED
#: Who calls what is no service: by the name of the pods, the port, and those who call there.
_DOORS: Sequence[tuple[str, str, set[str]]] = (
    ("gateway", "https", {"preferences"}),
    ("gateway", "page", set()),
    ("preferences", "https", {"gateway"}),
)


def addressed(manifests: Manifests) -> Iterator[str]:
    """Each service is called by a Service's name and port, and listens at that port of its pods."""
    services = {one["metadata"]["name"]: one for one in manifests.of("Service")}
    for name, service in services.items():
        pods = manifests.selected({"matchLabels": service["spec"]["selector"]})
        if [one.name for one in pods] != [name]:
            yield f"service {name}: stands for the pods of {[one.name for one in pods]}"
            continue
        for port in service["spec"]["ports"]:
            if pods[0].port(port["targetPort"]) is None:
                yield f"service {name}: its pods have no port {port['targetPort']}"
    for name in SERVICES:
        host, _, port = manifests.config["listen"][name].rpartition(":")
        service = services.get(host)
        if host != name or service is None:
            yield f"listen.{name}: there is no service {host}"
            continue
        within = {one["port"]: one["targetPort"] for one in service["spec"]["ports"]}
        listens = manifests.config["bind"][name]
        workload = next(one for one in manifests.services if one.name == name)
        if int(port) not in within or f"0.0.0.0:{workload.port(within[int(port)])}" != listens:
            yield f"listen.{name}: port {port} does not lead to {listens}"
        if (
            service["spec"].get("clusterIP") == "None"
            and within.get(int(port))
            and listens.endswith(f":{port}")
        ):
            continue
        yield f"service {name}: without an address of its own, callers need the port that its pods have"


def found_unready(manifests: Manifests) -> Iterator[str]:
    """Services wait for one another before any is ready, so their names stand for all processes."""
    for service in manifests.of("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        if name in SERVICES and not (
            spec.get("clusterIP") == "None" and spec.get("publishNotReadyAddresses")
        ):
            yield f"service {name}: whoever is not ready is not found, and nobody becomes ready"


def disrupted(manifests: Manifests) -> Iterator[str]:
    """Whoever has a second process is never left without any; whoever has none is not held on to."""
    for one in manifests.servers:
        budgets = [
            budget
            for budget in manifests.of("PodDisruptionBudget")
            if one in manifests.selected(budget["spec"]["selector"])
        ]
        if len(budgets) != (1 if manifests.processes(one) > 1 else 0):
            yield f"{one.name}: {manifests.processes(one)} processes and {len(budgets)} budgets"
        for budget in budgets:
            if not 1 <= budget["spec"].get("minAvailable", 0) < manifests.processes(one):
                yield f"{one.name}: its budget lets go of the last process, or of none"
            if len(manifests.selected(budget["spec"]["selector"])) > 1:
                yield f"{one.name}: shares its budget with others"


def spread(manifests: Manifests) -> Iterator[str]:
    """Two processes of one thing are on two nodes."""
    for one in manifests.servers:
        apart = any(
            constraint["topologyKey"] == "kubernetes.io/hostname"
            and constraint["whenUnsatisfiable"] == "DoNotSchedule"
            and manifests.selected(constraint["labelSelector"]) == [one]
            for constraint in one.pod.get("topologySpreadConstraints", ())
        )
        if manifests.processes(one) > 1 and not apart:
            yield f"{one.name}: all its processes may be on one node"


def rolled_out(manifests: Manifests) -> Iterator[str]:
    """On a database the next process is there before one ends; files of tables are one process's."""
    shared = "stores" in manifests.config
    for one in manifests.servers:
        if one.kind != "Deployment":
            continue
        strategy = one.whole["spec"].get("strategy", {})
        if one.role == "service" and not shared:
            if strategy.get("type") != "Recreate" or manifests.processes(one) != 1:
                yield f"{one.name}: two processes would open one file"
        elif manifests.processes(one) > 1 and strategy.get("rollingUpdate", {}).get("maxUnavailable") != 0:
            yield f"{one.name}: a roll-out may end all that serve"


def scaled(manifests: Manifests) -> Iterator[str]:
    """Only what several serve at once is given more processes, and never fewer than two."""
    for scaler in manifests.of("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        if target["name"] not in {one.name for one in manifests.workloads if one.kind == target["kind"]}:
            yield f"scaler {scaler['metadata']['name']}: there is no {target['kind']} {target['name']}"
        elif target["name"] not in SEVERAL:
            yield f"scaler {scaler['metadata']['name']}: of {target['name']} one process serves"
        elif (
            "replicas" in next(one for one in manifests.workloads if one.name == target["name"]).whole["spec"]
        ):
            yield f"scaler {scaler['metadata']['name']}: every apply undoes what it did"
        if not 2 <= scaler["spec"].get("minReplicas", 1) <= scaler["spec"]["maxReplicas"]:
            yield f"scaler {scaler['metadata']['name']}: may leave one process alone"


def scaled_by(manifests: Manifests, adapted: Sequence[Object]) -> Iterator[str]:
    """Each scaler goes by the processor, or by a metric that the adapter's rules make."""
    made = {rule["name"]["as"] for rule in adapted}
    for scaler in manifests.of("HorizontalPodAutoscaler"):
        for metric in scaler["spec"]["metrics"]:
            if metric["type"] == "Pods" and metric["pods"]["metric"]["name"] not in made:
                yield f"scaler {scaler['metadata']['name']}: nobody makes {metric['pods']['metric']['name']}"


def watched(manifests: Manifests) -> Iterator[str]:
    """Prometheus reads each server at the port where it is watched, and may."""
    monitors = list(manifests.of("PodMonitor"))
    for one in manifests.servers:
        listens = manifests.watched(one)
        for monitor in (it for it in monitors if one in manifests.selected(it["spec"]["selector"])):
            for endpoint in monitor["spec"]["podMetricsEndpoints"]:
                if f"0.0.0.0:{one.port(endpoint['port'])}" != listens:
                    yield f"{one.name}: is read at its port {endpoint['port']} and watched at {listens}"
                if not inward(manifests, one, endpoint["port"]):
                    yield f"{one.name}: Prometheus may not reach it"
        if monitors and not any(one in manifests.selected(it["spec"]["selector"]) for it in monitors):
            yield f"{one.name}: is read by nobody"


def connected(manifests: Manifests, calls: Calls) -> Iterator[str]:
    """Whoever calls reaches whom it calls, and nobody else reaches anybody."""
    if not any(one["spec"]["podSelector"] == {} for one in manifests.of("NetworkPolicy")):
        yield "no policy takes everybody: what is not thought of passes"
        return
    workloads = {one.name: one for one in manifests.workloads}
    for source in workloads.values():
        for name in SERVICES:
            target = workloads[name]
            port = int(manifests.config["bind"][name].rpartition(":")[2])
            if source is target:
                continue
            if passes(manifests, source, target, port) != ((source.name, name) in calls):
                wanted = "needs to" if (source.name, name) in calls else "may, and need not,"
                yield f"{source.name}: {wanted} reach {name}"
        for name, named, callers in _DOORS:
            target = workloads[name]
            if source is not target and passes(manifests, source, target, target.port(named) or 0) != (
                source.name in callers
            ):
                wanted = "needs to" if source.name in callers else "may, and need not,"
                yield f"{source.name}: {wanted} reach {name} at {named}"
        yield from _outside(manifests, source.name)


def _outside(manifests: Manifests, name: str) -> Iterator[str]:
    one = next(one for one in manifests.workloads if one.name == name)
    if not any(True for _ in policies_of(manifests, one, "Ingress")):
        yield f"{name}: everybody may reach it"
    opens = name not in {"gateway", "preferences"}
    speaks = name in {"engagement", "recommender"}
    for what, port, needs in (
        ("names", 53, True),
        ("the database", 5432, opens and "stores" in manifests.config),
        ("NATS", 4222, speaks and "nats" in manifests.config),
        ("where people sign in", 443, name == "preferences"),
    ):
        if outward(manifests, one, port) != needs:
            yield f"{name}: {'can not' if needs else 'need not'} reach {what}"


def certified(manifests: Manifests) -> Iterator[str]:
    """Each certificate says whose it is, lies where its pod shows it, and is new at half of its life."""
    domain = manifests.config["tls"]["trust_domain"]
    issued = {one["spec"]["secretName"]: one["spec"] for one in manifests.of("Certificate")}
    for one in manifests.workloads:
        mounted = one.volumes().get("tls")
        if mounted is None:
            continue
        certificate = issued.get(mounted["secret"]["secretName"])
        if certificate is None:
            yield f"{one.name}: nobody issues {mounted['secret']['secretName']}"
            continue
        if certificate.get("uris") != [_uri(manifests.config, one.name, domain)]:
            yield f"{one.name}: its certificate speaks for {certificate.get('uris')}"
        names = certificate.get("dnsNames", [])
        if one.role == "service" and service_id(domain, one.name).dns_name not in names:
            yield f"{one.name}: its certificate lacks its DNS name"
        wanted = {"client auth"} if one.role == "operator" else {"server auth", "client auth"}
        if set(certificate.get("usages", ())) != wanted:
            yield f"{one.name}: its certificate is for {certificate.get('usages')}"
        if certificate["privateKey"]["algorithm"] not in {"ECDSA", "RSA"}:
            yield f"{one.name}: gRPC takes no such key"
        if _hours(certificate["renewBefore"]) * 2 < _hours(certificate["duration"]):
            yield f"{one.name}: its certificate is renewed later than at half of its life"


def _uri(config: Object, name: str, domain: str) -> str:
    if name == "gateway":
        return str(gateway_id(domain))
    if name in SERVICES:
        return str(service_id(domain, name))
    return config["callers"][name]["spiffe"]


def _hours(text: str) -> int:
    return int(text.removesuffix("h"))
