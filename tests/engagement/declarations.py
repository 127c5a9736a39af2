"""Answers to test with, and a store in memory that does what a store must, in the plainest way."""

from __future__ import annotations

from collections.abc import Sequence

from engagement.declaration import Declaration
from engagement.declared import ANSWERS_MAX, AgeBand, Answer, Thing, Topic
from engagement.errors import RequestIdReused, TooManyAnswers
from engagement.event import use_mask
from engagement.store import Declared, DeclareRequest, Recorded
from identity.ids import SubjectId
from tests.engagement.attributes import MemoryAttributeStore
from tests.engagement.events import NOW_MS, MemoryEventStore, subject


def likes(name: str = "tea", value: int = 2, **changed: object) -> Answer:
    """An answer of somebody who likes a category; allowed for every purpose."""
    answer = Answer(subject(1), Topic.CATEGORY, name, value, "quiz", NOW_MS, use_mask(range(64)))
    return answer._replace(**changed)


def aged(band: AgeBand, **changed: object) -> Answer:
    """An age band."""
    return likes("", int(band), topic=Topic.AGE_BAND, **changed)


def declare_request(key: str = "r1", content: str = "", now_ms: int = NOW_MS) -> DeclareRequest:
    """What makes a declaration repeatable."""
    return DeclareRequest(key.encode().ljust(16, b"."), content.encode(), now_ms)


class MemoryDeclaredStore:
    """All answers in one dictionary; its news go through the events' outbox."""

    def __init__(self, events: MemoryEventStore, attributes: MemoryAttributeStore | None = None) -> None:
        self._events = events
        self._attributes = attributes or MemoryAttributeStore()
        self._answers: dict[tuple[SubjectId, Thing], Answer] = {}
        self._requests: dict[bytes, tuple[bytes, Recorded]] = {}

    async def declare(self, request: DeclareRequest, declaration: Declaration) -> Recorded:
        """Replaces, withdraws, and tells."""
        if request.key in self._requests:
            digest, first = self._requests[request.key]
            if digest != request.digest:
                raise RequestIdReused
            return first
        who, before = declaration.subject, dict(self._answers)
        said = {(who, answer.thing): answer for answer in declaration.answers}
        after = before | said
        gone = set()
        for one, thing in before:
            back = declaration.replace_all or thing in declaration.withdrawn
            theirs = one == who or (one in declaration.others and thing.topic != Topic.AGE_BAND)
            if theirs and back and (who, thing) not in said:
                del after[one, thing]
                gone.add(thing)
        if sum(one == who for one, _ in after) > ANSWERS_MAX:
            raise TooManyAnswers
        changed = [key for key in said if key not in before or before[key].value != said[key].value]
        self._answers = after
        for one in {one for one, _ in {*said, *(before.keys() - after.keys())}}:
            self._events.tell(Declared(one, tuple(await self.declared([one]))))
        answered, withdrawn = await self._attributes.declare(declaration)
        seq = await self._events.last_seq()
        recorded = Recorded(len(changed) + answered, len(gone) + withdrawn, seq)
        self._requests[request.key] = request.digest, recorded
        return recorded

    async def declared(self, subjects: Sequence[SubjectId]) -> Sequence[Answer]:
        """In the order of the subjects, then of the things."""
        return [self._answers[key] for one in subjects for key in sorted(self._answers) if key[0] == one]
