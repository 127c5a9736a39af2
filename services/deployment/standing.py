"""What a process does while another one serves: it makes the start at its own turn a short one.

It imports what its services need, has consent hold what is committed, and keeps what the recommender
has learned free of people who are gone. It writes nothing that belongs to whoever serves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from services.deployment.config import SuiteConfig
from services.parts.part import Clock, Log

if TYPE_CHECKING:
    from services.consent.following import Followed, StandingBy


class Standing:
    """One process's; used from one event loop.

    Attributes:
        held: what consent held when its turn came; ``None`` if it came at once.
    """

    def __init__(
        self,
        config: SuiteConfig,
        clock: Clock,
        log: Log,
        imported: Callable[[str], object],
        ready: asyncio.Event,
    ) -> None:
        """Does nothing yet.

        Args:
            config: the deployment.
            clock: the present instant, milliseconds since the epoch.
            log: takes a line when a service stands by.
            imported: imports a service.
            ready: is set while a service stands by and can take over; consent once it holds everything.
        """
        self.held: Followed | None = None
        self._config, self._clock, self._log = config, clock, log
        self._imported, self._ready = imported, ready
        self._consent: StandingBy | None = None
        self._tasks: list[asyncio.Task[Any]] = []

    def begin(self, name: str) -> None:
        """A service waits for its turn from now on."""
        self._log(f"{name} stands by: another process serves it\n")
        self._tasks = [asyncio.create_task(asyncio.to_thread(self._imported, name))]
        if name == "consent":
            from services.consent.following import StandingBy  # noqa: PLC0415 - nobody else needs it
            from services.storage.subject_keys import SubjectKeys  # noqa: PLC0415 - likewise

            config = self._config
            keys = SubjectKeys(config.keyring)
            self._consent = StandingBy(
                config.store(name),
                config.policy,
                keys,
                self._clock,
                log=self._log,
                holds=self._ready.set,
            )
            self._consent.begin()
            return
        self._ready.set()
        if name == "recommender":
            from services.recommender.learned import standing_by  # noqa: PLC0415 - likewise

            task = standing_by(self._config.store(name), self._config.folder, self._log)
            self._tasks.append(asyncio.create_task(task))

    async def end(self) -> None:
        """Its turn has come; it has yet to start."""
        self._ready.clear()
        if self._consent is not None:
            self.held, self._consent = await self._consent.end(), None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
