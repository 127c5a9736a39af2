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

class IdentifierKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IDENTIFIER_KIND_UNSPECIFIED: _ClassVar[IdentifierKind]
    IDENTIFIER_KIND_EMAIL: _ClassVar[IdentifierKind]
    IDENTIFIER_KIND_PHONE: _ClassVar[IdentifierKind]
    IDENTIFIER_KIND_LOYALTY_CARD: _ClassVar[IdentifierKind]
    IDENTIFIER_KIND_ACCOUNT_ID: _ClassVar[IdentifierKind]
    IDENTIFIER_KIND_DEVICE_ID: _ClassVar[IdentifierKind]
    IDENTIFIER_KIND_COOKIE: _ClassVar[IdentifierKind]
    IDENTIFIER_KIND_CRM_ID: _ClassVar[IdentifierKind]
    IDENTIFIER_KIND_ORDER_REF: _ClassVar[IdentifierKind]
    IDENTIFIER_KIND_MESSENGER: _ClassVar[IdentifierKind]

class Evidence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVIDENCE_UNSPECIFIED: _ClassVar[Evidence]
    EVIDENCE_LOGIN: _ClassVar[Evidence]
    EVIDENCE_CARD_AT_CHECKOUT: _ClassVar[Evidence]
    EVIDENCE_CONFIRMED_CONTACT: _ClassVar[Evidence]
    EVIDENCE_SAME_ORDER: _ClassVar[Evidence]
    EVIDENCE_PARTNER_MATCH: _ClassVar[Evidence]
    EVIDENCE_SIMILARITY: _ClassVar[Evidence]
IDENTIFIER_KIND_UNSPECIFIED: IdentifierKind
IDENTIFIER_KIND_EMAIL: IdentifierKind
IDENTIFIER_KIND_PHONE: IdentifierKind
IDENTIFIER_KIND_LOYALTY_CARD: IdentifierKind
IDENTIFIER_KIND_ACCOUNT_ID: IdentifierKind
IDENTIFIER_KIND_DEVICE_ID: IdentifierKind
IDENTIFIER_KIND_COOKIE: IdentifierKind
IDENTIFIER_KIND_CRM_ID: IdentifierKind
IDENTIFIER_KIND_ORDER_REF: IdentifierKind
IDENTIFIER_KIND_MESSENGER: IdentifierKind
EVIDENCE_UNSPECIFIED: Evidence
EVIDENCE_LOGIN: Evidence
EVIDENCE_CARD_AT_CHECKOUT: Evidence
EVIDENCE_CONFIRMED_CONTACT: Evidence
EVIDENCE_SAME_ORDER: Evidence
EVIDENCE_PARTNER_MATCH: Evidence
EVIDENCE_SIMILARITY: Evidence

class ResolveRequest(_message.Message):
    __slots__ = ("identifiers", "for_purpose")
    IDENTIFIERS_FIELD_NUMBER: _ClassVar[int]
    FOR_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    identifiers: _containers.RepeatedCompositeFieldContainer[Identifier]
    for_purpose: _privacy_pb2.Purpose
    def __init__(self, identifiers: _Optional[_Iterable[_Union[Identifier, _Mapping]]] = ..., for_purpose: _Optional[_Union[_privacy_pb2.Purpose, str]] = ...) -> None: ...

class Identifier(_message.Message):
    __slots__ = ("kind", "sha256")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    kind: IdentifierKind
    sha256: bytes
    def __init__(self, kind: _Optional[_Union[IdentifierKind, str]] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class ResolveResponse(_message.Message):
    __slots__ = ("results", "consent_epoch")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[ResolveResult]
    consent_epoch: int
    def __init__(self, results: _Optional[_Iterable[_Union[ResolveResult, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class ResolveResult(_message.Message):
    __slots__ = ("subject", "person", "created", "error", "previous", "refresh_at")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    REFRESH_AT_FIELD_NUMBER: _ClassVar[int]
    subject: str
    person: str
    created: bool
    error: _privacy_pb2.ItemError
    previous: str
    refresh_at: _timestamp_pb2.Timestamp
    def __init__(self, subject: _Optional[str] = ..., person: _Optional[str] = ..., created: bool = ..., error: _Optional[_Union[_privacy_pb2.ItemError, _Mapping]] = ..., previous: _Optional[str] = ..., refresh_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LinkRequest(_message.Message):
    __slots__ = ("links", "request_id")
    LINKS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    links: _containers.RepeatedCompositeFieldContainer[Link]
    request_id: str
    def __init__(self, links: _Optional[_Iterable[_Union[Link, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class Link(_message.Message):
    __slots__ = ("subject", "other", "evidence", "source", "observed_at", "valid_until", "confidence_permille")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    subject: str
    other: str
    evidence: Evidence
    source: str
    observed_at: _timestamp_pb2.Timestamp
    valid_until: _timestamp_pb2.Timestamp
    confidence_permille: int
    def __init__(self, subject: _Optional[str] = ..., other: _Optional[str] = ..., evidence: _Optional[_Union[Evidence, str]] = ..., source: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., confidence_permille: _Optional[int] = ...) -> None: ...

class LinkResponse(_message.Message):
    __slots__ = ("results", "consent_epoch")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[LinkResult]
    consent_epoch: int
    def __init__(self, results: _Optional[_Iterable[_Union[LinkResult, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class LinkResult(_message.Message):
    __slots__ = ("linked", "error")
    LINKED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    linked: bool
    error: _privacy_pb2.ItemError
    def __init__(self, linked: bool = ..., error: _Optional[_Union[_privacy_pb2.ItemError, _Mapping]] = ...) -> None: ...

class UnlinkRequest(_message.Message):
    __slots__ = ("subject", "other", "reason", "request_id")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subject: str
    other: str
    reason: str
    request_id: str
    def __init__(self, subject: _Optional[str] = ..., other: _Optional[str] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class UnlinkResponse(_message.Message):
    __slots__ = ("edges_removed", "consent_epoch")
    EDGES_REMOVED_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    edges_removed: int
    consent_epoch: int
    def __init__(self, edges_removed: _Optional[int] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("subject", "other", "for_purpose")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    FOR_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    subject: str
    other: str
    for_purpose: _privacy_pb2.Purpose
    def __init__(self, subject: _Optional[str] = ..., other: _Optional[str] = ..., for_purpose: _Optional[_Union[_privacy_pb2.Purpose, str]] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("linked", "path", "consent_epoch")
    LINKED_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    linked: bool
    path: _containers.RepeatedCompositeFieldContainer[EvidenceStep]
    consent_epoch: int
    def __init__(self, linked: bool = ..., path: _Optional[_Iterable[_Union[EvidenceStep, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class EvidenceStep(_message.Message):
    __slots__ = ("from_kind", "to_kind", "evidence", "source", "observed_at", "valid_until", "confidence_permille", "link_purpose", "legal_basis")
    FROM_KIND_FIELD_NUMBER: _ClassVar[int]
    TO_KIND_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    LINK_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    from_kind: IdentifierKind
    to_kind: IdentifierKind
    evidence: Evidence
    source: str
    observed_at: _timestamp_pb2.Timestamp
    valid_until: _timestamp_pb2.Timestamp
    confidence_permille: int
    link_purpose: str
    legal_basis: str
    def __init__(self, from_kind: _Optional[_Union[IdentifierKind, str]] = ..., to_kind: _Optional[_Union[IdentifierKind, str]] = ..., evidence: _Optional[_Union[Evidence, str]] = ..., source: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., confidence_permille: _Optional[int] = ..., link_purpose: _Optional[str] = ..., legal_basis: _Optional[str] = ...) -> None: ...
