"""A million identifiers and one and a half million edges through the front door, and what follows.

Identity and consent are processes of their own; the importer is this one, as a caller. Measured are
the import, resolving the same identifiers again in batches, identity's memory, its restart, and what
correcting one link and taking one purpose back cost in a graph of that size. ``SIZES`` says at which
sizes the last two are compared; the largest is the import's.

    python -m tests.bench.identity_import 100000      # one size alone
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from rich.console import Console

from services.contract import home_of
from services.importing.identity_mapping import parse_identity_mapping
from services.importing.identity_run import Progress, import_identities
from services.importing.sending import in_order
from tests.bench.identity_suite import Deployment, Running, deployed, pss_mib, running
from tests.bench.identity_world import Seen, sightings
from tests.bench.measure import Figure, cpu_s
from tests.bench.track_batch import scratch
from veilgraph.client import Veilgraph, connect
from veilgraph.client.suite import SERVICES
from veilgraph.consent.v1 import consent_pb2
from veilgraph.identity.v1 import identity_pb2

SIZES = (10_000, 100_000, 1_000_000)
BATCH, IN_FLIGHT = 5000, 2
ASKED = 40
IMPORT_S, EDGES_A_S, RESOLVE_US, MEMORY_MIB, RESTART_S = 120, 25_000, 15, 800, 20
_LONG_S = 600.0


def figures() -> list[Figure]:
    """All sizes, each in a process of its own; the limits at the largest."""
    found = {size: _in_its_own_process(size) for size in SIZES}
    lines = []
    for size in SIZES:
        for name, value in found[size].items():
            first = found[SIZES[0]][name]
            label = f"identity.{name}_at_1e{len(str(size)) - 1}"
            lines.append(Figure(label, value, first, value / first, name.rpartition("_")[2], size))
    largest, told = SIZES[-1], found[SIZES[-1]]
    for name, limit, bound in (
        ("import_s", IMPORT_S, "<=1"),
        ("link_ingest_edges", EDGES_A_S, ">=1"),
        ("resolve_batch_us", RESOLVE_US, "<=1"),
        ("process_MiB", MEMORY_MIB, "<=1"),
        ("restart_s", RESTART_S, "<=1"),
    ):
        unit = name.rpartition("_")[2]
        lines.append(Figure(f"identity.{name}", told[name], limit, told[name] / limit, unit, largest, bound))
    return lines


def _in_its_own_process(size: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.identity_import", str(size)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told: dict[str, float] = json.loads(output.splitlines()[-1])
    return told


def measure(identifiers: int) -> dict[str, float]:
    """Imports so many identifiers and measures; gives each figure by its name and unit."""
    seen = sightings(identifiers, proof_only=True)
    with scratch() as folder:
        file = folder / "seen.csv"
        _write(file, seen, identifiers)
        deployment = deployed(folder / "suite")
        told: dict[str, float] = {}
        with (
            running(deployment) as services,
            _connected(deployment, "importer") as client,
            _connected(deployment, "shop") as shop,
        ):
            told |= _import(file, client, folder, services, len(seen))
            told |= _resolve(identifiers, client, services)
            told |= _one_by_one(seen, shop)
            told["process_MiB"] = pss_mib(services.pid("identity"))
            begun = perf_counter()
            services.stop("identity")
            services.start("identity")
            services.serving("identity", within_s=_LONG_S)
            told["restart_s"] = perf_counter() - begun
            services.stop("identity")
            services.stop("consent")
            begun = perf_counter()
            for name in ("consent", "identity"):
                services.start(name)
            for name in ("consent", "identity"):
                services.serving(name, within_s=_LONG_S)
            told["restart_of_both_s"] = perf_counter() - begun
    return told


def _write(file: Path, seen: list[Seen], identifiers: int) -> None:
    """As a shop exports it: customer by customer, those of whom one identifier is known last."""
    alone = set(range(identifiers)).difference(end for one in seen for end in (one.one, one.other))
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["one", "other", "source", "seen"])
        for one in sorted(seen, key=lambda one: min(one.one, one.other)):
            at = datetime.fromtimestamp(one.observed_at_ms / 1000, UTC).isoformat()
            rows.writerow([_digest(one.one).hex(), _digest(one.other).hex(), one.source, at])
        rows.writerows([_digest(number).hex(), "", "", ""] for number in sorted(alone))


def _mapping() -> dict[str, object]:
    """One evidence for all: what is measured does not depend on which."""
    return {
        "dataset": "bench",
        "identifiers": {
            "one": {"column": "one", "kind": "cookie", "form": "hex"},
            "other": {"column": "other", "kind": "cookie", "form": "hex"},
        },
        "links": {
            "seen": {
                "one": "one",
                "other": "other",
                "evidence": "same_order",
                "source_column": "source",
                "observed_at_column": "seen",
            }
        },
    }


def _import(file: Path, client: Veilgraph, folder: Path, services: Running, edges: int) -> dict[str, float]:
    spent = {name: cpu_s(services.pid(name)) for name in services.processes}
    begun = perf_counter()
    progress: Progress = import_identities(
        [file], parse_identity_mapping(_mapping()), client, folder / "import", Console(file=io.StringIO())
    )
    took = perf_counter() - begun
    assert (
        sum(progress.counts[name] for name in ("links", "links refused") if name in progress.counts) == edges
    )
    cpu = {name: (cpu_s(services.pid(name)) - before) / edges * 1e6 for name, before in spent.items()}
    return {
        "import_s": took,
        "link_ingest_edges": edges / took,
        "import_identity_cpu_an_edge_us": cpu["identity"],
        "import_consent_cpu_an_edge_us": cpu["consent"],
        "links_refused_permille": 1000 * progress.counts.get("links refused", 0) / edges,
    }


def _resolve(identifiers: int, client: Veilgraph, services: Running) -> dict[str, float]:
    """What a known identifier costs identity's process, and how long a batch takes."""
    count = min(identifiers, 200_000)
    requests = [
        identity_pb2.ResolveRequest(
            identifiers=[_identifier(number) for number in range(start, start + BATCH)]
        )
        for start in range(0, count, BATCH)
    ]
    before, begun = cpu_s(services.pid("identity")), perf_counter()
    sent = ((client.identity.Resolve.future(one, timeout_s=_LONG_S), 0) for one in requests)
    for answer, _ in in_order(sent, IN_FLIGHT):
        assert not any(result.created for result in answer.results)
    return {
        "resolve_batch_us": (cpu_s(services.pid("identity")) - before) / count * 1e6,
        "resolve_wall_us": (perf_counter() - begun) / count * 1e6,
    }


