"""Reads what the contract declares, in one place.

An option read through another descriptor pool comes back empty without an error, so every
read asks ``HasExtension`` first and says ``None`` where nothing is declared.
"""

from __future__ import annotations

from typing import Any

from veilgraph.privacy.v1 import privacy_pb2

#: A descriptor of upb; the published type stubs describe the pure-Python ones.
Descriptor = Any

TIMESTAMP = "google.protobuf.Timestamp"
_FIELD: Any = privacy_pb2.field
_POLICY: Any = privacy_pb2.policy
_PURPOSE: Any = privacy_pb2.purpose


def rule_of(field: Descriptor) -> privacy_pb2.FieldRule | None:
    """The privacy rule of a field."""
    rule: privacy_pb2.FieldRule | None = _extension(field, _FIELD)
    return rule


def policy_of(method: Descriptor) -> privacy_pb2.Policy | None:
    """The privacy policy of a method."""
    policy: privacy_pb2.Policy | None = _extension(method, _POLICY)
    return policy


def purpose_of(value: Descriptor) -> str | None:
    """The purpose an enum value carries."""
    purpose: str | None = _extension(value, _PURPOSE)
    return purpose


def class_of(field: Descriptor) -> int:
    """The data class of a field; 0 when it declares none."""
    rule = rule_of(field)
    return rule.data_class if rule is not None else 0


def data_classes() -> frozenset[str]:
    """The names of the data classes that a field may have, without their common prefix."""
    names = {name.removeprefix("DATA_CLASS_") for name in privacy_pb2.DataClass.keys()}  # noqa: SIM118 - no dict
    return frozenset(names - {"UNSPECIFIED", "CONTACT", "SECRET"})


def field_at(path: str, request: Descriptor, items: str) -> Descriptor | None:
    """The field at ``name`` or ``items.name``; deeper paths are not declared anywhere."""
    head, _, name = path.rpartition(".")
    if not head:
        return request.fields_by_name.get(name)
    if head != items:
        return None
    return request.fields_by_name[items].message_type.fields_by_name.get(name)


def _extension(descriptor: Descriptor, extension: Any) -> Any:
    options = descriptor.GetOptions()
    return options.Extensions[extension] if options.HasExtension(extension) else None
