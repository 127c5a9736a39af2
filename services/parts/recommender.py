"""The recommender: its index and models, and its reader of engagement's events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.feed import Consumer
from services.parts.links import EventNews, Links
from services.parts.part import Part, Process
from services.recommender.recommending import running_recommender
from services.remote_stores import store_served
from services.server import Served
from services.storage.personal import DatabaseStore
from services.storage.subject_keys import SubjectKeys
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
    """The recommender while the block runs; it reads the feed of events."""
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
        ) as recommender,
    ):
        process.must_run("the model's refresher", recommender.refresher.broken)
        keys = SubjectKeys(process.config.keyring)
        links.stores[recommender.people.name] = DatabaseStore(database, recommender.people, keys)

        async def take_in(changes: Sequence[EventNews]) -> None:
            events = [event for change in changes for event in change.events]
            declared = [one for change in changes for one in change.declared]
            await recommender.projection.apply(changes[-1].seq, events, declared)

        reader = Consumer(links.events, recommender.projection.cursor, take_in)
        process.must_run("the recommender's reader of events", reader.start())

        async def ready() -> None:
            await process.guarded()
            await reader.caught_up(await links.events.head())
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

        try:
            yield Part("recommender", database, served, ready=ready, forget=recommender.people.forget)
        finally:
            await reader.stop()
