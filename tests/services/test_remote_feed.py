"""A feed behind a channel is the same feed: in order, at least once, from the reader's own cursor."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.component import EdgeFact, EdgeState, GraphStep
from consent.guard_table import NEVER_MS
from engagement.event import EventKind
from engagement.store import EventChange
from identity.ids import SubjectId
from recommender.declared import DeclaredAnswer, DeclaredBy
from recommender.events import Kind
from recommender.projection import ProjectedEvent
from services.engagement.event_feed import news_message, news_of, news_told, projected
from services.feed import Consumer, Feed
from services.identity.graph_feed import step_message, step_of
from services.loopback import NotLoopback
from services.parts.links import EventNews
from services.peers import Peers
from services.remote_feed import END, Patience, RemoteFeed, followed, portions
from services.signing import Signed, signer
from tests.engagement.events import event as event_told


class Step(NamedTuple):
    seq: int


class Answer(NamedTuple):
    head: int
    steps: Sequence[Step]


class Gone(grpc.aio.AioRpcError):
    """What a stream ends with when its producer has gone."""

    def __init__(self) -> None:
        super().__init__(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())


class Producer:
    """An outbox whose streams end as a test says; keeps where each was begun."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.begun: list[int] = []
        self.down = 0
        self.answers_a_stream = 1 << 30

    def subscribe(self, cursor: int) -> Any:
        self.begun.append(cursor)
        return Stream(self, cursor)


class Stream:
    """A stream that gives two steps a message."""

    def __init__(self, producer: Producer, cursor: int) -> None:
        self.producer, self.cursor, self.answered = producer, cursor, 0

    async def read(self) -> Any:
        if self.producer.down:
            self.producer.down -= 1
            raise Gone
        if self.answered == self.producer.answers_a_stream:
            return grpc.aio.EOF
        self.answered += 1
        if self.answered == 1:
            return Answer(self.producer.last, ())
        if self.cursor >= self.producer.last:
            await asyncio.Event().wait()  # nothing new, ever
        steps = [Step(seq) for seq in range(self.cursor + 1, min(self.cursor + 2, self.producer.last) + 1)]
        self.cursor = steps[-1].seq
        return Answer(self.producer.last, steps)

    def cancel(self) -> None:
        pass


def feed_of(producer: Producer, log: io.StringIO, pauses: list[float]) -> RemoteFeed[Step]:
    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)

    patience = Patience("consent", "identity's graph", log.write, sleep)
    return RemoteFeed(producer.subscribe, lambda answer: answer.steps, patience)


@pytest.mark.parametrize("answers", [2, 3, 1 << 30])
async def test_a_consumer_gets_everything_however_often_the_stream_ends(answers):
    """Once and in order: each stream begins where the consumer is."""
    producer = Producer(9)
    producer.answers_a_stream = answers
    taken: list[int] = []

    async def apply(steps: Sequence[Step]) -> None:
        taken.extend(step.seq for step in steps)

    consumer = Consumer(feed_of(producer, io.StringIO(), []), 2, apply)
    consumer.start()
    await consumer.caught_up(9)
    await consumer.stop()
    assert taken == list(range(3, 10))
    assert producer.begun[0] == 2


async def test_a_producer_that_is_away_is_waited_for_longer_each_time_and_named_once():
    """In the log stand who waits for whom and that it is over, whatever the number of attempts."""
    producer, log, pauses = Producer(1), io.StringIO(), []
    producer.down = 9
    assert await feed_of(producer, log, pauses).head() == 1
    assert pauses == [0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 1.6, 1.6]
    assert log.getvalue().splitlines() == [
        "consent waits for identity's graph: UNAVAILABLE",
        "consent has identity's graph again",
    ]


async def test_the_head_is_asked_for_beyond_the_end():
    """Asking how far a producer is moves none of its changes."""
    producer = Producer(7)
    assert await feed_of(producer, io.StringIO(), []).head() == 7
    assert producer.begun == [END]


async def test_a_served_feed_ends_when_its_process_stops():
    """So a stop does not wait for streams that have no end of their own."""
    stopping = asyncio.Event()

    async def read(after: int, _limit: int) -> list[Step]:
        return [Step(seq) for seq in range(after + 1, 4)]

    async def last() -> int:
        return 3

    feed = Feed(read, last)
    steps = followed(feed, 1, stopping)
    assert [step.seq for step in await anext(steps)] == [2, 3]
    more = asyncio.ensure_future(anext(steps, None))
    await asyncio.sleep(0)
    assert not more.done()
    stopping.set()
    assert await asyncio.wait_for(more, 1) is None


