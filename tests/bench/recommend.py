"""FOR_YOU among 10⁵ items through the whole chain, against a bare server that only searches.

Both search the same index, the household asked about is the one with the median number of
events. The limit is against FAISS Flat in the bare server; beside it stands the bare server
that searches as the service does, which reads a fraction of the index.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import grpc

from tests.bench.main_job import VAR, pss_mib
from tests.bench.measure import Figure, cpu_s, p50_us, paired
from tests.bench.recommend_world import VERSION, prepared, projection_of
from veilgraph.recommender.v1 import recommender_pb2

ITEMS, CALLS, IN_FLIGHT = 100_000, 400, 16
_RPC = "/veilgraph.recommender.v1.RecommenderService/Recommend"


@dataclass(frozen=True)
class Server:
    """A recommender that serves, and what a client needs.

    Attributes:
        pid: its process.
        told: what it said of itself, see ``recommend_server``.
    """

    pid: int
    told: dict[str, Any]

    def call(self, rpc: str, request: Any) -> Callable[[], bytes]:
        """A call that can be repeated, on a channel of its own."""
        channel = grpc.insecure_channel(self.told["address"], [("grpc.use_local_subchannel_pool", 1)])
        call, sent = channel.unary_unary(rpc), request.SerializeToString()
        metadata = (("authorization", f"Bearer {self.told['token']}"),)
        return lambda: call(sent, metadata=metadata, timeout=30)

    def for_you(self, who: str = "median") -> Callable[[], bytes]:
        """Twenty items for the median household, or for somebody else, with reasons."""
        request = recommender_pb2.RecommendRequest(
            subject=self.told[who], recipe=recommender_pb2.RECIPE_FOR_YOU, page_size=20, explain=True
        )
        return self.call(_RPC, request)


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """The recommender of a folder while the block runs."""
    command = [sys.executable, "-m", "tests.bench.recommend_server", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        yield Server(server.pid, json.loads(server.stdout.readline()))
        server.stdin.close()


def figures() -> list[Figure]:
    """Measures at 10⁵ items."""
    folder = prepared(VAR / "recommend-1e5", ITEMS)
    with serving(folder) as server:
        ours = server.for_you()
        answer = recommender_pb2.RecommendResponse.FromString(ours())
        if answer.depth != recommender_pb2.DEPTH_INDIVIDUAL or len(answer.items) != 20:
            raise RuntimeError(f"not a personal list: {answer.depth} {len(answer.items)}")
        size = len(ours())
        print(f"{server.told['items']:,} items, {server.told['events']} events, a reply of {size:,} bytes")
        with bare(folder, size) as (flat, same):
            for call in (ours, flat, same):
                p50_us(call, 100)
            found = [
                _p50("recommender.recommend_p50", ours, flat, "<=2.0"),
                _p50("recommender.recommend_p50_against_our_search", ours, same, ""),
            ]
        found += in_flight(server)
        found.append(_alone("recommender.pss_at_1e5", pss_mib(server.pid), "MiB"))
    return found


@contextmanager
def bare(folder: Path, size: int) -> Iterator[tuple[Callable[[], bytes], Callable[[], bytes]]]:
    """Bare calls while the block runs: a FAISS Flat search, and one as the service searches."""
    command = [sys.executable, "-m", "tests.bench.echo_server", str(folder), VERSION]
    command += [projection_of(folder), str(size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        server = Server(process.pid, {**json.loads(process.stdout.readline()), "token": ""})
        request = recommender_pb2.RecommendRequest(subject="x" * 60, page_size=20, explain=True)
        yield server.call("/tests.Echo/Flat", request), server.call("/tests.Echo/Ours", request)
        process.stdin.close()


def in_flight(server: Server) -> list[Figure]:
    """Calls a second, and how long the median and the slowest hundredth wait, one and 16 at once."""
    calls = [server.for_you() for _ in range(IN_FLIGHT)]
    for call in calls:
        call()
    alone = durations_ms(calls[:1], CALLS)
    begun, used = perf_counter(), cpu_s(server.pid)
    many = durations_ms(calls, 4 * CALLS)
    took, used = perf_counter() - begun, cpu_s(server.pid) - used
    return [
        _alone("recommender.throughput_16_in_flight", len(many) / took, "calls/s"),
        _alone("recommender.cpu_16_in_flight", used / len(many) * 1e3, "ms"),
        Figure(
            "recommender.p50_16_in_flight",
            *_pair(statistics.median(many), statistics.median(alone)),
            "ms",
            len(many),
        ),
        Figure("recommender.p99_16_in_flight", *_pair(p99(many), p99(alone)), "ms", len(many)),
    ]


def durations_ms(calls: list[Callable[[], bytes]], count: int) -> list[float]:
    """How long each of ``count`` calls took, with one in flight on each channel."""

    def some(call: Callable[[], bytes]) -> list[float]:
        taken = []
        for _ in range(count // len(calls)):
            begun = perf_counter()
            call()
            taken.append((perf_counter() - begun) * 1e3)
        return taken

    with ThreadPoolExecutor(len(calls)) as pool:
        return [taken for part in pool.map(some, calls) for taken in part]


def p99(durations: list[float]) -> float:
    """The duration that one in a hundred exceeds."""
    return statistics.quantiles(durations, n=100)[-1]


def _pair(ours: float, baseline: float) -> tuple[float, float, float]:
    return ours, baseline, ours / baseline


def _p50(name: str, ours: Callable[[], bytes], baseline: Callable[[], bytes], limit: str) -> Figure:
    return paired(name, lambda: p50_us(ours, CALLS), lambda: p50_us(baseline, CALLS), "us", CALLS, limit)


def _alone(name: str, value: float, unit: str) -> Figure:
    return Figure(name, value, 1, value, unit, 1)


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent.parent)
    for figure in figures():
        print(figure)
