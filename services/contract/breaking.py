"""What a change of the contract's declarations takes from its callers.

``buf breaking`` sees names, numbers and types; it knows nothing of purposes, scopes, data classes and
limits, and a caller is refused by those just as well. What is new breaks nobody. What is declared about
something that was there before may be loosened in its limits and in nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet

from veilgraph.privacy.v1 import privacy_pb2

_OURS = "veilgraph."
_POLICY: Any = privacy_pb2.policy
_FIELD: Any = privacy_pb2.field


def broken(before: FileDescriptorSet, now: FileDescriptorSet) -> list[str]:
    """What callers of the contract before would notice, one line each.

    Args:
        before: the contract that callers have.
        now: the contract as it is. What it does not have any more is told by ``buf breaking``.
    """
    policies, rules = _policies(now), _rules(now)
    lines = [
        f"{name}: {what}"
        for name, policy in _policies(before).items()
        if name in policies
        for what in _policy_changes(policy, policies[name])
    ]
    lines += [
        f"{name}: {what}"
        for name, rule in _rules(before).items()
        if name in rules
        for what in _rule_changes(rule, rules[name])
    ]
    return sorted(lines)


def _policies(files: FileDescriptorSet) -> Mapping[str, privacy_pb2.Policy]:
    """The policy of every method."""
    return {
        f"{file.package}.{service.name}.{method.name}": method.options.Extensions[_POLICY]
        for file in files.file
        if file.package.startswith(_OURS)
        for service in file.service
        for method in service.method
    }


def _rules(files: FileDescriptorSet) -> Mapping[str, privacy_pb2.FieldRule]:
    """The rule of every field; one without says nothing."""
    return {
        f"{name}.{field.name}": field.options.Extensions[_FIELD]
        for file in files.file
        if file.package.startswith(_OURS)
        for name, field in _fields(file.message_type, file.package)
    }


def _fields(messages: Any, parent: str) -> Iterator[tuple[str, FieldDescriptorProto]]:
    for message in messages:
        name = f"{parent}.{message.name}"
        for field in message.field:
            yield name, field
        yield from _fields(message.nested_type, name)


def _policy_changes(before: privacy_pb2.Policy, now: privacy_pb2.Policy) -> Iterator[str]:
    for field in privacy_pb2.Policy.DESCRIPTOR.fields:
        if getattr(before, field.name) != getattr(now, field.name):
            yield f"{field.name} of the policy was another"


def _rule_changes(before: privacy_pb2.FieldRule, now: privacy_pb2.FieldRule) -> Iterator[str]:
    for field in privacy_pb2.FieldRule.DESCRIPTOR.fields:
        if field.name != "limits" and getattr(before, field.name) != getattr(now, field.name):
            yield f"{field.name} was another"
    yield from _tightened(before.limits, now.limits)


def _tightened(before: privacy_pb2.Limits, now: privacy_pb2.Limits) -> Iterator[str]:
    """Limits that refuse what passed before; of two patterns nobody can tell, so a new one is one."""
    if now.required and not before.required:
        yield "is required now"
    if now.min_len > before.min_len:
        yield "min_len was smaller"
    for name in ("max_len", "max_items"):
        most, was = getattr(now, name), getattr(before, name)
        if most and (not was or most < was):
            yield f"{name} was larger"
    if _range(now) and (not _range(before) or now.gte > before.gte or now.lte < before.lte):
        yield "the range was wider"
    if now.pattern and now.pattern != before.pattern:
        yield "the pattern was another"


def _range(limits: privacy_pb2.Limits) -> bool:
    """Whether the number is limited at all."""
    return bool(limits.gte or limits.lte)
