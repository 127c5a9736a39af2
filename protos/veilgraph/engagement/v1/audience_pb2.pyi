from google.api import annotations_pb2 as _annotations_pb2
from veilgraph.engagement.v1 import definition_pb2 as _definition_pb2
from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CountAudienceRequest(_message.Message):
    __slots__ = ("for_purpose", "segment_id", "condition")
    FOR_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    for_purpose: _privacy_pb2.Purpose
    segment_id: str
    condition: _definition_pb2.Condition
    def __init__(self, for_purpose: _Optional[_Union[_privacy_pb2.Purpose, str]] = ..., segment_id: _Optional[str] = ..., condition: _Optional[_Union[_definition_pb2.Condition, _Mapping]] = ...) -> None: ...

class CountAudienceResponse(_message.Message):
    __slots__ = ("people", "suppressed", "consent_epoch")
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    SUPPRESSED_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    people: int
    suppressed: bool
    consent_epoch: int
    def __init__(self, people: _Optional[int] = ..., suppressed: bool = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class ListAudienceRequest(_message.Message):
    __slots__ = ("for_purpose", "segment_id", "condition", "page_size", "page_token")
    FOR_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    for_purpose: _privacy_pb2.Purpose
    segment_id: str
    condition: _definition_pb2.Condition
    page_size: int
    page_token: str
    def __init__(self, for_purpose: _Optional[_Union[_privacy_pb2.Purpose, str]] = ..., segment_id: _Optional[str] = ..., condition: _Optional[_Union[_definition_pb2.Condition, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAudienceResponse(_message.Message):
    __slots__ = ("subjects", "next_page_token", "consent_epoch")
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedScalarFieldContainer[str]
    next_page_token: str
    consent_epoch: int
    def __init__(self, subjects: _Optional[_Iterable[str]] = ..., next_page_token: _Optional[str] = ..., consent_epoch: _Optional[int] = ...) -> None: ...
