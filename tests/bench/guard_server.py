"""The bench server: one method, one prebuilt reply, behind three servers of one process.

The full chain, the same interceptor with an empty list, and no interceptor at all. Prints
its addresses and what a client needs as one JSON line, and serves until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import tempfile
from pathlib import Path

import grpc
import uvloop

from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from identity.ids import SubjectId
from identity.keyring import KeyRing
from identity.pairwise import Pairwise
from identity.tokens import Tokeniser
from services.deployment.config import shipped_policy
from services.deployment.telemetry import LineLog
from services.interceptors.call import Caller
from services.server import Served
from services.storage.database import Database
from services.storage.postgres import PostgresDatabase, PostgresSchema
from services.storage.sqlite import SqliteDatabase
from tests.bench.full_chain import full_chain, guarded
from tests.conftest import Issuer
from tests.probe.v1 import probe_pb2, probe_pb2_grpc

SUBJECT = SubjectId(bytes(range(16)))
_PARTS = [probe_pb2.Part(title=f"An item of the shop {n}", behaviour="bought last week") for n in range(10)]
REPLY = probe_pb2.AskResponse(subject=SUBJECT.hex(), parts=_PARTS)


class Prebuilt(probe_pb2_grpc.ProbeServiceServicer):
    """Answers every question with the same reply."""

    async def Ask(self, request, call):
        return REPLY


async def _database(folder: Path, dsn: list[str]) -> Database:
    if not dsn:
        return SqliteDatabase(folder / "bench.db", "audit")
    location = PostgresSchema(dsn[0], "audit", "audit")
    await location.migrate()
    database = PostgresDatabase(location)
    await database.open()
    return database


async def main() -> None:
    """Serves until standard input is closed."""
    policy, issuer, ring = shipped_policy(), Issuer(), KeyRing.create(secrets.token_bytes, 0)
    guard = GuardTable(policy)
    guard.apply(GuardUpdate(1, {SUBJECT: GuardEntry((1 << 60) - 1, 0, NEVER_MS, None)}))
    service = probe_pb2.DESCRIPTOR.services_by_name["ProbeService"]
    register = probe_pb2_grpc.add_ProbeServiceServicer_to_server
    with tempfile.TemporaryDirectory() as name, Path(name, "access.log").open("w") as stream:
        database = await _database(Path(name), sys.argv[1:])
        tokeniser = Tokeniser(ring, "acme")
        full = full_chain(
            caller=Caller("shop", "acme", frozenset({"probe"}), (1 << 60) - 1),
            issuer=issuer,
            ring=ring,
            guard=guard,
            audit=database,
            log=LineLog(stream),
            tokenise=lambda _tenant, kind, digest: tokeniser.token(kind, digest),
        )
        addresses, servers = {}, []
        for label, chain in (("full", full), ("empty", [])):
            server = guarded(Served(service, register, Prebuilt()), chain=chain, guard=guard)
            await server.start("127.0.0.1:0")
            addresses[label] = server.address
            servers.append(server)
        bare = grpc.aio.server()
        register(Prebuilt(), bare)
        addresses["bare"] = f"127.0.0.1:{bare.add_insecure_port('127.0.0.1:0')}"
        await bare.start()
        subject = Pairwise(ring, "acme", "shop").seal(SUBJECT)
        print(
            json.dumps({"addresses": addresses, "token": issuer.token("shop"), "subject": subject}),
            flush=True,
        )
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main())
