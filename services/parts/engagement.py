"""Engagement: the events people are reported for, and the feed of what the recommender may know of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from engagement.event import Event
from engagement.portrait import PageTokens
from recommender.projection import ProjectedEvent
from services.engagement import ProfileServicer
from services.feed import Feed
from services.parts.links import EventNews, Links
from services.parts.part import Part, Process
from services.server import Served
from services.storage.engagement import SqliteEventStore
from veilgraph.engagement.v1 import profile_pb2, profile_pb2_grpc

DAY_MS = 86_400_000


@asynccontextmanager
async def engagement_part(process: Process, links: Links) -> AsyncIterator[Part]:
    """Engagement while the block runs; it gives the feed of events."""
    config = process.config
    with process.database("engagement") as database:
        store = SqliteEventStore(database)

        def news(after: int, limit: int) -> Sequence[EventNews]:
            return [
                EventNews(change.seq, tuple(projected(event) for event in change.events))
                for change in store.changes(after, limit)
            ]

        feed = Feed(news, store.last_seq())
        links.events = feed
        page_key = config.keyring.active("pairwise").derive(b"page tokens", 64)
        servicer = ProfileServicer(
            store=store, feed=feed, policy=config.policy, page_tokens=PageTokens(page_key)
        )
        served = [
            Served(
                profile_pb2.DESCRIPTOR.services_by_name["ProfileService"],
                profile_pb2_grpc.add_ProfileServiceServicer_to_server,
                servicer,
            )
        ]
        yield Part("engagement", database, served, drained=servicer.drained)


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
