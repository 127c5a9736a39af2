"""What an import did, for the console and for the file beside its checkpoint.

Counts and times only: nothing in it tells one person from another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping as Content
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.table import Table

from services.importing.checkpoint import Checkpoint, Step, replace_file
from services.importing.mapping import Mapping
from services.importing.survey import Survey

REFUSED = "refused: "


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        dataset: the data set's name.
        about: what it is.
        rows_read: records in the files.
        rows_good: records that are purchases or refunds.
        rows_refused: bad records by reason.
        people: people with a good row.
        items: items in the catalogue.
        items_unnamed: items the source has no title for.
        tallies: per step what was counted, all runs together.
        seconds: per step the time, all runs together.
        peak_mib: largest resident memory of the importing process.
        model_version: the model trained at the end.
        ran_before: nothing was done: the import had been finished by an earlier run.
    """

    dataset: str
    about: str
    rows_read: int
    rows_good: int
    rows_refused: Content[str, int]
    people: int
    items: int
    items_unnamed: int
    tallies: Content[str, Content[str, int]]
    seconds: Content[str, float]
    peak_mib: int
    model_version: str
    ran_before: bool = field(default=False)

    def count(self, step: Step, name: str) -> int:
        """One count of a step, 0 if nothing was counted."""
        return self.tallies.get(step, {}).get(name, 0)

    def refused(self, step: Step) -> dict[str, int]:
        """What the suite refused in a step, by reason."""
        counted = self.tallies.get(step, {})
        return {name.removeprefix(REFUSED): n for name, n in counted.items() if name.startswith(REFUSED)}

    def write(self, path: Path) -> None:
        """Writes the report as JSON."""
        replace_file(path, json.dumps(asdict(self), indent=1, ensure_ascii=False))

    def table(self) -> Table:
        """The report as a table."""
        table = Table(title=f"Import of {self.dataset}", title_justify="left", show_header=False)
        table.add_column()
        table.add_column(justify="right")
        table.add_row("rows read", f"{self.rows_read:,}")
        for reason, count in self.rows_refused.items():
            table.add_row(f"  bad rows: {reason}", f"{count:,}")
        table.add_row("people", f"{self.people:,}")
        table.add_row("items", f"{self.items:,}")
        table.add_row("  without a title in the source", f"{self.items_unnamed:,}")
        for step, counted in self.tallies.items():
            for name, count in counted.items():
                table.add_row(f"{step}: {name}", f"{count:,}")
        table.add_section()
        for step, seconds in self.seconds.items():
            table.add_row(f"{step}, seconds", f"{seconds:.1f}")
        table.add_row("all steps, seconds", f"{sum(self.seconds.values()):.1f}")
        table.add_row("memory of the importer, MiB", f"{self.peak_mib:,}")
        return table


def report_of(
    mapping: Mapping, survey: Survey, checkpoint: Checkpoint, *, peak_mib: int, model_version: str
) -> ImportReport:
    """The report of an import that has just ended."""
    return ImportReport(
        dataset=mapping.dataset,
        about=mapping.about,
        rows_read=survey.rows_read,
        rows_good=survey.rows_good,
        rows_refused=survey.refused,
        people=len(survey.people),
        items=len(survey.catalogue.ids),
        items_unnamed=survey.catalogue.unnamed,
        tallies=checkpoint.tallies,
        seconds=checkpoint.seconds,
        peak_mib=peak_mib,
        model_version=model_version,
    )


def read_report(path: Path) -> ImportReport:
    """The report an earlier run wrote."""
    return ImportReport(**{**json.loads(path.read_text(encoding="utf-8")), "ran_before": True})
