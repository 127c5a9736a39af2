"""The identity graph in memory at 10⁴, 10⁵ and 10⁶ identifiers, whom a call is about, and everybody at once.

Each size is a process of its own, so that memory is that size's alone. The baseline of a growth
line is the same figure at 10⁴; that of the partition is networkx from the same rows of the ledger,
build included in both, and the answers are compared.
"""

from __future__ import annotations

import gc
import json
import random
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from consent.fold import SILENT
from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from consent.projection import Projection
from identity.columns import Columns
from identity.graph import Graph
from identity.ids import SubjectId
from identity.ledger import LedgerEntry
from identity.repartition import people_in
from services.consent.service import edge_fact
from services.deployment.config import shipped_policy, shipped_rules
from tests.bench.identity_world import NOW_MS, edges, sightings, subjects
from tests.bench.measure import Figure

SIZES = (10_000, 100_000, 1_000_000)
ASKED = 50_000
PURPOSE = "personalise.recommend"
_PORTION = 50_000
WALK_US, ADJACENCY_MIB, FASTER = 9, 450, 50


def figures() -> list[Figure]:
    """Walks, what Link asks, memory and loading a size; the partition at the largest."""
    lines = []
    for what in ("graph", "people"):
        found = {size: _in_its_own_process(what, size) for size in SIZES}
        for size in SIZES:
            for name, value in found[size].items():
                first = found[SIZES[0]][name]
                unit = name.rpartition("_")[2]
                label = f"identity.{name}_at_1e{len(str(size)) - 1}"
                lines.append(Figure(label, value, first, value / first, unit, size))
        for name, limit, unit in (("walk_us", WALK_US, "us"), ("adjacency_MiB", ADJACENCY_MIB, "MiB")):
            if name in (largest := found[SIZES[-1]]):
                value = largest[name]
                lines.append(Figure(f"identity.{name}", value, limit, value / limit, unit, SIZES[-1], "<=1"))
    both = _in_its_own_process("partition", SIZES[-1])
    ratio = both["networkx_s"] / both["ours_s"]
    lines.append(
        Figure(
            "identity.all_people", both["ours_s"], both["networkx_s"], ratio, "s", SIZES[-1], f">={FASTER}"
        )
    )
    return lines


def _in_its_own_process(what: str, size: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.identity_graph", what, str(size)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told: dict[str, float] = json.loads(output)
    return told


def graph(identifiers: int) -> dict[str, float]:
    """Builds the graph of so many identifiers and asks it; the subjects are counted with it."""
    seen = sightings(identifiers)
    gc.collect()
    before = _rss_mib()
    born = subjects(identifiers)
    begun = perf_counter()
    built = Graph(edges(born, seen))
    load_us = (perf_counter() - begun) / len(seen) * 1e6
    gc.collect()
    held = _rss_mib() - before
    members_max = shipped_rules(shipped_policy()).members_max
    asked = _asked(born)
    begun = perf_counter()
    for one in asked:
        built.asserted(one, members_max)
    asserted_us = (perf_counter() - begun) / ASKED * 1e6
    return {"asserted_us": asserted_us, "adjacency_MiB": held, "load_an_edge_us": load_us}


def people(identifiers: int) -> dict[str, float]:
    """Asks whose data a call may read, as every call does: the guard table of a replica is asked.

    Everybody permits everything, linking as well, so that nobody's answer is shortened.
    """
    policy, born = shipped_policy(), subjects(identifiers)
    purpose = policy.index(PURPOSE)
    table = GuardTable(policy, live=lambda: True)
    begun = perf_counter()
    entries = _folded(born, identifiers)
    fold_us = (perf_counter() - begun) / identifiers * 1e6
    table.apply(GuardUpdate(1, entries))
    asked = _asked(born)
    begun = perf_counter()
    members = [len(table.members(one, purpose, NOW_MS)) for one in asked]
    walk_us = (perf_counter() - begun) / ASKED * 1e6
    return {"walk_us": walk_us, "mean_members": sum(members) / ASKED, "fold_an_identifier_us": fold_us}


def _folded(born: list[SubjectId], identifiers: int) -> dict[SubjectId, GuardEntry]:
    """Everybody's entry, as the consent authority folds them from the ledger's edges."""
    policy = shipped_policy()
    rules = shipped_rules(policy)
    projection = Projection(policy)
    everything = SILENT._replace(grants=((NEVER_MS, (1 << len(policy.leaves)) - 1),))
    projection.change(NOW_MS, births=born, own=dict.fromkeys(born, everything))
    facts = [edge_fact(edge, rules, policy) for edge in edges(born, sightings(identifiers))]
    for start in range(0, len(facts), _PORTION):
        projection.change(NOW_MS, edges=facts[start : start + _PORTION])
    return projection.entries


def _asked(born: list[SubjectId]) -> list[SubjectId]:
    chance = random.Random(1)
    return [born[chance.randrange(len(born))] for _ in range(ASKED)]


def partition(identifiers: int) -> dict[str, float]:
    """All people of a view, as a preview of rules asks, and by networkx from the same rows.

    In CPU time: both use one thread, and what else the machine does slows neither.
    """
    import networkx as nx

    policy = shipped_policy()
    rules = shipped_rules(policy)
    view = policy.view_of[policy.index(PURPOSE)]
    born = subjects(identifiers)
    ledger = Columns((LedgerEntry(edge, NOW_MS, "") for edge in edges(born, sightings(identifiers))), {})
    stands = np.ones(len(ledger), np.bool_)
    ours = []
    for _ in range(3):
        begun = process_time()
        labels = people_in(ledger, stands, ledger.effects(rules), view, NOW_MS)
        ours.append(process_time() - begun)
    begun = process_time()
    counts = ledger.effects(rules)
    joins = (counts.views >> view & 1 == 1) & (counts.ends_ms > NOW_MS)
    ends = list(zip(ledger.a[joins].tolist(), ledger.b[joins].tolist(), strict=True))
    naive = nx.Graph()
    naive.add_nodes_from(range(len(ledger.subjects)))
    naive.add_edges_from(ends)
    components = list(nx.connected_components(naive))
    networkx_s = process_time() - begun
    assert len(components) == labels.max() + 1
    assert all(len({labels[one] for one in part}) == 1 for part in components)
    return {"ours_s": sorted(ours)[1], "networkx_s": networkx_s}


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


_MEASURES = {"graph": graph, "people": people, "partition": partition}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_MEASURES[sys.argv[1]](int(sys.argv[2]))))
    else:
        for figure in figures():
            print(figure)
