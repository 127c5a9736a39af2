"""An import of identities from beginning to end: ``python -m services import identities``.

It leaves three files in a folder of the data set's name: the checkpoint, the rows that were not
taken as a whole, the report. Killed anywhere and started again it goes on from the last rows that
were answered, and ends in the same state.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from services.importing import reading
from services.importing.checkpoint import import_id_of, replace_file
from services.importing.errors import CheckpointError, SendingError
from services.importing.identity_mapping import IdentityMapping, files_of, load_identity_mapping
from services.importing.identity_rows import Portion, RowError, portion_of
from services.importing.identity_sending import Outcome, sent
from services.importing.progress import bars
from services.importing.sending import Clockwork
from veilgraph.client import Veilgraph, VeilgraphError, connect

CHECKPOINT_FILE, ERRORS_FILE, REPORT_FILE = "identities.checkpoint.json", "errors.csv", "identities.json"
REAL_TIME = Clockwork(time.monotonic, time.sleep)
_HEADER = "row,field,reason\n"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is, and what it did so far, all runs together.

    Attributes:
        import_id: which import it is: files and mapping.
        row: the last row that was answered with all before it, counted over all files.
        rows: how many rows that were.
        errors_bytes: how long the file of errors is with theirs.
        counts: of identifiers and links, by what became of them.
        reasons: why something was not taken, and how often.
        seconds: the time it took.
        finished: nothing is left to be done.
    """

    import_id: str
    row: int = 0
    rows: int = 0
    errors_bytes: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    finished: bool = False

    def table(self) -> Table:
        """The report for the console."""
        table = Table("what", "how many")
        table.add_row("rows", f"{self.rows:,}")
        for what, count in self.counts.items():
            table.add_row(what, f"{count:,}")
        for reason, count in self.reasons.items():
            table.add_row(f"  {reason}", f"{count:,}")
        table.add_row("seconds", f"{self.seconds:,.1f}")
        return table


def run_identities(
    files: Sequence[Path], mapping_path: Path, folder: Path, console: Console, *, target: str, token: str
) -> Progress:
    """Imports the identities of some files, or goes on with them, or finds them done.

    Args:
        files: CSV, JSON lines or Parquet, in the order they are read.
        mapping_path: the mapping file.
        folder: where the import's own folder is made, under the data set's name.
        console: where progress and the report are shown.
        target: ``host:port`` of the suite.
        token: the caller's.

    Raises:
        ImportStopped: the mapping, a file, the checkpoint or the suite stopped it.
    """
    mapping = load_identity_mapping(mapping_path)
    with connect(target, token=token) as client:
        return import_identities(files_of(files), mapping, client, folder / mapping.dataset, console)


def import_identities(
    files: Sequence[Path],
    mapping: IdentityMapping,
    client: Veilgraph,
    folder: Path,
    console: Console,
    *,
    clockwork: Clockwork = REAL_TIME,
) -> Progress:
    """The same over an open connection; ``folder`` is the import's own."""
    folder.mkdir(parents=True, exist_ok=True)
    import_id = import_id_of(files, {"mapping": mapping.digest, "rows": reading.BATCH_ROWS})
    begin = _load(folder / CHECKPOINT_FILE, import_id)
    if begin.finished:
        console.print(f"{mapping.dataset} has been imported before; nothing to do.")
        return begin
    if begin.row:
        console.print(f"Going on after row {begin.row:,}", highlight=False)
    progress = begin
    with _errors(folder / ERRORS_FILE, begin.errors_bytes) as errors, bars(console) as show:
        begun = clockwork.monotonic()
        try:
            for outcome in sent(_portions(files, mapping, begin.row), client, mapping, import_id):
                seconds = begin.seconds + clockwork.monotonic() - begun
                progress = _gone_on(progress, outcome, _write(errors, outcome.errors), seconds)
                _save(folder / CHECKPOINT_FILE, progress)
                show("rows", progress.rows, 0, f"{progress.counts.get('links', 0):,} links")
        except VeilgraphError as error:
            raise SendingError(f"after row {progress.row:,}: the suite answered {error}") from error
    progress = replace(progress, finished=True)
    replace_file(folder / REPORT_FILE, json.dumps(asdict(progress), indent=1))
    _save(folder / CHECKPOINT_FILE, progress)
    console.print(progress.table())
    return progress


def _portions(files: Sequence[Path], mapping: IdentityMapping, after_row: int) -> Iterator[Portion]:
    """What the rows beyond one say; portions begin at the same rows in every run."""
    for lines in reading.read_lines(files, mapping.columns, mapping.csv):
        last = max((int(rows[-1]) for rows in (lines.rows, lines.malformed) if len(rows)), default=0)
        if last > after_row:
            yield portion_of(lines, mapping)


def _gone_on(progress: Progress, outcome: Outcome, errors_bytes: int, seconds: float) -> Progress:
    reasons = Counter(progress.reasons) + Counter(error.reason for error in outcome.errors)
    return replace(
        progress,
        row=outcome.portion.last_row,
        rows=progress.rows + outcome.portion.rows,
        errors_bytes=errors_bytes,
        counts=dict(Counter(progress.counts) + outcome.counts),
        reasons=dict(reasons.most_common()),
        seconds=seconds,
    )


def _errors(path: Path, length: int) -> TextIO:
    """The file of errors, cut to those of the rows that were answered."""
    if not length:
        path.write_text(_HEADER, encoding="utf-8")
    else:
        os.truncate(path, length)
    return path.open("a", encoding="utf-8")


def _write(file: TextIO, errors: Sequence[RowError]) -> int:
    """Keeps errors before the checkpoint says that they are kept; how long the file is then."""
    file.writelines(f"{row},{name},{reason}\n" for row, name, reason in errors)
    file.flush()
    os.fsync(file.fileno())
    return file.tell()


def _save(path: Path, progress: Progress) -> None:
    replace_file(path, json.dumps(asdict(progress), indent=1))


def _load(path: Path, import_id: str) -> Progress:
    """The progress of an earlier run, or none yet.

    Raises:
        CheckpointError: it can not be read, or is that of another import.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = Progress(**content)
    except FileNotFoundError:
        return Progress(import_id)
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path} is not a checkpoint ({error})") from None
    if found.import_id != import_id:
        raise CheckpointError(
            f"{path.parent} holds the import of other files or another mapping; give this one another data"
            " set name, or remove the folder"
        )
    return found
