"""Has the model in service follow who may be learned from, within a stated time.

The guard stops anybody's data from being read at once; what was learned from them before goes
with the next model. A step of the guard table that takes somebody's permission to train, or
says that people came together or parted, has that model made in the background; steps that
come meanwhile share it. A quarter of the time is for waiting, so that many share a training.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from consent.guard_table import GuardEntry, GuardTable, GuardUpdate
from identity.ids import SubjectId
from recommender.errors import SnapshotUnusable, TrainingBusy, TrainingFailed
from services.errors import Unavailable
from services.recommender.trainer import PURPOSE, Trainer


class Refresher:
    """Keeps the promise for one trainer.

    Attributes:
        due: a refresh was asked for and is not done yet.
        broken: done when a refresh met an error nobody foresaw; whoever serves must stop then.
    """

    def __init__(
        self,
        *,
        guard: GuardTable,
        trainer: Trainer,
        clock: Callable[[], int],
        log: Callable[[str], object],
        refresh_s: float,
    ) -> None:
        """Begins to watch.

        Args:
            guard: says who may be learned from.
            trainer: makes the model.
            clock: the present instant, milliseconds since the epoch.
            log: told when a refresh has to be tried again, or came too late.
            refresh_s: the time promised.
        """
        self.due = False
        self._loop = asyncio.get_running_loop()
        self.broken: asyncio.Future[None] = self._loop.create_future()
        self._guard = guard
        self._trainer = trainer
        self._clock = clock
        self._log = log
        self._refresh_s = refresh_s
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._asked_at_s = 0.0
        self._owed_since_s: float | None = None
        self._closed = False
        self._generation = guard.generation
        guard.foretell(self._foretold)
        guard.watch(self._told)

    @property
    def waits_s(self) -> float:
        """For how long the oldest that is not in a model yet has waited, seconds; 0 if nothing waits.

        May be asked from any thread.
        """
        owed_since_s = self._owed_since_s
        return 0.0 if owed_since_s is None else max(0.0, self._loop.time() - owed_since_s)

    def soon(self) -> None:
        """Has the model looked at once more; many who ask share one refresh."""
        if self._closed or not self._trainer.teaches:
            return
        if not self.due:
            self.due = True
            self._asked_at_s = asyncio.get_running_loop().time()
            if self._owed_since_s is None:
                self._owed_since_s = self._asked_at_s
        if self._timer is None and (self._task is None or self._task.done()):
            self._wait()

    async def close(self) -> None:
        """Stops; a refresh that runs is given up."""
        self._closed = True
        self.broken.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _foretold(self, update: GuardUpdate) -> None:
        if any(self._unlearns(subject, entry) for subject, entry in update.entries.items()):
            self.soon()

    def _told(self, _update: GuardUpdate) -> None:
        """After a replacement nobody can say what has changed."""
        if self._guard.generation != self._generation:
            self._generation = self._guard.generation
            self.soon()

    def _unlearns(self, subject: SubjectId, new: GuardEntry | None) -> bool:
        """Whether a subject that may be learned from may not any more, or as another person only."""
        purpose = self._guard.policy.index(PURPOSE)
        old = self._guard.entry(subject)
        if old is None or not old.allow >> purpose & 1:
            return False
        if new is None or not new.allow >> purpose & 1:
            return True
        view = self._guard.policy.view_of[purpose]
        return view >= 0 and _members(old, view, subject) != _members(new, view, subject)

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._refresh_s / 4, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._task = asyncio.create_task(self._refresh())
        self._task.add_done_callback(self._ended)

    async def _refresh(self) -> None:
        self.due, asked_at_s = False, self._asked_at_s
        if not self._trainer.teaches:  # whoever has the duties now begins with it
            return
        try:
            await self._trainer.without_the_withdrawn(self._clock())
        except (Unavailable, TrainingBusy, TrainingFailed, SnapshotUnusable, OSError) as failed:
            self._log(f"the model is refreshed later: {type(failed).__name__}\n")
            self.due, self._asked_at_s = True, asked_at_s
        took_s = asyncio.get_running_loop().time() - asked_at_s
        if took_s > self._refresh_s:
            self._log(
                f"the model carries what was withdrawn {took_s:.0f} s ago: model_refresh_s is too short\n"
            )
        self._owed_since_s = self._asked_at_s if self.due else None
        if self.due:
            self._wait()

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.broken.done():
            self.broken.set_exception(error)


def _members(entry: GuardEntry, view: int, subject: SubjectId) -> tuple[SubjectId, ...]:
    return (subject,) if entry.members is None else entry.members[view]
