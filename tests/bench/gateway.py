"""What the gateway adds to a call: gRPC, JSON and gRPC-Web against gRPC to the service itself.

``ours - baseline`` is what is added. JSON and gRPC-Web are called over one kept connection of the
standard library's client, whose own cost is in their figures; the baseline is always gRPC.
"""

from __future__ import annotations

import http.client
import json
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import grpc

from tests.bench.gateway_server import SERVICE
from tests.bench.measure import PAIRS, Figure, p50_us
from veilgraph.recommender.v1 import recommender_pb2

CALLS = 500
RATE = 200
SECONDS = 5
_MESSAGE = recommender_pb2.GetItemRequest(item_id="1").SerializeToString()
_RPC = f"/{SERVICE}/GetItem"
_READY_S = 20


def figures() -> list[Figure]:
    """Starts the service and its gateway in a process of its own and measures them from this one."""
    command = [sys.executable, "-m", "tests.bench.gateway_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        told = json.loads(server.stdout.readline())
        token = f"Bearer {told['token']}"
        direct = over_grpc(told["direct"], token)
        asks = {
            "grpc": over_grpc(told["gateway"], token),
            "json": over_json(told["gateway"], token),
            "grpc_web": _web(told["gateway"], token),
        }
        until_ready(asks["json"])
        for ask in (direct, *asks.values()):
            p50_us(ask, CALLS // 5)
        found = [_added(f"gateway.{name}_p50", ask, direct) for name, ask in asks.items()]
        found.append(_p99("gateway.grpc_p99_200_a_second", asks["grpc"], direct))
        server.stdin.close()
    return found


def _added(name: str, ours: Callable[[], object], baseline: Callable[[], object]) -> Figure:
    pairs = [(p50_us(ours, CALLS), p50_us(baseline, CALLS)) for _ in range(PAIRS)]
    return _figure(name, pairs, CALLS * PAIRS)


def _p99(name: str, ours: Callable[[], object], baseline: Callable[[], object]) -> Figure:
    pairs = [(p99_us(ours), p99_us(baseline)) for _ in range(3)]
    return _figure(name, pairs, RATE * SECONDS * 3)


def _figure(name: str, pairs: list[tuple[float, float]], n: int) -> Figure:
    ours, baseline = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Figure(name, ours, baseline, statistics.median(a / b for a, b in pairs), "us", n)


def p99_us(call: Callable[[], object], rate: int = RATE, seconds: int = SECONDS) -> float:
    """The 99th percentile at a steady rate; a call that had to wait for its turn has waited."""
    begin = time.perf_counter() + 0.1

    def timed(number: int) -> float:
        due = begin + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        call()
        return time.perf_counter() - due

    with ThreadPoolExecutor(8) as pool:
        durations = list(pool.map(timed, range(rate * seconds)))
    return statistics.quantiles(durations, n=100)[-1] * 1e6


def over_grpc(address: str, token: str) -> Callable[[], object]:
    call = grpc.insecure_channel(address).unary_unary(_RPC)
    return lambda: call(_MESSAGE, metadata=(("authorization", token),), timeout=5)


def over_json(address: str, token: str) -> Callable[[], bytes]:
    return partial(_http, _connection(address), "GET", "/v1/items/1", None, {"authorization": token})


def _web(address: str, token: str) -> Callable[[], bytes]:
    headers = {"authorization": token, "content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    framed = struct.pack(">BI", 0, len(_MESSAGE)) + _MESSAGE
    return partial(_http, _connection(address), "POST", _RPC, framed, headers)


def _connection(address: str) -> http.client.HTTPConnection:
    host, port = address.rsplit(":", 1)
    return http.client.HTTPConnection(host, int(port), timeout=5)


def _http(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
) -> bytes:
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    read = response.read()
    if response.status != 200:
        raise RuntimeError(f"{response.status} {read!r}")
    return read


def until_ready(ask: Callable[[], object]) -> None:
    """Waits until the gateway has asked the service for its health."""
    give_up = time.monotonic() + _READY_S
    while True:
        try:
            ask()
        except RuntimeError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    for figure in figures():
        print(figure)
