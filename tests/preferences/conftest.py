"""The page over a made-up suite, its clock in the test's hand."""

from __future__ import annotations

import io
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import CollectorRegistry, generate_latest

from consent.policy import Policy
from services.preferences.answering import Centre
from services.preferences.application import application
from services.preferences.desk import Desk
from services.preferences.language import load_languages
from services.preferences.metrics import PageMetrics
from services.preferences.pacing import Pace
from services.preferences.proofs import Attester
from services.preferences.provider import CALLBACK, Client, Provider
from services.preferences.sealing import Sealer
from services.preferences.session import Visits
from services.preferences.view import View
from tests.conftest import Clock
from tests.preferences.browsing import ORIGIN, Answer, Browser
from tests.preferences.fake_provider import CLIENT_ID, ISSUER, SECRET, FakeProvider
from tests.preferences.fake_suite import FakeSuite

KEY = bytes(range(64))
#: Made once: both are read from files, and change nothing.
LANGUAGES, VIEW = load_languages(), View("Corner & Co")
SIGNER = ec.generate_private_key(ec.SECP256R1())


class World:
    """The page, a provider and a suite, all in one process."""

    def __init__(self, clock: Clock, policy: Policy) -> None:
        self.clock = clock
        self.suite = FakeSuite(policy)
        self.provider = FakeProvider(clock)
        self.log = io.StringIO()
        self.registry = CollectorRegistry()
        self.counted = PageMetrics(self.registry)
        self.app = self.page()

    def page(self) -> Any:
        """A process of the page; another one has the same keys and remembers nothing."""
        visits = Visits(Sealer([KEY]), self.clock)
        client = Client(ISSUER, CLIENT_ID, SECRET, ORIGIN + CALLBACK, "openid email")
        attester = Attester(SIGNER, "https://page", "page", "sign_in")
        self.visits = visits
        return application(
            Centre(
                desk=Desk(self.suite.client, attester, self.clock),
                provider=Provider(client, self.provider.ask, lambda: visits.now_s),
                visits=visits,
                pace=Pace(self.clock),
                view=VIEW,
                languages=LANGUAGES,
                origin=ORIGIN,
                identifier="email",
                caller="page",
                log=self.log.write,
            ),
            self.counted,
        )

    def metrics(self) -> str:
        """What a scrape of it says."""
        return generate_latest(self.registry).decode()

    async def begun(self, browser: Browser) -> str:
        """Where the browser is sent to sign in."""
        return (await browser.get("/sign-in", follow=False)).headers["location"]

    async def returned(self, browser: Browser, back: dict[str, str]) -> Answer:
        from urllib.parse import urlencode

        return await browser.get(f"/signed-in?{urlencode(back)}")

    async def signed_in(self, email: str = "anna@shop.example", language: str = "en") -> Browser:
        browser = Browser(self.app, language)
        answer = await self.returned(browser, self.provider.comes_back(await self.begun(browser), email))
        assert answer.status == 200, answer.text
        return browser


@pytest.fixture
def world(clock: Clock, policy: Policy) -> World:
    return World(clock, policy)
