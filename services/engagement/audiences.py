"""AudienceService: how many people something holds of, and who they are.

What is asked is checked as a segment is when it is taken: it reads only what its purpose may read, and
nothing of a call. A count looks at everybody who permits the purpose at that moment and tells nothing of
one of them (``engagement.audience``). A page names people: whatever was read to find one of them, of each
of their linked subjects, the guard asks for again before it leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from consent.policy import Policy
from engagement.audience import Given, Tally, answer
from engagement.condition import Condition
from engagement.condition_check import condition_faults
from engagement.definition import Kind
from engagement.errors import DefinitionUnknown
from engagement.evaluate import fields_read, holds
from engagement.event import use_mask
from engagement.facts import Facts
from engagement.facts_of import Asked as Read
from engagement.facts_of import facts_of
from engagement.fields import CALL_PREFIX
from engagement.portrait import Mark, PageTokens, page_scope
from engagement.store import KnownStore, Window
from identity.ids import SubjectId
from services.engagement.definition_messages import DefinitionMalformed, condition_of
from services.engagement.definition_versions import message_of
from services.engagement.knowing import EVENTS_MAX, WINDOW_DAYS, has_all_events
from services.engagement.reads import NoteReads, uncounted
from services.errors import InvalidRequest
from services.interceptors.call import Call
from services.storage.audiences import BEGINNING, Asked, AudienceTables
from services.storage.definitions import DefinitionTables
from veilgraph.engagement.v1 import audience_pb2, audience_pb2_grpc, definition_pb2

PAGE_SIZE_DEFAULT = 500
#: People looked at together: some milliseconds of the loop; and for one page of a list.
PORTION, LOOKED_AT_MAX = 100, 2_000
_DAY_MS = 86_400_000
_HALF = 8


class Wanted(NamedTuple):
    """What is asked for: a purpose and a condition, as it is and as the contract has it."""

    leaf: str
    condition: Condition
    message: definition_pb2.Condition

    @property
    def packed(self) -> bytes:
        """The condition as it is kept."""
        return bytes(self.message.SerializeToString(deterministic=True))

    @property
    def digest(self) -> bytes:
        """What tells the question from every other."""
        return hashlib.sha256(f"{self.leaf}\n".encode() + self.packed).digest()


class Met(NamedTuple):
    """Somebody who was met on a walk.

    Attributes:
        subject: under which.
        members: whose data was read.
        facts: what is known of them.
        asked: what else of them was asked for it, by subject and bit position of a purpose, and the answer.
    """

    subject: SubjectId
    members: tuple[SubjectId, ...]
    facts: Facts
    asked: Mapping[tuple[SubjectId, int], bool]


class AudienceServicer(audience_pb2_grpc.AudienceServiceServicer):
    """``veilgraph.engagement.v1.AudienceService``."""

    def __init__(
        self,
        *,
        tables: AudienceTables,
        known: KnownStore,
        definitions: DefinitionTables,
        policy: Policy,
        page_tokens: PageTokens,
        zone: Callable[[], str],
        note: NoteReads = uncounted,
    ) -> None:
        """Makes the servicer.

        Args:
            tables: answers that were given, and who is known.
            known: what is known of them.
            definitions: segments among them.
            policy: names the purposes.
            page_tokens: seals where a page ends.
            zone: says the time zone of whoever told none.
            note: counts which fields are read.
        """
        self._tables = tables
        self._known = known
        self._definitions = definitions
        self._policy = policy
        self._page_tokens = page_tokens
        self._zone = zone
        self._note = note

    async def CountAudience(
        self, request: audience_pb2.CountAudienceRequest, call: Call
    ) -> audience_pb2.CountAudienceResponse:
        """A number of people that says nothing about one of them."""
        assert call.caller is not None  # noqa: S101 - authentication ran before
        wanted = await self._wanted(request, call)
        asked = Asked(call.caller.id, wanted.leaf, wanted.digest, wanted.packed, call.now_ms)
        earlier = await self._tables.ask(asked)
        for one in earlier:  # the same all day, whoever comes and goes meanwhile
            if (
                one.given.question == asked.question
                and one.counted_at_ms // _DAY_MS == call.now_ms // _DAY_MS
            ):
                return _count(one.given)
        before = [_condition(one.condition) for one in earlier]
        tally = Tally(len(before))
        async for facts in self._everybody(call, wanted.leaf):
            tally.count(
                meant=holds(wanted.condition, facts),
                earlier=[holds(condition, facts) for condition in before],
            )
        given = answer(asked.question, tally, [one.given for one in earlier])
        return _count(await self._tables.keep(asked, given))

    async def ListAudience(
        self, request: audience_pb2.ListAudienceRequest, call: Call
    ) -> audience_pb2.ListAudienceResponse:
        """A page of people."""
        assert call.caller is not None  # noqa: S101 - authentication ran before
        wanted = await self._wanted(request, call)
        scope = [*page_scope(call.tenant, call.caller.id, call.purpose, ()), wanted.digest]
        after = (
            _subject(self._page_tokens.open(request.page_token, scope)) if request.page_token else BEGINNING
        )
        limit = request.page_size or PAGE_SIZE_DEFAULT
        found: list[Met] = []
        looked_at = 0
        while len(found) < limit and looked_at < LOOKED_AT_MAX:
            portion = await self._tables.walk(after, PORTION)
            if not portion:
                return _page(found, "", call)
            for met in await self._met(portion, call, wanted.leaf):
                after = met.subject
                if holds(wanted.condition, met.facts):
                    found.append(met)
                if len(found) == limit:
                    break
            else:
                after = portion[-1]
            looked_at += len(portion)
        return _page(found, self._page_tokens.seal(_mark(after), scope), call)

    async def _wanted(self, request: Any, call: Call) -> Wanted:
        leaf = self._policy.leaves[call.purpose]
        match request.WhichOneof("audience"):
            case "segment_id":
                message = await self._segment(request.segment_id, request.for_purpose)
            case "condition":
                message = request.condition
            case _:
                raise InvalidRequest("FIELD_REQUIRED", field="audience")
        try:
            condition = condition_of(message, "condition")
        except DefinitionMalformed as error:
            raise InvalidRequest("CONDITION_REFUSED", field=error.fault.path) from None
        fault = next(iter(condition_faults(condition, leaf, "condition")), None)
        if fault is not None:
            raise InvalidRequest("CONDITION_REFUSED", field=fault.path)
        names = fields_read(condition)
        if any(name.startswith(CALL_PREFIX) for name in names):
            raise InvalidRequest("CONDITION_REFUSED", field="condition")
        self._note(names)
        return Wanted(leaf, condition, message)

    async def _segment(self, segment_id: str, purpose: int) -> definition_pb2.Condition:
        kept = await self._definitions.current()
        for one in kept.versions:
            if one.kept.version == one.in_force and (one.kept.kind, one.kept.id) == (
                Kind.SEGMENT,
                segment_id,
            ):
                segment = message_of(one.kept).segment
                if segment.purpose != purpose:
                    raise InvalidRequest("SEGMENT_OF_OTHER_PURPOSE", field="segment_id")
                return segment.condition
        raise DefinitionUnknown

    async def _everybody(self, call: Call, leaf: str) -> AsyncIterator[Facts]:
        after = BEGINNING
        while portion := await self._tables.walk(after, PORTION):
            for met in await self._met(portion, call, leaf):
                yield met.facts
            after = portion[-1]

    async def _met(self, portion: Sequence[SubjectId], call: Call, leaf: str) -> list[Met]:
        """What is known of the people met in a portion of the walk, each under who was met."""
        members = {subject: call.members_at(subject, call.purpose, call.now_ms) for subject in portion}
        smaller = {one for subject, person in members.items() for one in person if one < subject}
        known = await self._tables.known(smaller) if smaller else set()
        met = [
            subject
            for subject, person in members.items()
            if person and not any(one < subject and one in known for one in person)
        ]
        window = Window(
            use_mask([call.purpose]), call.now_ms - WINDOW_DAYS * _DAY_MS, call.now_ms, EVENTS_MAX
        )
        stored = await self._known.stored([members[subject] for subject in met], window)

        asked: dict[SubjectId, dict[tuple[SubjectId, int], bool]] = {}

        def permits(subject: SubjectId, other: str) -> bool:
            index = self._policy.index(other)
            allowed = call.permits(subject, index, call.now_ms)
            asked.setdefault(subject, {})[subject, index] = allowed
            return allowed

        read = Read(call.purpose, leaf, call.now_ms, self._zone(), permits)
        return [
            Met(
                subject,
                members[subject],
                facts_of(of_one, read, events_known=has_all_events(of_one)),
                {key: allowed for one in members[subject] for key, allowed in asked.get(one, {}).items()},
            )
            for subject, of_one in zip(met, stored, strict=True)
        ]


def _count(given: Given) -> audience_pb2.CountAudienceResponse:
    return audience_pb2.CountAudienceResponse(people=given.people or 0, suppressed=given.people is None)


def _page(found: Sequence[Met], token: str, call: Call) -> audience_pb2.ListAudienceResponse:
    """A page of those who still permit it; all that it rests on is asked for again before it leaves."""
    permitting = call.judge([one.subject for one in found])
    listed = [one for one in found if one.subject in permitting]
    for one in listed:
        call.read[one.subject, call.purpose] = one.members
        call.asked.update(one.asked)
    subjects = [one.subject.hex() for one in listed]
    return audience_pb2.ListAudienceResponse(subjects=subjects, next_page_token=token)


def _condition(packed: bytes) -> Condition:
    return condition_of(definition_pb2.Condition.FromString(packed), "condition")


def _mark(subject: SubjectId) -> Mark:
    high, low = (int.from_bytes(half, "big", signed=True) for half in (subject[:_HALF], subject[_HALF:]))
    return Mark(high, low, 0)


def _subject(mark: Mark) -> SubjectId:
    high, low = (part.to_bytes(_HALF, "big", signed=True) for part in mark[:2])
    return SubjectId(high + low)
