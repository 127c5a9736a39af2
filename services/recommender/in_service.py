"""What is to serve: decided by one process, taken over by the others.

One process trains, and says which model serves, or that popularity does. Where others serve from
the same tables the model goes through them, and every process has it serve; no folder is shared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from recommender.errors import SnapshotUnusable
from recommender.model import Model
from services.errors import Unavailable
from services.recommender.serving import LiveIndex
from services.storage.model_files import ModelFiles
from services.storage.stored_models import DutiesOver, Judged, StoredModels, contents_of

#: Whoever waits for another model looks so often, if nobody says that there is one.
LOOK_S = 1.0


class InService(Protocol):
    """What is to serve, as one process sees it.

    Attributes:
        judged: the newest model and what its check came to; ``None`` before the first.
    """

    judged: Judged | None

    @property
    def teaches(self) -> bool:
        """Whether this process decides."""

    async def next_version(self, here: str) -> str:
        """A version for a new model; ``here``: the first that this process has not used."""

    async def judge(self, judged: Judged) -> None:
        """Says what came of a new model that does not serve."""

    async def serve(self, model: Model) -> None:
        """Has a model serve, here and everywhere."""

    async def serve_popularity(self) -> None:
        """Has popularity serve, here and everywhere."""

    async def follow(self) -> None:
        """Has what is to serve do so here, if another process decides.

        Raises:
            SnapshotUnusable: the model is not whole, or another is to serve by now.
            StoreUnusable: it can not be read.
            OSError: it can not be written.
        """

    async def another(self) -> None:
        """For a process that does not decide: follows, or waits a moment; errors as of ``follow``."""


class Here:
    """What one process alone serves; implements ``InService``."""

    teaches = True

    def __init__(self, live: LiveIndex, judged: Judged | None) -> None:
        self._live = live
        self.judged = judged

    async def next_version(self, here: str) -> str:
        """See ``InService.next_version``."""
        return here

    async def judge(self, judged: Judged) -> None:
        """See ``InService.judge``."""
        self.judged = judged

    async def serve(self, model: Model) -> None:
        """See ``InService.serve``."""
        self.judged = model.version, model.check
        await self._live.serve(model)

    async def serve_popularity(self) -> None:
        """See ``InService.serve_popularity``."""
        await self._live.serve_popularity()

    async def follow(self) -> None:
        """There is nobody else who decides."""

    async def another(self) -> None:
        """There is nobody else who decides."""


class Everywhere:
    """What several processes serve; implements ``InService``. Used from one event loop."""

    def __init__(
        self,
        stored: StoredModels,
        models: Path,
        live: LiveIndex,
        projection: str,
        log: Callable[[str], object],
    ) -> None:
        """Has not looked yet what is to serve.

        Args:
            stored: the model in service, in the tables.
            models: the folder of this process's models.
            live: what serves here.
            projection: names the projection the models are about.
            log: told of a model that can not be used.
        """
        self.judged: Judged | None = None
        self._log = log
        self._stored = stored
        self._models = models
        self._files = ModelFiles(models)
        self._live = live
        self._projection = projection
        self._duties: int | None = None
        self._following = asyncio.Lock()
        self._told = asyncio.Event()

    @property
    def teaches(self) -> bool:
        """See ``InService.teaches``."""
        return self._duties is not None

    async def begin(self, duties: int) -> None:
        """Decides from now on: what serves here does everywhere, where that is not decided or not possible.

        Args:
            duties: the number of the duties.
        """
        decided = (await self._stored.served()).version is not None
        try:
            await self.follow()
        except SnapshotUnusable as unusable:  # of another format, or not whole
            self._log(f"the model in service is not used: {unusable}\n")
            decided = False
        self._duties = duties
        self._told.set()
        if not decided:
            here = self._live.model
            await self._put(here.version, (here.version, here.check) if here.version else None)

    def end(self) -> None:
        """Decides no more."""
        self._duties = None

    def changed(self) -> None:
        """There is news of what is to serve."""
        self._told.set()

    async def next_version(self, here: str) -> str:
        """See ``InService.next_version``."""
        return await self._stored.next_version(here)

    async def judge(self, judged: Judged) -> None:
        """See ``InService.judge``."""
        await self._put(self._live.model.version, judged)

    async def serve(self, model: Model) -> None:
        """See ``InService.serve``."""
        await self._put(model.version, (model.version, model.check))
        if model is not self._live.model:
            await self._live.serve(model)

    async def serve_popularity(self) -> None:
        """See ``InService.serve_popularity``."""
        await self._put("", self.judged)
        await self._live.serve_popularity()

    async def follow(self) -> None:
        """See ``InService.follow``."""
        if self.teaches:
            return
        async with self._following:
            version, self.judged = await self._stored.served()
            if version is None or version == self._live.model.version:
                return
            if not version:
                await self._live.serve_popularity()
                return
            if version not in self._files.versions():
                await self._stored.fetch(version, self._models)
                await asyncio.to_thread(self._files.remove_oldest)
            await self._live.serve(await asyncio.to_thread(self._files.read, version, self._projection))

    async def another(self) -> None:
        """See ``InService.another``."""
        before = self._live.model
        self._told.clear()
        await self.follow()
        if self._live.model is before and not self.teaches:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._told.wait()

    async def _put(self, version: str, judged: Judged | None) -> None:
        contents = await asyncio.to_thread(contents_of, self._models / version) if version else {}
        if self._duties is None:
            raise Unavailable("NOT_ON_DUTY", retry_after_s=LOOK_S)
        try:
            await self._stored.put(version, contents, judged, self._duties)
        except DutiesOver:
            raise Unavailable("NOT_ON_DUTY", retry_after_s=LOOK_S) from None
        self.judged = judged
