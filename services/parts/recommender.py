"""The recommender: its index and models, and its reader of engagement's events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

from identity.ids import PARTITIONS, SubjectId
from recommender.errors import SnapshotUnusable
from recommender.projection import RecommenderProjection
from services.errors import Unavailable
from services.feed import Consumer, Source
from services.monitoring.recommending import ModelInService
from services.parts.links import EventNews, Links, PartitionNews
from services.parts.part import Part, Process
from services.recommender.recommending import running_recommender
from services.remote_feed import Patience
from services.remote_stores import store_served
from services.server import Served
from services.storage.personal import DatabaseStore
from services.storage.subject_keys import SubjectKeys
from services.stream.hearing import Hearing, PartitionFeed
from services.stream.link import joining, stream_of
from services.stream.settings import NatsSettings
from veilgraph.recommender.v1 import (
    entitlement_pb2,
    entitlement_pb2_grpc,
    jobs_pb2,
    jobs_pb2_grpc,
    recommender_pb2,
    recommender_pb2_grpc,
    search_pb2,
    search_pb2_grpc,
)


@asynccontextmanager
async def recommender_part(process: Process, links: Links) -> AsyncIterator[Part]:
    """The recommender while the block runs; it reads the feed of events, and asks what statuses open."""

    async def open_items(subjects: Collection[SubjectId]) -> Collection[str]:
        return await links.open_items(subjects)  # looked up when it is used

    async with (
        process.database("recommender") as database,
        running_recommender(
            database=database,
            folder=process.config.folder,
            guard=process.guard,
            clock=process.clock,
            log=process.log,
            page_key=process.config.keyring.active("signing").derive(b"pages of recommendations", 64),
            model_refresh_s=process.config.model_refresh_s,
            several=process.config.shared("recommender"),
            open_items=open_items,
        ) as recommender,
        reading(process, links, recommender.projection) as readers,
    ):
        process.must_run("the model's refresher", recommender.refresher.broken)
        if recommender.following is not None:
            process.must_run("following the recommender's tables", recommender.following)
        ModelInService(process.registry, recommender.live, recommender.refresher)
        keys = SubjectKeys(process.config.keyring)
        links.stores[recommender.people.name] = DatabaseStore(database, recommender.people, keys)

        async def ready() -> None:
            await process.guarded()
            head = await links.events.head()
            for reader in readers:
                await reader.caught_up(head)
            with suppress(SnapshotUnusable, Unavailable):  # it is taken over as soon as it can be
                await recommender.service.follow()
            if not recommender.live.model.version:
                await recommender.live.rebuild()  # who may be learned from is known only now
            recommender.refresher.soon()  # somebody may have withdrawn while nothing ran

        served = [
            Served(
                recommender_pb2.DESCRIPTOR.services_by_name["RecommenderService"],
                recommender_pb2_grpc.add_RecommenderServiceServicer_to_server,
                recommender.servicer,
            ),
            Served(
                entitlement_pb2.DESCRIPTOR.services_by_name["EntitlementService"],
                entitlement_pb2_grpc.add_EntitlementServiceServicer_to_server,
                recommender.entitling,
            ),
            Served(
                jobs_pb2.DESCRIPTOR.services_by_name["JobService"],
                jobs_pb2_grpc.add_JobServiceServicer_to_server,
                recommender.jobs,
            ),
            Served(
                search_pb2.DESCRIPTOR.services_by_name["SearchService"],
                search_pb2_grpc.add_SearchServiceServicer_to_server,
                recommender.searcher,
            ),
            store_served(links.stores["recommender"]),
        ]

        yield Part(
            "recommender",
            database,
            served,
            ready=ready,
            forget=recommender.people.forget,
            duties=lambda turn: recommender.duties(turn.number),
        )


@asynccontextmanager
async def reading(
    process: Process, links: Links, projection: RecommenderProjection
) -> AsyncIterator[Sequence[Consumer[EventNews]]]:
    """The readers of engagement's events while the block runs: one a partition where there is NATS."""

    def reader(source: Source[EventNews], partition: int | None = None) -> Consumer[EventNews]:
        async def take_in(changes: Sequence[EventNews]) -> None:
            events = [event for change in changes for event in change.events]
            declared = [one for change in changes for one in change.declared]
            await projection.apply(changes[-1].seq, events, declared, partition)

        cursor = projection.cursor if partition is None else projection.cursors[partition]
        return Consumer(source, cursor, take_in)

    async with AsyncExitStack() as stack:
        if process.config.nats is None:
            readers = [reader(links.events)]
            process.lags.watch("events", lambda: readers[0].lag)
        else:
            feeds = await stack.enter_async_context(heard(process, process.config.nats, links))
            readers = [reader(feed, partition) for partition, feed in enumerate(feeds)]
            for partition, one in enumerate(readers):
                process.lags.watch("events", partial(getattr, one, "lag"), partition)
        for one in readers:
            process.must_run("the recommender's reader of events", one.start())
            stack.push_async_callback(one.stop)
        yield readers


@asynccontextmanager
async def heard(
    process: Process, settings: NatsSettings, links: Links
) -> AsyncIterator[Sequence[PartitionFeed]]:
    """The feed of each partition while the block runs, told by NATS when to read."""

    async def read(cursor: int, partition: int) -> PartitionNews:
        return await links.read_events(cursor, partition)  # looked up when it is used

    feeds = [PartitionFeed(partition, read) for partition in range(PARTITIONS)]
    stream = stream_of(process.config.tenant, process.config.policy.retention)
    hearing = Hearing(
        feeds, stream, joining(settings, stream), Patience("the recommender", "NATS", process.log)
    )
    process.must_run("the recommender's hearing of announcements", hearing.start())
    try:
        yield feeds
    finally:
        await hearing.stop()
