"""The contract as what it is to its callers: complete, readable, and still what it was."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console


def add(commands: Any) -> None:
    """Adds them to the program's."""
    lint = commands.add_parser("lint-contract", help="name every method and field without a declaration")
    lint.set_defaults(command=_lint)

    pages = commands.add_parser(
        "contract-pages", help="write docs/contract, a page for each of its files, OpenAPI and errors"
    )
    pages.add_argument("described", type=Path, help="descriptors with comments, as make stubs leaves them")
    pages.add_argument("--check", action="store_true", help="only name the pages that are not the contract's")
    pages.set_defaults(command=_pages)

    breaking = commands.add_parser(
        "contract-breaking", help="name declarations that refuse callers who were served before"
    )
    breaking.add_argument("described", type=Path, help="descriptors of the contract as it is")
    breaking.add_argument("--against", type=Path, required=True, help="descriptors of the one callers have")
    breaking.set_defaults(command=_breaking)


def _lint(_arguments: argparse.Namespace, console: Console) -> int:
    from services.contract import gaps

    found = gaps()
    for gap in found:
        console.print(gap, highlight=False)
    console.print("The contract leaves nothing undeclared." if not found else f"{len(found)} gaps.")
    return 1 if found else 0


def _pages(arguments: argparse.Namespace, console: Console) -> int:
    from services.contract.comments import comments
    from services.contract.writing import PAGES, pages, stale, write
    from services.gateway import written

    described = _read(arguments.described)
    made, over_json = pages(described), written.pages(comments(described))
    if not arguments.check:
        write(PAGES, made)
        written.write(over_json)
        return 0
    old = [*(PAGES / name for name in stale(PAGES, made)), *written.outdated(over_json)]
    for path in old:
        console.print(f"{path} is not the contract's: run make protos.", highlight=False)
    return 1 if old else 0


def _breaking(arguments: argparse.Namespace, console: Console) -> int:
    from services.contract.breaking import broken

    found = broken(_read(arguments.against), _read(arguments.described))
    for line in found:
        console.print(line, highlight=False, soft_wrap=True)
    console.print("No caller is refused who was served before." if not found else f"{len(found)} breaks.")
    return 1 if found else 0


def _read(path: Path) -> Any:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    return FileDescriptorSet.FromString(path.read_bytes())
