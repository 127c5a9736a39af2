"""The one program of the suite; `python -m services --help` lists what it does."""

from __future__ import annotations

import argparse
import gc
import ipaddress
import json
import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

GATEWAY = "127.0.0.1:8080"
# Programs are started by exec; gRPC's own handling of fork would only complain about it.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
# Requests share the cores already; read when numpy is first imported. Training sets its own.
for _library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_library, "1")
# A thread waits at most this long for the interpreter: the event loop and the stores' writers share it.
SWITCH_INTERVAL_S = 0.001
# A service holds millions of objects that stay, and makes few cycles: looking for them as often as Python
# does by itself costs a sixth of what linking costs.
COLLECT_EVERY = (50_000, 20, 100)


def _as_a_service() -> None:
    """How the interpreter of a process that serves is set."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(*COLLECT_EVERY)


def _run(arguments: argparse.Namespace, console: Console) -> int:
    import uvloop  # noqa: PLC0415 - each command imports what it needs; a tour needs no FAISS

    from services.deployment.config import ConfigError  # noqa: PLC0415
    from services.deployment.demo import Demo, serve  # noqa: PLC0415
    from services.deployment.processes import ServiceFailed  # noqa: PLC0415
    from services.gateway.envoy import GatewayFailed  # noqa: PLC0415
    from services.importing.errors import ImportStopped  # noqa: PLC0415
    from services.server import AddressTaken  # noqa: PLC0415
    from services.storage.folder import FolderInUse  # noqa: PLC0415

    _as_a_service()
    demo = Demo(
        arguments.data,
        arguments.files,
        arguments.gateway,
        arguments.var,
        arguments.port,
        arguments.processes,
    )
    try:
        return uvloop.run(serve(demo, console))
    except (AddressTaken, ConfigError, FolderInUse, GatewayFailed, ImportStopped, ServiceFailed) as error:
        console.print(f"[red]Can not run:[/red] {error}", highlight=False)
        return 1


def _serve(arguments: argparse.Namespace, console: Console) -> int:
    import uvloop  # noqa: PLC0415

    from services.deployment.config import ConfigError, load  # noqa: PLC0415
    from services.deployment.program import serve_alone  # noqa: PLC0415
    from services.parts.part import PartEnded  # noqa: PLC0415
    from services.peers import NotLoopback  # noqa: PLC0415
    from services.server import AddressTaken  # noqa: PLC0415
    from services.storage.folder import FolderInUse  # noqa: PLC0415

    _as_a_service()
    try:
        return uvloop.run(serve_alone(load(arguments.config), arguments.service, sys.stdout))
    except (AddressTaken, ConfigError, FolderInUse, NotLoopback, PartEnded) as error:
        console.print(f"[red]{arguments.service} can not run:[/red] {error}", highlight=False)
        return 1


def _import_purchases(arguments: argparse.Namespace, console: Console) -> int:
    from services.importing.errors import ImportStopped  # noqa: PLC0415
    from services.importing.run import run_import  # noqa: PLC0415

    try:
        run_import(
            arguments.data,
            arguments.gateway,
            _token(arguments.folder, "importer"),
            arguments.folder,
            console,
            data_folder=arguments.files,
        )
    except ImportStopped as stopped:
        console.print(f"[red]The import stopped:[/red] {stopped}. Started again it goes on from here.")
        return 1
    return 0


def _import_identities(arguments: argparse.Namespace, console: Console) -> int:
    from services.importing.errors import ImportStopped  # noqa: PLC0415
    from services.importing.identity_run import run_identities  # noqa: PLC0415

    try:
        run_identities(
            arguments.file,
            arguments.map,
            arguments.folder / "imports",
            console,
            target=arguments.gateway,
            token=_token(arguments.folder, arguments.caller),
        )
    except ImportStopped as stopped:
        console.print(f"[red]The import stopped:[/red] {stopped}. Started again it goes on from here.")
        return 1
    return 0


def _tour(arguments: argparse.Namespace, console: Console) -> int:
    from services.deployment.demo import Demo  # noqa: PLC0415
    from services.importing.errors import ImportStopped  # noqa: PLC0415
    from services.tour import run_tour  # noqa: PLC0415

    demo = Demo(arguments.data, arguments.files, arguments.gateway, arguments.var)
    try:
        folder, dataset = demo.folder, demo.dataset
    except ImportStopped as error:
        console.print(f"[red]Can not walk:[/red] {error}", highlight=False)
        return 1
    tokens = _token(folder, "shop"), _token(folder, "partner"), _token(folder, "operator")
    return run_tour(arguments.gateway, tokens, dataset, folder, console)


def _picture(arguments: argparse.Namespace, console: Console) -> int:
    from services.commands.picture import VIEWS, run_picture  # noqa: PLC0415

    if arguments.view and arguments.view not in VIEWS:
        console.print(f"[red]No picture:[/red] the views are those of {', '.join(VIEWS)}", highlight=False)
        return 1
    return run_picture(
        arguments.subject,
        arguments.out,
        console,
        view=arguments.view,
        gateway=arguments.gateway,
        token=_token(arguments.folder, arguments.caller),
    )


def _evaluate(arguments: argparse.Namespace, console: Console) -> int:
    import asyncio  # noqa: PLC0415

    from services.importing.errors import ImportStopped  # noqa: PLC0415
    from services.recommender.evaluate import run_evaluation  # noqa: PLC0415

    try:
        report = asyncio.run(run_evaluation(arguments.data, arguments.files, console))
    except ImportStopped as error:
        console.print(f"[red]Can not evaluate:[/red] {error}", highlight=False)
        return 1
    for line in report.lines():
        console.print(line, highlight=False)
    return 0 if report.passed else 1


def _check_config(arguments: argparse.Namespace, console: Console) -> int:
    from services.deployment.config import ConfigError, load  # noqa: PLC0415

    try:
        config = load(arguments.file)
    except ConfigError as error:
        console.print(f"[red]{arguments.file} can not be used:[/red] {error}")
        return 1
    policy = config.policy
    whose = "its own, signed" if config.own_policy else "the suite's"
    console.print(
        f"{arguments.file} is good: {len(config.callers)} callers,"
        f" policy version {policy.version} {policy.digest[:12]} ({whose})",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _sign_policy(arguments: argparse.Namespace, console: Console) -> int:
    from services.consent.policy_file import SUFFIX, PolicyFileError, sign  # noqa: PLC0415
    from services.consent.policy_key import PolicyKeyError, make_policy_key, open_policy_key  # noqa: PLC0415

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
    import asyncio  # noqa: PLC0415

    from services.deployment.config import ConfigError, load  # noqa: PLC0415
    from services.retention.sweeping import sweep_all  # noqa: PLC0415
    from services.storage.folder import FolderInUse  # noqa: PLC0415
    from services.storage.sqlite import StoreUnusable  # noqa: PLC0415

    try:
        asyncio.run(sweep_all(load(arguments.file), lambda line: console.print(line, highlight=False)))
    except (ConfigError, FolderInUse, StoreUnusable) as error:
        console.print(f"[red]Not swept to the end:[/red] {error}", highlight=False)
        return 1
    return 0


def _ropa(arguments: argparse.Namespace, console: Console) -> int:
    from services.deployment.config import ConfigError, load, shipped_policy  # noqa: PLC0415
    from services.retention.ropa import record_of_processing  # noqa: PLC0415
    from services.retention.ropa_page import markdown  # noqa: PLC0415

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


def _export_audit(arguments: argparse.Namespace, console: Console) -> int:
    from services.audit.files import FileUnusable, export, private_file  # noqa: PLC0415
    from services.deployment.config import ConfigError, load  # noqa: PLC0415

    try:
        config = load(arguments.config)
        with private_file(arguments.file) as out:
            head = export(config.folder, config.tenant, out)
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
    from datetime import UTC, datetime  # noqa: PLC0415

    from services.audit.files import FileUnusable, verify_file  # noqa: PLC0415

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
    from services.audit.files import keys_of  # noqa: PLC0415
    from services.deployment.config import ConfigError, load  # noqa: PLC0415

    try:
        print(json.dumps(keys_of(load(arguments.config).keyring), indent=2))  # noqa: T201 - for a file
    except ConfigError as error:
        console.print(f"[red]{arguments.config} can not be used:[/red] {error}")
        return 1
    return 0


def _keys(arguments: argparse.Namespace, console: Console) -> int:
    from services.commands.keys import KeyDesk, carried_out  # noqa: PLC0415
    from services.deployment.config import ConfigError, load  # noqa: PLC0415
    from services.peers import NotLoopback  # noqa: PLC0415
    from veilgraph.client.errors import VeilgraphError  # noqa: PLC0415

    token = _token(arguments.folder, "operator")
    try:
        address = load(arguments.folder / "suite.toml").listen["identity"]
        for line in carried_out(KeyDesk(address, token), arguments):
            console.print(line, highlight=False, soft_wrap=True)
    except (ConfigError, NotLoopback, VeilgraphError) as error:
        console.print(f"[red]Not done:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    return 0


def _rules(arguments: argparse.Namespace, console: Console) -> int:
    from contextlib import closing  # noqa: PLC0415

    from identity.errors import RulesError  # noqa: PLC0415
    from services.commands.rules import RulesDesk, checked  # noqa: PLC0415
    from services.deployment.config import ConfigError, load, shipped_policy, shipped_rules  # noqa: PLC0415
    from services.peers import NotLoopback  # noqa: PLC0415
    from veilgraph.client.errors import VeilgraphError  # noqa: PLC0415

    try:
        content = arguments.file.read_text()
        console.print(checked(content, shipped_rules(shipped_policy())), highlight=False, soft_wrap=True)
        if arguments.action != "check":
            address = load(arguments.folder / "suite.toml").listen["identity"]
            with closing(RulesDesk(address, _token(arguments.folder, "operator"))) as desk:
                for line in (desk.preview if arguments.action == "preview" else desk.apply)(content):
                    console.print(line, highlight=False, soft_wrap=True)
    except (ConfigError, NotLoopback, OSError, RulesError, VeilgraphError) as error:
        console.print(f"[red]Not done:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    return 0


def _verify_erasure(arguments: argparse.Namespace, console: Console) -> int:
    from services.rights.erasure_files import ReceiptUnusable, traces, verified_receipt  # noqa: PLC0415
    from services.storage.absence import NoDatabase  # noqa: PLC0415

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


def _lint_contract(_arguments: argparse.Namespace, console: Console) -> int:
    from services.contract import gaps  # noqa: PLC0415

    found = gaps()
    for gap in found:
        console.print(gap, highlight=False)
    console.print("The contract leaves nothing undeclared." if not found else f"{len(found)} gaps.")
    return 1 if found else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    run = commands.add_parser("run", help="set up, import a year of purchases, serve until Ctrl-C")
    _purchases(run)
    _var(run)
    run.add_argument(
        "--port", type=int, default=7101, help="of the first of the four services (7101); 0: any"
    )
    run.add_argument(
        "--processes", type=int, choices=(1, 4), default=1, help="4: a process a service (default: 1)"
    )
    run.set_defaults(command=_run)

    for service in ("identity", "consent", "recommender", "engagement"):
        alone = commands.add_parser(service, help=f"serve {service} alone, beside the others' processes")
        alone.add_argument("--config", type=Path, required=True, help="the deployment's configuration file")
        alone.set_defaults(command=_serve, service=service)

    _import_commands(commands)

    tour = commands.add_parser("tour", help="walk one household through a running suite, checking each claim")
    _purchases(tour)
    _var(tour)
    tour.set_defaults(command=_tour)

    _picture_commands(commands)

    evaluate = commands.add_parser(
        "evaluate", help="ask a temporary suite about the future of Online Retail II"
    )
    evaluate.add_argument("--data", type=Path, default=Path("docs/examples/online_retail_ii.toml"))
    evaluate.add_argument("--files", type=Path, help="folder of the files the mapping names")
    evaluate.set_defaults(command=_evaluate)

    check = commands.add_parser("check-config", help="say whether a configuration can be used")
    check.add_argument("file", type=Path)
    check.set_defaults(command=_check_config)

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

    _audit_commands(commands)

    erased = commands.add_parser(
        "verify-erasure", help="say whether a receipt is genuine, and whether a store holds the erased"
    )
    erased.add_argument("receipt", type=Path, help="the receipt as the gateway answered it")
    erased.add_argument("--keys", type=Path, required=True, help="what public-keys printed")
    erased.add_argument("--store", type=Path, help="a folder or a database, e.g. of a restored backup")
    erased.add_argument("--subject", type=bytes.fromhex, help="search all bytes for this subject, too")
    erased.set_defaults(command=_verify_erasure)

    lint = commands.add_parser("lint-contract", help="name every method and field without a declaration")
    lint.set_defaults(command=_lint_contract)
    return parser


def _import_commands(commands: Any) -> None:
    importing = commands.add_parser("import", help="import through a running suite")
    what = importing.add_subparsers(required=True, metavar="what")
    purchases = what.add_parser("purchases", help="purchase histories named by a mapping")
    _purchases(purchases)
    purchases.add_argument(
        "--folder", type=Path, required=True, help="the data set's folder, with its tokens"
    )
    purchases.set_defaults(command=_import_purchases)
    identities = what.add_parser("identities", help="identifiers, and the evidence that joins those of a row")
    identities.add_argument("file", type=Path, nargs="+", help="CSV, JSON lines or Parquet")
    identities.add_argument("--map", type=Path, required=True, help="what the columns mean")
    identities.add_argument(
        "--folder", type=Path, required=True, help="the deployment's folder, with its tokens"
    )
    identities.add_argument("--caller", default="importer", help="whose token is used (importer)")
    identities.add_argument(
        "--gateway", type=_address, default=GATEWAY, help=f"host:port of the gateway ({GATEWAY})"
    )
    identities.set_defaults(command=_import_identities)


def _picture_commands(commands: Any) -> None:
    pictures = commands.add_parser("picture", help="draw what a running suite knows")
    drawn = pictures.add_subparsers(required=True, metavar="what")
    person = drawn.add_parser("person", help="a person's identifiers and links as an SVG, without a value")
    person.add_argument("subject", help="the caller's id of one of the person's identifiers")
    person.add_argument("--out", type=Path, default=Path("person.svg"), help="the file (person.svg)")
    person.add_argument("--view", default="", help="a purpose: show who is one person in its view")
    person.add_argument("--folder", type=Path, required=True, help="the suite's folder, with its tokens")
    person.add_argument("--caller", default="operator", help="whose token to use (operator)")
    person.add_argument(
        "--gateway", type=_address, default=GATEWAY, help=f"host:port of the gateway ({GATEWAY})"
    )
    person.set_defaults(command=_picture)


def _audit_commands(commands: Any) -> None:
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

    ring = commands.add_parser("keys", help="show, rotate or destroy the keys of a suite that runs")
    ring.add_argument("--folder", type=Path, required=True, help="the suite's folder, with its configuration")
    actions = ring.add_subparsers(required=True, metavar="action", dest="action")
    actions.add_parser("status", help="every version, and what is kept under it")
    rotate = actions.add_parser("rotate", help="have a new version seal from now on")
    destroy = actions.add_parser("destroy", help="destroy a version that nothing needs any more")
    for action in (rotate, destroy):
        action.add_argument("use", choices=("identifier", "pairwise"))
        action.add_argument("--caller", default="", help="the one caller whose ids they are for (all)")
    rotate.add_argument(
        "--overlap-days", type=int, default=0, help="how long ids before are taken beside the new ones (0)"
    )
    destroy.add_argument("version", type=int)
    ring.set_defaults(command=_keys)

    rules = commands.add_parser("rules", help="check, preview or apply a file of identity's rules")
    deeds = rules.add_subparsers(required=True, metavar="action", dest="action")
    for name, says in {
        "check": "say whether a file can be used",
        "preview": "say who would split or merge by it in a suite that runs",
        "apply": "preview it, and bring exactly that into force",
    }.items():
        deed = deeds.add_parser(name, help=says)
        deed.add_argument("file", type=Path)
        if name != "check":
            deed.add_argument("--folder", type=Path, required=True, help="the suite's folder")
    rules.set_defaults(command=_rules)

    keys = commands.add_parser("public-keys", help="print what verifies a deployment's signatures")
    keys.add_argument("config", type=Path, help="the deployment's configuration")
    keys.set_defaults(command=_public_keys)


def _purchases(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="mapping of the purchases (default: Complete Journey)")
    parser.add_argument("--files", type=Path, help="folder of the files the mapping names (default: its own)")
    parser.add_argument(
        "--gateway", type=_address, default=GATEWAY, help=f"host:port of the gateway ({GATEWAY})"
    )


def _address(text: str) -> str:
    """A "host:port" of this machine: what is sent there carries a token and is not encrypted."""
    host, colon, port = text.rpartition(":")
    local = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    if not colon or not local or not 0 < int(port) < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text} is no host:port of this machine")
    return text


def _token(folder: Path, caller: str) -> str:
    """A caller's development token; the program ends where there is none."""
    try:
        return (folder / "tokens" / caller).read_text()
    except FileNotFoundError:
        sys.exit(f"{folder} holds no suite; `make run` makes one.")


def _var(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--var", type=Path, default=Path("var"), help="where every data set has its folder (var)"
    )


def main() -> int:
    """Runs one command; the exit code says how it went."""
    arguments = _parser().parse_args()
    code: int = arguments.command(arguments, Console())
    return code


if __name__ == "__main__":
    sys.exit(main())
