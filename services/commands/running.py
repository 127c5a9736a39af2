"""Running the suite or one service of it, and walking through one that runs."""

from __future__ import annotations

import argparse
import gc
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from services.commands.given import purchases, token_of, var

# A thread waits at most this long for the interpreter: the event loop and the stores' writers share it.
SWITCH_INTERVAL_S = 0.001
# A service holds millions of objects that stay, and makes few cycles: looking for them as often as Python
# does by itself costs a sixth of what linking costs.
COLLECT_EVERY = (50_000, 20, 100)
#: Each takes a dozen connections to the database.
WORKERS_MAX = 64


def add(commands: Any) -> None:
    """Adds them to the program's."""
    run = commands.add_parser("run", help="set up, import a year of purchases, serve until Ctrl-C")
    purchases(run)
    var(run)
    run.add_argument(
        "--port", type=int, default=7101, help="of the first of the four services (7101); 0: any"
    )
    run.add_argument(
        "--processes", type=int, choices=(1, 4), default=1, help="4: a process a service (default: 1)"
    )
    run.add_argument(
        "--postgresql", default="", help="URI of a database for the tables (default: SQLite files)"
    )
    run.add_argument(
        "--replicas",
        type=int,
        choices=(1, 2, 3),
        default=1,
        help="processes of each service: engagement's and the recommender's all serve, of the others one"
        " does and the rest stand by; needs --processes 4 and --postgresql",
    )
    run.add_argument("--nats", default="", help="URL of a NATS server with JetStream that announces news")
    run.add_argument(
        "--page",
        default="127.0.0.1:8090",
        help="host:port of the person's page at the gateway (127.0.0.1:8090); one signs in for it on the"
        " next port, and its process is on the one after that",
    )
    run.set_defaults(command=_run)

    for service in ("identity", "consent", "recommender", "engagement"):
        alone = commands.add_parser(service, help=f"serve {service} alone, beside the others' processes")
        alone.add_argument("--config", type=Path, required=True, help="the deployment's configuration file")
        alone.add_argument(
            "--folder", type=Path, help="of this process's own files (default: the configuration's folder)"
        )
        alone.add_argument(
            "--monitoring",
            metavar="HOST:PORT",
            help="where this process is watched: /metrics, /live and /ready in plain HTTP (default: where"
            " [monitoring] says)",
        )
        alone.add_argument(
            "--workers",
            type=int,
            choices=range(1, WORKERS_MAX + 1),
            metavar="N",
            default=1,
            help="processes that serve on the one address, each with a folder of its own in the folder; one"
            f" that ends is started again (default: 1; at most {WORKERS_MAX}; more than one on PostgreSQL, of"
            " a service that several may serve); they are watched at ports that follow each other",
        )
        alone.set_defaults(command=_serve, service=service)

    level = commands.add_parser("log-level", help="have running services write more or less of calls")
    level.add_argument("level", choices=("quiet", "normal", "debug"), help="quiet: refusals and faults alone")
    whose = level.add_mutually_exclusive_group(required=True)
    whose.add_argument("--pid", type=int, help="one process; in a container of its own it is 1")
    whose.add_argument("--folder", type=Path, help="every process on this machine that serves this folder")
    level.set_defaults(command=_log_level)

    tour = commands.add_parser("tour", help="walk one household through a running suite, checking each claim")
    purchases(tour)
    var(tour)
    tour.set_defaults(command=_tour)


