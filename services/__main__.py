"""The one program of the suite; `python -m services --help` lists what it does."""

from __future__ import annotations

import argparse
import os
import sys

# Programs are started by exec; gRPC's own handling of fork would only complain about it.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
# Requests share the cores already; read when numpy is first imported. Training sets its own.
for _library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_library, "1")

from rich.console import Console  # noqa: E402 - what it sets must be set before anything is imported

from services.commands import (  # noqa: E402
    backups,
    bringing,
    certificates,
    contract,
    definitions,
    doctor,
    gateway,
    graph,
    jobs,
    minimisation,
    page,
    policy,
    records,
    ring,
    running,
    stores,
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for group in (
        running,
        page,
        bringing,
        jobs,
        definitions,
        graph,
        ring,
        certificates,
        gateway,
        policy,
        contract,
        stores,
        backups,
        doctor,
        records,
        minimisation,
    ):
        group.add(commands)
    return parser


def main() -> int:
    """Runs one command; the exit code says how it went."""
    arguments = _parser().parse_args()
    code: int = arguments.command(arguments, Console())
    return code


if __name__ == "__main__":
    sys.exit(main())
