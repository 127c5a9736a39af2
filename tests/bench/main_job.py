"""The main job as a stranger runs it, in a folder of its own: time, memory, restart.

The suite that it leaves running answers the recommendation bench.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from tests.bench.measure import Figure

VAR = Path("build/bench")
GATEWAY = "127.0.0.1:18080"
PORT = 17101  # of identity; consent, recommender and engagement follow
FOLDER = VAR / "complete-journey"
READY = "Veilgraph is ready"


class Run(NamedTuple):
    """A suite that is ready: how long it took, and the most memory its training held."""

    pid: int
    ready_s: float
    training_peak_mib: float


class Training:
    """Watches a suite for the program that trains and keeps the most memory it held, MiB."""

    def __init__(self, pid: int) -> None:
        self.peak_mib = 0.0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            with suppress(OSError):  # processes end while they are looked at
                for pid in _beneath(self._pid):
                    if b"services.recommender.training" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        status = Path(f"/proc/{pid}/status").read_text()
                        peak_kib = next(line for line in status.splitlines() if line.startswith("VmHWM"))
                        self.peak_mib = max(self.peak_mib, int(peak_kib.split()[1]) / 1024)


@contextmanager
def running(*, fresh: bool) -> Iterator[Run]:
    """A demonstration suite while the block runs."""
    if fresh:
        shutil.rmtree(VAR, ignore_errors=True)
    begun = monotonic()
    command = [sys.executable, "-m", "services", "run", "--gateway", GATEWAY]
    command += ["--var", str(VAR), "--port", str(PORT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        training = Training(process.pid)
        for line in process.stdout:
            if line.startswith(READY):
                break
        else:
            raise RuntimeError(f"the main job ended with {process.wait()}")
        training.stop()
        try:
            yield Run(process.pid, monotonic() - begun, training.peak_mib)
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
    """First run (without downloads), restart, memory of serving and of training."""
    with running(fresh=True) as first:
        used_mib = pss_mib(first.pid)
    with running(fresh=False) as again:
        pass
    return [
        _against("main_job.first_run", first.ready_s, 480, "s"),
        _against("main_job.restart", again.ready_s, 15, "s"),
        _against("main_job.serving_pss", used_mib, 1.2 * 1024, "MiB"),
        _against("main_job.training_peak", first.training_peak_mib, 3 * 1024, "MiB"),
    ]


def _against(name: str, ours: float, most: float, unit: str) -> Figure:
    """A figure against the most it may be."""
    return Figure(name, ours, most, ours / most, unit, 1, "<=1")


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent.parent)
    for figure in figures():
        print(figure)
