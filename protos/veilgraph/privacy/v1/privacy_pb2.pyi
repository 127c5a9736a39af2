from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Denial(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DENIAL_UNSPECIFIED: _ClassVar[Denial]
    DENIAL_DEGRADE: _ClassVar[Denial]

class DataClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DATA_CLASS_UNSPECIFIED: _ClassVar[DataClass]
    DATA_CLASS_PUBLIC: _ClassVar[DataClass]
    DATA_CLASS_OPERATIONAL: _ClassVar[DataClass]
    DATA_CLASS_PSEUDONYM: _ClassVar[DataClass]
    DATA_CLASS_PERSON: _ClassVar[DataClass]
    DATA_CLASS_IDENTIFIER: _ClassVar[DataClass]
    DATA_CLASS_CONTACT: _ClassVar[DataClass]
    DATA_CLASS_DEMOGRAPHIC: _ClassVar[DataClass]
    DATA_CLASS_BEHAVIOURAL: _ClassVar[DataClass]
    DATA_CLASS_ATTITUDINAL: _ClassVar[DataClass]
    DATA_CLASS_DECLARED: _ClassVar[DataClass]
    DATA_CLASS_CONTEXTUAL: _ClassVar[DataClass]
    DATA_CLASS_LOCATION_PRECISE: _ClassVar[DataClass]
    DATA_CLASS_SPECIAL: _ClassVar[DataClass]
    DATA_CLASS_SECRET: _ClassVar[DataClass]
    DATA_CLASS_SUBJECT: _ClassVar[DataClass]

class Purpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PURPOSE_UNSPECIFIED: _ClassVar[Purpose]
    PURPOSE_SERVICE: _ClassVar[Purpose]
    PURPOSE_SECURITY: _ClassVar[Purpose]
    PURPOSE_ANALYTICS_REPORTING: _ClassVar[Purpose]
    PURPOSE_ANALYTICS_PROFILING: _ClassVar[Purpose]
    PURPOSE_PERSONALISE_CONTENT: _ClassVar[Purpose]
    PURPOSE_PERSONALISE_RECOMMEND: _ClassVar[Purpose]
    PURPOSE_PERSONALISE_SEARCH: _ClassVar[Purpose]
    PURPOSE_MARKETING_EMAIL: _ClassVar[Purpose]
    PURPOSE_LOYALTY: _ClassVar[Purpose]
    PURPOSE_RIGHTS: _ClassVar[Purpose]
    PURPOSE_PERSONALISE_PRICING: _ClassVar[Purpose]
    PURPOSE_PERSONALISE_MEDIA: _ClassVar[Purpose]
    PURPOSE_MARKETING_SMS: _ClassVar[Purpose]
    PURPOSE_MARKETING_PUSH: _ClassVar[Purpose]
    PURPOSE_MARKETING_PHONE: _ClassVar[Purpose]
    PURPOSE_MARKETING_POST: _ClassVar[Purpose]
    PURPOSE_MARKETING_ADS_FIRST_PARTY: _ClassVar[Purpose]
DENIAL_UNSPECIFIED: Denial
DENIAL_DEGRADE: Denial
DATA_CLASS_UNSPECIFIED: DataClass
DATA_CLASS_PUBLIC: DataClass
DATA_CLASS_OPERATIONAL: DataClass
DATA_CLASS_PSEUDONYM: DataClass
DATA_CLASS_PERSON: DataClass
DATA_CLASS_IDENTIFIER: DataClass
DATA_CLASS_CONTACT: DataClass
DATA_CLASS_DEMOGRAPHIC: DataClass
DATA_CLASS_BEHAVIOURAL: DataClass
DATA_CLASS_ATTITUDINAL: DataClass
DATA_CLASS_DECLARED: DataClass
DATA_CLASS_CONTEXTUAL: DataClass
DATA_CLASS_LOCATION_PRECISE: DataClass
DATA_CLASS_SPECIAL: DataClass
DATA_CLASS_SECRET: DataClass
DATA_CLASS_SUBJECT: DataClass
PURPOSE_UNSPECIFIED: Purpose
PURPOSE_SERVICE: Purpose
PURPOSE_SECURITY: Purpose
PURPOSE_ANALYTICS_REPORTING: Purpose
PURPOSE_ANALYTICS_PROFILING: Purpose
PURPOSE_PERSONALISE_CONTENT: Purpose
PURPOSE_PERSONALISE_RECOMMEND: Purpose
PURPOSE_PERSONALISE_SEARCH: Purpose
PURPOSE_MARKETING_EMAIL: Purpose
PURPOSE_LOYALTY: Purpose
PURPOSE_RIGHTS: Purpose
PURPOSE_PERSONALISE_PRICING: Purpose
PURPOSE_PERSONALISE_MEDIA: Purpose
PURPOSE_MARKETING_SMS: Purpose
PURPOSE_MARKETING_PUSH: Purpose
PURPOSE_MARKETING_PHONE: Purpose
PURPOSE_MARKETING_POST: Purpose
PURPOSE_MARKETING_ADS_FIRST_PARTY: Purpose
POLICY_FIELD_NUMBER: _ClassVar[int]
policy: _descriptor.FieldDescriptor
FIELD_FIELD_NUMBER: _ClassVar[int]
field: _descriptor.FieldDescriptor
PURPOSE_FIELD_NUMBER: _ClassVar[int]
purpose: _descriptor.FieldDescriptor

class Policy(_message.Message):
    __slots__ = ("purpose", "purpose_field", "exempt", "caller_scope", "subjects", "no_subject", "items", "link_purpose_field", "on_denial", "write", "internal", "recipient_field")
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_FIELD_NUMBER: _ClassVar[int]
    EXEMPT_FIELD_NUMBER: _ClassVar[int]
    CALLER_SCOPE_FIELD_NUMBER: _ClassVar[int]
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    NO_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    LINK_PURPOSE_FIELD_FIELD_NUMBER: _ClassVar[int]
    ON_DENIAL_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    INTERNAL_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    purpose_field: str
    exempt: str
    caller_scope: str
    subjects: _containers.RepeatedScalarFieldContainer[str]
    no_subject: bool
    items: str
    link_purpose_field: str
    on_denial: Denial
    write: bool
    internal: bool
    recipient_field: str
    def __init__(self, purpose: _Optional[str] = ..., purpose_field: _Optional[str] = ..., exempt: _Optional[str] = ..., caller_scope: _Optional[str] = ..., subjects: _Optional[_Iterable[str]] = ..., no_subject: bool = ..., items: _Optional[str] = ..., link_purpose_field: _Optional[str] = ..., on_denial: _Optional[_Union[Denial, str]] = ..., write: bool = ..., internal: bool = ..., recipient_field: _Optional[str] = ...) -> None: ...

class FieldRule(_message.Message):
    __slots__ = ("data_class", "purposes", "limits", "under_key_before", "for_recipient")
    DATA_CLASS_FIELD_NUMBER: _ClassVar[int]
    PURPOSES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    UNDER_KEY_BEFORE_FIELD_NUMBER: _ClassVar[int]
    FOR_RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    data_class: DataClass
    purposes: _containers.RepeatedScalarFieldContainer[str]
    limits: Limits
    under_key_before: bool
    for_recipient: bool
    def __init__(self, data_class: _Optional[_Union[DataClass, str]] = ..., purposes: _Optional[_Iterable[str]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., under_key_before: bool = ..., for_recipient: bool = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("required", "min_len", "max_len", "max_items", "gte", "lte", "pattern")
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    MIN_LEN_FIELD_NUMBER: _ClassVar[int]
    MAX_LEN_FIELD_NUMBER: _ClassVar[int]
    MAX_ITEMS_FIELD_NUMBER: _ClassVar[int]
    GTE_FIELD_NUMBER: _ClassVar[int]
    LTE_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    required: bool
    min_len: int
    max_len: int
    max_items: int
    gte: int
    lte: int
    pattern: str
    def __init__(self, required: bool = ..., min_len: _Optional[int] = ..., max_len: _Optional[int] = ..., max_items: _Optional[int] = ..., gte: _Optional[int] = ..., lte: _Optional[int] = ..., pattern: _Optional[str] = ...) -> None: ...

class ItemError(_message.Message):
    __slots__ = ("index", "reason", "field", "code")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    index: int
    reason: str
    field: str
    code: int
    def __init__(self, index: _Optional[int] = ..., reason: _Optional[str] = ..., field: _Optional[str] = ..., code: _Optional[int] = ...) -> None: ...
