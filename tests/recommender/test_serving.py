"""The index in service follows its catalogue, is replaced as a whole and hides nothing it may not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from recommender.catalogue import Catalogue, Shelf, StoredItem
from recommender.history import EMPTY
from recommender.index import ServedIndex
from recommender.model import Model
from recommender.recipes import Question, Recipe
from services.recommender import serving
from services.recommender.serving import LiveIndex
from tests.recommender.events import shop, two_tastes_model


def listed(number: int, category: str = "food") -> StoredItem:
    return StoredItem(number, f"item-{number}", f"Item {number}", category, listed=True)


def gone(number: int) -> StoredItem:
    return StoredItem(number, f"item-{number}", "", "", listed=False)


class World:
    """A catalogue in service; building can be held."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.catalogue = shop()
        self.model = two_tastes_model()
        self.kept = asyncio.Event()
        self.began, self.goes_on = threading.Event(), threading.Event()
        self.goes_on.set()
        self.live = LiveIndex(
            self.catalogue, ServedIndex(self.model, self.catalogue.shelf()), self._unused, self._keep
        )
        monkeypatch.setattr(serving, "ServedIndex", self._built)
        self._loop = asyncio.get_running_loop()

    async def found(self) -> set[int]:
        answer = await self.live.answer(Question(Recipe.TRENDING, 100, EMPTY, ""))
        return {item.item for item in answer.items}

    def put(self, *items: StoredItem) -> None:
        self.catalogue.put(items)
        self.live.items_changed([item.number for item in items])

    def _keep(self, _index: ServedIndex) -> None:
        self._loop.call_soon_threadsafe(self.kept.set)

    async def _unused(self) -> Any:
        raise AssertionError

    def _built(self, model: Model, shelf: Shelf) -> ServedIndex:
        self.began.set()
        assert self.goes_on.wait(20)
        return ServedIndex(model, shelf)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    world = World(monkeypatch)
    async with asyncio.timeout(30):
        yield world
        world.goes_on.set()
        await world.live.close()


async def test_a_search_that_nobody_waits_for_any_more_is_not_begun(world: World) -> None:
    """Neither when its time has passed nor when its caller has left."""
    goes_on = threading.Event()
    for _ in range(serving.SEARCH_THREADS):
        world.live._pool.submit(goes_on.wait, 10)
    ran: list[Question] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "_searched", lambda _index, _sieves, question: ran.append(question))
        question = Question(Recipe.TRENDING, 5, EMPTY, "")
        late = await world.live.answer(question, asyncio.get_running_loop().time() + 0.01)
        left = asyncio.create_task(world.live.answer(question))
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        goes_on.set()
        await asyncio.wrap_future(world.live._pool.submit(int))
    assert (late.depth_reason, ran) == ("DEADLINE", [])


async def test_what_is_put_is_found_without_a_new_base(world: World) -> None:
    """Within a fraction of the second it is given."""
    base = world.live.index.base
    assert serving.FOLLOW_DELAY_S <= 0.5
    world.put(listed(30), listed(31))
    await world.live.followed()
    assert {30, 31} <= await world.found()
    assert world.live.index.base is base


async def test_what_is_deleted_is_gone_before_anything_follows(world: World) -> None:
    """From the next question on, and for good."""
    world.put(gone(5), listed(30))
    assert 5 not in await world.found()
    await world.live.followed()
    assert 5 not in await world.found()
    assert 30 in await world.found()


async def test_while_a_base_is_built_the_one_in_service_follows(world: World) -> None:
    """And what comes into service has not forgotten what happened meanwhile."""
    world.goes_on.clear()
    building = asyncio.create_task(world.live.serve(replace(world.model, version="000002")))
    await asyncio.to_thread(world.began.wait)
    world.put(listed(30), gone(5))
    await world.live.followed()
    assert world.live.model.version == "000001"
    assert 30 in await world.found()
    world.goes_on.set()
    await building
    assert world.live.model.version == "000002"
    assert await world.found() == {*range(1, 25), 30} - {5}


async def test_a_build_that_fails_leaves_what_serves(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next one is built as if nothing had happened."""
    before = world.live.index

    def broken(_model: Model, _shelf: Shelf) -> ServedIndex:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(serving, "ServedIndex", broken)
        with pytest.raises(MemoryError):
            await world.live.serve(world.model)
    assert world.live.index is before
    world.put(listed(30))
    await world.live.serve(world.model)
    assert 30 in await world.found()


async def test_a_grown_delta_becomes_a_base_in_the_background(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is kept for the next start."""
    monkeypatch.setattr("recommender.index._DELTA_ROWS", 3)
    monkeypatch.setattr(serving, "REBUILD_DELAY_S", 0.0)
    world.put(*map(listed, range(30, 40)))
    await world.live.followed()
    assert len(world.live.index.delta) == 10
    await world.kept.wait()
    assert len(world.live.index.base) == 34
    assert not len(world.live.index.delta)
    assert await world.found() == {*range(1, 25), *range(30, 40)}


async def test_an_empty_catalogue_answers_with_nothing_until_something_is_put(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first item is found like any other."""
    world = World(monkeypatch)
    world.catalogue = Catalogue()
    world.live._catalogue = world.catalogue
    world.live.index = ServedIndex(world.model, world.catalogue.shelf())
    assert await world.found() == set()
    world.put(listed(1))
    await world.live.followed()
    assert await world.found() == {1}
    await world.live.close()


class DeletesWhileBuilding(Catalogue):
    """Loses an item right after an index was begun over it."""

    victim: StoredItem | None = None

    def shelf(self) -> Shelf:
        shelf = super().shelf()
        if self.victim is not None:
            self.put([self.victim])
        return shelf


async def test_an_item_deleted_while_an_index_is_built_is_not_in_it() -> None:
    """The index that comes into service is marked with what happened meanwhile."""
    catalogue = DeletesWhileBuilding(
        StoredItem(n, f"item-{n}", f"Item {n}", "food", listed=True) for n in range(1, 25)
    )
    model = two_tastes_model()

    async def unused() -> Any:
        raise AssertionError

    live = LiveIndex(catalogue, ServedIndex(model, catalogue.shelf()), unused)
    try:
        catalogue.victim = StoredItem(5, "item-5", "", "", listed=False)
        await live.rebuild()
        found = await live.answer(Question(Recipe.TRENDING, 24, EMPTY, ""))
        assert len(found.items) == 23
        assert 5 not in {item.item for item in found.items}
    finally:
        await live.close()
