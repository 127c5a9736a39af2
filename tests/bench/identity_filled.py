"""What a deployment costs that holds 10⁴, 10⁵ or 10⁶ identifiers and half as many edges again.

The files of identity and consent are filled directly, in the state that births and links leave
them in, so that the bench measures the services and not the filling; then both run as processes of
their own. The baseline of a growth line is the same figure at 10⁴.

    python -m tests.bench.identity_filled 100000      # one size alone
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from identity.ids import SubjectId
from identity.keyring import KeyRing
from identity.ledger import EdgeState, ordered
from identity.tokens import IdentifierKind, Tokeniser
from services.consent.service import edge_fact
from services.contract import home_of
from services.deployment.config import load
from services.deployment.development import TENANT
from services.importing.sending import in_order
from services.storage.consent import ConsentTables
from services.storage.edge_rows import edge_of
from services.storage.numbers import give
from services.storage.sqlite import SqliteDatabase
from services.storage.subject_keys import SubjectKeys
from tests.bench.identity_suite import Deployment, Running, deployed, pss_mib, running
from tests.bench.identity_world import NOW_MS, Seen, sightings, subjects
from tests.bench.measure import Figure, cpu_s
from tests.bench.track_batch import scratch
from veilgraph.client import Veilgraph, connect
from veilgraph.client.suite import SERVICES
from veilgraph.consent.v1 import consent_pb2
from veilgraph.identity.v1 import identity_pb2

SIZES = (10_000, 100_000, 1_000_000)
BATCH, IN_FLIGHT = 5000, 2
ASKED = 40
RESOLVE_US, MEMORY_MIB, RESTART_S = 15, 800, 20
LONG_S = 600.0
_IV_BYTES = 17


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
    for name, limit in (
        ("resolve_batch_us", RESOLVE_US),
        ("process_MiB", MEMORY_MIB),
        ("restart_s", RESTART_S),
    ):
        value = told[name]
        unit = name.rpartition("_")[2]
        lines.append(Figure(f"identity.{name}", value, limit, value / limit, unit, largest, "<=1"))
    return lines


def _in_its_own_process(size: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.identity_filled", str(size)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told: dict[str, float] = json.loads(output.splitlines()[-1])
    return told


def measure(identifiers: int) -> dict[str, float]:
    """Fills a deployment, starts it, and measures; gives each figure by its name and unit."""
    seen = sightings(identifiers, proof_only=True)
    with scratch() as folder:
        deployment = deployed(folder / "suite")
        fill(deployment, identifiers, seen)
        services = Running(deployment)
        begun = perf_counter()
        try:
            for name in ("consent", "identity"):
                services.start(name)
            for name in ("consent", "identity"):
                services.serving(name, within_s=LONG_S)
            told = {"start_of_both_s": perf_counter() - begun}
            services.stop("identity")
            begun = perf_counter()
            services.start("identity")
            services.serving("identity", within_s=LONG_S)
            told["restart_s"] = perf_counter() - begun
            with connected(deployment, "shop") as shop:
                told |= _resolve(identifiers, shop, services)
                told["process_MiB"] = pss_mib(services.pid("identity"))
                told["consent_process_MiB"] = pss_mib(services.pid("consent"))
                told |= _one_by_one(seen, shop)
        finally:
            for name in list(services.processes):
                services.stop(name)
    return told


def fill(deployment: Deployment, identifiers: int, seen: list[Seen]) -> None:
    """Puts identifiers and confirmed edges into both files, as their services would have."""
    with running(deployment):
        pass  # makes the files
    config = load(deployment.config)
    born = subjects(identifiers)
    _fill_identity(deployment.folder / "identity.db", config.keyring, born, seen)
    identity = SqliteDatabase(deployment.folder / "identity.db", "identity")
    edges = identity.reader.execute(
        "SELECT edge_id, a, b, evidence, source, observed_at_ms, valid_until_ms, confidence_permille, state"
        " FROM edge ORDER BY edge_id"
    )
    consent = SqliteDatabase(deployment.folder / "consent.db", "consent")
    store = ConsentTables(consent, config.policy, SubjectKeys(config.keyring))
    writer = consent._writer
    writer.execute("BEGIN IMMEDIATE")
    writer.executemany("INSERT INTO births (subject) VALUES (?)", ((one,) for one in born))
    writer.executemany(
        "INSERT INTO edges VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (store._row_of(edge_fact(edge_of(row), config.rules, config.policy), 0) for row in edges),
    )
    writer.execute("UPDATE authority SET graph_cursor = 2")
    writer.execute("COMMIT")
    consent.close()
    identity.close()


def _fill_identity(file: Path, ring: KeyRing, born: list[SubjectId], seen: list[Seen]) -> None:
    tokeniser = Tokeniser(ring, TENANT)
    database = SqliteDatabase(file, "identity")
    writer = database._writer
    writer.execute("BEGIN IMMEDIATE")
    tokens = (tokeniser.token(IdentifierKind.COOKIE, digest(number)) for number in range(len(born)))
    writer.executemany(
        "INSERT INTO identifier (token_iv, token_text, subject, kind, created_at_ms) VALUES (?, ?, ?, ?, ?)",
        (
            (token[:_IV_BYTES], token[_IV_BYTES:], subject, int(IdentifierKind.COOKIE), NOW_MS)
            for token, subject in zip(tokens, born, strict=True)
        ),
    )
    writer.executemany(
        "INSERT INTO edge (a, b, evidence, source, observed_at_ms, valid_until_ms, confidence_permille,"
        " state, stated_at_ms, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
        ((*ordered(born[one], born[other]), *rest, EdgeState.ACTIVE, NOW_MS) for one, other, *rest in seen),
    )
    keys = SubjectKeys(ring)  # as every birth and every import leaves them, with the audit record of it
    for start in range(0, len(born), BATCH):
        keys.keys_in(writer, born[start : start + BATCH])
    writer.execute("INSERT INTO change (seq, first_birth, last_birth) VALUES (1, 1, ?)", (len(born),))
    writer.execute("INSERT INTO change (seq, first_birth, last_birth) VALUES (2, 0, -1)")
    give(writer, "change", 2)
    give(writer, "edge", len(seen))
    writer.execute("INSERT INTO edge_change SELECT 2, edge_id, state FROM edge")
    writer.execute("COMMIT")
    database.close()


def _resolve(identifiers: int, client: Veilgraph, services: Running) -> dict[str, float]:
    """What a known identifier costs identity's process, and how long a batch takes."""
    count = min(identifiers, 200_000)
    requests = [
        identity_pb2.ResolveRequest(
            identifiers=[identifier(number) for number in range(start, start + BATCH)]
        )
        for start in range(0, count, BATCH)
    ]
    before, begun = cpu_s(services.pid("identity")), perf_counter()
    sent = ((client.identity.Resolve.future(one, timeout_s=LONG_S), 0) for one in requests)
    for answer, _ in in_order(sent, IN_FLIGHT):
        assert all(result.subject and not result.created for result in answer.results)
    return {
        "resolve_batch_us": (cpu_s(services.pid("identity")) - before) / count * 1e6,
        "resolve_wall_us": (perf_counter() - begun) / count * 1e6,
    }


