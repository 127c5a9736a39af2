"""The compiled guard of one method, made once from its descriptors.

Whatever is not declared can not be compiled, and what can not be compiled is not served:
``compile_method`` names every gap it finds, the same ones in the lint and at start-up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.protobuf import message_factory

from consent.policy import Policy
from services.interceptors.contract_digest import contract_digest
from services.interceptors.declared import Descriptor, class_of, field_at, policy_of, purpose_of
from services.interceptors.gaps import gaps_of
from services.interceptors.limits import Check, compile_check
from services.interceptors.views import View, may_read
from veilgraph.privacy.v1 import privacy_pb2

#: Mask of the data classes that are about no person.
_OF_NOBODY = 1 << privacy_pb2.DATA_CLASS_PUBLIC | 1 << privacy_pb2.DATA_CLASS_OPERATIONAL


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
    ``finds_people``: it is about people whom the request does not name as subjects.
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
    recipient_field: str
    degrades: bool
    write: bool
    about_people: bool
    finds_people: bool
    has_epoch: bool
    check: Check
    check_item: Check | None
    views: dict[int, View]
    contract: bytes  # see ``contract_digest``


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
    if gaps := gaps_of(method, declared, policy):
        raise ContractError(gaps)
    request, items = method.input_type, declared.items
    element = request.fields_by_name[items].message_type if items else None
    identifiers = _identifiers(request, element)
    purpose = policy.index(declared.purpose) if declared.purpose else -1
    purpose_field = _purpose_field(declared.purpose_field, request, items, policy)
    chosen = set(purpose_field.purposes.values()) if purpose_field is not None else set()
    views = {bit: _view(method.output_type, bit, policy) for bit in {-1, purpose} | chosen}
    tells = any(view.disclosed & ~_OF_NOBODY for view in views.values())
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
        identifiers=identifiers,
        recipient_field=declared.recipient_field,
        degrades=declared.on_denial == privacy_pb2.DENIAL_DEGRADE,
        write=declared.write,
        about_people=bool(declared.subjects) or identifiers is not None,
        finds_people=not declared.subjects and (identifiers is not None or tells),
        has_epoch="consent_epoch" in method.output_type.fields_by_name,
        check=compile_check(request, skip=items),
        check_item=compile_check(element) if element is not None else None,
        views=views,
        contract=contract_digest(method),
    )


def _view(response: Descriptor, purpose: int, policy: Policy) -> View:
    return View(response, may_read(policy.leaves[purpose] if purpose >= 0 else ""))


def _subject_path(path: str, request: Descriptor, items: str) -> SubjectPath:
    field = field_at(path, request, items)
    assert field is not None  # noqa: S101 - gaps_of has looked
    oneof = field.containing_oneof.name if field.containing_oneof is not None else ""
    return SubjectPath(path, field.name, "." in path, oneof)


def _purpose_field(path: str, request: Descriptor, items: str, policy: Policy) -> PurposeField | None:
    if not path:
        return None
    field = field_at(path, request, items)
    assert field is not None  # noqa: S101 - gaps_of has looked
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
