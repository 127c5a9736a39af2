"""The identity graph in memory at 10⁴, 10⁵ and 10⁶ identifiers, and all its people at once.

Each size is a process of its own, so that memory is that size's alone. The baseline of a growth
line is the same figure at 10⁴; that of the partition is networkx from the same ends, build
included in both, and the answers are compared.
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

from identity.effect import admits
from identity.graph import Graph
from services.deployment.config import shipped_policy, shipped_rules
from tests.bench.identity_world import NOW_MS, edges, sightings, subjects
from tests.bench.measure import Figure

SIZES = (10_000, 100_000, 1_000_000)
ASKED = 50_000
VIEW = "wide"
WALK_US, ADJACENCY_MIB, FASTER = 9, 450, 50


def figures() -> list[Figure]:
    """Walks, what Link asks, memory and loading a size; the partition at the largest."""
    found = {size: _in_its_own_process("graph", size) for size in SIZES}
    lines = []
    for size in SIZES:
        for name, value in found[size].items():
            first = found[SIZES[0]][name]
            unit = name.rpartition("_")[2]
            lines.append(
                Figure(f"identity.{name}_at_1e{len(str(size)) - 1}", value, first, value / first, unit, size)
            )
    largest = SIZES[-1]
    for name, limit, unit in (("walk_us", WALK_US, "us"), ("adjacency_MiB", ADJACENCY_MIB, "MiB")):
        value = found[largest][name]
        lines.append(Figure(f"identity.{name}", value, limit, value / limit, unit, largest, "<=1"))
    both = _in_its_own_process("partition", largest)
    ratio = both["networkx_s"] / both["ours_s"]
    lines.append(
        Figure("identity.all_people", both["ours_s"], both["networkx_s"], ratio, "s", largest, f">={FASTER}")
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
    rules = shipped_rules(shipped_policy())
    in_view = admits(rules, VIEW, NOW_MS)
    chance = random.Random(1)
    asked = [born[chance.randrange(identifiers)] for _ in range(ASKED)]
    begun = perf_counter()
    reached = [built.walk(one, in_view, rules.members_max) for one in asked]
    walk_us = (perf_counter() - begun) / ASKED * 1e6
    begun = perf_counter()
    for one in asked:
        built.asserted(one, rules.members_max)
    asserted_us = (perf_counter() - begun) / ASKED * 1e6
    assert all(one.complete for one in reached)
    return {
        "walk_us": walk_us,
        "asserted_us": asserted_us,
        "adjacency_MiB": held,
        "load_an_edge_us": load_us,
        "mean_members": sum(len(one.members) for one in reached) / ASKED,
    }


def partition(identifiers: int) -> dict[str, float]:
    """All people of a view from the graph in memory, and by networkx from the same edges.

    In CPU time: both use one thread, and what else the machine does slows neither.
    """
    import networkx as nx

    from identity.partition import parts

    ledger = list(edges(subjects(identifiers), sightings(identifiers)))
    built = Graph(ledger)
    in_view = admits(shipped_rules(shipped_policy()), VIEW, NOW_MS)
    parts(2, [0], [1])
    ours = []
    for _ in range(3):
        begun = process_time()
        joined = built.joined(in_view)
        labels = parts(len(joined.subjects), joined.a, joined.b)
        ours.append(process_time() - begun)
    number = {subject: place for place, subject in enumerate(joined.subjects)}
    ends = [(number[edge.a], number[edge.b]) for edge in ledger if in_view(edge)]
    begun = process_time()
    naive = nx.Graph()
    naive.add_nodes_from(range(len(joined.subjects)))
    naive.add_edges_from(ends)
    components = list(nx.connected_components(naive))
    networkx_s = process_time() - begun
    assert len(components) == labels.max() + 1
    assert all(len({labels[one] for one in part}) == 1 for part in components)
    return {"ours_s": sorted(ours)[1], "networkx_s": networkx_s}


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


_MEASURES = {"graph": graph, "partition": partition}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_MEASURES[sys.argv[1]](int(sys.argv[2]))))
    else:
        for figure in figures():
            print(figure)
