"""What engagement asks of a store.

An append and the news of it are one transaction: what was acknowledged is kept and will be
told, what was not acknowledged is either wholly there or wholly absent. The news are in the
order of their commits and never change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engagement.attributes import Value
from engagement.declaration import Declaration
from engagement.declared import Answer
from engagement.event import Event
from engagement.facts_of import Stored
from engagement.portrait import Mark, PortraitPage
from identity.ids import SubjectId


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of one append.

    Attributes:
        recorded: events that are new.
        duplicates: events whose key was there before, in the store or earlier in the append.
        seq: position of its news, or of the latest news before it when nothing was new.
    """

    recorded: int
    duplicates: int
    seq: int


@dataclass(frozen=True, slots=True)
class Declared:
    """All that a birth subject declares, as it stands when it is read."""

    subject: SubjectId
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class EventChange:
    """The news of one commit; position ``seq`` in the outbox.

    Attributes:
        seq: the position.
        events: the events it recorded, in their order.
        declared: what those who declared something in it declare by now. Read later, the news of an
            earlier commit tell what a later one made of it; the last news are always the newest.
    """

    seq: int
    events: tuple[Event, ...]
    declared: tuple[Declared, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclareRequest:
    """Makes a declaration repeatable.

    Attributes:
        key: 16 bytes that stand for the caller and its request id.
        digest: of the content; the same key with another digest is refused.
        now_ms: when.
    """

    key: bytes
    digest: bytes
    now_ms: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a declaration did, or did when the request came first.

    Attributes:
        answered: answers that are new or changed.
        withdrawn: answers that are no more.
        seq: position of its news, or of the latest news before it when nothing changed.
    """

    answered: int
    withdrawn: int
    seq: int


class DeclaredStore(Protocol):
    """Keeps what people say of themselves."""

    async def declare(self, request: DeclareRequest, declaration: Declaration) -> Recorded:
        """Records a declaration and its news in one transaction; durable when it returns.

        Raises:
            RequestIdReused: the key was used with another content.
            TooManyAnswers: more than ``declared.ANSWERS_MAX`` would be kept of the subject.
        """

    async def declared(self, subjects: Sequence[SubjectId]) -> Sequence[Answer]:
        """All answers of some birth subjects."""


class EventStore(Protocol):
    """Keeps events. Times are milliseconds since the epoch."""

    async def append(self, events: Sequence[Event]) -> Appended:
        """Records the events whose keys are new; durable when it returns."""

    async def portrait(
        self, subjects: Sequence[SubjectId], purpose: int, now_ms: int, limit: int, after: Mark | None
    ) -> PortraitPage:
        """A page of the events of some birth subjects that may be used for a purpose at ``now_ms``.

        Args:
            subjects: distinct birth subjects.
            purpose: bit position of the purpose.
            now_ms: expired events are those with ``expires_at_ms <= now_ms``.
            limit: at most this many events, at least 1.
            after: where the page before ended; ``None`` for the first.
        """

    async def changes(self, after: int, limit: int) -> Sequence[EventChange]:
        """Committed news with ``seq > after``, in order.

        At most ``limit``, and fewer when they hold many events; at least one when there is one.
        """

    async def partition_changes(self, after: int, partition: int) -> EventChange:
        """The committed news of one partition's subjects with ``seq > after``, as if of one commit.

        Its ``seq`` is how far the outbox was read: to the end, or as far as their number allows, or
        ``after`` when nothing follows. It may hold nothing.
        """

    async def last_seq(self) -> int:
        """Position of the latest committed news; 0 when there is none."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which events of a person are loaded.

    Attributes:
        uses: only those that may be used for one of the purposes of this mask.
        since_ms: not those that happened before.
        now_ms: not those that have expired by then.
        events_max: the newest, at most so many of each birth subject.
    """

    uses: int
    since_ms: int
    now_ms: int
    events_max: int


class KnownStore(Protocol):
    """Reads all that is stored of people at once."""

    async def stored(self, people: Sequence[Sequence[SubjectId]], window: Window) -> Sequence[Stored]:
        """What is stored of each person: a person is some birth subjects; in the order asked for."""


class AttributeStore(Protocol):
    """Keeps values with where they are from."""

    async def record(self, values: Sequence[Value]) -> int:
        """Records values of parties other than the person; how many were new; durable when it returns.

        One that was observed before what is held from the same party changes nothing.

        Raises:
            TooManyAnswers: more than ``attributes.VALUES_MAX`` would be kept of a subject.
        """

    async def values(self, subjects: Sequence[SubjectId]) -> Sequence[Value]:
        """All values of some birth subjects."""
