"""All four services in one process, each behind its own guarded server.

The order of starting is the order of depending: consent loads what was said, identity's
ledger is read on into it, the guard table takes the result, engagement's outbox is read on
into the recommender, and only then does anything serve. Stopping runs backwards.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry

from consent.guard_table import GuardTable
from engagement.event import Event
from engagement.portrait import PageTokens
from engagement.store import EventChange
from identity.graph import Graph
from identity.ledger import GraphChange
from identity.pairwise import Pairwise
from identity.rules import blocked_tokens
from identity.tokens import Tokeniser
from recommender.projection import ProjectedEvent
from services.authority import ConsentAuthority
from services.config import SuiteConfig
from services.consent import ConsentServicer, graph_step
from services.engagement import ProfileServicer
from services.feed import Consumer, Feed
from services.identity import IdentityServicer
from services.interceptors import layers
from services.interceptors.audit import AuditLog
from services.interceptors.authentication import verifier
from services.interceptors.call import Caller
from services.interceptors.layer import Layer
from services.interceptors.metrics import CallMetrics
from services.interceptors.pseudonymisation import Tokenise
from services.recommending import running_recommender
from services.server import GuardedServer, Served
from services.storage.audit import StoredAuditLog
from services.storage.consent import SqliteConsentStore
from services.storage.engagement import SqliteEventStore
from services.storage.folder import sole_user
from services.storage.identity import SqliteIdentityStore
from services.storage.sqlite import Database
from veilgraph.consent.v1 import consent_pb2, consent_pb2_grpc
from veilgraph.engagement.v1 import profile_pb2, profile_pb2_grpc
from veilgraph.identity.v1 import identity_pb2, identity_pb2_grpc
from veilgraph.recommender.v1 import recommender_pb2, recommender_pb2_grpc

GRACE_S = 5.0
DAY_MS = 86_400_000

Clock = Callable[[], int]
Log = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Suite:
    """A running suite.

    Attributes:
        addresses: full name of each service -> where it listens.
        guard: the process's guard table.
        registry: the process's metrics.
        ended: done when a part that must run has ended, naming it; whoever serves stops then.
    """

    addresses: dict[str, str]
    guard: GuardTable
    registry: CollectorRegistry
    ended: asyncio.Future[str]

    def must_run(self, name: str, task: asyncio.Task[Any]) -> None:
        """Has the suite end when a task does."""

        def over(task: asyncio.Task[Any]) -> None:
            if not task.cancelled() and not self.ended.done():
                error = task.exception()
                self.ended.set_result(f"{name} ended: {type(error).__name__ if error else 'no error'}")

        task.add_done_callback(over)


@dataclass(frozen=True, slots=True)
class Part:
    """One server: what it serves and what its chain needs of its own."""

    listen: str
    served: Sequence[Served]
    database: Database
    tokenise: Tokenise | None = None


@asynccontextmanager
async def running_suite(config: SuiteConfig, clock: Clock, log: Log) -> AsyncIterator[Suite]:
    """The suite while the block runs; everything serves when the block begins.

    Args:
        config: the deployment.
        clock: the present instant, milliseconds since the epoch.
        log: takes access lines and reports of unforeseen errors.

    Raises:
        FolderInUse: another process serves from the deployment's folder.
        AddressTaken: something else listens where a service should.
    """
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        stack.enter_context(sole_user(config.folder))
        suite = Suite({}, GuardTable(config.policy), CollectorRegistry(), loop.create_future())

        def database(domain: str) -> Database:
            opened = Database(config.folder / f"{domain}.db", domain)
            stack.callback(opened.close)
            return opened

        consent_db, identity_db = database("consent"), database("identity")
        engagement_db, recommender_db = database("engagement"), database("recommender")

        authority = ConsentAuthority(SqliteConsentStore(consent_db, config.policy), config.policy, clock)
        suite.must_run("the consent authority", await authority.start())
        stack.push_async_callback(authority.stop)

        ledger = SqliteIdentityStore(identity_db)
        graph_feed: Feed[GraphChange] = Feed(ledger.changes, ledger.last_seq())

        async def take_in_graph(changes: Sequence[GraphChange]) -> None:
            await authority.apply_graph(
                [graph_step(change, config.rules, config.policy) for change in changes]
            )

        graph_reader = Consumer(graph_feed, authority.graph_cursor, take_in_graph)
        suite.must_run("consent's reader of the ledger", graph_reader.start())
        stack.push_async_callback(graph_reader.stop)
        await graph_reader.caught_up(graph_feed.last_seq)
        authority.subscribe(suite.guard)

        async def barrier(seq: int) -> int:
            graph_feed.published(seq)
            await graph_reader.caught_up(seq)
            return authority.epoch

        tokeniser = Tokeniser(config.keyring, config.tenant)
        identity = IdentityServicer(
            store=ledger,
            graph=Graph(await ledger.active_edges()),
            rules=config.rules,
            blocked=blocked_tokens(config.rules, tokeniser),
            barrier=barrier,
            random_bytes=os.urandom,
        )
        stack.push_async_callback(identity.drained)

        events = SqliteEventStore(engagement_db)
        event_feed = Feed(events.changes, events.last_seq())
        page_key = config.keyring.active("pairwise").derive(b"page tokens", 64)
        engagement = ProfileServicer(
            store=events, feed=event_feed, policy=config.policy, page_tokens=PageTokens(page_key)
        )
        stack.push_async_callback(engagement.drained)

        recommender = await stack.enter_async_context(
            running_recommender(
                database=recommender_db, folder=config.folder, guard=suite.guard, clock=clock, log=log
            )
        )

        async def take_in_events(changes: Sequence[EventChange]) -> None:
            news = [projected(event) for change in changes for event in change.events]
            await recommender.projection.apply(changes[-1].seq, news)

        event_reader = Consumer(event_feed, recommender.projection.cursor, take_in_events)
        suite.must_run("the recommender's reader of events", event_reader.start())
        stack.push_async_callback(event_reader.stop)

        parts = [
            Part(
                config.listen["identity"],
                [
                    Served(
                        identity_pb2.DESCRIPTOR.services_by_name["IdentityService"],
                        identity_pb2_grpc.add_IdentityServiceServicer_to_server,
                        identity,
                    )
                ],
                identity_db,
                tokenise=lambda _tenant, kind, digest: tokeniser.token(kind, digest),
            ),
            Part(
                config.listen["consent"],
                [
                    Served(
                        consent_pb2.DESCRIPTOR.services_by_name["ConsentService"],
                        consent_pb2_grpc.add_ConsentServiceServicer_to_server,
                        ConsentServicer(authority),
                    )
                ],
                consent_db,
            ),
            Part(
                config.listen["engagement"],
                [
                    Served(
                        profile_pb2.DESCRIPTOR.services_by_name["ProfileService"],
                        profile_pb2_grpc.add_ProfileServiceServicer_to_server,
                        engagement,
                    )
                ],
                engagement_db,
            ),
            Part(
                config.listen["recommender"],
                [
                    Served(
                        recommender_pb2.DESCRIPTOR.services_by_name["RecommenderService"],
                        recommender_pb2_grpc.add_RecommenderServiceServicer_to_server,
                        recommender.servicer,
                    )
                ],
                recommender_db,
            ),
        ]
        chain_of = _chain_of(config, clock, log, suite.registry)
        servers = [
            await _listening(part, config, suite, layers_of=chain_of, clock=clock, stack=stack)
            for part in parts
        ]
        await event_reader.caught_up(event_feed.last_seq)
        for server in servers:
            await server.serving()
        yield suite


def projected(event: Event) -> ProjectedEvent:
    """An event as the recommender keeps it: what was done to which item on which day, and from where."""
    return ProjectedEvent(
        event.event_key,
        event.subject,
        event.item_id,
        event.occurred_at_ms // DAY_MS,
        event.kind,
        event.quantity,
        event.uses,
        event.party,
        event.origin,
        event.expires_at_ms,
    )


async def _listening(
    part: Part,
    config: SuiteConfig,
    suite: Suite,
    *,
    layers_of: Callable[[AuditLog, Tokenise | None], list[Layer]],
    clock: Clock,
    stack: AsyncExitStack,
) -> GuardedServer:
    """Puts one service behind the chain and listens; it does not say that it serves."""
    audit_log = StoredAuditLog(part.database, config.keyring.active("audit"))
    stack.push_async_callback(audit_log.flush)
    server = GuardedServer(
        *part.served,
        layers=layers_of(audit_log, part.tokenise),
        policy=config.policy,
        guard=suite.guard,
        clock_ms=clock,
    )
    await server.start(part.listen)
    stack.push_async_callback(server.stop, GRACE_S)
    suite.addresses.update(dict.fromkeys(server.names, server.address))
    return server


def _chain_of(
    config: SuiteConfig, clock: Clock, log: Log, registry: CollectorRegistry
) -> Callable[[AuditLog, Tokenise | None], list[Layer]]:
    """Makes each server's chain; what the servers of a process share is made once."""
    tokens = config.tokens
    verify = verifier(tokens.jwks, tokens.issuer, tokens.audience, config.callers)
    call_metrics = CallMetrics(registry)

    @cache
    def pairwise_of(caller: Caller) -> Pairwise:
        return Pairwise(config.keyring, caller.tenant, caller.id)

    return lambda audit_log, tokenise: layers(
        log=log,
        call_metrics=call_metrics,
        verify=verify,
        clock_ms=clock,
        audit_log=audit_log,
        pairwise_of=pairwise_of,
        tokenise=tokenise,
    )
