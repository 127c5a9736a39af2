"""The contract as pages to read: one a file of it, made of its comments and its declarations.

Nothing on a page is written by hand, so a page can not say anything else than the contract does: who may
call a method for what, what a field holds, who reads it, and where its limits are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import FieldDescriptor

from services.interceptors.declared import Descriptor, policy_of, purpose_of, rule_of
from veilgraph.privacy.v1 import privacy_pb2

Comments = Mapping[str, str]

_SCALARS = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in vars(FieldDescriptor).items()
    if name.startswith("TYPE_")
}
_MADE = "*Made from the contract by `make protos`; change the `.proto`, not this page.*"
_VERBS = ("get", "put", "post", "delete", "patch")


def page_name(file: Descriptor) -> str:
    """The name of a file's page, e.g. "rules.md" of veilgraph/identity/v1/rules.proto."""
    return f"{file.name.rpartition('/')[2].removesuffix('.proto')}.md"


def contents(files: list[Descriptor], comments: Comments) -> str:
    """The page that leads to the others."""
    lines = ["# The contract", "", _MADE, ""]
    for file in files:
        for service in file.services_by_name.values():
            lines += [
                f"- [{service.name}]({page_name(file)}): {_first_sentence(comments[service.full_name])}"
            ]
    lines += ["- [What definitions and decisions share](offer.md)"]
    lines += ["- [What is declared about methods and fields](privacy.md)"]
    return "\n".join(lines) + "\n"


def page(file: Descriptor, comments: Comments) -> str:
    """The page of one file: its services, then its messages and enums in the order of their names."""
    lines = [f"# {_title(file)}", "", comments[file.name], "", _MADE]
    for service in file.services_by_name.values():
        lines += ["", f"## {service.name}", "", comments[service.full_name], "", *_overview(service)]
        for method in service.methods:
            lines += ["", *_method(method, comments)]
    for name, message in sorted(file.message_types_by_name.items()):
        lines += ["", f"### {name}", "", comments[message.full_name], "", *_fields(message, comments)]
    for name, enum in sorted(file.enum_types_by_name.items()):
        lines += ["", f"### {name}", "", comments[enum.full_name], "", *_values(enum, comments)]
    return "\n".join(lines) + "\n"


def _title(file: Descriptor) -> str:
    return f"{file.package}: {file.name.rpartition('/')[2]}"


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".") + "."


def _overview(service: Descriptor) -> Iterator[str]:
    yield "| method | HTTP | purpose | scope of the caller |"
    yield "|---|---|---|---|"
    for method in service.methods:
        policy = _policy(method)
        link = f"[{method.name}](#{service.name.lower()}{method.name.lower()})"
        http = _http(method) or "gRPC only"
        yield f"| {link} | {http} | {_basis(policy)} | `{policy.caller_scope}` |"


def _method(method: Descriptor, comments: Comments) -> Iterator[str]:
    file = method.containing_service.file
    asks, answers = _type_link(method.input_type, file), _type_link(method.output_type, file)
    stream_in = "stream of " if method.client_streaming else ""
    stream_out = "stream of " if method.server_streaming else ""
    yield f"### {method.containing_service.name}.{method.name}"
    yield ""
    yield comments[method.full_name]
    yield ""
    yield f"{stream_in}{asks} → {stream_out}{answers}"
    yield ""
    yield from (f"- {line}" for line in _guarded(_policy(method)))


def _policy(method: Descriptor) -> privacy_pb2.Policy:
    policy = policy_of(method)
    assert policy is not None, method.full_name  # noqa: S101 - the lint of the contract ran before
    return policy


def _basis(policy: privacy_pb2.Policy) -> str:
    if policy.exempt:
        return "none"
    return f"`{policy.purpose}`" if policy.purpose else f"as `{policy.purpose_field}` says"


