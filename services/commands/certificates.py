"""An authority for development, and the certificates that it issues."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from rich.console import Console


def add(commands: Any) -> None:
    """Adds it to the program's."""
    ca = commands.add_parser(
        "dev-ca",
        help="make a certificate authority for development, and certificates of everybody",
        description=(
            "Makes what is missing in a folder: an authority, a certificate for each service, the gateway and"
            " the callers named. Nothing that is there is overwritten. For development only: the authority's"
            " key lies beside what it signs, and whoever reads it is everybody."
        ),
    )
    ca.add_argument("folder", type=Path, help="where they lie")
    ca.add_argument(
        "--trust-domain", default="veilgraph.localhost", help="ends all names (veilgraph.localhost)"
    )
    ca.add_argument(
        "--caller", action="append", default=[], metavar="NAME", help="an outside caller; may be repeated"
    )
    ca.add_argument(
        "--renew", action="store_true", help="issue certificates that are there anew, for the same keys"
    )
    ca.set_defaults(command=_dev_ca)


def _dev_ca(arguments: argparse.Namespace, console: Console) -> int:
    from services.deployment.dev_ca import AUTHORITY_DAYS, CERTIFICATE_DAYS, AuthorityUnusable, provide

    try:
        written = provide(
            arguments.folder,
            arguments.trust_domain,
            arguments.caller,
            int(time.time()),
            renew=arguments.renew,
        )
    except (AuthorityUnusable, OSError, ValueError) as error:
        console.print(f"[red]Not made:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    for path in written:
        console.print(f"made {path}", highlight=False, soft_wrap=True)
    console.print(
        f"{len(written)} certificates made. They last {CERTIFICATE_DAYS} days,"
        f" the authority {AUTHORITY_DAYS}. For development only."
        if written
        else "All certificates are there and stay; --renew issues them anew.",
        highlight=False,
        soft_wrap=True,
    )
    return 0
