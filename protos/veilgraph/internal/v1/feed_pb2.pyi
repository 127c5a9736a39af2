from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AwaitKeysRequest(_message.Message):
    __slots__ = ("revision",)
    REVISION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    def __init__(self, revision: _Optional[int] = ...) -> None: ...

class AwaitKeysResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SubscribeGraphRequest(_message.Message):
    __slots__ = ("cursor",)
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    cursor: int
    def __init__(self, cursor: _Optional[int] = ...) -> None: ...

class SubscribeGraphResponse(_message.Message):
    __slots__ = ("head", "steps")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    head: int
    steps: _containers.RepeatedCompositeFieldContainer[GraphStep]
    def __init__(self, head: _Optional[int] = ..., steps: _Optional[_Iterable[_Union[GraphStep, _Mapping]]] = ...) -> None: ...

class GraphStep(_message.Message):
    __slots__ = ("seq", "births", "edges", "suppressed")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    BIRTHS_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    SUPPRESSED_FIELD_NUMBER: _ClassVar[int]
    seq: int
    births: _containers.RepeatedScalarFieldContainer[bytes]
    edges: _containers.RepeatedCompositeFieldContainer[GraphEdge]
    suppressed: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, seq: _Optional[int] = ..., births: _Optional[_Iterable[bytes]] = ..., edges: _Optional[_Iterable[_Union[GraphEdge, _Mapping]]] = ..., suppressed: _Optional[_Iterable[bytes]] = ...) -> None: ...

class GraphEdge(_message.Message):
    __slots__ = ("edge_id", "a", "b", "link_purpose", "deterministic", "views", "state", "valid_until_ms", "attested_by")
    EDGE_ID_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    LINK_PURPOSE_FIELD_NUMBER: _ClassVar[int]
    DETERMINISTIC_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    ATTESTED_BY_FIELD_NUMBER: _ClassVar[int]
    edge_id: int
    a: bytes
    b: bytes
    link_purpose: str
    deterministic: bool
    views: _containers.RepeatedScalarFieldContainer[str]
    state: str
    valid_until_ms: int
    attested_by: str
    def __init__(self, edge_id: _Optional[int] = ..., a: _Optional[bytes] = ..., b: _Optional[bytes] = ..., link_purpose: _Optional[str] = ..., deterministic: bool = ..., views: _Optional[_Iterable[str]] = ..., state: _Optional[str] = ..., valid_until_ms: _Optional[int] = ..., attested_by: _Optional[str] = ...) -> None: ...

class SubscribeEventsRequest(_message.Message):
    __slots__ = ("cursor",)
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    cursor: int
    def __init__(self, cursor: _Optional[int] = ...) -> None: ...

class SubscribeEventsResponse(_message.Message):
    __slots__ = ("head", "news")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    NEWS_FIELD_NUMBER: _ClassVar[int]
    head: int
    news: _containers.RepeatedCompositeFieldContainer[EventNews]
    def __init__(self, head: _Optional[int] = ..., news: _Optional[_Iterable[_Union[EventNews, _Mapping]]] = ...) -> None: ...

class ReadEventsRequest(_message.Message):
    __slots__ = ("cursor", "partition")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    cursor: int
    partition: int
    def __init__(self, cursor: _Optional[int] = ..., partition: _Optional[int] = ...) -> None: ...

class ReadEventsResponse(_message.Message):
    __slots__ = ("head", "news")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    NEWS_FIELD_NUMBER: _ClassVar[int]
    head: int
    news: EventNews
    def __init__(self, head: _Optional[int] = ..., news: _Optional[_Union[EventNews, _Mapping]] = ...) -> None: ...

class EventNews(_message.Message):
    __slots__ = ("seq", "events", "declared")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    DECLARED_FIELD_NUMBER: _ClassVar[int]
    seq: int
    events: _containers.RepeatedCompositeFieldContainer[EventFact]
    declared: _containers.RepeatedCompositeFieldContainer[DeclaredFacts]
    def __init__(self, seq: _Optional[int] = ..., events: _Optional[_Iterable[_Union[EventFact, _Mapping]]] = ..., declared: _Optional[_Iterable[_Union[DeclaredFacts, _Mapping]]] = ...) -> None: ...

class DeclaredFacts(_message.Message):
    __slots__ = ("subject", "answers")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    subject: bytes
    answers: _containers.RepeatedCompositeFieldContainer[AnswerFact]
    def __init__(self, subject: _Optional[bytes] = ..., answers: _Optional[_Iterable[_Union[AnswerFact, _Mapping]]] = ...) -> None: ...

class AnswerFact(_message.Message):
    __slots__ = ("topic", "name", "value", "day", "uses", "origin", "day_ms")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    USES_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DAY_MS_FIELD_NUMBER: _ClassVar[int]
    topic: int
    name: str
    value: int
    day: int
    uses: int
    origin: str
    day_ms: int
    def __init__(self, topic: _Optional[int] = ..., name: _Optional[str] = ..., value: _Optional[int] = ..., day: _Optional[int] = ..., uses: _Optional[int] = ..., origin: _Optional[str] = ..., day_ms: _Optional[int] = ...) -> None: ...

class EventFact(_message.Message):
    __slots__ = ("event_key", "subject", "item_id", "day", "kind", "quantity", "uses", "party", "origin", "expires_at_ms", "recorded_day")
    EVENT_KEY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    USES_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_MS_FIELD_NUMBER: _ClassVar[int]
    RECORDED_DAY_FIELD_NUMBER: _ClassVar[int]
    event_key: bytes
    subject: bytes
    item_id: str
    day: int
    kind: int
    quantity: int
    uses: int
    party: int
    origin: str
    expires_at_ms: int
    recorded_day: int
    def __init__(self, event_key: _Optional[bytes] = ..., subject: _Optional[bytes] = ..., item_id: _Optional[str] = ..., day: _Optional[int] = ..., kind: _Optional[int] = ..., quantity: _Optional[int] = ..., uses: _Optional[int] = ..., party: _Optional[int] = ..., origin: _Optional[str] = ..., expires_at_ms: _Optional[int] = ..., recorded_day: _Optional[int] = ...) -> None: ...

class AwaitGraphRequest(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class AwaitGraphResponse(_message.Message):
    __slots__ = ("epoch",)
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    def __init__(self, epoch: _Optional[int] = ...) -> None: ...
