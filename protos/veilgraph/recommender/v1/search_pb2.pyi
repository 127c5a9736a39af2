from google.api import annotations_pb2 as _annotations_pb2
from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2 as _recommender_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SearchRequest(_message.Message):
    __slots__ = ("subject", "anonymous", "query", "page_size", "session_item_ids", "categories", "filter", "rules", "situation", "explain", "language", "page_token")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    SESSION_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    SITUATION_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    subject: str
    anonymous: _recommender_pb2.Guest
    query: str
    page_size: int
    session_item_ids: _containers.RepeatedScalarFieldContainer[str]
    categories: _containers.RepeatedScalarFieldContainer[str]
    filter: _recommender_pb2.Filter
    rules: _recommender_pb2.Rules
    situation: _recommender_pb2.Situation
    explain: bool
    language: str
    page_token: str
    def __init__(self, subject: _Optional[str] = ..., anonymous: _Optional[_Union[_recommender_pb2.Guest, _Mapping]] = ..., query: _Optional[str] = ..., page_size: _Optional[int] = ..., session_item_ids: _Optional[_Iterable[str]] = ..., categories: _Optional[_Iterable[str]] = ..., filter: _Optional[_Union[_recommender_pb2.Filter, _Mapping]] = ..., rules: _Optional[_Union[_recommender_pb2.Rules, _Mapping]] = ..., situation: _Optional[_Union[_recommender_pb2.Situation, _Mapping]] = ..., explain: bool = ..., language: _Optional[str] = ..., page_token: _Optional[str] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("items", "depth", "depth_reason", "model_version", "consent_epoch", "next_page_token", "found", "nothing_because")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    DEPTH_REASON_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    NOTHING_BECAUSE_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[_recommender_pb2.RecommendedItem]
    depth: _recommender_pb2.Depth
    depth_reason: str
    model_version: str
    consent_epoch: int
    next_page_token: str
    found: int
    nothing_because: str
    def __init__(self, items: _Optional[_Iterable[_Union[_recommender_pb2.RecommendedItem, _Mapping]]] = ..., depth: _Optional[_Union[_recommender_pb2.Depth, str]] = ..., depth_reason: _Optional[str] = ..., model_version: _Optional[str] = ..., consent_epoch: _Optional[int] = ..., next_page_token: _Optional[str] = ..., found: _Optional[int] = ..., nothing_because: _Optional[str] = ...) -> None: ...
