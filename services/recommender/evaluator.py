"""Has a suite evaluated on its own past, in a program of its own, and keeps what was found.

Who may be learned from is read from the guard table when it begins, as for a training. A
request that was answered is answered the same again, also after a restart.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from recommender.errors import EvaluationFailed, TooFewToAsk
from services.recommender.child import told_by
from services.recommender.followed import Followed, Step
from services.storage.evaluations import Evaluations, KeptEvaluation
from services.storage.training_events import Grouping
from services.storage.training_job import Job, write_job


class Evaluator:
    """Evaluates one recommender."""

    def __init__(
        self,
        *,
        evaluations: Evaluations,
        folder: Path,
        job: Callable[[int], Job],
        people: Callable[[int], Awaitable[Grouping]],
        version: Callable[[], str],
    ) -> None:
        """Makes an evaluator.

        Args:
            evaluations: where reports are kept.
            folder: where the program is told what to do.
            job: what there is to read at an instant, and the constants.
            people: who may be learned from at an instant.
            version: of the model in service.
        """
        self._evaluations = evaluations
        self._folder = folder
        self._job = job
        self._people = people
        self._version = version
        self._jobs: Followed[KeptEvaluation] = Followed()

    async def evaluate(self, key: str, now_ms: int) -> AsyncIterator[Step]:
        """Evaluates, or follows the evaluation begun under the same key; then ask ``found``.

        Args:
            key: the caller and its request id.
            now_ms: events that have expired by then are left out.

        Raises:
            JobBusy: another one is running.
            TooFewToAsk: nothing could be told.
            EvaluationFailed: the program ended without a report.
        """
        if await self._evaluations.of(key) is not None:
            return
        async for step in self._jobs.follow(key, lambda say: self._evaluated(key, now_ms, say)):
            yield step

    async def found(self, key: str) -> KeptEvaluation | None:
        """What a request found."""
        return await self._evaluations.of(key)

    async def newest(self) -> KeptEvaluation | None:
        """What was found last."""
        return await self._evaluations.newest()

    async def close(self) -> None:
        """Ends a running evaluation; its program is ended with it."""
        await self._jobs.close()

    async def _evaluated(self, key: str, now_ms: int, say: Callable[[Step], None]) -> KeptEvaluation:
        grouping = await self._people(now_ms)
        version = self._version()
        shutil.rmtree(self._folder, ignore_errors=True)  # left by a killed process
        try:
            await asyncio.to_thread(write_job, self._folder, self._job(now_ms), grouping)
            report = await self._program(say)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        kept = KeptEvaluation(now_ms, version, report)
        await self._evaluations.keep(key, kept)
        return kept

    async def _program(self, say: Callable[[Step], None]) -> dict[str, Any]:
        last, status = await told_by("services.recommender.evaluating", self._folder, 1, say)
        if last.get("error") == "TOO_FEW_TO_ASK":
            raise TooFewToAsk
        if status or "report" not in last:
            raise EvaluationFailed(f"status {status}")
        report: dict[str, Any] = last["report"]
        return report