def _one_by_one(seen: list[Seen], client: Veilgraph) -> dict[str, float]:
    """The median of one link, of a refusal and of correcting a link, somewhere in the graph."""
    picked = seen[:: max(1, len(seen) // ASKED)][:ASKED]
    wanted = [identifier(end) for one in picked for end in (one.one, one.other)]
    answer = client.identity.Resolve(identity_pb2.ResolveRequest(identifiers=wanted), timeout_s=LONG_S)
    ids = [one.subject for one in answer.results]
    pairs = list(zip(ids[::2], ids[1::2], strict=True))

    def refuse(number: int) -> Callable[[], object]:
        statement = consent_pb2.Statement(
            subject=pairs[number][0],
            action=consent_pb2.ACTION_REFUSE,
            purposes=["loyalty"],
            collected_via=consent_pb2.COLLECTED_VIA_WEB,
        )
        request = consent_pb2.RecordRequest(statements=[statement], request_id=f"bench-refuse-{number}")
        return lambda: client.consent.Record(request, timeout_s=LONG_S)

    def unlink(number: int) -> Callable[[], object]:
        one, other = pairs[number]
        request = identity_pb2.UnlinkRequest(
            subject=one, other=other, reason="bench", request_id=f"bench-unlink-{number}"
        )
        return lambda: client.identity.Unlink(request, timeout_s=LONG_S)

    return {
        "refusal_p50_ms": _p50_ms(refuse(number) for number in range(len(pairs))),
        "unlink_p50_ms": _p50_ms(unlink(number) for number in range(len(pairs))),
    }


def _p50_ms(calls: Iterator[Callable[[], object]]) -> float:
    took = []
    for call in calls:
        begun = perf_counter()
        call()
        took.append(perf_counter() - begun)
    return statistics.median(took) * 1000


def identifier(number: int) -> identity_pb2.Identifier:
    """The identifier of a number."""
    return identity_pb2.Identifier(kind=identity_pb2.IDENTIFIER_KIND_COOKIE, sha256=digest(number))


def digest(number: int) -> bytes:
    """What the identifier of a number is hashed to."""
    return hashlib.sha256(f"identifier-{number}".encode()).digest()


def connected(deployment: Deployment, caller: str) -> Veilgraph:
    """A caller's connection to the services themselves, without a gateway."""
    addresses = {name: deployment.addresses[home_of(service)] for name, service in SERVICES.items()}
    return connect(addresses, token=deployment.token(caller))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
    else:
        for figure in figures():
            print(figure)
