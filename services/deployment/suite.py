"""The parts of the suite that run in this process, each behind its own guarded server.

All parts listen before any waits for another, so that no order of starting processes can
deadlock; within a process they become ready in the order of depending: consent follows
identity's ledger and feeds the guard table, the recommender follows engagement's events, and
only then does anything say that it serves. A service that other processes serve, too, listens only
then, for its address gets it calls at once. Stopping runs backwards: nothing says that it serves,
and after ``drain_s``, when whoever routes by health sends no more, there are no new calls, what
was begun is finished, then the parts close.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector

from consent.guard_table import GuardTable
from identity.errors import KeyRingError
from services.audit.feed import AuditFeedServicer, remote_audit
from services.consent.key_barrier import remote_key_barrier
from services.consent.replica import Replica, over
from services.consent.signal_link import RemoteSignals
from services.contract import public_services
from services.deployment.config import SERVICES, ConfigError, SuiteConfig
from services.deployment.standing import Standing
from services.engagement.event_feed import remote_events, remote_partitions
from services.fellows import Fellows, StrangerThere
from services.identity.graph_feed import remote_barrier, remote_graph
from services.interceptors import layers
from services.interceptors.access_log import Level, normal
from services.interceptors.audit import AuditLog
from services.interceptors.authentication import verifier
from services.interceptors.certified import Certified
from services.interceptors.layer import Layer
from services.interceptors.metrics import CallMetrics
from services.interceptors.pseudonymisation import Tokenise
from services.interceptors.spans import Tracer
from services.key_file import Keys
from services.key_sets import ALGORITHMS, KeySet, following
from services.lag import Lags
from services.login.access_tokens import accepting_people
from services.login.provider import accepting_logins
from services.monitoring.certified import watch_certificates
from services.monitoring.deciding import watch_guard
from services.monitoring.keeping import Keeping
from services.monitoring.port import Watched, monitoring_port
from services.monitoring.pulse import Pulse
from services.monitoring.standing import Standing as Serves
from services.parts.duties import on_duty
from services.parts.links import Links
from services.parts.part import Clock, Enter, Log, Part, Process, at_once
from services.peers import Peers
from services.remote_feed import Patience
from services.remote_stores import RemoteStore
from services.retention.running import Sweeper, sweeping
from services.server import AddressTaken, GuardedServer, Served
from services.service_tokens import PREFIX, accepting_services, service_callers
from services.signing import Signed, signer
from services.storage.audit import StoredAuditLog
from services.storage.database import Turn
from services.storage.folder import sole_user
from services.tls.certificate import Certificate
from services.tls.certificate import following as following_certificates
from services.tls.spiffe import gateway_id
from veilgraph.internal.v1 import audit_pb2, audit_pb2_grpc

#: Longer than a call has that sets no deadline (``services.interceptors.deadline``).
GRACE_S = 12.0
#: A guard table that has lost its lease shows in the health of its process after so long.
HEALTH_S = 0.2
#: The parts of one process are entered and become ready in this order.
ORDER = ("identity", "consent", "engagement", "recommender")

#: Makes the chain of one server.
ChainOf = Callable[[AuditLog, Tokenise | None], list[Layer]]


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
        watched = await stack.enter_async_context(_watched(config, here, registry, ready, log))
        standing = Standing(config, clock, log, part_of, ready)
        turns = {name: await stack.enter_async_context(_turn(config, name, standing)) for name in here}
        process = await stack.enter_async_context(
            _process(config, clock, log, turns, addresses, registry=registry)
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
        tracer = await stack.enter_async_context(_traced(config, here))
        keys = _key_sets(process)
        keeping_up = asyncio.create_task(following(keys.values()))
        stack.callback(keeping_up.cancel)
        process.must_run("following the issuers' keys", keeping_up)
        servers = _servers(suite, _chain_of(process, links, keys, tracer), links, stack)
        await _listen(suite, {n: one for n, one in servers.items() if not config.shared(n)}, addresses)
        for part in suite.parts.values():
            await process.unless_ended(part.ready())
        await process.unless_ended(process.guarded())
        await _listen(suite, {n: one for n, one in servers.items() if config.shared(n)}, addresses)
        for server in servers.values():
            await server.serving()
        ready.set()
        serves.serves(lambda: process.guard.ready)
        telling = asyncio.create_task(_tell_health(process.guard, list(servers.values()), ready))
        stack.callback(telling.cancel)
        await stack.enter_async_context(_retention(suite))
        await stack.enter_async_context(_shared_duties(suite))
        stack.push_async_callback(_drain, process, list(servers.values()), telling, ready, pause)
        stack.callback(serves.over)
        yield suite


@asynccontextmanager
async def _watched(
    config: SuiteConfig, here: Sequence[str], registry: CollectorRegistry, ready: asyncio.Event, log: Log
) -> AsyncIterator[str]:
    """Opens the port at which the process is watched: that of the first of its services with one."""
    address = next((config.monitoring[name] for name in here if name in config.monitoring), "")
    if not address:
        yield ""
        return
    watched = Watched(registry, ready.is_set, Pulse(asyncio.get_running_loop(), registry))
    async with monitoring_port(address, watched, log) as listens:
        log(f"{here[0]} is watched on http://{listens}/metrics\n")
        yield listens


@asynccontextmanager
async def _retention(suite: Suite) -> AsyncIterator[None]:
    """Sweeps the tables of the services that only this process serves, while the block runs."""
    process = suite.process
    parts = [part for part in suite.parts.values() if not process.config.shared(part.name)]
    async with sweeping([_sweeper(process, part) for part in parts], process.log) as task:
        process.must_run("retention", task)
        yield


@asynccontextmanager
async def _shared_duties(suite: Suite) -> AsyncIterator[None]:
    """Does the duties of the services that others serve, too, whenever they are this process's."""
    process = suite.process
    tasks = []
    for part in suite.parts.values():
        if process.config.shared(part.name):
            duties = partial(_duties_and_retention, process, part)
            location = process.config.store(part.name)
            tasks.append(asyncio.create_task(on_duty(part.name, location, duties, process.log)))
            process.must_run(f"the duties of {part.name}", tasks[-1])
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _duties_and_retention(process: Process, part: Part, turn: Turn) -> AsyncIterator[None]:
    async with part.duties(turn), sweeping([_sweeper(process, part)], process.log) as task:
        process.must_run(f"retention in {part.name}", task)
        yield


