"""What the services tell each other, over the wire and through the chain like everybody's calls."""

from __future__ import annotations

import io

import grpc
import pytest

from identity.ids import SubjectId
from services.consent.signal_link import RemoteSignals
from services.consent.signals import gpc_mask
from services.deployment.suite import remote_links
from services.engagement.event_feed import remote_events
from services.errors import Unavailable
from services.identity.graph_feed import remote_barrier, remote_graph
from services.peers import Peers
from services.remote_feed import Patience
from services.remote_stores import RemoteStore, StoreServicer
from services.service_tokens import TTL_S
from services.stores import ExportedValue, Phase
from tests.e2e.test_processes import until
from tests.services.conftest import reason_of
from veilgraph.consent.v1 import consent_pb2
from veilgraph.internal.v1 import feed_pb2, feed_pb2_grpc, store_pb2, store_pb2_grpc


async def test_the_graph_and_the_events_are_read_as_they_happen(shop):
    """Everything from the beginning, then what comes; each in its own place of the sequence."""
    one, other = await shop.subject("one"), await shop.subject("other")
    await shop.grant(one)
    await shop.grant(other)
    links = remote_links(shop.suite.process, "recommender")
    head = await links.graph.head()
    births = {birth for step in await links.graph.after(0) for birth in step.births}
    assert len(births) == 2
    assert (await shop.link(one, other)).linked
    (step,) = await links.graph.after(head)
    assert step.seq == head + 1
    assert {(edge.a, edge.b) for edge in step.edges} == {tuple(sorted(births))}
    await shop.track(shop.event("1", one, "tea", amount_minor=250, currency="EUR"))
    (news,) = await links.events.after(0)
    assert [(event.item_id, event.subject in births) for event in news.events] == [("tea", True)]
    assert await links.barrier(step.seq) == shop.suite.guard.epoch


async def test_a_service_reads_only_what_is_its_own_to_read(shop):
    """The recommender's token opens no graph, consent's no events, a caller's neither."""
    peers = shop.suite.process.peers
    graph = peers.stub("identity", "consent", feed_pb2_grpc.GraphFeedServiceStub)
    events = peers.stub("engagement", "recommender", feed_pb2_grpc.EventFeedServiceStub)
    for subscribe, request, whose in (
        (graph.SubscribeGraph, feed_pb2.SubscribeGraphRequest(), "recommender"),
        (events.SubscribeEvents, feed_pb2.SubscribeEventsRequest(), "consent"),
    ):
        for metadata in (peers.metadata(whose), shop.metadata):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await subscribe(request, metadata=metadata).read()
            assert reason_of(caught.value) == "SCOPE_NOT_GRANTED_TO_CALLER"


async def test_a_service_may_use_no_public_method(shop):
    """Its token opens what it needs of the others and nothing that is about a person."""
    for service in ("identity", "consent", "engagement", "recommender"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.engagement.Portrait(
                feed_pb2.AwaitGraphRequest(), metadata=shop.suite.process.peers.metadata(service)
            )
        assert reason_of(caught.value) == "SCOPE_NOT_GRANTED_TO_CALLER"


async def test_a_stream_outlives_the_token_it_began_with(shop):
    """It ends with the token, and is begun again with the next one at the same place."""
    log = io.StringIO()
    graph = remote_graph(
        shop.suite.process.peers, shop.suite.guard.policy, Patience("consent", "the graph", log.write)
    )
    await shop.subject("before")
    (step,) = await graph.after(0)
    shop.clock.now_ms += TTL_S * 1000 + 1
    await shop.subject("after")
    (later,) = await graph.after(step.seq)
    assert later.seq == step.seq + 1
    assert not log.getvalue()


async def test_what_stops_ends_its_streams_at_once(shop):
    """A process that is told to stop does not wait for who reads its feeds."""
    events = remote_events(shop.suite.process.peers, Patience("the recommender", "events", lambda _: None))
    await events.head()
    barrier = remote_barrier(shop.suite.process.peers)
    assert await barrier(0) == shop.suite.guard.epoch
    stream = shop.suite.process.peers.stub(
        "engagement", "recommender", feed_pb2_grpc.EventFeedServiceStub
    ).SubscribeEvents(
        feed_pb2.SubscribeEventsRequest(), metadata=shop.suite.process.peers.metadata("recommender")
    )
    assert (await stream.read()).head == 0
    shop.suite.parts["engagement"].stopping()
    assert await stream.read() is grpc.aio.EOF


async def test_a_signal_is_recorded_by_whoever_receives_it(shop):
    """From another process it comes to the same: the refusal is in effect when it returns."""
    subject = await shop.subject("web")
    (birth,) = shop.suite.guard.subjects()
    links = remote_links(shop.suite.process, "recommender")
    for _ in range(2):
        await links.signals.refuse("shop", [birth, SubjectId(b"nobody knows me.")])
    policy = shop.suite.guard.policy
    assert shop.suite.guard.entry(birth).refuse == gpc_mask(policy)
    request = consent_pb2.GetStateRequest(subject=subject)
    states = (await shop.consent.GetState(request, metadata=shop.metadata)).purposes
    assert sum(state.own == consent_pb2.STATE_REFUSED for state in states) == gpc_mask(policy).bit_count()


async def test_a_signal_without_a_way_to_consent_is_unavailable(shop):
    """Whoever carried it is to come again; it is not passed over."""
    peers = Peers(
        {"consent": "127.0.0.1:1"}, shop.suite.process.peers._tokens["identity"]._signer, "demo", shop.clock
    )
    with pytest.raises(Unavailable, match="CONSENT_NOT_READY"):
        await RemoteSignals(peers, "identity").refuse("shop", [SubjectId(bytes(16))])
    await peers.close()


async def test_every_store_answers_over_the_wire_as_it_does_at_home(shop):
    """Counts, exports and erasures are the store's own; an erasure asked again answers the same."""
    stores = {
        name: one.servicer._store
        for name, part in shop.suite.parts.items()
        for one in part.served
        if isinstance(one.servicer, StoreServicer)
    }
    subject = await shop.subject("somebody")
    await shop.grant(subject)
    events = [shop.event(str(number), subject, f"item-{number}") for number in range(3)]
    await shop.track(*events)
    steps = await remote_links(shop.suite.process, "consent").graph.after(0)
    (birth,) = {birth for step in steps for birth in step.births}

    async def has_heard() -> bool:
        return bool(await stores["recommender"].count([birth]))

    await until(has_heard)
    for name, own in stores.items():
        remote = RemoteStore(name, shop.suite.process.peers)
        assert await remote.count([birth]) == await own.count([birth])
        exported = [value async for value in remote.export([birth])]
        kept = [value async for value in own.export([birth])]
        assert settled(exported) == settled(kept)
        assert settled(exported)
        if name != "consent":
            erased = await remote.erase([birth], "erasure-1", Phase.DATA)
            assert await own.erase([birth], "erasure-1", Phase.DATA) == erased
            assert not await remote.count([birth])


def settled(exported: list[ExportedValue]) -> list[ExportedValue]:
    """Without the record of who was told what, which the audit goes on writing after its calls."""
    return [value for value in exported if value.kind != "disclosure"]


async def test_no_store_is_another_services_to_ask(shop):
    """Only consent, which answers for rights, reaches into the others' stores."""
    peers = shop.suite.process.peers
    for service in ("identity", "engagement", "recommender"):
        stub = peers.stub("engagement", service, store_pb2_grpc.StoreServiceStub)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Count(store_pb2.CountRequest(), metadata=peers.metadata(service))
        assert reason_of(caught.value) == "SCOPE_NOT_GRANTED_TO_CALLER"
