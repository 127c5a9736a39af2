"""ProfileService, handed its calls as the guard hands them over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
import pytest

from consent.guard_table import GuardTable
from consent.policy import Policy
from engagement.errors import PageTokenInvalid
from engagement.event import Event, Party, event_key_of, use_mask
from engagement.rules import CLOCK_SKEW_MS
from engagement.store import Appended, EventChange
from services.engagement.event_messages import milliseconds, portrait_event, timestamp, uses_of
from services.engagement.service import ProfileServicer
from services.errors import REASONS
from services.feed import Feed
from services.interceptors.call import ItemRefusal, Unreadable
from services.interceptors.plan import compile_service
from services.interceptors.views import Seals
from tests.conftest import Clock, set_state
from tests.engagement.conftest import Calls, profile_service
from tests.engagement.events import DAY_MS, NOW_MS, MemoryEventStore, event, subject
from tests.engagement.test_rules import REFUSED
from veilgraph.engagement.v1 import offer_pb2, profile_pb2

NOTHING_KNOWN = profile_pb2.PortraitResponse(depth=offer_pb2.DEPTH_GENERAL)
DENIED = int(grpc.StatusCode.PERMISSION_DENIED.value[0])


def message(event_id: str = "e1", **changed: Any) -> profile_pb2.Event:
    """An ordinary purchase as a caller sends it, its subject already taken out."""
    sent = profile_pb2.Event(
        event_id=event_id,
        kind=profile_pb2.EVENT_KIND_ORDER,
        item_id="item-7",
        occurred_at=timestamp(NOW_MS - DAY_MS),
        quantity=2,
        amount_minor=499,
        currency="EUR",
        order_ref="basket-1",
        source=profile_pb2.Source(party=profile_pb2.PARTY_FIRST, origin="till"),
    )
    sent.MergeFrom(profile_pb2.Event(**changed))
    return sent


def batch(*messages: profile_pb2.Event) -> profile_pb2.TrackBatchRequest:
    """A request of some events."""
    return profile_pb2.TrackBatchRequest(events=messages)


async def test_an_event_is_recorded_as_it_was_sent(
    servicer: ProfileServicer, calls: Calls, store: MemoryEventStore, policy: Policy
) -> None:
    """Every field arrives, under the birth subject, with the instant of recording and its uses."""
    sent = message("e9", source=profile_pb2.Source(expires_at=timestamp(NOW_MS + DAY_MS)))
    answer = await servicer.TrackBatch(batch(sent), calls.tracking([subject(4)]))
    assert (answer.recorded, answer.duplicates, len(answer.refused)) == (1, 0, 0)
    expected = event(
        "e9", subject=subject(4), expires_at_ms=NOW_MS + DAY_MS, uses=uses_of(policy).by_party[Party.FIRST]
    )
    assert store.events == [expected]
    assert store.events[0].event_key == event_key_of("tenant", "till")("e9")


async def test_no_quantity_means_one(
    servicer: ProfileServicer, calls: Calls, store: MemoryEventStore
) -> None:
    """A quantity left out is one piece."""
    sent = message()
    sent.ClearField("quantity")
    await servicer.TrackBatch(batch(sent), calls.tracking([subject(1)]))
    assert store.events[0].quantity == 1


async def test_a_partners_event_may_not_be_handed_on(
    servicer: ProfileServicer, calls: Calls, store: MemoryEventStore, policy: Policy
) -> None:
    """It has every use but those beneath "share"; the tenant's own has all."""
    partner = profile_pb2.Source(party=profile_pb2.PARTY_SECOND, agreement="a-7")
    await servicer.TrackBatch(
        batch(message("own"), message("partner", source=partner)), calls.tracking([subject(1)] * 2)
    )
    own, seconds = ({p for p in range(len(policy.leaves)) if e.uses & use_mask([p])} for e in store.events)
    assert own == set(range(len(policy.leaves)))
    assert own - seconds == {policy.index("share.partner"), policy.index("share.sale")}


async def test_every_reason_of_the_rules_has_its_row_in_the_error_table(calls: Calls) -> None:
    """A refused event is answered with the code the table gives its reason."""
    reasons = {reason for _, reason, _ in REFUSED}
    assert reasons <= set(REASONS)


