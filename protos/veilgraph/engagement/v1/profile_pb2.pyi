import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_KIND_UNSPECIFIED: _ClassVar[EventKind]
    EVENT_KIND_VIEW: _ClassVar[EventKind]
    EVENT_KIND_BASKET_ADD: _ClassVar[EventKind]
    EVENT_KIND_BASKET_REMOVE: _ClassVar[EventKind]
    EVENT_KIND_ORDER: _ClassVar[EventKind]
    EVENT_KIND_REFUND: _ClassVar[EventKind]

class Party(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARTY_UNSPECIFIED: _ClassVar[Party]
    PARTY_ZERO: _ClassVar[Party]
    PARTY_FIRST: _ClassVar[Party]
    PARTY_SECOND: _ClassVar[Party]
    PARTY_THIRD: _ClassVar[Party]
EVENT_KIND_UNSPECIFIED: EventKind
EVENT_KIND_VIEW: EventKind
EVENT_KIND_BASKET_ADD: EventKind
EVENT_KIND_BASKET_REMOVE: EventKind
EVENT_KIND_ORDER: EventKind
EVENT_KIND_REFUND: EventKind
PARTY_UNSPECIFIED: Party
PARTY_ZERO: Party
PARTY_FIRST: Party
PARTY_SECOND: Party
PARTY_THIRD: Party

class TrackBatchRequest(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("event_id", "subject", "kind", "item_id", "occurred_at", "quantity", "amount_minor", "currency", "order_ref", "source")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ORDER_REF_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    subject: str
    kind: EventKind
    item_id: str
    occurred_at: _timestamp_pb2.Timestamp
    quantity: int
    amount_minor: int
    currency: str
    order_ref: str
    source: Source
    def __init__(self, event_id: _Optional[str] = ..., subject: _Optional[str] = ..., kind: _Optional[_Union[EventKind, str]] = ..., item_id: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., quantity: _Optional[int] = ..., amount_minor: _Optional[int] = ..., currency: _Optional[str] = ..., order_ref: _Optional[str] = ..., source: _Optional[_Union[Source, _Mapping]] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("party", "origin", "agreement", "expires_at")
    PARTY_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    party: Party
    origin: str
    agreement: str
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, party: _Optional[_Union[Party, str]] = ..., origin: _Optional[str] = ..., agreement: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TrackBatchResponse(_message.Message):
    __slots__ = ("recorded", "duplicates", "refused", "consent_epoch")
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    recorded: int
    duplicates: int
    refused: _containers.RepeatedCompositeFieldContainer[_privacy_pb2.ItemError]
    consent_epoch: int
    def __init__(self, recorded: _Optional[int] = ..., duplicates: _Optional[int] = ..., refused: _Optional[_Iterable[_Union[_privacy_pb2.ItemError, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class TrackRequest(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ...) -> None: ...

class TrackResponse(_message.Message):
    __slots__ = ("message", "recorded", "duplicates", "refused", "consent_epoch")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    message: int
    recorded: int
    duplicates: int
    refused: _containers.RepeatedCompositeFieldContainer[_privacy_pb2.ItemError]
    consent_epoch: int
    def __init__(self, message: _Optional[int] = ..., recorded: _Optional[int] = ..., duplicates: _Optional[int] = ..., refused: _Optional[_Iterable[_Union[_privacy_pb2.ItemError, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class PortraitRequest(_message.Message):
    __slots__ = ("subject", "for_purpose", "page_size", "page_token")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    FOR_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    subject: str
    for_purpose: _privacy_pb2.Purpose
    page_size: int
    page_token: str
    def __init__(self, subject: _Optional[str] = ..., for_purpose: _Optional[_Union[_privacy_pb2.Purpose, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class PortraitResponse(_message.Message):
    __slots__ = ("events", "total_events", "next_page_token", "origins", "consent_epoch")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ORIGINS_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[PortraitEvent]
    total_events: int
    next_page_token: str
    origins: _containers.RepeatedCompositeFieldContainer[OriginCount]
    consent_epoch: int
    def __init__(self, events: _Optional[_Iterable[_Union[PortraitEvent, _Mapping]]] = ..., total_events: _Optional[int] = ..., next_page_token: _Optional[str] = ..., origins: _Optional[_Iterable[_Union[OriginCount, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class PortraitEvent(_message.Message):
    __slots__ = ("kind", "item_id", "occurred_at", "quantity", "amount_minor", "currency", "source", "recorded_at")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    kind: EventKind
    item_id: str
    occurred_at: _timestamp_pb2.Timestamp
    quantity: int
    amount_minor: int
    currency: str
    source: Source
    recorded_at: _timestamp_pb2.Timestamp
    def __init__(self, kind: _Optional[_Union[EventKind, str]] = ..., item_id: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., quantity: _Optional[int] = ..., amount_minor: _Optional[int] = ..., currency: _Optional[str] = ..., source: _Optional[_Union[Source, _Mapping]] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OriginCount(_message.Message):
    __slots__ = ("origin", "events")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    origin: str
    events: int
    def __init__(self, origin: _Optional[str] = ..., events: _Optional[int] = ...) -> None: ...
