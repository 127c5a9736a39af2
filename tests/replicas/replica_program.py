"""A replica as a process of its own, which asks its table about the subjects being withdrawn.

Reads one JSON line (where to follow: an address, or a deployment whose consent it follows as a
service does), prints ``ready`` when it may decide, and decides until its input ends: about subject
0 until that is denied, then about subject 1, and so on. Then it writes when it allowed whom, and
prints how many decisions it made.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import uvloop

from services.consent.replica import Follow, Replica, over
from services.deployment.config import load, shipped_policy
from services.peers import Peers
from services.signing import Signed, signer
from tests.consent.statements import subject
from tests.replicas.authority import PURPOSE, boot_ns, wall_ms

DECISIONS_A_TURN = 100


class BootClock:
    """The clock of leases; remembers what it said last, the instant of a decision."""

    last_ns = 0

    def __call__(self) -> int:
        self.last_ns = boot_ns()
        return self.last_ns // 1_000_000


class Prober:
    """Decides about one subject after another, and rests for a while after some."""

    def __init__(self, replica: Replica, clock: BootClock, subjects: int, rest_s: float) -> None:
        self._table, self._clock = replica.table, clock
        self._rest_s = rest_s
        self._subjects = [subject(number) for number in range(subjects)]
        self._purpose = replica.table.policy.index(PURPOSE)
        self._at = 0
        self.decided = self.unready = 0
        self.gaps_ms: list[int] = []  # how long each time in which nothing was decided lasted
        self.gap_from_ms = 0
        self.allowed = array("q")  # number of the subject, instant, and so on

    async def probe(self) -> None:
        """Decides for ever, letting the stream have its turn."""
        while True:
            for _ in range(DECISIONS_A_TURN):
                self.decide()
            await asyncio.sleep(self._rest_s)

    def decide(self) -> None:
        """One decision, as the guard makes it: is the table ready, and does it allow."""
        self.decided += 1
        ready = self._table.ready
        now_ms = self._clock.last_ns // 1_000_000
        if ready and self.gap_from_ms:
            self.gaps_ms.append(now_ms - self.gap_from_ms)
            self.gap_from_ms = 0
        if not ready:
            self.unready += 1
            self.gap_from_ms = self.gap_from_ms or now_ms
        elif self._table.allows(self._subjects[self._at], self._purpose, wall_ms()):
            self.allowed.extend((self._at, self._clock.last_ns))
        elif self._table.ready and self._at < len(self._subjects) - 1:
            self._at += 1


async def main() -> None:
    """Follows and probes."""
    config: dict[str, Any] = json.loads(sys.stdin.readline())
    clock = BootClock()
    begun = time.perf_counter()
    async with _follow(config) as follow:
        replica = Replica(follow, shipped_policy(), sys.stderr.write, clock, config["ttl_ms"])
        following = replica.start()
        await replica.ready()
        print(json.dumps({"ready_s": time.perf_counter() - begun, "rss_mib": _rss_mib()}), flush=True)
        prober = Prober(replica, clock, config["subjects"], config["rest_s"])
        probing = asyncio.create_task(prober.probe()) if config["probes"] else None
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        if probing is not None:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)
        assert not following.done()
        Path(config["report"]).write_bytes(prober.allowed.tobytes())
        await replica.stop()
    if prober.gap_from_ms:
        prober.gaps_ms.append(boot_ns() // 1_000_000 - prober.gap_from_ms)
    counts = {"decided": prober.decided, "unready": prober.unready, "gaps_ms": prober.gaps_ms}
    print(json.dumps(counts), flush=True)


@asynccontextmanager
async def _follow(config: dict[str, Any]) -> AsyncIterator[Follow]:
    if config["deployment"]:
        deployment = load(Path(config["deployment"]))
        tokens = signer(deployment.keyring, Signed.SERVICE_TOKEN)
        peers = Peers(deployment.listen, tokens, deployment.tenant, wall_ms)
        yield over(lambda: peers.channel("consent", "recommender"), lambda: peers.metadata("recommender"))
        await peers.close()
    else:
        async with grpc.aio.insecure_channel(config["address"]) as channel:
            yield over(lambda: channel, lambda: (("authorization", f"Bearer {config['token']}"),))


def _rss_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    uvloop.run(main())
