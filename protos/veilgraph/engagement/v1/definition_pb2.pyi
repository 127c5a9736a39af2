import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from veilgraph.engagement.v1 import loyalty_pb2 as _loyalty_pb2
from veilgraph.engagement.v1 import offer_pb2 as _offer_pb2
from veilgraph.engagement.v1 import profile_pb2 as _profile_pb2
from veilgraph.privacy.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DefinitionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEFINITION_KIND_UNSPECIFIED: _ClassVar[DefinitionKind]
    DEFINITION_KIND_PLAY: _ClassVar[DefinitionKind]
    DEFINITION_KIND_SEGMENT: _ClassVar[DefinitionKind]
    DEFINITION_KIND_LIMITS: _ClassVar[DefinitionKind]
    DEFINITION_KIND_TEMPLATE: _ClassVar[DefinitionKind]
    DEFINITION_KIND_PROGRAMME: _ClassVar[DefinitionKind]

class DefinitionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEFINITION_STATE_UNSPECIFIED: _ClassVar[DefinitionState]
    DEFINITION_STATE_DRAFT: _ClassVar[DefinitionState]
    DEFINITION_STATE_PILOT: _ClassVar[DefinitionState]
    DEFINITION_STATE_LIVE: _ClassVar[DefinitionState]
    DEFINITION_STATE_RETIRED: _ClassVar[DefinitionState]

