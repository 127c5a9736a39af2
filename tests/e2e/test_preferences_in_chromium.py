"""The person's page in real Chromium without scripts, over a whole suite; what a person sees is looked at.

Skipped where there is no Chromium. With ``VEILGRAPH_PICTURES=folder`` each page is also kept as a picture.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
import uvicorn

from services.deployment.processes import free_ports
from services.importing.dealing import deal
from services.preferences.application import application
from services.preferences.development_provider import DevelopmentProvider, households
from services.preferences.serving import centre_of
from services.preferences.settings import Settings
from tests.conftest import NOW_MS, ROOT, Clock
from tests.e2e.chromium import Chromium, found
from tests.e2e.conftest import Shop, suite_in
from tests.e2e.test_preferences import allowed, settings_in
from veilgraph.client import connect
from veilgraph.client.suite import SERVICES as CLIENT_SERVICES
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.recommender.v1 import recommender_pb2

T = TypeVar("T")
PROGRAM = found()
DATASET = "corner-shop"
ANNA = deal(DATASET, 1).email
PAGES = {
    "overview": "/",
    "known": "/known",
    "told": "/told",
    "choices": "/choices",
    "why": "/why",
    "erase": "/erase",
}
TITLES = {"tea": "Assam tea", "cup": "Blue cup", "pot": "Tea pot", "jam": "Cherry jam", "bun": "Sweet bun"}

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine"),
    pytest.mark.asyncio(loop_scope="module"),
]


class Serving:
    """An ASGI application on a port of this machine, in a thread of its own."""

    def __init__(self, app: Any, port: int) -> None:
        config = uvicorn.Config(app, "127.0.0.1", port, log_config=None, lifespan="off", ws="none")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()


class There:
    """The page on an address of this machine."""

    def __init__(self, settings: Settings, shop: Shop, subject: str) -> None:
        self.settings, self.shop, self.subject = settings, shop, subject

    def sign_in(self, browser: Chromium) -> None:
        browser.go(self.settings.public_url + "/")
        browser.click("a[href='/sign-in']")
        browser.click(f"button[value='{ANNA}']")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[There]:
    tmp_path, clock, log = tmp_path_factory.mktemp("suite"), Clock(NOW_MS), io.StringIO()
    page_port, provider_port = free_ports(2)
    async with suite_in(tmp_path, clock, log) as suite:
        shop = Shop(suite, clock, tmp_path, log, "shop")
        settings = replace(
            settings_in(tmp_path),
            public_url=f"http://127.0.0.1:{page_port}",
            issuer=f"http://127.0.0.1:{provider_port}",
        )
        token = (tmp_path / "tokens" / "preferences").read_text()
        addresses = {name: suite.addresses[service] for name, service in CLIENT_SERVICES.items()}
        with connect(addresses, token=token, timeout_s=10) as client:
            app = application(centre_of(settings, client, log.write, clock))
            provider = DevelopmentProvider(settings, households(DATASET), lambda: clock() / 1000)
            servers = [Serving(app, page_port), Serving(provider.app, provider_port)]
            yield There(settings, shop, await a_life(shop))
            for server in servers:
                await asyncio.to_thread(server.stop)
        await shop.close()


async def a_life(shop: Shop) -> str:
    """Somebody who bought and said some things, in a shop with a few items."""
    items = [
        recommender_pb2.Item(item_id=one, title=title, category="kitchen / tea", brand="Own")
        for one, title in TITLES.items()
    ]
    put = recommender_pb2.UpsertItemsRequest(items=items, request_id=shop.request_id())
    await shop.recommender.UpsertItems(put, metadata=shop.metadata_of("importer"))
    subject = await shop.subject(ANNA)
    await shop.grant(subject, "personalise", "analytics", "train_model", "loyalty", "marketing.email")
    await shop.withdraw(subject, "marketing.email")
    for number in range(4):
        other = await shop.subject(f"other-{number}@shop.example")
        await shop.grant(other)
        await shop.track(*(shop.event(f"o{number}-{one}", other, one) for one in TITLES))
    till = {"source": {"party": profile_pb2.PARTY_FIRST, "origin": "till"}}
    await shop.track(shop.event("e1", subject, "tea", **till), shop.event("e2", subject, "cup"))
    declared = profile_pb2.DeclareRequest(
        subject=subject,
        preferences=[
            {"kind": profile_pb2.TOPIC_KIND_ITEM, "name": "jam", "stance": profile_pb2.STANCE_LIKE},
            {
                "kind": profile_pb2.TOPIC_KIND_BRAND,
                "name": "<Own & Co>",
                "stance": profile_pb2.STANCE_DISLIKE,
            },
        ],
        origin="quiz",
        request_id=shop.request_id(),
    )
    await shop.engagement.Declare(declared, metadata=shop.metadata)
    request = recommender_pb2.TrainRequest(request_id=shop.request_id())
    async for _ in shop.recommender.Train(request, metadata=shop.metadata_of("importer")):
        pass
    return subject


async def in_browser(tmp_path: Path, act: Callable[[Chromium], T], **given: Any) -> T:
    """Acts in a browser of its own, on a thread, while the suite's loop runs on."""
    assert PROGRAM is not None

    def whole() -> T:
        with Chromium(PROGRAM, tmp_path / "profile", **given) as browser:
            browser.sized(1000, 900)
            return act(browser)

    return await asyncio.to_thread(whole)


