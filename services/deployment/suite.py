"""The parts of the suite that run in this process, each behind its own guarded server.

All parts listen before any waits for another, so that no order of starting processes can
deadlock; within a process they become ready in the order of depending: consent follows
identity's ledger and feeds the guard table, the recommender follows engagement's events, and
only then does anything say that it serves. A service that other processes serve, too, listens only
then, for its address gets it calls at once. Stopping runs backwards: the servers drain
(``services.deployment.serving``), then the parts close.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector

from consent.guard_table import GuardTable
from services.audit.feed import remote_audit
from services.consent.key_barrier import remote_key_barrier
from services.consent.signal_link import RemoteSignals
from services.contract import public_services
from services.deployment.chain import chain_of, key_sets, traced
from services.deployment.config import SERVICES, SuiteConfig
from services.deployment.process import shared_process
from services.deployment.serving import drain, listen, servers_of, tell_health
from services.deployment.standing import Standing
from services.deployment.upkeep import retention, shared_duties
from services.deployment.watched import watched_process
from services.engagement.event_feed import remote_events, remote_partitions
from services.engagement.opening import remote_open_items
from services.identity.graph_feed import remote_barrier, remote_graph
from services.interceptors.access_log import Level, normal
from services.key_sets import following
from services.monitoring.serves import Serves
from services.parts.links import Links
from services.parts.part import Clock, Enter, Log, Part, Process
from services.remote_feed import Patience
from services.remote_stores import RemoteStore
from services.storage.database import Turn
from services.storage.folder import sole_user

#: The parts of one process are entered and become ready in this order.
ORDER = ("identity", "consent", "engagement", "recommender")


@dataclass(frozen=True, slots=True)
class Suite:
    """Running parts of the suite.

    Attributes:
        process: what they share.
        parts: the parts by name.
        addresses: full name of each service -> where it listens.
        monitoring: where the process is watched, "host:port"; empty: nowhere.
    """

    process: Process
    parts: dict[str, Part]
    addresses: dict[str, str]
    monitoring: str = ""

    @property
    def public_addresses(self) -> dict[str, str]:
        """The addresses of the services that are for everybody."""
        return {name: address for name, address in self.addresses.items() if name in public_services()}

    @property
    def guard(self) -> GuardTable:
        """The process's guard table."""
        return self.process.guard

    @property
    def registry(self) -> CollectorRegistry:
        """The process's metrics."""
        return self.process.registry

    @property
    def ended(self) -> asyncio.Future[str]:
        """Done when something that must run has ended, naming it; whoever serves stops then."""
        return self.process.ended

    def must_run(self, name: str, task: asyncio.Task[Any]) -> None:
        """Has the suite end when a task does."""
        self.process.must_run(name, task)


@asynccontextmanager
async def running_suite(
    config: SuiteConfig,
    clock: Clock,
    log: Log,
    services: Sequence[str] = SERVICES,
    *,
    level: Callable[[], Level] = normal,
    ready: asyncio.Event | None = None,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Suite]:
    """Some services, or all, while the block runs; they serve when the block begins.

    Args:
        config: the deployment.
        clock: the present instant, milliseconds since the epoch.
        log: takes access lines and reports of unforeseen errors.
        services: the services of this process.
        level: how much is written of calls; asked by each.
        ready: is set while the process is of use: while it serves, or stands by.
        pause: waits for a number of seconds.

    Raises:
        FolderInUse: another process serves one of them from the deployment's folder.
        AddressTaken: something else listens where a service should.
        MonitoringTaken: something else listens where it is to be watched.
        CertificateUnusable: a service's certificate can not be used.
        ConfigError: the key ring can not be read any more.
        NotLoopback: a service would be reached over a network without encryption.
        PartEnded: something ended while others were waited for.
    """
    here = [name for name in ORDER if name in services]
    addresses = dict(config.listen)
    ready = ready or asyncio.Event()
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    serves = Serves(here, registry)
    async with AsyncExitStack() as stack:
        watched = await stack.enter_async_context(watched_process(config, here, registry, ready, log))
        standing = Standing(config, clock, log, part_of, ready)
        turns = {name: await stack.enter_async_context(_turn(config, name, standing)) for name in here}
        process = await stack.enter_async_context(
            shared_process(config, clock, log, turns, addresses, registry=registry)
        )
        process = replace(process, level=level, held=standing.held)
        for name, turn in turns.items():
            process.must_run(f"the turn to serve {name}", turn.lost)
        suite = Suite(process, {}, {}, watched)
        links = remote_links(process, here[0])
        for name in here:
            part = suite.parts[name] = await stack.enter_async_context(part_of(name)(process, links))
            if not config.shared(name):
                await stack.enter_async_context(part.duties(turns[name]))
        tracer = await stack.enter_async_context(traced(config, here))
        keys = key_sets(process)
        keeping_up = asyncio.create_task(following(keys.values()))
        stack.callback(keeping_up.cancel)
        process.must_run("following the issuers' keys", keeping_up)
        parts = list(suite.parts.values())
        servers = servers_of(process, parts, chain_of(process, links, keys, tracer), links, stack)
        led = {name: server for name, server in servers.items() if not config.shared(name)}
        suite.addresses.update(await listen(config, led, addresses))
        for part in parts:
            await process.unless_ended(part.ready())
        await process.unless_ended(process.guarded())
        shared = {name: server for name, server in servers.items() if config.shared(name)}
        suite.addresses.update(await listen(config, shared, addresses))
        for server in servers.values():
            await server.serving()
        ready.set()
        serves.serves(lambda: process.guard.ready)
        telling = asyncio.create_task(tell_health(process.guard, list(servers.values()), ready))
        stack.callback(telling.cancel)
        await stack.enter_async_context(retention(process, parts))
        await stack.enter_async_context(shared_duties(process, parts))
        stack.push_async_callback(drain, process, list(servers.values()), telling, ready, pause)
        stack.callback(serves.over)
        yield suite


@asynccontextmanager
async def _turn(config: SuiteConfig, name: str, standing: Standing) -> AsyncIterator[Turn]:
    """The turn to serve one service; a process stands by while it is another's alone."""
    shared = config.shared(name)
    with sole_user(config.folder, name):
        async with config.store(name).turn(lambda: standing.begin(name), shared=shared) as turn:
            await standing.end()
            yield turn


def remote_links(process: Process, service: str) -> Links:
    """All ports as clients of the processes that give them; ``service`` is a part of this one."""
    policy, peers, log = process.config.policy, process.peers, process.log
    return Links(
        audit={
            name: remote_audit(peers, name, Patience("consent", f"{name}'s audit", log)) for name in SERVICES
        },
        graph=remote_graph(peers, policy, Patience("consent", "identity's graph", log)),
        events=remote_events(peers, Patience("the recommender", "engagement's events", log)),
        read_events=remote_partitions(peers, Patience("the recommender", "engagement's events", log)),
        open_items=remote_open_items(peers, log),
        barrier=remote_barrier(peers),
        key_barrier=remote_key_barrier(peers),
        signals=RemoteSignals(peers, service),
        stores={name: RemoteStore(name, peers) for name in ORDER},
    )


def part_of(name: str) -> Enter:
    """What enters a part; a process imports only what its own parts need."""
    if name == "identity":
        from services.parts.identity import identity_part  # noqa: PLC0415

        return identity_part
    if name == "consent":
        from services.parts.consent import consent_part  # noqa: PLC0415

        return consent_part
    if name == "engagement":
        from services.parts.engagement import engagement_part  # noqa: PLC0415

        return engagement_part
    from services.parts.recommender import recommender_part  # noqa: PLC0415

    return recommender_part
