"""Has models trained in a program of their own, one at a time, and puts them into service.

A training goes on when the caller who asked for it goes away, and can be followed again by
the same request id. Who may be learned from is read from the guard table when it begins; a
model that was learned from somebody who has been erased meanwhile never comes into service.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from consent.guard_table import GuardTable
from identity.ids import SubjectId
from recommender.errors import NothingToLearn, SnapshotUnusable, TrainingBusy, TrainingFailed
from recommender.model import Model
from recommender.parameters import Parameters
from recommender.store import RecommenderStore
from services.interceptors.purpose import must_be_ready
from services.recommender.child import told_by
from services.recommender.followed import Followed, Step
from services.recommender.in_service import InService
from services.recommender.serving import LiveIndex
from services.storage.database import Location
from services.storage.model_files import ModelFiles
from services.storage.sums_files import SumsFiles
from services.storage.training_events import Grouping, subjects_present
from services.storage.training_job import Job, write_job

PURPOSE = "train_model"
#: Begins the key of a training that no caller asked for; no caller has a space in its name.
_OWN = "without somebody "
_SUBJECTS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Places:
    """Where a recommender keeps what it has: its tables, models, learned sums, a training's job."""

    database: Location
    models: Path
    sums: Path
    job: Path


async def people_to_learn_from(guard: GuardTable, store: RecommenderStore, now_ms: int) -> Grouping:
    """The subjects who permit training, grouped to people in the purpose's view.

    The loop goes on between portions; a subject is judged when its portion is reached.

    Raises:
        Unavailable: the guard table is not ready, or stopped being so meanwhile.
    """
    must_be_ready(guard)
    purpose = guard.policy.index(PURPOSE)
    subjects: list[int] = []
    component_of: dict[SubjectId, int] = {}
    components: list[int] = []
    everybody = list(guard.subjects())
    for start in range(0, len(everybody), _SUBJECTS_AT_ONCE):
        portion = everybody[start : start + _SUBJECTS_AT_ONCE]
        numbers = await store.subject_numbers(portion)
        for subject, number in zip(portion, numbers, strict=True):
            members = guard.members(subject, purpose, now_ms) if number else ()
            if members:
                subjects.append(number)
                components.append(component_of.setdefault(min(members), len(component_of)))
        await asyncio.sleep(0)
    must_be_ready(guard)  # what has no lease any more says no to everybody
    return Grouping.of_components(np.array(subjects, np.int64), np.array(components, np.int64))


