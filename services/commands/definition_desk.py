"""The operator's commands for definitions: thin calls of a running engagement service, and how they read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf import json_format
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.commands.desk import Desk
from services.engagement.definition_files import Written
from services.tls.credentials import Secured
from veilgraph.engagement.v1 import definition_pb2, definition_pb2_grpc

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


class DefinitionDesk(Desk):
    """Asks what needs the scopes ``definition.write``, ``definition.read`` and ``definition.approve``."""

    def __init__(self, address: str, token: str, secured: Secured | None = None) -> None:
        """See ``Desk``."""
        super().__init__(address, token, secured)
        self._stub = definition_pb2_grpc.DefinitionServiceStub(self.channel)  # type: ignore[no-untyped-call]

    def apply(
        self, definitions: Sequence[definition_pb2.Definition], request_id: str, *, dry_run: bool
    ) -> definition_pb2.ApplyResponse:
        """Applies definitions, or asks what would become of them.

        Raises:
            VeilgraphError: the service refused, or can not be reached.
        """
        request = definition_pb2.ApplyRequest(definitions=definitions, request_id=request_id, dry_run=dry_run)
        answer: definition_pb2.ApplyResponse = self.ask(self._stub.Apply, request)
        return answer

    def kept(self, **asked: Any) -> Iterator[definition_pb2.KeptDefinition]:
        """What is kept, page by page; errors as of ``apply``.

        Args:
            asked: fields of ``DescribeRequest``.
        """
        token = ""
        while True:
            request = definition_pb2.DescribeRequest(**asked, page_token=token)
            answer = self.ask(self._stub.Describe, request)
            yield from answer.definitions
            token = answer.next_page_token
            if not token:
                return

    def approve(self, kind: int, name: str, version: int, request_id: str) -> str:
        """Approves a version; the state it is in. Errors as of ``apply``."""
        named = definition_pb2.DefinitionVersion(kind=kind, id=name, version=version)  # type: ignore[arg-type]
        request = definition_pb2.ApproveRequest(versions=[named], request_id=request_id)
        return state_name(self.ask(self._stub.Approve, request).states[0])


def kind_name(kind: int) -> str:
    """A kind as commands say it, e.g. "play"."""
    return definition_pb2.DefinitionKind.Name(kind).removeprefix("DEFINITION_KIND_").lower()


def state_name(state: int) -> str:
    """A state as files say it, e.g. "LIVE"."""
    return definition_pb2.DefinitionState.Name(state).removeprefix("DEFINITION_STATE_")


def shown_answer(answer: definition_pb2.ApplyResponse) -> Table:
    """What became of definitions, a line each."""
    table = Table("kind", "id", "version", "state", "", "reads", "purposes", box=None, pad_edge=False)
    for one in answer.definitions:
        state = state_name(one.state) if one.state else "-"
        table.add_row(
            kind_name(one.kind),
            one.id or "-",
            str(one.version or "-"),
            f"{state}, LIVE once approved" if one.awaits_approval else state,
            "changed" if one.changed else "as it was",
            ", ".join(one.fields_read) or "-",
            ", ".join(one.purposes) or "-",
        )
    return table


def shown_kept(kept: Sequence[definition_pb2.KeptDefinition]) -> Table:
    """What is kept, a line a version."""
    table = Table(
        "kind",
        "id",
        "version",
        "state",
        "in force",
        "applied by",
        "approved by",
        "reads",
        box=None,
        pad_edge=False,
    )
    for one in kept:
        kind, name = named(one.definition)
        table.add_row(
            kind,
            name or "-",
            str(one.version),
            state_name(one.state),
            "yes" if one.in_force else "no",
            one.applied_by,
            one.approved_by or "-",
            ", ".join(one.fields_read) or "-",
        )
    return table


def show_faults(
    faults: Sequence[definition_pb2.DefinitionFault],
    written: Sequence[Written],
    console: Console,
    colour: str,
) -> None:
    """Says what is wrong or odd, each where it stands in its file."""
    for fault in faults:
        line = Text(f"{place_of(fault.field, written)}: {fault.text} ")
        line.append(fault.reason, style=colour)
        console.print(line, soft_wrap=True)


def place_of(field: str, written: Sequence[Written]) -> str:
    """Where a field of a request stands in its file; the field itself where it stands in none."""
    index, bracket, path = field.removeprefix("definitions[").partition("]")
    if (
        not field.startswith("definitions[")
        or not bracket
        or not index.isdigit()
        or int(index) >= len(written)
    ):
        return field
    return written[int(index)].place_of(path.lstrip("."))


def named(definition: definition_pb2.Definition) -> tuple[str, str]:
    """Kind and id of a definition."""
    kind = definition.WhichOneof("declares") or ""
    return kind, getattr(getattr(definition, kind), f"{kind}_id", "")


def difference(
    before: Mapping[tuple[str, str], definition_pb2.Definition], now: Sequence[Written]
) -> Iterator[Text]:
    """What would be other than it is, as lines that are gone and lines that are new."""
    for one in now:
        name = named(one.message)
        old = _lines(before[name]) if name in before else []
        for line in difflib.unified_diff(
            old, _lines(one.message), "/".join(name), str(one.file), lineterm="", n=1
        ):
            yield Text(line, style=_COLOURS.get(line[0], ""))


def _lines(definition: definition_pb2.Definition) -> list[str]:
    return json_format.MessageToJson(
        definition, preserving_proto_field_name=True, ensure_ascii=False
    ).splitlines()
