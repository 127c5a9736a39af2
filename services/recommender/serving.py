"""The index in service: searched off the event loop, replaced as a whole, never changed.

Whatever is deleted is gone from the next answer on, also while a new index is being built:
a deletion marks a copy of the index in service, and an index that comes into service is
marked with what was deleted while it was built.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic

import faiss

from recommender.catalogue import Catalogue
from recommender.index import ServedIndex
from recommender.model import Model
from recommender.recipes import Answer, Question, answer
from services.errors import Unavailable

SEARCH_THREADS = 2
#: A change of the catalogue is served after this long.
REBUILD_DELAY_S = 1.0
#: Building must not take more than this part of the time.
_REBUILD_SHARE = 0.05


class LiveIndex:
    """What answers questions.

    Attributes:
        index: the index in service.
    """

    def __init__(
        self, catalogue: Catalogue, model: Model, popularity: Callable[[], Awaitable[Model]]
    ) -> None:
        """Puts a model into service.

        Args:
            catalogue: what may be recommended.
            model: a trained model, or one without a version.
            popularity: makes what answers before the first training from the newest events.
        """
        self.index = ServedIndex(model, catalogue.shelf())
        self._catalogue = catalogue
        self._popularity = popularity
        self._pool = ThreadPoolExecutor(
            SEARCH_THREADS, "search", initializer=partial(faiss.omp_set_num_threads, 1)
        )
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._building = asyncio.Lock()
        self._took_s = 0.0

    @property
    def model(self) -> Model:
        """The model in service."""
        return self.index.model

    async def answer(self, question: Question) -> Answer:
        """Answers from the index in service."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, answer, self.index, question)

    def items_changed(self) -> None:
        """Takes deleted items out at once and has the rest follow soon."""
        self.index = self.index.among(self._catalogue.listed())
        self._soon()

    def events_changed(self) -> None:
        """Before the first training new events are served soon; a trained model waits for the next."""
        if not self.model.version:
            self._soon()

    async def serve(self, model: Model) -> None:
        """Puts a newly trained model into service."""
        async with self._building:
            await self._build(model)

    async def rebuild(self) -> None:
        """Builds the index anew over the catalogue as it is now."""
        async with self._building:
            begun = monotonic()
            await self._build(self.model if self.model.version else await self._popularity())
            self._took_s = monotonic() - begun

    async def serve_popularity(self) -> None:
        """Takes a trained model out of service; the newest events answer until the next one."""
        async with self._building:
            await self._build(await self._popularity())

    async def close(self) -> None:
        """Stops building; lets running searches finish."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        self._pool.shutdown()

    async def _build(self, model: Model) -> None:
        index = await asyncio.to_thread(ServedIndex, model, self._catalogue.shelf())
        self.index = index.among(self._catalogue.listed())
        if self._catalogue.version != index.shelf_version:
            self._soon()

    def _soon(self) -> None:
        if self._timer is None:
            delay_s = max(REBUILD_DELAY_S, self._took_s / _REBUILD_SHARE)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._rebuild)

    def _rebuild(self) -> None:
        self._timer = None
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._rebuild_or_later())
        else:
            self._soon()

    async def _rebuild_or_later(self) -> None:
        try:
            await self.rebuild()
        except Unavailable:  # nobody can be asked now; what serves was permitted when it was made
            self._soon()
