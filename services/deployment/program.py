"""What a serving program is around its services: the wall clock, the signals that stop it, its exit code.

It stops in order on SIGINT and SIGTERM, also while it still waits for others, and ends by
itself with an error when something of it that must run has ended.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from typing import TextIO

from services.deployment.config import ConfigError, SuiteConfig
from services.deployment.log_level import LogLevel
from services.deployment.suite import running_suite
from services.deployment.telemetry import LineLog


def wall_clock_ms() -> int:
    """The present instant, milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def stop_signal() -> asyncio.Event:
    """Is set by the first SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def serve_alone(config: SuiteConfig, service: str, output: TextIO) -> int:
    """Runs one service in this process until it is told to stop.

    It listens at once, says in its log whom it waits for, and says that it serves when they
    are there. The order in which the services are started does not matter.

    Args:
        config: the deployment's; each process of it has the same.
        service: a name of ``services.deployment.config.SERVICES``.
        output: takes the log: a line a call, and what else is to be known.

    Returns:
        The exit code: 0 after an orderly stop.

    Raises:
        ConfigError: the addresses of the others are not known.
        FolderInUse, AddressTaken, PartEnded: as of ``running_suite``.
    """
    if unknown := [name for name, address in config.listen.items() if address.endswith(":0")]:
        raise ConfigError(f"listen: processes find each other by fixed ports; {unknown} have none")
    stop = stop_signal()
    log = LineLog(output)
    level = LogLevel(log.write)
    level.follow_signals()
    serving = asyncio.create_task(_serve(config, service, log.write, level))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopped], return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        serving.cancel()
        await asyncio.wait([serving])
    stopped.cancel()
    log.flush()
    return 0 if serving.cancelled() else serving.result()


async def _serve(config: SuiteConfig, service: str, log: Callable[[str], object], level: LogLevel) -> int:
    async with running_suite(config, wall_clock_ms, log, (service,), level=level) as suite:
        log(f"{service} serves on {config.bound(service)}\n")
        # Shielded: who is told to stop gives this up, and has not ended by itself.
        log(f"{await asyncio.shield(suite.ended)}\n")
    return 1
