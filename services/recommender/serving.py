"""The index in service: searched off the event loop, replaced as a whole, never changed.

What is deleted is gone from the next answer on, and what is put is found a moment later, also
while another index is being built: both are told to whatever comes into service. A base is
built anew in the background, when the delta over it has grown or another model is to serve.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from time import monotonic

import faiss
import numpy as np

from recommender import recipes
from recommender.candidates import Listed
from recommender.catalogue import Catalogue
from recommender.depth import for_you, general
from recommender.filters import Mask, Sieve, Sieves
from recommender.index import ServedIndex
from recommender.model import Model
from recommender.question import DEADLINE, Answer, Depth, Question
from recommender.recipes import admitted, answered, for_everybody
from recommender.search import Hits, visible, worded
from services.errors import Unavailable

SEARCH_THREADS = 2
#: Items that were put are served after this long; what comes meanwhile comes along.
FOLLOW_DELAY_S = 0.05
#: New popularity, and a new base under a grown delta, are begun after this long.
REBUILD_DELAY_S = 1.0
#: Building must not take more than this part of the time.
_REBUILD_SHARE = 0.05
#: A fallback is begun so long before its time.
_FALLBACK_S = 0.005
#: Among so many of what everybody begins to buy a fallback finds its items.
_READY_ITEMS = 4096

Keep = Callable[[ServedIndex], None]


class LiveIndex:
    """What answers questions.

    Attributes:
        index: the index in service.
        watchers: told the numbers of items that were put or deleted, as this is.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        index: ServedIndex,
        popularity: Callable[[], Awaitable[Model]],
        keep: Keep | None = None,
    ) -> None:
        """Puts an index into service.

        Args:
            catalogue: what may be recommended.
            index: of a trained model, or of one without a version.
            popularity: makes what answers before the first training from the newest events.
            keep: writes a new base of a trained model down; called in a thread.
        """
        self.index = index
        self._ready = ready(index)
        self._sieves = Sieves(catalogue)
        self._catalogue = catalogue
        self._popularity = popularity
        self._keep = keep
        self._pool = ThreadPoolExecutor(
            SEARCH_THREADS, "search", initializer=partial(faiss.omp_set_num_threads, 1)
        )
        self._told: list[Sequence[int]] = []
        self.watchers: list[Callable[[Sequence[int]], object]] = []
        self._missed: list[Sequence[int]] | None = None
        self._following = asyncio.Lock()
        self._building = asyncio.Lock()
        self._follower: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._builder: asyncio.Task[None] | None = None
        self._took_s = 0.0
        self._based_at_s = monotonic()

    @property
    def age_s(self) -> float:
        """Since when the base of the index in service is there, seconds."""
        return monotonic() - self._based_at_s

    @property
    def model(self) -> Model:
        """The model in service."""
        return self.index.model

    async def answer(self, question: Question, until: float | None = None) -> Answer:
        """Answers from the index in service.

        Args:
            question: what is asked.
            until: when the answer has to be there, in the event loop's time. A search that takes
                longer is not waited for: what everybody begins to buy is answered, under the same
                filters and rules.
        """
        loop, index = asyncio.get_running_loop(), self.index
        found: asyncio.Future[Answer | None] = loop.create_future()
        search = self._pool.submit(_searched, index, self._sieves, question)
        search.add_done_callback(partial(_told, loop, found))
        timer = None if until is None else loop.call_at(until - _FALLBACK_S, _given_up, found)
        try:
            answer = await found
        finally:
            search.cancel()  # one that has not begun is wanted by nobody any more
            if timer is not None:
                timer.cancel()
        return answer or await self._in_haste(index, replace(question, sponsorship=None))

    async def _in_haste(self, index: ServedIndex, question: Question) -> Answer:
        """What was made ready, or, where filters keep too little of it, the best of the few they keep."""
        sieve = self._sieves.of(question.criteria)
        found = answered(index, sieve, question, for_everybody(index, question, self._ready))
        if found.more or len(found.items) == question.count:
            return replace(found, more=True)
        few = await asyncio.to_thread(_among_few, index, sieve, question)
        return few or replace(found, more=True)  # nothing says that this was all

    async def searched(self, question: Question, find: Callable[[Mask], Hits]) -> tuple[Answer, int, str]:
        """Answers with what was found by words.

        Args:
            question: what is asked besides.
            find: finds it among what the asker may see, per item number; called in the thread that
                answers.

        Returns:
            The answer, how many items the words found that may be in it on any page, and why they
            found none.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, _found, self.index, self._sieves, question, find)

    def items_changed(self, numbers: Sequence[int]) -> None:
        """Takes deleted items out at once and has the others follow in a moment.

        Args:
            numbers: of all items that were put or deleted.
        """
        for watcher in self.watchers:
            watcher(numbers)
        self._told.append(numbers)
        if self._missed is not None:
            self._missed.append(numbers)
        listed = self._catalogue.listed()
        if not listed[np.asarray(numbers, np.int32)].all():
            self.index = self.index.among(listed)
        if self._follower is None or self._follower.done():
            self._follower = asyncio.create_task(self._follow())

    def events_changed(self) -> None:
        """Before the first training new events are served soon; a trained model waits for the next."""
        if not self.model.version:
            self._rebuild_soon()

    async def followed(self) -> None:
        """Returns when everything told so far is served."""
        while self._follower is not None and not self._follower.done():
            await asyncio.shield(self._follower)

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
        tasks = [task for task in (self._follower, self._builder) if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.shutdown()

    async def _follow(self) -> None:
        while self._told:
            await asyncio.sleep(FOLLOW_DELAY_S)
            async with self._following:
                told, self._told = self._told, []
                await self._swap(self.index, told)
        if self.index.is_worn:
            self._rebuild_soon()

    async def _build(self, model: Model) -> None:
        """Builds beside the index in service, which goes on following; takes its place; is kept."""
        self._missed = []
        try:
            index = await asyncio.to_thread(ServedIndex, model, self._catalogue.shelf())
            async with self._following:
                await self._swap(index, self._missed)
            self._based_at_s = monotonic()
        finally:
            self._missed = None
        if self._keep is not None and model.version:
            await asyncio.to_thread(self._keep, index)

    async def _swap(self, index: ServedIndex, told: Sequence[Sequence[int]]) -> None:
        """Has an index follow what was told, and puts it into service."""
        if told:
            changed = np.concatenate([np.asarray(numbers, np.int32) for numbers in told])
            index = await asyncio.to_thread(index.following, self._catalogue.shelf(), changed)
        if index.model is not self.index.model or len(self._ready.numbers) < _READY_ITEMS:
            self._ready = await asyncio.to_thread(ready, index)
        # What was deleted while it followed; nobody else comes between this and the swap.
        self.index = index.among(self._catalogue.listed())

    def _rebuild_soon(self) -> None:
        if self._timer is None:
            delay_s = max(REBUILD_DELAY_S, self._took_s / _REBUILD_SHARE)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._rebuild)

    def _rebuild(self) -> None:
        self._timer = None
        if self._builder is None or self._builder.done():
            self._builder = asyncio.create_task(self._rebuild_or_later())
        else:
            self._rebuild_soon()

    async def _rebuild_or_later(self) -> None:
        try:
            await self.rebuild()
        except Unavailable:  # nobody can be asked now; what serves was permitted when it was made
            self._rebuild_soon()


def ready(index: ServedIndex) -> Listed:
    """What everybody begins to buy, searched for beforehand."""
    numbers, scores = index.search(general(index, DEADLINE).vector, _READY_ITEMS)
    return Listed(numbers, scores, Depth.GENERAL, DEADLINE)


def _searched(index: ServedIndex, sieves: Sieves, question: Question) -> Answer:
    """Sieving and searching, both off the event loop."""
    return recipes.answer(index, sieves.of(question.criteria), question)


def _among_few(index: ServedIndex, sieve: Sieve, question: Question) -> Answer | None:
    """What everybody begins to buy of the items that filters keep; ``None`` when they keep many."""
    if sieve.few is None and question.among is None:
        return None
    return answered(index, sieve, question, for_everybody(index, question, general(index, DEADLINE)))


def _told(
    loop: asyncio.AbstractEventLoop, found: asyncio.Future[Answer | None], search: Future[Answer]
) -> None:
    """Brings what a thread found to the event loop; ``asyncio.wait`` costs some 35 microseconds more."""
    loop.call_soon_threadsafe(_settled, found, search)


def _settled(found: asyncio.Future[Answer | None], search: Future[Answer]) -> None:
    if found.done():  # given up
        return
    error = search.exception()
    if error is not None:
        found.set_exception(error)
    else:
        found.set_result(search.result())


def _given_up(found: asyncio.Future[Answer | None]) -> None:
    if not found.done():
        found.set_result(None)


def _found(
    index: ServedIndex, sieves: Sieves, question: Question, find: Callable[[Mask], Hits]
) -> tuple[Answer, int, str]:
    sieve, found = sieves.of(question.criteria), find(visible(sieves, question))
    source = worded(for_you(index, sieve, question), found)
    open_to_them = admitted(sieve, replace(question, shown=()), source).of(found.numbers)
    return answered(index, sieve, question, source), int(np.count_nonzero(open_to_them)), found.reason
