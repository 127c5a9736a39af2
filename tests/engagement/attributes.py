"""Values to test with, and a store in memory that does what a store must, in the plainest way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engagement.attributes import VALUES_MAX, About, Attribute, Value
from engagement.declaration import Declaration
from engagement.errors import TooManyAnswers
from engagement.event import Party, use_mask
from identity.ids import SubjectId
from tests.engagement.events import NOW_MS, subject

_Key = tuple[SubjectId, str, int, int]


def value(attribute: Attribute = Attribute.LANGUAGE, text: str = "de", **changed: Any) -> Value:
    """What a shop observed a moment ago; allowed for every purpose."""
    observed = Value(
        subject=subject(1),
        dependent="",
        attribute=attribute,
        party=Party.FIRST,
        value=text,
        corrected=0,
        origin="till",
        agreement="",
        observed_at_ms=NOW_MS,
        expires_at_ms=None,
        recorded_at_ms=NOW_MS,
        uses=use_mask(range(64)),
    )
    return observed._replace(**changed)


class MemoryAttributeStore:
    """All values in one dictionary."""

    def __init__(self) -> None:
        self._values: dict[_Key, Value] = {}

    async def record(self, values: Sequence[Value]) -> int:
        """Keeps what is not older than what is held."""
        after, recorded = dict(self._values), 0
        for value in values:
            key = (value.subject, *value.about, value.party)
            if key not in after or after[key].observed_at_ms <= value.observed_at_ms:
                after[key] = value
                recorded += 1
        for one in {value.subject for value in values}:
            if sum(key[0] == one for key in after) > VALUES_MAX:
                raise TooManyAnswers
        self._values = after
        return recorded

    async def values(self, subjects: Sequence[SubjectId]) -> Sequence[Value]:
        """In the order of the subjects, then of the things."""
        return [self._values[key] for one in subjects for key in sorted(self._values) if key[0] == one]

    async def declare(self, declaration: Declaration) -> tuple[int, int]:
        """Takes back, then says; how many things each."""
        profile = declaration.profile
        gone: set[About] = set()
        for key, held in list(self._values.items()):
            theirs = held.subject == declaration.subject or held.subject in declaration.others
            taken_back = held.party == Party.ZERO and held.about in profile.withdrawn
            if theirs and (taken_back or held.dependent in profile.dependents):
                del self._values[key]
                gone.add(held.about)
        answered = 0
        for said in profile.values:
            before = self._values.get((said.subject, *said.about, said.party))
            same = before and (before.value, before.corrected) == (said.value, said.corrected)
            answered += not same
        await self.record(profile.values)
        return answered, len(gone)
