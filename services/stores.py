"""What every store that keeps something about people can be asked: count, export, erase.

A store is complete: whatever it keeps about a birth subject, in a file or in memory, stands
under one of its kinds. Erasing has two phases, because a key that is destroyed can not be
asked what it opened: first the data everywhere, then the keys, last. Both are repeatable:
the same erasure asked again gets the same answer and changes nothing more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias

from identity.ids import SubjectId

#: The kind of what a store's audit records say others were told; not counted, for it is no more
#: than what the records open to whoever has the key, and erased with the key.
DISCLOSURE = "disclosure"
#: What an exported value is made of; anything JSON can say.
Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


class Phase(Enum):
    """What an erasure takes away, in this order."""

    #: Only if the person asks: refusals of marketing and sharing are kept for their identifiers.
    SUPPRESS = "suppress"
    DATA = "data"
    KEYS = "keys"


@dataclass(frozen=True, slots=True)
class ExportedValue:
    """One thing a store keeps about a birth subject, or has concluded about it.

    Attributes:
        store: name of the store.
        kind: what it is, e.g. "event" or "consent record"; the kinds of ``count``.
        subject: the birth subject it hangs on.
        value: what is kept, by the names of its fields; never a secret of the deployment.
        source: the system it comes from, e.g. "till"; of an inference what it is drawn from.
        party: whose data it is, as ``engagement.v1.Party`` names it; empty if it is the suite's own.
        observed_at_ms: when it happened; ``None`` when it is not about an instant.
        recorded_at_ms: when the suite took it in; ``None`` when that is not kept.
        purposes: leaves of the policy it may be used for; empty when it is not limited so.
        inferred: concluded by the suite, told by nobody.
    """

    store: str
    kind: str
    subject: SubjectId
    value: Mapping[str, Json]
    source: str
    party: str
    observed_at_ms: int | None
    recorded_at_ms: int | None
    purposes: tuple[str, ...] = ()
    inferred: bool = False

    def __repr__(self) -> str:
        return f"ExportedValue({self.store}, {self.kind}, …)"


@dataclass(frozen=True, slots=True)
class Kept:
    """What an erasure leaves behind of one kind, without the person.

    Attributes:
        count: how many.
        until_ms: when the last of them goes; ``None`` if that has no date.
        why: the reason, a word or two.
    """

    count: int
    until_ms: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Erased:
    """What one phase of an erasure took away; the same however often it is asked for.

    Attributes:
        counts: by kind.
        keys: ids of the destroyed keys; of the phase ``KEYS`` only.
        kept: by kind what stays, and why.
    """

    counts: Mapping[str, int]
    keys: tuple[str, ...] = ()
    kept: Mapping[str, Kept] = field(default_factory=dict)


class StoreDown(RuntimeError):  # noqa: N818 - named after what it says
    """A store can not answer now; it may have done what it was asked, and is to be asked again."""


class PersonalStore(Protocol):
    """A store of a service as rights and erasure see it. Subjects are birth subjects, never components."""

    @property
    def name(self) -> str:
        """Unique in the deployment, e.g. "engagement"."""

    async def count(self, subjects: Collection[SubjectId]) -> Mapping[str, int]:
        """How many things of each kind are kept about the subjects; kinds without any are left out."""

    def export(self, subjects: Collection[SubjectId]) -> AsyncIterator[ExportedValue]:
        """Everything kept about the subjects, oldest first within a kind, inferences last."""

    async def erase(self, subjects: Collection[SubjectId], erasure_id: str, phase: Phase) -> Erased:
        """Takes away what is kept about the subjects and remembers not to take it in again.

        When it returns, no file and no memory of the store holds anything of them that the
        answer does not name as kept, and nothing learned from them is in use.

        Args:
            subjects: whom to erase; those without data are remembered too.
            erasure_id: names the erasure; asked again under it, the first answer is given.
            phase: which part.

        Raises:
            StoreDown: it can not answer now.
        """
