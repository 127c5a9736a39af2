"""The simple limits of the contract, compiled to one check per message type.

A check takes a message and returns ``None`` or the first violation as ``(reason, path)``.
Limits stand in the ``.proto``; a field of a class with its own refusal (a subject, an
identifier) answers with that reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from services.interceptors.declared import TIMESTAMP, Descriptor, rule_of
from veilgraph.privacy.v1 import privacy_pb2

Violation = tuple[str, str]
Check = Callable[[Any], Violation | None]

_TIMESTAMP_SECONDS_MIN = -62_135_596_800  # 0001-01-01, the least google.protobuf.Timestamp allows
_TIMESTAMP_SECONDS_MAX = 253_402_300_799  # 9999-12-31
_NANOS = 1_000_000_000
_NUMBERS = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
    }
)


def compile_check(message: Descriptor, *, skip: str = "") -> Check:
    """Compiles the limits of a message type.

    Args:
        message: the type.
        skip: name of a repeated field whose elements are judged one by one elsewhere; only
            its number of elements is checked here.
    """
    checks: list[Check] = []
    for field in message.fields:
        if not field.is_repeated:
            check = _single(field)
        elif field.name == skip or field.message_type is None:
            check = _repeated(field, None if field.name == skip else _scalar(field))
        else:
            check = _repeated(field, compile_check(field.message_type))
        if check is not None:
            checks.append(check)
    fixed = tuple(checks)

    def run(value: Any) -> Violation | None:
        for check in fixed:
            violation = check(value)
            if violation is not None:
                return violation
        return None

    return run


def _single(field: Descriptor) -> Check | None:
    name = field.name
    if field.message_type is not None:
        return _submessage(field)
    scalar = _scalar(field)
    if scalar is None:
        return None
    if field.containing_oneof is not None:  # absence is judged by whoever reads the oneof
        oneof = field.containing_oneof.name

        def in_oneof(message: Any) -> Violation | None:
            return scalar(getattr(message, name)) if message.WhichOneof(oneof) == name else None

        return in_oneof

    def single(message: Any) -> Violation | None:
        return scalar(getattr(message, name))

    return single


def _submessage(field: Descriptor) -> Check:
    name = field.name
    rule = rule_of(field)
    required = rule is not None and rule.limits.required
    inner = _timestamp if field.message_type.full_name == TIMESTAMP else compile_check(field.message_type)

    def submessage(message: Any) -> Violation | None:
        if not message.HasField(name):
            return ("FIELD_REQUIRED", name) if required else None
        violation = inner(getattr(message, name))
        if violation is None:
            return None
        return violation[0], f"{name}.{violation[1]}" if violation[1] else name

    return submessage


def _timestamp(value: Any) -> Violation | None:
    if _TIMESTAMP_SECONDS_MIN <= value.seconds <= _TIMESTAMP_SECONDS_MAX and 0 <= value.nanos < _NANOS:
        return None
    return "FIELD_TIME", ""


def _repeated(field: Descriptor, element: Check | None) -> Check:
    name = field.name
    rule = rule_of(field)
    required = rule is not None and rule.limits.required
    items_max = rule.limits.max_items if rule is not None else 0

    def repeated(message: Any) -> Violation | None:
        values = getattr(message, name)
        if required and not values:
            return "FIELD_REQUIRED", name
        if len(values) > items_max > 0:
            return "TOO_MANY_ITEMS", name
        if element is not None:
            for index, value in enumerate(values):
                violation = element(value)
                if violation is not None:
                    path = f".{violation[1]}" if field.message_type is not None else ""
                    return violation[0], f"{name}[{index}]{path}"
        return None

    return repeated


def _scalar(field: Descriptor) -> Check | None:
    """A check of one value of a scalar field."""
    rule = rule_of(field)
    limits = rule.limits if rule is not None else privacy_pb2.Limits()
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        data_class = rule.data_class if rule is not None else 0
        return _text(field.name, limits, data_class)
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        return _enum(field, required=limits.required)
    if field.cpp_type in _NUMBERS and (limits.gte or limits.lte):
        return _number(field.name, limits.gte, limits.lte)
    return None


def _text(name: str, limits: privacy_pb2.Limits, data_class: int) -> Check:
    required, least, most = limits.required, limits.min_len, limits.max_len or 1 << 31
    missing, length = "FIELD_REQUIRED", "FIELD_LENGTH"
    if data_class == privacy_pb2.DATA_CLASS_PSEUDONYM:
        missing, length = "SUBJECT_REF_MISSING", "SUBJECT_REF_MALFORMED"
    elif data_class == privacy_pb2.DATA_CLASS_IDENTIFIER:
        missing = length = "RAW_IDENTIFIER_REFUSED"
    pattern = re.compile(limits.pattern) if limits.pattern else None

    def text(value: Any) -> Violation | None:
        size = len(value)
        if required and not size:
            return missing, name
        if not least <= size <= most:
            return length, name
        if pattern is not None and size and pattern.fullmatch(value) is None:
            return "FIELD_PATTERN", name
        return None

    return text


def _enum(field: Descriptor, *, required: bool) -> Check:
    name = field.name
    known = frozenset(field.enum_type.values_by_number)

    def enum(value: int) -> Violation | None:
        if value not in known:
            return "FIELD_ENUM", name
        if required and value == 0:
            return "FIELD_REQUIRED", name
        return None

    return enum


def _number(name: str, least: int, most: int) -> Check:
    def number(value: int) -> Violation | None:
        return None if least <= value <= most else ("FIELD_RANGE", name)

    return number
