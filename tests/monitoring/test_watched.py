"""A suite is watched where its configuration says, from before it serves until it has stopped."""

from __future__ import annotations

import asyncio
import io
import threading
from dataclasses import replace

from prometheus_client import CollectorRegistry

from services.deployment.config import SERVICES
from services.deployment.suite import _watched, running_suite
from tests.e2e.conftest import configured, suite_in
from tests.monitoring.test_port import ask

SECTION = '\n[monitoring]\nidentity = "127.0.0.1:0"\n'


async def test_a_process_is_ready_when_it_serves(tmp_path, clock):
    """Its guard table may decide by then; when it may not any more, it is not."""
    log = io.StringIO()
    async with suite_in(tmp_path, clock, log, SECTION) as suite:
        address = suite.monitoring
        assert f"identity is watched on http://{address}/metrics\n" in log.getvalue()
        assert await ask(address, "/ready") == (200, "yes\n")
        _, told = await ask(address, "/metrics")
        assert 'veilgraph_serving{service="consent"} 1.0' in told
        suite.guard.lose()
        async with asyncio.timeout(5):
            while (await ask(address, "/ready"))[0] == 200:
                pass
        assert (await ask(address, "/live"))[0] == 200


async def test_without_the_section_nothing_is_opened(tmp_path):
    config = configured(tmp_path, dict.fromkeys(SERVICES, 0))
    async with _watched(config, SERVICES, CollectorRegistry(), asyncio.Event(), print) as address:
        assert address == ""
    assert "monitoring" not in {thread.name for thread in threading.enumerate()}


async def test_a_process_that_drains_is_not_ready_and_lives(tmp_path, clock):
    """Whoever routes by readiness sends it no more; whoever ends what is dead leaves it alone."""
    told: list[tuple[int, str]] = []

    async def pause(_seconds: float) -> None:
        told.extend([await ask(suite.monitoring, "/ready"), await ask(suite.monitoring, "/live")])

    config = configured(tmp_path, dict.fromkeys(SERVICES, 0), SECTION)
    async with running_suite(replace(config, drain_s=5.0), clock, lambda _: None, pause=pause) as suite:
        pass
    assert [status for status, _ in told] == [503, 200]
