"""A replica as a process of its own, which asks its table about the subjects being withdrawn.

Reads one JSON line (where to follow), prints ``ready`` when it may decide, and decides until
its input ends: about subject 0 until that is denied, then about subject 1, and so on. Then it
writes when it allowed whom, and prints how many decisions it made.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from array import array
from pathlib import Path
from typing import Any

import grpc
import uvloop

from services.consent.replica import Replica, over
from services.deployment.config import shipped_policy
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
    """Decides about one subject after another."""

    def __init__(self, replica: Replica, clock: BootClock, subjects: int) -> None:
        self._table, self._clock = replica.table, clock
        self._subjects = [subject(number) for number in range(subjects)]
        self._purpose = replica.table.policy.index(PURPOSE)
        self._at = 0
        self.decided = self.unready = 0
        self.allowed = array("q")  # number of the subject, instant, and so on

    async def probe(self) -> None:
        """Decides for ever, letting the stream have its turn."""
        while True:
            for _ in range(DECISIONS_A_TURN):
                self.decide()
            await asyncio.sleep(0)

    def decide(self) -> None:
        """One decision, as the guard makes it: is the table ready, and does it allow."""
        self.decided += 1
        if not self._table.ready:
            self.unready += 1
        elif self._table.allows(self._subjects[self._at], self._purpose, wall_ms()):
            self.allowed.extend((self._at, self._clock.last_ns))
        elif self._table.ready and self._at < len(self._subjects) - 1:
            self._at += 1


async def main() -> None:
    """Follows and probes."""
    config: dict[str, Any] = json.loads(sys.stdin.readline())
    clock = BootClock()
    begun = time.perf_counter()
    async with grpc.aio.insecure_channel(config["address"]) as channel:
        follow = over(lambda: channel, lambda: (("authorization", f"Bearer {config['token']}"),))
        replica = Replica(follow, shipped_policy(), sys.stderr.write, clock, config["ttl_ms"])
        following = replica.start()
        await replica.ready()
        print(json.dumps({"ready_s": time.perf_counter() - begun, "rss_mib": _rss_mib()}), flush=True)
        prober = Prober(replica, clock, config["subjects"])
        probing = asyncio.create_task(prober.probe()) if config["probes"] else None
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        if probing is not None:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)
        assert not following.done()
        Path(config["report"]).write_bytes(prober.allowed.tobytes())
        await replica.stop()
    print(json.dumps({"decided": prober.decided, "unready": prober.unready}), flush=True)


def _rss_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    uvloop.run(main())
