import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from veilgraph.engagement.v1 import profile_pb2 as _profile_pb2
from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Recipe(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECIPE_UNSPECIFIED: _ClassVar[Recipe]
    RECIPE_FOR_YOU: _ClassVar[Recipe]
    RECIPE_BUY_AGAIN: _ClassVar[Recipe]
    RECIPE_TRENDING: _ClassVar[Recipe]

class PromotionVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROMOTION_VERDICT_UNSPECIFIED: _ClassVar[PromotionVerdict]
    PROMOTION_VERDICT_BEATS_POPULARITY: _ClassVar[PromotionVerdict]
    PROMOTION_VERDICT_NOT_ENOUGH: _ClassVar[PromotionVerdict]
    PROMOTION_VERDICT_NOT_BETTER: _ClassVar[PromotionVerdict]

class Depth(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEPTH_UNSPECIFIED: _ClassVar[Depth]
    DEPTH_GENERAL: _ClassVar[Depth]
    DEPTH_CONTEXT: _ClassVar[Depth]
    DEPTH_SEGMENT: _ClassVar[Depth]
    DEPTH_INDIVIDUAL: _ClassVar[Depth]
RECIPE_UNSPECIFIED: Recipe
RECIPE_FOR_YOU: Recipe
RECIPE_BUY_AGAIN: Recipe
RECIPE_TRENDING: Recipe
PROMOTION_VERDICT_UNSPECIFIED: PromotionVerdict
PROMOTION_VERDICT_BEATS_POPULARITY: PromotionVerdict
PROMOTION_VERDICT_NOT_ENOUGH: PromotionVerdict
PROMOTION_VERDICT_NOT_BETTER: PromotionVerdict
DEPTH_UNSPECIFIED: Depth
DEPTH_GENERAL: Depth
DEPTH_CONTEXT: Depth
DEPTH_SEGMENT: Depth
DEPTH_INDIVIDUAL: Depth

class RecommendRequest(_message.Message):
    __slots__ = ("subject", "anonymous", "recipe", "page_size", "session_item_ids", "categories", "include_known", "explain")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    SESSION_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_KNOWN_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    subject: str
    anonymous: Guest
    recipe: Recipe
    page_size: int
    session_item_ids: _containers.RepeatedScalarFieldContainer[str]
    categories: _containers.RepeatedScalarFieldContainer[str]
    include_known: bool
    explain: bool
    def __init__(self, subject: _Optional[str] = ..., anonymous: _Optional[_Union[Guest, _Mapping]] = ..., recipe: _Optional[_Union[Recipe, str]] = ..., page_size: _Optional[int] = ..., session_item_ids: _Optional[_Iterable[str]] = ..., categories: _Optional[_Iterable[str]] = ..., include_known: bool = ..., explain: bool = ...) -> None: ...

class Guest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RecommendResponse(_message.Message):
    __slots__ = ("items", "depth", "depth_reason", "model_version", "consent_epoch", "error")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    DEPTH_REASON_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[RecommendedItem]
    depth: Depth
    depth_reason: str
    model_version: str
    consent_epoch: int
    error: _privacy_pb2.ItemError
    def __init__(self, items: _Optional[_Iterable[_Union[RecommendedItem, _Mapping]]] = ..., depth: _Optional[_Union[Depth, str]] = ..., depth_reason: _Optional[str] = ..., model_version: _Optional[str] = ..., consent_epoch: _Optional[int] = ..., error: _Optional[_Union[_privacy_pb2.ItemError, _Mapping]] = ...) -> None: ...

class RecommendedItem(_message.Message):
    __slots__ = ("item_id", "title", "category", "score", "reasons", "trend_share")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    TREND_SHARE_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    title: str
    category: str
    score: float
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    trend_share: float
    def __init__(self, item_id: _Optional[str] = ..., title: _Optional[str] = ..., category: _Optional[str] = ..., score: _Optional[float] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ..., trend_share: _Optional[float] = ...) -> None: ...

class Reason(_message.Message):
    __slots__ = ("item_id", "title", "kind", "day", "party", "origin", "share")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    title: str
    kind: _profile_pb2.EventKind
    day: _timestamp_pb2.Timestamp
    party: _profile_pb2.Party
    origin: str
    share: float
    def __init__(self, item_id: _Optional[str] = ..., title: _Optional[str] = ..., kind: _Optional[_Union[_profile_pb2.EventKind, str]] = ..., day: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., party: _Optional[_Union[_profile_pb2.Party, str]] = ..., origin: _Optional[str] = ..., share: _Optional[float] = ...) -> None: ...

class RecommendBatchRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[RecommendRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[RecommendRequest, _Mapping]]] = ...) -> None: ...

