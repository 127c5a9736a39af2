"""What a method's contract was when a call was decided, as one hash.

It covers the method's declaration with its policy and every message and enum that can stand in
its request or response, options included; a change to any of them gives another hash.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from google.protobuf import descriptor_pb2

from services.interceptors.declared import Descriptor


def contract_digest(method: Descriptor) -> bytes:
    """SHA-256 of everything the contract says about a method, 32 bytes."""
    reached: dict[str, bytes] = {}
    for message in (method.input_type, method.output_type):
        _reach(message, reached)
    declared = [_serialised(method, descriptor_pb2.MethodDescriptorProto())]
    declared += [reached[name] for name in sorted(reached)]
    return sha256(b"".join(len(part).to_bytes(4, "big") + part for part in declared)).digest()


def _reach(message: Descriptor, reached: dict[str, bytes]) -> None:
    if message.full_name in reached:
        return
    reached[message.full_name] = _serialised(message, descriptor_pb2.DescriptorProto())
    for field in message.fields:
        if field.message_type is not None:
            _reach(field.message_type, reached)
        elif field.enum_type is not None:
            enum = field.enum_type
            reached[enum.full_name] = _serialised(enum, descriptor_pb2.EnumDescriptorProto())


def _serialised(descriptor: Descriptor, proto: Any) -> bytes:
    descriptor.CopyToProto(proto)
    serialised: bytes = proto.SerializeToString(deterministic=True)
    name: str = descriptor.full_name
    return name.encode() + b"\0" + serialised
