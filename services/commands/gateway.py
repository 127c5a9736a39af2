"""The gateway of a deployment in a cluster: rendered beforehand, and served from what was rendered."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

#: As long as a call without a deadline of its own may take (``services.gateway.config.UNARY_TIMEOUT_S``).
DRAIN_S = 15.0


def add(commands: Any) -> None:
    """Adds them to the program's."""
    render = commands.add_parser(
        "render-gateway",
        help="write what the gateway of a deployment reads, from its configuration and the contract",
        description=(
            "Needs [listen], [tokens], [tls] and [gateway] of the configuration, and of a key ring what is"
            " public. Paths in what is written are those of the machine the gateway runs on. Exit code 1"
            " with --check: a file would change."
        ),
    )
    render.add_argument("file", type=Path, help="the deployment's configuration")
    render.add_argument("folder", type=Path, help="where the gateway's files are written")
    render.add_argument(
        "--ring",
        type=Path,
        help="the key ring, whose public keys verify people's tokens (default: they stay)",
    )
    render.add_argument(
        "--at",
        type=Path,
        default=Path("/etc/veilgraph"),
        help="where the configuration lies on the machine the gateway runs on (/etc/veilgraph)",
    )
    render.add_argument("--check", action="store_true", help="write nothing; say what would change")
    render.set_defaults(command=_render)

    serve = commands.add_parser("gateway", help="serve the gateway from what render-gateway wrote")
    serve.add_argument("rendered", type=Path, help="the folder that render-gateway wrote")
    serve.add_argument("--folder", type=Path, required=True, help="of this process's own files; written to")
    serve.add_argument(
        "--drain-s",
        type=float,
        default=DRAIN_S,
        help=f"how long calls in flight may take when it is told to stop ({DRAIN_S:g})",
    )
    serve.add_argument(
        "--monitoring",
        default="",
        metavar="HOST:PORT",
        help="where it is watched: /metrics, /live and /ready in plain HTTP (default: nowhere)",
    )
    serve.set_defaults(command=_serve)


def _render(arguments: argparse.Namespace, console: Console) -> int:
    from services.deployment.config import ConfigError
    from services.gateway.rendered import gateway_at, outdated

    try:
        config = gateway_at(arguments.file, arguments.at, arguments.ring)
        changed = outdated(config, arguments.folder, mend=not arguments.check)
    except (ConfigError, OSError, ValueError) as error:
        console.print(f"[red]Not rendered:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    for name in changed:
        said = "is not what it would be" if arguments.check else "written"
        console.print(f"{arguments.folder / name}: {said}", highlight=False, soft_wrap=True)
    if not changed:
        console.print(f"{arguments.folder} is up to date", highlight=False, soft_wrap=True)
    return 1 if arguments.check and changed else 0


def _serve(arguments: argparse.Namespace, console: Console) -> int:
    from services.contract import public_services
    from services.deployment.config import ConfigError
    from services.deployment.places import watched_at
    from services.gateway.config import write_contract
    from services.gateway.envoy import GatewayFailed
    from services.monitoring.port import MonitoringTaken

    try:
        if arguments.monitoring:
            watched_at(arguments.monitoring, "--monitoring")
        arguments.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in arguments.rendered.iterdir():
            if path.is_file():  # a ConfigMap's folder has links beside its files
                shutil.copyfile(path, arguments.folder / path.name)
        write_contract(public_services(), arguments.folder)
        return asyncio.run(_served(arguments.folder, arguments.drain_s, arguments.monitoring))
    except (ConfigError, GatewayFailed, MonitoringTaken, OSError) as error:
        console.print(f"[red]gateway can not run:[/red] {error}", highlight=False, soft_wrap=True)
        return 1


async def _served(folder: Path, drain_s: float, monitoring: str) -> int:
    """Serves until it is told to stop; 1 if Envoy ended by itself."""
    from prometheus_client import CollectorRegistry

    from services.deployment.program import stop_signal
    from services.gateway.counted import GatewayCounts
    from services.gateway.envoy import running_envoy
    from services.monitoring.port import watched_port

    stop, ready, registry = stop_signal(), asyncio.Event(), CollectorRegistry()
    async with (
        watched_port(monitoring, "gateway", registry, ready.is_set, _said),
        running_envoy(folder, grace_s=drain_s) as gateway,
    ):
        registry.register(GatewayCounts(gateway.stats))
        ready.set()
        _said(f"gateway serves on {gateway.address}\n")
        stopped, ended = asyncio.create_task(stop.wait()), asyncio.create_task(gateway.ended())
        await asyncio.wait([stopped, ended], return_when=asyncio.FIRST_COMPLETED)
        ready.clear()
        stopped.cancel()
        if ended.done():
            _said(f"Envoy ended with status {ended.result()}\n")
            return 1
        ended.cancel()
    return 0


def _said(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()
