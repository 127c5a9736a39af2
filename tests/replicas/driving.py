"""Starts replicas, stalls a stream, and finds what was stale afterwards.

A decision is stale when its instant lies after the return of the withdrawal it ignores, both
by the clock that all processes of the machine share.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from array import array
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consent.leases import TTL_MS
from tests.replicas.authority import Host

CHUNK_BYTES = 1 << 16
PATIENCE_S = 60
Stall = Callable[[], float]


@dataclass
class Process:
    """A replica of its own process; ``told`` is what it said when it could decide."""

    process: asyncio.subprocess.Process
    report: Path
    told: dict[str, Any]
    decided: int = 0
    unready: int = 0
    gaps_ms: Sequence[int] = ()

    async def end(self) -> None:
        """Has it stop and write its report; done once."""
        if self.process.returncode is not None:
            return
        assert self.process.stdin is not None
        self.process.stdin.close()
        async with asyncio.timeout(PATIENCE_S):
            out, _ = await self.process.communicate()
        counts = json.loads(out)
        self.decided, self.unready = counts["decided"], counts["unready"]
        self.gaps_ms = counts["gaps_ms"]

    def stale(self, returned_ns: Mapping[int, int]) -> int:
        """How often it allowed somebody whose withdrawal had returned."""
        allowed = array("q", self.report.read_bytes())
        instants = zip(allowed[::2], allowed[1::2], strict=True)
        return sum(at_ns > returned_ns.get(number, 1 << 62) for number, at_ns in instants)


async def started(
    host: Host | None,
    report: Path,
    *,
    subjects: int = 1,
    probes: bool = True,
    ttl_ms: int = TTL_MS,
    address: str = "",
    deployment: str = "",
    rest_s: float = 0.0,
) -> Process:
    """Starts a replica and waits until it may decide.

    Args:
        host: whom it follows; ``None``: the ``deployment``.
        report: takes what it allowed.
        subjects: so many are decided about.
        probes: it decides.
        ttl_ms: gives its rhythm.
        address: where it follows instead of at the host's.
        deployment: the configuration file of one whose consent it follows as a service does.
        rest_s: it rests for so long after some decisions.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.replicas.replica_program",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "GRPC_ENABLE_FORK_SUPPORT": "0"},
    )
    config = {
        "address": address or (host.address if host else ""),
        "token": host.token if host else "",
        "deployment": deployment,
        "rest_s": rest_s,
        "report": str(report),
        "subjects": subjects,
        "probes": probes,
        "ttl_ms": ttl_ms,
    }
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(config).encode() + b"\n")
    async with asyncio.timeout(PATIENCE_S):
        return Process(process, report, json.loads(await process.stdout.readline()))


def now_and_then(random_: random.Random, stall_s: float = 0.005, share: float = 0.3) -> Stall:
    """Holds back some of what passes for a few milliseconds."""
    return lambda: stall_s * random_.random() * 2 if random_.random() < share else 0.0


@asynccontextmanager
async def stalling(address: str, stall: Stall) -> AsyncIterator[str]:
    """A way to ``address`` on which what comes back is held back for ``stall()`` seconds each time."""
    host, _, port = address.rpartition(":")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hold: Stall) -> None:
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                await asyncio.sleep(hold())
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass  # an end that went away ends the other one
        finally:
            writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(
            pump(reader, far_writer, lambda: 0.0), pump(far_reader, writer, stall), return_exceptions=True
        )

    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(connected, host, 0)
        stack.callback(server.close)
        yield f"{host}:{server.sockets[0].getsockname()[1]}"
