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

class KeyUse(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_USE_UNSPECIFIED: _ClassVar[KeyUse]
    KEY_USE_IDENTIFIER: _ClassVar[KeyUse]
    KEY_USE_PAIRWISE: _ClassVar[KeyUse]

class KeyState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_STATE_UNSPECIFIED: _ClassVar[KeyState]
    KEY_STATE_PENDING: _ClassVar[KeyState]
    KEY_STATE_ACTIVE: _ClassVar[KeyState]
    KEY_STATE_RETIRED: _ClassVar[KeyState]
    KEY_STATE_DESTROYED: _ClassVar[KeyState]
KEY_USE_UNSPECIFIED: KeyUse
KEY_USE_IDENTIFIER: KeyUse
KEY_USE_PAIRWISE: KeyUse
KEY_STATE_UNSPECIFIED: KeyState
KEY_STATE_PENDING: KeyState
KEY_STATE_ACTIVE: KeyState
KEY_STATE_RETIRED: KeyState
KEY_STATE_DESTROYED: KeyState

class GetKeysRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetKeysResponse(_message.Message):
    __slots__ = ("versions", "rekeying", "revision")
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    REKEYING_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[KeyVersion]
    rekeying: bool
    revision: int
    def __init__(self, versions: _Optional[_Iterable[_Union[KeyVersion, _Mapping]]] = ..., rekeying: bool = ..., revision: _Optional[int] = ...) -> None: ...

class KeyVersion(_message.Message):
    __slots__ = ("use", "caller", "version", "state", "created_at", "overlap_until", "identifiers", "suppressions", "suppressions_waiting")
    USE_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_UNTIL_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIERS_FIELD_NUMBER: _ClassVar[int]
    SUPPRESSIONS_FIELD_NUMBER: _ClassVar[int]
    SUPPRESSIONS_WAITING_FIELD_NUMBER: _ClassVar[int]
    use: KeyUse
    caller: str
    version: int
    state: KeyState
    created_at: _timestamp_pb2.Timestamp
    overlap_until: _timestamp_pb2.Timestamp
    identifiers: int
    suppressions: int
    suppressions_waiting: int
    def __init__(self, use: _Optional[_Union[KeyUse, str]] = ..., caller: _Optional[str] = ..., version: _Optional[int] = ..., state: _Optional[_Union[KeyState, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., overlap_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., identifiers: _Optional[int] = ..., suppressions: _Optional[int] = ..., suppressions_waiting: _Optional[int] = ...) -> None: ...

class RotateKeysRequest(_message.Message):
    __slots__ = ("use", "caller", "from_version", "overlap_s")
    USE_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    FROM_VERSION_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_S_FIELD_NUMBER: _ClassVar[int]
    use: KeyUse
    caller: str
    from_version: int
    overlap_s: int
    def __init__(self, use: _Optional[_Union[KeyUse, str]] = ..., caller: _Optional[str] = ..., from_version: _Optional[int] = ..., overlap_s: _Optional[int] = ...) -> None: ...

class RotateKeysResponse(_message.Message):
    __slots__ = ("active",)
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    active: KeyVersion
    def __init__(self, active: _Optional[_Union[KeyVersion, _Mapping]] = ...) -> None: ...

class RetireKeyRequest(_message.Message):
    __slots__ = ("use", "caller", "version")
    USE_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    use: KeyUse
    caller: str
    version: int
    def __init__(self, use: _Optional[_Union[KeyUse, str]] = ..., caller: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class RetireKeyResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: KeyVersion
    def __init__(self, version: _Optional[_Union[KeyVersion, _Mapping]] = ...) -> None: ...

class DestroyKeyRequest(_message.Message):
    __slots__ = ("use", "caller", "version")
    USE_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    use: KeyUse
    caller: str
    version: int
    def __init__(self, use: _Optional[_Union[KeyUse, str]] = ..., caller: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class DestroyKeyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
