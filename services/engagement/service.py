"""ProfileService: takes in what people do and say of themselves, and shows it back to them.

An acknowledgement means durable: it is given after the commit, and the news of the events
are in the same commit. A refused event is named, the rest of its batch is recorded. Every
batch may be sent again; what was recorded is then counted as a duplicate.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from consent.policy import Policy
from engagement.attributes import Value, name_of
from engagement.attributes import of_person as values_of_person
from engagement.declaration import Declaration
from engagement.declaration import refusal_of as refusal_of_declaration
from engagement.declared import Answer, of_person
from engagement.event import Event, EventKind
from engagement.facts_of import Asked, declared_name, readable, readable_events
from engagement.fields import EVENTS_PREFIX
from engagement.play import Limits
from engagement.portrait import PageTokens, depth_of, page_scope
from engagement.rules import refusal_of
from engagement.store import Appended, AttributeStore, DeclaredStore, DeclareRequest, EventStore, Recorded
from identity.ids import SubjectId
from services.begun import Begun
from services.engagement.declaring import (
    answer_uses,
    declaration_of,
    declare_request,
    declared_answer,
    unlocked,
)
from services.engagement.event_messages import events_of, portrait_event, uses_of
from services.engagement.permitting import denied_place
from services.engagement.reads import NoteReads, uncounted
from services.engagement.recording import (
    attribute_uses,
    denied_value,
    portrait_attribute,
    profile_of,
    values_taken,
)
from services.errors import Denied, InvalidRequest
from services.feed import Feed
from services.interceptors.call import Call, ItemRefusal, Unreadable
from veilgraph.engagement.v1 import offer_pb2, profile_pb2, profile_pb2_grpc
from veilgraph.privacy.v1 import privacy_pb2

PAGE_SIZE_DEFAULT = 100
_WHOLE_MESSAGE = -1
_RIGHTS = "rights"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one batch: the store's answer, and every refused event by its first index."""

    appended: Appended
    refused: Sequence[privacy_pb2.ItemError]


class Uses:
    """The distinct uses of what stands on a page, each once, in the order they are met."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}

    def place(self, mask: int) -> int:
        """The place of a mask of purposes among the uses."""
        return self._places.setdefault(mask, len(self._places))

    @property
    def masks(self) -> Sequence[int]:
        """The masks by their places."""
        return list(self._places)


class ProfileServicer(profile_pb2_grpc.ProfileServiceServicer):
    """``veilgraph.engagement.v1.ProfileService``."""

    def __init__(
        self,
        *,
        store: EventStore,
        declared: DeclaredStore,
        attributes: AttributeStore,
        feed: Feed[Any],
        policy: Policy,
        page_tokens: PageTokens,
        limits: Callable[[], Limits] = Limits,
        note: NoteReads = uncounted,
    ) -> None:
        """Makes the servicer; ``limits`` are the tenant's of the moment, ``note`` counts what is read."""
        self._store = store
        self._declared = declared
        self._attributes = attributes
        self._feed = feed
        self._policy = policy
        self._uses = uses_of(policy)
        self._answer_uses = answer_uses(policy)
        self._attribute_uses = attribute_uses(policy)
        self._page_tokens = page_tokens
        self._limits = limits
        self._note = note
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
        profile = profile_of(request, subject, call.now_ms, self._attribute_uses)
        members = call.members(subject)
        declaration = declaration_of(request, subject, members, call.now_ms, self._answer_uses)
        declaration = declaration._replace(profile=profile)
        refusal = refusal_of_declaration(declaration)
        if refusal is not None:
            raise InvalidRequest(refusal.reason, field=refusal.field)
        denied, where = denied_value(profile, call)
        if denied:
            raise Denied(denied, field=where)
        recorded = await self._begun.to_the_end(
            self._say(declare_request(request, subject, call), declaration)
        )
        return profile_pb2.DeclareResponse(
            answered=recorded.answered,
            withdrawn=recorded.withdrawn,
            unlocked=unlocked(
                declaration,
                lambda purpose: bool(caller.purposes >> self._policy.index(purpose) & 1),
                lambda purpose: call.allows(subject, purpose),
            ),
        )

    async def RecordAttributes(
        self, request: profile_pb2.RecordAttributesRequest, call: Call
    ) -> profile_pb2.RecordAttributesResponse:
        """Records values with where they are from; answers once they are durable."""
        taken = values_taken(request, call, self._attribute_uses)
        refused = sorted(call.refused, key=attrgetter("index"))
        recorded = await self._begun.to_the_end(self._attributes.record(taken))
        return profile_pb2.RecordAttributesResponse(
            recorded=recorded, refused=[refusal.message() for refusal in refused]
        )

    async def Portrait(
        self, request: profile_pb2.PortraitRequest, call: Call
    ) -> profile_pb2.PortraitResponse:
        """What of the person may be read for the call's purpose, a page of it."""
        subject, caller = call.subject, call.caller
        assert subject is not None  # noqa: S101 - a method that refuses has a subject
        assert caller is not None  # noqa: S101 - authentication ran before
        members = call.members(subject)
        scope = page_scope(call.tenant, caller.id, call.purpose, members)
        after = self._page_tokens.open(request.page_token, scope) if request.page_token else None
        limit = request.page_size or PAGE_SIZE_DEFAULT
        asked = Asked(call.purpose, self._policy.leaves[call.purpose], call.now_ms, "UTC", call.allows)
        page = await self._store.portrait(members, call.purpose, call.now_ms, limit, after)
        answers = () if after else await self._readable_answers(members, call.purpose)
        values = () if after else await self._readable_values(members, asked)
        if asked.leaf != _RIGHTS:
            self._note(_read_names(page.events, answers, values))
        uses = Uses()
        depth = depth_of(
            page, call.now_ms, self._limits().new_relation_days, declared=bool(answers or values)
        )
        return profile_pb2.PortraitResponse(
            events=[
                portrait_event(event, uses.place(event.uses)) for event in readable_events(page.events, asked)
            ],
            total_events=page.total,
            next_page_token=self._page_tokens.seal(page.following, scope) if page.following else "",
            origins=[
                profile_pb2.OriginCount(origin=origin, events=count)
                for origin, count in sorted(page.by_origin.items())
            ],
            declared=[declared_answer(answer, uses.place(answer.uses)) for answer in answers],
            attributes=[portrait_attribute(value, uses.place(value.uses)) for value in values],
            depth=None if after else offer_pb2.Depth.Name(depth),
            uses=[profile_pb2.ReadFor(purposes=self._policy.names_in(mask)) for mask in uses.masks],
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
            if refusal is not None:
                call.refuse_item(index, refusal.reason, f"events[{index}].{refusal.field}")
            elif event.detail and (reason := denied_place(event, call)):
                call.refuse_item(index, reason, f"events[{index}].detail.place_cell")
            else:
                taken.append(event)
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

    async def _readable_values(self, members: Sequence[SubjectId], asked: Asked) -> Sequence[Value]:
        values = await self._attributes.values(members)
        return list(values_of_person(readable(values, asked), asked.now_ms).values())

    async def _record(self, events: Sequence[Event]) -> Appended:
        appended = await self._store.append(events)
        self._feed.published(appended.seq)
        return appended


def _read_names(events: Iterable[Event], answers: Iterable[Answer], values: Iterable[Value]) -> set[str]:
    """The names of the fields that a page shows."""
    return {
        *(f"{EVENTS_PREFIX}{EventKind(event.kind).name}" for event in events),
        *(declared_name(answer) for answer in answers),
        *(name_of(value.attribute) for value in values),
    }