def as_a_service() -> None:
    """How the interpreter of a process that serves is set."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(*COLLECT_EVERY)


def _run(arguments: argparse.Namespace, console: Console) -> int:
    import uvloop

    from services.deployment.config import ConfigError
    from services.deployment.demo import Demo, serve
    from services.deployment.dev_ca import AuthorityUnusable
    from services.deployment.processes import ServiceFailed
    from services.gateway.envoy import GatewayFailed
    from services.importing.errors import ImportStopped
    from services.monitoring.port import MonitoringTaken
    from services.preferences.settings import SettingsError
    from services.server import AddressTaken
    from services.storage.database import SchemaTooNew, StoreUnusable
    from services.storage.folder import FolderInUse
    from services.tls.material import CertificateUnusable

    as_a_service()
    if arguments.replicas > 1 and not (arguments.processes > 1 and arguments.postgresql):
        console.print("[red]Can not run:[/red] replicas need --processes 4 and --postgresql", highlight=False)
        return 1
    demo = Demo(
        arguments.data,
        arguments.files,
        arguments.gateway,
        arguments.var,
        arguments.port,
        arguments.processes,
        arguments.postgresql,
        arguments.replicas,
        arguments.nats,
        arguments.page,
    )
    try:
        return uvloop.run(serve(demo, console))
    except (
        AddressTaken,
        AuthorityUnusable,
        CertificateUnusable,
        ConfigError,
        FolderInUse,
        GatewayFailed,
        ImportStopped,
        MonitoringTaken,
        SchemaTooNew,
        ServiceFailed,
        SettingsError,
        StoreUnusable,
    ) as error:
        console.print(f"[red]Can not run:[/red] {error}", highlight=False)
        return 1


def _serve(arguments: argparse.Namespace, console: Console) -> int:
    import uvloop

    from services.deployment.config import ConfigError, load, watched_at
    from services.deployment.program import serve_alone
    from services.deployment.workers import Workers, serve_workers
    from services.loopback import NotLoopback
    from services.monitoring.port import MonitoringTaken
    from services.parts.part import PartEnded
    from services.server import AddressTaken
    from services.storage.database import SchemaTooNew, SchemaTooOld, StoreUnusable
    from services.storage.folder import FolderInUse
    from services.tls.material import CertificateUnusable

    as_a_service()
    try:
        config = load(arguments.config)
        if arguments.folder is not None:
            config = replace(config, folder=arguments.folder.absolute())
        if arguments.monitoring is not None:
            address = watched_at(arguments.monitoring, "--monitoring")
            config = replace(config, monitoring={arguments.service: address})
        if arguments.workers > 1:
            ports = {"--monitoring": config.monitoring.get(arguments.service, "")}
            workers = Workers(arguments.service, arguments.workers, arguments.config, config.folder, ports)
            return uvloop.run(serve_workers(config, workers, _said))
        return uvloop.run(serve_alone(config, arguments.service, sys.stdout))
    except (
        AddressTaken,
        CertificateUnusable,
        ConfigError,
        FolderInUse,
        MonitoringTaken,
        NotLoopback,
        PartEnded,
        SchemaTooNew,
        SchemaTooOld,
        StoreUnusable,
    ) as error:
        console.print(f"[red]{arguments.service} can not run:[/red] {error}", highlight=False)
        return 1


def _said(line: str) -> None:
    """A line among those of the workers, at once."""
    sys.stdout.write(line)
    sys.stdout.flush()


def _log_level(arguments: argparse.Namespace, console: Console) -> int:
    from services.deployment.config import SERVICES
    from services.deployment.log_level import NotListening, tell
    from services.interceptors.access_log import Level
    from services.storage.folder import user_of

    level = Level[arguments.level.upper()]
    if arguments.pid is not None:
        processes = {arguments.pid}
    else:
        processes = {one for service in SERVICES if (one := user_of(arguments.folder, service))}
    try:
        for process in sorted(processes):
            tell(process, level)
            console.print(f"process {process} writes {arguments.level} from now on", highlight=False)
    except NotListening as error:
        console.print(f"[red]Not done:[/red] {error}", highlight=False)
        return 1
    if not processes:
        console.print(f"[red]Not done:[/red] nobody serves {arguments.folder}", highlight=False)
    return 0 if processes else 1


def _tour(arguments: argparse.Namespace, console: Console) -> int:
    from services.deployment.demo import Demo
    from services.importing.errors import ImportStopped
    from services.tour import run_tour
    from services.tour.callers import NAMES

    demo = Demo(arguments.data, arguments.files, arguments.gateway, arguments.var)
    try:
        folder, dataset = demo.folder, demo.dataset
    except ImportStopped as error:
        console.print(f"[red]Can not walk:[/red] {error}", highlight=False)
        return 1
    tokens = [token_of(folder, name) for name in NAMES]
    return run_tour(arguments.gateway, tokens, dataset, folder, console)
