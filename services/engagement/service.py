"""ProfileService: takes in what people do and say of themselves, and shows it back to them.

An acknowledgement means durable: it is given after the commit, and the news of the events
are in the same commit. A refused event is named, the rest of its batch is recorded. Every
batch may be sent again; what was recorded is then counted as a duplicate.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, cast

from google.protobuf.timestamp_pb2 import Timestamp

from consent.policy import Policy
from engagement.declared import Answer, Declaration, of_person
from engagement.declared import refusal_of as refusal_of_declaration
from engagement.event import Event, event_key_of, use_mask
from engagement.portrait import PageTokens, page_scope
from engagement.rules import refusal_of, uses_by_party
from engagement.store import Appended, DeclaredStore, DeclareRequest, EventStore, Recorded
from identity.ids import SubjectId
from services.begun import Begun
from services.engagement.declaring import (
    answer_uses,
    declaration_of,
    declare_request,
    declared_answer,
    unlocked,
)
from services.errors import InvalidRequest
from services.feed import Feed
from services.interceptors.call import Call, ItemRefusal, Unreadable
from veilgraph.engagement.v1 import profile_pb2, profile_pb2_grpc
from veilgraph.privacy.v1 import privacy_pb2

PAGE_SIZE_DEFAULT = 100
_WHOLE_MESSAGE = -1
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one batch: the store's answer, and every refused event by its first index."""

    appended: Appended
    refused: Sequence[privacy_pb2.ItemError]


class ProfileServicer(profile_pb2_grpc.ProfileServiceServicer):
    """``veilgraph.engagement.v1.ProfileService``."""

    def __init__(
        self,
        *,
        store: EventStore,
        declared: DeclaredStore,
        feed: Feed[Any],
        policy: Policy,
        page_tokens: PageTokens,
    ) -> None:
        self._store = store
        self._declared = declared
        self._feed = feed
        self._policy = policy
        self._uses = uses_of(policy)
        self._answer_uses = answer_uses(policy)
        self._page_tokens = page_tokens
        self._begun = Begun()

    async def TrackBatch(
        self, request: profile_pb2.TrackBatchRequest, call: Call
    ) -> profile_pb2.TrackBatchResponse:
        """Records a batch; answers once it is durable."""
        taken = await self._take(request.events, call)
        return profile_pb2.TrackBatchResponse(
            recorded=taken.appended.recorded, duplicates=taken.appended.duplicates, refused=taken.refused
        )

    async def Track(
        self, requests: AsyncIterator[profile_pb2.TrackRequest | Unreadable], call: Call
    ) -> AsyncIterator[profile_pb2.TrackResponse]:
        """Records batch after batch; each is acknowledged, in order, once it is durable."""
        message = 0
        async for request in requests:
            message += 1
            if isinstance(request, Unreadable):
                whole = ItemRefusal(_WHOLE_MESSAGE, request.reason, request.field, request.code)
                yield profile_pb2.TrackResponse(message=message, refused=[whole.message()])
                continue
            taken = await self._take(request.events, call)
            yield profile_pb2.TrackResponse(
                message=message,
                recorded=taken.appended.recorded,
                duplicates=taken.appended.duplicates,
                refused=taken.refused,
            )

    async def Declare(self, request: profile_pb2.DeclareRequest, call: Call) -> profile_pb2.DeclareResponse:
        """Records what a person says of themselves; answers once it is durable."""
        subject, caller = call.subject, call.caller
        assert subject is not None  # noqa: S101 - a method that refuses has a subject
        assert caller is not None  # noqa: S101 - authentication ran before
        declaration = declaration_of(request, subject, call.members(subject), call.now_ms, self._answer_uses)
        refusal = refusal_of_declaration(declaration)
        if refusal is not None:
            raise InvalidRequest(refusal.reason, field=refusal.field)
        recorded = await self._begun.to_the_end(
            self._say(declare_request(request, subject, call), declaration)
        )
        return profile_pb2.DeclareResponse(
            answered=recorded.answered,
            withdrawn=recorded.withdrawn,
            unlocked=unlocked(
                declaration.answers,
                lambda purpose: bool(caller.purposes >> self._policy.index(purpose) & 1),
                lambda purpose: call.allows(subject, purpose),
            ),
        )

    async def Portrait(
        self, request: profile_pb2.PortraitRequest, call: Call
    ) -> profile_pb2.PortraitResponse:
        """The person's events and answers that may be read for the call's purpose."""
        assert call.subject is not None  # noqa: S101 - a method that refuses has a subject
        assert call.caller is not None  # noqa: S101 - authentication ran before
        members = call.members(call.subject)
        scope = page_scope(call.tenant, call.caller.id, call.purpose, members)
        after = self._page_tokens.open(request.page_token, scope) if request.page_token else None
        limit = request.page_size or PAGE_SIZE_DEFAULT
        page = await self._store.portrait(members, call.purpose, call.now_ms, limit, after)
        answers = () if after else await self._readable_answers(members, call.purpose)
        return profile_pb2.PortraitResponse(
            events=[portrait_event(event) for event in page.events],
            total_events=page.total,
            next_page_token=self._page_tokens.seal(page.following, scope) if page.following else "",
            origins=[
                profile_pb2.OriginCount(origin=origin, events=count)
                for origin, count in sorted(page.by_origin.items())
            ],
            declared=[declared_answer(answer) for answer in answers],
        )

    async def drained(self) -> None:
        """Returns when nothing that was begun is unfinished; for an orderly stop."""
        await self._begun.drained()

    async def _take(self, messages: Sequence[profile_pb2.Event], call: Call) -> Taken:
        """Judges and records the events of one message; reads ``call`` before it waits."""
        taken = []
        events = events_of(messages, call, self._uses)
        for index, event in zip(call.accepted, events, strict=True):
            refusal = refusal_of(event, event.recorded_at_ms)
            if refusal is None:
                taken.append(event)
            else:
                call.refuse_item(index, refusal.reason, f"events[{index}].{refusal.field}")
        refused = sorted(call.refused, key=attrgetter("index"))
        # A commit goes on when its caller is gone, and then its news must go out too.
        appended = await self._begun.to_the_end(self._record(taken))
        return Taken(appended, [refusal.message() for refusal in refused])

    async def _say(self, request: DeclareRequest, declaration: Declaration) -> Recorded:
        recorded = await self._declared.declare(request, declaration)
        self._feed.published(recorded.seq)
        return recorded

    async def _readable_answers(self, members: Sequence[SubjectId], purpose: int) -> list[Answer]:
        answers = await self._declared.declared(members)
        return of_person(answer for answer in answers if answer.uses >> purpose & 1)

    async def _record(self, events: Sequence[Event]) -> Appended:
        appended = await self._store.append(events)
        self._feed.published(appended.seq)
        return appended