def _sweeper(process: Process, part: Part) -> Sweeper:
    return Sweeper(part.name, part.database, process.config.policy, process.clock, part.forget)


async def _drain(
    process: Process,
    servers: Sequence[GuardedServer],
    telling: asyncio.Task[None],
    ready: asyncio.Event,
    pause: Callable[[float], Awaitable[None]],
) -> None:
    """Says that nothing serves, and serves on until nobody who heard it sends calls any more."""
    telling.cancel()
    ready.clear()
    for server in servers:
        await server.not_serving()
    if process.config.drain_s and not process.ended.done():
        await pause(process.config.drain_s)


@asynccontextmanager
async def _turn(config: SuiteConfig, name: str, standing: Standing) -> AsyncIterator[Turn]:
    """The turn to serve one service; a process stands by while it is another's alone."""
    shared = config.shared(name)
    with sole_user(config.folder, name):
        async with config.store(name).turn(lambda: standing.begin(name), shared=shared) as turn:
            await standing.end()
            yield turn


@asynccontextmanager
async def _process(
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
    task = asyncio.create_task(following_certificates(process.certificates.values()))
    process.must_run("following the certificates", task)
    try:
        yield
    finally:
        task.cancel()


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


async def _tell_health(guard: GuardTable, servers: Sequence[GuardedServer], ready: asyncio.Event) -> None:
    """Says that the servers serve while the guard table may decide, and not while it may not."""
    told = True
    while True:
        await asyncio.sleep(HEALTH_S)
        if guard.ready != told:
            told = not told
            (ready.set if told else ready.clear)()
            for server in servers:
                await (server.serving() if told else server.not_serving())


def _servers(
    suite: Suite, chain_of: ChainOf, links: Links, stack: AsyncExitStack
) -> dict[str, GuardedServer]:
    """Puts each part behind the chain; nothing listens yet.

    A server keeps its audit records in its part's tables, and gives them to whoever seals them.

    Stopping, which runs backwards, ends the streams, then the servers, then what calls began.
    """
    process = suite.process
    keeping = Keeping(process.registry)
    for part in suite.parts.values():
        stack.push_async_callback(part.drained)
    servers = {}
    closing = [part.stopping for part in suite.parts.values()]
    for part in suite.parts.values():
        audit_log = StoredAuditLog(part.database, process.config.keyring, process.others_s(part.name))
        stack.push_async_callback(audit_log.flush)
        keeping.watch(part.name, part.database, audit_log)
        links.audit[part.name] = audit_log.feed
        records = AuditFeedServicer(audit_log.feed)
        closing.append(records.close)
        servers[part.name] = server = GuardedServer(
            *part.served,
            Served(
                audit_pb2.DESCRIPTOR.services_by_name["AuditFeedService"],
                audit_pb2_grpc.add_AuditFeedServiceServicer_to_server,
                records,
            ),
            layers=chain_of(audit_log, part.tokenise),
            policy=process.config.policy,
            guard=process.guard,
            clock_ms=process.clock,
            certificate=process.certificates.get(part.name),
            shared=_joined(process, part.name, stack),
        )
        stack.push_async_callback(server.stop, GRACE_S)
    for close in closing:
        stack.callback(close)
    return servers


def _joined(process: Process, name: str, stack: AsyncExitStack) -> bool:
    """Whether others may listen on a service's address besides this process; they are of this deployment.

    Raises:
        AddressTaken: somebody else does.
    """
    config, address = process.config, process.config.bound(name)
    if config.home is None or not config.shared(name) or address.endswith(":0"):
        return False
    try:
        fellows = Fellows(config.home, address)
    except OSError as error:
        process.log(f"{name} listens alone: {config.home} can not hold the lock ({error.strerror})\n")
        return False
    stack.callback(fellows.leave)
    try:
        fellows.join()
    except StrangerThere:
        raise AddressTaken(f"{name} can not listen on {address}; is it taken?") from None
    return True


async def _listen(suite: Suite, servers: Mapping[str, GuardedServer], addresses: dict[str, str]) -> None:
    """Has servers listen; they do not say that they serve."""
    for name, server in servers.items():
        await server.start(suite.process.config.bound(name))
        if name not in suite.process.config.bind:
            addresses[name] = server.address  # its port may have been any
        suite.addresses.update(dict.fromkeys(server.names, addresses[name]))


@asynccontextmanager
async def _traced(config: SuiteConfig, here: Sequence[str]) -> AsyncIterator[Tracer | None]:
    """Who records the calls while the block runs; nobody where no collector is named."""
    if not config.otlp:
        yield None
        return
    from services.monitoring.otlp import sending  # noqa: PLC0415 - an extra, which nobody else needs

    async with sending(config.otlp, here[0] if len(here) == 1 else "veilgraph") as tracer:
        yield tracer


def _key_sets(process: Process) -> dict[str, KeySet]:
    """The keys of the callers' issuer, under no name, and of each login provider by its name.

    Raises:
        ConfigError: what is in a file is no key set.
    """

    def of(whose: str, jwks: Mapping[str, Any], place: str, algorithms: frozenset[str]) -> KeySet:
        return KeySet(whose, jwks, place, clock_ms=process.clock, log=process.log, algorithms=algorithms)

    tokens = process.config.tokens
    try:
        return {"": of("the callers' issuer", tokens.jwks, tokens.place, ALGORITHMS)} | {
            one.name: of(f"the login provider {one.name}", one.jwks, one.place, one.algorithms)
            for one in process.config.providers
        }
    except ValueError as error:
        raise ConfigError(f"jwks: {error}") from None


def _chain_of(process: Process, links: Links, keys: Mapping[str, KeySet], tracer: Tracer | None) -> ChainOf:
    """Makes each server's chain; what the servers of a process share is made once."""
    config = process.config
    tokens = config.tokens
    ordinary = verifier(keys[""], tokens.issuer, tokens.audience, config.callers, config.policy)
    verify = accepting_services(
        accepting_people(ordinary, config.keyring, config.callers, config.tenant, process.clock),
        config.keyring,
        service_callers(config.tenant, config.policy),
        config.tenant,
        process.clock,
    )
    providers = [(provider, keys[provider.name]) for provider in config.providers]
    # A login is exchanged where identifiers become tokens, and taken nowhere else.
    verify_logins = accepting_logins(verify, providers, process.clock)
    call_metrics = CallMetrics(process.registry)

    return lambda audit_log, tokenise: layers(
        log=process.log,
        call_metrics=call_metrics,
        verify=verify if tokenise is None else verify_logins,
        clock_ms=process.clock,
        audit_log=audit_log,
        pairwise_of=process.keys.pairwise,
        tokenise=tokenise,
        signals_port=links.signals,
        certified=_certified(config),
        level=process.level,
        tracer=tracer,
        generation=lambda: sum(one.generation for one in keys.values()),
    )


def _certified(config: SuiteConfig) -> Certified | None:
    """For whom the certificates of a deployment speak."""
    tls = config.tls
    if tls is None:
        return None
    services = service_callers(config.tenant, config.policy)
    return Certified(
        gateway_id(tls.trust_domain),
        {tls.identity(name): services[PREFIX + name] for name in SERVICES},
        {identity: config.callers[name] for identity, name in tls.callers.items()},
    )
