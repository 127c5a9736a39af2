"""DefinitionService: takes definitions, shows them, and brings them into force.

What is taken is judged beside all that is kept, at the revision it was read at; if something else was
kept meanwhile it is judged again. Of the definitions of a request all are kept or none.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engagement.applying import Moved, apply, approve, too_many
from engagement.definition import Author, Kind, Name
from engagement.errors import DefinitionRefused, TooManyDefinitions
from engagement.event import event_key_of
from services.engagement.definition_answers import Given, answer_of, page_of, read
from services.engagement.definition_versions import kept_of, standing_of
from services.engagement.in_force import InForce
from services.engagement.templates import lint
from services.interceptors.call import Call
from services.storage.definitions import Change, DefinitionRequest, DefinitionTables, Kept, Placed
from veilgraph.engagement.v1 import definition_pb2, definition_pb2_grpc

_APPLY, _APPROVE = "apply ", "approve "


@dataclass(frozen=True, slots=True)
class _Made:
    """What a request makes of what is kept, and what it is answered with."""

    versions: Sequence[Placed]
    answer: Any


class DefinitionServicer(definition_pb2_grpc.DefinitionServiceServicer):
    """``veilgraph.engagement.v1.DefinitionService``."""

    def __init__(self, tables: DefinitionTables, in_force: InForce, most: int) -> None:
        """Makes the servicer; what it brings into force is in ``in_force`` when it answers.

        Args:
            tables: keeps definitions.
            in_force: those that decide in this process.
            most: so many are kept that are not retired.
        """
        self._tables = tables
        self._in_force = in_force
        self._most = most

    async def Apply(self, request: definition_pb2.ApplyRequest, call: Call) -> definition_pb2.ApplyResponse:
        """Keeps definitions, or says what would become of them."""
        given, author = read(request.definitions), _author(call)
        if request.dry_run:
            judged = await asyncio.to_thread(self._judged, await self._tables.current(), given, author)
            answer: definition_pb2.ApplyResponse = judged.answer
            return answer
        repeatable = _repeatable(_APPLY, request, call)
        said = await self._kept(repeatable, lambda kept: _taken(self._judged(kept, given, author)), call)
        return definition_pb2.ApplyResponse.FromString(said)

    async def Describe(
        self,
        request: definition_pb2.DescribeRequest,
        call: Call,  # noqa: ARG002 - the guard has judged the caller
    ) -> definition_pb2.DescribeResponse:
        """A page of what is kept."""
        current = await self._tables.current()
        one = request.all_versions and request.kind
        kept = await self._tables.versions(request.kind, request.id) if one else current
        return page_of(request, kept, standing_of(current), lint)

    async def Approve(
        self, request: definition_pb2.ApproveRequest, call: Call
    ) -> definition_pb2.ApproveResponse:
        """Approves versions; those that are asked to be LIVE are in force when it answers."""
        versions, author = (
            [(Name(Kind(one.kind), one.id), one.version) for one in request.versions],
            _author(call),
        )

        def made(kept: Kept) -> _Made:
            moved = approve(standing_of(kept), versions, author, lint)
            states = [definition_pb2.DefinitionState.Name(one.version.state) for one in moved]
            changes = [one for one in moved if one.changed]
            answer = definition_pb2.ApproveResponse(states=states, revision=kept.revision + bool(changes))
            return _Made(_placed(changes, _contents(kept)), answer)

        said = await self._kept(_repeatable(_APPROVE, request, call), made, call)
        return definition_pb2.ApproveResponse.FromString(said)

    def _judged(self, kept: Kept, given: Given, author: Author) -> _Made:
        """What would become of definitions.

        Raises:
            TooManyDefinitions: with them there would be.
        """
        standing, definitions = standing_of(kept), [one.definition for one in given.definitions]
        beyond = too_many(standing, definitions, self._most)
        if beyond is not None:
            raise TooManyDefinitions(field=f"definitions[{given.definitions[beyond].place}]")
        judged = apply(standing, definitions, author, lint)
        changes = [one.moved for one in judged if one.moved is not None and one.moved.changed]
        contents = {one.definition.name: one.content for one in given.definitions}
        return _Made(_placed(changes, contents), answer_of(judged, given, kept.revision))

    async def _kept(self, repeatable: DefinitionRequest, make: Callable[[Kept], _Made], call: Call) -> bytes:
        """Keeps what is made of what is kept; returns the answer, of a repeat the one it had before."""
        said = await self._tables.answered(repeatable)
        while said is None:
            kept = await self._tables.current()
            made = await asyncio.to_thread(make, kept)  # it takes as long as many decisions
            change = Change(kept.revision, made.versions, made.answer.SerializeToString())
            said = await self._tables.keep(repeatable, change)
        call.durable = True
        await self._in_force.refresh()
        return said


def _taken(made: _Made) -> _Made:
    """The same, kept.

    Raises:
        DefinitionRefused: something is wrong with them.
    """
    if made.answer.faults:
        raise DefinitionRefused(field=made.answer.faults[0].field)
    made.answer.applied = True
    made.answer.revision += bool(made.versions)
    return made


def _placed(changes: Sequence[Moved], contents: Mapping[Name, bytes]) -> list[Placed]:
    return [kept_of(one.version, contents[one.version.definition.name], one.in_force) for one in changes]


def _contents(kept: Kept) -> dict[Name, bytes]:
    """What the newest version of each definition says."""
    return {
        Name(Kind(one.kept.kind), one.kept.id): one.kept.content
        for one in kept.versions
        if one.kept.version == one.newest
    }


def _author(call: Call) -> Author:
    assert call.caller is not None  # noqa: S101 - authentication ran before every handler
    return Author(call.caller.id, call.now_ms)


def _repeatable(what: str, request: Any, call: Call) -> DefinitionRequest:
    assert call.caller is not None  # noqa: S101 - authentication ran before every handler
    key = event_key_of(call.tenant, call.caller.id)(what + request.request_id)
    digest = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
    return DefinitionRequest(key, digest, call.now_ms)
