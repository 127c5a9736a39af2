from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FollowRequest(_message.Message):
    __slots__ = ("hello", "applied_epoch", "lease_sent_at_ms", "released")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    APPLIED_EPOCH_FIELD_NUMBER: _ClassVar[int]
    LEASE_SENT_AT_MS_FIELD_NUMBER: _ClassVar[int]
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    applied_epoch: int
    lease_sent_at_ms: int
    released: bool
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., applied_epoch: _Optional[int] = ..., lease_sent_at_ms: _Optional[int] = ..., released: bool = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("replica", "term", "epoch", "policy_digest")
    REPLICA_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    POLICY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    replica: bytes
    term: int
    epoch: int
    policy_digest: str
    def __init__(self, replica: _Optional[bytes] = ..., term: _Optional[int] = ..., epoch: _Optional[int] = ..., policy_digest: _Optional[str] = ...) -> None: ...

class FollowResponse(_message.Message):
    __slots__ = ("term", "part", "lease")
    TERM_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    term: int
    part: Part
    lease: Lease
    def __init__(self, term: _Optional[int] = ..., part: _Optional[_Union[Part, _Mapping]] = ..., lease: _Optional[_Union[Lease, _Mapping]] = ...) -> None: ...

class Part(_message.Message):
    __slots__ = ("epoch", "whole", "more", "entries", "keys_revision")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    KEYS_REVISION_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    whole: bool
    more: bool
    entries: bytes
    keys_revision: int
    def __init__(self, epoch: _Optional[int] = ..., whole: bool = ..., more: bool = ..., entries: _Optional[bytes] = ..., keys_revision: _Optional[int] = ...) -> None: ...

class Lease(_message.Message):
    __slots__ = ("sent_at_ms", "ttl_ms")
    SENT_AT_MS_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    sent_at_ms: int
    ttl_ms: int
    def __init__(self, sent_at_ms: _Optional[int] = ..., ttl_ms: _Optional[int] = ...) -> None: ...
