import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from veilgraph.consent.v1 import consent_pb2 as _consent_pb2
from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Format(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FORMAT_UNSPECIFIED: _ClassVar[Format]
    FORMAT_JSON: _ClassVar[Format]
    FORMAT_HTML: _ClassVar[Format]

class Covered(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COVERED_UNSPECIFIED: _ClassVar[Covered]
    COVERED_PROVEN: _ClassVar[Covered]
    COVERED_LINKED: _ClassVar[Covered]
FORMAT_UNSPECIFIED: Format
FORMAT_JSON: Format
FORMAT_HTML: Format
COVERED_UNSPECIFIED: Covered
COVERED_PROVEN: Covered
COVERED_LINKED: Covered

class AccessRequest(_message.Message):
    __slots__ = ("subject", "proofs", "request_id", "format")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    subject: str
    proofs: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    format: Format
    def __init__(self, subject: _Optional[str] = ..., proofs: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ..., format: _Optional[_Union[Format, str]] = ...) -> None: ...

class AccessResponse(_message.Message):
    __slots__ = ("identities", "ask_for", "values", "where_from", "recipients", "decisions", "html", "consent_epoch")
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    ASK_FOR_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    WHERE_FROM_FIELD_NUMBER: _ClassVar[int]
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    HTML_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    identities: _containers.RepeatedCompositeFieldContainer[Identity]
    ask_for: _containers.RepeatedScalarFieldContainer[str]
    values: _containers.RepeatedCompositeFieldContainer[KeptValue]
    where_from: _containers.RepeatedCompositeFieldContainer[Provenance]
    recipients: _containers.RepeatedCompositeFieldContainer[Recipient]
    decisions: _containers.RepeatedCompositeFieldContainer[Decision]
    html: str
    consent_epoch: int
    def __init__(self, identities: _Optional[_Iterable[_Union[Identity, _Mapping]]] = ..., ask_for: _Optional[_Iterable[str]] = ..., values: _Optional[_Iterable[_Union[KeptValue, _Mapping]]] = ..., where_from: _Optional[_Iterable[_Union[Provenance, _Mapping]]] = ..., recipients: _Optional[_Iterable[_Union[Recipient, _Mapping]]] = ..., decisions: _Optional[_Iterable[_Union[Decision, _Mapping]]] = ..., html: _Optional[str] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class Identity(_message.Message):
    __slots__ = ("subject", "covered", "verifier", "method", "authenticated_at")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    COVERED_FIELD_NUMBER: _ClassVar[int]
    VERIFIER_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    AUTHENTICATED_AT_FIELD_NUMBER: _ClassVar[int]
    subject: str
    covered: Covered
    verifier: str
    method: str
    authenticated_at: _timestamp_pb2.Timestamp
    def __init__(self, subject: _Optional[str] = ..., covered: _Optional[_Union[Covered, str]] = ..., verifier: _Optional[str] = ..., method: _Optional[str] = ..., authenticated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class KeptValue(_message.Message):
    __slots__ = ("subject", "store", "kind", "value_json", "source", "party", "observed_at", "recorded_at", "purposes", "inferred")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUE_JSON_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    PURPOSES_FIELD_NUMBER: _ClassVar[int]
    INFERRED_FIELD_NUMBER: _ClassVar[int]
    subject: str
    store: str
    kind: str
    value_json: str
    source: str
    party: str
    observed_at: _timestamp_pb2.Timestamp
    recorded_at: _timestamp_pb2.Timestamp
    purposes: _containers.RepeatedScalarFieldContainer[str]
    inferred: bool
    def __init__(self, subject: _Optional[str] = ..., store: _Optional[str] = ..., kind: _Optional[str] = ..., value_json: _Optional[str] = ..., source: _Optional[str] = ..., party: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purposes: _Optional[_Iterable[str]] = ..., inferred: bool = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("source", "party", "store", "kind", "count", "first", "last")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    source: str
    party: str
    store: str
    kind: str
    count: int
    first: _timestamp_pb2.Timestamp
    last: _timestamp_pb2.Timestamp
    def __init__(self, source: _Optional[str] = ..., party: _Optional[str] = ..., store: _Optional[str] = ..., kind: _Optional[str] = ..., count: _Optional[int] = ..., first: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Recipient(_message.Message):
    __slots__ = ("name", "method", "purpose", "data_classes", "answered", "refused", "first", "last")
    NAME_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    DATA_CLASSES_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    name: str
    method: str
    purpose: str
    data_classes: _containers.RepeatedScalarFieldContainer[str]
    answered: int
    refused: int
    first: _timestamp_pb2.Timestamp
    last: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., method: _Optional[str] = ..., purpose: _Optional[str] = ..., data_classes: _Optional[_Iterable[str]] = ..., answered: _Optional[int] = ..., refused: _Optional[int] = ..., first: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("subject", "purpose", "allowed", "reason", "legal_basis")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    subject: str
    purpose: str
    allowed: bool
    reason: str
    legal_basis: str
    def __init__(self, subject: _Optional[str] = ..., purpose: _Optional[str] = ..., allowed: bool = ..., reason: _Optional[str] = ..., legal_basis: _Optional[str] = ...) -> None: ...

class WhereFromRequest(_message.Message):
    __slots__ = ("subject", "proofs", "request_id")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subject: str
    proofs: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    def __init__(self, subject: _Optional[str] = ..., proofs: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class WhereFromResponse(_message.Message):
    __slots__ = ("where_from", "ask_for", "consent_epoch")
    WHERE_FROM_FIELD_NUMBER: _ClassVar[int]
    ASK_FOR_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    where_from: _containers.RepeatedCompositeFieldContainer[Provenance]
    ask_for: _containers.RepeatedScalarFieldContainer[str]
    consent_epoch: int
    def __init__(self, where_from: _Optional[_Iterable[_Union[Provenance, _Mapping]]] = ..., ask_for: _Optional[_Iterable[str]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class RecipientsRequest(_message.Message):
    __slots__ = ("subject", "proofs", "request_id")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subject: str
    proofs: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    def __init__(self, subject: _Optional[str] = ..., proofs: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class RecipientsResponse(_message.Message):
    __slots__ = ("recipients", "ask_for", "consent_epoch")
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    ASK_FOR_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    recipients: _containers.RepeatedCompositeFieldContainer[Recipient]
    ask_for: _containers.RepeatedScalarFieldContainer[str]
    consent_epoch: int
    def __init__(self, recipients: _Optional[_Iterable[_Union[Recipient, _Mapping]]] = ..., ask_for: _Optional[_Iterable[str]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class RestrictRequest(_message.Message):
    __slots__ = ("subject", "proofs", "request_id", "purposes", "collected_via")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSES_FIELD_NUMBER: _ClassVar[int]
    COLLECTED_VIA_FIELD_NUMBER: _ClassVar[int]
    subject: str
    proofs: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    purposes: _containers.RepeatedScalarFieldContainer[str]
    collected_via: _consent_pb2.CollectedVia
    def __init__(self, subject: _Optional[str] = ..., proofs: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ..., purposes: _Optional[_Iterable[str]] = ..., collected_via: _Optional[_Union[_consent_pb2.CollectedVia, str]] = ...) -> None: ...

class RestrictResponse(_message.Message):
    __slots__ = ("identities", "ask_for", "consent_epoch")
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    ASK_FOR_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    identities: int
    ask_for: _containers.RepeatedScalarFieldContainer[str]
    consent_epoch: int
    def __init__(self, identities: _Optional[int] = ..., ask_for: _Optional[_Iterable[str]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class ObjectRequest(_message.Message):
    __slots__ = ("subject", "proofs", "request_id", "purposes", "collected_via")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSES_FIELD_NUMBER: _ClassVar[int]
    COLLECTED_VIA_FIELD_NUMBER: _ClassVar[int]
    subject: str
    proofs: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    purposes: _containers.RepeatedScalarFieldContainer[str]
    collected_via: _consent_pb2.CollectedVia
    def __init__(self, subject: _Optional[str] = ..., proofs: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ..., purposes: _Optional[_Iterable[str]] = ..., collected_via: _Optional[_Union[_consent_pb2.CollectedVia, str]] = ...) -> None: ...

class ObjectResponse(_message.Message):
    __slots__ = ("identities", "ask_for", "consent_epoch")
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    ASK_FOR_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    identities: int
    ask_for: _containers.RepeatedScalarFieldContainer[str]
    consent_epoch: int
    def __init__(self, identities: _Optional[int] = ..., ask_for: _Optional[_Iterable[str]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class LiftRequest(_message.Message):
    __slots__ = ("subject", "proofs", "request_id", "purposes", "collected_via")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSES_FIELD_NUMBER: _ClassVar[int]
    COLLECTED_VIA_FIELD_NUMBER: _ClassVar[int]
    subject: str
    proofs: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    purposes: _containers.RepeatedScalarFieldContainer[str]
    collected_via: _consent_pb2.CollectedVia
    def __init__(self, subject: _Optional[str] = ..., proofs: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ..., purposes: _Optional[_Iterable[str]] = ..., collected_via: _Optional[_Union[_consent_pb2.CollectedVia, str]] = ...) -> None: ...

class LiftResponse(_message.Message):
    __slots__ = ("identities", "ask_for", "consent_epoch")
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    ASK_FOR_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    identities: int
    ask_for: _containers.RepeatedScalarFieldContainer[str]
    consent_epoch: int
    def __init__(self, identities: _Optional[int] = ..., ask_for: _Optional[_Iterable[str]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class EraseRequest(_message.Message):
    __slots__ = ("subject", "proofs", "request_id", "suppress")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUPPRESS_FIELD_NUMBER: _ClassVar[int]
    subject: str
    proofs: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    suppress: bool
    def __init__(self, subject: _Optional[str] = ..., proofs: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ..., suppress: bool = ...) -> None: ...

class EraseResponse(_message.Message):
    __slots__ = ("erasure_id", "identities", "ask_for", "receipt", "consent_epoch")
    ERASURE_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    ASK_FOR_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    erasure_id: str
    identities: int
    ask_for: _containers.RepeatedScalarFieldContainer[str]
    receipt: SignedReceipt
    consent_epoch: int
    def __init__(self, erasure_id: _Optional[str] = ..., identities: _Optional[int] = ..., ask_for: _Optional[_Iterable[str]] = ..., receipt: _Optional[_Union[SignedReceipt, _Mapping]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class GetReceiptRequest(_message.Message):
    __slots__ = ("erasure_id", "request_id")
    ERASURE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    erasure_id: str
    request_id: str
    def __init__(self, erasure_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class GetReceiptResponse(_message.Message):
    __slots__ = ("erasure_id", "receipt")
    ERASURE_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    erasure_id: str
    receipt: SignedReceipt
    def __init__(self, erasure_id: _Optional[str] = ..., receipt: _Optional[_Union[SignedReceipt, _Mapping]] = ...) -> None: ...

class SignedReceipt(_message.Message):
    __slots__ = ("body", "signature", "key_version")
    BODY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    KEY_VERSION_FIELD_NUMBER: _ClassVar[int]
    body: bytes
    signature: bytes
    key_version: int
    def __init__(self, body: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., key_version: _Optional[int] = ...) -> None: ...
