"""The person's page on a whole suite: what it shows is so, what is chosen there holds at once."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from consent.policy import Policy
from services.audit.files import keys_of
from services.deployment.development import PAGE, PAGE_ISSUER, PAGE_METHOD
from services.preferences.application import application
from services.preferences.serving import centre_of
from services.preferences.settings import Settings
from services.rights.erasure_files import verified_receipt
from tests.conftest import NOW_MS, Clock
from tests.e2e.conftest import Shop, suite_in
from tests.preferences.browsing import ORIGIN, Answer, Browser
from tests.preferences.fake_provider import CLIENT_ID, ISSUER, SECRET, FakeProvider
from veilgraph.client import connect
from veilgraph.client.suite import SERVICES as CLIENT_SERVICES
from veilgraph.consent.v1 import consent_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.recommender.v1 import recommender_pb2

HOSTILE = '</bdi></title><script>alert("x")</script><img src=x onerror=alert(1)>&quot;\'"{{1337*7919}}\u202e'
pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGES = ("/", "/known", "/told", "/choices", "/why", "/erase")


class Visitors:
    """The page over a running suite, and people who come to it."""

    def __init__(self, shop: Shop, provider: FakeProvider, app: object, log: io.StringIO) -> None:
        self.shop, self.provider, self.app, self.log = shop, provider, app, log

    async def signed_in(self, email: str, language: str = "en") -> Browser:
        browser = Browser(self.app, language)
        came = await self.comes(browser, email)
        assert came.status == 200, came.text
        return browser

    async def comes(self, browser: Browser, email: str, **claims: object) -> Answer:
        begun = await browser.get("/sign-in", follow=False)
        back = self.provider.comes_back(begun.headers["location"], email, **claims)
        return await browser.get(f"/signed-in?{urlencode(back)}")


def settings_in(folder: Path) -> Settings:
    keys = folder / "keys"
    (keys / "secret").write_text(SECRET)
    (keys / "secret").chmod(0o600)
    return Settings(
        name="Corner & Co",
        listen="127.0.0.1:1",
        public_url=ORIGIN,
        gateway="127.0.0.1:1",
        caller=PAGE,
        issuer=ISSUER,
        client_id=CLIENT_ID,
        identifier="email",
        verifier_issuer=PAGE_ISSUER,
        method=PAGE_METHOD,
        token=folder / "tokens" / PAGE,
        client_secret=keys / "secret",
        session_key=keys / "preferences-session.key",
        verifier_key=keys / "preferences-verifier.pem",
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def visitors(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Visitors]:
    """One suite for all; each test has people of its own."""
    tmp_path, clock = tmp_path_factory.mktemp("suite"), Clock(NOW_MS)
    log, page_log = io.StringIO(), io.StringIO()
    async with suite_in(tmp_path, clock, log) as suite:
        shop = Shop(suite, clock, tmp_path, log, "shop")
        provider = FakeProvider(clock)
        token = (tmp_path / "tokens" / PAGE).read_text()
        addresses = {name: suite.addresses[service] for name, service in CLIENT_SERVICES.items()}
        with connect(addresses, token=token, timeout_s=10) as client:
            centre = centre_of(settings_in(tmp_path), client, page_log.write, clock, provider.ask)
            yield Visitors(shop, provider, application(centre), page_log)
        await shop.close()


async def allowed(shop: Shop, subject: str) -> dict[str, bool]:
    request = consent_pb2.GetStateRequest(subject=subject)
    answer = await shop.consent.GetState(request, metadata=shop.metadata)
    return {state.purpose: state.allowed for state in answer.purposes}


async def test_every_switch_is_in_effect_in_the_suite_when_its_page_comes_back(
    visitors: Visitors, policy: Policy
):
    """Each leaf of the tree with a switch, on and off again; what has none is rights and operate alone."""
    shop = visitors.shop
    subject = await shop.subject("anna@shop.example")
    browser = await visitors.signed_in("anna@shop.example")
    turned = set()
    for purpose in policy.leaves:
        page = await browser.get("/choices")
        before = await allowed(shop, subject)
        forms = [one for one in page.forms() if one.fields.get("purpose") == purpose]
        if not forms:
            continue
        for on in (not before[purpose], before[purpose]):
            form = page.form("/choices", purpose=purpose)
            visitors.shop.clock.now_ms += 1000  # as a person turns them, one after the other
            assert form.fields["turn"] == ("on" if on else "off")
            page = await browser.send(form)
            assert page.status == 200
            assert (await allowed(shop, subject)) == before | {purpose: on}, purpose
        turned.add(purpose)
    assert turned == set(policy.leaves) - {"rights", "operate"}


async def test_what_is_stopped_stands_still_until_it_goes_on(visitors: Visitors):
    shop = visitors.shop
    subject = await shop.subject("anna0@shop.example")
    await shop.grant(subject)
    before = await allowed(shop, subject)
    browser = await visitors.signed_in("anna0@shop.example")
    page = await browser.send((await browser.get("/choices")).form("/everything"))
    assert {one for one, on in (await allowed(shop, subject)).items() if on} == {"rights", "operate"}
    await browser.send(page.form("/everything"))
    assert await allowed(shop, subject) == before


async def test_the_download_holds_what_is_known_and_of_nobody_else(visitors: Visitors):
    shop = visitors.shop
    for value, item in (("anna1@shop.example", "tea"), ("bert1@shop.example", "cup")):
        subject = await shop.subject(value)
        await shop.grant(subject)
        await shop.track(shop.event(f"{value}-1", subject, item))
    browser = await visitors.signed_in("anna1@shop.example")
    answer = await browser.send((await browser.get("/known")).form("/download"))
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    content = json.loads(answer.text)
    items = {json.loads(one["valueJson"]).get("item_id") for one in content["values"]}
    assert "tea" in items and "cup" not in answer.text
    assert {"identities", "values", "whereFrom", "decisions"} <= set(content)


async def test_an_erasure_ends_in_a_receipt_that_verifies(visitors: Visitors):
    """Only after a tick; in effect at once; the receipt is the deployment's, and the visit is nobody's."""
    shop = visitors.shop
    subject = await shop.subject("anna2@shop.example")
    await shop.grant(subject)
    await shop.track(shop.event("e21", subject, "tea"))
    browser = await visitors.signed_in("anna2@shop.example")
    form = (await browser.get("/erase")).form("/erase")
    asked_again = await browser.send(form)
    assert "Tick" in asked_again.said()
    assert (await allowed(shop, subject))["personalise.recommend"]
    done = await browser.send(form, sure="yes")
    async with asyncio.timeout(10):
        while "/receipt" not in [one.action for one in done.forms()]:
            shop.clock.now_ms += 500  # nobody asks more often
            done = await browser.get("/erased")
    receipt = await browser.send(done.form("/receipt"))
    ring = shop.suite.process.config.keyring
    receipted = verified_receipt(receipt.text, json.dumps(keys_of(ring)))
    assert receipted.content["subjects"] and subject not in receipt.text
    assert (await browser.get("/known")).status == 403


async def test_no_stored_text_is_ever_markup(visitors: Visitors):
    """Titles, origins, declared answers, item ids and a party's texts stand on the pages as text."""
    shop = visitors.shop
    subject = await shop.subject("anna3@shop.example")
    await shop.grant(subject)
    importer = shop.metadata_of("importer")
    items = [
        recommender_pb2.Item(item_id=one, title=HOSTILE, category=HOSTILE[:100])
        for one in ("<b>1", "two", "three")
    ]
    put = recommender_pb2.UpsertItemsRequest(items=items, request_id=shop.request_id())
    await shop.recommender.UpsertItems(put, metadata=importer)
    await shop.track(shop.event("e31", subject, "<b>1"), shop.event("e32", subject, "two"))
    declared = profile_pb2.DeclareRequest(
        subject=subject,
        preferences=[
            {
                "kind": profile_pb2.TOPIC_KIND_BRAND,
                "name": HOSTILE[:120],
                "stance": profile_pb2.STANCE_LIKE,
            }
        ],
        origin="quiz",
        request_id=shop.request_id(),
    )
    await shop.engagement.Declare(declared, metadata=shop.metadata)
    browser = await visitors.signed_in("anna3@shop.example")
    seen = ""
    for path in PAGES:
        page = await browser.get(path)
        assert page.status == 200, page.text
        tree = page.tree
        assert not list(tree.iter("script")) and not list(tree.iter("img")), path
        assert "<b>1" not in page.text
        seen += page.said()
    assert seen.count('<script>alert("x")</script>') >= 3
    assert "{{1337*7919}}" in seen and "10587703" not in seen
