"""A deployment that has NATS does what it does without, also while NATS is away."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from identity.ids import PARTITIONS
from services.deployment.config import SERVICES, ConfigError
from services.storage.sqlite import SqliteFile
from tests.conftest import Clock
from tests.e2e.conftest import Shop, configured, quartet_in, suite_in
from tests.nats_server import NatsServer, running
from tests.services.stream_world import until


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    with running(tmp_path) as server:
        yield server


@pytest.fixture(params=[suite_in, quartet_in], ids=["one process", "four processes"])
async def shop(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock, nats: NatsServer
) -> AsyncIterator[Shop]:
    log = io.StringIO()
    async with request.param(tmp_path, clock, log, f'\n[nats]\nurl = "{nats.url}"\n') as suite:
        caller = Shop(suite, clock, tmp_path, log, "shop")
        yield caller
        await caller.close()


def learned(shop: Shop) -> int:
    """How many events the recommender holds."""
    location = SqliteFile(shop.folder / "recommender.db", "recommender")
    return location.read(lambda reader: reader.execute("SELECT count(*) FROM event").fetchone()[0])


async def test_what_is_tracked_reaches_the_recommender_also_what_was_while_nats_was_away(shop, nats):
    """Nobody who tracks waits for NATS."""
    people = [await shop.subject(f"{number}@example.org") for number in range(12)]
    for person in people:
        await shop.grant(person)
    await shop.track(*(shop.event(f"a{n}", person, "tea") for n, person in enumerate(people)))
    await until(lambda: learned(shop) == 12)
    assert "NATS" not in shop.log.getvalue()
    nats.kill()
    await shop.track(*(shop.event(f"b{n}", person, "cup") for n, person in enumerate(people)))
    await until(lambda: "engagement waits for NATS" in shop.log.getvalue())
    nats.start()
    await until(lambda: learned(shop) == 24)
    await shop.track(*(shop.event(f"c{n}", person, "pot") for n, person in enumerate(people)))
    await until(lambda: learned(shop) == 36)
    await until(lambda: "the recommender has NATS again" in shop.log.getvalue())
    told = generate_latest(shop.suite.registry).decode()
    assert 'veilgraph_feed_lag{feed="announcements",partition=""}' in told


async def test_every_feed_has_a_lag_among_the_metrics(tmp_path, clock, nats):
    """With NATS a partition each; without it events are one feed; the others are what they were."""
    names = ["graph", "audit.identity", "audit.consent", "audit.engagement", "audit.recommender"]
    lines = [f'veilgraph_feed_lag{{feed="{name}",partition=""}}' for name in names]
    async with suite_in(tmp_path / "plain", clock, io.StringIO()) as suite:
        told = generate_latest(suite.registry).decode()
        for line in [*lines, 'veilgraph_feed_lag{feed="events",partition=""} 0.0']:
            assert line in told
    more = f'\n[nats]\nurl = "{nats.url}"\n'
    async with suite_in(tmp_path / "stream", clock, io.StringIO(), more) as suite:
        told = generate_latest(suite.registry).decode()
        partitions = [f'veilgraph_feed_lag{{feed="events",partition="{n}"}} 0.0' for n in range(PARTITIONS)]
        for line in [*lines, *partitions]:
            assert line in told


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ('url = "nats://10.1.2.3:4222"', "nats.url: beyond loopback"),
        (
            'url = "tls://nats.example:4222"\ncredentials = "nowhere"',
            "nats.credentials: there is no such file",
        ),
        ('url = "nats://127.0.0.1:4222"\npassword = "x"', "nats: unknown keys"),
        ("", "url: a text is needed"),
    ],
)
def test_a_configuration_that_says_nonsense_of_nats_is_refused(section, says, tmp_path):
    with pytest.raises(ConfigError, match=says):
        configured(tmp_path, dict.fromkeys(SERVICES, 0), f"\n[nats]\n{section}\n")
