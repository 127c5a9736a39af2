"""The full chain as a bench has it: before one caller, over a real audit log, by the clock of the machine."""

from __future__ import annotations

from collections.abc import Sequence
from time import time_ns

from prometheus_client import CollectorRegistry

from consent.guard_table import GuardTable
from identity.keyring import KeyRing
from identity.pairwise import Pairwise
from services.deployment.telemetry import LineLog
from services.interceptors import layers
from services.interceptors.authentication import verifier
from services.interceptors.call import Caller
from services.interceptors.layer import Layer
from services.interceptors.metrics import CallMetrics
from services.interceptors.pseudonymisation import Tokenise
from services.key_sets import fixed
from services.server import GuardedServer, Served
from services.storage.audit import StoredAuditLog
from services.storage.database import Database
from tests.conftest import AUDIENCE, ISSUER, Issuer
from tests.services.conftest import KeptSignals


def clock_ms() -> int:
    """The present instant, milliseconds since the epoch."""
    return time_ns() // 1_000_000


def full_chain(
    *,
    caller: Caller,
    issuer: Issuer,
    ring: KeyRing,
    guard: GuardTable,
    audit: Database,
    log: LineLog,
    tokenise: Tokenise | None = None,
) -> list[Layer]:
    """Every layer, before the one caller there is."""
    pairwise = Pairwise(ring, caller.tenant, caller.id)
    return layers(
        log=log.write,
        call_metrics=CallMetrics(CollectorRegistry()),
        verify=verifier(fixed(issuer.jwks), ISSUER, AUDIENCE, {caller.id: caller}, guard.policy),
        clock_ms=clock_ms,
        audit_log=StoredAuditLog(audit, ring),
        pairwise_of=lambda _caller: pairwise,
        tokenise=tokenise,
        signals_port=KeptSignals(guard),
    )


def guarded(*served: Served, chain: Sequence[Layer], guard: GuardTable) -> GuardedServer:
    """A server behind a chain."""
    return GuardedServer(*served, layers=chain, policy=guard.policy, guard=guard, clock_ms=clock_ms)
