"""A consent authority on a file, its guard stream behind the real chain, driven from this process."""

from __future__ import annotations

import io
import os
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry

from consent.component import GraphStep
from consent.guard_table import GuardTable
from consent.leases import Leases
from consent.record import Action
from consent.statement import LedgerEntry
from identity.ids import SubjectId
from identity.keyring import KeyRing
from identity.pairwise import Pairwise
from services.consent.authority import ConsentAuthority
from services.consent.barrier import Barrier
from services.consent.guard_stream import GuardServicer
from services.consent.signals import RecordedSignals
from services.deployment.config import shipped_policy
from services.interceptors import layers
from services.interceptors.authentication import verifier
from services.interceptors.call import Caller
from services.interceptors.metrics import CallMetrics
from services.key_sets import fixed
from services.server import GuardedServer, Served
from services.storage.audit import StoredAuditLog
from services.storage.consent import ConsentTables
from services.storage.sqlite import SqliteDatabase
from services.storage.subject_keys import SubjectKeys
from tests.consent.statements import entry, statement, subject
from tests.given import AUDIENCE, ISSUER, Issuer
from veilgraph.internal.v1 import guard_pb2, guard_pb2_grpc

#: What a statement is about; replicas decide for the first.
PURPOSES = (PURPOSE, OTHER) = ("loyalty", "marketing.email")
POLICY = shipped_policy()
ENTRIES_A_REQUEST = 500


def wall_ms() -> int:
    """The present instant."""
    return time.time_ns() // 1_000_000


def boot_ns() -> int:
    """The clock that decisions and returns are compared by; all processes of a machine share it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


@dataclass
class Host:
    """A running authority.

    Attributes:
        address: where its guard stream is served.
        token: lets a replica follow.
        returned_ns: when the withdrawal of each subject returned.
    """

    authority: ConsentAuthority
    database: SqliteDatabase
    address: str
    token: str
    returned_ns: dict[int, int] = field(default_factory=dict)

    async def withdraw(self, number: int) -> float:
        """Withdraws what subject ``number`` granted; gives the seconds it took."""
        begun = time.perf_counter()
        await self.authority.record([said(number, Action.WITHDRAW)])
        self.returned_ns[number] = boot_ns()
        return time.perf_counter() - begun


def said(number: int, action: Action) -> LedgerEntry:
    """What subject ``number`` says; the same call is the same statement."""
    one = statement(subject(number), *PURPOSES, action=action)
    return entry(POLICY, one, request_id=f"{action.name}-{number}", now_ms=wall_ms())


@asynccontextmanager
async def hosting(
    folder: Path, *, births: Sequence[SubjectId] = (), granted: int = 0, barrier: Barrier | None = None
) -> AsyncIterator[Host]:
    """An authority that serves.

    Args:
        folder: where its file is.
        births: the subjects to announce, unless the file has them.
        granted: the subjects numbered below have granted ``PURPOSES``.
        barrier: what restricting writes wait at.
    """
    issuer, ring = Issuer(), KeyRing.create(secrets.token_bytes, 0)
    pairwise = Pairwise(ring, "acme", "replica")
    everything = (1 << len(POLICY.leaves)) - 1
    caller = Caller("replica", "acme", frozenset({"internal.guard"}), everything)
    database = SqliteDatabase(folder / "consent.db", "consent")
    store = ConsentTables(database, POLICY, SubjectKeys(ring))
    authority = ConsentAuthority(store, POLICY, wall_ms, barrier or Barrier(Leases()))
    await authority.start()
    await authority.apply_graph([GraphStep(1, tuple(births), ())])
    for first in range(0, granted, ENTRIES_A_REQUEST):
        numbers = range(first, min(first + ENTRIES_A_REQUEST, granted))
        await authority.record([said(number, Action.GRANT) for number in numbers])
    guard = GuardTable(POLICY)
    authority.subscribe(guard)
    servicer = GuardServicer(authority)
    server = GuardedServer(
        Served(
            guard_pb2.DESCRIPTOR.services_by_name["GuardService"],
            guard_pb2_grpc.add_GuardServiceServicer_to_server,
            servicer,
        ),
        layers=layers(
            log=io.StringIO().write,
            call_metrics=CallMetrics(CollectorRegistry()),
            verify=verifier(fixed(issuer.jwks), ISSUER, AUDIENCE, {"replica": caller}, POLICY),
            clock_ms=wall_ms,
            audit_log=StoredAuditLog(database, ring),
            pairwise_of=lambda _caller: pairwise,
            tokenise=None,
            signals_port=RecordedSignals(authority, "acme", wall_ms, os.urandom),
        ),
        policy=POLICY,
        guard=guard,
        clock_ms=wall_ms,
    )
    await server.start("127.0.0.1:0")
    await server.serving()
    try:
        yield Host(authority, database, server.address, issuer.token("replica"))
    finally:
        servicer.close()
        await server.stop(0.2)
        await authority.stop()
        database.close()
