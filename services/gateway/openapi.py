"""The JSON form of the contract as an OpenAPI 3.1 document, made of the descriptors alone.

Whatever is offered over JSON stands in it, and nothing else: paths are the contract's
``google.api.http``, names are protobuf's JSON names, limits are those the guard checks. Its text
is the same for the same contract, so that it can be committed and compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from google.api import annotations_pb2
from google.protobuf.descriptor import FieldDescriptor

from services.contract import public_services
from services.gateway.listener import EXCHANGE_PATHS
from services.gateway.refusals import http_statuses
from services.interceptors.declared import Descriptor, policy_of, rule_of

_WELL_KNOWN: Final[Mapping[str, Mapping[str, Any]]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?s$"},
}
_SCALARS: Final[Mapping[int, Mapping[str, Any]]] = {
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_STRING: {"type": "string"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    # 64 bits are more than a JSON number holds everywhere; protobuf writes them as text.
    FieldDescriptor.CPPTYPE_INT64: {"type": "string", "format": "int64"},
    FieldDescriptor.CPPTYPE_UINT64: {"type": "string", "format": "uint64"},
}
_IN_PATH = re.compile(r"\{(\w+)\}")
_ERROR: Final = "Error"


def document(words: Mapping[str, str]) -> dict[str, Any]:
    """The whole document.

    Args:
        words: the contract's comments, see ``services.contract.comments``.
    """
    schemas: dict[str, Any] = {_ERROR: _error()}
    paths: dict[str, Any] = {}
    tags = []
    for service in public_services().values():
        offered = [(method, http) for method in service.methods if (http := _http(method))]
        if offered:
            tags.append({"name": service.name, "description": words.get(service.full_name, "")})
        for method, (verb, path, has_body) in offered:
            made = _operation(method, verb, path, words, schemas, has_body=has_body)
            paths.setdefault(path, {})[verb] = made
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Veilgraph",
            "version": "1",
            "summary": "Personalisation that never learns a name.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "security": [{"caller": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {
                "caller": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The token of a back end, or the one a person's login was exchanged for.",
                },
                "login": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The token of a login provider that is registered for the app.",
                },
            },
            "responses": {
                str(status): {
                    "description": text,
                    "content": {"application/json": {"schema": _ref(_ERROR)}},
                }
                for status, text in http_statuses().items()
            },
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _http(method: Descriptor) -> tuple[str, str, bool] | None:
    """Verb, path and whether there is a body; ``None``: the method is not offered over JSON."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    return None if verb is None else (verb, getattr(rule, verb), bool(rule.body))


def _operation(
    method: Descriptor,
    verb: str,
    path: str,
    words: Mapping[str, str],
    schemas: dict[str, Any],
    *,
    has_body: bool,
) -> dict[str, Any]:
    said = words.get(method.full_name, "")
    policy = policy_of(method)
    answer = _message(method.output_type, words, schemas)
    if method.server_streaming:
        answer = {"type": "array", "items": answer}
    operation: dict[str, Any] = {
        "operationId": f"{method.containing_service.name}_{method.name}",
        "tags": [method.containing_service.name],
        "summary": re.split(r"(?<=[.;:])\s", said, maxsplit=1)[0],
        "description": said,
        "x-veilgraph-scope": policy.caller_scope if policy is not None else "",
        "parameters": list(_parameters(method.input_type, path, words, schemas, has_body=has_body)),
        "responses": {
            "200": {"description": "The answer.", "content": {"application/json": {"schema": answer}}},
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in http_statuses()},
        },
    }
    if has_body and verb != "get":
        schema = _message(method.input_type, words, schemas)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if path in EXCHANGE_PATHS:
        operation["security"] = [{"login": []}]
    return operation


def _parameters(
    request: Descriptor, path: str, words: Mapping[str, str], schemas: dict[str, Any], *, has_body: bool
) -> Iterator[dict[str, Any]]:
    in_path = set(_IN_PATH.findall(path))
    for field in request.fields:
        if field.name not in in_path and has_body:
            continue
        schema = _field(field, words, schemas)
        said = {"description": schema.pop("description", ""), "schema": schema}
        if field.name in in_path:
            yield {"name": field.name, "in": "path", "required": True, **said}
        else:
            yield {"name": field.name, "in": "query", **said}