async def test_refusals_of_guard_and_rules_are_merged_and_the_rest_is_recorded(
    servicer: ProfileServicer, calls: Calls, store: MemoryEventStore
) -> None:
    """Indexes count in the original request, in order, though the handler never saw all of it."""
    third = profile_pb2.Source(party=profile_pb2.PARTY_THIRD)
    request = batch(
        message("one"),
        message("three", occurred_at=timestamp(NOW_MS + CLOCK_SKEW_MS + 1)),
        message("five", source=third),
    )
    by_guard = [
        ItemRefusal(4, "NOT_PERMITTED", "", DENIED),
        ItemRefusal(0, "SUBJECT_REF_MALFORMED", "events[0].subject", 3),
    ]
    call = calls.tracking([subject(1)] * 3, accepted=[1, 3, 5], refused=by_guard)
    answer = await servicer.TrackBatch(request, call)
    assert [(r.index, r.reason, r.field, r.code) for r in answer.refused] == [
        (0, "SUBJECT_REF_MALFORMED", "events[0].subject", 3),
        (3, "TIME_IN_FUTURE", "events[3].occurred_at", 3),
        (4, "NOT_PERMITTED", "", DENIED),
        (5, "THIRD_PARTY_REFUSED", "events[5].source.party", 9),
    ]
    assert (answer.recorded, answer.duplicates) == (1, 0)
    assert [e.event_key for e in store.events] == [event_key_of("tenant", "till")("one")]


async def test_a_batch_sent_again_is_counted_as_duplicates(servicer: ProfileServicer, calls: Calls) -> None:
    """Whole or in part, in the same batch or a later one."""
    first = await servicer.TrackBatch(
        batch(message("a"), message("b"), message("a")), calls.tracking([subject(1)] * 3)
    )
    again = await servicer.TrackBatch(batch(message("b"), message("c")), calls.tracking([subject(1)] * 2))
    assert (first.recorded, first.duplicates) == (2, 1)
    assert (again.recorded, again.duplicates) == (1, 1)


async def test_one_id_of_two_callers_is_two_events(servicer: ProfileServicer, calls: Calls) -> None:
    """A caller's ids are its own."""
    till, web = calls.begin("till"), calls.begin("web")
    await servicer.TrackBatch(batch(message("a")), calls.tracking([subject(1)], call=till))
    answer = await servicer.TrackBatch(batch(message("a")), calls.tracking([subject(1)], call=web))
    assert answer.recorded == 1


async def test_the_feed_is_told_of_what_was_recorded(
    servicer: ProfileServicer, calls: Calls, feed: Feed[EventChange], store: MemoryEventStore
) -> None:
    """And of nothing when nothing was."""
    await servicer.TrackBatch(batch(message("a")), calls.tracking([subject(1)]))
    assert await feed.head() == 1
    await servicer.TrackBatch(batch(message("a")), calls.tracking([subject(1)]))
    assert await feed.head() == 1
    (change,) = await feed.after(0)
    assert list(change.events) == store.events


class GatedStore(MemoryEventStore):
    """Commits when it is let to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()

    async def append(self, events: Sequence[Event]) -> Appended:
        """Waits at the gate, then keeps the events."""
        self.begun.set()
        await self.gate.wait()
        return await super().append(events)


async def test_news_go_out_though_the_caller_has_gone(calls: Calls, policy: Policy) -> None:
    """A call cancelled while its batch is committed leaves no committed event untold."""
    store = GatedStore()
    feed = Feed(store.changes, store.last_seq)
    servicer = profile_service(store, feed, policy)
    call = asyncio.create_task(servicer.TrackBatch(batch(message("a")), calls.tracking([subject(1)])))
    await store.begun.wait()
    call.cancel()
    assert isinstance((await asyncio.gather(call, return_exceptions=True))[0], asyncio.CancelledError)
    store.gate.set()
    await servicer.drained()
    assert len(store.events) == 1
    changes = await asyncio.wait_for(feed.after(0), 1)
    assert [len(change.events) for change in changes] == [1]


async def test_nothing_is_acknowledged_before_it_is_durable(calls: Calls, policy: Policy) -> None:
    """A stream's answer waits for the commit of its own message, and the next message for the answer."""
    store = GatedStore()
    feed = Feed(store.changes, store.last_seq)
    servicer = profile_service(store, feed, policy)
    call = calls.begin()
    sent = [(profile_pb2.TrackRequest(events=[message(name)]), [subject(1)]) for name in "ab"]
    answers = servicer.Track(calls.stream(call, sent), call)
    first = asyncio.ensure_future(anext(answers))
    await store.begun.wait()
    assert not first.done()
    assert call.messages == 1
    store.gate.set()
    assert (await first).recorded == 1
    assert len(store.events) == 1
    await answers.aclose()


