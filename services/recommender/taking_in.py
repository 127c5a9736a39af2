"""What other processes changed in the tables, taken into this one's memory.

Everything is read anew as it is now, and nothing older is put over it. When somebody was forgotten
nobody says who: what is kept in memory of everybody goes, and is read again when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recommender.catalogue import Catalogue
from recommender.entitlements import Entitlements
from recommender.projection import RecommenderProjection
from services.recommender.serving import LiveIndex
from services.storage.entitlements import EntitlementTables
from services.storage.followers import FollowerTables, Kind, News, first_bytes_told, items_told


class TakingIn:
    """Takes news into one recommender's memory."""

    def __init__(
        self,
        *,
        tables: FollowerTables,
        catalogue: Catalogue,
        live: LiveIndex,
        projection: RecommenderProjection,
        lists: EntitlementTables,
        entitlements: Entitlements,
        forgotten: Callable[[int], object],
    ) -> None:
        """Takes nothing in yet.

        Args:
            tables: where the news are from.
            catalogue: what may be recommended.
            live: the index in service.
            projection: what is known of what people did.
            lists: where entitlements are kept.
            entitlements: those in memory.
            forgotten: told the number of the last news of somebody who was forgotten.
        """
        self._tables = tables
        self._catalogue = catalogue
        self._live = live
        self._projection = projection
        self._lists = lists
        self._entitlements = entitlements
        self._forgotten = forgotten

    async def __call__(self, news: Sequence[News]) -> None:
        """Takes news in."""
        numbers, first_bytes = items_told(news), first_bytes_told(news)
        if first_bytes:
            await self._lists.tell_those_with(self._entitlements, first_bytes)
        items = await self._tables.items(numbers) if numbers else []
        # Nobody comes between the items and how far they are.
        self._catalogue.put(items)
        self._catalogue.followed = news[-1].number
        if numbers:
            self._live.items_changed(numbers)
        gone = [one.number for one in news if one.kind is Kind.FORGOTTEN]
        if gone:
            self._projection.forget_everybody()
            self._forgotten(gone[-1])
