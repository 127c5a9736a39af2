import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from veilgraph.engagement.v1 import offer_pb2 as _offer_pb2
from veilgraph.engagement.v1 import profile_pb2 as _profile_pb2
from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HoldReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOLD_REASON_UNSPECIFIED: _ClassVar[HoldReason]
    HOLD_REASON_NOT_PERMITTED: _ClassVar[HoldReason]
    HOLD_REASON_NOTHING_LIVE: _ClassVar[HoldReason]
    HOLD_REASON_NOT_ELIGIBLE: _ClassVar[HoldReason]
    HOLD_REASON_UNCERTAIN: _ClassVar[HoldReason]
    HOLD_REASON_OPEN_COMPLAINT: _ClassVar[HoldReason]
    HOLD_REASON_RESTING: _ClassVar[HoldReason]
    HOLD_REASON_MARGIN: _ClassVar[HoldReason]
    HOLD_REASON_CHANNEL_CLOSED: _ClassVar[HoldReason]
    HOLD_REASON_QUIET_HOURS: _ClassVar[HoldReason]
    HOLD_REASON_ASKED_ENOUGH: _ClassVar[HoldReason]
    HOLD_REASON_CAP_REACHED: _ClassVar[HoldReason]
    HOLD_REASON_OUT_OF_TIME: _ClassVar[HoldReason]

class DecisionOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DECISION_OUTCOME_UNSPECIFIED: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_SENT: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_FAILED: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_CLICK: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_ORDER: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_COMPLETE: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_UNSUBSCRIBE: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_RESUBSCRIBE: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_COMPLAINT: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_COMPLAINT_CLOSED: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_NPS: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_CSAT: _ClassVar[DecisionOutcome]
    DECISION_OUTCOME_CES: _ClassVar[DecisionOutcome]

