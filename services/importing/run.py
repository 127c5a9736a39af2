"""An import from beginning to end: ``python -m services import purchases``.

What it needs of the suite it asks for as any other caller would, with its own token. Beside
the data of the data set it leaves three files: the checkpoint, the bad rows, the report.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console

from consent.policy import Policy
from services.deployment.config import shipped_policy
from services.importing.checkpoint import CheckpointFile, Step, import_id_of
from services.importing.dealing import SALT
from services.importing.mapping import Mapping
from services.importing.mapping_file import COMPLETE_JOURNEY, load_mapping
from services.importing.plan import Options, Plan
from services.importing.progress import Show, bars
from services.importing.report import ImportReport, read_report, report_of
from services.importing.sending import Clockwork, Sending
from services.importing.survey import Survey, take_survey
from veilgraph.client import Veilgraph, connect

CHECKPOINT_FILE, BAD_ROWS_FILE, REPORT_FILE = "import.checkpoint.json", "bad_rows.csv", "import.json"
SURVEY = "survey"
REAL_TIME = Clockwork(time.monotonic, time.sleep)
UNCHANGED = Options()


def run_import(
    mapping_path: Path | None,
    target: str,
    token: str,
    var_folder: Path,
    console: Console,
    *,
    data_folder: Path | None = None,
    options: Options = UNCHANGED,
) -> ImportReport:
    """Imports the purchases a mapping names, or goes on with it, or finds it done.

    Args:
        mapping_path: the mapping file; ``None`` for Complete Journey.
        target: ``host:port`` of the suite.
        token: the importer's token.
        var_folder: the data set's own folder; made if it is not there.
        console: where progress and the report are shown.
        data_folder: where relative file names of the mapping are looked up.
        options: what may differ.

    Raises:
        ImportStopped: the mapping, a file, the checkpoint or the suite stopped it.
    """
    mapping = load_mapping(mapping_path or COMPLETE_JOURNEY, folder=data_folder)
    with connect(target, token=token) as client:
        return import_purchases(mapping, client, var_folder, console, options=options)


def import_purchases(
    mapping: Mapping,
    client: Veilgraph,
    var_folder: Path,
    console: Console,
    *,
    options: Options = UNCHANGED,
    purposes: Sequence[str] | None = None,
    clockwork: Clockwork = REAL_TIME,
) -> ImportReport:
    """The same over an open connection.

    Args:
        mapping: the data set.
        client: the suite, as the importer.
        var_folder: see ``run_import``.
        console: see ``run_import``.
        options: see ``run_import``.
        purposes: what people are asked for; all that need consent in the shipped policy.
        clockwork: time.
    """
    var_folder.mkdir(parents=True, exist_ok=True)
    checkpoints = CheckpointFile(var_folder / CHECKPOINT_FILE)
    import_id = _import_id(mapping, options)
    begin = checkpoints.load(import_id)
    if begin.step is Step.FINISHED:
        console.print(f"{mapping.dataset} has been imported before; nothing to do.")
        return read_report(var_folder / REPORT_FILE)
    console.print(f"Importing {mapping.about or mapping.dataset}", highlight=False)
    if begin.step is not Step.CATALOGUE or begin.done:
        console.print(f"Going on with {begin.step} after {begin.done:,}", highlight=False)
    with bars(console) as show:
        surveyed_from = clockwork.monotonic()
        survey = _survey(mapping, var_folder / BAD_ROWS_FILE, show)
        begin = replace(begin, seconds={**begin.seconds, SURVEY: clockwork.monotonic() - surveyed_from})
        plan = Plan(
            import_id,
            mapping,
            survey,
            options,
            consent_purposes(shipped_policy()) if purposes is None else purposes,
        )
        sending = Sending(plan, client, checkpoints=checkpoints, begin=begin, show=show, clockwork=clockwork)
        end = sending.run()
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    report = report_of(mapping, survey, end, peak_mib=peak_mib, model_version=sending.model_version)
    # the report before the checkpoint: an import that says FINISHED has one
    report.write(var_folder / REPORT_FILE)
    checkpoints.save(end)
    console.print(report.table())
    return report


def consent_purposes(policy: Policy) -> Sequence[str]:
    """The fewest nodes of the purpose tree that cover what needs consent, and nothing else.

    The consent record has a line for each node somebody spoke of: ten lines a statement
    instead of one for each of the shipped policy's 24 purposes.
    """
    return tuple(dict.fromkeys(_highest(policy, leaf) for leaf in policy.consent_nodes))


def _highest(policy: Policy, leaf: str) -> str:
    parts = leaf.split(".")
    nodes = (".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return next(node for node in nodes if not policy.mask(node) & policy.bases_mask)


def _import_id(mapping: Mapping, options: Options) -> str:
    sources = [*mapping.files, *(mapping.items.files if mapping.items else ())]
    return import_id_of(
        sources, {"mapping": mapping.digest, "options": asdict(options), "dealing": SALT.decode()}
    )


def _survey(mapping: Mapping, bad_rows: Path, show: Show) -> Survey:
    """The first reading; it writes the bad rows anew, for they are the same every time."""
    rows = 0

    def advanced(count: int) -> None:
        nonlocal rows
        rows += count
        show(SURVEY, rows, 0)

    with bad_rows.open("w", encoding="utf-8") as file:
        survey = take_survey(mapping, file, advanced)
    show(SURVEY, rows, rows)
    return survey
