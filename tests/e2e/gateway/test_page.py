"""The person's page behind the gateway: cookies pass, what a browser tells of itself does not."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
import pytest_asyncio

from services.gateway.config import write_config
from services.gateway.edge import PageEdge
from services.gateway.envoy import running_envoy, running_gateway
from services.gateway.page import REQUEST_BYTES_MAX
from tests.e2e.gateway.conftest import PATIENCE_S, Edge, trickled

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = "my.shop.example"
FORM = "application/x-www-form-urlencoded"


class Page(BaseHTTPRequestHandler):
    """Stands where a process of the page does; keeps the headers of what arrived."""

    protocol_version = "HTTP/1.1"
    arrived: ClassVar[list[tuple[str, dict[str, str], bytes, int]]] = []
    goes_on: ClassVar[threading.Event] = threading.Event()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        told = {name.lower(): value for name, value in self.headers.items()}
        self.arrived.append((self.path, told, body, self.connection.getsockname()[1]))
        if self.path == "/slow":
            self.goes_on.wait(PATIENCE_S)
        self.send_response(200)
        self.send_header("Set-Cookie", "__Host-visit=sealed; Secure; HttpOnly; Path=/")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"hi")

    do_POST = do_GET  # noqa: N815 - the name that is asked for

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class Behind:
    """The page of a test and the gateway before it."""

    def __init__(self, page: str, edge: Edge) -> None:
        self.page, self.edge = page, edge

    async def ask(
        self, method: str = "GET", path: str = "/", body: bytes | None = None, at: str = "", **headers: str
    ):
        """One request of a browser at an address; (status, headers, body)."""
        named = {"host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await asyncio.to_thread(self._ask, method, path, body, at, named)

    def _ask(self, method: str, path: str, body: bytes | None, at: str, headers: dict[str, str]):
        host, _, port = self.page.rpartition(":")
        source = (at, 0) if at else None
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S, source_address=source)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, told, answer.read().decode()
        finally:
            connection.close()


def _serving_page() -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(tmp_path_factory) -> AsyncIterator[Behind]:
    server = _serving_page()
    page = PageEdge(
        "127.0.0.1:0", f"https://{HOST}", f"127.0.0.1:{server.server_port}", sign_ins_per_second=3
    )
    edge = Edge(tmp_path_factory.mktemp("page"))
    edge.settings = replace(edge.settings, page=page)
    await edge.start()
    async with running_gateway(edge.config(), edge.folder / "envoy") as gateway:
        edge.address = gateway.address
        await edge.until(edge.ready)
        yield Behind(gateway.page, edge)
    await edge.stop()
    server.shutdown()
    server.server_close()


@pytest.fixture
def behind(running: Behind) -> Behind:
    Page.arrived.clear()
    return running


async def test_cookies_pass_both_ways_and_nobody_shows_a_token(behind: Behind) -> None:
    """The page says who is there; a caller's token has no meaning here and goes no further."""
    status, headers, body = await behind.ask(
        cookie="__Host-visit=a; __Host-language=uk", authorization="Bearer x"
    )
    assert (status, body) == (200, "hi")
    assert headers["set-cookie"].startswith("__Host-visit=sealed")
    ((_, told, _, _),) = Page.arrived
    assert told["cookie"] == "__Host-visit=a; __Host-language=uk"
    assert "authorization" not in told


async def test_of_what_a_browser_tells_only_what_the_page_goes_by_arrives(behind: Behind) -> None:
    """No address, no user agent, no word that could pass for the gateway's; the signal stays."""
    hidden = {
        "user_agent": "Firefox",
        "referer": "https://elsewhere.example/?q=jane",
        "sec_ch_ua": "x",
        "x_forwarded_for": "10.0.0.9",
        "forwarded": "for=10.0.0.9",
        "x_veilgraph_subject": "vs_jane",
    }
    said = {
        "sec_gpc": "1",
        "sec_fetch_site": "same-origin",
        "sec_fetch_mode": "navigate",
        "origin": f"https://{HOST}",
        "accept_language": "uk",
    }
    await behind.ask("POST", "/choices", b"a=b", content_type=FORM, **hidden, **said)
    ((_, told, body, _),) = Page.arrived
    kept = {name.replace("_", "-") for name in said} | {"content-type"}
    assert kept <= set(told)
    assert set(told) - kept <= {"host", "content-length", "accept-encoding"}
    assert body == b"a=b"


async def test_the_api_still_takes_no_cookie_and_wants_a_token(behind: Behind) -> None:
    """What is open on one listener is closed on the other."""
    status, _, told = await behind.edge.call(
        "GET", "/v1/items/1", authorization=None, cookie="__Host-visit=a"
    )
    assert (status, told["details"][0]["reason"]) == (401, "CALLER_UNAUTHENTICATED")
    await behind.edge.call("GET", "/v1/items/1", cookie="__Host-visit=a")
    assert "cookie" not in behind.edge.backend.arrived[-1][1]
    status, _, _ = await behind.ask(path="/v1/items/1")
    assert (status, Page.arrived[-1][0]) == (
        200,
        "/v1/items/1",
    )  # the page's to refuse; no service is behind it


async def test_another_hosts_name_leads_nowhere(behind: Behind) -> None:
    """A name that somebody else points here shows nothing of the page."""
    status, headers, body = await behind.ask(host="rebound.example")
    assert (status, Page.arrived) == (404, [])
    assert headers["content-type"].startswith("text/html")
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store"
    assert "Попробуйте" in body
    assert "rebound" not in body