@given(st.lists(st.integers(1, 12), min_size=1), st.integers(1, 20))
def test_portions_are_the_changes_and_no_message_is_too_heavy_but_by_one_change(weights, most):
    """Nothing is left out or moved; a portion heavier than allowed is one change alone."""
    groups = list(portions([Step(weight) for weight in weights], lambda step: step.seq, most))
    assert [step.seq for group in groups for step in group] == weights
    assert all(sum(step.seq for step in group) <= most or len(group) == 1 for group in groups)


SUBJECTS = st.binary(min_size=16, max_size=16).map(SubjectId)


@given(st.data())
def test_a_graph_step_comes_over_as_it_was(policy, data):
    """Births and edges, with purposes and views by name."""
    edges = st.builds(
        EdgeFact,
        edge_id=st.integers(1, 1 << 60),
        a=SUBJECTS,
        b=SUBJECTS,
        link_purpose=st.integers(0, len(policy.leaves) - 1),
        deterministic=st.booleans(),
        views=st.integers(0, (1 << len(policy.views)) - 1),
        state=st.sampled_from(EdgeState),
        valid_until_ms=st.integers(0, NEVER_MS),
        attested_by=st.text(max_size=8),
    )
    step = data.draw(
        st.builds(
            GraphStep,
            st.integers(1, 1 << 60),
            st.lists(SUBJECTS, max_size=3).map(tuple),
            st.lists(edges, max_size=3).map(tuple),
        )
    )
    wire = step_message(step, policy).SerializeToString()
    message = type(step_message(step, policy)).FromString(wire)
    assert step_of(message, policy) == step


@given(
    st.builds(
        ProjectedEvent,
        event_key=st.binary(min_size=16, max_size=16),
        subject=SUBJECTS,
        item_id=st.text(max_size=8),
        day=st.integers(-1000, 100_000),
        kind=st.integers(1, 5),
        quantity=st.integers(1, 1000),
        uses=st.integers(-(1 << 63), (1 << 63) - 1),
        party=st.integers(1, 4),
        origin=st.text(max_size=8),
        expires_at_ms=st.none() | st.integers(0, NEVER_MS),
        recorded_day=st.integers(0, 100_000),
    )
)
def test_an_event_comes_over_as_it_was(event):
    """Every part of what the recommender keeps, the masks of all 64 purposes included."""
    message = news_message(EventNews(7, (event,)))
    assert news_of(type(message).FromString(message.SerializeToString())) == EventNews(7, (event,))


@given(
    SUBJECTS,
    st.lists(
        st.builds(
            DeclaredAnswer,
            topic=st.integers(1, 4),
            name=st.text(max_size=8),
            value=st.integers(-3, 9),
            day=st.integers(0, 100_000),
            day_ms=st.integers(0, 86_399_999),
            uses=st.integers(-(1 << 63), (1 << 63) - 1),
            origin=st.text(max_size=8),
        ),
        max_size=3,
    ),
)
def test_what_somebody_declares_comes_over_as_it_was(subject, answers):
    """Somebody who declares nothing any more, too: that is the news of a withdrawal."""
    news = EventNews(7, (), (DeclaredBy(subject, tuple(answers)),))
    message = news_message(news)
    assert news_of(type(message).FromString(message.SerializeToString())) == news


def test_a_subject_of_the_wrong_length_is_not_taken(policy):
    """What is no birth subject never becomes one."""
    step = GraphStep(1, (SubjectId(bytes(16)),), ())
    message = step_message(step, policy)
    message.births[0] = b"short"
    with pytest.raises(ValueError, match="birth subject"):
        step_of(message, policy)


@pytest.mark.parametrize("address", ["10.0.0.7:7101", "example.org:7101", "0.0.0.0:7101"])
def test_services_call_each_other_on_loopback_only(keyring, clock, address):
    """A token and birth subjects never cross a network in the clear."""
    peers = Peers({"consent": address}, signer(keyring, Signed.SERVICE_TOKEN), "acme", clock)
    with pytest.raises(NotLoopback, match="consent"):
        peers.channel("consent", "identity")


def test_the_recommender_is_told_of_the_kinds_it_learns_from_and_of_no_other():
    """Nothing that it has no weight for leaves engagement, and what came all the same would be left out."""
    events = tuple(event_told(kind.name, kind=kind) for kind in EventKind)
    news = news_told(EventChange(7, events))
    assert (news.seq, {event.kind for event in news.events}) == (7, set(Kind))
    message = news_message(EventNews(7, tuple(projected(event) for event in events)))
    assert news_of(message) == news