class RecommendBatchResponse(_message.Message):
    __slots__ = ("responses", "consent_epoch")
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    responses: _containers.RepeatedCompositeFieldContainer[RecommendResponse]
    consent_epoch: int
    def __init__(self, responses: _Optional[_Iterable[_Union[RecommendResponse, _Mapping]]] = ..., consent_epoch: _Optional[int] = ...) -> None: ...

class Item(_message.Message):
    __slots__ = ("item_id", "title", "category", "brand")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    title: str
    category: str
    brand: str
    def __init__(self, item_id: _Optional[str] = ..., title: _Optional[str] = ..., category: _Optional[str] = ..., brand: _Optional[str] = ...) -> None: ...

class UpsertItemsRequest(_message.Message):
    __slots__ = ("items", "request_id")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Item]
    request_id: str
    def __init__(self, items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpsertItemsResponse(_message.Message):
    __slots__ = ("upserted", "refused")
    UPSERTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    upserted: int
    refused: _containers.RepeatedCompositeFieldContainer[_privacy_pb2.ItemError]
    def __init__(self, upserted: _Optional[int] = ..., refused: _Optional[_Iterable[_Union[_privacy_pb2.ItemError, _Mapping]]] = ...) -> None: ...

class GetItemRequest(_message.Message):
    __slots__ = ("item_id",)
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    def __init__(self, item_id: _Optional[str] = ...) -> None: ...

class DeleteItemsRequest(_message.Message):
    __slots__ = ("item_ids", "request_id")
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    def __init__(self, item_ids: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteItemsResponse(_message.Message):
    __slots__ = ("deleted",)
    DELETED_FIELD_NUMBER: _ClassVar[int]
    deleted: int
    def __init__(self, deleted: _Optional[int] = ...) -> None: ...

class TrainRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class TrainResponse(_message.Message):
    __slots__ = ("step", "done", "steps", "model", "promotion")
    STEP_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMOTION_FIELD_NUMBER: _ClassVar[int]
    step: str
    done: int
    steps: int
    model: Model
    promotion: Promotion
    def __init__(self, step: _Optional[str] = ..., done: _Optional[int] = ..., steps: _Optional[int] = ..., model: _Optional[_Union[Model, _Mapping]] = ..., promotion: _Optional[_Union[Promotion, _Mapping]] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Model(_message.Message):
    __slots__ = ("version", "reference_day", "head_items", "items", "people", "events", "events_seen", "newest")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_DAY_FIELD_NUMBER: _ClassVar[int]
    HEAD_ITEMS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_SEEN_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIELD_NUMBER: _ClassVar[int]
    version: str
    reference_day: _timestamp_pb2.Timestamp
    head_items: int
    items: int
    people: int
    events: int
    events_seen: int
    newest: Promotion
    def __init__(self, version: _Optional[str] = ..., reference_day: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., head_items: _Optional[int] = ..., items: _Optional[int] = ..., people: _Optional[int] = ..., events: _Optional[int] = ..., events_seen: _Optional[int] = ..., newest: _Optional[_Union[Promotion, _Mapping]] = ...) -> None: ...

class Promotion(_message.Message):
    __slots__ = ("version", "verdict", "model_ndcg", "popularity_ndcg", "people")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    MODEL_NDCG_FIELD_NUMBER: _ClassVar[int]
    POPULARITY_NDCG_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    version: str
    verdict: PromotionVerdict
    model_ndcg: float
    popularity_ndcg: float
    people: int
    def __init__(self, version: _Optional[str] = ..., verdict: _Optional[_Union[PromotionVerdict, str]] = ..., model_ndcg: _Optional[float] = ..., popularity_ndcg: _Optional[float] = ..., people: _Optional[int] = ...) -> None: ...
