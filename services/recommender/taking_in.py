"""What other processes changed in the tables, taken into this one's memory.

Everything is read anew as it is now, and nothing older is put over it. When somebody was forgotten
nobody says who: what is kept in memory of everybody goes, and is read again when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from recommender.catalogue import Catalogue
from recommender.entitlements import Entitlements
from recommender.projection import RecommenderProjection
from services.recommender.serving import LiveIndex
from services.storage.entitlements import EntitlementTables
from services.storage.followers import FollowerTables, Kind, News, first_bytes_told, items_told


@dataclass(frozen=True, slots=True)
class Memory:
    """What one process answers from.

    Attributes:
        catalogue: what may be recommended.
        live: the index in service.
        projection: what is known of what people did.
        lists: where entitlements are kept.
        entitlements: those in memory.
    """

    catalogue: Catalogue
    live: LiveIndex
    projection: RecommenderProjection
    lists: EntitlementTables
    entitlements: Entitlements


class TakingIn:
    """Takes news into one recommender's memory."""

    def __init__(
        self, tables: FollowerTables, memory: Memory, told: Callable[[Mapping[Kind, int]], object]
    ) -> None:
        """Takes nothing in yet.

        Args:
            tables: where the news are from.
            memory: where they go.
            told: told the number of the last news of each kind that came.
        """
        self._tables = tables
        self._memory = memory
        self._told = told

    async def __call__(self, news: Sequence[News]) -> None:
        """Takes news in."""
        memory = self._memory
        numbers, first_bytes = items_told(news), first_bytes_told(news)
        if first_bytes:
            await memory.lists.tell_those_with(memory.entitlements, first_bytes)
        items = await self._tables.items(numbers) if numbers else []
        # Nobody comes between the items and how far they are.
        memory.catalogue.put(items)
        memory.catalogue.followed = news[-1].number
        if numbers:
            memory.live.items_changed(numbers)
        kinds = {one.kind: one.number for one in news}
        if Kind.FORGOTTEN in kinds:
            memory.projection.forget_everybody()
        self._told(kinds)
