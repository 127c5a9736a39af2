"""The main job: one machine, a year of purchases, a suite that serves them.

Sets up what is missing, starts the four services (in this process or in one each), the gateway
and the person's page, imports through the front door as an ordinary caller in a process of its
own, says what can be called, and serves until it is told to stop. Started again it finds its
files and imports nothing twice.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from services.deployment.config import SERVICES, SuiteConfig, load
from services.deployment.demo_page import must_be_free, running_page
from services.deployment.dev_ca import files_of
from services.deployment.development import CONFIG_FILE, TLS_FOLDER, TRUST_DOMAIN, PageAddresses, prepare
from services.deployment.launch import bound
from services.deployment.log_level import LogLevel
from services.deployment.processes import free_ports, running_processes
from services.deployment.program import stop_signal, wall_clock_ms
from services.deployment.suite import running_suite
from services.deployment.telemetry import LineLog
from services.gateway.config import gateway_of
from services.gateway.envoy import running_gateway
from services.gateway.upstream_tls import GatewayTls
from services.importing.dealing import Answer, deal
from services.importing.mapping_file import COMPLETE_JOURNEY, load_mapping
from services.preferences.settings import split_address
from services.tls.material import read
from services.tls.spiffe import gateway_id


class Running(Protocol):
    """Services at work; ``suite.Suite`` and ``processes.Processes`` are."""

    @property
    def public_addresses(self) -> dict[str, str]:
        """Full name of each service for everybody -> where it listens."""

    @property
    def ended(self) -> asyncio.Future[str]:
        """Done when something that must run has ended, naming it."""

    def must_run(self, name: str, task: asyncio.Task[Any]) -> None:
        """Has the whole end when a task does."""


@dataclass(frozen=True)
class Demo:
    """What ``make run`` was asked for.

    Attributes:
        mapping: the purchases' mapping file; ``None`` for Complete Journey.
        files: folder of the purchases' files; ``None`` for the mapping's own.
        gateway: "host:port" the gateway listens on.
        var: where every data set has its folder.
        port: of the first service, the others follow; 0 takes free ones.
        processes: 1, or 4 for a process a service.
        postgresql: the database that holds the tables; empty: a file a service.
        replicas: processes of each service, where each has its own.
        nats: the server that announces news; empty: the services tell each other.
        page: "host:port" of the person's page at the gateway; on the next port one signs in for it, on
            the one after that is its process.
    """

    mapping: Path | None
    files: Path | None
    gateway: str
    var: Path
    port: int = 7101
    processes: int = 1
    postgresql: str = ""
    replicas: int = 1
    nats: str = ""
    page: str = "127.0.0.1:8090"

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return load_mapping(self.mapping or COMPLETE_JOURNEY, folder=self.files).dataset

    @property
    def folder(self) -> Path:
        """Everything of one data set: stores, keys, tokens, logs, the import's state."""
        return self.var / self.dataset

    @cached_property
    def page_addresses(self) -> PageAddresses:
        """Where the person's page is and what belongs to it; free ports where the services take them."""
        if self.port:
            host, port = split_address(self.page)
            return PageAddresses(self.page, f"{host}:{port + 1}", self.gateway, f"{host}:{port + 2}")
        page, provider, process = (f"127.0.0.1:{port}" for port in free_ports(3))
        return PageAddresses(page, provider, self.gateway, process)

    @property
    def ports(self) -> dict[str, int]:
        """Where each service listens."""
        if self.port:
            return {name: self.port + place for place, name in enumerate(SERVICES)}
        if self.processes > 1:
            return dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        return dict.fromkeys(SERVICES, 0)


async def serve(demo: Demo, console: Console) -> int:
    """Runs the main job until SIGINT or SIGTERM.

    Returns:
        The process's exit code: 0 after an orderly stop.
    """
    begun = time.monotonic()
    stop = stop_signal()
    async with _running(demo) as (config, running):
        running.ended.add_done_callback(lambda _: stop.set())
        must_be_free(demo.page_addresses)
        gateway = gateway_of(config, running.public_addresses, _gateway_tls(demo), demo.gateway)
        async with running_gateway(gateway, demo.folder / "gateway") as envoy:
            running.must_run("the gateway", asyncio.create_task(envoy.ended()))
            took_s = time.monotonic() - begun
            console.print(f"Services and gateway are up after {took_s:.1f} s.", highlight=False)
            async with running_page(demo.folder / CONFIG_FILE, demo.dataset, demo.page_addresses) as page:
                for name, task in page.items():
                    running.must_run(name, task)
                code = await _import(demo, stop)
                if code == 0 and not stop.is_set():
                    console.print(_ready(demo, running), highlight=False, markup=False, soft_wrap=True)
                    await stop.wait()
            if running.ended.done():
                console.print(f"[red]{running.ended.result()}[/red]")
                code = 1
            console.print("Stopping: calls in flight finish, nothing acknowledged is lost.")
    return code


@asynccontextmanager
async def _running(demo: Demo) -> AsyncIterator[tuple[SuiteConfig, Running]]:
    """The services while the block runs, in this process or in one each."""
    tls = demo.processes > 1
    path = prepare(
        demo.folder,
        int(time.time()),
        demo.ports,
        demo.postgresql,
        tls=tls,
        nats=demo.nats,
        monitoring=_monitoring(demo),
        page=demo.page_addresses,
    )
    config = load(path)
    if demo.postgresql:
        for service in SERVICES:
            await config.store(service).migrate()
    if demo.processes > 1:
        identity = gateway_id(TRUST_DOMAIN)
        shown = read(files_of(demo.folder / TLS_FOLDER, identity), identity, wall_clock_ms())
        async with running_processes(config, path, shown, demo.replicas) as processes:
            yield config, processes
        return
    with (demo.folder / "suite.log").open("a") as stream:
        log = LineLog(stream)
        level = LogLevel(log.write)
        level.follow_signals()
        async with running_suite(config, wall_clock_ms, log.write, level=level) as suite:
            yield config, suite
        log.flush()


def _monitoring(demo: Demo) -> dict[str, int]:
    """Where the processes are watched: the one that serves all is identity's."""
    watched = SERVICES if demo.processes > 1 else SERVICES[:1]
    return dict(zip(watched, free_ports(len(watched)), strict=True))


def _gateway_tls(demo: Demo) -> GatewayTls | None:
    """What the gateway shows to services in processes of their own."""
    if demo.processes == 1:
        return None
    return GatewayTls(files_of(demo.folder / TLS_FOLDER, gateway_id(TRUST_DOMAIN)), TRUST_DOMAIN)


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


def _ready(demo: Demo, running: Running) -> str:
    """What can be called, and three calls to paste."""
    url, folder = f"http://{demo.gateway}", demo.folder
    token = f'-H "authorization: Bearer $(cat {folder}/tokens/shop)"'
    addresses = ", ".join(
        f"{name.rsplit('.', 1)[1]} {address}" for name, address in running.public_addresses.items()
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

What it measures: the addresses under [monitoring] in {folder}/{CONFIG_FILE}, at /metrics.

What one person sees of themselves and decides, in a browser (the sign-in is one of development):
  http://{demo.page_addresses.page}/

`make tour` in another shell walks one household through it all. Ctrl-C stops.
"""


def _somebody(dataset: str) -> str:
    """The synthetic e-mail address of the first person who grants and is linked."""
    ordinal = 1
    while (dealt := deal(dataset, ordinal)).answer is not Answer.GRANT or not dealt.linked:
        ordinal += 1
    return dealt.email
