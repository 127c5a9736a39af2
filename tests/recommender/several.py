"""Processes that share a recommender's tables, in one test process; each follows when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from identity.ids import SubjectId
from recommender.catalogue import Catalogue
from recommender.entitlements import Entitlement, Entitlements, Place
from recommender.projection import ProjectedEvent, RecommenderProjection
from recommender.store import WriteRequest
from services.recommender.following import Following
from services.recommender.taking_in import Memory, TakingIn
from services.storage.database import Database
from services.storage.entitlements import EntitlementTables, erase_entitlements
from services.storage.followers import FollowerTables, Kind
from services.storage.recommender import RecommenderTables, erase_events
from services.storage.tombstones import bury
from tests.recommender.events import NOW_MS


class Heard:
    """Stands for an index: notes which items it was told of."""

    def __init__(self) -> None:
        self.items: list[int] = []

    def items_changed(self, numbers: Sequence[int]) -> None:
        self.items += numbers


class Hands:
    """A clock that is moved by hand, or by whoever pauses when it runs."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.runs = False

    def __call__(self) -> float:
        return self.now_s

    async def pause(self, seconds: float) -> None:
        self.now_s += seconds * self.runs
        await asyncio.sleep(0)


class Sharing:
    """What one process has in memory of tables that others write, too."""

    def __init__(self, database: Database, clock_s: Hands) -> None:
        self.database = database
        self.clock_s = clock_s
        self.store = RecommenderTables(database)
        self.lists = EntitlementTables(database)
        self.tables = FollowerTables(database)
        self.heard = Heard()
        self.unlearned = 0
        self.forgotten = 0
        self.asked = 0

    async def begin(self) -> Sharing:
        """Loads, and joins the others."""
        loaded = await self.store.load()
        self.catalogue = Catalogue(loaded.items)
        self.entitlements = Entitlements(await self.lists.load())
        self.projection = RecommenderProjection(self.store, self.catalogue, loaded, history_bytes_max=1 << 20)
        memory = Memory(
            self.catalogue, cast("Any", self.heard), self.projection, self.lists, self.entitlements
        )
        taking_in = TakingIn(self.tables, memory, self._forget)
        self.following = Following(
            self.tables,
            loaded.news,
            taking_in,
            lambda _: self.unlearned,
            lambda _: None,
            pause=self.clock_s.pause,
            clock_s=self.clock_s,
        )
        await self.following.join()
        return self

    async def put(self, *items: Any) -> None:
        """As ``UpsertItems`` does."""
        changed = await self.store.upsert(self._request(), items)
        self.catalogue.put_as_of(changed.items, changed.news)

    async def delete(self, *item_ids: str) -> None:
        """As ``DeleteItems`` does, without waiting for others."""
        changed = await self.store.delete(self._request(), item_ids)
        self.catalogue.put_as_of(changed.items, changed.news)

    async def hear(self, cursor: int, events: Sequence[ProjectedEvent]) -> None:
        """As the reader of events does."""
        await self.projection.apply(cursor, events)

    async def entitle(self, who: SubjectId, item: int, *, withdrawn: bool = False) -> None:
        """As ``SetEntitlement`` does, without waiting for others."""
        place = Place(who, item)
        given = None if withdrawn else Entitlement(who, item, None)
        await self.lists.change(self._request(), {place: given})
        await self.lists.tell(self.entitlements, [who])

    async def erase(self, who: SubjectId) -> int:
        """As an erasure does, without waiting for others; returns the number of its news."""

        def gone(connection: Any) -> None:
            bury(connection, [who], "e")
            erase_events([who], connection)
            erase_entitlements(connection, [who])

        await self.database.write(gone)
        self.projection.forget([who])
        await self.lists.tell(self.entitlements, [who])
        return await self.tables.tell_forgotten([who])

    async def told(self, subjects: Sequence[SubjectId]) -> dict[str, Any]:
        """Everything it would answer from."""
        items = (self.catalogue.columns, self.catalogue.texts)
        columns, texts = items
        found: dict[str, Any] = {}
        for number in range(1, len(self.catalogue.listed())):
            item_id, title, category = self.catalogue.shown(number)
            if item_id:
                brand = texts.brand.values[columns.brand[number]]
                listed, hidden = self.catalogue.is_listed(number), bool(columns.exclusive[number])
                found[item_id] = (number, title, category, brand, listed, hidden)
        for who in subjects:
            history = await self.projection.permitted([who], 0, NOW_MS)
            found[who.hex()] = (
                sorted(self.entitlements.of([who], NOW_MS)),
                sorted(history.columns.T.tolist()),
                await self.projection.declared({0: [who]}),
            )
        return found

    def _forget(self, news: Mapping[Kind, int]) -> None:
        self.forgotten = news.get(Kind.FORGOTTEN, self.forgotten)

    def _request(self) -> WriteRequest:
        self.asked += 1
        return WriteRequest(f"{id(self)} {self.asked}", b"", NOW_MS)
