"""RecommenderService and ProfileService behind the full chain over files of many items.

Prints its addresses and what a client needs as one JSON line, and serves until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import uvloop

from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from engagement.portrait import PageTokens
from identity.ids import SubjectId
from identity.keyring import KeyRing
from identity.pairwise import Pairwise
from services.deployment.config import shipped_policy
from services.deployment.telemetry import LineLog
from services.engagement.event_feed import projected
from services.engagement.service import ProfileServicer
from services.feed import Consumer, Feed
from services.interceptors.call import Caller
from services.parts.links import EventNews
from services.recommender.recommending import Recommender, running_recommender
from services.server import Served
from services.storage.attributes import AttributeTables
from services.storage.declared import DeclaredTables
from services.storage.engagement import EventTables
from services.storage.sqlite import SqliteDatabase
from tests.bench.full_chain import clock_ms, full_chain, guarded
from tests.conftest import Issuer
from veilgraph.engagement.v1 import profile_pb2, profile_pb2_grpc
from veilgraph.recommender.v1 import recommender_pb2, recommender_pb2_grpc

#: A person without any event so far.
NEWCOMER = SubjectId(b"newcomer of test")
SCOPES = frozenset({"recommend", "catalogue.write", "recommender.read", "profile.track"})


def _people(database: SqliteDatabase) -> tuple[list[SubjectId], SubjectId, int]:
    """Everybody, the person with the median number of events, and that number."""
    rows = database.reader.execute(
        "SELECT birth, count(*) FROM event JOIN subject ON number = subject GROUP BY subject ORDER BY 2"
    ).fetchall()
    birth, events = rows[len(rows) // 2]
    return [SubjectId(row[0]) for row in rows], SubjectId(birth), events


async def main(folder: Path) -> None:
    """Serves the files of a folder until standard input is closed."""
    begun = monotonic()
    policy, issuer, ring = shipped_policy(), Issuer(), KeyRing.create(secrets.token_bytes, 0)
    everything = (1 << len(policy.leaves)) - 1
    guard = GuardTable(policy)
    caller = Caller("shop", "acme", SCOPES, everything)
    pairwise = Pairwise(ring, caller.tenant, caller.id)
    database = SqliteDatabase(folder / "recommender.db", "recommender")
    (folder / "engagement.db").unlink(missing_ok=True)
    engagement_db = SqliteDatabase(folder / "engagement.db", "engagement")
    audit_db = SqliteDatabase(folder / "audit.db", "audit")
    births, median, events = _people(database)
    entry = GuardEntry(everything, 0, NEVER_MS, None)
    guard.apply(GuardUpdate(1, dict.fromkeys([*births, NEWCOMER], entry)))
    with (folder / "access.log").open("w") as stream:
        log = LineLog(stream)
        store = EventTables(engagement_db)

        async def news(after: int, limit: int) -> Sequence[EventNews]:
            changes = await store.changes(after, limit)
            return [EventNews(one.seq, tuple(projected(event) for event in one.events)) for one in changes]

        feed = Feed(news, store.last_seq)
        profile = ProfileServicer(
            store=store,
            declared=DeclaredTables(engagement_db),
            attributes=AttributeTables(engagement_db),
            feed=feed,
            policy=policy,
            page_tokens=PageTokens(secrets.token_bytes(64)),
        )
        async with running_recommender(
            database=database,
            folder=folder,
            guard=guard,
            clock=clock_ms,
            log=log.write,
            page_key=secrets.token_bytes(64),
        ) as recommender:
            reader = _reader(feed, recommender)
            chain = full_chain(caller=caller, issuer=issuer, ring=ring, guard=guard, audit=audit_db, log=log)
            server = guarded(
                Served(
                    recommender_pb2.DESCRIPTOR.services_by_name["RecommenderService"],
                    recommender_pb2_grpc.add_RecommenderServiceServicer_to_server,
                    recommender.servicer,
                ),
                Served(
                    profile_pb2.DESCRIPTOR.services_by_name["ProfileService"],
                    profile_pb2_grpc.add_ProfileServiceServicer_to_server,
                    profile,
                ),
                chain=chain,
                guard=guard,
            )
            await server.start("127.0.0.1:0")
            index = recommender.live.index
            told = {
                "address": server.address,
                "token": issuer.token(caller.id),
                "median": pairwise.seal(median),
                "events": events,
                "newcomer": pairwise.seal(NEWCOMER),
                "items": len(index),
                "ready_s": monotonic() - begun,
            }
            print(json.dumps(told), flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
            await server.stop(1)
            await reader.stop()
            await profile.drained()
            log.flush()
    for each in (database, engagement_db, audit_db):
        each.close()


def _reader(feed: Feed[EventNews], recommender: Recommender) -> Consumer[EventNews]:
    """Takes engagement's events in, as the part of the suite does."""
    cursor = recommender.projection.cursor

    async def take_in(changes: Sequence[EventNews]) -> None:
        events = [event for change in changes for event in change.events]
        await recommender.projection.apply(cursor + changes[-1].seq, events, [])

    reader = Consumer(feed, 0, take_in)
    reader.start()
    return reader


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1])))