async def test_an_unreadable_message_is_answered_and_the_stream_goes_on(
    servicer: ProfileServicer, calls: Calls, store: MemoryEventStore
) -> None:
    """Each message has its answer, in order; the corrupt one is refused as a whole."""
    call = calls.begin()
    third = profile_pb2.Source(party=profile_pb2.PARTY_THIRD)
    sent = [
        (profile_pb2.TrackRequest(events=[message("a"), message("b")]), [subject(1), subject(2)]),
        Unreadable("MESSAGE_UNREADABLE", "", 3),
        (
            profile_pb2.TrackRequest(events=[message("b"), message("c", source=third), message("d")]),
            [subject(2)] * 3,
        ),
    ]
    answers = [answer async for answer in servicer.Track(calls.stream(call, sent), call)]
    assert [answer.message for answer in answers] == [1, 2, 3]
    assert [(a.recorded, a.duplicates) for a in answers] == [(2, 0), (0, 0), (1, 1)]
    assert [(r.index, r.reason, r.code) for r in answers[1].refused] == [(-1, "MESSAGE_UNREADABLE", 3)]
    assert [(r.index, r.reason) for r in answers[2].refused] == [(1, "THIRD_PARTY_REFUSED")]
    assert [e.subject for e in store.events] == [subject(1), subject(2), subject(2)]


async def test_each_message_is_judged_at_its_own_instant(
    servicer: ProfileServicer, calls: Calls, clock: Clock, store: MemoryEventStore
) -> None:
    """What lay in the future when a stream began is taken once its time has come."""
    call = calls.begin()
    tomorrow = message("a", occurred_at=timestamp(NOW_MS + DAY_MS))
    sent = [(profile_pb2.TrackRequest(events=[tomorrow]), [subject(1)])] * 2
    answers = servicer.Track(calls.stream(call, sent), call)
    assert (await anext(answers)).refused[0].reason == "TIME_IN_FUTURE"
    clock.now_ms += DAY_MS
    assert (await anext(answers)).recorded == 1
    assert store.events[0].recorded_at_ms == NOW_MS + DAY_MS


async def test_a_portrait_shows_the_person_with_sources(
    servicer: ProfileServicer, calls: Calls, store: MemoryEventStore, guard: GuardTable
) -> None:
    """The events of all members who permit it, newest first, each with where it came from."""
    person = (subject(1), subject(2), subject(3))
    set_state(guard, subject(1), "personalise", members=person)
    set_state(guard, subject(2), "personalise", members=person)
    set_state(guard, subject(3), members=person)
    await store.append(
        [
            event("a", subject=subject(1), occurred_at_ms=NOW_MS - 2),
            event(
                "b",
                subject=subject(2),
                occurred_at_ms=NOW_MS - 1_001,
                origin="web",
                party=3,
                agreement="a-7",
                expires_at_ms=NOW_MS + 1,
            ),
            event("c", subject=subject(3), origin="phone"),
            event("d", subject=subject(4)),
        ]
    )
    request = profile_pb2.PortraitRequest(for_purpose=6)
    answer = await servicer.Portrait(request, calls.portraying(subject(1), "personalise.recommend"))
    assert [milliseconds(e.occurred_at) for e in answer.events] == [NOW_MS - 2, NOW_MS - 1_001]
    assert {o.origin: o.events for o in answer.origins} == {"till": 1, "web": 1}
    assert (answer.total_events, answer.next_page_token) == (2, "")
    shown = answer.events[1]
    assert (shown.source.party, shown.source.agreement) == (profile_pb2.PARTY_SECOND, "a-7")
    assert milliseconds(shown.source.expires_at) == NOW_MS + 1
    assert not answer.events[0].source.HasField("expires_at")
    assert (shown.kind, shown.item_id, shown.quantity) == (profile_pb2.EVENT_KIND_ORDER, "item-7", 2)
    assert (shown.amount_minor, shown.currency, milliseconds(shown.recorded_at)) == (499, "EUR", NOW_MS)


async def test_a_portrait_of_nobody_who_permits_it_is_empty(
    servicer: ProfileServicer, calls: Calls, store: MemoryEventStore
) -> None:
    """Should permission end between the guard and the handler, nothing is shown."""
    await store.append([event("a")])
    answer = await servicer.Portrait(
        profile_pb2.PortraitRequest(for_purpose=6), calls.portraying(subject(1), "personalise.recommend")
    )
    assert answer == NOTHING_KNOWN


