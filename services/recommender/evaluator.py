"""Has a suite evaluated on its own past, in a program of its own, and keeps what was found.

Who may be learned from is read from the guard table when it begins, as for a training. A
request that was answered is answered the same again, also after a restart.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from recommender.errors import EvaluationFailed, TooFewToAsk
from services.recommender.followed import Followed, Step
from services.storage.evaluations import Evaluations, KeptEvaluation
from services.storage.training_events import Grouping
from services.storage.training_job import Job, write_job

_ROOT = Path(__file__).resolve().parent.parent.parent


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
        if self._evaluations.of(key) is not None:
            return
        async for step in self._jobs.follow(key, lambda say: self._evaluated(key, now_ms, say)):
            yield step

    def found(self, key: str) -> KeptEvaluation | None:
        """What a request found."""
        return self._evaluations.of(key)

    def newest(self) -> KeptEvaluation | None:
        """What was found last."""
        return self._evaluations.newest()

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
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.recommender.evaluating",
            str(self._folder),
            cwd=_ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 22,  # a report is one line
        )
        assert program.stdout is not None  # noqa: S101 - asked for
        last: dict[str, Any] = {}
        try:
            async for line in program.stdout:
                last = json.loads(line)
                if "step" in last:
                    say(Step(last["step"], int(last["done"]), int(last["steps"])))
            await program.wait()
        finally:
            if program.returncode is None:
                program.kill()
                await program.wait()
        if last.get("error") == "TOO_FEW_TO_ASK":
            raise TooFewToAsk
        if program.returncode or "report" not in last:
            raise EvaluationFailed(f"status {program.returncode}")
        report: dict[str, Any] = last["report"]
        return report
