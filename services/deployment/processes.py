"""The four services as processes of their own, for as long as this one runs.

They are one deployment: whoever started them stops when one of them has ended, and takes the
others along. Where each service has a second process, which stands by or serves beside the first,
one that ends is started again instead.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.contract import home_of, public_services
from services.deployment.config import SERVICES, SuiteConfig
from services.deployment.launch import bound
from services.tls.credentials import Secured, open_channel
from services.tls.material import Material

#: A process that was told to stop has so long beyond its drain; more than ``suite.GRACE_S``.
STOP_S = 15.0
#: A process that ended is started again after so long.
AGAIN_S = 1.0
#: Who does not listen yet is asked again soon.
_SOON = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500))
_SERVING = health_pb2.HealthCheckResponse.SERVING


class ServiceFailed(RuntimeError):  # noqa: N818 - named for what happened
    """A service ended before it served; its log says why."""


@dataclass(frozen=True, slots=True)
class Processes:
    """Running services.

    Attributes:
        public_addresses: full name of each service for everybody -> where it listens.
        ended: done when a process, or something else that must run, has ended, naming it.
    """

    public_addresses: dict[str, str]
    ended: asyncio.Future[str]

    def must_run(self, name: str, task: asyncio.Task[Any]) -> None:
        """Has the whole end when a task does."""

        def over(task: asyncio.Task[Any]) -> None:
            if not task.cancelled() and not self.ended.done():
                self.ended.set_result(f"{name} ended")

        task.add_done_callback(over)


@asynccontextmanager
async def running_processes(
    config: SuiteConfig, path: Path, shown: Material | None = None, replicas: int = 1
) -> AsyncIterator[Processes]:
    """A process a service, or several, while the block runs; all serve when it begins.

    Args:
        config: the deployment.
        path: its configuration file. Each service's log is beside it, "<service>.log".
        shown: with what this process asks for their health, when connections show certificates.
        replicas: processes of each service; one serves and the others stand by, or all serve. Each keeps
            its files in a folder of its own, the second in "replica-2" beside the configuration.

    Raises:
        ServiceFailed: one ended before all served.
    """
    addresses = {name: config.listen[home_of(name)] for name in public_services()}
    running = Processes(addresses, asyncio.get_running_loop().create_future())
    processes: dict[tuple[str, int], asyncio.subprocess.Process] = {}
    keeping: list[asyncio.Task[None]] = []
    try:
        for number in range(1, replicas + 1):
            for name in SERVICES:
                place = path.parent if number == 1 else path.parent / f"replica-{number}"
                key = (name, number)
                # The port of the configuration is the first one's on this machine.
                watched = "127.0.0.1:0" if number > 1 and name in config.monitoring else ""
                processes[key] = await start(name, path, place, watched)
                if replicas == 1:
                    running.must_run(name, asyncio.create_task(processes[key].wait()))
                else:
                    again = asyncio.create_task(_started_again(processes, key, path, place, watched))
                    keeping.append(again)
                    running.must_run(f"the watch over {name}", again)
        ready: asyncio.Future[Any] = asyncio.gather(
            *(serving(config.listen[name], toward(config, name, shown)) for name in SERVICES)
        )
        await asyncio.wait([ready, running.ended], return_when=asyncio.FIRST_COMPLETED)
        if running.ended.done():
            ready.cancel()
            raise ServiceFailed(f"{running.ended.result()}: {_last_lines(path.parent)}")
        yield running
    finally:
        for task in keeping:
            task.cancel()
        await asyncio.gather(*(_stop(process, STOP_S + config.drain_s) for process in processes.values()))


def free_ports(count: int) -> list[int]:
    """Different ports of the loopback interface that nobody listens on now."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


async def _started_again(
    processes: dict[tuple[str, int], asyncio.subprocess.Process],
    key: tuple[str, int],
    path: Path,
    place: Path,
    watched: str,
) -> None:
    """Has a process that ended come back."""
    while True:
        await processes[key].wait()
        await asyncio.sleep(AGAIN_S)
        processes[key] = await start(key[0], path, place, watched)


async def start(
    name: str, path: Path, place: Path | None = None, monitoring: str = "", within: Sequence[str] = ()
) -> asyncio.subprocess.Process:
    """Starts one service of a deployment; it ends with this process at the latest.

    Args:
        name: the service.
        path: the deployment's configuration file.
        place: the folder of the process's own files, its log too; ``None``: the configuration's.
        monitoring: where it is watched; empty: where the configuration says.
        within: a program and its arguments that becomes the service, as ``nsenter`` does.
    """
    folder = place or path.parent
    folder.mkdir(mode=0o700, exist_ok=True)
    program = [sys.executable, "-m", "services", name, "--config", str(path), "--folder", str(folder)]
    if monitoring:
        program += ["--monitoring", monitoring]
    with (folder / f"{name}.log").open("a") as output:
        return await asyncio.create_subprocess_exec(
            *bound(*within, *program),
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for whoever started it, who stops it in order
        )


async def serving(address: str, secured: Secured | None = None) -> None:
    """Returns when a server says that it serves."""
    async with open_channel("a service", address, _SOON, secured) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch
        while True:
            try:
                async for told in watch(health_pb2.HealthCheckRequest(), wait_for_ready=True):
                    if told.status == _SERVING:
                        return
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.05)  # it is not there yet


def toward(config: SuiteConfig, service: str, shown: Material | None) -> Secured | None:
    """How a service of a deployment is asked with a certificate; ``None``: without one."""
    if config.tls is None or shown is None:
        return None
    return Secured(shown, config.tls.identity(service))


async def _stop(process: asyncio.subprocess.Process, within_s: float) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), within_s)
    except TimeoutError:
        process.kill()
        await process.wait()


def _last_lines(folder: Path) -> str:
    return "; ".join(
        f"{name}: {lines[-1]}"
        for name in SERVICES
        if (lines := (folder / f"{name}.log").read_text(errors="replace").splitlines())
    )