async def test_a_portrait_never_shows_what_has_expired_or_is_for_other_purposes(
    servicer: ProfileServicer, calls: Calls, store: MemoryEventStore, guard: GuardTable, clock: Clock
) -> None:
    """An event disappears at the instant it expires, from the list and from every count."""
    set_state(guard, subject(1), "service", "analytics")
    service, other = guard.policy.index("service"), guard.policy.index("loyalty")
    await store.append(
        [
            event("a", expires_at_ms=NOW_MS + 5, uses=use_mask([service])),
            event("b", uses=use_mask([other])),
        ]
    )
    request = profile_pb2.PortraitRequest(for_purpose=1)
    before = await servicer.Portrait(request, calls.portraying(subject(1), "service"))
    assert before.total_events == len(before.events) == 1
    clock.now_ms += 5
    after = await servicer.Portrait(request, calls.portraying(subject(1), "service"))
    assert after == NOTHING_KNOWN


async def test_a_portrait_pages_to_its_end(
    servicer: ProfileServicer, calls: Calls, store: MemoryEventStore, guard: GuardTable
) -> None:
    """Pages of the asked size, together everything once; 100 when no size is asked for."""
    set_state(guard, subject(1), "service")
    await store.append([event(str(n), item_id=f"{n:03}", occurred_at_ms=NOW_MS - n) for n in range(250)])
    for size, lengths in ((0, [100, 100, 50]), (125, [125, 125]), (1000, [250])):
        items, token, sizes = [], "", []
        while not sizes or token:
            request = profile_pb2.PortraitRequest(for_purpose=1, page_size=size, page_token=token)
            answer = await servicer.Portrait(request, calls.portraying(subject(1), "service"))
            items += [e.item_id for e in answer.events]
            sizes.append(len(answer.events))
            token = answer.next_page_token
        assert sizes == lengths
        assert items == [f"{n:03}" for n in range(250)]


async def test_a_page_token_of_another_question_is_refused(
    servicer: ProfileServicer, calls: Calls, store: MemoryEventStore, guard: GuardTable
) -> None:
    """Of another subject, purpose or caller, of the person before a link, or altered."""
    for number in (1, 2):
        set_state(guard, subject(number), "service", "loyalty")
    await store.append([event(f"{n}{who}", subject=subject(who)) for n in range(3) for who in (1, 2)])
    first = profile_pb2.PortraitRequest(for_purpose=1, page_size=1)
    answer = await servicer.Portrait(first, calls.portraying(subject(1), "service"))
    following = profile_pb2.PortraitRequest(for_purpose=1, page_size=1, page_token=answer.next_page_token)
    assert len((await servicer.Portrait(following, calls.portraying(subject(1), "service"))).events) == 1
    for call in (
        calls.portraying(subject(2), "service"),
        calls.portraying(subject(1), "loyalty"),
        calls.portraying(subject(1), "service", caller="web"),
    ):
        with pytest.raises(PageTokenInvalid):
            await servicer.Portrait(following, call)
    set_state(guard, subject(1), "service", members=(subject(1), subject(2)))
    with pytest.raises(PageTokenInvalid):
        await servicer.Portrait(following, calls.portraying(subject(1), "service"))


@pytest.mark.parametrize("instant_ms", [-62_135_596_800_000, -1, 0, 999, 1_000, NOW_MS])
def test_an_instant_survives_the_way_out_and_back(instant_ms: int) -> None:
    """Milliseconds to a timestamp and back, before 1970 too."""
    assert milliseconds(timestamp(instant_ms)) == instant_ms
    assert 0 <= timestamp(instant_ms).nanos < 1_000_000_000


def test_a_purpose_that_reads_no_events_learns_not_even_how_many(policy: Policy) -> None:
    """Not by their number, their origins or times of recording, nor by counting pages."""
    service = profile_pb2.DESCRIPTOR.services_by_name["ProfileService"]
    plan = compile_service(service, policy)["/veilgraph.engagement.v1.ProfileService/Portrait"]
    full = profile_pb2.PortraitResponse(
        events=[portrait_event(event("a"), 0)],
        total_events=2,
        next_page_token="more",
        origins=[profile_pb2.OriginCount(origin="till", events=2)],
        consent_epoch=7,
    )

    def shown(purpose: str) -> profile_pb2.PortraitResponse:
        view = plan.views[policy.index(purpose)].of(full, Seals(str, str, str, str))
        return profile_pb2.PortraitResponse.FromString(view.SerializeToString())

    assert shown("security") == profile_pb2.PortraitResponse(consent_epoch=7)
    assert shown("rights") == full
