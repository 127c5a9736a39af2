"""The journal of erasures, in consent's file: every step durable before the next one begins.

An erasure begins in the transaction that makes its subjects unknown, and its subjects are
forgotten in the transaction that keeps its receipt. The log of changes still holds them then:
until it is cut the erasure is open, and its receipt is given to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from consent.erasure import Asked, Progress, Stage
from identity.ids import SubjectId
from services.storage.database import Connection, Database
from services.storage.tombstones import bury

_RUN = (
    "SELECT suppress, requested_by, requested_at_ms, epoch, recipients FROM erasure_run WHERE erasure_id = ?"
)


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """A receipt as it was signed."""

    body: bytes
    signature: bytes
    key_version: int


def begin_in(connection: Connection, asked: Asked) -> None:
    """Writes down an erasure and has nothing about its subjects taken in from now on."""
    connection.execute(
        "INSERT INTO erasure_run (erasure_id, suppress, requested_by, requested_at_ms, epoch)"
        " VALUES (?, ?, ?, ?, ?)",
        (asked.erasure_id, asked.suppress, asked.requested_by, asked.requested_at_ms, asked.epoch),
    )
    connection.executemany(
        "INSERT INTO erasure_subject VALUES (?, ?)", [(one, asked.erasure_id) for one in asked.subjects]
    )
    bury(connection, asked.subjects, asked.erasure_id)


class ErasureJournal:
    """Reads and continues what ``begin_in`` began."""

    def __init__(self, database: Database) -> None:
        """Keeps to consent's open file."""
        self._database = database

    async def open(self) -> list[str]:
        """The ids of the erasures whose receipt is not yet signed or not yet to be given, oldest first."""
        rows = await self._rows(
            "SELECT erasure_id FROM erasure_run WHERE log_cut = 0 ORDER BY requested_at_ms, erasure_id"
        )
        return [erasure_id for (erasure_id,) in rows]

    async def of_subjects(self, subjects: Collection[SubjectId]) -> str | None:
        """The open erasure that is about exactly these subjects."""
        wanted = set(subjects)
        found: dict[str, set[bytes]] = {}
        for subject, erasure_id in await self._rows("SELECT * FROM erasure_subject"):
            found.setdefault(erasure_id, set()).add(subject)
        return next((erasure_id for erasure_id, of in found.items() if of == wanted), None)

    async def progress(self, erasure_id: str) -> Progress:
        """How far an open erasure is."""
        return await self._database.read(partial(_progress, erasure_id))

    async def has(self, erasure_id: str) -> bool:
        """Whether there is an erasure of that id, open or finished."""
        return bool(await self._rows(_RUN, erasure_id))

    async def signed(self, erasure_id: str) -> bool:
        """Whether the receipt is kept; from then on only the log is to be cut."""
        return bool(
            await self._rows(
                "SELECT 1 FROM erasure_run WHERE erasure_id = ? AND receipt IS NOT NULL", erasure_id
            )
        )

    async def receipt(self, erasure_id: str) -> KeptReceipt | None:
        """The receipt of a finished erasure."""
        rows = await self._rows(
            "SELECT receipt, signature, key_version FROM erasure_run WHERE erasure_id = ? AND log_cut = 1",
            erasure_id,
        )
        return KeptReceipt(*rows[0]) if rows else None

    async def answered(self, erasure_id: str, stage: Stage, store: str, answer: Mapping[str, Any]) -> None:
        """Keeps a store's answer; the first one counts."""
        row = (erasure_id, stage.value, store, json.dumps(answer, sort_keys=True))
        await self._database.write(
            lambda writer: writer.execute(
                "INSERT INTO erasure_answer VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row
            )
        )

    async def told(self, erasure_id: str, recipients: Sequence[str]) -> None:
        """Keeps who was told."""
        row = (json.dumps(list(recipients)), erasure_id)
        await self._database.write(
            lambda writer: writer.execute("UPDATE erasure_run SET recipients = ? WHERE erasure_id = ?", row)
        )

    async def finish(self, erasure_id: str, receipt: KeptReceipt) -> None:
        """Keeps the receipt and forgets whom the erasure was about; only the log still knows."""

        def write(writer: Connection) -> None:
            writer.execute(
                "UPDATE erasure_run SET receipt = ?, signature = ?, key_version = ? WHERE erasure_id = ?",
                (receipt.body, receipt.signature, receipt.key_version, erasure_id),
            )
            writer.execute("DELETE FROM erasure_subject WHERE erasure_id = ?", (erasure_id,))

        await self._database.write(write)

    async def cut_log(self, erasure_id: str) -> None:
        """Cuts the log after ``finish``; then no file knows, and the receipt is given.

        Raises:
            StoreUnusable: somebody still reads an older state of the file; to be tried again.
        """
        await self._database.forget_deleted()
        query = "UPDATE erasure_run SET log_cut = 1 WHERE erasure_id = ?"
        await self._database.write(lambda writer: writer.execute(query, (erasure_id,)))

    async def _rows(self, query: str, *values: str) -> list[Any]:
        return await self._database.look(lambda reader: reader.execute(query, values).fetchall())


def _progress(erasure_id: str, reader: Connection) -> Progress:
    read = reader.execute
    suppress, requested_by, at_ms, epoch, recipients = read(_RUN, (erasure_id,)).fetchone()
    subjects = read(
        "SELECT subject FROM erasure_subject WHERE erasure_id = ? ORDER BY subject", (erasure_id,)
    ).fetchall()
    answers = read(
        "SELECT stage, store, answer FROM erasure_answer WHERE erasure_id = ?", (erasure_id,)
    ).fetchall()
    who = tuple(SubjectId(subject) for (subject,) in subjects)
    return Progress(
        Asked(erasure_id, who, bool(suppress), requested_by, at_ms, epoch),
        {(Stage(stage), store): json.loads(answer) for stage, store, answer in answers},
        None if recipients is None else tuple(json.loads(recipients)),
    )
