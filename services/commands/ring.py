"""The key ring: made, looked at, rotated, retired, destroyed.

Identifier and pairwise keys change through identity's service while the suite runs; audit and
signing keys change in the file while it does not.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from services.commands.given import reached

if TYPE_CHECKING:
    from services.deployment.config import SuiteConfig
    from services.tls.credentials import Secured

ONLINE = ("identifier", "pairwise")
OFFLINE = ("audit", "signing")


def add(commands: Any) -> None:
    """Adds them to the program's."""
    ring = commands.add_parser(
        "keys",
        help="make, show, rotate, retire or destroy the keys of a deployment",
        description="identifier and pairwise: while the suite runs. audit and signing: while it does not.",
    )
    whose = ring.add_mutually_exclusive_group()
    whose.add_argument("--folder", type=Path, help="a development suite's folder, with its operator's token")
    whose.add_argument("--config", type=Path, help="a deployment's configuration; --token goes with it")
    ring.add_argument("--token", type=Path, help="file of an operator's token (FOLDER/tokens/operator)")
    ring.add_argument("--certificate", type=Path, help="with [tls]: the operator's; --key goes with it")
    ring.add_argument("--key", type=Path, help="of the certificate")
    actions = ring.add_subparsers(required=True, metavar="action", dest="action")

    make = actions.add_parser("init", help="make the ring of a new deployment; replaces nothing")
    make.add_argument("file", type=Path, help="what the configuration will name under `keyring`")
    make.add_argument(
        "--from",
        type=Path,
        dest="seed",
        help="a ring that was put aside: it is placed where there is none, and a later one stays",
    )

    status = actions.add_parser("status", help="every version, and what is kept under it")
    status.add_argument(
        "--offline", action="store_true", help="what the file says, of a suite that is stopped"
    )

    rotate = actions.add_parser("rotate", help="have a new version seal from now on")
    rotate.add_argument("use", choices=ONLINE + OFFLINE)
    rotate.add_argument(
        "--overlap-days", type=int, default=0, help="how long ids before are taken beside the new ones (0)"
    )
    retire = actions.add_parser("retire", help="end an overlap: take only ids under the version that seals")
    retire.add_argument("use", choices=("pairwise",))
    destroy = actions.add_parser("destroy", help="destroy a version that nothing needs any more")
    destroy.add_argument("use", choices=ONLINE + OFFLINE)
    destroy.add_argument("version", type=int)
    destroy.add_argument(
        "--public-keys",
        type=Path,
        help="signing: what `public-keys` printed while it could say that version's",
    )
    for action in (rotate, retire, destroy):
        action.add_argument("--caller", default="", help="the one caller whose ids they are for (all)")
    ring.set_defaults(command=_keys)


def _keys(arguments: argparse.Namespace, console: Console) -> int:
    from identity.errors import KeyRingError
    from services.deployment.config import ConfigError
    from services.loopback import NotLoopback
    from services.storage.database import StoreUnusable
    from services.storage.folder import FolderInUse
    from veilgraph.client.errors import VeilgraphError

    try:
        for line in _carried_out(arguments):
            console.print(line, highlight=False, soft_wrap=True)
    except (
        *(ConfigError, FolderInUse, KeyRingError, NotLoopback),
        *(OSError, StoreUnusable, ValueError, VeilgraphError),
    ) as error:
        console.print(f"[red]Not done:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    return 0


def _carried_out(arguments: argparse.Namespace) -> Iterable[str]:
    from services.commands import ring_file
    from services.commands.keys import KeyDesk, carried_out
    from services.deployment.config import ConfigError, load
    from services.deployment.program import wall_clock_ms

    if arguments.action == "init":
        if arguments.seed:
            return [ring_file.place_ring(arguments.file, arguments.seed)]
        return [ring_file.make_ring(arguments.file, wall_clock_ms())]
    path = arguments.folder / "suite.toml" if arguments.folder else arguments.config
    if path is None:
        raise ConfigError("name the deployment: --folder or --config")
    config = load(path)
    if arguments.action == "status" and arguments.offline:
        return ring_file.status(config.keyring, config.keyring.uses)
    if getattr(arguments, "use", "") in OFFLINE:
        if arguments.caller or getattr(arguments, "overlap_days", 0):
            raise ConfigError(f"{arguments.use}: no caller has one of its own, and nothing overlaps")
        if arguments.action == "rotate":
            return ring_file.rotated(config, arguments.use, wall_clock_ms())
        return ring_file.destroyed(
            config, arguments.use, arguments.version, arguments.public_keys, wall_clock_ms()
        )
    said = list(carried_out(KeyDesk(*_reached(arguments, config)), arguments))
    return [*said, *ring_file.status(config.keyring, OFFLINE)] if arguments.action == "status" else said


def _reached(arguments: argparse.Namespace, config: SuiteConfig) -> tuple[str, str, Secured | None]:
    """Where identity listens, the operator's token, and what the operator shows there."""
    from services.deployment.config import ConfigError

    if arguments.folder and not (arguments.token or arguments.certificate or arguments.key):
        return reached(arguments.folder, "identity", "operator")
    if not arguments.token:
        raise ConfigError("--token: whose keys change while they run asks as an operator")
    return config.listen["identity"], arguments.token.read_text(), _shown(arguments, config)


def _shown(arguments: argparse.Namespace, config: SuiteConfig) -> Secured | None:
    from services.deployment.config import ConfigError
    from services.deployment.program import wall_clock_ms
    from services.tls.credentials import Secured
    from services.tls.material import CertificateUnusable, Files, read
    from services.tls.peer import peer_of

    if config.tls is None:
        return None
    if not (arguments.certificate and arguments.key):
        raise ConfigError("--certificate, --key: services of this deployment take no call without")
    identity = peer_of(arguments.certificate.read_bytes()).id
    if identity is None or identity not in config.tls.callers:
        raise ConfigError(f"{arguments.certificate}: no caller of the configuration has it as `spiffe`")
    files = Files(arguments.certificate, arguments.key, Path(config.tls.ca))
    try:
        return Secured(read(files, identity, wall_clock_ms()), config.tls.identity("identity"))
    except CertificateUnusable as error:
        raise ConfigError(str(error)) from None
