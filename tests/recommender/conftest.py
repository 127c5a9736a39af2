"""A recommender over its real store, and calls as the guard would hand them over."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from consent.guard_table import GuardTable, GuardUpdate
from consent.policy import Policy
from identity.ids import SubjectId
from recommender.catalogue import Item
from recommender.parameters import Parameters
from recommender.projection import ProjectedEvent
from services.interceptors.call import Call, Caller, ItemRefusal
from services.recommender.items import item_message
from services.recommender.recommending import Recommender, running_recommender
from services.storage.recommender import RecommenderTables
from services.storage.sqlite import SqliteDatabase
from tests.conftest import Clock, set_state
from tests.recommender.events import NOW_MS, SMALL, TODAY, event, subject, two_tastes
from veilgraph.recommender.v1 import recommender_pb2

#: Who bought by two tastes, and who is asked for.
PEOPLE = [subject(person + 100) for person in range(60)]
ME = subject(1)
ALL_PURPOSES = ("personalise.recommend", "train_model", "service")


@dataclass
class World:
    """A recommender, the guard it asks, and what it logged."""

    folder: Path
    guard: GuardTable
    clock: Clock
    recommender: Recommender
    database: SqliteDatabase
    logged: list[str] = field(default_factory=list)

    @property
    def store(self) -> RecommenderTables:
        """The recommender's store."""
        return RecommenderTables(self.database)

    def call(
        self,
        path: str = "",
        subjects: Sequence[SubjectId | None] = (),
        *,
        accepted: Sequence[int] | None = None,
        refused: Sequence[ItemRefusal] = (),
        caller: str = "shop",
    ) -> Call:
        """A call as it stands when the handler gets the message; judges like the consent layer."""
        call = Call(plan=cast("Any", None), guard=self.guard, metadata={}, clock_ms=self.clock)
        call.caller = Caller(caller, "tenant", frozenset(), -1)
        call.begin_message(self.clock())
        call.purpose = self.guard.policy.index("personalise.recommend")
        call.accepted = list(range(len(subjects)) if accepted is None else accepted)
        call.refused = list(refused)
        if path:
            reasons = [
                "" if s is None or call.allows(s, ALL_PURPOSES[0]) else "NOT_PERMITTED" for s in subjects
            ]
            call.depth_reasons = reasons
            call.subjects = {path: list(subjects)}
            for position, reason in enumerate(reasons):
                if reason:
                    call.withhold(position)
        return call

    async def recommend(self, who: SubjectId | None, **asked: Any) -> recommender_pb2.RecommendResponse:
        """One answer; FOR_YOU with reasons unless something else is asked for."""
        request = recommender_pb2.RecommendRequest(
            **{"recipe": recommender_pb2.RECIPE_FOR_YOU, "page_size": 5, "explain": True} | asked
        )
        return await self.recommender.servicer.Recommend(request, self.call("subject", [who]))

    async def put(
        self, items: Sequence[Item], request_id: str = "put"
    ) -> recommender_pb2.UpsertItemsResponse:
        """Puts items into the catalogue, and waits until they are served."""
        request = recommender_pb2.UpsertItemsRequest(
            items=[item_message(item) for item in items], request_id=request_id
        )
        answer = await self.recommender.servicer.UpsertItems(request, self.call(accepted=range(len(items))))
        await self.recommender.live.followed()
        return answer

    async def delete(self, *item_ids: str, request_id: str = "gone") -> recommender_pb2.DeleteItemsResponse:
        """Takes items out of the catalogue."""
        request = recommender_pb2.DeleteItemsRequest(item_ids=item_ids, request_id=request_id)
        return await self.recommender.servicer.DeleteItems(request, self.call())

    async def tell(self, *events: ProjectedEvent) -> None:
        """News of events."""
        projection = self.recommender.projection
        await projection.apply(projection.cursor + 1, events)

    async def train(
        self, request_id: str = "t1", caller: str = "shop"
    ) -> list[recommender_pb2.TrainResponse]:
        """Trains; gives everything the caller was told."""
        request = recommender_pb2.TrainRequest(request_id=request_id)
        servicer = self.recommender.servicer
        return [told async for told in servicer.Train(request, self.call(caller=caller))]

    async def model(self) -> recommender_pb2.Model:
        """The model in service."""
        return await self.recommender.servicer.GetModel(recommender_pb2.GetModelRequest(), self.call())

    def permit(self, *subjects: SubjectId, purposes: Sequence[str] = ALL_PURPOSES) -> None:
        """Has the authority say that exactly these purposes are permitted, and ``service``."""
        for who in subjects:
            set_state(self.guard, who, *purposes, "service")


