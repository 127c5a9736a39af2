"""Promises places under a cap until it is killed, and says of each that it was told; then notes, unsaid."""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path

from engagement.decision_store import Became, Promise
from identity.ids import SubjectId
from services.storage.decisions import DecisionTables
from services.storage.sqlite import SqliteFile
from tests.engagement.kept_decisions import room, row


async def main(path: Path) -> None:
    async with SqliteFile(path, "engagement").opened() as database:
        store = DecisionTables(database)
        numbers = count(1)

        async def go_on() -> None:
            for number in numbers:
                subject = SubjectId(number.to_bytes(16, "big"))
                decision = row(number, subject, promises=Promise.PLACE, became=Became.PROMISED)
                (stands,) = await store.promise([(decision, room(subject))])
                assert stands
                sys.stdout.write(f"{number}\n")
                sys.stdout.flush()

        await asyncio.gather(*(go_on() for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
