"""The guarded servers of one process: put before the parts, listening, saying how they are, drained.

Stopping runs backwards: nothing says that it serves, and after ``drain_s``, when whoever routes by
health sends no more, there are no new calls, and what was begun is finished.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from consent.guard_table import GuardTable
from services.audit.feed import AuditFeedServicer
from services.deployment.chain import ChainOf
from services.deployment.config import SuiteConfig
from services.fellows import Fellows, StrangerThere
from services.monitoring.keeping import Keeping
from services.parts.links import Links
from services.parts.part import Part, Process
from services.server import AddressTaken, GuardedServer, Served
from services.storage.audit import StoredAuditLog
from veilgraph.internal.v1 import audit_pb2, audit_pb2_grpc

#: Longer than a call has that sets no deadline (``services.interceptors.deadline``).
GRACE_S = 12.0
#: A guard table that has lost its lease shows in the health of its process after so long.
HEALTH_S = 0.2


def servers_of(
    process: Process, parts: Sequence[Part], chain_of: ChainOf, links: Links, stack: AsyncExitStack
) -> dict[str, GuardedServer]:
    """Puts each part behind the chain; nothing listens yet.

    A server keeps its audit records in its part's tables, and gives them to whoever seals them.

    Stopping, which runs backwards, ends the streams, then the servers, then what calls began.
    """
    keeping = Keeping(process.registry)
    for part in parts:
        stack.push_async_callback(part.drained)
    servers = {}
    closing = [part.stopping for part in parts]
    for part in parts:
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


async def listen(
    config: SuiteConfig, servers: Mapping[str, GuardedServer], addresses: dict[str, str]
) -> dict[str, str]:
    """Has servers listen; they do not say that they serve.

    Args:
        config: the deployment.
        servers: by the name of their part.
        addresses: of each part as the others call it; a port that was free is put in.

    Returns:
        Full name of each service -> where it is called.
    """
    called: dict[str, str] = {}
    for name, server in servers.items():
        await server.start(config.bound(name))
        if name not in config.bind:
            addresses[name] = server.address  # its port may have been any
        called.update(dict.fromkeys(server.names, addresses[name]))
    return called


async def tell_health(guard: GuardTable, servers: Sequence[GuardedServer], ready: asyncio.Event) -> None:
    """Says that the servers serve while the guard table may decide, and not while it may not."""
    told = True
    while True:
        await asyncio.sleep(HEALTH_S)
        if guard.ready != told:
            told = not told
            (ready.set if told else ready.clear)()
            for server in servers:
                await (server.serving() if told else server.not_serving())


async def drain(
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
