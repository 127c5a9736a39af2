from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class OpenItemsRequest(_message.Message):
    __slots__ = ("subjects",)
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, subjects: _Optional[_Iterable[bytes]] = ...) -> None: ...

class OpenItemsResponse(_message.Message):
    __slots__ = ("item_ids", "nothing_opens")
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    NOTHING_OPENS_FIELD_NUMBER: _ClassVar[int]
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    nothing_opens: bool
    def __init__(self, item_ids: _Optional[_Iterable[str]] = ..., nothing_opens: bool = ...) -> None: ...
