"""Events between the contract and the domain, and what each may be used for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from google.protobuf.timestamp_pb2 import Timestamp

from consent.policy import Policy
from engagement.detail import Detail, packed, unpacked
from engagement.event import OF_A_BODY, Event, event_key_of, use_mask
from engagement.rules import uses_by_party
from identity.ids import SubjectId
from services.interceptors.call import Call
from veilgraph.engagement.v1 import profile_pb2

_NS_PER_MS = 1_000_000
#: What measures a body serves what it is collected for; and its person may see and correct it.
_FOR_BODIES = ("special_category.profile", "rights")


class EventUses(NamedTuple):
    """Masks of the purposes that events may be used for.

    Attributes:
        by_party: by whose data it is; a partner's have every use but those of handing them on.
        of_a_body: of what measures a body, whoever did.
    """

    by_party: Mapping[int, int]
    of_a_body: int


def uses_of(policy: Policy) -> EventUses:
    """The uses of events by the policy's purposes."""
    every = range(len(policy.leaves))
    kept = (index for index in every if not policy.leaves[index].startswith("share."))
    by_party = uses_by_party(own=use_mask(every), partner=use_mask(kept))
    return EventUses(by_party, use_mask(policy.index(leaf) for leaf in _FOR_BODIES))


def events_of(messages: Iterable[profile_pb2.Event], call: Call, uses: EventUses) -> list[Event]:
    """The accepted events of a message as domain events; times are cut to milliseconds.

    Written out rather than divided up: it runs once an event.
    """
    assert call.caller is not None  # noqa: S101 - authentication ran before
    key_of = event_key_of(call.tenant, call.caller.id)
    now_ms = call.now_ms
    by_party = uses.by_party
    subjects = cast("list[SubjectId]", call.subjects["events.subject"])  # none is a guest: denials refuse
    events = []
    for message, subject in zip(messages, subjects, strict=True):
        source, occurred_at = message.source, message.occurred_at
        party, kind = source.party, message.kind
        event = Event(
            key_of(message.event_id),
            subject,
            kind,
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
            by_party.get(party, 0) if kind not in OF_A_BODY else by_party.get(party, 0) & uses.of_a_body,
            packed(detail_of(message.detail)) if message.HasField("detail") else "",
        )
        events.append(event)
    return events


def detail_of(message: profile_pb2.EventDetail) -> Detail:
    """What stood beside an event."""
    return Detail(
        dwell_ms=message.dwell_ms,
        entry_source=message.entry.source,
        campaign=message.entry.campaign,
        device=message.device,
        place_cell=message.place_cell,
        dependent=message.dependent,
        topic=message.topic,
        machine=message.machine,
    )


def detail_message(text: str) -> profile_pb2.EventDetail | None:
    """What stood beside an event as it is shown; ``None``: nothing."""
    if not text:
        return None
    detail = unpacked(text)
    entry = profile_pb2.Entry(source=detail.entry_source, campaign=detail.campaign)
    return profile_pb2.EventDetail(
        dwell_ms=detail.dwell_ms,
        entry=entry if detail.entry_source or detail.campaign else None,
        device=profile_pb2.DeviceClass.Name(detail.device),
        place_cell=detail.place_cell,
        dependent=detail.dependent,
        topic=detail.topic,
        machine=detail.machine,
    )


def portrait_event(event: Event, use: int) -> profile_pb2.PortraitEvent:
    """A domain event as it is shown; ``use`` is its place among the page's uses."""
    return profile_pb2.PortraitEvent(
        kind=profile_pb2.EventKind.Name(event.kind),
        item_id=event.item_id,
        occurred_at=timestamp(event.occurred_at_ms),
        quantity=event.quantity,
        amount_minor=event.amount_minor,
        currency=event.currency,
        source=source_message(event.party, event.origin, event.agreement, event.expires_at_ms),
        recorded_at=timestamp(event.recorded_at_ms),
        detail=detail_message(event.detail),
        use=use,
    )


def source_message(party: int, origin: str, agreement: str, expires_at_ms: int | None) -> profile_pb2.Source:
    """Where a record comes from, as it is shown."""
    source = profile_pb2.Source(party=profile_pb2.Party.Name(party), origin=origin, agreement=agreement)
    if expires_at_ms is not None:
        source.expires_at.CopyFrom(timestamp(expires_at_ms))
    return source


def milliseconds(instant: Timestamp) -> int:
    """A timestamp as milliseconds since the epoch, cut off below."""
    return instant.seconds * 1000 + instant.nanos // _NS_PER_MS


def timestamp(instant_ms: int) -> Timestamp:
    """Milliseconds since the epoch as a timestamp."""
    seconds, ms = divmod(instant_ms, 1000)
    return Timestamp(seconds=seconds, nanos=ms * _NS_PER_MS)
