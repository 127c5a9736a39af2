"""The port a process is watched at answers three questions, from threads, and nobody else's."""

from __future__ import annotations

import asyncio
import socket
import threading
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge

from services.monitoring.port import MonitoringTaken, Watched, monitoring_port, public
from services.monitoring.pulse import SILENT_S, Pulse
from services.monitoring.serves import Serves

FREE = "127.0.0.1:0"


def fetched(address: str, path: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urlopen(f"http://{address}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        return refused.code, refused.read().decode()


def watched(registry: CollectorRegistry | None = None, *, ready: bool = True) -> Watched:
    pulse = Pulse(asyncio.get_running_loop(), CollectorRegistry())
    return Watched(registry or CollectorRegistry(), lambda: ready, pulse)


async def ask(address: str, path: str) -> tuple[int, str]:
    return await asyncio.to_thread(fetched, address, path)


async def test_the_port_tells_metrics_and_no_other_series():
    """A counter is one series; the library's second one, of when it began, is nobody's."""
    registry = CollectorRegistry()
    Counter("teas", "Teas.", registry=registry).inc(3)
    async with monitoring_port(FREE, watched(registry), print) as address:
        status, told = await ask(address, "/metrics")
    assert status == 200
    assert told.splitlines() == ["# HELP teas_total Teas.", "# TYPE teas_total counter", "teas_total 3.0"]


async def test_a_process_that_loads_lives_and_is_not_ready():
    async with monitoring_port(FREE, watched(ready=False), print) as address:
        assert await ask(address, "/live") == (200, "yes\n")
        assert await ask(address, "/ready") == (503, "it loads, stops or may not decide\n")


async def test_whatever_else_is_asked_for_is_not_there():
    async with monitoring_port(FREE, watched(), print) as address:
        assert (await ask(address, "/metrics/../secrets"))[0] == 404
        assert (await ask(address, "/ready?of=jane@example.com"))[0] == 200


async def test_it_is_answered_while_the_event_loop_is_busy():
    """Loading a million people takes a minute, and a probe must not end a process for it."""
    async with monitoring_port(FREE, watched(), print) as address:
        assert [fetched(address, path)[0] for path in ("/live", "/ready", "/metrics")] == [200] * 3


async def test_who_says_nothing_holds_up_nobody_else():
    """Slow clients take a place each, and not the port."""
    async with monitoring_port(FREE, watched(), print) as address:
        host, port = address.split(":")
        silent = [socket.create_connection((host, int(port))) for _ in range(7)]
        assert (await ask(address, "/live"))[0] == 200
        for one in silent:
            one.close()


async def test_an_answer_that_fails_is_reported_without_who_asked_for_it():
    registry, reports = CollectorRegistry(), []
    Gauge("broken", "Broken.", registry=registry).set_function(lambda: {}["jane"])
    async with monitoring_port(FREE, watched(registry), reports.append) as address:
        with pytest.raises(OSError, match=r"closed|reset"):
            await ask(address, "/metrics")
    assert reports == ["monitoring: an answer failed: KeyError\n"]


async def test_a_taken_port_is_an_error_with_its_address():
    async with monitoring_port(FREE, watched(), print) as address:
        with pytest.raises(MonitoringTaken, match=address):
            async with monitoring_port(address, watched(), print):
                pass


async def test_a_closed_port_leaves_no_thread():
    async with monitoring_port(FREE, watched(), print):
        pass
    assert "monitoring" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("127.0.0.1:1", False),
        ("localhost:1", False),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("10.1.2.3:1", False),
        ("8.8.8.8:1", True),
        ("[2606:4700::1111]:1", True),
    ],
)
def test_a_public_address_is_told_from_a_clusters(address, is_public):
    assert public(address) is is_public


@pytest.mark.parametrize(
    "address", ["", "9401", "metrics.example.com:9401", "127.0.0.1:99999", "127.0.0.1:x"]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValueError, match=r"port|host|address|literal"):
        public(address)


class Loop:
    """An event loop that turns when the test says so."""

    def __init__(self) -> None:
        self.left: list = []

    def call_soon_threadsafe(self, call) -> None:
        self.left.append(call)

    def turn(self) -> None:
        while self.left:
            self.left.pop()()


def test_a_loop_that_does_not_turn_is_silent_for_as_long_as_the_first_question_waits():
    """Asking again leaves no second question, and the answer ends the silence."""
    now_s, loop = [100.0], Loop()
    pulse = Pulse(loop, CollectorRegistry(), lambda: now_s[0])
    assert pulse.silent_s() == 0
    now_s[0] += 7
    assert pulse.silent_s() == 7
    assert len(loop.left) == 1
    loop.turn()
    assert (pulse.delay_s, pulse.silent_s()) == (7, 0)


async def test_a_process_whose_loop_is_silent_for_too_long_does_not_live():
    now_s = [0.0]
    asked = Watched(CollectorRegistry(), bool, Pulse(Loop(), CollectorRegistry(), lambda: now_s[0]))
    assert asked.answer("/live")[0] == 200
    now_s[0] = SILENT_S + 1
    assert asked.answer("/live")[0] == 503


def test_a_process_serves_while_its_guard_may_decide_and_until_it_stops():
    registry, live = CollectorRegistry(), [True]
    standing = Serves(["identity"], registry)

    def serving() -> float | None:
        return registry.get_sample_value("veilgraph_serving", {"service": "identity"})

    assert serving() == 0
    standing.serves(lambda: live[0])
    assert serving() == 1
    live[0] = False
    assert serving() == 0
    live[0] = True
    standing.over()
    assert serving() == 0
