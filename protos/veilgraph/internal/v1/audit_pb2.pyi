from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SubscribeAuditRequest(_message.Message):
    __slots__ = ("cursor",)
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    cursor: int
    def __init__(self, cursor: _Optional[int] = ...) -> None: ...

class SubscribeAuditResponse(_message.Message):
    __slots__ = ("head", "batches")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    head: int
    batches: _containers.RepeatedCompositeFieldContainer[AuditBatch]
    def __init__(self, head: _Optional[int] = ..., batches: _Optional[_Iterable[_Union[AuditBatch, _Mapping]]] = ...) -> None: ...

class AuditBatch(_message.Message):
    __slots__ = ("seq", "leaves")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    seq: int
    leaves: bytes
    def __init__(self, seq: _Optional[int] = ..., leaves: _Optional[bytes] = ...) -> None: ...
