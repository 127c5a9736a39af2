"""Identifiers and edges through the front door: ``import identities`` into two running services.

Identity and consent are processes of their own; the importer is this one, as a caller. Every link goes
its own way: opened, judged, audited, durable, pending, confirmed, behind the barrier. The rate does not
depend on how many there are, so a tenth of the million is imported; what the million would take is
worked out from it.

    python -m tests.bench.identity_import 1000000      # another number of identifiers
"""

from __future__ import annotations

import csv
import io
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from rich.console import Console

from services.importing.identity_mapping import parse_identity_mapping
from services.importing.identity_run import import_identities
from tests.bench.identity_filled import connected, digest
from tests.bench.identity_suite import deployed, running
from tests.bench.identity_world import Seen, sightings
from tests.bench.measure import Figure, cpu_s
from tests.bench.track_batch import scratch

IDENTIFIERS, MILLION = 100_000, 1_000_000
EDGES_A_S, IMPORT_S = 25_000, 120
_MAPPING = {
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


def figures(identifiers: int = IDENTIFIERS) -> list[Figure]:
    """The rate, what the million takes at that rate, and where the time goes."""
    seen = sightings(identifiers, proof_only=True)
    edges = len(seen)
    with scratch() as folder:
        file = folder / "seen.csv"
        _write(file, seen, identifiers)
        deployment = deployed(folder / "suite")
        with running(deployment) as services, connected(deployment, "importer") as client:
            spent = {name: cpu_s(services.pid(name)) for name in services.processes}
            begun = perf_counter()
            console = Console(file=io.StringIO())
            progress = import_identities(
                [file], parse_identity_mapping(_MAPPING), client, folder / "import", console
            )
            took = perf_counter() - begun
            cpu = {name: cpu_s(services.pid(name)) - before for name, before in spent.items()}
    counts = progress.counts
    assert counts["new identifiers"] == identifiers
    assert counts["links"] + counts.get("links refused", 0) == edges
    million_s = took * MILLION / identifiers
    return [
        Figure(
            "identity.link_ingest", edges / took, EDGES_A_S, edges / took / EDGES_A_S, "edges/s", edges, ">=1"
        ),
        Figure("identity.import_of_1e6", million_s, IMPORT_S, million_s / IMPORT_S, "s", identifiers, "<=1"),
        *(
            Figure(
                f"identity.import_{name}_cpu_an_edge",
                spent_s / edges * 1e6,
                1,
                spent_s / edges * 1e6,
                "us",
                edges,
            )
            for name, spent_s in cpu.items()
        ),
    ]


def _write(file: Path, seen: list[Seen], identifiers: int) -> None:
    """As a shop exports it: customer by customer, those of whom one identifier is known last."""
    alone = set(range(identifiers)).difference(end for one in seen for end in (one.one, one.other))
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["one", "other", "source", "seen"])
        for one in sorted(seen, key=lambda one: min(one.one, one.other)):
            at = datetime.fromtimestamp(one.observed_at_ms / 1000, UTC).isoformat()
            rows.writerow([digest(one.one).hex(), digest(one.other).hex(), one.source, at])
        rows.writerows([digest(number).hex(), "", "", ""] for number in sorted(alone))


if __name__ == "__main__":
    for figure in figures(*map(int, sys.argv[1:])):
        print(figure)
