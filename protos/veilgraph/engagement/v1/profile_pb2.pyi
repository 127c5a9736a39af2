import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from veilgraph.engagement.v1 import offer_pb2 as _offer_pb2
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
    EVENT_KIND_SEARCH: _ClassVar[EventKind]
    EVENT_KIND_WISHLIST_ADD: _ClassVar[EventKind]
    EVENT_KIND_WISHLIST_REMOVE: _ClassVar[EventKind]
    EVENT_KIND_REVIEW: _ClassVar[EventKind]
    EVENT_KIND_CALL: _ClassVar[EventKind]
    EVENT_KIND_REQUEST: _ClassVar[EventKind]
    EVENT_KIND_COMPLAINT: _ClassVar[EventKind]
    EVENT_KIND_COMPLAINT_CLOSED: _ClassVar[EventKind]
    EVENT_KIND_MESSAGE_OPEN: _ClassVar[EventKind]
    EVENT_KIND_MESSAGE_CLICK: _ClassVar[EventKind]
    EVENT_KIND_VISIT: _ClassVar[EventKind]
    EVENT_KIND_PLAY: _ClassVar[EventKind]
    EVENT_KIND_CAMERA: _ClassVar[EventKind]
    EVENT_KIND_BIOMETRIC: _ClassVar[EventKind]

