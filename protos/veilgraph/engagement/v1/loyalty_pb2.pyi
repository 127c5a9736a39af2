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

class PostingKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POSTING_KIND_UNSPECIFIED: _ClassVar[PostingKind]
    POSTING_KIND_EARN: _ClassVar[PostingKind]
    POSTING_KIND_SPEND: _ClassVar[PostingKind]
    POSTING_KIND_ADJUST: _ClassVar[PostingKind]

class RedeemAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REDEEM_ACTION_UNSPECIFIED: _ClassVar[RedeemAction]
    REDEEM_ACTION_RESERVE: _ClassVar[RedeemAction]
    REDEEM_ACTION_COMMIT: _ClassVar[RedeemAction]
    REDEEM_ACTION_CANCEL: _ClassVar[RedeemAction]

class ProgrammeMeasure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROGRAMME_MEASURE_UNSPECIFIED: _ClassVar[ProgrammeMeasure]
    PROGRAMME_MEASURE_COUNT: _ClassVar[ProgrammeMeasure]
    PROGRAMME_MEASURE_SUM: _ClassVar[ProgrammeMeasure]
    PROGRAMME_MEASURE_YEARS: _ClassVar[ProgrammeMeasure]

class ProgrammeWindow(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROGRAMME_WINDOW_UNSPECIFIED: _ClassVar[ProgrammeWindow]
    PROGRAMME_WINDOW_EVER: _ClassVar[ProgrammeWindow]
    PROGRAMME_WINDOW_CALENDAR_MONTH: _ClassVar[ProgrammeWindow]
    PROGRAMME_WINDOW_CALENDAR_YEAR: _ClassVar[ProgrammeWindow]
    PROGRAMME_WINDOW_ROLLING_DAYS: _ClassVar[ProgrammeWindow]
POSTING_KIND_UNSPECIFIED: PostingKind
POSTING_KIND_EARN: PostingKind
POSTING_KIND_SPEND: PostingKind
POSTING_KIND_ADJUST: PostingKind
REDEEM_ACTION_UNSPECIFIED: RedeemAction
REDEEM_ACTION_RESERVE: RedeemAction
REDEEM_ACTION_COMMIT: RedeemAction
REDEEM_ACTION_CANCEL: RedeemAction
PROGRAMME_MEASURE_UNSPECIFIED: ProgrammeMeasure
PROGRAMME_MEASURE_COUNT: ProgrammeMeasure
PROGRAMME_MEASURE_SUM: ProgrammeMeasure
PROGRAMME_MEASURE_YEARS: ProgrammeMeasure
PROGRAMME_WINDOW_UNSPECIFIED: ProgrammeWindow
PROGRAMME_WINDOW_EVER: ProgrammeWindow
PROGRAMME_WINDOW_CALENDAR_MONTH: ProgrammeWindow
PROGRAMME_WINDOW_CALENDAR_YEAR: ProgrammeWindow
PROGRAMME_WINDOW_ROLLING_DAYS: ProgrammeWindow

class PostRequest(_message.Message):
    __slots__ = ("postings",)
    POSTINGS_FIELD_NUMBER: _ClassVar[int]
    postings: _containers.RepeatedCompositeFieldContainer[Posting]
    def __init__(self, postings: _Optional[_Iterable[_Union[Posting, _Mapping]]] = ...) -> None: ...

class Posting(_message.Message):
    __slots__ = ("posting_id", "subject", "programme_id", "kind", "amount_minor", "currency", "points", "occurred_at", "reference", "reverses")
    POSTING_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    REVERSES_FIELD_NUMBER: _ClassVar[int]
    posting_id: str
    subject: str
    programme_id: str
    kind: PostingKind
    amount_minor: int
    currency: str
    points: int
    occurred_at: _timestamp_pb2.Timestamp
    reference: str
    reverses: str
    def __init__(self, posting_id: _Optional[str] = ..., subject: _Optional[str] = ..., programme_id: _Optional[str] = ..., kind: _Optional[_Union[PostingKind, str]] = ..., amount_minor: _Optional[int] = ..., currency: _Optional[str] = ..., points: _Optional[int] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reference: _Optional[str] = ..., reverses: _Optional[str] = ...) -> None: ...

class PostResponse(_message.Message):
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

class RedeemRequest(_message.Message):
    __slots__ = ("subject", "action", "programme_id", "reward_id", "request_id", "reservation_id")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_ID_FIELD_NUMBER: _ClassVar[int]
    REWARD_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    subject: str
    action: RedeemAction
    programme_id: str
    reward_id: str
    request_id: str
    reservation_id: str
    def __init__(self, subject: _Optional[str] = ..., action: _Optional[_Union[RedeemAction, str]] = ..., programme_id: _Optional[str] = ..., reward_id: _Optional[str] = ..., request_id: _Optional[str] = ..., reservation_id: _Optional[str] = ...) -> None: ...

class RedeemResponse(_message.Message):
    __slots__ = ("reservation_id", "reward_id", "price_points", "expires_at", "consent_epoch")
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    REWARD_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_POINTS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    reservation_id: str
    reward_id: str
    price_points: int
    expires_at: _timestamp_pb2.Timestamp
    consent_epoch: int
    def __init__(self, reservation_id: _Optional[str] = ..., reward_id: _Optional[str] = ..., price_points: _Optional[int] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class StandingRequest(_message.Message):
    __slots__ = ("subject", "programme_ids")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_IDS_FIELD_NUMBER: _ClassVar[int]
    subject: str
    programme_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, subject: _Optional[str] = ..., programme_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class StandingResponse(_message.Message):
    __slots__ = ("standings", "consent_epoch")
    STANDINGS_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    standings: _containers.RepeatedCompositeFieldContainer[ProgrammeStanding]
    consent_epoch: int
    def __init__(self, standings: _Optional[_Iterable[_Union[ProgrammeStanding, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class ProgrammeStanding(_message.Message):
    __slots__ = ("programme_id", "points_live", "points_pending", "points_reserved", "expiring", "status", "discount_permille", "status_until", "measured", "next_status", "remaining", "progress_permille", "badges", "exclusive_item_ids", "member_since")
    PROGRAMME_ID_FIELD_NUMBER: _ClassVar[int]
    POINTS_LIVE_FIELD_NUMBER: _ClassVar[int]
    POINTS_PENDING_FIELD_NUMBER: _ClassVar[int]
    POINTS_RESERVED_FIELD_NUMBER: _ClassVar[int]
    EXPIRING_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    STATUS_UNTIL_FIELD_NUMBER: _ClassVar[int]
    MEASURED_FIELD_NUMBER: _ClassVar[int]
    NEXT_STATUS_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    BADGES_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    MEMBER_SINCE_FIELD_NUMBER: _ClassVar[int]
    programme_id: str
    points_live: int
    points_pending: int
    points_reserved: int
    expiring: _containers.RepeatedCompositeFieldContainer[ExpiringPoints]
    status: str
    discount_permille: int
    status_until: _timestamp_pb2.Timestamp
    measured: int
    next_status: str
    remaining: int
    progress_permille: int
    badges: _containers.RepeatedScalarFieldContainer[str]
    exclusive_item_ids: _containers.RepeatedScalarFieldContainer[str]
    member_since: _timestamp_pb2.Timestamp
    def __init__(self, programme_id: _Optional[str] = ..., points_live: _Optional[int] = ..., points_pending: _Optional[int] = ..., points_reserved: _Optional[int] = ..., expiring: _Optional[_Iterable[_Union[ExpiringPoints, _Mapping]]] = ..., status: _Optional[str] = ..., discount_permille: _Optional[int] = ..., status_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., measured: _Optional[int] = ..., next_status: _Optional[str] = ..., remaining: _Optional[int] = ..., progress_permille: _Optional[int] = ..., badges: _Optional[_Iterable[str]] = ..., exclusive_item_ids: _Optional[_Iterable[str]] = ..., member_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ExpiringPoints(_message.Message):
    __slots__ = ("points", "expires_at")
    POINTS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    points: int
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, points: _Optional[int] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Programme(_message.Message):
    __slots__ = ("programme_id", "measure", "window", "window_days", "keeps_windows", "currency", "zone", "earns_from_events", "earning", "tiers", "badges", "rewards", "budget_minor")
    PROGRAMME_ID_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    WINDOW_DAYS_FIELD_NUMBER: _ClassVar[int]
    KEEPS_WINDOWS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    EARNS_FROM_EVENTS_FIELD_NUMBER: _ClassVar[int]
    EARNING_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    BADGES_FIELD_NUMBER: _ClassVar[int]
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    BUDGET_MINOR_FIELD_NUMBER: _ClassVar[int]
    programme_id: str
    measure: ProgrammeMeasure
    window: ProgrammeWindow
    window_days: int
    keeps_windows: int
    currency: str
    zone: str
    earns_from_events: bool
    earning: EarningRule
    tiers: _containers.RepeatedCompositeFieldContainer[Tier]
    badges: _containers.RepeatedCompositeFieldContainer[Badge]
    rewards: _containers.RepeatedCompositeFieldContainer[Reward]
    budget_minor: int
    def __init__(self, programme_id: _Optional[str] = ..., measure: _Optional[_Union[ProgrammeMeasure, str]] = ..., window: _Optional[_Union[ProgrammeWindow, str]] = ..., window_days: _Optional[int] = ..., keeps_windows: _Optional[int] = ..., currency: _Optional[str] = ..., zone: _Optional[str] = ..., earns_from_events: bool = ..., earning: _Optional[_Union[EarningRule, _Mapping]] = ..., tiers: _Optional[_Iterable[_Union[Tier, _Mapping]]] = ..., badges: _Optional[_Iterable[_Union[Badge, _Mapping]]] = ..., rewards: _Optional[_Iterable[_Union[Reward, _Mapping]]] = ..., budget_minor: _Optional[int] = ...) -> None: ...

class EarningRule(_message.Message):
    __slots__ = ("per_minor", "points", "bonus_every", "bonus_points", "pending_days", "valid_months")
    PER_MINOR_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    BONUS_EVERY_FIELD_NUMBER: _ClassVar[int]
    BONUS_POINTS_FIELD_NUMBER: _ClassVar[int]
    PENDING_DAYS_FIELD_NUMBER: _ClassVar[int]
    VALID_MONTHS_FIELD_NUMBER: _ClassVar[int]
    per_minor: int
    points: int
    bonus_every: int
    bonus_points: int
    pending_days: int
    valid_months: int
    def __init__(self, per_minor: _Optional[int] = ..., points: _Optional[int] = ..., bonus_every: _Optional[int] = ..., bonus_points: _Optional[int] = ..., pending_days: _Optional[int] = ..., valid_months: _Optional[int] = ...) -> None: ...

class Tier(_message.Message):
    __slots__ = ("status", "threshold", "discount_permille", "exclusive_item_ids")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    status: str
    threshold: int
    discount_permille: int
    exclusive_item_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, status: _Optional[str] = ..., threshold: _Optional[int] = ..., discount_permille: _Optional[int] = ..., exclusive_item_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Badge(_message.Message):
    __slots__ = ("badge_id", "measure", "threshold")
    BADGE_ID_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    badge_id: str
    measure: ProgrammeMeasure
    threshold: int
    def __init__(self, badge_id: _Optional[str] = ..., measure: _Optional[_Union[ProgrammeMeasure, str]] = ..., threshold: _Optional[int] = ...) -> None: ...

class Reward(_message.Message):
    __slots__ = ("reward_id", "price_points", "cost_minor", "hold_s")
    REWARD_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_POINTS_FIELD_NUMBER: _ClassVar[int]
    COST_MINOR_FIELD_NUMBER: _ClassVar[int]
    HOLD_S_FIELD_NUMBER: _ClassVar[int]
    reward_id: str
    price_points: int
    cost_minor: int
    hold_s: int
    def __init__(self, reward_id: _Optional[str] = ..., price_points: _Optional[int] = ..., cost_minor: _Optional[int] = ..., hold_s: _Optional[int] = ...) -> None: ...
