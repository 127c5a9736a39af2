"""The station that brings the shipped plays into force: one caller declares them, another approves.

They are read where people read them, in the repository's ``docs/examples/plays``, which lies beside
the program wherever a tour is taken. Where all of them are in force already nothing is written.
"""

from __future__ import annotations

import time
from pathlib import Path

from services.engagement.definition_files import FilesRefused, read_folder
from services.tour.callers import Callers
from services.tour.claims import Claims
from services.tour.household import request_id
from services.tour.offers_tables import plays_table
from veilgraph.client import Denied
from veilgraph.engagement.v1 import definition_pb2

PLAYS = Path(__file__).resolve().parents[2] / "docs" / "examples" / "plays"
#: So soon what was approved is in force in every process.
SETTLE_S = 1.0


class Plays:
    """The shipped plays."""

    def __init__(self, callers: Callers, claims: Claims, folder: Path = PLAYS) -> None:
        self._callers = callers
        self._print = claims.console.print
        self._claim = claims.check
        self._folder = folder

    def walk(self) -> bool:
        """Goes the whole way; whether the plays are in force."""
        self._print("\n[bold]The shop's plays are files; whoever declares them does not approve them[/bold]")
        try:
            definitions = [one.message for one in read_folder(self._folder)]
        except (FilesRefused, OSError) as error:
            return self._claim(
                held=False, sentence=f"The plays to begin with can be read (not these: {error})"
            )
        seen = self._apply(definitions, dry_run=True)
        self._print(plays_table(seen))
        if not self._claim(not seen.faults, f"The {len(definitions)} definitions are sound"):
            return False
        if any(one.changed or one.awaits_approval for one in seen.definitions):
            self._bring(definitions)
        again = self._apply(definitions, dry_run=True)
        return self._claim(
            not any(one.changed or one.awaits_approval for one in again.definitions),
            "All of them are in force, and declared once more they would change nothing",
        )

    def _bring(self, definitions: list[definition_pb2.Definition]) -> None:
        """Declares and approves them; in every process they are in force when it returns."""
        waiting = [
            definition_pb2.DefinitionVersion(kind=one.kind, id=one.id, version=one.version)
            for one in self._apply(definitions, dry_run=False).definitions
            if one.awaits_approval
        ]
        request = definition_pb2.ApproveRequest(versions=waiting, request_id=request_id())
        try:
            self._callers.operator.definitions.Approve(request)
            refused = ""
        except Denied as error:
            refused = error.reason
        self._claim(bool(refused), "Who declared them can not approve them")
        request.request_id = request_id()
        self._callers.approver.definitions.Approve(request)
        time.sleep(SETTLE_S)

    def _apply(
        self, definitions: list[definition_pb2.Definition], *, dry_run: bool
    ) -> definition_pb2.ApplyResponse:
        request = definition_pb2.ApplyRequest(
            definitions=definitions, dry_run=dry_run, request_id=request_id()
        )
        return self._callers.operator.definitions.Apply(request)
