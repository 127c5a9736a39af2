from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AskRequest(_message.Message):
    __slots__ = ("subject", "kind", "sha256", "note")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    subject: str
    kind: int
    sha256: bytes
    note: str
    def __init__(self, subject: _Optional[str] = ..., kind: _Optional[int] = ..., sha256: _Optional[bytes] = ..., note: _Optional[str] = ...) -> None: ...

class DegradeRequest(_message.Message):
    __slots__ = ("subject", "guest")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    GUEST_FIELD_NUMBER: _ClassVar[int]
    subject: str
    guest: bool
    def __init__(self, subject: _Optional[str] = ..., guest: bool = ...) -> None: ...

class AskResponse(_message.Message):
    __slots__ = ("subject", "parts", "reason", "person", "consent_epoch")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    subject: str
    parts: _containers.RepeatedCompositeFieldContainer[Part]
    reason: str
    person: str
    consent_epoch: int
    def __init__(self, subject: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[Part, _Mapping]]] = ..., reason: _Optional[str] = ..., person: _Optional[str] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class Part(_message.Message):
    __slots__ = ("title", "behaviour", "points")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    BEHAVIOUR_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    title: str
    behaviour: str
    points: int
    def __init__(self, title: _Optional[str] = ..., behaviour: _Optional[str] = ..., points: _Optional[int] = ...) -> None: ...

class BatchRequest(_message.Message):
    __slots__ = ("elements",)
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    elements: _containers.RepeatedCompositeFieldContainer[Element]
    def __init__(self, elements: _Optional[_Iterable[_Union[Element, _Mapping]]] = ...) -> None: ...

class Element(_message.Message):
    __slots__ = ("subject", "purpose")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    subject: str
    purpose: _privacy_pb2.Purpose
    def __init__(self, subject: _Optional[str] = ..., purpose: _Optional[_Union[_privacy_pb2.Purpose, str]] = ...) -> None: ...

class BatchResponse(_message.Message):
    __slots__ = ("subjects", "refused", "consent_epoch")
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedScalarFieldContainer[str]
    refused: _containers.RepeatedCompositeFieldContainer[_privacy_pb2.ItemError]
    consent_epoch: int
    def __init__(self, subjects: _Optional[_Iterable[str]] = ..., refused: _Optional[_Iterable[_Union[_privacy_pb2.ItemError, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...
