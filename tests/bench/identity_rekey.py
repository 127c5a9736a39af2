"""A million identifiers sealed anew while they are asked for: what it costs, and what callers notice.

The first rotation runs with nobody calling, for the time it takes and the processor it uses; the
second with one call after another, against the same calls at rest before and after the first.
"""

from __future__ import annotations

import hashlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc

from tests.bench.identity_suite import Deployment, deployed, running
from tests.bench.measure import Figure
from veilgraph.identity.v1 import identity_pb2, identity_pb2_grpc, keys_pb2, keys_pb2_grpc

IDENTIFIERS = 1_000_000
A_CALL = 5_000
CALLS = 2_000
P50_LIMIT = 2
PATIENCE_S = 3_600


class Callers:
    """The importer, who resolves, and the operator, who rotates."""

    def __init__(self, deployment: Deployment, pid: int, count: int) -> None:
        channel = grpc.insecure_channel(deployment.addresses["identity"])
        self._identity = identity_pb2_grpc.IdentityServiceStub(channel)  # type: ignore[no-untyped-call]
        self._keys = keys_pb2_grpc.KeyServiceStub(channel)  # type: ignore[no-untyped-call]
        self._tokens = deployment.folder / "tokens"
        self._pid, self._count = pid, count
        self._chance = random.Random(1)

    def fill(self) -> None:
        """Has every identifier born."""
        for start in range(0, self._count, A_CALL):
            self._resolve(range(start, min(start + A_CALL, self._count)))

    def p50_us(self, while_true: Callable[[], bool] = lambda: True) -> float:
        """Median of calls for one identifier each, one after another."""
        durations = []
        while len(durations) < CALLS and (len(durations) % 50 or while_true()):
            number = self._chance.randrange(self._count)
            begun = time.perf_counter()
            self._resolve([number])
            durations.append(time.perf_counter() - begun)
        return statistics.median(durations) * 1e6

    def rotate(self) -> None:
        """Has a new identifier key seal."""
        active = max(key.version for key in self._told().versions if key.use == keys_pb2.KEY_USE_IDENTIFIER)
        request = keys_pb2.RotateKeysRequest(use=keys_pb2.KEY_USE_IDENTIFIER, from_version=active)
        self._keys.RotateKeys(request, metadata=self._metadata("operator"))

    def rekeying(self) -> bool:
        """Whether something is still to be sealed anew."""
        return bool(self._told().rekeying)

    def rekeyed(self) -> None:
        """Returns when nothing is; asked seldom, because it is answered by counting."""
        until = time.monotonic() + PATIENCE_S
        while self.rekeying():
            assert time.monotonic() < until, "the job does not end"
            time.sleep(10)

    def cpu_s(self) -> float:
        """What the identity process has used of the processor."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _told(self) -> Any:
        return self._keys.GetKeys(keys_pb2.GetKeysRequest(), metadata=self._metadata("operator"))

    def _resolve(self, numbers: Any) -> None:
        identifiers = [
            {"kind": 6, "sha256": hashlib.sha256(number.to_bytes(4, "big")).digest()} for number in numbers
        ]
        request = identity_pb2.ResolveRequest(identifiers=identifiers)
        answer = self._identity.Resolve(request, metadata=self._metadata("importer"), timeout=60)
        assert all(result.subject for result in answer.results)

    def _metadata(self, caller: str) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {(self._tokens / caller).read_text()}"),)


def figures(count: int = IDENTIFIERS) -> list[Figure]:
    """Wall time and CPU of a re-key, and a call's p50 during it against the same call at rest."""
    with tempfile.TemporaryDirectory() as folder:
        deployment = deployed(Path(folder))
        with running(deployment) as services:
            callers = Callers(deployment, services.pid("identity"), count)
            callers.fill()
            before_us = callers.p50_us()
            begun, used_s = time.monotonic(), callers.cpu_s()
            callers.rotate()
            callers.rekeyed()
            wall_s, cpu_s = time.monotonic() - begun, callers.cpu_s() - used_s
            idle_us = statistics.mean([before_us, callers.p50_us()])
            callers.rotate()
            during_us = callers.p50_us(callers.rekeying)
            assert callers.rekeying(), "the job ended before it was measured"
    return list(_lines(count, wall_s, cpu_s, during_us, idle_us))


def _lines(count: int, wall_s: float, cpu_s: float, during_us: float, idle_us: float) -> Iterator[Figure]:
    yield Figure("identity.rekey_wall", wall_s, wall_s, 1.0, "s", count)
    yield Figure("identity.rekey_cpu", cpu_s, wall_s, cpu_s / wall_s, "CPU s", count)
    ratio, limit = during_us / idle_us, f"<={P50_LIMIT}"
    yield Figure("identity.resolve_p50_during_rekey", during_us, idle_us, ratio, "us", count, limit)


if __name__ == "__main__":
    for figure in figures(int(sys.argv[1]) if len(sys.argv) > 1 else IDENTIFIERS):
        print(figure)
