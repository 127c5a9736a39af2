"""The ports between the parts: what one service asks of another, and nothing else.

Each port is an object of this process where its giver runs here, and a client of the giver
where it does not; whoever uses it can not tell. All begin as clients, and a part that runs here
puts its own in their place; a port is looked up when it is used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from consent.component import GraphStep
from identity.ids import SubjectId
from recommender.declared import DeclaredBy
from recommender.projection import ProjectedEvent
from services.consent.signals import Signals
from services.feed import Source
from services.storage.audit import AuditBatch
from services.stores import PersonalStore

if TYPE_CHECKING:
    from services.rights.erasure import Erasures


class EventNews(NamedTuple):
    """What the recommender is told of one commit of engagement; position ``seq`` in its outbox."""

    seq: int
    events: tuple[ProjectedEvent, ...]
    declared: tuple[DeclaredBy, ...] = ()


class PartitionNews(NamedTuple):
    """The news of one partition of engagement's outbox, as of one commit at the place they reach."""

    head: int
    news: EventNews


#: The news beyond a cursor of the birth subjects of a partition; waits for engagement, never for news.
ReadEvents = Callable[[int, int], Awaitable[PartitionNews]]
#: The exclusive items open now to the person of some birth subjects; nothing when nobody can say.
OpenItems = Callable[[Collection[SubjectId]], Awaitable[Collection[str]]]
#: Waits until the guard tables everywhere have taken in identity's sequence up to here; gives the epoch.
Barrier = Callable[[int], Awaitable[int]]
#: Waits until every process that decides holds the key ring of a revision.
KeyBarrier = Callable[[int], Awaitable[None]]


@dataclass(slots=True)
class Links:
    """The ports of a deployment.

    Attributes:
        audit: every service gives its own by its name, consent seals them all.
        graph: identity gives it, consent reads it.
        events: engagement gives it, the recommender reads it.
        read_events: likewise, where news are announced partition by partition.
        open_items: engagement gives it, the recommender asks.
        barrier: consent gives it, identity waits at it.
        key_barrier: likewise, after a change of keys.
        signals: consent gives it, every chain records through it.
        erasures: consent gives it, to itself.
        stores: every service's store of personal data, in the order they are shown; each part gives
            its own under its name, consent asks them all for erasure and access.
    """

    audit: dict[str, Source[AuditBatch]]
    graph: Source[GraphStep]
    events: Source[EventNews]
    read_events: ReadEvents
    open_items: OpenItems
    barrier: Barrier
    key_barrier: KeyBarrier
    signals: Signals
    stores: dict[str, PersonalStore]
    erasures: Erasures = field(init=False)
