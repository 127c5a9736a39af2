"""The page as a process: it is watched, and shows another certificate when another one lies there."""

from __future__ import annotations

import asyncio
import io
import signal
import socket
import ssl
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from services.deployment.dev_ca import files_of, provide
from services.deployment.development import TRUST_DOMAIN, PageAddresses, prepare
from services.deployment.processes import free_ports
from services.preferences.serving import serve
from services.preferences.settings import SettingsError, read_settings
from services.preferences.showing import Shown
from services.tls.material import Files
from services.tls.spiffe import gateway_id
from tests.conftest import ROOT
from tests.given import NOW_MS
from tests.monitoring.test_port import ask, fetched
from tests.preferences.browsing import Browser
from tests.preferences.conftest import World


async def test_requests_are_counted_by_page_and_status_and_by_nothing_a_browser_wrote(world: World) -> None:
    """What no route takes is one page, whatever it was called."""
    browser = Browser(world.app)
    for path in ("/", "/known", "/nowhere/jane@shop.example", "/?lang=uk&who=jane"):
        await browser.get(path, follow=False)
    told = world.metrics()
    assert 'veilgraph_page_requests_total{method="GET",page="/",status="200"} 1.0' in told
    assert 'veilgraph_page_requests_total{method="GET",page="/known",status="403"} 1.0' in told
    assert 'veilgraph_page_requests_total{method="GET",page="unknown",status="404"} 1.0' in told
    assert 'veilgraph_page_requests_total{method="GET",page="/known",status="500"} 0.0' in told
    assert 'veilgraph_page_seconds_count{page="/known"} 1.0' in told
    assert "jane" not in told


def section(path: Path, *lines: str) -> None:
    """Adds lines to the page's section."""
    path.write_text(path.read_text().replace("[preferences]\n", "\n".join(["[preferences]", *lines, ""])))


async def test_a_process_of_the_page_is_watched_until_it_has_stopped_in_order(tmp_path: Path) -> None:
    """Alive and ready at a port of its own, which needs no certificate; its metrics are there."""
    process, provider, gateway, page, watched = (f"127.0.0.1:{port}" for port in free_ports(5))
    addresses = PageAddresses(page, provider, gateway, process)
    services = dict.fromkeys(("identity", "consent", "recommender", "engagement"), 0)
    path = prepare(tmp_path, NOW_MS // 1000, services, page=addresses)
    section(path, f'monitoring = "{watched}"')
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services", "preferences", str(path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert running.stdout is not None
    try:
        assert (
            await running.stdout.readline() == f"the page is watched on http://{watched}/metrics\n".encode()
        )
        async with asyncio.timeout(20):
            while (await ask(watched, "/ready"))[0] != 200:
                pass
        assert await ask(watched, "/live") == (200, "yes\n")
        assert await asyncio.to_thread(fetched, process, "/healthz") == (200, "ok\n")
        told = (await ask(watched, "/metrics"))[1]
        assert 'veilgraph_page_requests_total{method="GET",page="/healthz",status="200"} 1.0' in told
        assert "process_resident_memory_bytes" in told
    finally:
        running.send_signal(signal.SIGTERM)
        assert await running.wait() == 0


@pytest.fixture
def files(tmp_path: Path) -> Files:
    provide(tmp_path, TRUST_DOMAIN, (), NOW_MS // 1000)
    return files_of(tmp_path, gateway_id(TRUST_DOMAIN))


def serial(context: ssl.SSLContext) -> bytes:
    """What a server with a context shows: its certificate."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    come, gone, back, forth = ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO()
    asking, showing = client.wrap_bio(come, gone), context.wrap_bio(back, forth, server_side=True)
    for _ in range(4):
        for side in (asking, showing):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
            back.write(gone.read())
            come.write(forth.read())
    return asking.getpeercert(binary_form=True) or b""


def test_another_certificate_is_shown_as_soon_as_it_is_seen_and_a_bad_one_never(files: Files, tmp_path: Path):
    """A renewal needs no restart; a key that does not fit leaves what was shown before."""
    certificate, key, _ = files.paths
    context, log = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), io.StringIO()
    context.load_cert_chain(certificate, key)
    shown = Shown(context, certificate, key, log.write)
    first = serial(context)
    shown.look()
    assert (serial(context), log.getvalue()) == (first, "")
    provide(tmp_path / "other", TRUST_DOMAIN, (), NOW_MS // 1000)
    other = files_of(tmp_path / "other", gateway_id(TRUST_DOMAIN))
    certificate.write_bytes(other.certificate.read_bytes())  # and its key is not there yet
    shown.look()
    assert serial(context) == first
    assert "can not be used" in log.getvalue()
    key.write_bytes(other.key.read_bytes())
    shown.look()
    assert serial(context) not in {first, b""}
    certificate.unlink()
    shown.look()
    assert serial(context) != b""


def test_a_page_without_a_certificate_looks_for_none() -> None:
    """It is on this machine alone."""
    Shown(None, None, None, print).look()


def test_an_address_that_is_taken_for_watching_is_named(tmp_path: Path) -> None:
    """Else a supervisor would ask somebody else."""
    addresses = PageAddresses(*(f"127.0.0.1:{port}" for port in free_ports(4)))
    services = dict.fromkeys(("identity", "consent", "recommender", "engagement"), 0)
    path = prepare(tmp_path, NOW_MS // 1000, services, page=addresses)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        section(path, f'monitoring = "{taken}"')
        before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        try:
            with pytest.raises(SettingsError, match=rf"preferences.monitoring.*{taken}"):
                serve(read_settings(path), io.StringIO())
        finally:
            for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
                signal.signal(number, handler)
