"""What the audit log and the receipts of erasures prove, checked without a suite."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console


def add(commands: Any) -> None:
    """Adds them to the program's."""
    export = commands.add_parser("export-audit", help="write the audit log of a deployment to a file")
    export.add_argument("config", type=Path, help="the deployment's configuration")
    export.add_argument("file", type=Path)
    export.set_defaults(command=_export_audit)

    verify = commands.add_parser(
        "verify-audit", help="say whether an exported log is the one that was signed, and which row is not"
    )
    verify.add_argument("file", type=Path)
    verify.add_argument("--keys", type=Path, required=True, help="what public-keys printed")
    verify.add_argument(
        "--head", type=Path, action="append", default=[], help="a head kept elsewhere; may be given again"
    )
    verify.set_defaults(command=_verify_audit)

    keys = commands.add_parser("public-keys", help="print what verifies a deployment's signatures")
    keys.add_argument("config", type=Path, help="the deployment's configuration")
    keys.set_defaults(command=_public_keys)

    people = commands.add_parser(
        "people-keys", help="print the key set (JWKS) that verifies people's tokens, for a gateway elsewhere"
    )
    people.add_argument("config", type=Path, help="the deployment's configuration")
    people.set_defaults(command=_people_keys)

    erased = commands.add_parser(
        "verify-erasure", help="say whether a receipt is genuine, and whether a store holds the erased"
    )
    erased.add_argument("receipt", type=Path, help="the receipt as the gateway answered it")
    erased.add_argument("--keys", type=Path, required=True, help="what public-keys printed")
    erased.add_argument("--store", type=Path, help="a folder or a database, e.g. of a restored backup")
    erased.add_argument("--subject", type=bytes.fromhex, help="search all bytes for this subject, too")
    erased.set_defaults(command=_verify_erasure)


def _export_audit(arguments: argparse.Namespace, console: Console) -> int:
    from services.audit.files import FileUnusable, export, private_file
    from services.deployment.config import ConfigError, load

    try:
        config = load(arguments.config)
        with private_file(arguments.file) as out:
            head = export(config.store("consent"), config.tenant, out)
    except (ConfigError, FileUnusable, OSError) as error:
        console.print(f"[red]Can not export:[/red] {error}", highlight=False)
        return 1
    if head is None:
        console.print("Nothing is sealed yet.")
        return 0
    console.print(f"{head.head.size:,} records. Keep this head elsewhere:", highlight=False)
    print(json.dumps(head.as_json()))  # noqa: T201 - one line for a file, not for the eye
    return 0


def _verify_audit(arguments: argparse.Namespace, console: Console) -> int:
    from datetime import UTC, datetime

    from services.audit.files import FileUnusable, verify_file

    try:
        keys = json.loads(arguments.keys.read_text())
        with arguments.file.open() as lines:
            report = verify_file(lines, keys, arguments.head)
    except (FileUnusable, OSError, ValueError) as error:
        console.print(f"[red]Can not verify:[/red] {error}", highlight=False)
        return 1
    for finding in report.findings:
        console.print(f"[red]{finding.kind}[/red] {finding.text}", highlight=False, soft_wrap=True)
    last = ""
    if report.last is not None:
        signed = datetime.fromtimestamp(report.last.head.at_ms / 1000, UTC)
        last = f"; the last head was signed at {signed:%Y-%m-%d %H:%M:%S} UTC"
    console.print(f"{report.rows:,} rows, {report.heads:,} signed heads{last}.", highlight=False)
    console.print(
        "The log is the one that was signed." if not report.findings else f"{len(report.findings)} findings."
    )
    return 1 if report.findings or report.last is None else 0


def _public_keys(arguments: argparse.Namespace, console: Console) -> int:
    from services.audit.files import keys_of
    from services.deployment.config import ConfigError, load

    try:
        print(json.dumps(keys_of(load(arguments.config).keyring), indent=2))  # noqa: T201 - for a file
    except ConfigError as error:
        console.print(f"[red]{arguments.config} can not be used:[/red] {error}")
        return 1
    return 0


def _people_keys(arguments: argparse.Namespace, console: Console) -> int:
    from services.deployment.config import ConfigError, load
    from services.login.access_tokens import jwks

    try:
        print(json.dumps(jwks(load(arguments.config).keyring), indent=2))  # noqa: T201 - for a file
    except ConfigError as error:
        console.print(f"[red]{arguments.config} can not be used:[/red] {error}")
        return 1
    return 0


def _verify_erasure(arguments: argparse.Namespace, console: Console) -> int:
    from services.rights.erasure_files import ReceiptUnusable, traces, verified_receipt
    from services.storage.absence import NoDatabase

    try:
        receipt = verified_receipt(arguments.receipt.read_text(), arguments.keys.read_text())
        found = traces(receipt, arguments.store, arguments.subject) if arguments.store else []
    except (NoDatabase, OSError, ReceiptUnusable) as error:
        console.print(f"[red]Can not verify:[/red] {error}", highlight=False)
        return 1
    console.print("The receipt is the deployment's own:", highlight=False)
    console.print_json(data=receipt.content)
    for line in found:
        console.print(f"[red]Still there:[/red] {line}", highlight=False)
    if arguments.store and not found:
        console.print(f"Nothing of the erased is in {arguments.store}.", highlight=False)
    return 1 if found else 0
