"""A person at a browser: logs in at a provider, is let in by the gateway, and asks about themselves."""

from __future__ import annotations

import asyncio
import functools
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from services.deployment.program import wall_clock_ms
from services.gateway.config import gateway_of
from services.gateway.envoy import running_gateway
from tests.e2e import web_build
from tests.e2e.chromium import Chromium, found
from tests.e2e.conftest import suite_in
from tests.e2e.test_phones import APP, SCOPES
from tests.given import ROOT
from tests.services.provider import CLIENT, PROVIDER, LoginProvider, serving
from veilgraph.consent.v1 import consent_pb2, consent_pb2_grpc
from veilgraph.identity.v1 import tokens_pb2, tokens_pb2_grpc

PROGRAM = found()

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Place:
    """A suite behind its gateway, a provider, and a site whose pages may call."""

    def __init__(self, gateway: str, provider: LoginProvider, accounts: str, site: str, folder: Path) -> None:
        self.gateway, self.provider, self.accounts, self.site = gateway, provider, accounts, site
        self.folder = folder

    def login(self) -> str:
        self.provider.now_s = wall_clock_ms() // 1000
        return self.provider.token()

    async def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a program that is a client."""
        return await asyncio.to_thread(
            functools.partial(subprocess.run, timeout=60, check=False, capture_output=True, text=True),
            command,
            cwd=self.folder,
            env={**os.environ, "GATEWAY": f"http://{self.gateway}", "LOGIN": self.login(), **environment},
        )


@contextmanager
def site_of(folder: Path) -> Iterator[str]:
    """The files of a folder, as a site of this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """One for all tests of the module."""
    folder = tmp_path_factory.mktemp("web")
    pages = folder / "site"
    shutil.copytree(web_build.SOURCES, pages, ignore=shutil.ignore_patterns("node_modules"))
    provider = LoginProvider(wall_clock_ms() // 1000)
    log = io.StringIO()
    with serving(provider) as accounts, site_of(pages) as site:
        more = APP.format(issuer=PROVIDER, address=accounts, client=CLIENT, scopes=SCOPES)
        more += f'\n[gateway]\nlisten = "127.0.0.1:0"\norigins = ["{site}"]\n'
        async with suite_in(folder / "suite", wall_clock_ms, log, more) as suite:
            config = gateway_of(suite.process.config, suite.public_addresses)
            async with running_gateway(config, folder / "gateway") as gateway:
                place = Place(gateway.address, provider, accounts, site, folder)
                (pages / "settings.json").write_text(json.dumps(_settings(place)))
                await _ready(place)
                yield place


def _settings(place: Place) -> dict[str, str]:
    return {
        "gateway": f"http://{place.gateway}",
        "authorize": f"{place.accounts}/authorize",
        "token": f"{place.accounts}/token",
        "client": CLIENT,
        "redirect": f"{place.site}/index.html",
    }


async def _ready(place: Place) -> None:
    """Waits until the gateway has asked every service for its health."""
    async with asyncio.timeout(20):
        probe = ("curl", "-sf", "-o", "ready", f"http://{place.gateway}/healthz")
        while (await place.run(*probe)).returncode:  # noqa: ASYNC110 - another process's state has no event
            await asyncio.sleep(0.1)


async def test_the_curl_lines_of_the_documentation_run(place):
    """As printed: a login becomes a token, the token a state, and a login is good for nothing else."""
    (lines,) = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "phones.md").read_text(), re.DOTALL)
    ran = await place.run(
        "bash", "-euc", lines.replace('"$GATEWAY/openapi.json"', '"$GATEWAY/openapi.json" -o openapi')
    )
    assert ran.stderr == ""
    decoder, said = json.JSONDecoder(), ran.stdout
    state, end = decoder.raw_decode(said)
    refused, _ = decoder.raw_decode(said[end:].lstrip())
    assert state["taxonomyVersion"] == 1
    assert (refused["code"], refused["details"][0]["reason"]) == (16, "CALLER_UNAUTHENTICATED")
    assert json.loads((place.folder / "openapi").read_text())["openapi"] == "3.1.0"


