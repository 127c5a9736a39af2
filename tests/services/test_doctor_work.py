"""The doctor's look at work that is not at its end: each fault planted in a store, and its line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from identity.keyring import KeyRing
from identity.rotation import activate, begin, destroy
from services.doctor import work
from services.key_file import write_private
from services.storage import outbox
from services.storage.database import Connection
from services.storage.numbers import give
from tests.given import NOW_MS
from tests.services.doctored import deployment, lines, migrated

HOUR_MS = 3_600_000


@pytest.fixture
async def config(tmp_path):
    return await migrated(deployment(tmp_path))


async def planted(config, service: str, write: Callable[[Connection], object]) -> None:
    async with config.store(service).opened() as database:
        await database.write(write)


def feeds(config, *, running: bool, meanwhile: Callable[[], object] = lambda: None) -> list[str]:
    return lines(work.of_feeds(config, running, lambda _seconds: meanwhile()))


async def test_a_deployment_where_nothing_happened_has_nothing_half_done(config):
    found = [*feeds(config, running=True)]
    for check in (work.of_erasures, work.of_rules, work.of_keys):
        found += lines(check(config, NOW_MS))
    assert found == []


@pytest.mark.parametrize(
    ("service", "tell", "feed"),
    [
        ("identity", lambda writer: give(writer, "change", 7), "identity's graph to consent"),
        (
            "engagement",
            lambda writer: [outbox.tell(writer, number, number) for number in range(1, 8)],
            "engagement's events to the recommender",
        ),
        ("recommender", lambda writer: give(writer, "audit_batches", 7), "recommender's audit to the log"),
    ],
)
async def test_a_feed_that_does_not_move_while_the_suite_runs_is_a_fault(config, service, tell, feed):
    await planted(config, service, tell)
    (line,) = feeds(config, running=True)
    assert line.startswith(f"error   feed {feed}: 7 wait and none is taken in")
    (line,) = feeds(config, running=False)
    assert line.startswith(f"note    feed {feed}: 7 wait; they are taken in after the start")


async def test_a_feed_that_moves_is_no_fault(config):
    """It may be behind for as long as it gets on."""
    await planted(config, "identity", lambda writer: give(writer, "change", 9))
    loop = asyncio.get_running_loop()

    def moves() -> None:
        taken = planted(
            config, "consent", lambda writer: writer.execute("UPDATE authority SET graph_cursor = 1")
        )
        asyncio.run_coroutine_threadsafe(taken, loop).result()

    assert await asyncio.to_thread(feeds, config, running=True, meanwhile=moves) == []


async def test_a_store_that_is_older_than_who_follows_it_is_a_fault(config):
    """It was restored alone: what consent has taken in, identity does not know."""
    await planted(config, "consent", lambda writer: writer.execute("UPDATE authority SET graph_cursor = 5"))
    for running in (True, False):
        (line,) = feeds(config, running=running)
        assert line.startswith("error   feed identity's graph to consent: 5 was taken in, but 0 is the last")


@pytest.mark.parametrize(
    ("hours", "begins"), [(0.5, "note    erasures"), (2, "warning erasures"), (80, "error   erasures")]
)
async def test_an_erasure_that_is_open_is_told_by_its_age(config, hours, begins):
    at_ms = NOW_MS - int(hours * HOUR_MS)

    def write(writer: Connection) -> None:
        for number in (0, 1):
            writer.execute(
                "INSERT INTO erasure_run (erasure_id, suppress, requested_by, requested_at_ms, epoch)"
                " VALUES (?, 0, 'desk', ?, 1)",
                (f"{number}", at_ms + number),
            )

    await planted(config, "consent", write)
    (line,) = lines(work.of_erasures(config, NOW_MS))
    assert line.startswith(f"{begins}: 2 are open, the oldest for {hours:.1f} hours")


@pytest.mark.parametrize(("hours", "begins"), [(0, "note    rules"), (3, "warning rules")])
async def test_a_change_of_rules_that_is_half_done_is_told(config, hours, begins):
    at_ms = NOW_MS - hours * HOUR_MS
    row = "INSERT INTO rules_change VALUES (1, 2, '', '', ?, 'operator', 1)"
    await planted(config, "identity", lambda writer: writer.execute(row, (at_ms,)))
    (line,) = lines(work.of_rules(config, NOW_MS))
    assert line.startswith(f"{begins}: a change of them is half done since {hours:.1f} hours")


async def test_links_that_wait_are_counted(config):
    row = "INSERT INTO pending VALUES (1, 1)"
    await planted(config, "identity", lambda writer: writer.execute(row))
    assert lines(work.of_rules(config, NOW_MS)) == [
        "note    links: 1 wait until every guard table has them -> consent must run"
    ]


def with_ring(config, change: Callable[[KeyRing], KeyRing]):
    write_private(config.keyring_path, change(config.keyring).to_json())
    from services.deployment.config import load

    return load(config.folder / "suite.toml")


def begun(ring: KeyRing) -> KeyRing:
    return begin(ring, "identifier", bytes(range(32)), NOW_MS)


def rotated(ring: KeyRing) -> KeyRing:
    return activate(begun(ring), "identifier")


async def identifier_under(config, version: int) -> None:
    row = "INSERT INTO identifier (token_iv, token_text, subject, kind, created_at_ms) VALUES (?, ?, ?, 1, 0)"
    values = (bytes([version]) + bytes(16), bytes(32), bytes(16))
    await planted(config, "identity", lambda writer: writer.execute(row, values))


async def test_a_rotation_that_was_cut_off_is_told(config):
    (line,) = lines(work.of_keys(with_ring(config, begun), NOW_MS))
    assert line == (
        "warning key identifier v2: its rotation was cut off -> ask again: keys rotate identifier"
    )


async def test_identifiers_that_no_key_opens_are_a_fault(config):
    """Identity does not start, and nothing in its own log can say where the ring is."""
    await identifier_under(config, 1)
    lost = with_ring(config, lambda ring: destroy(rotated(ring), "identifier", 1, NOW_MS))
    (line,) = lines(work.of_keys(lost, NOW_MS))
    assert line.startswith(
        "error   key identifier v1: 1 identifiers are kept under it, and the ring has it no"
    )


@pytest.mark.parametrize(("days", "begins"), [(0, "note   "), (2, "warning")])
async def test_sealing_anew_that_does_not_end_is_told(config, days, begins):
    await identifier_under(config, 1)
    (line,) = lines(work.of_keys(with_ring(config, rotated), NOW_MS + days * 24 * HOUR_MS + 1))
    assert line.startswith(f"{begins} key identifier v1: 1 identifiers are still to be sealed anew")


async def test_a_version_that_nothing_needs_may_be_destroyed(config):
    (line,) = lines(work.of_keys(with_ring(config, rotated), NOW_MS))
    assert line == ("note    key identifier v1: nothing is kept under it -> keys destroy identifier 1")
