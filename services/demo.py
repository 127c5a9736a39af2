"""The main job: one machine, a year of purchases, a suite that serves them.

Sets up what is missing, starts the four services and the gateway, imports through the front
door as an ordinary caller in a process of its own, says what can be called, and serves until
it is told to stop. Started again it finds its files and imports nothing twice.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from services.config import SERVICES, load
from services.development import prepare
from services.gateway import running_gateway
from services.gateway_config import GatewayConfig
from services.importing.dealing import Answer, deal
from services.importing.mapping_file import COMPLETE_JOURNEY, load_mapping
from services.launch import bound
from services.suite import Suite, running_suite
from services.telemetry import LineLog

JWKS = Path("keys", "jwks.json")


@dataclass(frozen=True, slots=True)
class Demo:
    """What ``make run`` was asked for.

    Attributes:
        mapping: the purchases' mapping file; ``None`` for Complete Journey.
        files: folder of the purchases' files; ``None`` for the mapping's own.
        gateway: "host:port" the gateway listens on.
        var: where every data set has its folder.
        port: of the first service, the others follow; 0 takes free ones.
    """

    mapping: Path | None
    files: Path | None
    gateway: str
    var: Path
    port: int = 7101

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return load_mapping(self.mapping or COMPLETE_JOURNEY, folder=self.files).dataset

    @property
    def folder(self) -> Path:
        """Everything of one data set: stores, keys, tokens, logs, the import's state."""
        return self.var / self.dataset

    @property
    def ports(self) -> dict[str, int]:
        """Where each service listens."""
        return {name: self.port + place if self.port else 0 for place, name in enumerate(SERVICES)}


async def serve(demo: Demo, console: Console) -> int:
    """Runs the main job until SIGINT or SIGTERM.

    Returns:
        The process's exit code: 0 after an orderly stop.
    """
    begun = time.monotonic()
    config = load(prepare(demo.folder, int(time.time()), demo.ports))
    stop = _stop_signal()
    with (demo.folder / "suite.log").open("a") as stream:
        log = LineLog(stream)
        async with running_suite(config, wall_clock_ms, log.write) as suite:
            gateway = GatewayConfig(
                suite.public_addresses,
                jwks_file=demo.folder / JWKS,
                issuer=config.tokens.issuer,
                audience=config.tokens.audience,
                listen=demo.gateway,
            )
            async with running_gateway(gateway, demo.folder / "gateway") as envoy:
                suite.must_run("the gateway", asyncio.create_task(envoy.ended()))
                console.print(
                    f"Services and gateway are up after {time.monotonic() - begun:.1f} s.", highlight=False
                )
                code = await _import(demo, stop)
                if code == 0 and not stop.is_set():
                    console.print(_ready(demo, suite), highlight=False, markup=False, soft_wrap=True)
                    code = await _until_stopped(suite, stop, console)
                console.print("Stopping: calls in flight finish, nothing acknowledged is lost.")
        log.flush()
    return code


def wall_clock_ms() -> int:
    """The present instant, milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _import(demo: Demo, stop: asyncio.Event) -> int:
    """Imports in a process of its own; it goes on where an earlier one was stopped."""
    arguments: Sequence[str] = (
        *("import", "purchases", "--gateway", demo.gateway, "--folder", str(demo.folder)),
        *(("--data", str(demo.mapping)) if demo.mapping else ()),
        *(("--files", str(demo.files)) if demo.files else ()),
    )
    importer = await asyncio.create_subprocess_exec(
        *bound(sys.executable, "-m", "services", *arguments), start_new_session=True
    )
    stopped: asyncio.Future[Any] = asyncio.create_task(stop.wait())
    ended: asyncio.Future[Any] = asyncio.create_task(importer.wait())
    await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
    if not ended.done():
        importer.terminate()
        await ended
        return 0
    stopped.cancel()
    code: int = ended.result()
    return code


async def _until_stopped(suite: Suite, stop: asyncio.Event, console: Console) -> int:
    stopped: asyncio.Future[Any] = asyncio.create_task(stop.wait())
    await asyncio.wait({stopped, suite.ended}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if suite.ended.done():
        console.print(f"[red]{suite.ended.result()}[/red]")
        return 1
    return 0


def _ready(demo: Demo, suite: Suite) -> str:
    """What can be called, and three calls to paste."""
    url, folder = f"http://{demo.gateway}", demo.folder
    token = f'-H "authorization: Bearer $(cat {folder}/tokens/shop)"'
    addresses = ", ".join(
        f"{name.rsplit('.', 1)[1]} {address}" for name, address in suite.public_addresses.items()
    )
    trending = '{"anonymous": {}, "recipe": "RECIPE_TRENDING", "pageSize": 3}'
    secret = f"VEILGRAPH={demo.gateway} VEILGRAPH_TOKEN=$(cat {folder}/tokens/shop)"
    script = f"{sys.executable} docs/examples/first_script.py {_somebody(demo.dataset)}"
    return f"""
Veilgraph is ready: gateway {url}; {addresses}

The model in service, over HTTP/JSON:
  curl -s {token} {url}/v1/model

What people begin to buy, for a guest:
  curl -s {token} -d '{trending}' {url}/v1/recommendations

What one person may like and why, from Python:
  {secret} {script}

`make tour` in another shell walks one household through it all. Ctrl-C stops.
"""


def _somebody(dataset: str) -> str:
    """The synthetic e-mail address of the first person who grants and is linked."""
    ordinal = 1
    while (dealt := deal(dataset, ordinal)).answer is not Answer.GRANT or not dealt.linked:
        ordinal += 1
    return dealt.email
