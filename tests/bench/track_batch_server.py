"""ProfileService behind the full chain over empty tables, for the bench.

    python -m tests.bench.track_batch_server [URI of an empty PostgreSQL database]

Prints its address and what a client needs as one JSON line, serves until its input ends,
then prints how many events shared each of its transactions.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from pathlib import Path
from typing import Any

import uvloop

from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from engagement.portrait import PageTokens
from identity.keyring import KeyRing
from identity.pairwise import Pairwise
from services.deployment.config import shipped_policy
from services.deployment.telemetry import LineLog
from services.engagement.service import ProfileServicer
from services.feed import Feed
from services.interceptors.call import Caller
from services.server import Served
from services.storage.attributes import AttributeTables
from services.storage.declared import DeclaredTables
from services.storage.engagement import EventTables
from services.storage.postgres import PostgresDatabase, PostgresSchema
from services.storage.sqlite import SqliteDatabase
from tests.bench.full_chain import full_chain, guarded
from tests.bench.track_batch import CountingDatabase, people, scratch
from tests.bench.track_batch_postgres import CountingSchema
from tests.conftest import Issuer
from veilgraph.engagement.v1 import profile_pb2, profile_pb2_grpc


async def _databases(folder: Path, dsn: list[str]) -> tuple[Any, Any]:
    """Where audit records and events go; the latter counts its transactions."""
    if not dsn:
        return SqliteDatabase(folder / "audit.db", "audit"), CountingDatabase(folder / "e.db", "engagement")
    audit = PostgresSchema(dsn[0], "audit", "audit")
    events = PostgresSchema(dsn[0], "engagement", "engagement")
    audit_db, database = PostgresDatabase(audit), CountingSchema(events)
    for location, opened in ((audit, audit_db), (events, database)):
        await location.migrate()
        await opened.open()
    return audit_db, database


async def main() -> None:
    """Serves until standard input is closed."""
    policy, issuer, ring = shipped_policy(), Issuer(), KeyRing.create(secrets.token_bytes, 0)
    everything = (1 << len(policy.leaves)) - 1
    guard = GuardTable(policy)
    births = people()
    guard.apply(GuardUpdate(1, {birth: GuardEntry(everything, 0, NEVER_MS, None) for birth in births}))
    pairwise = Pairwise(ring, "acme", "till")
    caller = Caller("till", "acme", frozenset({"profile.track"}), everything)
    with scratch() as folder, (folder / "access.log").open("w") as stream:
        log = LineLog(stream)
        audit_db, database = await _databases(folder, sys.argv[1:])
        store = EventTables(database)
        servicer = ProfileServicer(
            store=store,
            declared=DeclaredTables(database),
            attributes=AttributeTables(database),
            feed=Feed(store.changes, store.last_seq),
            policy=policy,
            page_tokens=PageTokens(secrets.token_bytes(64)),
        )
        chain = full_chain(caller=caller, issuer=issuer, ring=ring, guard=guard, audit=audit_db, log=log)
        server = guarded(
            Served(
                profile_pb2.DESCRIPTOR.services_by_name["ProfileService"],
                profile_pb2_grpc.add_ProfileServiceServicer_to_server,
                servicer,
            ),
            chain=chain,
            guard=guard,
        )
        await server.start("127.0.0.1:0")
        told = {
            "address": server.address,
            "token": issuer.token(caller.id),
            "births": [birth.hex() for birth in births],
            "subjects": [pairwise.seal(birth) for birth in births],
        }
        print(json.dumps(told), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await server.stop(1)
        await servicer.drained()
        log.flush()
        for one in (database, audit_db):  # before its sizes are read: the writer counts after it has answered
            closing = one.close()
            if closing is not None:
                await closing
        print(json.dumps(database.transaction_sizes), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