def _message(message: Descriptor, words: Mapping[str, str], schemas: dict[str, Any]) -> dict[str, Any]:
    """A reference to a message's schema, which is put beside the others."""
    if message.full_name in _WELL_KNOWN:
        return dict(_WELL_KNOWN[message.full_name])
    name = _name(message)
    if name not in schemas:
        schemas[name] = {}  # a message may hold itself
        fields = {field.json_name: _field(field, words, schemas) for field in message.fields}
        required = [field.json_name for field in message.fields if _limits(field).required]
        schemas[name] = {
            "type": "object",
            "description": words.get(message.full_name, ""),
            "properties": fields,
            **({"required": required} if required else {}),
            **_at_most_one(message),
        }
    return _ref(name)


def _field(field: Descriptor, words: Mapping[str, str], schemas: dict[str, Any]) -> dict[str, Any]:
    limits = _limits(field)
    one = _value(field, words, schemas)
    if one.get("type") == "string" and "format" not in one and "contentEncoding" not in one:
        one |= {
            name: value
            for name, value in (("minLength", limits.min_len), ("maxLength", limits.max_len))
            if value
        }
        if limits.pattern:
            one["pattern"] = f"^(?:{limits.pattern})$"
    if one.get("type") in {"integer", "number"} and (limits.gte or limits.lte):
        one |= {"minimum": limits.gte, "maximum": limits.lte}
    if field.is_repeated:
        one = {"type": "array", "items": one, **({"maxItems": limits.max_items} if limits.max_items else {})}
    said = words.get(field.full_name, "")
    return {**one, "description": said} if said else one


def _value(field: Descriptor, words: Mapping[str, str], schemas: dict[str, Any]) -> dict[str, Any]:
    if field.message_type is not None:
        return _message(field.message_type, words, schemas)
    if field.enum_type is not None:
        return _enum(field.enum_type, words, schemas)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "contentEncoding": "base64"}
    return dict(_SCALARS[field.cpp_type])


def _enum(enum: Descriptor, words: Mapping[str, str], schemas: dict[str, Any]) -> dict[str, Any]:
    name = _name(enum)
    if name not in schemas:
        values = [value.name for value in enum.values]
        told = [f"- `{value.name}`: {words.get(_value_name(enum, value), '')}" for value in enum.values]
        text = "\n".join([words.get(enum.full_name, ""), "", *told])
        schemas[name] = {"type": "string", "description": text, "enum": values}
    return _ref(name)


def _value_name(enum: Descriptor, value: Descriptor) -> str:
    return f"{enum.full_name}.{value.name}"


def _at_most_one(message: Descriptor) -> dict[str, Any]:
    """Of the fields of a oneof no two may stand together."""
    pairs = [
        {"required": [one.json_name, other.json_name]}
        for oneof in message.oneofs
        for one, other in combinations(oneof.fields, 2)
    ]
    return {"not": {"anyOf": pairs}} if pairs else {}


def _limits(field: Descriptor) -> Any:
    rule = rule_of(field)
    return rule.limits if rule is not None else _NONE


class _NoLimits:
    required, min_len, max_len, max_items, gte, lte, pattern = False, 0, 0, 0, 0, 0, ""


_NONE: Final = _NoLimits()


def _name(described: Descriptor) -> str:
    """Its full name without what all have in common, e.g. "identity.v1.ResolveRequest"."""
    return str(described.full_name).removeprefix("veilgraph.")


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _error() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Every refusal, of a service and of the gateway alike: google.rpc.Status as JSON."
        " The reasons stand in docs/errors.md.",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "integer", "description": "The gRPC status code."},
            "message": {"type": "string", "description": "A fixed text; it never repeats the request."},
            "details": {
                "type": "array",
                "description": "The first is a google.rpc.ErrorInfo with the reason and the request id.",
                "items": {
                    "type": "object",
                    "required": ["@type"],
                    "properties": {
                        "@type": {"type": "string"},
                        "reason": {"type": "string", "description": "Stable; programs go by it."},
                        "domain": {"type": "string", "const": "veilgraph"},
                        "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                    },
                },
            },
        },
    }


def paths_of(said: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """(verb, path) of every operation of a document."""
    return [(verb, path) for path, item in said["paths"].items() for verb in item]
