"""The simple limits of the contract, compiled to one function per message type.

A check takes a message and returns ``None`` or the first violation as ``(reason, path)``.
Limits stand in the ``.proto``; a field of a class with its own refusal (a subject, an
identifier) answers with that reason. The function is written out as source, one straight
line a limit, because a batch of 1,000 events asks a dozen of them each: a call per field
costs four times as much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from services.interceptors.declared import TIMESTAMP, Descriptor, rule_of
from veilgraph.privacy.v1 import privacy_pb2

Violation = tuple[str, str]
Check = Callable[[Any], Violation | None]

_TIMESTAMP_SECONDS_MIN = -62_135_596_800  # 0001-01-01, the least google.protobuf.Timestamp allows
_TIMESTAMP_SECONDS_MAX = 253_402_300_799  # 9999-12-31
_NANOS = 1_000_000_000
_NO_LIMITS = privacy_pb2.FieldRule()
_NUMBERS = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
    }
)
#: data class -> reasons for a missing value and for one of the wrong length.
_TEXT_REASONS = {
    privacy_pb2.DATA_CLASS_PSEUDONYM: ("SUBJECT_REF_MISSING", "SUBJECT_REF_MALFORMED"),
    privacy_pb2.DATA_CLASS_IDENTIFIER: ("RAW_IDENTIFIER_REFUSED", "RAW_IDENTIFIER_REFUSED"),
}


def compile_check(message: Descriptor, *, skip: str = "") -> Check:
    """Compiles the limits of a message type.

    Args:
        message: the type.
        skip: name of a repeated field whose elements are judged one by one elsewhere; only
            its number of elements is checked here.
    """
    known: dict[str, Any] = {}
    lines = list(_message(message, "m", "", skip, known))
    source = "\n".join(["def check(m):", *(f"    {line}" for line in lines), "    return None"])
    exec(compile(source, f"<limits of {message.full_name}>", "exec"), known)  # noqa: S102 - our own lines
    check: Check = known["check"]
    return check


def _message(message: Descriptor, holder: str, path: str, skip: str, known: dict[str, Any]) -> Iterator[str]:
    """The lines that check a message held by the variable ``holder``; ``path`` is an f-string's inside."""
    for field in message.fields:
        if field.is_repeated:
            yield from _repeated(field, holder, path, known, judged_elsewhere=field.name == skip)
        elif field.message_type is not None:
            yield from _submessage(field, holder, path, known)
        else:
            yield from _single(field, holder, path, known)


def _single(field: Descriptor, holder: str, path: str, known: dict[str, Any]) -> Iterator[str]:
    lines = list(_value(field, "v", path + field.name, known))
    if not lines:
        return
    assigned = [f"v = {holder}.{field.name}", *lines]
    oneof = field.containing_oneof
    if oneof is None:
        yield from assigned
    else:  # absence is judged by whoever reads the oneof
        yield f"if {holder}.WhichOneof({oneof.name!r}) == {field.name!r}:"
        yield from _indented(assigned)


def _submessage(field: Descriptor, holder: str, path: str, known: dict[str, Any]) -> Iterator[str]:
    rule = rule_of(field) or _NO_LIMITS
    at = path + field.name
    inner = f"{holder}_{field.name}"
    if field.message_type.full_name == TIMESTAMP:
        lines = [
            (
                f"if not ({_TIMESTAMP_SECONDS_MIN} <= {inner}.seconds <= {_TIMESTAMP_SECONDS_MAX}"
                f" and 0 <= {inner}.nanos < {_NANOS}): return {_violation('FIELD_TIME', at)}"
            )
        ]
    else:
        lines = list(_message(field.message_type, inner, at + ".", "", known))
    if lines:
        yield f"if {holder}.HasField({field.name!r}):"
        yield from _indented([f"{inner} = {holder}.{field.name}", *lines])
    if rule.limits.required:
        yield f"if not {holder}.HasField({field.name!r}): return {_violation('FIELD_REQUIRED', at)}"


def _repeated(
    field: Descriptor, holder: str, path: str, known: dict[str, Any], *, judged_elsewhere: bool
) -> Iterator[str]:
    limits = (rule_of(field) or _NO_LIMITS).limits
    at = path + field.name
    values, index, value = (f"{holder}_{field.name}_{part}" for part in ("all", "at", "one"))
    yield f"{values} = {holder}.{field.name}"
    if limits.required:
        yield f"if not {values}: return {_violation('FIELD_REQUIRED', at)}"
    if limits.max_items:
        yield f"if len({values}) > {limits.max_items}: return {_violation('TOO_MANY_ITEMS', at)}"
    if judged_elsewhere:
        return
    place = f"{at}[{{{index}}}]"
    if field.message_type is not None:
        lines = list(_message(field.message_type, value, place + ".", "", known))
    else:
        lines = list(_value(field, value, place, known))
    if lines:
        yield f"for {index}, {value} in enumerate({values}):"
        yield from _indented(lines)


def _value(field: Descriptor, value: str, at: str, known: dict[str, Any]) -> Iterator[str]:
    """The lines that check one value of a scalar field."""
    rule = rule_of(field) or _NO_LIMITS
    limits = rule.limits
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        yield from _text(field, rule, value, at, known)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        vocabulary = _constant(known, frozenset(field.enum_type.values_by_number))
        yield f"if {value} not in {vocabulary}: return {_violation('FIELD_ENUM', at)}"
        if limits.required:
            yield f"if not {value}: return {_violation('FIELD_REQUIRED', at)}"
    elif field.cpp_type in _NUMBERS and (limits.gte or limits.lte):
        yield f"if not {limits.gte} <= {value} <= {limits.lte}: return {_violation('FIELD_RANGE', at)}"


def _text(
    field: Descriptor, rule: privacy_pb2.FieldRule, value: str, at: str, known: dict[str, Any]
) -> Iterator[str]:
    limits = rule.limits
    missing, length = _TEXT_REASONS.get(rule.data_class, ("FIELD_REQUIRED", "FIELD_LENGTH"))
    # An element of a list is never missing: the list's own `required` speaks of the list.
    if limits.required and not field.is_repeated:
        yield f"if not {value}: return {_violation(missing, at)}"
    if limits.min_len or limits.max_len:
        most = limits.max_len or 1 << 31
        yield f"if not {limits.min_len} <= len({value}) <= {most}: return {_violation(length, at)}"
    if limits.pattern:
        matches = _constant(known, re.compile(limits.pattern).fullmatch)
        yield f"if {value} and {matches}({value}) is None: return {_violation('FIELD_PATTERN', at)}"


def _violation(reason: str, at: str) -> str:
    return f'({reason!r}, f"{at}")' if "{" in at else f"({reason!r}, {at!r})"


def _constant(known: dict[str, Any], value: Any) -> str:
    name = f"constant_{len(known)}"
    known[name] = value
    return name


def _indented(lines: list[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)
