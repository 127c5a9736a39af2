"""What the parts of one process share, made of the configuration: keys, connections, the guard table.

Where consent is in another process the guard table follows its stream; where it is a part of this
one, that part feeds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from consent.guard_table import GuardTable
from identity.errors import KeyRingError
from services.consent.replica import Replica, over
from services.deployment.config import ConfigError, SuiteConfig
from services.key_file import Keys
from services.lag import Lags
from services.monitoring.certified import watch_certificates
from services.monitoring.deciding import watch_guard
from services.parts.part import Clock, Log, Process, at_once
from services.peers import Peers
from services.signing import Signed, signer
from services.storage.database import Turn
from services.tls.certificate import Certificate, following


@asynccontextmanager
async def shared_process(
    config: SuiteConfig,
    clock: Clock,
    log: Log,
    turns: Mapping[str, Turn],
    addresses: Mapping[str, str],
    *,
    registry: CollectorRegistry,
) -> AsyncIterator[Process]:
    """What the parts share. Where consent is elsewhere, the guard table follows its stream."""
    certificates = _certificates(config, clock, log, list(turns))
    watch_certificates(registry, certificates)
    peers = Peers(addresses, signer(config.keyring, Signed.SERVICE_TOKEN), config.tenant, clock, certificates)
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    lags = Lags(registry)
    keys = _keys(config)
    try:
        if "consent" in turns:
            guard = GuardTable(config.policy)  # the part feeds it
            watch_guard(registry, guard)
            process = Process(
                config, keys, clock, log, guard, registry, peers, ended, at_once, lags, certificates, turns
            )
            async with _following(process):
                yield process
            return
        first = next(iter(turns))
        replica = Replica(
            over(lambda: peers.channel("consent", first), lambda: peers.metadata(first)),
            config.policy,
            log,
            holds_keys=keys.reaches,
        )
        table, guarded = replica.table, replica.ready
        watch_guard(registry, table, lambda: replica.lease_left_s)
        process = Process(
            config, keys, clock, log, table, registry, peers, ended, guarded, lags, certificates, turns
        )
        process.must_run("the guard's replica", replica.start())
        try:
            async with _following(process):
                yield process
        finally:
            await replica.stop()
    finally:
        await peers.close()


def _keys(config: SuiteConfig) -> Keys:
    """The ring as it is now: a process may have stood by since the configuration was read."""
    keys = Keys(config.keyring_path, config.keyring)
    try:
        keys.follow()
    except (KeyRingError, OSError) as error:
        raise ConfigError(f"keyring: {error}") from None
    return keys


def _certificates(config: SuiteConfig, clock: Clock, log: Log, here: Sequence[str]) -> dict[str, Certificate]:
    """Those of the services of this process; none where connections show none."""
    if config.tls is None:
        return {}
    return {name: Certificate(config.tls.files(name), config.tls.identity(name), clock, log) for name in here}


@asynccontextmanager
async def _following(process: Process) -> AsyncIterator[None]:
    """Takes changed certificates up while the block runs."""
    if not process.certificates:
        yield
        return
    task = asyncio.create_task(following(process.certificates.values()))
    process.must_run("following the certificates", task)
    try:
        yield
    finally:
        task.cancel()
