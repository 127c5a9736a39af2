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
    RECIPE_CONTINUE: _ClassVar[Recipe]
    RECIPE_SIMILAR: _ClassVar[Recipe]
    RECIPE_TOGETHER: _ClassVar[Recipe]
    RECIPE_NEW: _ClassVar[Recipe]

class Weather(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WEATHER_UNSPECIFIED: _ClassVar[Weather]
    WEATHER_SUN: _ClassVar[Weather]
    WEATHER_CLOUDS: _ClassVar[Weather]
    WEATHER_RAIN: _ClassVar[Weather]
    WEATHER_SNOW: _ClassVar[Weather]
    WEATHER_HEAT: _ClassVar[Weather]
    WEATHER_FROST: _ClassVar[Weather]

class DayPart(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DAY_PART_UNSPECIFIED: _ClassVar[DayPart]
    DAY_PART_MORNING: _ClassVar[DayPart]
    DAY_PART_AFTERNOON: _ClassVar[DayPart]
    DAY_PART_EVENING: _ClassVar[DayPart]
    DAY_PART_NIGHT: _ClassVar[DayPart]

class Device(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEVICE_UNSPECIFIED: _ClassVar[Device]
    DEVICE_PHONE: _ClassVar[Device]
    DEVICE_TABLET: _ClassVar[Device]
    DEVICE_COMPUTER: _ClassVar[Device]
    DEVICE_TELEVISION: _ClassVar[Device]
    DEVICE_STORE: _ClassVar[Device]

class GroundKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GROUND_KIND_UNSPECIFIED: _ClassVar[GroundKind]
    GROUND_KIND_EVENT: _ClassVar[GroundKind]
    GROUND_KIND_ANSWER: _ClassVar[GroundKind]
    GROUND_KIND_SESSION: _ClassVar[GroundKind]
    GROUND_KIND_SITUATION: _ClassVar[GroundKind]
    GROUND_KIND_SEGMENT: _ClassVar[GroundKind]
    GROUND_KIND_TREND: _ClassVar[GroundKind]
    GROUND_KIND_OTHER_EVENTS: _ClassVar[GroundKind]
    GROUND_KIND_TEXT: _ClassVar[GroundKind]

class Placement(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLACEMENT_UNSPECIFIED: _ClassVar[Placement]
    PLACEMENT_ORGANIC: _ClassVar[Placement]
    PLACEMENT_PINNED: _ClassVar[Placement]
    PLACEMENT_EXPLORED: _ClassVar[Placement]
    PLACEMENT_SPONSORED: _ClassVar[Placement]
    PLACEMENT_TAIL: _ClassVar[Placement]

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
RECIPE_CONTINUE: Recipe
RECIPE_SIMILAR: Recipe
RECIPE_TOGETHER: Recipe
RECIPE_NEW: Recipe
WEATHER_UNSPECIFIED: Weather
WEATHER_SUN: Weather
WEATHER_CLOUDS: Weather
WEATHER_RAIN: Weather
WEATHER_SNOW: Weather
WEATHER_HEAT: Weather
WEATHER_FROST: Weather
DAY_PART_UNSPECIFIED: DayPart
DAY_PART_MORNING: DayPart
DAY_PART_AFTERNOON: DayPart
DAY_PART_EVENING: DayPart
DAY_PART_NIGHT: DayPart
DEVICE_UNSPECIFIED: Device
DEVICE_PHONE: Device
DEVICE_TABLET: Device
DEVICE_COMPUTER: Device
DEVICE_TELEVISION: Device
DEVICE_STORE: Device
GROUND_KIND_UNSPECIFIED: GroundKind
GROUND_KIND_EVENT: GroundKind
GROUND_KIND_ANSWER: GroundKind
GROUND_KIND_SESSION: GroundKind
GROUND_KIND_SITUATION: GroundKind
GROUND_KIND_SEGMENT: GroundKind
GROUND_KIND_TREND: GroundKind
GROUND_KIND_OTHER_EVENTS: GroundKind
GROUND_KIND_TEXT: GroundKind
PLACEMENT_UNSPECIFIED: Placement
PLACEMENT_ORGANIC: Placement
PLACEMENT_PINNED: Placement
PLACEMENT_EXPLORED: Placement
PLACEMENT_SPONSORED: Placement
PLACEMENT_TAIL: Placement
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
    __slots__ = ("subject", "anonymous", "recipe", "page_size", "session_item_ids", "categories", "include_known", "explain", "item_id", "page_token", "filter", "rules", "diversity_permille", "exploration", "sponsorship", "deadline_ms", "situation", "language")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    SESSION_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_KNOWN_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    DIVERSITY_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    EXPLORATION_FIELD_NUMBER: _ClassVar[int]
    SPONSORSHIP_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    SITUATION_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    subject: str
    anonymous: Guest
    recipe: Recipe
    page_size: int
    session_item_ids: _containers.RepeatedScalarFieldContainer[str]
    categories: _containers.RepeatedScalarFieldContainer[str]
    include_known: bool
    explain: bool
    item_id: str
    page_token: str
    filter: Filter
    rules: Rules
    diversity_permille: int
    exploration: Exploration
    sponsorship: Sponsorship
    deadline_ms: int
    situation: Situation
    language: str
    def __init__(self, subject: _Optional[str] = ..., anonymous: _Optional[_Union[Guest, _Mapping]] = ..., recipe: _Optional[_Union[Recipe, str]] = ..., page_size: _Optional[int] = ..., session_item_ids: _Optional[_Iterable[str]] = ..., categories: _Optional[_Iterable[str]] = ..., include_known: bool = ..., explain: bool = ..., item_id: _Optional[str] = ..., page_token: _Optional[str] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., rules: _Optional[_Union[Rules, _Mapping]] = ..., diversity_permille: _Optional[int] = ..., exploration: _Optional[_Union[Exploration, _Mapping]] = ..., sponsorship: _Optional[_Union[Sponsorship, _Mapping]] = ..., deadline_ms: _Optional[int] = ..., situation: _Optional[_Union[Situation, _Mapping]] = ..., language: _Optional[str] = ...) -> None: ...

class Situation(_message.Message):
    __slots__ = ("weather", "arrival", "device", "with_child")
    WEATHER_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    WITH_CHILD_FIELD_NUMBER: _ClassVar[int]
    weather: Weather
    arrival: DayPart
    device: Device
    with_child: bool
    def __init__(self, weather: _Optional[_Union[Weather, str]] = ..., arrival: _Optional[_Union[DayPart, str]] = ..., device: _Optional[_Union[Device, str]] = ..., with_child: bool = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("brands", "price_min_minor", "price_max_minor", "currency", "in_stock", "place_cell", "languages", "age_years", "include_item_ids", "exclude_item_ids")
    BRANDS_FIELD_NUMBER: _ClassVar[int]
    PRICE_MIN_MINOR_FIELD_NUMBER: _ClassVar[int]
    PRICE_MAX_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    IN_STOCK_FIELD_NUMBER: _ClassVar[int]
    PLACE_CELL_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    AGE_YEARS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    brands: _containers.RepeatedScalarFieldContainer[str]
    price_min_minor: int
    price_max_minor: int
    currency: str
    in_stock: bool
    place_cell: str
    languages: _containers.RepeatedScalarFieldContainer[str]
    age_years: int
    include_item_ids: _containers.RepeatedScalarFieldContainer[str]
    exclude_item_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, brands: _Optional[_Iterable[str]] = ..., price_min_minor: _Optional[int] = ..., price_max_minor: _Optional[int] = ..., currency: _Optional[str] = ..., in_stock: bool = ..., place_cell: _Optional[str] = ..., languages: _Optional[_Iterable[str]] = ..., age_years: _Optional[int] = ..., include_item_ids: _Optional[_Iterable[str]] = ..., exclude_item_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Rules(_message.Message):
    __slots__ = ("pins", "bury_item_ids", "per_brand_max", "per_category_max", "tail_place")
    PINS_FIELD_NUMBER: _ClassVar[int]
    BURY_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    PER_BRAND_MAX_FIELD_NUMBER: _ClassVar[int]
    PER_CATEGORY_MAX_FIELD_NUMBER: _ClassVar[int]
    TAIL_PLACE_FIELD_NUMBER: _ClassVar[int]
    pins: _containers.RepeatedCompositeFieldContainer[Pin]
    bury_item_ids: _containers.RepeatedScalarFieldContainer[str]
    per_brand_max: int
    per_category_max: int
    tail_place: bool
    def __init__(self, pins: _Optional[_Iterable[_Union[Pin, _Mapping]]] = ..., bury_item_ids: _Optional[_Iterable[str]] = ..., per_brand_max: _Optional[int] = ..., per_category_max: _Optional[int] = ..., tail_place: bool = ...) -> None: ...

class Pin(_message.Message):
    __slots__ = ("item_id", "position")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    position: int
    def __init__(self, item_id: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class Exploration(_message.Message):
    __slots__ = ("chance_permille", "drawn_from", "first_places")
    CHANCE_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    DRAWN_FROM_FIELD_NUMBER: _ClassVar[int]
    FIRST_PLACES_FIELD_NUMBER: _ClassVar[int]
    chance_permille: int
    drawn_from: int
    first_places: int
    def __init__(self, chance_permille: _Optional[int] = ..., drawn_from: _Optional[int] = ..., first_places: _Optional[int] = ...) -> None: ...

class Sponsorship(_message.Message):
    __slots__ = ("items", "share_max_permille", "relevance_floor_permille")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    SHARE_MAX_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    RELEVANCE_FLOOR_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[SponsoredItem]
    share_max_permille: int
    relevance_floor_permille: int
    def __init__(self, items: _Optional[_Iterable[_Union[SponsoredItem, _Mapping]]] = ..., share_max_permille: _Optional[int] = ..., relevance_floor_permille: _Optional[int] = ...) -> None: ...

class SponsoredItem(_message.Message):
    __slots__ = ("item_id", "sponsor")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    SPONSOR_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    sponsor: str
    def __init__(self, item_id: _Optional[str] = ..., sponsor: _Optional[str] = ...) -> None: ...

class Guest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RecommendResponse(_message.Message):
    __slots__ = ("items", "depth", "depth_reason", "model_version", "consent_epoch", "error", "next_page_token", "sponsored_depth")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    DEPTH_REASON_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    CONSENT_EPOCH_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SPONSORED_DEPTH_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[RecommendedItem]
    depth: Depth
    depth_reason: str
    model_version: str
    consent_epoch: int
    error: _privacy_pb2.ItemError
    next_page_token: str
    sponsored_depth: Depth
    def __init__(self, items: _Optional[_Iterable[_Union[RecommendedItem, _Mapping]]] = ..., depth: _Optional[_Union[Depth, str]] = ..., depth_reason: _Optional[str] = ..., model_version: _Optional[str] = ..., consent_epoch: _Optional[int] = ..., error: _Optional[_Union[_privacy_pb2.ItemError, _Mapping]] = ..., next_page_token: _Optional[str] = ..., sponsored_depth: _Optional[_Union[Depth, str]] = ...) -> None: ...

class RecommendedItem(_message.Message):
    __slots__ = ("item_id", "title", "category", "score", "reasons", "trend_share", "placement", "propensity", "sponsor", "grounds", "why")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    TREND_SHARE_FIELD_NUMBER: _ClassVar[int]
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    PROPENSITY_FIELD_NUMBER: _ClassVar[int]
    SPONSOR_FIELD_NUMBER: _ClassVar[int]
    GROUNDS_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    title: str
    category: str
    score: float
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    trend_share: float
    placement: Placement
    propensity: float
    sponsor: str
    grounds: _containers.RepeatedCompositeFieldContainer[Ground]
    why: str
    def __init__(self, item_id: _Optional[str] = ..., title: _Optional[str] = ..., category: _Optional[str] = ..., score: _Optional[float] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ..., trend_share: _Optional[float] = ..., placement: _Optional[_Union[Placement, str]] = ..., propensity: _Optional[float] = ..., sponsor: _Optional[str] = ..., grounds: _Optional[_Iterable[_Union[Ground, _Mapping]]] = ..., why: _Optional[str] = ...) -> None: ...

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

class Ground(_message.Message):
    __slots__ = ("kind", "gave", "item_id", "title", "event_kind", "day", "party", "origin", "answer", "age_band", "situation", "purpose", "legal_basis")
    KIND_FIELD_NUMBER: _ClassVar[int]
    GAVE_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    EVENT_KIND_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    AGE_BAND_FIELD_NUMBER: _ClassVar[int]
    SITUATION_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    kind: GroundKind
    gave: float
    item_id: str
    title: str
    event_kind: _profile_pb2.EventKind
    day: _timestamp_pb2.Timestamp
    party: _profile_pb2.Party
    origin: str
    answer: _profile_pb2.Preference
    age_band: _profile_pb2.AgeBand
    situation: str
    purpose: str
    legal_basis: str
    def __init__(self, kind: _Optional[_Union[GroundKind, str]] = ..., gave: _Optional[float] = ..., item_id: _Optional[str] = ..., title: _Optional[str] = ..., event_kind: _Optional[_Union[_profile_pb2.EventKind, str]] = ..., day: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., party: _Optional[_Union[_profile_pb2.Party, str]] = ..., origin: _Optional[str] = ..., answer: _Optional[_Union[_profile_pb2.Preference, _Mapping]] = ..., age_band: _Optional[_Union[_profile_pb2.AgeBand, str]] = ..., situation: _Optional[str] = ..., purpose: _Optional[str] = ..., legal_basis: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("item_id", "title", "category", "brand", "price_minor", "currency", "out_of_stock", "place_cells", "languages", "age_min_years", "description", "tags", "listed_since", "exclusive", "suits")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    PRICE_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    OUT_OF_STOCK_FIELD_NUMBER: _ClassVar[int]
    PLACE_CELLS_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    AGE_MIN_YEARS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    LISTED_SINCE_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    SUITS_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    title: str
    category: str
    brand: str
    price_minor: int
    currency: str
    out_of_stock: bool
    place_cells: _containers.RepeatedScalarFieldContainer[str]
    languages: _containers.RepeatedScalarFieldContainer[str]
    age_min_years: int
    description: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    listed_since: _timestamp_pb2.Timestamp
    exclusive: bool
    suits: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, item_id: _Optional[str] = ..., title: _Optional[str] = ..., category: _Optional[str] = ..., brand: _Optional[str] = ..., price_minor: _Optional[int] = ..., currency: _Optional[str] = ..., out_of_stock: bool = ..., place_cells: _Optional[_Iterable[str]] = ..., languages: _Optional[_Iterable[str]] = ..., age_min_years: _Optional[int] = ..., description: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., listed_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., exclusive: bool = ..., suits: _Optional[_Iterable[str]] = ...) -> None: ...

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
