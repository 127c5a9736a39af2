import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetRulesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetRulesResponse(_message.Message):
    __slots__ = ("version", "digest", "rules", "applied_at", "changing")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    APPLIED_AT_FIELD_NUMBER: _ClassVar[int]
    CHANGING_FIELD_NUMBER: _ClassVar[int]
    version: int
    digest: str
    rules: str
    applied_at: _timestamp_pb2.Timestamp
    changing: bool
    def __init__(self, version: _Optional[int] = ..., digest: _Optional[str] = ..., rules: _Optional[str] = ..., applied_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., changing: bool = ...) -> None: ...

class PreviewRulesRequest(_message.Message):
    __slots__ = ("rules", "examples")
    RULES_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    rules: str
    examples: int
    def __init__(self, rules: _Optional[str] = ..., examples: _Optional[int] = ...) -> None: ...

class PreviewRulesResponse(_message.Message):
    __slots__ = ("digest", "version_in_force", "version", "links_changed", "links_back", "links_gone", "reasons", "links", "views", "identifiers_shared")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    VERSION_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LINKS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    LINKS_BACK_FIELD_NUMBER: _ClassVar[int]
    LINKS_GONE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIERS_SHARED_FIELD_NUMBER: _ClassVar[int]
    digest: str
    version_in_force: int
    version: int
    links_changed: int
    links_back: int
    links_gone: int
    reasons: _containers.RepeatedCompositeFieldContainer[ReasonCount]
    links: _containers.RepeatedCompositeFieldContainer[MovedLink]
    views: _containers.RepeatedCompositeFieldContainer[ViewChange]
    identifiers_shared: int
    def __init__(self, digest: _Optional[str] = ..., version_in_force: _Optional[int] = ..., version: _Optional[int] = ..., links_changed: _Optional[int] = ..., links_back: _Optional[int] = ..., links_gone: _Optional[int] = ..., reasons: _Optional[_Iterable[_Union[ReasonCount, _Mapping]]] = ..., links: _Optional[_Iterable[_Union[MovedLink, _Mapping]]] = ..., views: _Optional[_Iterable[_Union[ViewChange, _Mapping]]] = ..., identifiers_shared: _Optional[int] = ...) -> None: ...

class ReasonCount(_message.Message):
    __slots__ = ("reason", "links")
    REASON_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    reason: str
    links: int
    def __init__(self, reason: _Optional[str] = ..., links: _Optional[int] = ...) -> None: ...

class MovedLink(_message.Message):
    __slots__ = ("subject", "other", "evidence", "source", "comes_back", "reason")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    COMES_BACK_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    subject: str
    other: str
    evidence: str
    source: str
    comes_back: bool
    reason: str
    def __init__(self, subject: _Optional[str] = ..., other: _Optional[str] = ..., evidence: _Optional[str] = ..., source: _Optional[str] = ..., comes_back: bool = ..., reason: _Optional[str] = ...) -> None: ...

class ViewChange(_message.Message):
    __slots__ = ("view", "people_before", "people_after", "splits", "merges", "split_people", "merged_people")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_AFTER_FIELD_NUMBER: _ClassVar[int]
    SPLITS_FIELD_NUMBER: _ClassVar[int]
    MERGES_FIELD_NUMBER: _ClassVar[int]
    SPLIT_PEOPLE_FIELD_NUMBER: _ClassVar[int]
    MERGED_PEOPLE_FIELD_NUMBER: _ClassVar[int]
    view: str
    people_before: int
    people_after: int
    splits: int
    merges: int
    split_people: _containers.RepeatedCompositeFieldContainer[DividedPerson]
    merged_people: _containers.RepeatedCompositeFieldContainer[DividedPerson]
    def __init__(self, view: _Optional[str] = ..., people_before: _Optional[int] = ..., people_after: _Optional[int] = ..., splits: _Optional[int] = ..., merges: _Optional[int] = ..., split_people: _Optional[_Iterable[_Union[DividedPerson, _Mapping]]] = ..., merged_people: _Optional[_Iterable[_Union[DividedPerson, _Mapping]]] = ...) -> None: ...

class DividedPerson(_message.Message):
    __slots__ = ("subjects", "parts")
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedScalarFieldContainer[str]
    parts: int
    def __init__(self, subjects: _Optional[_Iterable[str]] = ..., parts: _Optional[int] = ...) -> None: ...

class ApplyRulesRequest(_message.Message):
    __slots__ = ("rules", "digest")
    RULES_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    rules: str
    digest: str
    def __init__(self, rules: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class ApplyRulesResponse(_message.Message):
    __slots__ = ("version", "consent_epoch")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    version: int
    consent_epoch: int
    def __init__(self, version: _Optional[int] = ..., consent_epoch: _Optional[int] = ...) -> None: ...
