"""The words of the catalogue in service: read beside the event loop, replaced as a whole.

They follow the catalogue in a moment, and the model's text vectors when another model serves;
until then the ones before answer. What was deleted is kept out by every search's filter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from recommender.text import TextModel
from recommender.text_index import TextIndex
from services.storage.database import Location
from services.storage.items import item_words_in

#: A change of the catalogue is found by its words after about this long.
FOLLOW_DELAY_S = 0.5


class LiveText:
    """The index of words of one recommender; used from one event loop."""

    def __init__(self, database: Location, model: Callable[[], TextModel]) -> None:
        """Begins with no words; the catalogue's are read when ``start`` is called.

        Args:
            database: the recommender's tables.
            model: what is learned of texts by the model in service.
        """
        self._database = database
        self._model = model
        self._index = TextIndex.of((), TextModel.none())
        self._changed: set[int] = set()
        self._first: asyncio.Task[None] | None = None
        self._follower: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to read the catalogue."""
        self._first = asyncio.create_task(self._read_all())

    async def index(self) -> TextIndex:
        """The index in service; waits for the first one."""
        if self._first is not None:
            await asyncio.shield(self._first)
        if self._index.model is not self._model():
            self._follow_soon()
        return self._index

    def items_changed(self, numbers: Sequence[int]) -> None:
        """Has the words of some items follow."""
        self._changed.update(numbers)
        self._follow_soon()

    async def followed(self) -> None:
        """Returns when everything told so far is found."""
        if self._first is not None:
            await asyncio.shield(self._first)
        while self._follower is not None and not self._follower.done():
            await asyncio.shield(self._follower)

    async def close(self) -> None:
        """Stops following."""
        tasks = [task for task in (self._first, self._follower) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _follow_soon(self) -> None:
        if self._follower is None or self._follower.done():
            self._follower = asyncio.create_task(self._follow())

    async def _read_all(self) -> None:
        self._index = await asyncio.to_thread(_index_of, self._database, self._model())

    async def _follow(self) -> None:
        if self._first is not None:
            await asyncio.shield(self._first)
        while self._changed or self._index.model is not self._model():
            await asyncio.sleep(FOLLOW_DELAY_S)
            changed, self._changed = self._changed, set()
            self._index = await asyncio.to_thread(
                partial(_followed, self._index, self._database, sorted(changed), self._model())
            )


def _index_of(database: Location, model: TextModel) -> TextIndex:
    return database.read(lambda connection: TextIndex.of(item_words_in(connection), model))


def _followed(index: TextIndex, database: Location, numbers: Sequence[int], model: TextModel) -> TextIndex:
    words = database.read(lambda connection: dict(item_words_in(connection, numbers)))
    changed: Mapping[int, Sequence[str] | None] = {number: words.get(number) for number in numbers}
    return index.changed(changed, model)
