"""Events and answers between processes: what the recommender may know of them, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc

from engagement.event import Event
from engagement.store import Declared, EventChange
from identity.ids import SUBJECT_BYTES, SubjectId
from recommender.declared import DeclaredAnswer, DeclaredBy
from recommender.events import Kind
from recommender.projection import ProjectedEvent
from services.feed import Feed
from services.interceptors.call import Call
from services.parts.links import EventNews, PartitionNews, ReadEvents
from services.peers import Peers
from services.remote_feed import Patience, RemoteFeed, followed, portions
from veilgraph.internal.v1 import feed_pb2, feed_pb2_grpc

DAY_MS = 86_400_000
#: The kinds of events that the recommender gives a weight or takes one back by.
_LEARNED = frozenset(int(kind) for kind in Kind)
#: Events of one message; about 0.5 MiB.
_WEIGHT_MAX = 5_000
#: A reading that takes longer is begun anew.
_READ_S = 10.0


class EventFeedServicer(feed_pb2_grpc.EventFeedServiceServicer):
    """``veilgraph.internal.v1.EventFeedService``."""

    def __init__(self, feed: Feed[EventNews], read: ReadEvents) -> None:
        self._feed = feed
        self._read = read
        self._stopping = asyncio.Event()

    def close(self) -> None:
        """Ends every stream; for an orderly stop, before the server's."""
        self._stopping.set()

    async def SubscribeEvents(
        self,
        request: feed_pb2.SubscribeEventsRequest,
        call: Call,  # noqa: ARG002 - the guard has judged the caller
    ) -> AsyncIterator[feed_pb2.SubscribeEventsResponse]:
        """The head, then the news beyond the cursor as they are or come."""
        yield feed_pb2.SubscribeEventsResponse(head=await self._feed.head())
        async for news in followed(self._feed, request.cursor, self._stopping):
            for portion in portions(news, _weight, _WEIGHT_MAX):
                messages = [news_message(one) for one in portion]
                yield feed_pb2.SubscribeEventsResponse(head=await self._feed.head(), news=messages)

    async def ReadEvents(
        self,
        request: feed_pb2.ReadEventsRequest,
        call: Call,  # noqa: ARG002 - the guard has judged the caller
    ) -> feed_pb2.ReadEventsResponse:
        """The news of one partition beyond the cursor."""
        head, news = await self._read(request.cursor, request.partition)
        return feed_pb2.ReadEventsResponse(head=head, news=news_message(news))


def remote_partitions(peers: Peers, patience: Patience) -> ReadEvents:
    """Engagement's news of a partition as the recommender reads them from another process."""

    async def read(cursor: int, partition: int) -> PartitionNews:
        request = feed_pb2.ReadEventsRequest(cursor=cursor, partition=partition)
        while True:
            stub = peers.stub("engagement", "recommender", feed_pb2_grpc.EventFeedServiceStub)
            try:
                response = await stub.ReadEvents(
                    request, metadata=peers.metadata("recommender"), timeout=_READ_S
                )
            except grpc.aio.AioRpcError as error:
                await patience.pause(error.code().name)
                continue
            patience.rewarded()
            return PartitionNews(response.head, news_of(response.news))

    return read


def remote_events(peers: Peers, patience: Patience) -> RemoteFeed[EventNews]:
    """Engagement's feed as the recommender reads it from another process."""

    def subscribe(cursor: int) -> grpc.aio.UnaryStreamCall:
        stub = peers.stub("engagement", "recommender", feed_pb2_grpc.EventFeedServiceStub)
        request = feed_pb2.SubscribeEventsRequest(cursor=cursor)
        return stub.SubscribeEvents(request, metadata=peers.metadata("recommender"))

    return RemoteFeed(subscribe, lambda message: [news_of(one) for one in message.news], patience)


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
        event.recorded_at_ms // DAY_MS,
    )


def projected_answers(declared: Declared) -> DeclaredBy:
    """What a subject declares as the recommender keeps it."""
    return DeclaredBy(
        declared.subject,
        tuple(
            DeclaredAnswer(
                answer.topic,
                answer.name,
                answer.value,
                answer.declared_at_ms // DAY_MS,
                answer.uses,
                answer.origin,
                answer.declared_at_ms % DAY_MS,
            )
            for answer in declared.answers
        ),
    )


def news_told(change: EventChange) -> EventNews:
    """The news of a commit as the recommender is told them: of the kinds of events that it learns from."""
    return EventNews(
        change.seq,
        tuple(projected(event) for event in change.events if event.kind in _LEARNED),
        tuple(projected_answers(one) for one in change.declared),
    )


def news_message(news: EventNews) -> feed_pb2.EventNews:
    """The news of one commit as they travel."""
    return feed_pb2.EventNews(
        seq=news.seq,
        events=[feed_pb2.EventFact(**event._asdict()) for event in news.events],
        declared=[
            feed_pb2.DeclaredFacts(
                subject=one.subject,
                answers=[feed_pb2.AnswerFact(**answer._asdict()) for answer in one.answers],
            )
            for one in news.declared
        ],
    )


def news_of(message: feed_pb2.EventNews) -> EventNews:
    """The news a message tells.

    Raises:
        ValueError: a subject is not one.
    """
    return EventNews(
        message.seq,
        tuple(_event_of(event) for event in message.events if event.kind in _LEARNED),
        tuple(_declared_of(one) for one in message.declared),
    )


def _declared_of(message: feed_pb2.DeclaredFacts) -> DeclaredBy:
    return DeclaredBy(
        _subject_of(message.subject),
        tuple(
            DeclaredAnswer(
                answer.topic,
                answer.name,
                answer.value,
                answer.day,
                answer.uses,
                answer.origin,
                answer.day_ms,
            )
            for answer in message.answers
        ),
    )


def _subject_of(subject: bytes) -> SubjectId:
    if len(subject) != SUBJECT_BYTES:
        raise ValueError("not a birth subject")
    return SubjectId(subject)


def _event_of(message: feed_pb2.EventFact) -> ProjectedEvent:
    return ProjectedEvent(
        message.event_key,
        _subject_of(message.subject),
        message.item_id,
        message.day,
        message.kind,
        message.quantity,
        message.uses,
        message.party,
        message.origin,
        message.expires_at_ms if message.HasField("expires_at_ms") else None,
        message.recorded_day,
    )


def _weight(news: EventNews) -> int:
    return 1 + len(news.events) + sum(len(one.answers) for one in news.declared)
