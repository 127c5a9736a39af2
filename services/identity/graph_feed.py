"""The identity graph between processes: its feed, and the barrier identity waits at.

Edges travel with the names of purposes and views, never with their places in a policy file,
and of who saw them and when only that a registered verifier did, which rights ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import grpc

from consent.component import EdgeFact, EdgeState, GraphStep
from consent.policy import Policy
from identity.ids import SUBJECT_BYTES, SubjectId
from services.errors import Unavailable
from services.feed import Feed
from services.interceptors.call import Call
from services.parts.links import Barrier
from services.peers import Peers
from services.remote_feed import Patience, RemoteFeed, followed, portions
from veilgraph.internal.v1 import feed_pb2, feed_pb2_grpc

#: Births and edges of one message; about 1 MiB.
_WEIGHT_MAX = 10_000
_RETRY_S = 0.2
_STATES = {state.value: state for state in EdgeState}
#: Longer than a lease lives: a replica that does not answer is waited for no longer than that.
_BARRIER_S = 15.0


class GraphFeedServicer(feed_pb2_grpc.GraphFeedServiceServicer):
    """``veilgraph.internal.v1.GraphFeedService``."""

    def __init__(self, feed: Feed[GraphStep], policy: Policy) -> None:
        self._feed = feed
        self._policy = policy
        self._stopping = asyncio.Event()

    def close(self) -> None:
        """Ends every stream; for an orderly stop, before the server's."""
        self._stopping.set()

    async def SubscribeGraph(
        self,
        request: feed_pb2.SubscribeGraphRequest,
        call: Call,  # noqa: ARG002 - the guard has judged the caller
    ) -> AsyncIterator[feed_pb2.SubscribeGraphResponse]:
        """The head, then the steps beyond the cursor as they are or come."""
        yield feed_pb2.SubscribeGraphResponse(head=await self._feed.head())
        async for steps in followed(self._feed, request.cursor, self._stopping):
            for portion in portions(steps, _weight, _WEIGHT_MAX):
                messages = [step_message(step, self._policy) for step in portion]
                yield feed_pb2.SubscribeGraphResponse(head=await self._feed.head(), steps=messages)


class GraphBarrierServicer(feed_pb2_grpc.GraphBarrierServiceServicer):
    """``veilgraph.internal.v1.GraphBarrierService``."""

    def __init__(self, barrier: Barrier) -> None:
        self._barrier = barrier

    async def AwaitGraph(
        self,
        request: feed_pb2.AwaitGraphRequest,
        call: Call,  # noqa: ARG002 - the guard has judged the caller
    ) -> feed_pb2.AwaitGraphResponse:
        """Answers once the guard tables have followed."""
        return feed_pb2.AwaitGraphResponse(epoch=await self._barrier(request.seq))


def remote_graph(peers: Peers, policy: Policy, patience: Patience) -> RemoteFeed[GraphStep]:
    """Identity's feed as consent reads it from another process."""

    def subscribe(cursor: int) -> grpc.aio.UnaryStreamCall:
        stub = peers.stub("identity", "consent", feed_pb2_grpc.GraphFeedServiceStub)
        request = feed_pb2.SubscribeGraphRequest(cursor=cursor)
        return stub.SubscribeGraph(request, metadata=peers.metadata("consent"))

    return RemoteFeed(subscribe, lambda message: [step_of(step, policy) for step in message.steps], patience)


def remote_barrier(peers: Peers) -> Barrier:
    """Consent's barrier as identity waits at it from another process.

    The write it waits for is durable; when consent can not be asked, the call that made the
    write is told to come again.
    """

    async def barrier(seq: int) -> int:
        stub = peers.stub("consent", "identity", feed_pb2_grpc.GraphBarrierServiceStub)
        try:
            answer = await stub.AwaitGraph(
                feed_pb2.AwaitGraphRequest(seq=seq), metadata=peers.metadata("identity"), timeout=_BARRIER_S
            )
        except grpc.aio.AioRpcError:
            raise Unavailable("CONSENT_NOT_READY", retry_after_s=_RETRY_S) from None
        epoch: int = answer.epoch
        return epoch

    return barrier


def step_message(step: GraphStep, policy: Policy) -> feed_pb2.GraphStep:
    """A step as it travels."""
    names = [
        [name for bit, name in enumerate(policy.views) if mask >> bit & 1]
        for mask in range(1 << len(policy.views))
    ]
    message = feed_pb2.GraphStep(seq=step.seq, births=step.births, suppressed=step.suppressed)
    add = message.edges.add
    for edge in step.edges:
        add(  # made in place: half the cost of a message that is copied into the list
            edge_id=edge.edge_id,
            a=edge.a,
            b=edge.b,
            link_purpose=policy.leaves[edge.link_purpose],
            deterministic=edge.deterministic,
            views=names[edge.views],
            state=edge.state.value,
            valid_until_ms=edge.valid_until_ms,
            attested_by=edge.attested_by,
        )
    return message


def step_of(message: feed_pb2.GraphStep, policy: Policy) -> GraphStep:
    """The step a message tells.

    Raises:
        UnknownPurpose: it names a purpose the policy lacks.
        ValueError: a view, a state or a subject is not one.
    """
    known: dict[tuple[str, ...], int] = {}  # views by their names, of which there are few

    def views_of(names: Sequence[str]) -> int:
        key = tuple(names)
        if key not in known:
            known[key] = sum(1 << policy.views.index(name) for name in key)
        return known[key]

    return GraphStep(
        message.seq,
        tuple([_subject(birth) for birth in message.births]),
        tuple([_edge_of(edge, policy, views_of(edge.views)) for edge in message.edges]),
        tuple([_subject(birth) for birth in message.suppressed]),
    )


def _edge_of(message: feed_pb2.GraphEdge, policy: Policy, views: int) -> EdgeFact:
    return EdgeFact(
        message.edge_id,
        _subject(message.a),
        _subject(message.b),
        policy.index(message.link_purpose),
        message.deterministic,
        views,
        _state(message.state),
        message.valid_until_ms,
        message.attested_by,
    )


def _state(name: str) -> EdgeState:
    return _STATES.get(name) or EdgeState(name)  # raises


def _subject(raw: bytes) -> SubjectId:
    if len(raw) != SUBJECT_BYTES:
        raise ValueError("not a birth subject")
    return SubjectId(raw)


def _weight(step: GraphStep) -> int:
    return 1 + len(step.births) + 4 * len(step.edges)
