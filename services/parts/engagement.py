"""Engagement: events and their feed, and the definitions by which decisions are made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from engagement.loyalty.programme import Programme
from engagement.portrait import PageTokens
from services.engagement.audiences import AudienceServicer
from services.engagement.defining import DefinitionServicer
from services.engagement.event_feed import EventFeedServicer, news_told
from services.engagement.in_force import InForce
from services.engagement.loyalty import LoyaltyServicer
from services.engagement.opening import AccessServicer, Opening
from services.engagement.reads import counted
from services.engagement.service import ProfileServicer
from services.engagement.setting_off import Ground
from services.engagement.triggering import EventsTold, triggering
from services.feed import Feed
from services.parts.decisions import deciding
from services.parts.links import EventNews, Links, PartitionNews
from services.parts.part import Part, Process
from services.remote_feed import Patience
from services.remote_stores import store_served
from services.server import Served
from services.storage.announced import AnnouncedTables
from services.storage.attributes import AttributeTables
from services.storage.audiences import AudienceTables
from services.storage.database import Database, Turn
from services.storage.declared import DeclaredTables
from services.storage.definitions import DefinitionTables
from services.storage.engagement import EventTables
from services.storage.engagement_people import EngagementPeople
from services.storage.field_reads import FieldReadTables
from services.storage.firing_walk import WalkTables
from services.storage.known import KnownTables
from services.storage.loyalty import LoyaltyTables
from services.storage.personal import DatabaseStore
from services.storage.subject_keys import SubjectKeys
from services.stream.announcing import Announcer
from services.stream.link import joining, stream_of
from veilgraph.engagement.v1 import (
    audience_pb2,
    audience_pb2_grpc,
    definition_pb2,
    definition_pb2_grpc,
    loyalty_pb2,
    loyalty_pb2_grpc,
    profile_pb2,
    profile_pb2_grpc,
)
from veilgraph.internal.v1 import access_pb2, access_pb2_grpc, feed_pb2, feed_pb2_grpc


@asynccontextmanager
async def engagement_part(process: Process, links: Links) -> AsyncIterator[Part]:
    """Engagement while the block runs; it gives the feed of events."""
    config = process.config
    async with (
        process.database("engagement") as database,
        followed(process, DefinitionTables(database)) as in_force,
        counted(FieldReadTables(database), process.clock) as reads,
        deciding(process, database, in_force, reads.note) as decisions,
    ):
        store = EventTables(database)

        async def news(after: int, limit: int) -> Sequence[EventNews]:
            return [news_told(change) for change in await store.changes(after, limit)]

        feed = Feed(news, store.last_seq, process.others_s("engagement"))

        async def of_partition(cursor: int, partition: int) -> PartitionNews:
            change = await store.partition_changes(cursor, partition)
            return PartitionNews(await feed.head(), news_told(change))

        links.events, links.read_events = feed, of_partition
        people = EngagementPeople(config.policy.names_in)
        links.stores[people.name] = DatabaseStore(database, people, SubjectKeys(config.keyring))
        page_key = config.keyring.active("signing").derive(b"page tokens", 64)
        servicer = ProfileServicer(
            store=store,
            declared=DeclaredTables(database),
            attributes=AttributeTables(database),
            feed=feed,
            policy=config.policy,
            page_tokens=PageTokens(page_key),
            limits=lambda: in_force.limits,
            note=reads.note,
        )
        ledger = LoyaltyTables(database)

        def programmes() -> Mapping[str, Programme]:
            return in_force.programmes

        loyalty = LoyaltyServicer(ledger, programmes)
        opening = Opening(ledger, programmes, config.policy.index("loyalty"), process.clock)
        links.open_items = opening

        async def drained() -> None:
            await servicer.drained()
            await loyalty.drained()

        feed_servicer = EventFeedServicer(feed, of_partition)
        served = [
            Served(
                profile_pb2.DESCRIPTOR.services_by_name["ProfileService"],
                profile_pb2_grpc.add_ProfileServiceServicer_to_server,
                servicer,
            ),
            Served(
                definition_pb2.DESCRIPTOR.services_by_name["DefinitionService"],
                definition_pb2_grpc.add_DefinitionServiceServicer_to_server,
                DefinitionServicer(DefinitionTables(database), in_force, config.definitions_max),
            ),
            decisions.served,
            Served(
                loyalty_pb2.DESCRIPTOR.services_by_name["LoyaltyService"],
                loyalty_pb2_grpc.add_LoyaltyServiceServicer_to_server,
                loyalty,
            ),
            Served(
                audience_pb2.DESCRIPTOR.services_by_name["AudienceService"],
                audience_pb2_grpc.add_AudienceServiceServicer_to_server,
                AudienceServicer(
                    tables=AudienceTables(database),
                    known=KnownTables(database),
                    definitions=DefinitionTables(database),
                    policy=config.policy,
                    page_tokens=PageTokens(page_key),
                    zone=lambda: in_force.limits.zone,
                    note=reads.note,
                ),
            ),
            Served(
                feed_pb2.DESCRIPTOR.services_by_name["EventFeedService"],
                feed_pb2_grpc.add_EventFeedServiceServicer_to_server,
                feed_servicer,
            ),
            Served(
                access_pb2.DESCRIPTOR.services_by_name["AccessService"],
                access_pb2_grpc.add_AccessServiceServicer_to_server,
                AccessServicer(opening),
            ),
            store_served(links.stores["engagement"]),
        ]

        def stopping() -> None:
            feed_servicer.close()
            decisions.servicer.close()

        @asynccontextmanager
        async def duties(_turn: Turn) -> AsyncIterator[None]:
            ground = ground_of(process, in_force)
            events = EventsTold(feed, store)
            async with (
                announced(process, database, feed),
                triggering(process, ground, WalkTables(database), events),
            ):
                yield

        yield Part("engagement", database, served, stopping=stopping, drained=drained, duties=duties)


def ground_of(process: Process, in_force: InForce) -> Ground:
    """What triggers go by in a process."""
    return Ground(
        plays=lambda: in_force.triggered,
        zone=lambda: in_force.limits.zone,
        policy=process.config.policy,
        guard=process.guard,
        clock=process.clock,
    )


@asynccontextmanager
async def followed(process: Process, tables: DefinitionTables) -> AsyncIterator[InForce]:
    """What is in force, kept up with while the block runs."""
    in_force = InForce(tables, process.log)
    await in_force.refresh()
    following = asyncio.create_task(in_force.follow())
    process.must_run("the follower of definitions", following)
    try:
        yield in_force
    finally:
        following.cancel()


@asynccontextmanager
async def announced(process: Process, database: Database, feed: Feed[EventNews]) -> AsyncIterator[None]:
    """Announces the news of all processes while the block runs, where the deployment has NATS."""
    config = process.config
    if config.nats is None:
        yield
        return
    stream = stream_of(config.tenant, config.policy.retention)
    patience = Patience("engagement", "NATS", process.log)
    join = joining(config.nats, stream)
    announcer = Announcer(AnnouncedTables(database), feed, stream, join, patience)
    process.must_run("the announcer of events", announcer.start())
    process.lags.watch("announcements", lambda: announcer.lag)
    try:
        yield
    finally:
        process.lags.leave("announcements")
        await announcer.stop()