def uses_of(policy: Policy) -> Mapping[int, int]:
    """The uses of events by party: a partner's have every use but those of handing them on."""
    every = range(len(policy.leaves))
    kept = (index for index in every if not policy.leaves[index].startswith("share."))
    return uses_by_party(own=use_mask(every), partner=use_mask(kept))


def events_of(messages: Iterable[profile_pb2.Event], call: Call, uses: Mapping[int, int]) -> list[Event]:
    """The accepted events of a message as domain events; times are cut to milliseconds.

    Written out rather than divided up: it runs once an event.
    """
    assert call.caller is not None  # noqa: S101 - authentication ran before
    key_of = event_key_of(call.tenant, call.caller.id)
    now_ms = call.now_ms
    subjects = cast("list[SubjectId]", call.subjects["events.subject"])  # none is a guest: denials refuse
    events = []
    for message, subject in zip(messages, subjects, strict=True):
        source, occurred_at = message.source, message.occurred_at
        party = source.party
        event = Event(
            key_of(message.event_id),
            subject,
            message.kind,
            message.item_id,
            occurred_at.seconds * 1000 + occurred_at.nanos // _NS_PER_MS,
            message.quantity or 1,
            message.amount_minor,
            message.currency,
            message.order_ref,
            party,
            source.origin,
            source.agreement,
            milliseconds(source.expires_at) if source.HasField("expires_at") else None,
            now_ms,
            uses.get(party, 0),
        )
        events.append(event)
    return events


def portrait_event(event: Event) -> profile_pb2.PortraitEvent:
    """A domain event as it is shown."""
    source = profile_pb2.Source(
        party=profile_pb2.Party.Name(event.party), origin=event.origin, agreement=event.agreement
    )
    if event.expires_at_ms is not None:
        source.expires_at.CopyFrom(timestamp(event.expires_at_ms))
    return profile_pb2.PortraitEvent(
        kind=profile_pb2.EventKind.Name(event.kind),
        item_id=event.item_id,
        occurred_at=timestamp(event.occurred_at_ms),
        quantity=event.quantity,
        amount_minor=event.amount_minor,
        currency=event.currency,
        source=source,
        recorded_at=timestamp(event.recorded_at_ms),
    )


def milliseconds(instant: Timestamp) -> int:
    """A timestamp as milliseconds since the epoch, cut off below."""
    return instant.seconds * 1000 + instant.nanos // _NS_PER_MS


def timestamp(instant_ms: int) -> Timestamp:
    """Milliseconds since the epoch as a timestamp."""
    seconds, ms = divmod(instant_ms, 1000)
    return Timestamp(seconds=seconds, nanos=ms * _NS_PER_MS)
