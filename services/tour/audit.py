"""The station about the audit log: it is the one that was signed, and no row of it can be changed.

The beginning of the log is read from the data set's folder, as an auditor gets it in a file, and
judged by the code of ``verify-audit`` with the deployment's public keys; nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from consent.auditlog.verifying import Report
from services.tour.claims import Claims

_ANOTHER = "somebody-else"


@dataclass(frozen=True, slots=True)
class Auditor:
    """What an auditor holds.

    Attributes:
        lines: of the exported log: rows and, after each batch, its signed head.
        judge: says what is wrong with such lines.
    """

    lines: Callable[[], Sequence[str]]
    judge: Callable[[Iterable[str]], Report]


class Audit:
    """The tour's station at the auditor's."""

    def __init__(self, auditor: Auditor, claims: Claims) -> None:
        self._auditor = auditor
        self._print = claims.console.print
        self._claim = claims.check

    def walk(self) -> None:
        """Judges the log as it is, and as it would be if somebody had changed it."""
        self._print(
            "\n[bold]An auditor gets the log, and somebody changes a row of it[/bold]", highlight=False
        )
        lines = list(self._auditor.lines())
        report = self._auditor.judge(lines)
        self._claim(
            bool(report.rows and report.heads) and not report.findings,
            f"{report.rows:,} records are those that {report.heads:,} heads have signed",
        )
        places = [place for place, line in enumerate(lines) if "leaf" in json.loads(line)]
        if not places:
            return
        place = places[len(places) // 2]
        row = json.loads(lines[place])
        row["leaf"]["caller"] = _ANOTHER
        changed = json.dumps(row, separators=(",", ":"))
        before, after = lines[:place], lines[place + 1 :]
        self._tampered([*before, changed, *after], "CHANGED", row["index"], "Another caller's name in it")
        self._tampered([*before, *after], "MISSING", row["index"], "The row left out")

    def _tampered(self, lines: Sequence[str], kind: str, index: int, what: str) -> None:
        findings = [one for one in self._auditor.judge(lines).findings if one.kind == kind]
        for one in findings:
            self._print(f"  {one.kind} {one.text}", highlight=False, markup=False)
        named = any(f"row {index}" in one.text for one in findings)
        self._claim(named, f"{what} is found, and the row is named: {index}")
