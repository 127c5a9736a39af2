"""A deployment's policy: signed, carried out, and written down for whoever asks."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console


def add(commands: Any) -> None:
    """Adds them to the program's."""
    sign = commands.add_parser("sign-policy", help="sign a deployment's own policy file")
    sign.add_argument("file", type=Path, help="the policy file; the signature is written beside it")
    sign.add_argument("--key", type=Path, required=True, help="PEM file of the Ed25519 private key")
    sign.add_argument("--new-key", action="store_true", help="make the key first")
    sign.set_defaults(command=_sign_policy)

    sweep = commands.add_parser(
        "sweep", help="delete what is due by the policy's retention; a suite that runs does so by itself"
    )
    sweep.add_argument("file", type=Path)
    sweep.set_defaults(command=_sweep)

    ropa = commands.add_parser("ropa", help="print the record of processing (GDPR article 30)")
    ropa.add_argument("file", type=Path, nargs="?", help="a configuration, for its callers and its policy")
    ropa.add_argument("--json", action="store_true", help="as JSON instead of Markdown")
    ropa.set_defaults(command=_ropa)


def _sign_policy(arguments: argparse.Namespace, console: Console) -> int:
    from services.consent.policy_file import SUFFIX, PolicyFileError, sign
    from services.consent.policy_key import PolicyKeyError, make_policy_key, open_policy_key

    try:
        key = make_policy_key(arguments.key) if arguments.new_key else open_policy_key(arguments.key)
        public = sign(arguments.file, key)
    except (PolicyFileError, PolicyKeyError) as error:
        console.print(f"[red]Nothing was signed:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    console.print(
        f"Wrote {arguments.file}{SUFFIX}. The deployment's configuration trusts it by", soft_wrap=True
    )
    console.print(f'policy_keys = ["{public.hex()}"]', highlight=False, markup=False, soft_wrap=True)
    return 0


def _sweep(arguments: argparse.Namespace, console: Console) -> int:
    import asyncio

    from services.deployment.config import ConfigError, load
    from services.retention.sweeping import sweep_all
    from services.storage.database import StoreUnusable, TurnTaken
    from services.storage.folder import FolderInUse

    try:
        asyncio.run(sweep_all(load(arguments.file), lambda line: console.print(line, highlight=False)))
    except (ConfigError, FolderInUse, StoreUnusable, TurnTaken) as error:
        console.print(f"[red]Not swept to the end:[/red] {error}", highlight=False)
        return 1
    return 0


def _ropa(arguments: argparse.Namespace, console: Console) -> int:
    from services.deployment.config import ConfigError, load, shipped_policy
    from services.retention.ropa import record_of_processing
    from services.retention.ropa_page import markdown

    try:
        if arguments.file is None:
            record = record_of_processing(shipped_policy(), {})
        else:
            config = load(arguments.file)
            record = record_of_processing(config.policy, config.callers, config.tenant)
    except ConfigError as error:
        console.print(f"[red]{arguments.file} can not be used:[/red] {error}")
        return 1
    sys.stdout.write(json.dumps(record, indent=1) + "\n" if arguments.json else markdown(record))
    return 0
