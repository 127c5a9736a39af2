"""Identity knows all that its ledger holds before anybody can ask it anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from consent.guard_table import GuardTable
from identity.tokens import IdentifierKind
from services.consent.rounds import AuthorityStopped
from services.deployment.config import SERVICES, SuiteConfig, load
from services.deployment.development import prepare
from services.deployment.suite import remote_links
from services.errors import Refusal
from services.identity.service import IdentityServicer
from services.key_file import Keys
from services.lag import Lags
from services.parts.identity import identity_part
from services.parts.part import Process, at_once
from services.peers import Peers
from tests.conftest import Clock
from tests.identity.desk import Desk
from tests.identity.rulebook import SHIPPED
from tests.identity.test_rules_change import LAX, Office, till_and_customers

NOW_S = 1_700_000_000


@pytest.fixture
def config(tmp_path: Path) -> SuiteConfig:
    """The desk's tenant, under keys of its own."""
    return replace(load(prepare(tmp_path, NOW_S, dict.fromkeys(SERVICES, 0))), tenant="acme")


async def passed(_seq: int) -> int:
    """A barrier that keeps nobody waiting."""
    return 1


@asynccontextmanager
async def listening(config: SuiteConfig, clock: Clock) -> AsyncIterator[IdentityServicer]:
    """What could be called of a process that starts: entered, and not ready yet."""
    peers = Peers(dict(config.listen), lambda _: "", config.tenant, clock)
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    registry = CollectorRegistry()
    process = Process(
        config,
        Keys(config.keyring_path, config.keyring),
        clock,
        lambda _: None,
        GuardTable(config.policy),
        registry,
        peers,
        ended,
        at_once,
        Lags(registry),
    )
    links = remote_links(process, "identity")
    links.barrier = passed
    async with identity_part(process, links) as part:
        servicer = part.served[0].servicer
        assert isinstance(servicer, IdentityServicer)
        yield servicer
        await part.drained()
    await peers.close()


async def test_a_link_before_it_is_ready_knows_what_people_share(config, clock):
    desk = Desk(config.folder, config.policy, SHIPPED, clock)
    desk.hold(config.keyring)
    till, one, _ = await till_and_customers(desk)
    await desk.servicer.drained()
    desk.close()
    async with listening(config, clock) as desk.servicer:
        response = await desk.send(desk.link(till, one, observed_at_ms=clock()))
    assert response.results[0].error.reason == "IDENTIFIER_SHARED"


async def test_a_link_before_it_is_ready_knows_that_rules_are_coming_into_force(config, clock):
    desk = Desk(config.folder, config.policy, SHIPPED, clock)
    desk.hold(config.keyring)
    office = Office(desk)
    await office.open()
    await till_and_customers(desk)
    one, other = await desk.subjects("one", "other", kind=IdentifierKind.COOKIE)

    async def fail(_seq: int) -> None:
        raise AuthorityStopped

    desk.at_barrier = fail
    await office.begin(LAX)
    await office.failed.wait()
    await office.change.stop()
    await desk.servicer.drained()
    desk.close()
    async with listening(config, clock) as desk.servicer:
        with pytest.raises(Refusal, match="RULES_CHANGING"):
            await desk.send(desk.link(one, other))
