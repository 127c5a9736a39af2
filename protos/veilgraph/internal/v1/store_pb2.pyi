from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CountRequest(_message.Message):
    __slots__ = ("subjects",)
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, subjects: _Optional[_Iterable[bytes]] = ...) -> None: ...

class CountResponse(_message.Message):
    __slots__ = ("counts",)
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    counts: _containers.RepeatedCompositeFieldContainer[KindCount]
    def __init__(self, counts: _Optional[_Iterable[_Union[KindCount, _Mapping]]] = ...) -> None: ...

class KindCount(_message.Message):
    __slots__ = ("kind", "count")
    KIND_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    kind: str
    count: int
    def __init__(self, kind: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class ExportRequest(_message.Message):
    __slots__ = ("subjects",)
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, subjects: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ExportResponse(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[StoredValue]
    def __init__(self, values: _Optional[_Iterable[_Union[StoredValue, _Mapping]]] = ...) -> None: ...

class StoredValue(_message.Message):
    __slots__ = ("kind", "subject", "value_json", "source", "party", "observed_at_ms", "recorded_at_ms", "purposes", "inferred")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    VALUE_JSON_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    PURPOSES_FIELD_NUMBER: _ClassVar[int]
    INFERRED_FIELD_NUMBER: _ClassVar[int]
    kind: str
    subject: bytes
    value_json: str
    source: str
    party: str
    observed_at_ms: int
    recorded_at_ms: int
    purposes: _containers.RepeatedScalarFieldContainer[str]
    inferred: bool
    def __init__(self, kind: _Optional[str] = ..., subject: _Optional[bytes] = ..., value_json: _Optional[str] = ..., source: _Optional[str] = ..., party: _Optional[str] = ..., observed_at_ms: _Optional[int] = ..., recorded_at_ms: _Optional[int] = ..., purposes: _Optional[_Iterable[str]] = ..., inferred: bool = ...) -> None: ...

class EraseRequest(_message.Message):
    __slots__ = ("subjects", "erasure_id", "phase")
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    ERASURE_ID_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedScalarFieldContainer[bytes]
    erasure_id: str
    phase: str
    def __init__(self, subjects: _Optional[_Iterable[bytes]] = ..., erasure_id: _Optional[str] = ..., phase: _Optional[str] = ...) -> None: ...

class EraseResponse(_message.Message):
    __slots__ = ("counts", "keys", "kept")
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    counts: _containers.RepeatedCompositeFieldContainer[KindCount]
    keys: _containers.RepeatedScalarFieldContainer[str]
    kept: _containers.RepeatedCompositeFieldContainer[KeptKind]
    def __init__(self, counts: _Optional[_Iterable[_Union[KindCount, _Mapping]]] = ..., keys: _Optional[_Iterable[str]] = ..., kept: _Optional[_Iterable[_Union[KeptKind, _Mapping]]] = ...) -> None: ...

class KeptKind(_message.Message):
    __slots__ = ("kind", "count", "until_ms", "why")
    KIND_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    kind: str
    count: int
    until_ms: int
    why: str
    def __init__(self, kind: _Optional[str] = ..., count: _Optional[int] = ..., until_ms: _Optional[int] = ..., why: _Optional[str] = ...) -> None: ...
