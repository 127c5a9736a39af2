from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Channel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANNEL_UNSPECIFIED: _ClassVar[Channel]
    CHANNEL_WEB: _ClassVar[Channel]
    CHANNEL_APP: _ClassVar[Channel]
    CHANNEL_STORE: _ClassVar[Channel]
    CHANNEL_CALL_CENTRE: _ClassVar[Channel]
    CHANNEL_EMAIL: _ClassVar[Channel]
    CHANNEL_SMS: _ClassVar[Channel]
    CHANNEL_PUSH: _ClassVar[Channel]
    CHANNEL_PHONE: _ClassVar[Channel]
    CHANNEL_POST: _ClassVar[Channel]

class Depth(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEPTH_UNSPECIFIED: _ClassVar[Depth]
    DEPTH_GENERAL: _ClassVar[Depth]
    DEPTH_CONTEXT: _ClassVar[Depth]
    DEPTH_SEGMENT: _ClassVar[Depth]
    DEPTH_INDIVIDUAL: _ClassVar[Depth]
CHANNEL_UNSPECIFIED: Channel
CHANNEL_WEB: Channel
CHANNEL_APP: Channel
CHANNEL_STORE: Channel
CHANNEL_CALL_CENTRE: Channel
CHANNEL_EMAIL: Channel
CHANNEL_SMS: Channel
CHANNEL_PUSH: Channel
CHANNEL_PHONE: Channel
CHANNEL_POST: Channel
DEPTH_UNSPECIFIED: Depth
DEPTH_GENERAL: Depth
DEPTH_CONTEXT: Depth
DEPTH_SEGMENT: Depth
DEPTH_INDIVIDUAL: Depth

class Content(_message.Message):
    __slots__ = ("parts", "item_ids", "blocks", "scene_id", "scene_element_ids", "origin_line")
    PARTS_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    SCENE_ID_FIELD_NUMBER: _ClassVar[int]
    SCENE_ELEMENT_IDS_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_LINE_FIELD_NUMBER: _ClassVar[int]
    parts: _containers.RepeatedCompositeFieldContainer[ContentPart]
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    blocks: _containers.RepeatedScalarFieldContainer[str]
    scene_id: str
    scene_element_ids: _containers.RepeatedScalarFieldContainer[str]
    origin_line: str
    def __init__(self, parts: _Optional[_Iterable[_Union[ContentPart, _Mapping]]] = ..., item_ids: _Optional[_Iterable[str]] = ..., blocks: _Optional[_Iterable[str]] = ..., scene_id: _Optional[str] = ..., scene_element_ids: _Optional[_Iterable[str]] = ..., origin_line: _Optional[str] = ...) -> None: ...

class ContentPart(_message.Message):
    __slots__ = ("name", "text")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    name: str
    text: str
    def __init__(self, name: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...
