"""What a million people cost the authority to load and a new replica to take over.

Everybody has said one thing; the file is filled by copying one record, so that the bench
measures loading and not writing. The replica is a process of its own: its time runs from its
first attempt to its first lease, its memory is the most it ever held.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter

import uvloop

from services.storage.sqlite import connect
from tests.bench.measure import Figure
from tests.bench.track_batch import scratch
from tests.consent.statements import subject
from tests.replicas.authority import hosting
from tests.replicas.driving import started

PEOPLE = 1_000_000
_PEOPLE = """CREATE TEMP TABLE people AS
    WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?)
    SELECT randomblob(16) AS person FROM counted"""
_RECORDS = """INSERT INTO records (subject, event_id, {copied})
    SELECT person, randomblob(16), {copied} FROM people, (SELECT * FROM records WHERE position = 1)"""


def figures() -> list[Figure]:
    """Seconds and memory."""
    with scratch() as folder:
        load_s, told, held = uvloop.run(_measure(folder))
    return [
        Figure("consent.authority_load", load_s, 1, load_s, "s", PEOPLE),
        Figure("consent.bootstrap", told["ready_s"], 1, told["ready_s"], "s", held),
        Figure("consent.bootstrap_memory", told["rss_mib"], 1, told["rss_mib"], "MiB", held),
    ]


async def _measure(folder: Path) -> tuple[float, dict[str, float], int]:
    async with hosting(folder, births=[subject(0)], granted=1):
        pass
    await asyncio.to_thread(fill, folder / "consent.db")
    begun = perf_counter()
    async with hosting(folder) as host:
        load_s = perf_counter() - begun
        replica = await started(host, folder / "report", probes=False)
        held = len(host.authority.snapshot().entries)
        await replica.end()
    return load_s, replica.told, held


def fill(file: Path) -> None:
    """Has ``PEOPLE`` more say what subject 0 said."""
    connection = connect(file)
    columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(records)")]
    copied = ", ".join(name for name in columns if name not in {"position", "subject", "event_id"})
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_PEOPLE, (PEOPLE,))
    connection.execute("INSERT INTO births (subject) SELECT person FROM people")
    connection.execute(_RECORDS.format(copied=copied))
    connection.execute("COMMIT")
    connection.close()


if __name__ == "__main__":
    for figure in figures():
        print(figure)