def _one_by_one(seen: list[Seen], client: Veilgraph) -> dict[str, float]:
    """The median of correcting one link, and of one withdrawal, somewhere in the graph."""
    picked = seen[:: max(1, len(seen) // ASKED)][:ASKED]
    wanted = [_identifier(end) for one in picked for end in (one.one, one.other)]
    ids = [
        one.subject
        for one in client.identity.Resolve(identity_pb2.ResolveRequest(identifiers=wanted)).results
    ]
    pairs = list(zip(ids[::2], ids[1::2], strict=True))

    def unlink(number: int) -> Callable[[], object]:
        one, other = pairs[number]
        request = identity_pb2.UnlinkRequest(
            subject=one, other=other, reason="bench", request_id=f"bench-unlink-{number}"
        )
        return lambda: client.identity.Unlink(request, timeout_s=_LONG_S)

    def withdraw(number: int) -> Callable[[], object]:
        statement = consent_pb2.Statement(
            subject=pairs[number][0],
            action=consent_pb2.ACTION_REFUSE,
            purposes=["loyalty"],
            collected_via=consent_pb2.COLLECTED_VIA_WEB,
        )
        request = consent_pb2.RecordRequest(statements=[statement], request_id=f"bench-refuse-{number}")
        return lambda: client.consent.Record(request, timeout_s=_LONG_S)

    return {
        "refusal_p50_ms": _p50_ms(withdraw(number) for number in range(len(pairs))),
        "unlink_p50_ms": _p50_ms(unlink(number) for number in range(len(pairs))),
    }


def _p50_ms(calls: Iterator[Callable[[], object]]) -> float:
    took = []
    for call in calls:
        begun = perf_counter()
        call()
        took.append(perf_counter() - begun)
    return statistics.median(took) * 1000


def _identifier(number: int) -> identity_pb2.Identifier:
    return identity_pb2.Identifier(kind=identity_pb2.IDENTIFIER_KIND_COOKIE, sha256=_digest(number))


def _digest(number: int) -> bytes:
    return hashlib.sha256(f"identifier-{number}".encode()).digest()


def _connected(deployment: Deployment, caller: str) -> Veilgraph:
    addresses = {name: deployment.addresses[home_of(service)] for name, service in SERVICES.items()}
    return connect(addresses, token=deployment.token(caller))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
    else:
        for figure in figures():
            print(figure)
