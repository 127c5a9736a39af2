import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from veilgraph.identity.v1 import identity_pb2 as _identity_pb2
from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetPersonRequest(_message.Message):
    __slots__ = ("subject", "for_purpose")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    FOR_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    subject: str
    for_purpose: _privacy_pb2.Purpose
    def __init__(self, subject: _Optional[str] = ..., for_purpose: _Optional[_Union[_privacy_pb2.Purpose, str]] = ...) -> None: ...

class GetPersonResponse(_message.Message):
    __slots__ = ("members", "links", "person", "truncated", "consent_epoch")
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    members: _containers.RepeatedCompositeFieldContainer[PersonMember]
    links: _containers.RepeatedCompositeFieldContainer[PersonLink]
    person: str
    truncated: bool
    consent_epoch: int
    def __init__(self, members: _Optional[_Iterable[_Union[PersonMember, _Mapping]]] = ..., links: _Optional[_Iterable[_Union[PersonLink, _Mapping]]] = ..., person: _Optional[str] = ..., truncated: bool = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class PersonMember(_message.Message):
    __slots__ = ("subject", "kind", "born_at", "reached", "in_view")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    BORN_AT_FIELD_NUMBER: _ClassVar[int]
    REACHED_FIELD_NUMBER: _ClassVar[int]
    IN_VIEW_FIELD_NUMBER: _ClassVar[int]
    subject: str
    kind: _identity_pb2.IdentifierKind
    born_at: _timestamp_pb2.Timestamp
    reached: bool
    in_view: bool
    def __init__(self, subject: _Optional[str] = ..., kind: _Optional[_Union[_identity_pb2.IdentifierKind, str]] = ..., born_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reached: bool = ..., in_view: bool = ...) -> None: ...

class PersonLink(_message.Message):
    __slots__ = ("one", "other", "evidence", "source", "observed_at", "valid_until", "confidence_permille", "state", "stated_at", "reason", "link_purpose", "legal_basis", "held_back")
    ONE_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATED_AT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LINK_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    HELD_BACK_FIELD_NUMBER: _ClassVar[int]
    one: int
    other: int
    evidence: _identity_pb2.Evidence
    source: str
    observed_at: _timestamp_pb2.Timestamp
    valid_until: _timestamp_pb2.Timestamp
    confidence_permille: int
    state: str
    stated_at: _timestamp_pb2.Timestamp
    reason: str
    link_purpose: str
    legal_basis: str
    held_back: str
    def __init__(self, one: _Optional[int] = ..., other: _Optional[int] = ..., evidence: _Optional[_Union[_identity_pb2.Evidence, str]] = ..., source: _Optional[str] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., confidence_permille: _Optional[int] = ..., state: _Optional[str] = ..., stated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., link_purpose: _Optional[str] = ..., legal_basis: _Optional[str] = ..., held_back: _Optional[str] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("for_purpose", "cursor", "wait_ms")
    FOR_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    for_purpose: _privacy_pb2.Purpose
    cursor: str
    wait_ms: int
    def __init__(self, for_purpose: _Optional[_Union[_privacy_pb2.Purpose, str]] = ..., cursor: _Optional[str] = ..., wait_ms: _Optional[int] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("changes", "cursor", "consent_epoch")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[PeopleChange]
    cursor: str
    consent_epoch: int
    def __init__(self, changes: _Optional[_Iterable[_Union[PeopleChange, _Mapping]]] = ..., cursor: _Optional[str] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class PeopleChange(_message.Message):
    __slots__ = ("merged", "split")
    MERGED_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    merged: SubjectsMerged
    split: SubjectsSplit
    def __init__(self, merged: _Optional[_Union[SubjectsMerged, _Mapping]] = ..., split: _Optional[_Union[SubjectsSplit, _Mapping]] = ...) -> None: ...

class SubjectsMerged(_message.Message):
    __slots__ = ("before", "after")
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    before: _containers.RepeatedCompositeFieldContainer[PersonParts]
    after: PersonParts
    def __init__(self, before: _Optional[_Iterable[_Union[PersonParts, _Mapping]]] = ..., after: _Optional[_Union[PersonParts, _Mapping]] = ...) -> None: ...

class SubjectsSplit(_message.Message):
    __slots__ = ("before", "after")
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    before: PersonParts
    after: _containers.RepeatedCompositeFieldContainer[PersonParts]
    def __init__(self, before: _Optional[_Union[PersonParts, _Mapping]] = ..., after: _Optional[_Iterable[_Union[PersonParts, _Mapping]]] = ...) -> None: ...

class PersonParts(_message.Message):
    __slots__ = ("person", "subjects")
    PERSON_FIELD_NUMBER: _ClassVar[int]
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    person: str
    subjects: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, person: _Optional[str] = ..., subjects: _Optional[_Iterable[str]] = ...) -> None: ...

class TranslateRequest(_message.Message):
    __slots__ = ("items", "recipient")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[TranslateItem]
    recipient: str
    def __init__(self, items: _Optional[_Iterable[_Union[TranslateItem, _Mapping]]] = ..., recipient: _Optional[str] = ...) -> None: ...

class TranslateItem(_message.Message):
    __slots__ = ("subject",)
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    subject: str
    def __init__(self, subject: _Optional[str] = ...) -> None: ...

class TranslateResponse(_message.Message):
    __slots__ = ("results", "consent_epoch")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[TranslateResult]
    consent_epoch: int
    def __init__(self, results: _Optional[_Iterable[_Union[TranslateResult, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class TranslateResult(_message.Message):
    __slots__ = ("subject", "error")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    subject: str
    error: _privacy_pb2.ItemError
    def __init__(self, subject: _Optional[str] = ..., error: _Optional[_Union[_privacy_pb2.ItemError, _Mapping]] = ...) -> None: ...
