"""What the guard costs: the full chain against the same interceptor with an empty list."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc

from tests.bench.measure import PAIRS, Figure, cpu_s, p50_us, paired
from tests.probe.v1 import probe_pb2

CALLS = 1500


def figures() -> list[Figure]:
    """The guard of a service that keeps its records in a file."""
    return measured("guard")


def measured(prefix: str, *arguments: str) -> list[Figure]:
    """Starts the bench server in a process of its own and measures it from this one."""
    command = [sys.executable, "-m", "tests.bench.guard_server", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        told = json.loads(server.stdout.readline())
        request = probe_pb2.AskRequest(subject=told["subject"], kind=1, sha256=bytes(32)).SerializeToString()
        metadata = (("authorization", f"Bearer {told['token']}"),)
        asks = {label: _ask(address, request, metadata) for label, address in told["addresses"].items()}
        for ask in asks.values():
            p50_us(ask, 300)
        found = [
            _p50(f"{prefix}.unary_p50", asks["full"], asks["empty"], "<=1.30"),
            _p50(f"{prefix}.unary_p50_against_no_interceptor", asks["full"], asks["bare"], ""),
            _cpu(f"{prefix}.cpu_added_1_in_flight", server.pid, asks, in_flight=1),
            _cpu(f"{prefix}.cpu_added_16_in_flight", server.pid, asks, in_flight=16),
        ]
        server.stdin.close()
    return found


def _ask(address: str, request: bytes, metadata: tuple[tuple[str, str], ...]) -> Callable[[], bytes]:
    channel = grpc.insecure_channel(address)
    call = channel.unary_unary("/tests.probe.v1.ProbeService/Ask")
    return lambda: call(request, metadata=metadata, timeout=5)


def _p50(name: str, ours: Callable[[], bytes], baseline: Callable[[], bytes], limit: str) -> Figure:
    return paired(name, lambda: p50_us(ours, CALLS), lambda: p50_us(baseline, CALLS), "us", CALLS, limit)


def _cpu(name: str, pid: int, asks: dict[str, Callable[[], bytes]], *, in_flight: int) -> Figure:
    """Server CPU a call, microseconds; ``ours - baseline`` is what the layers add."""

    def cpu_us(ask: Callable[[], bytes]) -> float:
        before = cpu_s(pid)
        if in_flight == 1:
            for _ in range(CALLS):
                ask()
        else:
            with ThreadPoolExecutor(in_flight) as pool:
                list(pool.map(lambda _: ask(), range(CALLS)))
        return (cpu_s(pid) - before) / CALLS * 1e6

    return paired(name, lambda: cpu_us(asks["full"]), lambda: cpu_us(asks["empty"]), "us", CALLS * PAIRS, "")


if __name__ == "__main__":
    for figure in figures():
        print(figure)
