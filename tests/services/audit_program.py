"""Writes with audit records until it is killed: one row a write, its number in the record's evidence.

Every third write fails after it has inserted its row. Prints one line when the first is committed.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path

from identity.keyring import KeyRing
from services.deployment.config import shipped_policy
from services.interceptors.audit import WRITTEN, AuditRecord
from services.interceptors.plan import MethodPlan, compile_service
from services.storage.audit import StoredAuditLog
from services.storage.sqlite import SqliteDatabase
from tests.probe.v1 import probe_pb2


@dataclass
class Writer:
    """Counts what it writes."""

    database: SqliteDatabase
    log: StoredAuditLog
    plan: MethodPlan
    written: int = 0

    async def go_on(self) -> None:
        while True:
            self.written += 1
            number = self.written
            evidence = (number.to_bytes(4, "big"),)
            record = AuditRecord(0, f"r-{number}", "shop", self.plan, None, 1, {}, 0, evidence, WRITTEN, "")
            self.log.rider.set(lambda record=record: self.log.ride(record))

            def write(connection: sqlite3.Connection, number: int = number) -> None:
                connection.execute("INSERT INTO written VALUES (?)", (number,))
                if number % 3 == 0:
                    raise KeyError

            try:
                await self.database.write(write)
            except KeyError:
                continue
            if number == 1:
                sys.stdout.write("begun\n")
                sys.stdout.flush()


async def main(path: Path) -> None:
    database = SqliteDatabase(path, "consent")
    await database.write(lambda connection: connection.execute("CREATE TABLE written (number INTEGER)"))
    plans = compile_service(probe_pb2.DESCRIPTOR.services_by_name["ProbeService"], shipped_policy())
    ring = KeyRing.create(bytes, 0)
    writer = Writer(database, StoredAuditLog(database, ring), plans["/tests.probe.v1.ProbeService/Ask"])
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.create_task(writer.go_on(), context=copy_context()) for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