class Reader(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    READER_UNSPECIFIED: _ClassVar[Reader]
    READER_PERSON: _ClassVar[Reader]
    READER_AUDITOR: _ClassVar[Reader]

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_APPROVE: _ClassVar[Verdict]
    VERDICT_REJECT: _ClassVar[Verdict]
HOLD_REASON_UNSPECIFIED: HoldReason
HOLD_REASON_NOT_PERMITTED: HoldReason
HOLD_REASON_NOTHING_LIVE: HoldReason
HOLD_REASON_NOT_ELIGIBLE: HoldReason
HOLD_REASON_UNCERTAIN: HoldReason
HOLD_REASON_OPEN_COMPLAINT: HoldReason
HOLD_REASON_RESTING: HoldReason
HOLD_REASON_MARGIN: HoldReason
HOLD_REASON_CHANNEL_CLOSED: HoldReason
HOLD_REASON_QUIET_HOURS: HoldReason
HOLD_REASON_ASKED_ENOUGH: HoldReason
HOLD_REASON_CAP_REACHED: HoldReason
HOLD_REASON_OUT_OF_TIME: HoldReason
DECISION_OUTCOME_UNSPECIFIED: DecisionOutcome
DECISION_OUTCOME_SENT: DecisionOutcome
DECISION_OUTCOME_FAILED: DecisionOutcome
DECISION_OUTCOME_CLICK: DecisionOutcome
DECISION_OUTCOME_ORDER: DecisionOutcome
DECISION_OUTCOME_COMPLETE: DecisionOutcome
DECISION_OUTCOME_UNSUBSCRIBE: DecisionOutcome
DECISION_OUTCOME_RESUBSCRIBE: DecisionOutcome
DECISION_OUTCOME_COMPLAINT: DecisionOutcome
DECISION_OUTCOME_COMPLAINT_CLOSED: DecisionOutcome
DECISION_OUTCOME_NPS: DecisionOutcome
DECISION_OUTCOME_CSAT: DecisionOutcome
DECISION_OUTCOME_CES: DecisionOutcome
READER_UNSPECIFIED: Reader
READER_PERSON: Reader
READER_AUDITOR: Reader
VERDICT_UNSPECIFIED: Verdict
VERDICT_APPROVE: Verdict
VERDICT_REJECT: Verdict

class DecideRequest(_message.Message):
    __slots__ = ("subject", "anonymous", "for_purpose", "slot", "play_id", "channel", "context", "coordinates", "price_minor", "cost_minor", "currency", "request_id", "dry_run", "at", "language")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    FOR_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    PLAY_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    COORDINATES_FIELD_NUMBER: _ClassVar[int]
    PRICE_MINOR_FIELD_NUMBER: _ClassVar[int]
    COST_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    subject: str
    anonymous: Anonymous
    for_purpose: _privacy_pb2.Purpose
    slot: str
    play_id: str
    channel: _offer_pb2.Channel
    context: _containers.RepeatedCompositeFieldContainer[ContextValue]
    coordinates: Coordinates
    price_minor: int
    cost_minor: int
    currency: str
    request_id: str
    dry_run: bool
    at: _timestamp_pb2.Timestamp
    language: str
    def __init__(self, subject: _Optional[str] = ..., anonymous: _Optional[_Union[Anonymous, _Mapping]] = ..., for_purpose: _Optional[_Union[_privacy_pb2.Purpose, str]] = ..., slot: _Optional[str] = ..., play_id: _Optional[str] = ..., channel: _Optional[_Union[_offer_pb2.Channel, str]] = ..., context: _Optional[_Iterable[_Union[ContextValue, _Mapping]]] = ..., coordinates: _Optional[_Union[Coordinates, _Mapping]] = ..., price_minor: _Optional[int] = ..., cost_minor: _Optional[int] = ..., currency: _Optional[str] = ..., request_id: _Optional[str] = ..., dry_run: bool = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., language: _Optional[str] = ...) -> None: ...

class Anonymous(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ContextValue(_message.Message):
    __slots__ = ("name", "text", "number", "flag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    FLAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    text: str
    number: int
    flag: bool
    def __init__(self, name: _Optional[str] = ..., text: _Optional[str] = ..., number: _Optional[int] = ..., flag: bool = ...) -> None: ...

class Coordinates(_message.Message):
    __slots__ = ("latitude_micro", "longitude_micro")
    LATITUDE_MICRO_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_MICRO_FIELD_NUMBER: _ClassVar[int]
    latitude_micro: int
    longitude_micro: int
    def __init__(self, latitude_micro: _Optional[int] = ..., longitude_micro: _Optional[int] = ...) -> None: ...

class DecideResponse(_message.Message):
    __slots__ = ("decision_id", "given", "hold", "depth_reason", "consent_epoch", "error")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    HOLD_FIELD_NUMBER: _ClassVar[int]
    DEPTH_REASON_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    given: Given
    hold: Hold
    depth_reason: str
    consent_epoch: int
    error: _privacy_pb2.ItemError
    def __init__(self, decision_id: _Optional[str] = ..., given: _Optional[_Union[Given, _Mapping]] = ..., hold: _Optional[_Union[Hold, _Mapping]] = ..., depth_reason: _Optional[str] = ..., consent_epoch: _Optional[int] = ..., error: _Optional[_Union[_privacy_pb2.ItemError, _Mapping]] = ...) -> None: ...

class Given(_message.Message):
    __slots__ = ("play_id", "version", "option_id", "channel", "send_at", "content", "personal_content", "price_minor", "discount_minor", "currency", "price_personalised", "disclosure", "sponsored", "depth", "propensity", "reasons", "expires_at")
    PLAY_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    OPTION_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    SEND_AT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    PERSONAL_CONTENT_FIELD_NUMBER: _ClassVar[int]
    PRICE_MINOR_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PRICE_PERSONALISED_FIELD_NUMBER: _ClassVar[int]
    DISCLOSURE_FIELD_NUMBER: _ClassVar[int]
    SPONSORED_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    PROPENSITY_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    play_id: str
    version: int
    option_id: str
    channel: _offer_pb2.Channel
    send_at: _timestamp_pb2.Timestamp
    content: _offer_pb2.Content
    personal_content: _offer_pb2.Content
    price_minor: int
    discount_minor: int
    currency: str
    price_personalised: bool
    disclosure: str
    sponsored: bool
    depth: _offer_pb2.Depth
    propensity: float
    reasons: _containers.RepeatedScalarFieldContainer[str]
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, play_id: _Optional[str] = ..., version: _Optional[int] = ..., option_id: _Optional[str] = ..., channel: _Optional[_Union[_offer_pb2.Channel, str]] = ..., send_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., content: _Optional[_Union[_offer_pb2.Content, _Mapping]] = ..., personal_content: _Optional[_Union[_offer_pb2.Content, _Mapping]] = ..., price_minor: _Optional[int] = ..., discount_minor: _Optional[int] = ..., currency: _Optional[str] = ..., price_personalised: bool = ..., disclosure: _Optional[str] = ..., sponsored: bool = ..., depth: _Optional[_Union[_offer_pb2.Depth, str]] = ..., propensity: _Optional[float] = ..., reasons: _Optional[_Iterable[str]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Hold(_message.Message):
    __slots__ = ("reason", "retry_at")
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_AT_FIELD_NUMBER: _ClassVar[int]
    reason: HoldReason
    retry_at: _timestamp_pb2.Timestamp
    def __init__(self, reason: _Optional[_Union[HoldReason, str]] = ..., retry_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DecideBatchRequest(_message.Message):
    __slots__ = ("items", "for_purpose", "slot", "play_id", "channel", "context", "price_minor", "cost_minor", "currency", "request_id", "dry_run", "at", "language")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    FOR_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    PLAY_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    PRICE_MINOR_FIELD_NUMBER: _ClassVar[int]
    COST_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[DecideItem]
    for_purpose: _privacy_pb2.Purpose
    slot: str
    play_id: str
    channel: _offer_pb2.Channel
    context: _containers.RepeatedCompositeFieldContainer[ContextValue]
    price_minor: int
    cost_minor: int
    currency: str
    request_id: str
    dry_run: bool
    at: _timestamp_pb2.Timestamp
    language: str
    def __init__(self, items: _Optional[_Iterable[_Union[DecideItem, _Mapping]]] = ..., for_purpose: _Optional[_Union[_privacy_pb2.Purpose, str]] = ..., slot: _Optional[str] = ..., play_id: _Optional[str] = ..., channel: _Optional[_Union[_offer_pb2.Channel, str]] = ..., context: _Optional[_Iterable[_Union[ContextValue, _Mapping]]] = ..., price_minor: _Optional[int] = ..., cost_minor: _Optional[int] = ..., currency: _Optional[str] = ..., request_id: _Optional[str] = ..., dry_run: bool = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., language: _Optional[str] = ...) -> None: ...

class DecideItem(_message.Message):
    __slots__ = ("subject",)
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    subject: str
    def __init__(self, subject: _Optional[str] = ...) -> None: ...

class DecideBatchResponse(_message.Message):
    __slots__ = ("decisions", "consent_epoch")
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    decisions: _containers.RepeatedCompositeFieldContainer[DecideResponse]
    consent_epoch: int
    def __init__(self, decisions: _Optional[_Iterable[_Union[DecideResponse, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class DueRequest(_message.Message):
    __slots__ = ("for_purpose", "channels", "page_size", "wait_ms", "awaiting_review")
    FOR_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    AWAITING_REVIEW_FIELD_NUMBER: _ClassVar[int]
    for_purpose: _privacy_pb2.Purpose
    channels: _containers.RepeatedScalarFieldContainer[_offer_pb2.Channel]
    page_size: int
    wait_ms: int
    awaiting_review: bool
    def __init__(self, for_purpose: _Optional[_Union[_privacy_pb2.Purpose, str]] = ..., channels: _Optional[_Iterable[_Union[_offer_pb2.Channel, str]]] = ..., page_size: _Optional[int] = ..., wait_ms: _Optional[int] = ..., awaiting_review: bool = ...) -> None: ...

class DueResponse(_message.Message):
    __slots__ = ("decisions", "consent_epoch")
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    decisions: _containers.RepeatedCompositeFieldContainer[DueDecision]
    consent_epoch: int
    def __init__(self, decisions: _Optional[_Iterable[_Union[DueDecision, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class DueDecision(_message.Message):
    __slots__ = ("subject", "decision_id", "given", "lease_until", "shown", "review_reason")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    LEASE_UNTIL_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    REVIEW_REASON_FIELD_NUMBER: _ClassVar[int]
    subject: str
    decision_id: str
    given: Given
    lease_until: _timestamp_pb2.Timestamp
    shown: str
    review_reason: str
    def __init__(self, subject: _Optional[str] = ..., decision_id: _Optional[str] = ..., given: _Optional[_Union[Given, _Mapping]] = ..., lease_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., shown: _Optional[str] = ..., review_reason: _Optional[str] = ...) -> None: ...

class ReportRequest(_message.Message):
    __slots__ = ("subject", "decision_id", "outcome", "value", "request_id")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subject: str
    decision_id: str
    outcome: DecisionOutcome
    value: int
    request_id: str
    def __init__(self, subject: _Optional[str] = ..., decision_id: _Optional[str] = ..., outcome: _Optional[_Union[DecisionOutcome, str]] = ..., value: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class ReportResponse(_message.Message):
    __slots__ = ("consent_epoch",)
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    consent_epoch: int
    def __init__(self, consent_epoch: _Optional[int] = ...) -> None: ...

class WhyRequest(_message.Message):
    __slots__ = ("subject", "decision_id", "reader")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    READER_FIELD_NUMBER: _ClassVar[int]
    subject: str
    decision_id: str
    reader: Reader
    def __init__(self, subject: _Optional[str] = ..., decision_id: _Optional[str] = ..., reader: _Optional[_Union[Reader, str]] = ...) -> None: ...

class WhyResponse(_message.Message):
    __slots__ = ("text", "read", "decision", "guards", "alternatives", "reports", "consent_epoch")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    GUARDS_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    text: str
    read: _containers.RepeatedCompositeFieldContainer[FieldRead]
    decision: DecisionShown
    guards: _containers.RepeatedCompositeFieldContainer[GuardPassed]
    alternatives: _containers.RepeatedCompositeFieldContainer[Alternative]
    reports: _containers.RepeatedCompositeFieldContainer[ReportShown]
    consent_epoch: int
    def __init__(self, text: _Optional[str] = ..., read: _Optional[_Iterable[_Union[FieldRead, _Mapping]]] = ..., decision: _Optional[_Union[DecisionShown, _Mapping]] = ..., guards: _Optional[_Iterable[_Union[GuardPassed, _Mapping]]] = ..., alternatives: _Optional[_Iterable[_Union[Alternative, _Mapping]]] = ..., reports: _Optional[_Iterable[_Union[ReportShown, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class DecisionShown(_message.Message):
    __slots__ = ("decided_at", "play_id", "version", "option_id", "channel", "held", "depth", "price_minor", "currency", "price_personalised", "propensity", "purpose", "legal_basis")
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    PLAY_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    OPTION_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    PRICE_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PRICE_PERSONALISED_FIELD_NUMBER: _ClassVar[int]
    PROPENSITY_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    decided_at: _timestamp_pb2.Timestamp
    play_id: str
    version: int
    option_id: str
    channel: _offer_pb2.Channel
    held: HoldReason
    depth: _offer_pb2.Depth
    price_minor: int
    currency: str
    price_personalised: bool
    propensity: float
    purpose: str
    legal_basis: str
    def __init__(self, decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., play_id: _Optional[str] = ..., version: _Optional[int] = ..., option_id: _Optional[str] = ..., channel: _Optional[_Union[_offer_pb2.Channel, str]] = ..., held: _Optional[_Union[HoldReason, str]] = ..., depth: _Optional[_Union[_offer_pb2.Depth, str]] = ..., price_minor: _Optional[int] = ..., currency: _Optional[str] = ..., price_personalised: bool = ..., propensity: _Optional[float] = ..., purpose: _Optional[str] = ..., legal_basis: _Optional[str] = ...) -> None: ...

class FieldRead(_message.Message):
    __slots__ = ("name", "party", "origin", "observed_at", "purpose", "legal_basis")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    name: str
    party: _profile_pb2.Party
    origin: str
    observed_at: _timestamp_pb2.Timestamp
    purpose: str
    legal_basis: str
    def __init__(self, name: _Optional[str] = ..., party: _Optional[_Union[_profile_pb2.Party, str]] = ..., origin: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purpose: _Optional[str] = ..., legal_basis: _Optional[str] = ...) -> None: ...

class GuardPassed(_message.Message):
    __slots__ = ("guard", "left", "ceiling")
    GUARD_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    CEILING_FIELD_NUMBER: _ClassVar[int]
    guard: str
    left: int
    ceiling: _offer_pb2.Depth
    def __init__(self, guard: _Optional[str] = ..., left: _Optional[int] = ..., ceiling: _Optional[_Union[_offer_pb2.Depth, str]] = ...) -> None: ...

class Alternative(_message.Message):
    __slots__ = ("option_id", "probability")
    OPTION_ID_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    option_id: str
    probability: float
    def __init__(self, option_id: _Optional[str] = ..., probability: _Optional[float] = ...) -> None: ...

class ReportShown(_message.Message):
    __slots__ = ("outcome", "value", "reported_at")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REPORTED_AT_FIELD_NUMBER: _ClassVar[int]
    outcome: DecisionOutcome
    value: int
    reported_at: _timestamp_pb2.Timestamp
    def __init__(self, outcome: _Optional[_Union[DecisionOutcome, str]] = ..., value: _Optional[int] = ..., reported_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReviewRequest(_message.Message):
    __slots__ = ("decision_id", "verdict", "request_id", "shown")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    verdict: Verdict
    request_id: str
    shown: str
    def __init__(self, decision_id: _Optional[str] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., request_id: _Optional[str] = ..., shown: _Optional[str] = ...) -> None: ...

class ReviewResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
