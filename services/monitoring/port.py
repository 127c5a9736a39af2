"""The port a process is watched at: ``/metrics``, ``/live`` and ``/ready`` over plain HTTP.

It is answered by threads of its own, so that a scrape holds up no call and a probe is answered
while the event loop loads what it will decide by. It opens before anything else does: who stands
by is watched, too, and is ready, to take over. It tells nothing about anybody, and still listens on
no public address.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from services.monitoring.pulse import SILENT_S, Pulse

_TEXT = "text/plain; charset=utf-8"
#: A client that says nothing is let go.
_PATIENCE_S = 5.0
#: Within so long it stops when it is told to.
_STOP_S = 0.1
#: So many are answered at once; whoever comes beside them is not.
_AT_ONCE_MAX = 8

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, which nobody reads

Answer = tuple[HTTPStatus, str, bytes]


class MonitoringTaken(RuntimeError):  # noqa: N818 - named after what it says
    """Something else listens there, or the address is not this machine's."""


def public(address: str) -> bool:
    """Whether a "host:port" can be reached from everywhere; metrics are for the cluster alone.

    Raises:
        ValueError: it is none; the host is an IP address or "localhost".
    """
    host, port = _parted(address)
    if not 0 <= port < 1 << 16:
        raise ValueError("no port")
    return host != "localhost" and ipaddress.ip_address(host).is_global


class Watched:
    """What is answered: pure but for what it asks."""

    def __init__(self, registry: CollectorRegistry, ready: Callable[[], bool], pulse: Pulse) -> None:
        """Answers by a process's metrics, whether it is of use, and its event loop's pulse."""
        self._registry = registry
        self._ready = ready
        self._pulse = pulse

    def answer(self, path: str) -> Answer:
        """Status, content type and body for a path."""
        if path == "/metrics":
            return HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._registry)
        if path == "/live":
            silent_s = self._pulse.silent_s()
            return _told(f"the event loop is silent for {silent_s:.0f} s" if silent_s > SILENT_S else "")
        if path == "/ready":
            return _told("" if self._ready() else "it loads, stops or may not decide")
        return HTTPStatus.NOT_FOUND, _TEXT, b"/metrics, /live, /ready\n"


def _told(trouble: str) -> Answer:
    status = HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK
    return status, _TEXT, f"{trouble or 'yes'}\n".encode()


@asynccontextmanager
async def monitoring_port(
    address: str, watched: Watched, report: Callable[[str], object]
) -> AsyncIterator[str]:
    """Listens while the block runs.

    Args:
        address: "host:port"; port 0 takes a free one.
        watched: what is answered.
        report: takes a line when an answer failed.

    Yields:
        Where it listens, "host:port".

    Raises:
        MonitoringTaken: it can not listen there.
    """
    try:
        server = _Server(address, watched, report)
    except OSError as error:
        raise MonitoringTaken(f"monitoring can not listen on {address}: {error.strerror}") from None
    thread = threading.Thread(target=server.serve_forever, args=(_STOP_S,), name="monitoring", daemon=True)
    thread.start()
    try:
        yield f"{address.rpartition(':')[0]}:{server.server_address[1]}"
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()


@asynccontextmanager
async def watched_port(
    address: str,
    name: str,
    registry: CollectorRegistry,
    ready: Callable[[], bool],
    log: Callable[[str], object],
) -> AsyncIterator[str]:
    """Opens the port at which a process is watched.

    Args:
        address: "host:port"; empty: it is watched nowhere.
        name: what the process is, for its log.
        registry: its metrics.
        ready: whether it is of use; asked from a thread.
        log: takes lines.

    Yields:
        Where it listens; empty: nowhere.

    Raises:
        MonitoringTaken: it can not listen there.
    """
    if not address:
        yield ""
        return
    told = Watched(registry, ready, Pulse(asyncio.get_running_loop(), registry))
    async with monitoring_port(address, told, log) as listens:
        log(f"{name} is watched on http://{listens}/metrics\n")
        yield listens


class _Server(ThreadingHTTPServer):
    """A thread a request, and not more than some at once."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: str, watched: Watched, report: Callable[[str], object]) -> None:
        host, port = _parted(address)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.watched = watched
        self._report = report
        self._free = threading.BoundedSemaphore(_AT_ONCE_MAX)
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Binds; the base class would ask the DNS for the machine's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answers in a thread, or lets go at once."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answers, and makes room for the next."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """Says what failed and not for whom; a client that went away is no failure."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            self._report(f"monitoring: an answer failed: {type(error).__name__}\n")


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = _PATIENCE_S
    server_version, sys_version = "veilgraph", ""
    server: _Server

    def do_GET(self) -> None:
        """Answers."""
        path = self.path.partition("?")[0]
        status, content_type, body = self.server.watched.answer(path)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Logs nothing: who asks is nobody's business."""


def _parted(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