def _guarded(policy: privacy_pb2.Policy) -> Iterator[str]:
    yield f"purpose: {_basis(policy)}" + (f" ({policy.exempt})" if policy.exempt else "")
    if policy.subjects:
        yield f"about: {', '.join(f'`{path}`' for path in policy.subjects)}"
    if policy.items:
        yield f"each of `{policy.items}` is judged by itself; a refused one is answered with its reason"
    if policy.link_purpose_field:
        yield f"the person behind a subject is seen for the purpose in `{policy.link_purpose_field}`"
    if policy.recipient_field:
        yield f"ids are given out for the caller in `{policy.recipient_field}`"
    if policy.on_denial == privacy_pb2.DENIAL_DEGRADE:
        yield "not permitted: answered without personal data, and says so"
    if policy.write:
        yield "changes state: the same request again changes nothing"


def _http(method: Descriptor) -> str:
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    return next((f"`{verb.upper()} {getattr(rule, verb)}`" for verb in _VERBS if getattr(rule, verb)), "")


def _fields(message: Descriptor, comments: Comments) -> Iterator[str]:
    if not message.fields:
        return
    yield "| field | type | holds | |"
    yield "|---|---|---|---|"
    for field in message.fields:
        said = " ".join(filter(None, (_cell(comments[field.full_name]), _limits(field), _readers(field))))
        yield f"| `{field.name}` | {_type(field)} | {_holds(field)} | {said} |"


def _holds(field: Descriptor) -> str:
    rule = rule_of(field)
    if rule is None:
        return ""
    return privacy_pb2.DataClass.Name(rule.data_class).removeprefix("DATA_CLASS_").lower().replace("_", " ")


def _limits(field: Descriptor) -> str:
    rule = rule_of(field)
    if rule is None or not rule.HasField("limits"):
        return ""
    limits = rule.limits
    said = ["required"] if limits.required else []
    said += [f"{name.replace('_', ' ')} {value}" for name, value in _numbers(limits)]
    said += [f"matches `{_cell(limits.pattern)}`"] if limits.pattern else []
    return f"*({', '.join(said)})*"


def _numbers(limits: privacy_pb2.Limits) -> Iterator[tuple[str, int]]:
    for name in ("min_len", "max_len", "max_items"):
        if value := getattr(limits, name):
            yield name, value
    if limits.gte or limits.lte:
        yield "from", limits.gte
        yield "to", limits.lte


def _readers(field: Descriptor) -> str:
    rule = rule_of(field)
    if rule is None or not rule.purposes:
        return ""
    return f"Read for {', '.join(f'`{purpose}`' for purpose in rule.purposes)}."


def _type(field: Descriptor) -> str:
    name = _SCALARS[field.type]
    if field.message_type is not None:
        entry = field.message_type
        if entry.GetOptions().map_entry:
            key, value = (entry.fields_by_name[part] for part in ("key", "value"))
            return f"map of {_type(key)} to {_type(value)}"
        name = _type_link(entry, field.file)
    elif field.enum_type is not None:
        name = _type_link(field.enum_type, field.file)
    if field.is_repeated:
        return f"list of {name}"
    return f"{name}, one of `{field.containing_oneof.name}`" if _chosen(field) else name


def _chosen(field: Descriptor) -> bool:
    """Whether it is one of several; the oneof of an optional field has its name."""
    oneof: Any = field.containing_oneof
    return oneof is not None and oneof.name != f"_{field.name}"


def _type_link(kind: Descriptor, here: Descriptor) -> str:
    if not kind.full_name.startswith("veilgraph."):
        return f"`{kind.full_name}`"
    page_of = "" if kind.file.name == here.name else page_name(kind.file)
    return f"[{kind.name}]({page_of}#{kind.name.lower()})"


def _values(enum: Descriptor, comments: Comments) -> Iterator[str]:
    yield "| value | number | |"
    yield "|---|---|---|"
    for value in enum.values:
        purpose = purpose_of(value)
        means = f" Purpose `{purpose}`." if purpose else ""
        comment = comments[f"{enum.full_name}.{value.name}"]
        yield f"| `{value.name}` | {value.number} | {_cell(comment)}{means} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
