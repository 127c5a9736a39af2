"""The record of processing activities (GDPR article 30), generated from what is enforced.

Purposes, fields and methods are read from the declarations that the guard is compiled from,
legal bases and limits from the policy file that decides, recipients from the allow-list that
lets them in. So the record can not say anything else than the suite does; and what the suite
can not know (the controller's address, a transfer's safeguards) is not in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from consent.policy import Policy
from services.contract import services
from services.interceptors.call import Caller
from services.interceptors.declared import (
    TIMESTAMP,
    Descriptor,
    class_of,
    field_at,
    policy_of,
    purpose_of,
    rule_of,
)
from veilgraph.privacy.v1 import privacy_pb2

#: Plain values, as JSON can say them.
Record = Mapping[str, Any]

#: What protects the data (article 30 (1) g), each where it can be read up in ``docs/privacy.md``.
SECURITY = (
    "a method or field without a declaration is not served; every call passes the same chain of layers",
    "identifiers are hashed by the sender, sealed with AES-SIV and seen by no handler",
    "every caller gets pseudonyms of its own; two callers' ids can not be joined without the keys",
    "decisions deny by default and are taken anew right before an answer leaves",
    "a withdrawal returns only when no replica can act on the old state any more",
    "one audit record a call, refusals too, in a hash tree that shows any change",
    "keys of one person are destroyed with an erasure; a signed receipt says what went",
    "what is due by the limits below is deleted without being asked for",
)


def record_of_processing(
    policy: Policy,
    callers: Mapping[str, Caller],
    tenant: str = "",
    contract: Sequence[Descriptor] | None = None,
) -> Record:
    """The record, as plain values that JSON can say.

    Args:
        policy: the deployment's policy.
        callers: its allow-list; each caller is a recipient.
        tenant: whose deployment it is.
        contract: the services; those of the suite if not given.
    """
    offered = list(services() if contract is None else contract)
    methods = [_method(rpc, policy) for service in offered for rpc in service.methods]
    return {
        "tenant": tenant,
        "policy": {"version": policy.version, "taxonomy": policy.taxonomy_version, "sha256": policy.digest},
        "contract": {"sha256": _digest(offered)},
        "purposes": [_purpose(index, policy, methods, callers) for index in range(len(policy.leaves))],
        "methods": methods,
        "data_classes": _data_classes(policy, methods),
        "recipients": [_recipient(caller, policy, methods) for caller in callers.values()],
        "retention": {
            "events": _limits(policy.retention.events),
            "records": _limits(policy.retention.records),
            "classes": _limits(policy.retention.classes),
        },
        "security": list(SECURITY),
    }


def _purpose(index: int, policy: Policy, methods: Sequence[Record], callers: Mapping[str, Caller]) -> Record:
    leaf = policy.leaves[index]
    used_by = [method for method in methods if leaf in method["purposes"]]
    fields = sorted({(row["class"], row["field"]) for method in used_by for row in _readable(method, leaf)})
    classes: dict[str, list[str]] = {}
    for data_class, field in fields:
        classes.setdefault(data_class, []).append(field)
    return {
        "purpose": leaf,
        "legal_basis": {regime.name: regime.basis[index] for regime in policy.regimes},
        "view": policy.views[policy.view_of[index]] if policy.view_of[index] >= 0 else "none",
        "since": policy.since[index],
        "methods": [method["method"] for method in used_by],
        "data": classes,
        "recipients": sorted(caller.id for caller in callers.values() if caller.purposes >> index & 1),
    }


def _readable(method: Record, leaf: str) -> Iterator[Record]:
    """What is handled for a purpose: everything asked with, and what of the answer it may read."""
    yield from method["request"]
    for row in method["answer"]:
        nodes = row["purposes"].split(" ") if row["purposes"] else []
        if not nodes or any(leaf == node or leaf.startswith(f"{node}.") for node in nodes):
            yield row


def _method(rpc: Descriptor, policy: Policy) -> Record:
    declared = policy_of(rpc)
    assert declared is not None  # noqa: S101 - such a method is not served; the lint names it
    return {
        "method": f"/{rpc.containing_service.full_name}/{rpc.name}",
        "purposes": sorted(_purposes(declared, rpc, policy)),
        "scope": declared.caller_scope,
        "subjects": list(declared.subjects),
        "on_denial": "degrade" if declared.on_denial == privacy_pb2.DENIAL_DEGRADE else "refuse",
        "writes": declared.write,
        "internal": declared.internal,
        "request": list(_fields(rpc.input_type)),
        "answer": list(_fields(rpc.output_type)),
    }


def _purposes(declared: Any, rpc: Descriptor, policy: Policy) -> set[str]:
    """The purposes a call may be made for; those of the views it may ask for are not among them."""
    if declared.purpose:
        return {declared.purpose}
    field = field_at(declared.purpose_field, rpc.input_type, declared.items)
    assert field is not None  # noqa: S101 - the lint has looked
    carried = {purpose_of(value) for value in field.enum_type.values}
    return {purpose for purpose in carried if purpose is not None and policy.has(purpose)}


def _fields(message: Descriptor) -> Iterator[Record]:
    """Every field beneath a message that holds a value, with its class and who may read it."""
    for field in message.fields:
        if field.message_type is not None and field.message_type.full_name != TIMESTAMP:
            yield from _fields(field.message_type)
        else:
            rule = rule_of(field)
            yield {
                "field": field.full_name,
                "class": class_name(class_of(field)),
                "purposes": " ".join(rule.purposes) if rule is not None else "",
            }


def _data_classes(policy: Policy, methods: Iterable[Record]) -> list[Record]:
    held: dict[str, set[str]] = {}
    for method in methods:
        for row in (*method["request"], *method["answer"]):
            held.setdefault(row["class"], set()).add(row["field"])
    return [
        {"class": name, "kept": limit(policy.retention.classes.get(name)), "fields": sorted(fields)}
        for name, fields in sorted(held.items())
    ]


def _recipient(caller: Caller, policy: Policy, methods: Iterable[Record]) -> Record:
    purposes = [leaf for index, leaf in enumerate(policy.leaves) if caller.purposes >> index & 1]
    return {
        "recipient": caller.id,
        "purposes": purposes,
        "methods": [
            method["method"]
            for method in methods
            if method["scope"] in caller.scopes and set(purposes) & set(method["purposes"])
        ],
    }


def _limits(limits: Mapping[str, int | None]) -> dict[str, str]:
    return {name: limit(days) for name, days in sorted(limits.items())}


def limit(days: int | None) -> str:
    """A limit in words."""
    if days is None:
        return "until erased"
    return f"{days} day" if days == 1 else f"{days} days"


def class_name(data_class: int) -> str:
    """The short name of a data class."""
    return privacy_pb2.DataClass.Name(data_class).removeprefix("DATA_CLASS_")


def _digest(contract: Iterable[Descriptor]) -> str:
    """Changes with every declaration of the contract."""
    files = {service.file.name: service.file.serialized_pb for service in contract}
    state = hashlib.sha256()
    for name in sorted(files):
        state.update(hashlib.sha256(files[name]).digest())
    return state.hexdigest()
