"""An import of items from beginning to end: ``python -m services import items``.

It puts items through ``UpsertItems``, a few requests in flight, and leaves two files in a folder of
the data set's name: the rows that were not taken, and the report. Putting an item twice is
putting it once, so an import that was stopped is simply made again.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from services.importing import reading
from services.importing.checkpoint import replace_file
from services.importing.errors import SendingError
from services.importing.identity_mapping import files_of
from services.importing.identity_rows import RowError
from services.importing.item_rows import ItemMapping, items_of, load_item_mapping
from services.importing.progress import bars
from services.importing.sending import CALL_TIMEOUT_S, in_order
from veilgraph.client import Veilgraph, VeilgraphError, connect
from veilgraph.recommender.v1 import recommender_pb2

ERRORS_FILE, REPORT_FILE = "items-errors.csv", "items.json"
ITEMS_A_REQUEST = 1000
IN_FLIGHT = 3

Sent = tuple[Future[recommender_pb2.UpsertItemsResponse], Sequence[int]]


@dataclass(slots=True)
class Report:
    """What became of the rows.

    Attributes:
        rows: how many there are.
        put: how many items were added or replaced.
        errors: what was not taken, in the order of rows.
    """

    rows: int = 0
    put: int = 0
    errors: list[RowError] = field(default_factory=list)

    @property
    def reasons(self) -> dict[str, int]:
        """Why something was not taken, and how often."""
        return dict(Counter(error.reason for error in self.errors).most_common())

    def table(self) -> Table:
        """The report for the console."""
        table = Table("what", "how many")
        for what, count in (("rows", self.rows), ("items put", self.put)):
            table.add_row(what, f"{count:,}")
        for reason, count in self.reasons.items():
            table.add_row(f"  {reason}", f"{count:,}")
        return table


def run_items(
    files: Sequence[Path], mapping_path: Path, folder: Path, console: Console, *, target: str, token: str
) -> Report:
    """Imports the items of some files.

    Args:
        files: CSV, JSON lines or Parquet, in the order they are read; of two rows of one item the
            later one counts.
        mapping_path: the mapping file.
        folder: where the import's own folder is made, under the data set's name.
        console: where progress and the report are shown.
        target: ``host:port`` of the suite.
        token: the caller's.

    Raises:
        ImportStopped: the mapping, a file or the suite stopped it.
    """
    mapping = load_item_mapping(mapping_path)
    with connect(target, token=token) as client:
        return import_items(files_of(files), mapping, client, folder / mapping.dataset, console)


def import_items(
    files: Sequence[Path], mapping: ItemMapping, client: Veilgraph, folder: Path, console: Console
) -> Report:
    """The same over an open connection; ``folder`` is the import's own."""
    folder.mkdir(parents=True, exist_ok=True)
    report = Report()
    with bars(console) as show:
        try:
            for answer, rows in in_order(_sent(files, mapping, client, report), IN_FLIGHT):
                report.put += answer.upserted
                report.errors += [
                    RowError(rows[error.index], error.field.rpartition(".")[2], error.reason)
                    for error in answer.refused
                ]
                show("items", report.rows, 0, f"{report.put:,} put")
        except VeilgraphError as error:
            raise SendingError(f"after {report.put:,} items: the suite answered {error}") from error
    report.errors.sort()
    lines = (f"{row},{name},{reason}\n" for row, name, reason in report.errors)
    replace_file(folder / ERRORS_FILE, "row,field,reason\n" + "".join(lines))
    counts = {key: value for key, value in asdict(report).items() if key != "errors"}
    replace_file(folder / REPORT_FILE, json.dumps(counts | {"reasons": report.reasons}, indent=1))
    console.print(report.table())
    return report


def _sent(files: Sequence[Path], mapping: ItemMapping, client: Veilgraph, report: Report) -> Iterator[Sent]:
    """Requests under way, with the rows of their items."""
    run, number = secrets.token_hex(8), 0
    for lines in reading.read_lines(files, mapping.read, mapping.csv):
        items, errors = items_of(lines, mapping)
        report.rows += len(lines.rows) + len(lines.malformed)
        report.errors += errors
        for start in range(0, len(items), ITEMS_A_REQUEST):
            part = items[start : start + ITEMS_A_REQUEST]
            number += 1
            request = recommender_pb2.UpsertItemsRequest(
                items=[item for _, item in part], request_id=f"items-{run}-{number}"
            )
            answer = client.recommender.UpsertItems.future(request, timeout_s=CALL_TIMEOUT_S)
            yield answer, [row for row, _ in part]
