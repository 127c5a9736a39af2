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

class SetEntitlementRequest(_message.Message):
    __slots__ = ("entitlements", "request_id")
    ENTITLEMENTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    entitlements: _containers.RepeatedCompositeFieldContainer[Entitlement]
    request_id: str
    def __init__(self, entitlements: _Optional[_Iterable[_Union[Entitlement, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class Entitlement(_message.Message):
    __slots__ = ("subject", "item_id", "withdrawn", "valid_until")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    subject: str
    item_id: str
    withdrawn: bool
    valid_until: _timestamp_pb2.Timestamp
    def __init__(self, subject: _Optional[str] = ..., item_id: _Optional[str] = ..., withdrawn: bool = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SetEntitlementResponse(_message.Message):
    __slots__ = ("changed", "refused", "consent_epoch")
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    changed: int
    refused: _containers.RepeatedCompositeFieldContainer[_privacy_pb2.ItemError]
    consent_epoch: int
    def __init__(self, changed: _Optional[int] = ..., refused: _Optional[_Iterable[_Union[_privacy_pb2.ItemError, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...