async def test_a_form_that_is_too_large_does_not_reach_the_page(behind: Behind) -> None:
    """The gateway's limit is above the page's own, which says it in the reader's language."""
    status, headers, _ = await behind.ask(
        "POST", "/choices", b"a" * (REQUEST_BYTES_MAX + 1), content_type=FORM
    )
    assert (status, Page.arrived) == (413, [])
    assert headers["content-type"].startswith("text/html")


async def test_a_form_that_trickles_in_is_given_up_and_holds_nobody(behind: Behind, tmp_path) -> None:
    """Seconds for all of it; until it is whole no process of the page has heard of it."""
    path = write_config(behind.edge.config(), tmp_path / "envoy")
    assert "request_timeout: 10s" in path.read_text()
    path.write_text(path.read_text().replace("request_timeout: 10s", "request_timeout: 1s"))
    head = f"POST /choices HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 100\r\n\r\n"
    async with running_envoy(path.parent) as gateway:
        took_s, told = await asyncio.to_thread(trickled, gateway.page, head)
    assert told.startswith(b"HTTP/1.1 408")
    assert took_s < 2
    assert Page.arrived == []


async def test_a_page_that_does_not_answer_is_given_up(behind: Behind, tmp_path) -> None:
    """Once, and before the time that a request may last together with its answer."""
    path = write_config(behind.edge.config(), tmp_path / "envoy")
    assert path.read_text().count("per_try_timeout: 75s") == 1
    path.write_text(path.read_text().replace("per_try_timeout: 75s", "per_try_timeout: 0.3s"))
    try:
        async with running_envoy(path.parent) as gateway:
            status, _, body = await Behind(gateway.page, behind.edge).ask(path="/slow")
    finally:
        Page.goes_on.set()
    assert (status, len(Page.arrived)) == (504, 1)
    assert "try again" in body


async def test_sign_ins_have_a_rate_of_their_own(behind: Behind) -> None:
    """Whoever has no visit costs the provider and the suite something; the pages of others go on."""
    answers = Counter()
    for number in range(12):
        status, headers, _ = await behind.ask(path=f"/sign-in?x={number}", at=f"127.0.{number}.1")
        answers[status] += 1
        assert status == 200 or headers["retry-after"] == "1"
    assert answers[429] >= 2
    assert (await behind.ask())[0] == 200


async def flood(behind: Behind, path: str, **who: str) -> int:
    """Asks until it is refused; how often it was answered before."""
    for number in range(1000):
        status, _, _ = await behind.ask(path=path, **who)
        if status == 429:
            return number
    raise AssertionError("never refused")


async def test_a_flood_from_one_network_keeps_nobody_else_out(behind: Behind, tmp_path) -> None:
    """Neighbours share what a network may ask, also behind a door, whose last word is what counts."""
    settings = replace(
        behind.edge.settings.page,
        sign_ins_per_second=4,
        network_sign_ins_per_second=1,
        network_requests_per_second=3,
        doors=1,
    )
    config = replace(behind.edge.config(), edge=replace(behind.edge.config().edge, page=settings))
    async with running_gateway(config, tmp_path / "envoy") as gateway:
        here = Behind(gateway.page, behind.edge)
        jane, neighbour, other = "10.0.0.7", "10.0.0.8", "10.0.1.7"
        assert 0 < await flood(here, "/sign-in", x_forwarded_for=jane) < 5
        assert 0 < await flood(here, "/", x_forwarded_for=f"{other}, {jane}") < 50
        statuses = [(await here.ask("GET", x_forwarded_for=one))[0] for one in (neighbour, other)]
        assert statuses == [429, 200]
        assert (await here.ask(path="/sign-in", x_forwarded_for=other))[0] == 200
        assert 0 < await flood(here, "/", at="127.0.1.1") < 50  # whom no door let in is counted by itself
        assert (await here.ask(at="127.0.2.1"))[0] == 200
    assert not {name for _, told, _, _ in Page.arrived for name in told if name.startswith("x-")}
    assert "10.0." not in (tmp_path / "envoy" / "envoy.log").read_text()


async def test_one_visits_requests_come_to_one_process(behind: Behind, tmp_path) -> None:
    """The process that ended a visit remembers it, so the cookie comes back to it; others go anywhere."""
    server = _serving_page()
    first = behind.edge.settings.page.upstream.rpartition(":")[2]
    path = write_config(behind.edge.config(), tmp_path / "envoy")
    endpoint = '{"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": %s}}}}'
    one = endpoint % first
    assert one in path.read_text()
    path.write_text(path.read_text().replace(one, f"{one}, {endpoint % server.server_port}"))
    try:
        async with running_envoy(path.parent) as gateway:
            shared = Behind(gateway.page, behind.edge)
            for number in range(24):
                await shared.ask(cookie=f"__Host-language=uk; a={number}; __Host-visit=of-anna")
            assert len({told for _, _, _, told in Page.arrived}) == 1
            for number in range(24):
                await shared.ask(cookie=f"__Host-visit=of-{number}")
            assert len({told for _, _, _, told in Page.arrived}) == 2
    finally:
        server.shutdown()
        server.server_close()


async def test_a_page_that_is_down_is_said_in_words(behind: Behind, tmp_path) -> None:
    """Nobody reads a status."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = f"127.0.0.1:{gone.getsockname()[1]}"
    edge = behind.edge
    before, edge.settings = (
        edge.settings,
        replace(edge.settings, page=PageEdge("127.0.0.1:0", f"https://{HOST}", nobody)),
    )
    try:
        async with running_gateway(edge.config(), tmp_path / "envoy") as gateway:
            status, headers, body = await Behind(gateway.page, edge).ask()
    finally:
        edge.settings = before
    assert status == 503
    assert headers["content-type"].startswith("text/html")
    assert "try again" in body