class Attribute(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTRIBUTE_UNSPECIFIED: _ClassVar[Attribute]
    ATTRIBUTE_BIRTHDAY: _ClassVar[Attribute]
    ATTRIBUTE_OCCASION: _ClassVar[Attribute]
    ATTRIBUTE_LANGUAGE: _ClassVar[Attribute]
    ATTRIBUTE_TIME_ZONE: _ClassVar[Attribute]
    ATTRIBUTE_HOME_CELL: _ClassVar[Attribute]
    ATTRIBUTE_HOUSEHOLD_SIZE: _ClassVar[Attribute]
    ATTRIBUTE_SEX: _ClassVar[Attribute]
    ATTRIBUTE_INCOME_BAND: _ClassVar[Attribute]
    ATTRIBUTE_POSTCODE: _ClassVar[Attribute]
    ATTRIBUTE_DIET: _ClassVar[Attribute]
    ATTRIBUTE_ALLERGIES: _ClassVar[Attribute]
    ATTRIBUTE_TEMPERATURE: _ClassVar[Attribute]
    ATTRIBUTE_MUSIC: _ClassVar[Attribute]
    ATTRIBUTE_SILENCE: _ClassVar[Attribute]
    ATTRIBUTE_INTERFACE_LAYOUT: _ClassVar[Attribute]
    ATTRIBUTE_INTERFACE_TEXT_SIZE: _ClassVar[Attribute]
    ATTRIBUTE_INTERFACE_CONTRAST: _ClassVar[Attribute]
    ATTRIBUTE_INTERFACE_MOTION: _ClassVar[Attribute]
    ATTRIBUTE_INTERFACE_THEME: _ClassVar[Attribute]
    ATTRIBUTE_DEPENDENT_KIND: _ClassVar[Attribute]
    ATTRIBUTE_DEPENDENT_SPECIES: _ClassVar[Attribute]
    ATTRIBUTE_DEPENDENT_BREED: _ClassVar[Attribute]
    ATTRIBUTE_DEPENDENT_NAME: _ClassVar[Attribute]
    ATTRIBUTE_DEPENDENT_BIRTHDAY: _ClassVar[Attribute]
    ATTRIBUTE_DEPENDENT_ROOM: _ClassVar[Attribute]
    ATTRIBUTE_DEPENDENT_DIET: _ClassVar[Attribute]
    ATTRIBUTE_DEPENDENT_HEALTH: _ClassVar[Attribute]
    ATTRIBUTE_INTERFACE_BLOCK_ORDER: _ClassVar[Attribute]

class DeviceClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEVICE_CLASS_UNSPECIFIED: _ClassVar[DeviceClass]
    DEVICE_CLASS_DESKTOP: _ClassVar[DeviceClass]
    DEVICE_CLASS_PHONE: _ClassVar[DeviceClass]
    DEVICE_CLASS_TABLET: _ClassVar[DeviceClass]
    DEVICE_CLASS_TELEVISION: _ClassVar[DeviceClass]
    DEVICE_CLASS_SPEAKER: _ClassVar[DeviceClass]
    DEVICE_CLASS_KIOSK: _ClassVar[DeviceClass]
    DEVICE_CLASS_CAR: _ClassVar[DeviceClass]

class TopicKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOPIC_KIND_UNSPECIFIED: _ClassVar[TopicKind]
    TOPIC_KIND_CATEGORY: _ClassVar[TopicKind]
    TOPIC_KIND_BRAND: _ClassVar[TopicKind]
    TOPIC_KIND_ITEM: _ClassVar[TopicKind]

class Stance(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STANCE_UNSPECIFIED: _ClassVar[Stance]
    STANCE_LIKE: _ClassVar[Stance]
    STANCE_DISLIKE: _ClassVar[Stance]

class Strength(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STRENGTH_UNSPECIFIED: _ClassVar[Strength]
    STRENGTH_SLIGHT: _ClassVar[Strength]
    STRENGTH_NORMAL: _ClassVar[Strength]
    STRENGTH_STRONG: _ClassVar[Strength]

class AgeBand(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGE_BAND_UNSPECIFIED: _ClassVar[AgeBand]
    AGE_BAND_UNDER_13: _ClassVar[AgeBand]
    AGE_BAND_13_TO_15: _ClassVar[AgeBand]
    AGE_BAND_16_TO_17: _ClassVar[AgeBand]
    AGE_BAND_18_TO_24: _ClassVar[AgeBand]
    AGE_BAND_25_TO_34: _ClassVar[AgeBand]
    AGE_BAND_35_TO_44: _ClassVar[AgeBand]
    AGE_BAND_45_TO_54: _ClassVar[AgeBand]
    AGE_BAND_55_TO_64: _ClassVar[AgeBand]
    AGE_BAND_65_OR_OLDER: _ClassVar[AgeBand]

class Benefit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BENEFIT_UNSPECIFIED: _ClassVar[Benefit]
    BENEFIT_RECOMMENDATIONS_BY_TASTE: _ClassVar[Benefit]
    BENEFIT_SEARCH_BY_TASTE: _ClassVar[Benefit]
    BENEFIT_TREND_OF_AGE_BAND: _ClassVar[Benefit]
    BENEFIT_AGE_SUITABLE: _ClassVar[Benefit]
    BENEFIT_YEARLY_DAYS: _ClassVar[Benefit]
    BENEFIT_LANGUAGE_AND_HOURS: _ClassVar[Benefit]
    BENEFIT_NEAR_THEM: _ClassVar[Benefit]
    BENEFIT_DIET_RESPECTED: _ClassVar[Benefit]
    BENEFIT_SERVICE_REMEMBERS: _ClassVar[Benefit]
    BENEFIT_INTERFACE_AS_CHOSEN: _ClassVar[Benefit]
    BENEFIT_TIPS_FOR_DEPENDENTS: _ClassVar[Benefit]
    BENEFIT_HOUSEHOLD_OFFERS: _ClassVar[Benefit]

class Party(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARTY_UNSPECIFIED: _ClassVar[Party]
    PARTY_ZERO: _ClassVar[Party]
    PARTY_FIRST: _ClassVar[Party]
    PARTY_SECOND: _ClassVar[Party]
    PARTY_THIRD: _ClassVar[Party]
    PARTY_INFERRED: _ClassVar[Party]
EVENT_KIND_UNSPECIFIED: EventKind
EVENT_KIND_VIEW: EventKind
EVENT_KIND_BASKET_ADD: EventKind
EVENT_KIND_BASKET_REMOVE: EventKind
EVENT_KIND_ORDER: EventKind
EVENT_KIND_REFUND: EventKind
EVENT_KIND_SEARCH: EventKind
EVENT_KIND_WISHLIST_ADD: EventKind
EVENT_KIND_WISHLIST_REMOVE: EventKind
EVENT_KIND_REVIEW: EventKind
EVENT_KIND_CALL: EventKind
EVENT_KIND_REQUEST: EventKind
EVENT_KIND_COMPLAINT: EventKind
EVENT_KIND_COMPLAINT_CLOSED: EventKind
EVENT_KIND_MESSAGE_OPEN: EventKind
EVENT_KIND_MESSAGE_CLICK: EventKind
EVENT_KIND_VISIT: EventKind
EVENT_KIND_PLAY: EventKind
EVENT_KIND_CAMERA: EventKind
EVENT_KIND_BIOMETRIC: EventKind
ATTRIBUTE_UNSPECIFIED: Attribute
ATTRIBUTE_BIRTHDAY: Attribute
ATTRIBUTE_OCCASION: Attribute
ATTRIBUTE_LANGUAGE: Attribute
ATTRIBUTE_TIME_ZONE: Attribute
ATTRIBUTE_HOME_CELL: Attribute
ATTRIBUTE_HOUSEHOLD_SIZE: Attribute
ATTRIBUTE_SEX: Attribute
ATTRIBUTE_INCOME_BAND: Attribute
ATTRIBUTE_POSTCODE: Attribute
ATTRIBUTE_DIET: Attribute
ATTRIBUTE_ALLERGIES: Attribute
ATTRIBUTE_TEMPERATURE: Attribute
ATTRIBUTE_MUSIC: Attribute
ATTRIBUTE_SILENCE: Attribute
ATTRIBUTE_INTERFACE_LAYOUT: Attribute
ATTRIBUTE_INTERFACE_TEXT_SIZE: Attribute
ATTRIBUTE_INTERFACE_CONTRAST: Attribute
ATTRIBUTE_INTERFACE_MOTION: Attribute
ATTRIBUTE_INTERFACE_THEME: Attribute
ATTRIBUTE_DEPENDENT_KIND: Attribute
ATTRIBUTE_DEPENDENT_SPECIES: Attribute
ATTRIBUTE_DEPENDENT_BREED: Attribute
ATTRIBUTE_DEPENDENT_NAME: Attribute
ATTRIBUTE_DEPENDENT_BIRTHDAY: Attribute
ATTRIBUTE_DEPENDENT_ROOM: Attribute
ATTRIBUTE_DEPENDENT_DIET: Attribute
ATTRIBUTE_DEPENDENT_HEALTH: Attribute
ATTRIBUTE_INTERFACE_BLOCK_ORDER: Attribute
DEVICE_CLASS_UNSPECIFIED: DeviceClass
DEVICE_CLASS_DESKTOP: DeviceClass
DEVICE_CLASS_PHONE: DeviceClass
DEVICE_CLASS_TABLET: DeviceClass
DEVICE_CLASS_TELEVISION: DeviceClass
DEVICE_CLASS_SPEAKER: DeviceClass
DEVICE_CLASS_KIOSK: DeviceClass
DEVICE_CLASS_CAR: DeviceClass
TOPIC_KIND_UNSPECIFIED: TopicKind
TOPIC_KIND_CATEGORY: TopicKind
TOPIC_KIND_BRAND: TopicKind
TOPIC_KIND_ITEM: TopicKind
STANCE_UNSPECIFIED: Stance
STANCE_LIKE: Stance
STANCE_DISLIKE: Stance
STRENGTH_UNSPECIFIED: Strength
STRENGTH_SLIGHT: Strength
STRENGTH_NORMAL: Strength
STRENGTH_STRONG: Strength
AGE_BAND_UNSPECIFIED: AgeBand
AGE_BAND_UNDER_13: AgeBand
AGE_BAND_13_TO_15: AgeBand
AGE_BAND_16_TO_17: AgeBand
AGE_BAND_18_TO_24: AgeBand
AGE_BAND_25_TO_34: AgeBand
AGE_BAND_35_TO_44: AgeBand
AGE_BAND_45_TO_54: AgeBand
AGE_BAND_55_TO_64: AgeBand
AGE_BAND_65_OR_OLDER: AgeBand
BENEFIT_UNSPECIFIED: Benefit
BENEFIT_RECOMMENDATIONS_BY_TASTE: Benefit
BENEFIT_SEARCH_BY_TASTE: Benefit
BENEFIT_TREND_OF_AGE_BAND: Benefit
BENEFIT_AGE_SUITABLE: Benefit
BENEFIT_YEARLY_DAYS: Benefit
BENEFIT_LANGUAGE_AND_HOURS: Benefit
BENEFIT_NEAR_THEM: Benefit
BENEFIT_DIET_RESPECTED: Benefit
BENEFIT_SERVICE_REMEMBERS: Benefit
BENEFIT_INTERFACE_AS_CHOSEN: Benefit
BENEFIT_TIPS_FOR_DEPENDENTS: Benefit
BENEFIT_HOUSEHOLD_OFFERS: Benefit
PARTY_UNSPECIFIED: Party
PARTY_ZERO: Party
PARTY_FIRST: Party
PARTY_SECOND: Party
PARTY_THIRD: Party
PARTY_INFERRED: Party

class TrackBatchRequest(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("event_id", "subject", "kind", "item_id", "occurred_at", "quantity", "amount_minor", "currency", "order_ref", "source", "detail")
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
    DETAIL_FIELD_NUMBER: _ClassVar[int]
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
    detail: EventDetail
    def __init__(self, event_id: _Optional[str] = ..., subject: _Optional[str] = ..., kind: _Optional[_Union[EventKind, str]] = ..., item_id: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., quantity: _Optional[int] = ..., amount_minor: _Optional[int] = ..., currency: _Optional[str] = ..., order_ref: _Optional[str] = ..., source: _Optional[_Union[Source, _Mapping]] = ..., detail: _Optional[_Union[EventDetail, _Mapping]] = ...) -> None: ...

class EventDetail(_message.Message):
    __slots__ = ("dwell_ms", "entry", "device", "place_cell", "dependent", "topic", "machine")
    DWELL_MS_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    PLACE_CELL_FIELD_NUMBER: _ClassVar[int]
    DEPENDENT_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    dwell_ms: int
    entry: Entry
    device: DeviceClass
    place_cell: str
    dependent: str
    topic: str
    machine: bool
    def __init__(self, dwell_ms: _Optional[int] = ..., entry: _Optional[_Union[Entry, _Mapping]] = ..., device: _Optional[_Union[DeviceClass, str]] = ..., place_cell: _Optional[str] = ..., dependent: _Optional[str] = ..., topic: _Optional[str] = ..., machine: bool = ...) -> None: ...

class Entry(_message.Message):
    __slots__ = ("source", "campaign")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_FIELD_NUMBER: _ClassVar[int]
    source: str
    campaign: str
    def __init__(self, source: _Optional[str] = ..., campaign: _Optional[str] = ...) -> None: ...

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

class DeclareRequest(_message.Message):
    __slots__ = ("subject", "preferences", "age_band", "withdrawn", "withdraw_age_band", "replace_all", "origin", "request_id", "attributes", "corrections", "withdrawn_attributes", "withdrawn_dependents")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PREFERENCES_FIELD_NUMBER: _ClassVar[int]
    AGE_BAND_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    WITHDRAW_AGE_BAND_FIELD_NUMBER: _ClassVar[int]
    REPLACE_ALL_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    CORRECTIONS_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_DEPENDENTS_FIELD_NUMBER: _ClassVar[int]
    subject: str
    preferences: _containers.RepeatedCompositeFieldContainer[Preference]
    age_band: AgeBand
    withdrawn: _containers.RepeatedCompositeFieldContainer[Topic]
    withdraw_age_band: bool
    replace_all: bool
    origin: str
    request_id: str
    attributes: _containers.RepeatedCompositeFieldContainer[AttributeAnswer]
    corrections: _containers.RepeatedCompositeFieldContainer[AttributeAnswer]
    withdrawn_attributes: _containers.RepeatedCompositeFieldContainer[AttributeTopic]
    withdrawn_dependents: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, subject: _Optional[str] = ..., preferences: _Optional[_Iterable[_Union[Preference, _Mapping]]] = ..., age_band: _Optional[_Union[AgeBand, str]] = ..., withdrawn: _Optional[_Iterable[_Union[Topic, _Mapping]]] = ..., withdraw_age_band: bool = ..., replace_all: bool = ..., origin: _Optional[str] = ..., request_id: _Optional[str] = ..., attributes: _Optional[_Iterable[_Union[AttributeAnswer, _Mapping]]] = ..., corrections: _Optional[_Iterable[_Union[AttributeAnswer, _Mapping]]] = ..., withdrawn_attributes: _Optional[_Iterable[_Union[AttributeTopic, _Mapping]]] = ..., withdrawn_dependents: _Optional[_Iterable[str]] = ...) -> None: ...

class AttributeAnswer(_message.Message):
    __slots__ = ("attribute", "dependent", "value")
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    DEPENDENT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    attribute: Attribute
    dependent: str
    value: str
    def __init__(self, attribute: _Optional[_Union[Attribute, str]] = ..., dependent: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class AttributeTopic(_message.Message):
    __slots__ = ("attribute", "dependent")
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    DEPENDENT_FIELD_NUMBER: _ClassVar[int]
    attribute: Attribute
    dependent: str
    def __init__(self, attribute: _Optional[_Union[Attribute, str]] = ..., dependent: _Optional[str] = ...) -> None: ...

class Preference(_message.Message):
    __slots__ = ("kind", "name", "stance", "strength")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STANCE_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    kind: TopicKind
    name: str
    stance: Stance
    strength: Strength
    def __init__(self, kind: _Optional[_Union[TopicKind, str]] = ..., name: _Optional[str] = ..., stance: _Optional[_Union[Stance, str]] = ..., strength: _Optional[_Union[Strength, str]] = ...) -> None: ...

class Topic(_message.Message):
    __slots__ = ("kind", "name")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    kind: TopicKind
    name: str
    def __init__(self, kind: _Optional[_Union[TopicKind, str]] = ..., name: _Optional[str] = ...) -> None: ...

class DeclareResponse(_message.Message):
    __slots__ = ("answered", "withdrawn", "unlocked", "consent_epoch")
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    UNLOCKED_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    answered: int
    withdrawn: int
    unlocked: _containers.RepeatedCompositeFieldContainer[Unlocked]
    consent_epoch: int
    def __init__(self, answered: _Optional[int] = ..., withdrawn: _Optional[int] = ..., unlocked: _Optional[_Iterable[_Union[Unlocked, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class Unlocked(_message.Message):
    __slots__ = ("benefit", "purpose", "in_effect")
    BENEFIT_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    IN_EFFECT_FIELD_NUMBER: _ClassVar[int]
    benefit: Benefit
    purpose: str
    in_effect: bool
    def __init__(self, benefit: _Optional[_Union[Benefit, str]] = ..., purpose: _Optional[str] = ..., in_effect: bool = ...) -> None: ...

class RecordAttributesRequest(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[RecordedAttribute]
    def __init__(self, values: _Optional[_Iterable[_Union[RecordedAttribute, _Mapping]]] = ...) -> None: ...

class RecordedAttribute(_message.Message):
    __slots__ = ("subject", "attribute", "dependent", "value", "observed_at", "source")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    DEPENDENT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    subject: str
    attribute: Attribute
    dependent: str
    value: str
    observed_at: _timestamp_pb2.Timestamp
    source: Source
    def __init__(self, subject: _Optional[str] = ..., attribute: _Optional[_Union[Attribute, str]] = ..., dependent: _Optional[str] = ..., value: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[_Union[Source, _Mapping]] = ...) -> None: ...

class RecordAttributesResponse(_message.Message):
    __slots__ = ("recorded", "refused", "consent_epoch")
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    recorded: int
    refused: _containers.RepeatedCompositeFieldContainer[_privacy_pb2.ItemError]
    consent_epoch: int
    def __init__(self, recorded: _Optional[int] = ..., refused: _Optional[_Iterable[_Union[_privacy_pb2.ItemError, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("events", "total_events", "next_page_token", "origins", "consent_epoch", "declared", "attributes", "depth", "uses")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ORIGINS_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    DECLARED_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    USES_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[PortraitEvent]
    total_events: int
    next_page_token: str
    origins: _containers.RepeatedCompositeFieldContainer[OriginCount]
    consent_epoch: int
    declared: _containers.RepeatedCompositeFieldContainer[DeclaredAnswer]
    attributes: _containers.RepeatedCompositeFieldContainer[PortraitAttribute]
    depth: _offer_pb2.Depth
    uses: _containers.RepeatedCompositeFieldContainer[ReadFor]
    def __init__(self, events: _Optional[_Iterable[_Union[PortraitEvent, _Mapping]]] = ..., total_events: _Optional[int] = ..., next_page_token: _Optional[str] = ..., origins: _Optional[_Iterable[_Union[OriginCount, _Mapping]]] = ..., consent_epoch: _Optional[int] = ..., declared: _Optional[_Iterable[_Union[DeclaredAnswer, _Mapping]]] = ..., attributes: _Optional[_Iterable[_Union[PortraitAttribute, _Mapping]]] = ..., depth: _Optional[_Union[_offer_pb2.Depth, str]] = ..., uses: _Optional[_Iterable[_Union[ReadFor, _Mapping]]] = ...) -> None: ...

class ReadFor(_message.Message):
    __slots__ = ("purposes",)
    PURPOSES_FIELD_NUMBER: _ClassVar[int]
    purposes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, purposes: _Optional[_Iterable[str]] = ...) -> None: ...

class PortraitAttribute(_message.Message):
    __slots__ = ("attribute", "dependent", "value", "source", "observed_at", "recorded_at", "corrected", "use")
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    DEPENDENT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    CORRECTED_FIELD_NUMBER: _ClassVar[int]
    USE_FIELD_NUMBER: _ClassVar[int]
    attribute: Attribute
    dependent: str
    value: str
    source: Source
    observed_at: _timestamp_pb2.Timestamp
    recorded_at: _timestamp_pb2.Timestamp
    corrected: bool
    use: int
    def __init__(self, attribute: _Optional[_Union[Attribute, str]] = ..., dependent: _Optional[str] = ..., value: _Optional[str] = ..., source: _Optional[_Union[Source, _Mapping]] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., corrected: bool = ..., use: _Optional[int] = ...) -> None: ...

class DeclaredAnswer(_message.Message):
    __slots__ = ("preference", "age_band", "declared_at", "source", "use")
    PREFERENCE_FIELD_NUMBER: _ClassVar[int]
    AGE_BAND_FIELD_NUMBER: _ClassVar[int]
    DECLARED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    USE_FIELD_NUMBER: _ClassVar[int]
    preference: Preference
    age_band: AgeBand
    declared_at: _timestamp_pb2.Timestamp
    source: Source
    use: int
    def __init__(self, preference: _Optional[_Union[Preference, _Mapping]] = ..., age_band: _Optional[_Union[AgeBand, str]] = ..., declared_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[_Union[Source, _Mapping]] = ..., use: _Optional[int] = ...) -> None: ...

class PortraitEvent(_message.Message):
    __slots__ = ("kind", "item_id", "occurred_at", "quantity", "amount_minor", "currency", "source", "recorded_at", "detail", "use")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    USE_FIELD_NUMBER: _ClassVar[int]
    kind: EventKind
    item_id: str
    occurred_at: _timestamp_pb2.Timestamp
    quantity: int
    amount_minor: int
    currency: str
    source: Source
    recorded_at: _timestamp_pb2.Timestamp
    detail: EventDetail
    use: int
    def __init__(self, kind: _Optional[_Union[EventKind, str]] = ..., item_id: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., quantity: _Optional[int] = ..., amount_minor: _Optional[int] = ..., currency: _Optional[str] = ..., source: _Optional[_Union[Source, _Mapping]] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., detail: _Optional[_Union[EventDetail, _Mapping]] = ..., use: _Optional[int] = ...) -> None: ...

class OriginCount(_message.Message):
    __slots__ = ("origin", "events")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    origin: str
    events: int
    def __init__(self, origin: _Optional[str] = ..., events: _Optional[int] = ...) -> None: ...
