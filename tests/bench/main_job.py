"""The main job as a stranger runs it, in a folder of its own: time, memory, restart.

The suite that it leaves running answers the recommendation bench.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from tests.bench.measure import Figure

VAR = Path("build/bench")
GATEWAY = "127.0.0.1:18080"
PORT = 17101  # of identity; consent, recommender and engagement follow
FOLDER = VAR / "complete-journey"
READY = "Veilgraph is ready"


@contextmanager
def running(*, fresh: bool) -> Iterator[tuple[subprocess.Popen[str], float]]:
    """A demonstration suite while the block runs, and the seconds until it was ready."""
    if fresh:
        shutil.rmtree(VAR, ignore_errors=True)
    begun = monotonic()
    command = [sys.executable, "-m", "services", "run", "--gateway", GATEWAY]
    command += ["--var", str(VAR), "--port", str(PORT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith(READY):
                break
        else:
            raise RuntimeError(f"the main job ended with {process.wait()}")
        try:
            yield process, monotonic() - begun
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()


def pss_mib(pid: int) -> float:
    """Proportional set size of a process and all beneath it, MiB."""
    total = 0
    for each in (pid, *_beneath(pid)):
        rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
        total += int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
    return total / 1024


def _beneath(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from _beneath(int(child))


def figures() -> list[Figure]:
    """First run (without downloads), restart, serving memory."""
    with running(fresh=True) as (process, first_s):
        used = pss_mib(process.pid)
    with running(fresh=False) as (_, again_s):
        pass
    return [
        Figure("main_job.first_run", first_s, 480, first_s / 480, "s", 1, "<=1"),
        Figure("main_job.restart", again_s, 15, again_s / 15, "s", 1, "<=1"),
        Figure("main_job.serving_pss", used, 1.2 * 1024, used / (1.2 * 1024), "MiB", 1, "<=1"),
    ]


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent.parent)
    for figure in figures():
        print(figure)
