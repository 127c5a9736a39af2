"""How cost and memory grow: the walk that links are judged by, the guard table and the search.

At 10⁴, 10⁵ and 10⁶.

Each size is a process of its own, so that memory is that size's alone. The baseline of each
line is the same figure at 10⁴: a ratio of 1 is flat.
"""

from __future__ import annotations

import gc
import json
import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from identity.graph import Graph
from identity.ids import SubjectId
from identity.ledger import Edge, EdgeState, Evidence
from services.deployment.config import shipped_policy, shipped_rules
from tests.bench.measure import Figure

SIZES = (10_000, 100_000, 1_000_000)
PERSON = 3  # identifiers a person
ASKED = 20_000
NOW_MS = 1_700_000_000_000


def figures() -> list[Figure]:
    """All lines, the first size as the baseline of the others."""
    lines = []
    for name in BUILDERS:
        found = {size: _in_its_own_process(name, size) for size in SIZES}
        for size in SIZES:
            for unit, value in found[size].items():
                first = found[SIZES[0]][unit]
                label = f"growth.{name}_at_1e{len(str(size)) - 1}"
                lines.append(Figure(label, value, first, value / first, unit, size))
    return lines


def _in_its_own_process(name: str, size: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.growth", name, str(size)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    measured: dict[str, float] = json.loads(output)
    return measured


def measure(name: str, identifiers: int) -> dict[str, float]:
    """Builds a structure for so many identifiers and measures it: microseconds a question, MiB in all."""
    chance = random.Random(0)
    subjects = [SubjectId(chance.randbytes(16)) for _ in range(identifiers)]
    before = rss_mib()
    ask = BUILDERS[name](subjects)
    gc.collect()
    held = rss_mib() - before
    asked = [subjects[chance.randrange(identifiers)] for _ in range(ASKED)]
    begun = perf_counter()
    for subject in asked:
        ask(subject)
    return {"us": (perf_counter() - begun) / ASKED * 1e6, "MiB": held}


def _graph(subjects: list[SubjectId]) -> Callable[[SubjectId], object]:
    def edges() -> Iterator[Edge]:
        for number, (one, other) in enumerate(_pairs(len(subjects))):
            a, b = sorted((subjects[one], subjects[other]))
            yield Edge(number, a, b, Evidence.LOGIN, "web", NOW_MS, NEVER_MS, 1000, EdgeState.ACTIVE)

    graph = Graph(edges())
    members_max = shipped_rules(shipped_policy()).members_max
    return lambda subject: graph.asserted(subject, members_max)


def _guard_table(subjects: list[SubjectId]) -> Callable[[SubjectId], object]:
    policy = shipped_policy()
    people = [tuple(subjects[start : start + PERSON]) for start in range(0, len(subjects), PERSON)]
    table = GuardTable(policy)
    everything = (1 << len(policy.leaves)) - 1
    entries = {}
    for person in people:
        entry = GuardEntry(everything, 0, NEVER_MS, (person, person))
        entries.update(dict.fromkeys(person, entry))
    table.apply(GuardUpdate(1, entries))
    purpose = policy.index("personalise.recommend")
    return lambda subject: table.allows(subject, purpose, NOW_MS)


def _pairs(identifiers: int) -> Iterator[tuple[int, int]]:
    """Three edges among each three identifiers: as many edges as identifiers."""
    for start in range(0, identifiers - PERSON + 1, PERSON):
        yield start, start + 1
        yield start + 1, start + 2
        yield start, start + 2


def rss_mib() -> float:
    """Memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


BUILDERS = {"identity_walk": _graph, "guard_decision": _guard_table}

if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
