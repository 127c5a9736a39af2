"""What a decision in the process costs: one at a time, many at once, and what is held for it.

At 10⁶ subjects, and at 10⁷ where the machine has the memory; each size in a process of its
own. A decision begins at a 16-byte subject and asks the lease, the folded masks, the end of
what was granted and, where the answer is no, for its typed reason; every second subject says
no. Subjects stand alone and share no entry, which is the most memory a subject can take.
"""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from time import perf_counter

import numpy as np

from consent.guard_columns import GuardColumns
from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from identity.ids import SubjectId
from services.deployment.config import shipped_policy
from tests.bench.growth import rss_mib
from tests.bench.measure import Figure

SIZES = (1_000_000, 10_000_000)
ASKED = 200_000
BATCH = 1_000
NOW_MS = 1_700_000_000_000
#: What the large size needs at most while it is built.
LARGE_MIB = 9_000
#: Figure -> its limit at 10⁶.
LIMITS = {"us": 5.0, "batch_us": 1.0, "mapped_ns": 50.0}
UNITS = {
    "us": "us",
    "batch_us": "us",
    "mapped_ns": "ns",
    "table_bytes": "B",
    "columns_bytes": "B",
    "built_s": "s",
}


def figures() -> list[Figure]:
    """All lines; those at 10⁶ against their limits."""
    lines = []
    for size in SIZES:
        if size > SIZES[0] and _free_mib() < LARGE_MIB:
            continue
        command = [sys.executable, "-m", "tests.bench.decide", str(size)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for name, value in found.items():
            limit = LIMITS.get(name) if size == SIZES[0] else None
            baseline = limit or value
            label = f"consent.decide_{name}_at_1e{len(str(size)) - 1}"
            bound = "<=1" if limit else ""
            lines.append(Figure(label, value, baseline, value / baseline, UNITS[name], size, bound))
    return lines


def measure(size: int) -> dict[str, float]:
    """The figures of one size."""
    chance = random.Random(0)
    policy = shipped_policy()
    purpose = policy.index("personalise.recommend")
    until = time.clock_gettime(time.CLOCK_BOOTTIME) + 3600.0
    table = GuardTable(policy, live=lambda: time.clock_gettime(time.CLOCK_BOOTTIME) < until)
    subjects = [SubjectId(chance.randbytes(16)) for _ in range(size)]
    gc.collect()
    before = rss_mib()
    begun = perf_counter()
    everything = (1 << len(policy.leaves)) - 1
    table.apply(
        GuardUpdate(
            1,
            {
                subject: GuardEntry(everything - (number % 2 << purpose), 0, NEVER_MS - number % 7, None)
                for number, subject in enumerate(subjects)
            },
        )
    )
    built_s = perf_counter() - begun
    table_mib = rss_mib() - before
    asked = [subjects[chance.randrange(size)] for _ in range(ASKED)]
    columns = GuardColumns(table)
    columns.rows([])
    return {
        "us": _one_by_one(table, asked, purpose),
        "batch_us": _in_batches(columns, asked, purpose),
        "mapped_ns": _mapped(columns, asked, purpose),
        "table_bytes": table_mib * (1 << 20) / size,
        "columns_bytes": columns.held_bytes / size,
        "built_s": built_s,
    }


def _one_by_one(table: GuardTable, asked: list[SubjectId], purpose: int) -> float:
    refused = 0
    begun = perf_counter()
    for subject in asked:
        if not table.ready or table.reason(subject, purpose, NOW_MS):
            refused += 1
    took = perf_counter() - begun
    assert 0.45 < refused / len(asked) < 0.55
    return took / len(asked) * 1e6


def _in_batches(columns: GuardColumns, asked: list[SubjectId], purpose: int) -> float:
    begun = perf_counter()
    for start in range(0, len(asked), BATCH):
        columns.allowed(asked[start : start + BATCH], purpose, NOW_MS)
    return (perf_counter() - begun) / len(asked) * 1e6


def _mapped(columns: GuardColumns, asked: list[SubjectId], purpose: int) -> float:
    rows = columns.rows(asked)
    assert 0.45 < columns.allowed_rows(rows, purpose, NOW_MS).mean() < 0.55
    parts = np.split(rows, range(BATCH, len(rows), BATCH))
    begun = perf_counter()
    for part in parts:
        columns.allowed_rows(part, purpose, NOW_MS)
    return (perf_counter() - begun) / len(asked) * 1e9


def _free_mib() -> float:
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) / 1024


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
