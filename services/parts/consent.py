"""Consent: the authority, its reader of identity's graph, and the barrier others wait at."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from consent.erasure import Asked
from consent.history import HistoryTokens
from services.audit.collecting import Collector
from services.audit.service import AuditServicer
from services.consent.authority import ConsentAuthority
from services.consent.guard_stream import GuardServicer
from services.consent.key_barrier import KeyBarrierServicer
from services.consent.service import ConsentServicer
from services.consent.signal_link import SignalServicer
from services.consent.signals import RecordedSignals
from services.deployment.config import ConfigError
from services.feed import Consumer
from services.identity.graph_feed import GraphBarrierServicer
from services.monitoring.withdrawing import watch_authority
from services.parts.links import Links
from services.parts.part import Part, Process
from services.remote_stores import store_served
from services.rights.erasure import Erasures, Surroundings, nobody_to_tell
from services.rights.proofs import Proofs
from services.rights.service import RightsServicer
from services.server import Served
from services.signing import Signed, signer
from services.storage.consent import ConsentTables
from services.storage.consent_people import ConsentPeople
from services.storage.erasure_journal import ErasureJournal
from services.storage.personal import DatabaseStore
from services.storage.policy_version import PolicyWentBack, run_under
from services.storage.proof_register import ProofRegister
from services.storage.sealed_log import SealedLog
from services.storage.subject_keys import SubjectKeys
from veilgraph.consent.v1 import (
    audit_pb2,
    audit_pb2_grpc,
    consent_pb2,
    consent_pb2_grpc,
    rights_pb2,
    rights_pb2_grpc,
)
from veilgraph.internal.v1 import (
    feed_pb2,
    feed_pb2_grpc,
    guard_pb2,
    guard_pb2_grpc,
    signal_pb2,
    signal_pb2_grpc,
)


@asynccontextmanager
async def consent_part(process: Process, links: Links) -> AsyncIterator[Part]:
    """Consent while the block runs; it reads the graph's feed, gives the barrier and feeds all guards."""
    policy = process.config.policy
    async with process.database("consent") as database:
        try:
            await run_under(database, policy, own=process.config.own_policy)
        except PolicyWentBack as error:
            raise ConfigError(f"policy: {error}") from None
        keys = SubjectKeys(process.config.keyring)
        store = ConsentTables(database, policy, keys)
        authority = ConsentAuthority(store, policy, process.clock, held=process.held)
        watch_authority(process.registry, authority)
        process.must_run("the consent authority", await authority.start())
        authority.keys_revision = process.keys.ring.revision
        reader = Consumer(links.graph, authority.graph_cursor, authority.apply_graph)
        process.must_run("consent's reader of the ledger", reader.start())
        process.lags.watch("graph", lambda: reader.lag)

        async def barrier(seq: int) -> int:
            await reader.caught_up(seq)
            return authority.epoch

        links.barrier = barrier
        keys_held = KeyBarrierServicer(authority, process.keys)
        links.key_barrier = keys_held.held
        people = ConsentPeople(process.clock, policy.proof_days, keys)
        links.stores[people.name] = DatabaseStore(database, people, keys)
        signals = RecordedSignals(authority, process.config.tenant, process.clock, os.urandom)
        links.signals = signals
        head_signer = signer(process.config.keyring, Signed.AUDIT_HEAD)
        log = SealedLog(database, process.config.tenant, head_signer, process.clock)
        collector = Collector(log, process.clock, process.log)

        async def noted(asked: Asked, digest: bytes) -> dict[str, Any]:
            return (await log.note("ERASURE", bytes.fromhex(asked.erasure_id), digest)).as_json()

        links.erasures = erasures = Erasures(
            authority=authority,
            store=store,
            journal=ErasureJournal(database),
            stores=links.stores,
            around=Surroundings(
                signer=signer(process.config.keyring, Signed.ERASURE_RECEIPT),
                tenant=process.config.tenant,
                clock=process.clock,
                report=process.log,
                notify=nobody_to_tell,
                evidence=noted,
            ),
        )

        async def ready() -> None:
            # Whoever takes over has every link that was answered: identity waits at the barrier before it
            # answers. So it waits for no identity, which may be changing hands as well.
            if process.held is None:
                await reader.caught_up(await links.graph.head())
            authority.subscribe(process.guard)
            for name, task in (await collector.start(links.audit)).items():
                process.must_run(f"the collection of {name}'s audit", task)
                process.lags.watch(f"audit.{name}", partial(collector.lag, name))
            await erasures.resume()

        page_key = process.config.keyring.active("signing").derive(b"pages of consent history", 64)
        guard = GuardServicer(authority)
        asked_rights = rights(process, links, authority, ProofRegister(database))
        served = [
            Served(
                consent_pb2.DESCRIPTOR.services_by_name["ConsentService"],
                consent_pb2_grpc.add_ConsentServiceServicer_to_server,
                ConsentServicer(authority, process.keys.pairwise, HistoryTokens(page_key)),
            ),
            Served(
                audit_pb2.DESCRIPTOR.services_by_name["AuditService"],
                audit_pb2_grpc.add_AuditServiceServicer_to_server,
                AuditServicer(log),
            ),
            Served(
                feed_pb2.DESCRIPTOR.services_by_name["GraphBarrierService"],
                feed_pb2_grpc.add_GraphBarrierServiceServicer_to_server,
                GraphBarrierServicer(barrier),
            ),
            Served(
                feed_pb2.DESCRIPTOR.services_by_name["KeyBarrierService"],
                feed_pb2_grpc.add_KeyBarrierServiceServicer_to_server,
                keys_held,
            ),
            Served(
                guard_pb2.DESCRIPTOR.services_by_name["GuardService"],
                guard_pb2_grpc.add_GuardServiceServicer_to_server,
                guard,
            ),
            Served(
                rights_pb2.DESCRIPTOR.services_by_name["RightsService"],
                rights_pb2_grpc.add_RightsServiceServicer_to_server,
                asked_rights,
            ),
            Served(
                signal_pb2.DESCRIPTOR.services_by_name["SignalService"],
                signal_pb2_grpc.add_SignalServiceServicer_to_server,
                SignalServicer(signals),
            ),
            store_served(links.stores["consent"]),
        ]
        try:
            yield Part(
                "consent", database, served, ready=ready, stopping=guard.close, drained=asked_rights.drained
            )
        finally:
            await erasures.stop()
            await collector.stop()
            await reader.stop()
            await authority.stop()


def rights(
    process: Process, links: Links, authority: ConsentAuthority, register: ProofRegister
) -> RightsServicer:
    """The rights of people, who prove themselves to the verifiers of the configuration."""
    config = process.config
    return RightsServicer(
        authority=authority,
        reach=links,
        register=register,
        proofs=Proofs(config.verifiers),
        attesters=frozenset(verifier.name for verifier in config.verifiers),
        open_of=lambda caller: process.keys.pairwise(caller).open,
    )
