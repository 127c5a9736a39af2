"""A change of the contract that refuses whoever was served before is named; what is new breaks nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from services.contract import MODULES
from services.contract.breaking import broken
from veilgraph.privacy.v1 import privacy_pb2

BASELINE = Path(__file__).parents[2] / "protos" / "baseline.binpb"
PURPOSE = "veilgraph.identity.v1.ResolveRequest.for_purpose"
IDENTIFIERS = "veilgraph.identity.v1.ResolveRequest.identifiers"
SHA256 = "veilgraph.identity.v1.Identifier.sha256"


def contract() -> FileDescriptorSet:
    """The contract as it is."""
    files = FileDescriptorSet()
    for module in MODULES:
        module.DESCRIPTOR.CopyToProto(files.file.add())
    return files


def field(files: FileDescriptorSet, name: str) -> Any:
    """The rule of a field, to be changed."""
    package, message, field_name = name.rsplit(".", 2)
    (found,) = (
        one
        for file in files.file
        if file.package == package
        for kind in file.message_type
        if kind.name == message
        for one in kind.field
        if one.name == field_name
    )
    return found.options.Extensions[privacy_pb2.field]


def policy(files: FileDescriptorSet, service: str, method: str) -> Any:
    """The policy of a method, to be changed."""
    (found,) = (
        one
        for file in files.file
        for kind in file.service
        if kind.name == service
        for one in kind.method
        if one.name == method
    )
    return found.options.Extensions[privacy_pb2.policy]


def another_scope(files: FileDescriptorSet) -> str:
    policy(files, "IdentityService", "Resolve").caller_scope = "identity.admin"
    return "veilgraph.identity.v1.IdentityService.Resolve: caller_scope of the policy was another"


def another_purpose(files: FileDescriptorSet) -> str:
    policy(files, "IdentityService", "Resolve").purpose = "security"
    return "veilgraph.identity.v1.IdentityService.Resolve: purpose of the policy was another"


def another_class(files: FileDescriptorSet) -> str:
    field(files, PURPOSE).data_class = privacy_pb2.DATA_CLASS_PUBLIC
    return f"{PURPOSE}: data_class was another"


def other_readers(files: FileDescriptorSet) -> str:
    field(files, PURPOSE).purposes.append("marketing.email")
    return f"{PURPOSE}: purposes was another"


def newly_required(files: FileDescriptorSet) -> str:
    field(files, PURPOSE).limits.required = True
    return f"{PURPOSE}: is required now"


def fewer_items(files: FileDescriptorSet) -> str:
    field(files, IDENTIFIERS).limits.max_items -= 1
    return f"{IDENTIFIERS}: max_items was larger"


def newly_long(files: FileDescriptorSet) -> str:
    field(files, SHA256).limits.min_len += 1
    return f"{SHA256}: min_len was smaller"


def newly_short(files: FileDescriptorSet) -> str:
    field(files, SHA256).limits.max_len -= 1
    return f"{SHA256}: max_len was larger"


def newly_a_pattern(files: FileDescriptorSet) -> str:
    field(files, SHA256).limits.pattern = "[a-f0-9]+"
    return f"{SHA256}: the pattern was another"


def newly_a_range(files: FileDescriptorSet) -> str:
    field(files, PURPOSE).limits.lte = 9
    return f"{PURPOSE}: the range was wider"


@pytest.mark.parametrize(
    "change",
    [
        another_scope,
        another_purpose,
        another_class,
        other_readers,
        newly_required,
        fewer_items,
        newly_long,
        newly_short,
        newly_a_pattern,
        newly_a_range,
    ],
)
def test_a_declaration_that_refuses_more_is_named(change: Callable[[FileDescriptorSet], str]) -> None:
    """By its full name and what became of it; nothing else is."""
    now = contract()
    line = change(now)
    assert broken(contract(), now) == [line]


def test_a_range_that_grows_breaks_nobody_and_one_that_shrinks_does() -> None:
    """Of both ends."""
    before, wider, narrower = contract(), contract(), contract()
    for files, ends in ((before, (1, 9)), (wider, (0, 10)), (narrower, (2, 9))):
        limits = field(files, PURPOSE).limits
        limits.gte, limits.lte = ends
    assert broken(before, wider) == []
    assert broken(before, narrower) == [f"{PURPOSE}: the range was wider"]


def test_what_is_loosened_breaks_nobody() -> None:
    """Longer texts, more items, nothing required any more."""
    now = contract()
    for name in (IDENTIFIERS, SHA256, PURPOSE):
        field(now, name).limits.Clear()
    assert broken(contract(), now) == []


def test_what_is_new_breaks_nobody() -> None:
    """A method and a field that callers do not know."""
    before = contract()
    for file in before.file:
        for kind in [*file.message_type]:
            del kind.field[:1]
        for service in file.service:
            del service.method[:1]
    assert broken(before, contract()) == []


def test_the_contract_breaks_nobody_who_has_the_baseline() -> None:
    """As ``make lint`` says it; the baseline is of the contract and not empty."""
    baseline = FileDescriptorSet.FromString(BASELINE.read_bytes())
    assert broken(baseline, contract()) == []
    names = {file.name for file in baseline.file}
    assert {module.DESCRIPTOR.name for module in MODULES} & names
    assert all(isinstance(file, FileDescriptorProto) for file in baseline.file)
