"""The compiled guard of one method, made once from its descriptors.

Whatever is not declared can not be compiled, and what can not be compiled is not served:
``compile_method`` names every gap it finds, the same ones in the lint and at start-up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor

from consent.policy import Policy
from services.interceptors.declared import TIMESTAMP, Descriptor, class_of, policy_of, purpose_of, rule_of
from services.interceptors.limits import Check, compile_check
from services.interceptors.views import IMPERSONAL, View, may_read
from veilgraph.privacy.v1 import privacy_pb2

_FORBIDDEN_TYPES = frozenset(
    {"google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"}
)
_FORBIDDEN_CLASSES = frozenset({privacy_pb2.DATA_CLASS_CONTACT, privacy_pb2.DATA_CLASS_SECRET})


class ContractError(Exception):
    """The contract leaves something undeclared; the text lists every gap."""

    def __init__(self, gaps: Iterable[str]) -> None:
        self.gaps = tuple(gaps)
        super().__init__("\n".join(self.gaps))


@dataclass(frozen=True, slots=True)
class SubjectPath:
    """Where a subject reference stands.

    Attributes:
        path: as declared, e.g. "events.subject".
        field: the field's name in the request or in the element.
        in_items: it stands in each element of the method's items.
        oneof: the oneof it is one choice of (the others are guests), or empty.
    """

    path: str
    field: str
    in_items: bool
    oneof: str


@dataclass(frozen=True, slots=True)
class PurposeField:
    """The enum field whose value carries the purpose.

    Attributes:
        field: the field's name in the request or in the element.
        in_items: it stands in each element of the method's items.
        purposes: enum number -> bit position of the purpose.
    """

    field: str
    in_items: bool
    purposes: dict[int, int]


@dataclass(frozen=True, slots=True)
class IdentifierField:
    """Where a hashed identifier stands, beside its ``kind``: in the request or in each element."""

    field: str
    in_items: bool


@dataclass(frozen=True, slots=True, eq=False)
class MethodPlan:
    """How one method is guarded; see ``veilgraph.privacy.v1.Policy`` for what the parts mean.

    ``views`` holds what may leave, by the purpose's bit position (-1 = nothing personal).
    """

    name: str  # the path on the wire, "/package.Service/Method"
    policy: Policy
    request_type: Any
    scope: str
    purpose: int
    purpose_field: PurposeField | None
    link_purpose_field: PurposeField | None
    subjects: tuple[SubjectPath, ...]
    items: str
    identifiers: IdentifierField | None
    degrades: bool
    write: bool
    has_epoch: bool
    check: Check
    check_item: Check | None
    views: dict[int, View]


def compile_service(service: Descriptor, policy: Policy) -> dict[str, MethodPlan]:
    """Compiles all methods of a service, by path on the wire.

    Raises:
        ContractError: with every gap of the whole service.
    """
    plans: dict[str, MethodPlan] = {}
    gaps: list[str] = []
    for method in service.methods:
        try:
            plan = compile_method(method, policy)
        except ContractError as error:
            gaps.extend(error.gaps)
        else:
            plans[plan.name] = plan
    if gaps:
        raise ContractError(gaps)
    return plans


def compile_method(method: Descriptor, policy: Policy) -> MethodPlan:
    """Compiles the guard of one method.

    Raises:
        ContractError: something about the method is not declared, or declared wrongly.
    """
    declared = policy_of(method)
    if declared is None:
        raise ContractError([f"{method.full_name}: no privacy policy"])
    gaps = [f"{method.full_name}: {gap}" for gap in _policy_gaps(declared, method, policy)]
    gaps += _message_gaps(method.input_type, is_request=True)
    gaps += _message_gaps(method.output_type, is_request=False)
    if gaps:
        raise ContractError(gaps)
    request, items = method.input_type, declared.items
    element = request.fields_by_name[items].message_type if items else None
    purpose = policy.index(declared.purpose) if declared.purpose else -1
    purpose_field = _purpose_field(declared.purpose_field, request, items, policy)
    chosen = set(purpose_field.purposes.values()) if purpose_field is not None else set()
    return MethodPlan(
        name=f"/{method.containing_service.full_name}/{method.name}",
        policy=policy,
        request_type=message_factory.GetMessageClass(request),
        scope=declared.caller_scope,
        purpose=purpose,
        purpose_field=purpose_field,
        link_purpose_field=_purpose_field(declared.link_purpose_field, request, items, policy),
        subjects=tuple(_subject_path(path, request, items) for path in declared.subjects),
        items=items,
        identifiers=_identifiers(request, element),
        degrades=declared.on_denial == privacy_pb2.DENIAL_DEGRADE,
        write=declared.write,
        has_epoch="consent_epoch" in method.output_type.fields_by_name,
        check=compile_check(request, skip=items),
        check_item=compile_check(element) if element is not None else None,
        views={bit: _view(method.output_type, bit, policy) for bit in {-1, purpose} | chosen},
    )


def _view(response: Descriptor, purpose: int, policy: Policy) -> View:
    return View(response, may_read(policy.leaves[purpose] if purpose >= 0 else ""))


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
    yield from _path_gaps(declared, method.input_type, policy)


def _path_gaps(declared: Any, request: Descriptor, policy: Policy) -> Iterable[str]:
    if declared.items and not _is_items(request.fields_by_name.get(declared.items)):
        yield f"items {declared.items!r} is no repeated message field"
        return
    if declared.items and any("." not in path for path in declared.subjects):
        yield "where elements are judged one by one, the subjects stand in them"
    for path in declared.subjects:
        field = _find(path, request, declared.items)
        if field is None or class_of(field) != privacy_pb2.DATA_CLASS_PSEUDONYM:
            yield f"subject {path!r} is no field of class PSEUDONYM in the request or its items"
    for path in (declared.purpose_field, declared.link_purpose_field):
        if path:
            yield from _enum_gaps(path, _find(path, request, declared.items), policy)


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
    elif not rule.purposes and rule.data_class not in IMPERSONAL | {privacy_pb2.DATA_CLASS_CONTEXTUAL}:
        gaps.append(f"{field.full_name}: names no purpose that may read it")
    return gaps


def _is_items(field: Descriptor | None) -> bool:
    return field is not None and field.is_repeated and field.message_type is not None


def _find(path: str, request: Descriptor, items: str) -> Descriptor | None:
    """The field at ``name`` or ``items.name``; deeper paths are not declared anywhere."""
    head, _, name = path.rpartition(".")
    if not head:
        return request.fields_by_name.get(name)
    if head != items:
        return None
    return request.fields_by_name[items].message_type.fields_by_name.get(name)


def _subject_path(path: str, request: Descriptor, items: str) -> SubjectPath:
    field = _find(path, request, items)
    assert field is not None  # noqa: S101 - _policy_gaps has looked
    oneof = field.containing_oneof.name if field.containing_oneof is not None else ""
    return SubjectPath(path, field.name, "." in path, oneof)


def _purpose_field(path: str, request: Descriptor, items: str, policy: Policy) -> PurposeField | None:
    if not path:
        return None
    field = _find(path, request, items)
    assert field is not None  # noqa: S101 - _policy_gaps has looked
    return PurposeField(field.name, "." in path, _purposes(field.enum_type, policy))


def _purposes(enum: Descriptor, policy: Policy) -> dict[int, int]:
    return {
        value.number: policy.index(purpose)
        for value in enum.values
        if value.number and (purpose := purpose_of(value)) is not None
    }


def _identifiers(request: Descriptor, element: Descriptor | None) -> IdentifierField | None:
    for message in (request, element):
        for field in message.fields if message is not None else ():
            if class_of(field) == privacy_pb2.DATA_CLASS_IDENTIFIER:
                return IdentifierField(field.name, in_items=message is element)
    return None