class Comparison(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMPARISON_UNSPECIFIED: _ClassVar[Comparison]
    COMPARISON_EQUAL: _ClassVar[Comparison]
    COMPARISON_NOT_EQUAL: _ClassVar[Comparison]
    COMPARISON_LESS: _ClassVar[Comparison]
    COMPARISON_AT_MOST: _ClassVar[Comparison]
    COMPARISON_MORE: _ClassVar[Comparison]
    COMPARISON_AT_LEAST: _ClassVar[Comparison]
    COMPARISON_HAS: _ClassVar[Comparison]
DEFINITION_KIND_UNSPECIFIED: DefinitionKind
DEFINITION_KIND_PLAY: DefinitionKind
DEFINITION_KIND_SEGMENT: DefinitionKind
DEFINITION_KIND_LIMITS: DefinitionKind
DEFINITION_KIND_TEMPLATE: DefinitionKind
DEFINITION_KIND_PROGRAMME: DefinitionKind
DEFINITION_STATE_UNSPECIFIED: DefinitionState
DEFINITION_STATE_DRAFT: DefinitionState
DEFINITION_STATE_PILOT: DefinitionState
DEFINITION_STATE_LIVE: DefinitionState
DEFINITION_STATE_RETIRED: DefinitionState
COMPARISON_UNSPECIFIED: Comparison
COMPARISON_EQUAL: Comparison
COMPARISON_NOT_EQUAL: Comparison
COMPARISON_LESS: Comparison
COMPARISON_AT_MOST: Comparison
COMPARISON_MORE: Comparison
COMPARISON_AT_LEAST: Comparison
COMPARISON_HAS: Comparison

class ApplyRequest(_message.Message):
    __slots__ = ("definitions", "dry_run", "request_id")
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    definitions: _containers.RepeatedCompositeFieldContainer[Definition]
    dry_run: bool
    request_id: str
    def __init__(self, definitions: _Optional[_Iterable[_Union[Definition, _Mapping]]] = ..., dry_run: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class ApplyResponse(_message.Message):
    __slots__ = ("applied", "definitions", "faults", "revision")
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    applied: bool
    definitions: _containers.RepeatedCompositeFieldContainer[AppliedDefinition]
    faults: _containers.RepeatedCompositeFieldContainer[DefinitionFault]
    revision: int
    def __init__(self, applied: bool = ..., definitions: _Optional[_Iterable[_Union[AppliedDefinition, _Mapping]]] = ..., faults: _Optional[_Iterable[_Union[DefinitionFault, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class AppliedDefinition(_message.Message):
    __slots__ = ("kind", "id", "version", "changed", "state", "awaits_approval", "fields_read", "purposes", "warnings")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    AWAITS_APPROVAL_FIELD_NUMBER: _ClassVar[int]
    FIELDS_READ_FIELD_NUMBER: _ClassVar[int]
    PURPOSES_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    kind: DefinitionKind
    id: str
    version: int
    changed: bool
    state: DefinitionState
    awaits_approval: bool
    fields_read: _containers.RepeatedScalarFieldContainer[str]
    purposes: _containers.RepeatedScalarFieldContainer[str]
    warnings: _containers.RepeatedCompositeFieldContainer[DefinitionFault]
    def __init__(self, kind: _Optional[_Union[DefinitionKind, str]] = ..., id: _Optional[str] = ..., version: _Optional[int] = ..., changed: bool = ..., state: _Optional[_Union[DefinitionState, str]] = ..., awaits_approval: bool = ..., fields_read: _Optional[_Iterable[str]] = ..., purposes: _Optional[_Iterable[str]] = ..., warnings: _Optional[_Iterable[_Union[DefinitionFault, _Mapping]]] = ...) -> None: ...

class DefinitionFault(_message.Message):
    __slots__ = ("field", "reason", "text")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    field: str
    reason: str
    text: str
    def __init__(self, field: _Optional[str] = ..., reason: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class DescribeRequest(_message.Message):
    __slots__ = ("kind", "id", "all_versions", "page_size", "page_token")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    ALL_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    kind: DefinitionKind
    id: str
    all_versions: bool
    page_size: int
    page_token: str
    def __init__(self, kind: _Optional[_Union[DefinitionKind, str]] = ..., id: _Optional[str] = ..., all_versions: bool = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("definitions", "next_page_token", "revision")
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    definitions: _containers.RepeatedCompositeFieldContainer[KeptDefinition]
    next_page_token: str
    revision: int
    def __init__(self, definitions: _Optional[_Iterable[_Union[KeptDefinition, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class KeptDefinition(_message.Message):
    __slots__ = ("definition", "version", "state", "in_force", "applied_by", "applied_at", "approved_by", "approved_at", "fields_read")
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    APPLIED_BY_FIELD_NUMBER: _ClassVar[int]
    APPLIED_AT_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    APPROVED_AT_FIELD_NUMBER: _ClassVar[int]
    FIELDS_READ_FIELD_NUMBER: _ClassVar[int]
    definition: Definition
    version: int
    state: DefinitionState
    in_force: bool
    applied_by: str
    applied_at: _timestamp_pb2.Timestamp
    approved_by: str
    approved_at: _timestamp_pb2.Timestamp
    fields_read: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, definition: _Optional[_Union[Definition, _Mapping]] = ..., version: _Optional[int] = ..., state: _Optional[_Union[DefinitionState, str]] = ..., in_force: bool = ..., applied_by: _Optional[str] = ..., applied_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., approved_by: _Optional[str] = ..., approved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., fields_read: _Optional[_Iterable[str]] = ...) -> None: ...

class ApproveRequest(_message.Message):
    __slots__ = ("versions", "request_id")
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[DefinitionVersion]
    request_id: str
    def __init__(self, versions: _Optional[_Iterable[_Union[DefinitionVersion, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class DefinitionVersion(_message.Message):
    __slots__ = ("kind", "id", "version")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    kind: DefinitionKind
    id: str
    version: int
    def __init__(self, kind: _Optional[_Union[DefinitionKind, str]] = ..., id: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class ApproveResponse(_message.Message):
    __slots__ = ("states", "revision")
    STATES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[DefinitionState]
    revision: int
    def __init__(self, states: _Optional[_Iterable[_Union[DefinitionState, str]]] = ..., revision: _Optional[int] = ...) -> None: ...

class Definition(_message.Message):
    __slots__ = ("play", "segment", "limits", "template", "programme", "state")
    PLAY_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    PROGRAMME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    play: Play
    segment: Segment
    limits: Limits
    template: Template
    programme: _loyalty_pb2.Programme
    state: DefinitionState
    def __init__(self, play: _Optional[_Union[Play, _Mapping]] = ..., segment: _Optional[_Union[Segment, _Mapping]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., template: _Optional[_Union[Template, _Mapping]] = ..., programme: _Optional[_Union[_loyalty_pb2.Programme, _Mapping]] = ..., state: _Optional[_Union[DefinitionState, str]] = ...) -> None: ...

class Play(_message.Message):
    __slots__ = ("play_id", "purpose", "priority", "slot", "channels", "options", "segment_id", "condition", "event", "date", "lapse", "place", "service", "asks", "review", "rollout_permille", "from_time", "until_time", "offer_days", "message_days", "nps_from_one")
    PLAY_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    LAPSE_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    REVIEW_FIELD_NUMBER: _ClassVar[int]
    ROLLOUT_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    OFFER_DAYS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_DAYS_FIELD_NUMBER: _ClassVar[int]
    NPS_FROM_ONE_FIELD_NUMBER: _ClassVar[int]
    play_id: str
    purpose: _privacy_pb2.Purpose
    priority: int
    slot: str
    channels: _containers.RepeatedScalarFieldContainer[_offer_pb2.Channel]
    options: _containers.RepeatedCompositeFieldContainer[Option]
    segment_id: str
    condition: Condition
    event: EventTrigger
    date: DateTrigger
    lapse: LapseTrigger
    place: PlaceTrigger
    service: bool
    asks: bool
    review: bool
    rollout_permille: int
    from_time: _timestamp_pb2.Timestamp
    until_time: _timestamp_pb2.Timestamp
    offer_days: int
    message_days: int
    nps_from_one: bool
    def __init__(self, play_id: _Optional[str] = ..., purpose: _Optional[_Union[_privacy_pb2.Purpose, str]] = ..., priority: _Optional[int] = ..., slot: _Optional[str] = ..., channels: _Optional[_Iterable[_Union[_offer_pb2.Channel, str]]] = ..., options: _Optional[_Iterable[_Union[Option, _Mapping]]] = ..., segment_id: _Optional[str] = ..., condition: _Optional[_Union[Condition, _Mapping]] = ..., event: _Optional[_Union[EventTrigger, _Mapping]] = ..., date: _Optional[_Union[DateTrigger, _Mapping]] = ..., lapse: _Optional[_Union[LapseTrigger, _Mapping]] = ..., place: _Optional[_Union[PlaceTrigger, _Mapping]] = ..., service: bool = ..., asks: bool = ..., review: bool = ..., rollout_permille: _Optional[int] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., offer_days: _Optional[int] = ..., message_days: _Optional[int] = ..., nps_from_one: bool = ...) -> None: ...

class Option(_message.Message):
    __slots__ = ("option_id", "depth", "condition", "template_id", "discount", "sponsored", "item_ids", "blocks", "interface_choice", "owed")
    OPTION_ID_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    SPONSORED_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    INTERFACE_CHOICE_FIELD_NUMBER: _ClassVar[int]
    OWED_FIELD_NUMBER: _ClassVar[int]
    option_id: str
    depth: _offer_pb2.Depth
    condition: Condition
    template_id: str
    discount: Discount
    sponsored: bool
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    blocks: _containers.RepeatedScalarFieldContainer[str]
    interface_choice: str
    owed: bool
    def __init__(self, option_id: _Optional[str] = ..., depth: _Optional[_Union[_offer_pb2.Depth, str]] = ..., condition: _Optional[_Union[Condition, _Mapping]] = ..., template_id: _Optional[str] = ..., discount: _Optional[_Union[Discount, _Mapping]] = ..., sponsored: bool = ..., item_ids: _Optional[_Iterable[str]] = ..., blocks: _Optional[_Iterable[str]] = ..., interface_choice: _Optional[str] = ..., owed: bool = ...) -> None: ...

class Discount(_message.Message):
    __slots__ = ("permille", "amount_minor", "currency", "margin_floor_permille")
    PERMILLE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FLOOR_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    permille: int
    amount_minor: int
    currency: str
    margin_floor_permille: int
    def __init__(self, permille: _Optional[int] = ..., amount_minor: _Optional[int] = ..., currency: _Optional[str] = ..., margin_floor_permille: _Optional[int] = ...) -> None: ...

class EventTrigger(_message.Message):
    __slots__ = ("kinds", "delay_s", "unless")
    KINDS_FIELD_NUMBER: _ClassVar[int]
    DELAY_S_FIELD_NUMBER: _ClassVar[int]
    UNLESS_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedScalarFieldContainer[_profile_pb2.EventKind]
    delay_s: int
    unless: _containers.RepeatedScalarFieldContainer[_profile_pb2.EventKind]
    def __init__(self, kinds: _Optional[_Iterable[_Union[_profile_pb2.EventKind, str]]] = ..., delay_s: _Optional[int] = ..., unless: _Optional[_Iterable[_Union[_profile_pb2.EventKind, str]]] = ...) -> None: ...

class DateTrigger(_message.Message):
    __slots__ = ("field", "days_before", "minute_of_day")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DAYS_BEFORE_FIELD_NUMBER: _ClassVar[int]
    MINUTE_OF_DAY_FIELD_NUMBER: _ClassVar[int]
    field: str
    days_before: int
    minute_of_day: int
    def __init__(self, field: _Optional[str] = ..., days_before: _Optional[int] = ..., minute_of_day: _Optional[int] = ...) -> None: ...

class LapseTrigger(_message.Message):
    __slots__ = ("kinds", "days")
    KINDS_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedScalarFieldContainer[_profile_pb2.EventKind]
    days: int
    def __init__(self, kinds: _Optional[_Iterable[_Union[_profile_pb2.EventKind, str]]] = ..., days: _Optional[int] = ...) -> None: ...

class PlaceTrigger(_message.Message):
    __slots__ = ("cells", "distance_m", "rest_days")
    CELLS_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_M_FIELD_NUMBER: _ClassVar[int]
    REST_DAYS_FIELD_NUMBER: _ClassVar[int]
    cells: _containers.RepeatedScalarFieldContainer[str]
    distance_m: int
    rest_days: int
    def __init__(self, cells: _Optional[_Iterable[str]] = ..., distance_m: _Optional[int] = ..., rest_days: _Optional[int] = ...) -> None: ...

class Segment(_message.Message):
    __slots__ = ("segment_id", "purpose", "condition", "declared")
    SEGMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    DECLARED_FIELD_NUMBER: _ClassVar[int]
    segment_id: str
    purpose: _privacy_pb2.Purpose
    condition: Condition
    declared: bool
    def __init__(self, segment_id: _Optional[str] = ..., purpose: _Optional[_Union[_privacy_pb2.Purpose, str]] = ..., condition: _Optional[_Union[Condition, _Mapping]] = ..., declared: bool = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("cap", "cap_days", "quiet_from_minute", "quiet_until_minute", "zone", "asks", "asks_days", "rest_days", "new_relation_days", "sponsored_permille")
    CAP_FIELD_NUMBER: _ClassVar[int]
    CAP_DAYS_FIELD_NUMBER: _ClassVar[int]
    QUIET_FROM_MINUTE_FIELD_NUMBER: _ClassVar[int]
    QUIET_UNTIL_MINUTE_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    ASKS_DAYS_FIELD_NUMBER: _ClassVar[int]
    REST_DAYS_FIELD_NUMBER: _ClassVar[int]
    NEW_RELATION_DAYS_FIELD_NUMBER: _ClassVar[int]
    SPONSORED_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    cap: int
    cap_days: int
    quiet_from_minute: int
    quiet_until_minute: int
    zone: str
    asks: int
    asks_days: int
    rest_days: int
    new_relation_days: int
    sponsored_permille: int
    def __init__(self, cap: _Optional[int] = ..., cap_days: _Optional[int] = ..., quiet_from_minute: _Optional[int] = ..., quiet_until_minute: _Optional[int] = ..., zone: _Optional[str] = ..., asks: _Optional[int] = ..., asks_days: _Optional[int] = ..., rest_days: _Optional[int] = ..., new_relation_days: _Optional[int] = ..., sponsored_permille: _Optional[int] = ...) -> None: ...

class Template(_message.Message):
    __slots__ = ("template_id", "variants", "reveals", "where_from", "scene_id", "scene_element_ids")
    TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    VARIANTS_FIELD_NUMBER: _ClassVar[int]
    REVEALS_FIELD_NUMBER: _ClassVar[int]
    WHERE_FROM_FIELD_NUMBER: _ClassVar[int]
    SCENE_ID_FIELD_NUMBER: _ClassVar[int]
    SCENE_ELEMENT_IDS_FIELD_NUMBER: _ClassVar[int]
    template_id: str
    variants: _containers.RepeatedCompositeFieldContainer[TemplateVariant]
    reveals: _containers.RepeatedScalarFieldContainer[str]
    where_from: bool
    scene_id: str
    scene_element_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, template_id: _Optional[str] = ..., variants: _Optional[_Iterable[_Union[TemplateVariant, _Mapping]]] = ..., reveals: _Optional[_Iterable[str]] = ..., where_from: bool = ..., scene_id: _Optional[str] = ..., scene_element_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class TemplateVariant(_message.Message):
    __slots__ = ("language", "parts", "disclosure")
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    DISCLOSURE_FIELD_NUMBER: _ClassVar[int]
    language: str
    parts: _containers.RepeatedCompositeFieldContainer[TemplatePart]
    disclosure: str
    def __init__(self, language: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[TemplatePart, _Mapping]]] = ..., disclosure: _Optional[str] = ...) -> None: ...

class TemplatePart(_message.Message):
    __slots__ = ("name", "text", "plain")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PLAIN_FIELD_NUMBER: _ClassVar[int]
    name: str
    text: str
    plain: str
    def __init__(self, name: _Optional[str] = ..., text: _Optional[str] = ..., plain: _Optional[str] = ...) -> None: ...

class Condition(_message.Message):
    __slots__ = ("nodes",)
    NODES_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[ConditionNode]
    def __init__(self, nodes: _Optional[_Iterable[_Union[ConditionNode, _Mapping]]] = ...) -> None: ...

class ConditionNode(_message.Message):
    __slots__ = ("compare", "count", "sum", "days_since", "yearly_within", "near", "all_of", "any_of", "not_of")
    COMPARE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    DAYS_SINCE_FIELD_NUMBER: _ClassVar[int]
    YEARLY_WITHIN_FIELD_NUMBER: _ClassVar[int]
    NEAR_FIELD_NUMBER: _ClassVar[int]
    ALL_OF_FIELD_NUMBER: _ClassVar[int]
    ANY_OF_FIELD_NUMBER: _ClassVar[int]
    NOT_OF_FIELD_NUMBER: _ClassVar[int]
    compare: FieldComparison
    count: EventCount
    sum: EventSum
    days_since: DaysSinceEvent
    yearly_within: YearlyDateWithin
    near: PlaceNear
    all_of: ConditionChildren
    any_of: ConditionChildren
    not_of: int
    def __init__(self, compare: _Optional[_Union[FieldComparison, _Mapping]] = ..., count: _Optional[_Union[EventCount, _Mapping]] = ..., sum: _Optional[_Union[EventSum, _Mapping]] = ..., days_since: _Optional[_Union[DaysSinceEvent, _Mapping]] = ..., yearly_within: _Optional[_Union[YearlyDateWithin, _Mapping]] = ..., near: _Optional[_Union[PlaceNear, _Mapping]] = ..., all_of: _Optional[_Union[ConditionChildren, _Mapping]] = ..., any_of: _Optional[_Union[ConditionChildren, _Mapping]] = ..., not_of: _Optional[int] = ...) -> None: ...

class ConditionChildren(_message.Message):
    __slots__ = ("nodes",)
    NODES_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, nodes: _Optional[_Iterable[int]] = ...) -> None: ...

class FieldComparison(_message.Message):
    __slots__ = ("field", "comparison", "text", "number", "flag")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    FLAG_FIELD_NUMBER: _ClassVar[int]
    field: str
    comparison: Comparison
    text: str
    number: int
    flag: bool
    def __init__(self, field: _Optional[str] = ..., comparison: _Optional[_Union[Comparison, str]] = ..., text: _Optional[str] = ..., number: _Optional[int] = ..., flag: bool = ...) -> None: ...

class EventCount(_message.Message):
    __slots__ = ("kinds", "window_days", "comparison", "number", "item_ids")
    KINDS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_DAYS_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedScalarFieldContainer[_profile_pb2.EventKind]
    window_days: int
    comparison: Comparison
    number: int
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kinds: _Optional[_Iterable[_Union[_profile_pb2.EventKind, str]]] = ..., window_days: _Optional[int] = ..., comparison: _Optional[_Union[Comparison, str]] = ..., number: _Optional[int] = ..., item_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class EventSum(_message.Message):
    __slots__ = ("kinds", "window_days", "currency", "comparison", "amount_minor")
    KINDS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_DAYS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedScalarFieldContainer[_profile_pb2.EventKind]
    window_days: int
    currency: str
    comparison: Comparison
    amount_minor: int
    def __init__(self, kinds: _Optional[_Iterable[_Union[_profile_pb2.EventKind, str]]] = ..., window_days: _Optional[int] = ..., currency: _Optional[str] = ..., comparison: _Optional[_Union[Comparison, str]] = ..., amount_minor: _Optional[int] = ...) -> None: ...

class DaysSinceEvent(_message.Message):
    __slots__ = ("kinds", "comparison", "days")
    KINDS_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedScalarFieldContainer[_profile_pb2.EventKind]
    comparison: Comparison
    days: int
    def __init__(self, kinds: _Optional[_Iterable[_Union[_profile_pb2.EventKind, str]]] = ..., comparison: _Optional[_Union[Comparison, str]] = ..., days: _Optional[int] = ...) -> None: ...

class YearlyDateWithin(_message.Message):
    __slots__ = ("field", "days")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    field: str
    days: int
    def __init__(self, field: _Optional[str] = ..., days: _Optional[int] = ...) -> None: ...

class PlaceNear(_message.Message):
    __slots__ = ("field", "cells", "distance_m")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_M_FIELD_NUMBER: _ClassVar[int]
    field: str
    cells: _containers.RepeatedScalarFieldContainer[str]
    distance_m: int
    def __init__(self, field: _Optional[str] = ..., cells: _Optional[_Iterable[str]] = ..., distance_m: _Optional[int] = ...) -> None: ...
