"""What requests for definitions give, and what they are answered with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from engagement.applying import Applied, Standing
from engagement.content import Lint
from engagement.definition import (
    Catalogue,
    Definition,
    Fault,
    catalogue_of,
    definition_reads,
)
from engagement.play import State
from services.engagement.definition_messages import DefinitionMalformed, definition_of
from services.engagement.definition_versions import message_of, version_of
from services.errors import InvalidRequest
from services.storage.definitions import Kept, Placed
from veilgraph.engagement.v1 import definition_pb2

_PAGE_SIZE_DEFAULT = 100
_PAGE_BYTES_MAX = 1 << 20


class GivenDefinition(NamedTuple):
    """A definition, its place in the request, and what it says as the contract has it."""

    place: int
    definition: Definition
    content: bytes


class Given(NamedTuple):
    """What a request gives: definitions, and what is wrong with those that are none."""

    definitions: Sequence[GivenDefinition]
    faults: Sequence[definition_pb2.DefinitionFault]


def read(messages: Sequence[definition_pb2.Definition]) -> Given:
    """The definitions of a request."""
    given, faults = [], []
    for index, message in enumerate(messages):
        try:
            content = message.SerializeToString(deterministic=True)
            given.append(GivenDefinition(index, definition_of(message), content))
        except DefinitionMalformed as error:
            faults.append(_fault(error.fault, index))
    return Given(given, faults)


def answer_of(judged: Sequence[Applied], given: Given, revision: int) -> definition_pb2.ApplyResponse:
    """What would become of definitions, nothing of it kept."""
    both = list(zip(given.definitions, judged, strict=True))
    wrong = [_fault(fault, one.place) for one, applied in both for fault in applied.faults]
    return definition_pb2.ApplyResponse(
        definitions=[_applied(one, applied) for one, applied in both],
        faults=[*given.faults, *wrong],
        revision=revision,
    )


def page_of(
    request: definition_pb2.DescribeRequest, kept: Kept, standing: Standing, lint: Lint
) -> definition_pb2.DescribeResponse:
    """A page of versions.

    Args:
        request: says which.
        kept: the versions to be chosen from, in order.
        standing: everything that is kept, for what a play reads by its segment and templates.
        lint: looks at the texts of templates.

    Raises:
        InvalidRequest: the token is none.
    """
    after = _mark(request.page_token)
    wanted = [
        one
        for one in kept.versions
        if (not request.kind or one.kept.kind == request.kind)
        and (not request.id or one.kept.id == request.id)
        and (after is None or _place(one) > after)
    ]
    size = _page_size(wanted, request.page_size or _PAGE_SIZE_DEFAULT)
    newest = (one.as_body for one in standing.newest.values() if one.state is not State.RETIRED)
    beside = catalogue_of(newest)
    token = _token(wanted[size - 1]) if len(wanted) > size else ""
    return definition_pb2.DescribeResponse(
        definitions=[_described(one, beside, lint) for one in wanted[:size]],
        next_page_token=token,
        revision=kept.revision,
    )


def _page_size(wanted: Sequence[Placed], asked: int) -> int:
    """How many versions fit on a page; at least one does."""
    sizes = accumulate(len(one.kept.content) for one in wanted[:asked])
    return max(1, sum(size <= _PAGE_BYTES_MAX for size in sizes))


def _applied(given: GivenDefinition, applied: Applied) -> definition_pb2.AppliedDefinition:
    kind, name = given.definition.name
    message = definition_pb2.AppliedDefinition(
        kind=int(kind),  # type: ignore[arg-type]
        id=name,
        fields_read=sorted(applied.reads),
        purposes=sorted(applied.purposes),
        warnings=[_fault(fault, given.place) for fault in applied.warnings],
    )
    if applied.moved is not None:
        version = applied.moved.version
        message.version, message.changed = version.number, applied.moved.changed
        message.state = int(version.state)  # type: ignore[assignment]
        message.awaits_approval = version.awaits_approval
    return message


def _fault(fault: Fault, index: int) -> definition_pb2.DefinitionFault:
    path = f"definitions[{index}].{fault.path}".rstrip(".")
    return definition_pb2.DefinitionFault(field=path, reason=fault.reason, text=fault.text)


def _described(one: Placed, beside: Catalogue, lint: Lint) -> definition_pb2.KeptDefinition:
    kept = one.kept
    message = definition_pb2.KeptDefinition(
        definition=message_of(kept),
        version=kept.version,
        state=kept.state,  # type: ignore[arg-type]
        in_force=kept.version == one.in_force,
        applied_by=kept.applied_by,
        approved_by=kept.approved_by or "",
        fields_read=sorted(definition_reads(version_of(kept).definition, beside, lint)),
    )
    message.applied_at.FromMilliseconds(kept.applied_at_ms)
    if kept.approved_at_ms is not None:
        message.approved_at.FromMilliseconds(kept.approved_at_ms)
    return message


def _place(one: Placed) -> tuple[int, str, int]:
    """Where a version stands among all: by kind and id, the newest first."""
    return one.kept.kind, one.kept.id, -one.kept.version


def _token(one: Placed) -> str:
    return f"{one.kept.kind}/{one.kept.version}/{one.kept.id}"


def _mark(token: str) -> tuple[int, str, int] | None:
    if not token:
        return None
    kind, _, rest = token.partition("/")
    version, _, name = rest.partition("/")
    if not (kind.isascii() and kind.isdigit() and version.isascii() and version.isdigit()):
        raise InvalidRequest("PAGE_TOKEN_INVALID", field="page_token")
    return int(kind), name, -int(version)