@asynccontextmanager
async def opened(
    folder: Path,
    guard: GuardTable,
    clock: Clock,
    parameters: Parameters = SMALL,
    *,
    several: bool = False,
    tables: Path | None = None,
) -> AsyncIterator[World]:
    """A world over a folder; opening it again finds what was there.

    Args:
        folder: its own.
        guard: what it asks.
        clock: its clock.
        parameters: what it trains with.
        several: others serve from the same tables.
        tables: the folder of these; ``None``: its own.
    """
    database = SqliteDatabase((tables or folder) / "recommender.db", "recommender")
    logged: list[str] = []
    try:
        async with running_recommender(
            database=database,
            folder=folder,
            guard=guard,
            clock=clock,
            log=logged.append,
            page_key=bytes(64),
            parameters=parameters,
            several=several,
        ) as recommender:
            yield World(folder, guard, clock, recommender, database, logged)
    finally:
        database.close()


def left_by(folder: Path, policy: Policy, work: Callable[[World], Awaitable[object]]) -> Path:
    """The folder as a recommender leaves it that did this work and stopped; tests go on from copies.

    A training is a program of its own and takes a second to start: what is trained the same way
    for many tests is trained once.
    """
    guard = GuardTable(policy)
    guard.apply(GuardUpdate(1, {}))

    async def do() -> None:
        async with opened(folder, guard, Clock(NOW_MS)) as world:
            await work(world)

    asyncio.run(do())
    return folder


@asynccontextmanager
async def copied(
    template: Path, folder: Path, guard: GuardTable, clock: Clock, *, several: bool = False
) -> AsyncIterator[World]:
    """A world over a copy of a folder."""
    async with opened(shutil.copytree(template, folder), guard, clock, several=several) as world:
        yield world


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW_MS)


@pytest.fixture
async def world(tmp_path: Path, guard: GuardTable, clock: Clock) -> AsyncIterator[World]:
    async with opened(tmp_path, guard, clock) as world:
        yield world


def shop_items(count: int = 24) -> list[Item]:
    """Items of a shop; the even ones in a category of their own."""
    return [
        Item(f"item-{n}", f"Item {n}", "food / even" if n % 2 == 0 else "food", "Own")
        for n in range(1, count + 1)
    ]


def purchases_of_two_tastes() -> list[ProjectedEvent]:
    """``two_tastes`` as news; person p is subject p + 100."""
    return [
        event(key, person + 100, item_id=f"item-{item}", day=day, quantity=quantity)
        for key, (person, item, day, _, quantity) in enumerate(two_tastes(), start=1000)
    ]


async def furnished(world: World, *mine: Any) -> World:
    """A world with a shop, two tastes and these events of mine; everybody permits everything."""
    await world.put(shop_items())
    await world.tell(*purchases_of_two_tastes(), *mine)
    world.permit(ME, *PEOPLE)
    return world


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory, policy: Policy) -> Path:
    """Of a furnished world that trained; I bought items 1 and 2 at the till."""

    async def train(world: World) -> None:
        await furnished(world, *(event(n, item_id=f"item-{n}", day=TODAY - 5) for n in (1, 2)))
        await world.train()

    return left_by(tmp_path_factory.mktemp("trained"), policy, train)


@pytest.fixture
async def trained(
    trained_folder: Path, tmp_path: Path, guard: GuardTable, clock: Clock
) -> AsyncIterator[World]:
    """A world started on a copy of that folder; everybody permits everything."""
    async with copied(trained_folder, tmp_path / "trained", guard, clock) as world:
        world.permit(ME, *PEOPLE)
        yield world


def ids(answer: recommender_pb2.RecommendResponse) -> list[str]:
    """The item ids of an answer."""
    return [item.item_id for item in answer.items]
