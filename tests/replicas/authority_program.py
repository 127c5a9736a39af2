"""An authority as a process of its own: something to kill.

Usage: ``python -m tests.replicas.authority_program FOLDER SUBJECTS``. It prints where it serves
as one JSON line, withdraws for each number that it reads, and prints the number when the
withdrawal has returned. All subjects have granted.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from tests.consent.statements import subject
from tests.replicas.authority import hosting


async def main(folder: Path, subjects: int) -> None:
    """Serves until its input ends."""
    births = [subject(number) for number in range(subjects)]
    async with hosting(folder, births=births, granted=subjects) as host:
        print(json.dumps({"address": host.address, "token": host.token}), flush=True)
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        async for line in reader:
            await host.withdraw(int(line))
            print(int(line), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