async def test_grpc_goes_through_the_same_port(place):
    """With the same login, and the same person comes of it."""
    async with grpc.aio.insecure_channel(place.gateway) as channel:
        exchange = tokens_pb2.ExchangeTokenRequest(request_id="a-request-of-grpc")
        login = (("authorization", f"Bearer {place.provider.token(nonce='grpc')}"),)
        given = await tokens_pb2_grpc.TokenServiceStub(channel).ExchangeToken(exchange, metadata=login)
        state = await consent_pb2_grpc.ConsentServiceStub(channel).GetState(
            consent_pb2.GetStateRequest(subject=given.subject),
            metadata=(("authorization", f"Bearer {given.access_token}"),),
        )
    assert state.taxonomy_version == 1


async def test_a_login_is_no_larger_than_logins_are(place):
    """Whoever is not known yet can not have the gateway hold megabytes."""
    body = json.dumps({"requestId": "r" * 5000})
    ran = await place.run(
        *("curl", "-s", f"http://{place.gateway}/v1/tokens:exchange", "-d", body),
        *("-H", f"authorization: Bearer {place.login()}", "-H", "content-type: application/json"),
    )
    assert json.loads(ran.stdout)["details"][0]["reason"] == "MESSAGE_TOO_LARGE"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\x00\x00",
        b"\x00\x00\x00\x00\x05\x0a",
        b"\x00\xff\xff\xff\xff",
        b"\x07\x00\x00\x00\x01a",
        b"\x80\x00\x00\x00\x00",
        b"\xff" * 4096,
    ],
    ids=["nothing", "half a head", "half a message", "too long", "unknown flag", "trailers", "noise"],
)
async def test_grpc_web_with_bad_framing_is_refused_at_once(place, sent):
    """In the form its clients read; nobody waits for what will not come."""
    (place.folder / "cut").write_bytes(sent)
    ran = await place.run(
        *("curl", "-s", "--max-time", "10", "-D", "-", "--data-binary", "@cut"),
        *("-H", f"authorization: Bearer {place.login()}", "-H", "content-type: application/grpc-web+proto"),
        f"http://{place.gateway}/veilgraph.identity.v1.TokenService/ExchangeToken",
    )
    assert ran.returncode == 0
    assert re.search(r"^grpc-status: ?(3|8|13)\r?$", ran.stdout, re.MULTILINE)


async def in_browser(place: Place, url: str) -> str:
    """What a page has said when its scripts are done."""

    def said() -> str:
        assert PROGRAM is not None
        with Chromium(PROGRAM, place.folder / "profile", scripts=True) as browser:
            browser.go(url)
            element = "document.getElementById('said')?.textContent"
            return str(browser.until(f"{element} !== '…' && {element}"))

    return await asyncio.to_thread(said)


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")
async def test_a_browser_logs_in_and_asks_about_its_person(place):
    """Code and PKCE at the provider, the exchange, a call from another origin, and a refusal it can read."""
    said = json.loads(await in_browser(place, f"{place.site}/index.html"))
    assert said["subject"].startswith("vs_")
    assert said["taxonomy"] == 1
    assert said["stranger"] == "401 CALLER_UNAUTHENTICATED"
    assert place.provider.challenged == 1


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")
async def test_a_browser_does_not_let_another_sites_page_call(place):
    """The same page from an origin that is not listed logs in and gets no further."""
    pages = place.folder / "other"
    shutil.copytree(place.folder / "site", pages)
    with site_of(pages) as other:
        settings = {**_settings(place), "redirect": f"{other}/index.html"}
        (pages / "settings.json").write_text(json.dumps(settings))
        said = json.loads(await in_browser(place, f"{other}/index.html"))
    assert said["subject"] == ""
    assert said["stranger"].startswith("TypeError")


@pytest.mark.skipif(not web_build.current(), reason="the TypeScript client is not built: make web")
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
async def test_the_typescript_client_asks_about_its_person(place):
    """Over gRPC-Web, with the contract's types; and it can tell why it was refused."""
    ran = await place.run("node", str(web_build.MAIN), f"http://{place.gateway}")
    said = json.loads(ran.stdout or "{}")
    assert (ran.stderr, said["taxonomy"]) == ("", 1)
    assert said["refused"]["code"] == "InvalidArgument"
    assert said["refused"]["reason"] == "SUBJECT_REF_MALFORMED"
    assert said["refused"]["requestId"]