class Trainer:
    """Trains for one recommender."""

    def __init__(
        self,
        *,
        store: RecommenderStore,
        guard: GuardTable,
        places: Places,
        projection: str,
        parameters: Parameters,
        live: LiveIndex,
        service: InService,
        log: Callable[[str], object],
    ) -> None:
        """Makes a trainer.

        Args:
            store: gives subjects their numbers.
            guard: says who may be learned from.
            places: where files are.
            projection: names the projection the models are about.
            parameters: what to train with.
            live: what serves here.
            service: what is to serve: finished models are put into it.
            log: told of a model that is not promoted.
        """
        self._store = store
        self._guard = guard
        self._places = places
        self._projection = projection
        self._parameters = parameters
        self._live = live
        self._service = service
        self._log = log
        self._own = 0
        self._files = ModelFiles(places.models)
        self._sums = SumsFiles(places.sums)
        self._jobs: Followed[Model] = Followed(TrainingBusy)
        self._writing = asyncio.Lock()  # a program writes, or what must go is removed

    @property
    def teaches(self) -> bool:
        """Whether this process makes the models."""
        return self._service.teaches

    async def train(self, key: str, now_ms: int) -> AsyncIterator[Step]:
        """Begins a training, or follows the one begun under the same key, to its end.

        Args:
            key: the caller and its request id.
            now_ms: events that have expired by then are left out.

        Yields:
            Each step as it begins; when the last was given the model serves, or was not promoted.

        Raises:
            TrainingBusy: another one is running.
            NothingToLearn: nobody who permits it bought anything.
            TrainingFailed: the program ended without a model.
        """
        async for step in self._jobs.follow(key, lambda say: self._run(now_ms, say)):
            yield step

    async def without_the_erased(self, now_ms: int) -> None:
        """Has every model and the sums go here that were learned from somebody who is there no more.

        What a training that was killed left half-written goes, too, whosever it is.

        The model in service is replaced by one without them, or, when nothing is left to learn from
        or the training fails, by the popularity of what is left. Many who wait here share one
        training; where another process decides what is to serve, its decision is waited for.

        Args:
            now_ms: events that have expired by then are left out.

        Raises:
            Unavailable: who may be learned from is not known now.
            OSError: something of what had to go is still there.
        """
        while True:
            await self._jobs.idle()
            await self._service.follow()
            stale = await self._learned_from_others()
            if self._jobs.running:
                continue  # begun meanwhile by somebody who waits here, too
            if self._live.model.version not in stale:
                break
            if not self._service.teaches:
                await self._service.another()
                continue
            try:
                await self._train_unasked(now_ms)
            except (NothingToLearn, TrainingFailed, SnapshotUnusable):
                await self._service.serve_popularity()
            if self._live.model.version in stale:  # the new one was not promoted
                await self._service.serve_popularity()
        async with self._writing:
            await asyncio.to_thread(self._keep_only_of_those_present, stale)
        if not self._service.teaches:
            await self._keep_only_of_the_permitted(now_ms)
        if not self._live.model.version:
            await self._live.serve_popularity()

    async def without_the_withdrawn(self, now_ms: int) -> None:
        """Has what is in service be of those who may be learned from now, as the people they are now.

        Args:
            now_ms: events that have expired by then are left out.

        Raises:
            Unavailable: who may be learned from is not known now.
            TrainingBusy: another training began meanwhile.
            TrainingFailed: the program ended without a model; what serves is as it was.
        """
        await self._jobs.idle()
        if not self._live.model.version:
            await self._service.serve_popularity()
        permitted = await people_to_learn_from(self._guard, self._store, now_ms)
        stale = await asyncio.to_thread(self._files.unlike, permitted)
        if self._live.model.version in stale:
            try:
                await self._train_unasked(now_ms)
            except NothingToLearn:
                await self._service.serve_popularity()
            if self._live.model.version in stale:  # the new one was not promoted
                await self._service.serve_popularity()
        else:  # a training has the sums be of the same people as its model
            async with self._writing:
                await asyncio.to_thread(self._sums.keep_only_of, permitted.subject)
        await asyncio.to_thread(self._files.remove, stale)

    async def forget(self, _key: str, now_ms: int) -> AsyncIterator[Step]:
        """``without_the_withdrawn`` as a job; it has no steps."""
        await self.without_the_withdrawn(now_ms)
        steps: tuple[Step, ...] = ()
        for step in steps:
            yield step

    async def _train_unasked(self, now_ms: int) -> None:
        self._own += 1
        async for _ in self.train(f"{_OWN}{self._own}", now_ms):
            pass

    async def close(self) -> None:
        """Ends a running training; its program is ended with it."""
        await self._jobs.close()

    async def _learned_from_others(self) -> list[str]:
        present = await asyncio.to_thread(self._places.database.read, subjects_present)
        return await asyncio.to_thread(self._files.learned_from_others, present)

    def _keep_only_of_those_present(self, stale: Sequence[str]) -> None:
        """Removes models and sums of anybody who is not there, and whatever is half-written.

        Only models out of service go, and of these no new one that got the version of a stale one.
        """
        present = self._places.database.read(subjects_present)
        self._files.remove(set(stale).intersection(self._files.learned_from_others(present)))
        self._sums.keep_only_of(present)
        self._remove_half_written()

    async def _keep_only_of_the_permitted(self, now_ms: int) -> None:
        """For a process that makes no models now: what it made before follows who permits it, too."""
        permitted = await people_to_learn_from(self._guard, self._store, now_ms)
        async with self._writing:
            unlike = await asyncio.to_thread(self._files.unlike, permitted)
            await asyncio.to_thread(self._files.remove, set(unlike) - {self._live.model.version})
            await asyncio.to_thread(self._sums.keep_only_of, permitted.subject)

    def _remove_half_written(self) -> None:
        self._files.remove_half_written()
        self._sums.remove_half_written()

    async def _run(self, now_ms: int, say: Callable[[Step], None]) -> Model:
        version = await self._trained(now_ms, say)
        while version in await self._learned_from_others():  # somebody was erased while it was learned
            await asyncio.to_thread(self._files.remove, [version])
            version = await self._trained(now_ms, say)
        model = await asyncio.to_thread(self._files.read, version, self._projection)
        if model.check.promotes:
            await self._service.serve(model)
        else:
            await self._service.judge((version, model.check))
            self._log(f"a model is not promoted: {version}: it does not beat decayed popularity\n")
        return model

    async def _trained(self, now_ms: int, say: Callable[[Step], None]) -> str:
        grouping = await people_to_learn_from(self._guard, self._store, now_ms)
        purpose = self._guard.policy.index(PURPOSE)
        job = Job(
            self._places.database,
            self._places.models,
            self._places.sums,
            purpose,
            now_ms,
            self._parameters,
            await self._service.next_version(await self._next_version()),
        )
        async with self._writing:
            await asyncio.to_thread(self._clear)  # what a killed process left
            try:
                await asyncio.to_thread(write_job, self._places.job, job, grouping)
                return await self._program(say)
            finally:
                await asyncio.to_thread(self._clear)  # of a program that was killed, or whose disk was full

    async def _next_version(self) -> str:
        """What this process would call its next model.

        Raises:
            TrainingFailed: the folder of its models can not be read.
        """
        try:
            return await asyncio.to_thread(self._files.next_version)
        except OSError as error:
            raise TrainingFailed(type(error).__name__) from error

    def _clear(self) -> None:
        shutil.rmtree(self._places.job, ignore_errors=True)
        self._remove_half_written()

    async def _program(self, say: Callable[[Step], None]) -> str:
        """Runs the program; returns the version of the model it wrote."""
        threads = os.cpu_count() or 1
        last, status = await told_by("services.recommender.training", self._places.job, threads, say)
        if last.get("error") == "NOTHING_TO_LEARN":
            raise NothingToLearn
        if status or "version" not in last:
            raise TrainingFailed(f"status {status}")
        version: str = last["version"]
        return version
