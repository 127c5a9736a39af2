from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class RefuseSignalledRequest(_message.Message):
    __slots__ = ("subjects", "caller")
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedScalarFieldContainer[bytes]
    caller: str
    def __init__(self, subjects: _Optional[_Iterable[bytes]] = ..., caller: _Optional[str] = ...) -> None: ...

class RefuseSignalledResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
