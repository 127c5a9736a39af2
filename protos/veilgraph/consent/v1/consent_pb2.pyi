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

class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACTION_UNSPECIFIED: _ClassVar[Action]
    ACTION_GRANT: _ClassVar[Action]
    ACTION_REFUSE: _ClassVar[Action]
    ACTION_WITHDRAW: _ClassVar[Action]
    ACTION_EXPIRE: _ClassVar[Action]
    ACTION_INVALIDATE: _ClassVar[Action]
    ACTION_OBJECT: _ClassVar[Action]
    ACTION_RESTRICT: _ClassVar[Action]
    ACTION_LIFT: _ClassVar[Action]
    ACTION_REQUEST: _ClassVar[Action]
    ACTION_DEFER: _ClassVar[Action]

class Age(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGE_UNSPECIFIED: _ClassVar[Age]
    AGE_ADULT: _ClassVar[Age]
    AGE_MINOR: _ClassVar[Age]
    AGE_CHILD: _ClassVar[Age]

class CollectedVia(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLLECTED_VIA_UNSPECIFIED: _ClassVar[CollectedVia]
    COLLECTED_VIA_WEB: _ClassVar[CollectedVia]
    COLLECTED_VIA_APP: _ClassVar[CollectedVia]
    COLLECTED_VIA_EMAIL: _ClassVar[CollectedVia]
    COLLECTED_VIA_SMS: _ClassVar[CollectedVia]
    COLLECTED_VIA_PHONE: _ClassVar[CollectedVia]
    COLLECTED_VIA_POST: _ClassVar[CollectedVia]
    COLLECTED_VIA_STORE: _ClassVar[CollectedVia]
    COLLECTED_VIA_PARTNER: _ClassVar[CollectedVia]
    COLLECTED_VIA_PUSH: _ClassVar[CollectedVia]

class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATE_UNSPECIFIED: _ClassVar[State]
    STATE_UNKNOWN: _ClassVar[State]
    STATE_GRANTED: _ClassVar[State]
    STATE_REFUSED: _ClassVar[State]
    STATE_WITHDRAWN: _ClassVar[State]
    STATE_EXPIRED: _ClassVar[State]
ACTION_UNSPECIFIED: Action
ACTION_GRANT: Action
ACTION_REFUSE: Action
ACTION_WITHDRAW: Action
ACTION_EXPIRE: Action
ACTION_INVALIDATE: Action
ACTION_OBJECT: Action
ACTION_RESTRICT: Action
ACTION_LIFT: Action
ACTION_REQUEST: Action
ACTION_DEFER: Action
AGE_UNSPECIFIED: Age
AGE_ADULT: Age
AGE_MINOR: Age
AGE_CHILD: Age
COLLECTED_VIA_UNSPECIFIED: CollectedVia
COLLECTED_VIA_WEB: CollectedVia
COLLECTED_VIA_APP: CollectedVia
COLLECTED_VIA_EMAIL: CollectedVia
COLLECTED_VIA_SMS: CollectedVia
COLLECTED_VIA_PHONE: CollectedVia
COLLECTED_VIA_POST: CollectedVia
COLLECTED_VIA_STORE: CollectedVia
COLLECTED_VIA_PARTNER: CollectedVia
COLLECTED_VIA_PUSH: CollectedVia
STATE_UNSPECIFIED: State
STATE_UNKNOWN: State
STATE_GRANTED: State
STATE_REFUSED: State
STATE_WITHDRAWN: State
STATE_EXPIRED: State

class HistoryRequest(_message.Message):
    __slots__ = ("subject", "page_size", "page_token")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    subject: str
    page_size: int
    page_token: str
    def __init__(self, subject: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class HistoryResponse(_message.Message):
    __slots__ = ("records", "next_page_token", "consent_epoch")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[HistoryRecord]
    next_page_token: str
    consent_epoch: int
    def __init__(self, records: _Optional[_Iterable[_Union[HistoryRecord, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class HistoryRecord(_message.Message):
    __slots__ = ("statement_id", "purpose", "action", "collected_via", "effective_at", "recorded_at", "valid_until", "taxonomy_version", "legal_basis", "regime", "jurisdiction", "notice", "evidence_method", "reported_by_caller", "supersedes")
    STATEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    COLLECTED_VIA_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_AT_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    TAXONOMY_VERSION_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    REGIME_FIELD_NUMBER: _ClassVar[int]
    JURISDICTION_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_METHOD_FIELD_NUMBER: _ClassVar[int]
    REPORTED_BY_CALLER_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDES_FIELD_NUMBER: _ClassVar[int]
    statement_id: str
    purpose: str
    action: Action
    collected_via: CollectedVia
    effective_at: _timestamp_pb2.Timestamp
    recorded_at: _timestamp_pb2.Timestamp
    valid_until: _timestamp_pb2.Timestamp
    taxonomy_version: int
    legal_basis: str
    regime: str
    jurisdiction: str
    notice: Notice
    evidence_method: str
    reported_by_caller: bool
    supersedes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, statement_id: _Optional[str] = ..., purpose: _Optional[str] = ..., action: _Optional[_Union[Action, str]] = ..., collected_via: _Optional[_Union[CollectedVia, str]] = ..., effective_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., taxonomy_version: _Optional[int] = ..., legal_basis: _Optional[str] = ..., regime: _Optional[str] = ..., jurisdiction: _Optional[str] = ..., notice: _Optional[_Union[Notice, _Mapping]] = ..., evidence_method: _Optional[str] = ..., reported_by_caller: bool = ..., supersedes: _Optional[_Iterable[str]] = ...) -> None: ...

class RecordRequest(_message.Message):
    __slots__ = ("statements", "request_id")
    STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    statements: _containers.RepeatedCompositeFieldContainer[Statement]
    request_id: str
    def __init__(self, statements: _Optional[_Iterable[_Union[Statement, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class Statement(_message.Message):
    __slots__ = ("subject", "action", "purposes", "collected_via", "effective_at", "valid_until", "notice", "regime", "jurisdiction", "age", "child_signal", "evidence", "supersedes")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    PURPOSES_FIELD_NUMBER: _ClassVar[int]
    COLLECTED_VIA_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_AT_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    REGIME_FIELD_NUMBER: _ClassVar[int]
    JURISDICTION_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    CHILD_SIGNAL_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDES_FIELD_NUMBER: _ClassVar[int]
    subject: str
    action: Action
    purposes: _containers.RepeatedScalarFieldContainer[str]
    collected_via: CollectedVia
    effective_at: _timestamp_pb2.Timestamp
    valid_until: _timestamp_pb2.Timestamp
    notice: Notice
    regime: str
    jurisdiction: str
    age: Age
    child_signal: bool
    evidence: Evidence
    supersedes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, subject: _Optional[str] = ..., action: _Optional[_Union[Action, str]] = ..., purposes: _Optional[_Iterable[str]] = ..., collected_via: _Optional[_Union[CollectedVia, str]] = ..., effective_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., notice: _Optional[_Union[Notice, _Mapping]] = ..., regime: _Optional[str] = ..., jurisdiction: _Optional[str] = ..., age: _Optional[_Union[Age, str]] = ..., child_signal: bool = ..., evidence: _Optional[_Union[Evidence, _Mapping]] = ..., supersedes: _Optional[_Iterable[str]] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("method", "collector", "ui_hash", "raw_signal")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    COLLECTOR_FIELD_NUMBER: _ClassVar[int]
    UI_HASH_FIELD_NUMBER: _ClassVar[int]
    RAW_SIGNAL_FIELD_NUMBER: _ClassVar[int]
    method: str
    collector: str
    ui_hash: bytes
    raw_signal: bytes
    def __init__(self, method: _Optional[str] = ..., collector: _Optional[str] = ..., ui_hash: _Optional[bytes] = ..., raw_signal: _Optional[bytes] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("id", "version", "language", "sha256")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    id: str
    version: str
    language: str
    sha256: bytes
    def __init__(self, id: _Optional[str] = ..., version: _Optional[str] = ..., language: _Optional[str] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class RecordResponse(_message.Message):
    __slots__ = ("recorded", "refused", "consent_epoch", "statements")
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    recorded: int
    refused: _containers.RepeatedCompositeFieldContainer[_privacy_pb2.ItemError]
    consent_epoch: int
    statements: _containers.RepeatedCompositeFieldContainer[RecordedStatement]
    def __init__(self, recorded: _Optional[int] = ..., refused: _Optional[_Iterable[_Union[_privacy_pb2.ItemError, _Mapping]]] = ..., consent_epoch: _Optional[int] = ..., statements: _Optional[_Iterable[_Union[RecordedStatement, _Mapping]]] = ...) -> None: ...

class RecordedStatement(_message.Message):
    __slots__ = ("index", "purpose", "statement_id")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    index: int
    purpose: str
    statement_id: str
    def __init__(self, index: _Optional[int] = ..., purpose: _Optional[str] = ..., statement_id: _Optional[str] = ...) -> None: ...

class GetStateRequest(_message.Message):
    __slots__ = ("subject",)
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    subject: str
    def __init__(self, subject: _Optional[str] = ...) -> None: ...

class GetStateResponse(_message.Message):
    __slots__ = ("purposes", "taxonomy_version", "consent_epoch", "regimes")
    PURPOSES_FIELD_NUMBER: _ClassVar[int]
    TAXONOMY_VERSION_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    REGIMES_FIELD_NUMBER: _ClassVar[int]
    purposes: _containers.RepeatedCompositeFieldContainer[PurposeState]
    taxonomy_version: int
    consent_epoch: int
    regimes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, purposes: _Optional[_Iterable[_Union[PurposeState, _Mapping]]] = ..., taxonomy_version: _Optional[int] = ..., consent_epoch: _Optional[int] = ..., regimes: _Optional[_Iterable[str]] = ...) -> None: ...

class PurposeState(_message.Message):
    __slots__ = ("purpose", "own", "allowed", "legal_basis", "effective_at", "valid_until", "objected", "restricted", "statement_id")
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_AT_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    OBJECTED_FIELD_NUMBER: _ClassVar[int]
    RESTRICTED_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    own: State
    allowed: bool
    legal_basis: str
    effective_at: _timestamp_pb2.Timestamp
    valid_until: _timestamp_pb2.Timestamp
    objected: bool
    restricted: bool
    statement_id: str
    def __init__(self, purpose: _Optional[str] = ..., own: _Optional[_Union[State, str]] = ..., allowed: bool = ..., legal_basis: _Optional[str] = ..., effective_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., objected: bool = ..., restricted: bool = ..., statement_id: _Optional[str] = ...) -> None: ...
