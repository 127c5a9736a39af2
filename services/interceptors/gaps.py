"""What a method's declaration leaves open: the three gates ask here, and a gap closes them.

The lint, the start-up and the tests see the same list; each line names the method or field
and what it lacks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from consent.policy import UNREFUSABLE, Policy
from services.interceptors.declared import TIMESTAMP, Descriptor, class_of, field_at, purpose_of, rule_of
from services.interceptors.views import IMPERSONAL
from veilgraph.privacy.v1 import privacy_pb2

_FORBIDDEN_TYPES = frozenset(
    {"google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"}
)
_FORBIDDEN_CLASSES = frozenset({privacy_pb2.DATA_CLASS_CONTACT, privacy_pb2.DATA_CLASS_SECRET})
#: The scopes of internal methods begin so; the configuration gives no caller such a scope.
INTERNAL_SCOPE = "internal."
#: The purposes under which a caller is given the ids of another begin so.
SHARING = "share."


def gaps_of(method: Descriptor, declared: Any, policy: Policy) -> list[str]:
    """Everything that keeps a method from being served; empty when nothing does.

    Args:
        method: the method.
        declared: its ``veilgraph.privacy.v1.Policy``.
        policy: the policy file, whose purposes it may name.
    """
    return [
        *(f"{method.full_name}: {gap}" for gap in _policy_gaps(declared, method, policy)),
        *_message_gaps(method.input_type, is_request=True),
        *_message_gaps(method.output_type, is_request=False),
    ]


def _policy_gaps(declared: Any, method: Descriptor, policy: Policy) -> Iterable[str]:
    if declared.subjects and "consent_epoch" not in method.output_type.fields_by_name:
        yield "an answer about subjects has a consent_epoch"
    if declared.WhichOneof("basis") not in {"purpose", "purpose_field"}:
        yield "a policy names a purpose or a purpose_field (only library services are exempt)"
    if declared.purpose and declared.purpose not in policy.leaves:
        yield f"{declared.purpose!r} is no purpose of the policy file"
    if not declared.caller_scope:
        yield "no caller_scope"
    if bool(declared.subjects) == declared.no_subject:
        yield "exactly one of subjects and no_subject is set"
    if declared.subjects and not declared.write and method.client_streaming and not method.server_streaming:
        # Such an answer would be checked again for the last message's subjects alone.
        yield "a client stream about subjects is a write, or answers every message by itself"
    yield from _internal_gaps(declared, method)
    yield from _recipient_gaps(declared, method)
    yield from _path_gaps(declared, method.input_type, policy)
    yield from _reference_gaps(declared, method.input_type)


def _internal_gaps(declared: Any, method: Descriptor) -> Iterable[str]:
    if declared.internal != declared.caller_scope.startswith(INTERNAL_SCOPE):
        yield f"internal methods, and no others, have a scope that begins with {INTERNAL_SCOPE!r}"
    if declared.internal:
        if declared.subjects or declared.purpose not in UNREFUSABLE:
            yield "an internal method names no subject and a purpose that nobody can refuse"
        return
    held = (*_classes(method.input_type), *_classes(method.output_type))
    for path, data_class in held:
        if data_class == privacy_pb2.DATA_CLASS_SUBJECT:
            yield f"{path!r} is a birth subject; only internal methods carry those"


def _recipient_gaps(declared: Any, method: Descriptor) -> Iterable[str]:
    """Ids of another caller leave only where the request says whose, under a purpose of sharing."""
    if any(rule.for_recipient for _, rule in _rules(method.input_type)):
        yield "for_recipient is said of fields of a response"
    if any(
        rule.for_recipient and rule.data_class != privacy_pb2.DATA_CLASS_PSEUDONYM
        for _, rule in _rules(method.output_type)
    ):
        yield "only subject ids are given out for_recipient"
    handed = [path for path, rule in _rules(method.output_type) if rule.for_recipient]
    if bool(handed) != bool(declared.recipient_field):
        yield f"a recipient_field and fields for_recipient ({handed}) need each other"
    if not declared.recipient_field:
        return
    field = method.input_type.fields_by_name.get(declared.recipient_field)
    if field is None or field.is_repeated or field.cpp_type != FieldDescriptor.CPPTYPE_STRING:
        yield f"recipient_field {declared.recipient_field!r} is no text of the request"
    if not declared.purpose.startswith(SHARING):
        yield f"ids of another caller are given out for a purpose that begins with {SHARING!r}"


def _rules(
    message: Descriptor, path: str = "", above: frozenset[str] = frozenset()
) -> Iterable[tuple[str, privacy_pb2.FieldRule]]:
    """The rule of everything in a message and beneath it that has one, by path."""
    if message.full_name in above:
        return  # recursive, and refused for that
    for field in message.fields:
        rule = rule_of(field)
        if rule is not None:
            yield path + field.name, rule
        if field.message_type is not None:
            yield from _rules(field.message_type, f"{path}{field.name}.", above | {message.full_name})


def _path_gaps(declared: Any, request: Descriptor, policy: Policy) -> Iterable[str]:
    if declared.items and not _is_items(request.fields_by_name.get(declared.items)):
        yield f"items {declared.items!r} is no repeated message field"
        return
    if declared.items and any("." not in path for path in declared.subjects):
        yield "where elements are judged one by one, the subjects stand in them"
    for path in declared.subjects:
        field = field_at(path, request, declared.items)
        if field is None or class_of(field) != privacy_pb2.DATA_CLASS_PSEUDONYM:
            yield f"subject {path!r} is no field of class PSEUDONYM in the request or its items"
    for path in (declared.purpose_field, declared.link_purpose_field):
        if path:
            yield from _enum_gaps(path, field_at(path, request, declared.items), policy)


def _reference_gaps(declared: Any, request: Descriptor) -> Iterable[str]:
    """What a handler would get as it was sent: subjects not judged, identifiers not tokenised."""
    held = list(_classes(request))
    for path, data_class in held:
        if data_class == privacy_pb2.DATA_CLASS_PSEUDONYM and path not in declared.subjects:
            yield f"{path!r} is a subject the policy does not name"
    identifiers = [path for path, data_class in held if data_class == privacy_pb2.DATA_CLASS_IDENTIFIER]
    if len(identifiers) > 1 or any(
        path.rpartition(".")[0] not in {"", declared.items} for path in identifiers
    ):
        yield f"{identifiers}: one identifier at most, in the request or its items"


def _classes(
    message: Descriptor, path: str = "", above: frozenset[str] = frozenset()
) -> Iterable[tuple[str, int]]:
    """The data class of everything in a message and beneath it, by path."""
    if message.full_name in above:
        return  # recursive, and refused for that
    for field in message.fields:
        yield path + field.name, class_of(field)
        if field.message_type is not None:
            yield from _classes(field.message_type, f"{path}{field.name}.", above | {message.full_name})


def _enum_gaps(path: str, field: Descriptor | None, policy: Policy) -> Iterable[str]:
    if field is None or field.enum_type is None:
        yield f"{path!r} is no enum field of the request or its items"
        return
    for value in field.enum_type.values:
        if value.number == 0:
            continue
        purpose = purpose_of(value)
        if purpose is None:
            yield f"{path!r}: {value.name} carries no purpose"
        elif purpose not in policy.leaves:
            yield f"{path!r}: {value.name} carries the unknown purpose {purpose!r}"


def _message_gaps(message: Descriptor, *, is_request: bool, seen: frozenset[str] = frozenset()) -> list[str]:
    """What is undeclared in a message and everything beneath it."""
    if message.full_name in seen:
        return [f"{message.full_name}: recursive messages are refused"]
    seen |= {message.full_name}
    gaps: list[str] = []
    for field in message.fields:
        if field.message_type is not None and field.message_type.full_name == TIMESTAMP:
            gaps += _field_gaps(field, is_request=is_request)
        elif field.message_type is not None:
            gaps += _container_gaps(field, is_request=is_request, seen=seen)
        else:
            gaps += _field_gaps(field, is_request=is_request)
    return gaps


def _container_gaps(field: Descriptor, *, is_request: bool, seen: frozenset[str]) -> list[str]:
    inner = field.message_type
    if inner.full_name in _FORBIDDEN_TYPES:
        return [f"{field.full_name}: {inner.full_name} can hold anything"]
    if inner.GetOptions().map_entry:
        return [f"{field.full_name}: a map carries no data class for its keys and values"]
    gaps = _message_gaps(inner, is_request=is_request, seen=seen)
    rule = rule_of(field)
    if is_request and field.is_repeated and not (rule is not None and rule.limits.max_items):
        gaps.append(f"{field.full_name}: a list in a request needs max_items")
    return gaps


def _field_gaps(field: Descriptor, *, is_request: bool) -> list[str]:
    rule = rule_of(field)
    if rule is None or not rule.data_class:
        return [f"{field.full_name}: no data class"]
    if rule.data_class in _FORBIDDEN_CLASSES:
        return [f"{field.full_name}: no field may hold this class"]
    gaps: list[str] = []
    is_text = field.cpp_type == FieldDescriptor.CPPTYPE_STRING
    if is_request:
        if is_text and not rule.limits.max_len:
            gaps.append(f"{field.full_name}: a text in a request needs max_len")
        if field.is_repeated and not rule.limits.max_items:
            gaps.append(f"{field.full_name}: a list in a request needs max_items")
    elif rule.data_class == privacy_pb2.DATA_CLASS_IDENTIFIER:
        gaps.append(f"{field.full_name}: an identifier never leaves")
    elif not rule.purposes and rule.data_class not in IMPERSONAL:
        gaps.append(f"{field.full_name}: names no purpose that may read it")
    return gaps


def _is_items(field: Descriptor | None) -> bool:
    return field is not None and field.is_repeated and field.message_type is not None
