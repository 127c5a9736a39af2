"""Several processes of one service on one address of this host, for as long as this one runs.

Each is what `python -m services <service>` is, with a folder of its own. One that ends is started
again, after a pause that grows while it does not last; signals that say how much is logged are
passed on. Told to stop, this one tells all of them and waits until they have stopped in order.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from services.deployment.config import ConfigError, SuiteConfig
from services.deployment.launch import bound
from services.deployment.log_level import SIGNALS, NotListening, tell
from services.deployment.processes import STOP_S
from services.deployment.program import stop_signal
from services.interceptors.access_log import Level
from services.storage.folder import sole_user

#: A worker that ended is started again after the first of these, and later each time it does not last.
AGAIN_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
#: Who ran for so long has lasted.
LASTED_S = 60.0


@dataclass(frozen=True, slots=True)
class Workers:
    """What is to run.

    Attributes:
        service: a name of ``services.deployment.config.SERVICES``.
        count: how many processes.
        path: the deployment's configuration file.
        folder: has a folder "worker-1" and so on for each.
        ports: by option the "host:port" where the first worker answers others than callers; the next ones
            answer at the ports that follow.
    """

    service: str
    count: int
    path: Path
    folder: Path
    ports: Mapping[str, str] = field(default_factory=dict)

    def place(self, number: int) -> Path:
        """The folder of one worker's own files."""
        return self.folder / f"worker-{number}"

    def arguments(self, number: int) -> list[str]:
        """What one worker is told."""
        told = {"--config": str(self.path), "--folder": str(self.place(number))}
        told |= {option: _following(address, number) for option, address in self.ports.items() if address}
        return [word for pair in told.items() for word in pair]


def _following(address: str, number: int) -> str:
    """The address of one worker, given the first one's; of any port any.

    Raises:
        ConfigError: it is none.
    """
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        raise ConfigError(f"{address}: an address and a port are needed, 127.0.0.1:9401")
    return address if port == "0" else f"{host}:{int(port) + number - 1}"


async def serve_workers(config: SuiteConfig, workers: Workers, log: Callable[[str], object]) -> int:
    """Runs the workers until this process is told to stop; their logs go where its own goes.

    Returns:
        The exit code: 0 if all stopped in order.

    Raises:
        ConfigError: only one process of the service may serve, or an address is none.
        FolderInUse: another process runs it on this folder.
    """
    if not config.shared(workers.service):
        where = "of its tables" if config.postgresql else "of a file"
        raise ConfigError(f"--workers: one process serves {workers.service} {where}; others stand by")
    workers.arguments(1)  # what is wrong with them is told at once
    stop = stop_signal()
    with sole_user(workers.folder, workers.service):
        keepers = [_Keeper(workers, number, log) for number in range(1, workers.count + 1)]
        _pass_on(keepers)
        keeping = [asyncio.create_task(keeper.keep()) for keeper in keepers]
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped, *keeping], return_when=asyncio.FIRST_COMPLETED)
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        codes = await asyncio.gather(*(keeper.end(STOP_S + config.drain_s) for keeper in keepers))
    for task in keeping:
        if not task.cancelled():
            task.result()  # nobody foresaw its error
    return int(any(codes))


def _pass_on(keepers: list[_Keeper]) -> None:
    """Has the workers told how much they log when this process is told."""

    def told(level: Level) -> None:
        for keeper in keepers:
            keeper.tell(level)

    for level, number in SIGNALS.items():
        asyncio.get_running_loop().add_signal_handler(number, told, level)


class _Keeper:
    """Keeps one worker running."""

    def __init__(self, workers: Workers, number: int, log: Callable[[str], object]) -> None:
        self._workers = workers
        self._number = number
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def keep(self) -> None:
        """Starts the worker, again and again; ends when it is cancelled, and leaves the worker running."""
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            begun_s = loop.time()
            self._process = await self._started()
            code = await self._process.wait()
            failures = 0 if loop.time() - begun_s >= LASTED_S else failures + 1
            pause_s = AGAIN_S[min(failures, len(AGAIN_S)) - 1 if failures else 0]
            self._log(
                f"{self._workers.service}: worker {self._number} ended with {code};"
                f" it is started again in {pause_s:.0f} s\n"
            )
            await asyncio.sleep(pause_s)

    def tell(self, level: Level) -> None:
        """Has the worker log so much, if it runs and takes such a signal yet."""
        if self._process is not None and self._process.returncode is None:
            with suppress(NotListening):
                tell(self._process.pid, level)

    async def end(self, within_s: float) -> int:
        """Has the worker stop in order; its exit code, 0 of one that did not run."""
        process = self._process
        if process is None or process.returncode is not None:
            return 0
        process.terminate()
        try:
            return await asyncio.wait_for(process.wait(), within_s)
        except TimeoutError:
            process.kill()
            return await process.wait()

    async def _started(self) -> asyncio.subprocess.Process:
        self._workers.place(self._number).mkdir(mode=0o700, exist_ok=True)
        arguments = self._workers.arguments(self._number)
        return await asyncio.create_subprocess_exec(
            *bound(sys.executable, "-m", "services", self._workers.service, *arguments),
            start_new_session=True,  # Ctrl-C is for this process, which stops it in order
        )