def keep(browser: Chromium, name: str) -> None:
    folder = os.environ.get("VEILGRAPH_PICTURES")
    if folder:
        (Path(folder) / f"{name}.png").write_bytes(browser.picture())


@pytest.mark.parametrize(("language", "said"), [("uk-UA", "Огляд"), ("ru-RU", "Обзор")])
async def test_the_browsers_language_is_spoken_and_a_narrow_window_needs_no_sideways_scrolling(
    there: There, tmp_path: Path, language: str, said: str
):
    def look(browser: Chromium) -> str:
        there.sign_in(browser)
        text = browser.text()
        browser.sized(360, 740, dark=language == "uk-UA")
        for name, path in PAGES.items():
            browser.go(there.settings.public_url + path)
            content, window = browser.width()
            assert content <= window, (name, content, window)
            keep(browser, f"{name}-{language}")
        return text

    assert said in await in_browser(tmp_path, look, language=language)


def axe() -> Path | None:
    """axe-core, where npm has it: in this tree, beside it, or where VEILGRAPH_AXE says."""
    places = [Path(os.environ.get("VEILGRAPH_AXE", "")), ROOT / "node_modules" / "axe-core"]
    if shutil.which("npm"):
        shared = subprocess.run(
            ["npm", "root", "-g"], capture_output=True, text=True, check=False
        ).stdout.strip()
        places.append(Path(shared) / "axe-core")
    return next((one / "axe.min.js" for one in places if (one / "axe.min.js").is_file()), None)


async def test_axe_core_finds_no_serious_fault_on_any_page(there: There, tmp_path: Path):
    """In light and dark; every rule of WCAG 2.2 A and AA that can be checked by a program."""
    script = axe()
    if script is None:
        pytest.skip("there is no axe-core on this machine (npm install axe-core, VEILGRAPH_AXE=its folder)")
    source = script.read_text()

    def check(browser: Chromium) -> list[Any]:
        there.sign_in(browser)
        faults = []
        for dark in (False, True):
            browser.sized(1000, 900, dark=dark)
            for path in (*PAGES.values(), "/nowhere"):
                browser.go(there.settings.public_url + path)
                browser.evaluated(source + ";0")
                found = browser.evaluated(
                    "axe.run(document, {resultTypes: ['violations']}).then(r => ({rules: r.passes.length,"
                    " found: r.violations.map(v => [v.id, v.impact, v.nodes.map(n => n.html)])}))"
                )
                assert found["rules"] > 10
                faults += [(path, dark, *one) for one in found["found"]]
        return faults

    assert not await in_browser(tmp_path, check, scripts=True)


async def test_a_person_does_everything_without_a_script(there: There, tmp_path: Path):
    """Signs in, reads, turns a switch that holds at once, erases; nothing came from elsewhere."""
    shop, url = there.shop, there.settings.public_url

    def walk(browser: Chromium) -> dict[str, str]:
        browser.go(url + "/")
        keep(browser, "welcome")
        there.sign_in(browser)
        texts = {}
        for name, path in PAGES.items():
            browser.go(url + path)
            texts[name] = browser.text()
            keep(browser, name)
        browser.go(url + "/choices")
        browser.click("li.switch:has(#personalise\\.recommend) button")
        texts["turned off"] = browser.text()
        browser.go(url + "/")
        texts["overview after"] = browser.text()
        browser.go(url + "/erase")
        browser.click("#sure")
        browser.click("main form button")
        texts["erased"] = browser.text()
        keep(browser, "erased")
        assert {
            one["name"]: (one["secure"], one["httpOnly"], one["sameSite"]) for one in browser.cookies()
        } == {"__Host-visit": (True, True, "Lax")}
        foreign = [
            one
            for one in browser.requests
            if urlsplit(one).netloc not in {urlsplit(url).netloc, urlsplit(there.settings.issuer).netloc}
        ]
        assert not [one for one in foreign if one != "about:blank"], foreign
        assert not [one for one in browser.complaints if "favicon" not in one]
        return texts

    before = await allowed(shop, there.subject)
    assert before["personalise.recommend"]
    texts = await in_browser(tmp_path, walk)
    assert "Personal." in texts["overview"] and "The same for everybody." in texts["overview after"]
    assert "&lt;Own &amp; Co&gt;" in texts["overview"]
    assert "Assam tea" in texts["known"] and "You bought" in texts["why"]
    assert 'role="status"' in texts["turned off"]
    assert "e-mail" in texts["choices"] and "Number of the erasure" in texts["erased"]
