"""A disk without room refuses and forgets nothing: SQLite's own limit of pages stands for the disk."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from services.deployment.suite import Suite
from tests.e2e.conftest import Shop, suite_in
from tests.e2e.test_processes import until
from tests.services.conftest import reason_of

_PAGES_MOST = 1 << 30
_REFUSED = {"STORE_UNAVAILABLE", "AUDIT_UNAVAILABLE"}


@contextmanager
def without_room(suite: Suite, *names: str) -> Iterator[None]:
    """The files of some services may not grow by a page while the block runs."""
    writers = [suite.parts[name].database._writer for name in names]
    for writer in writers:
        writer.execute("PRAGMA max_page_count=1")  # SQLite takes it for as many as there are
    try:
        yield
    finally:
        for writer in writers:
            writer.execute(f"PRAGMA max_page_count={_PAGES_MOST}")


@pytest.fixture
async def shop(tmp_path, clock):
    log = io.StringIO()
    async with suite_in(tmp_path, clock, log) as suite:
        caller = Shop(suite, clock, tmp_path, log, "shop")
        yield caller
        await caller.close()


async def test_what_was_acknowledged_before_the_disk_was_full_is_all_there_is(shop):
    """Events are taken until there is no room; then none is, and then all again."""
    one = await shop.subject("one")
    await shop.grant(one)
    acknowledged = 0
    with without_room(shop.suite, "engagement"):
        for number in range(2_000):
            try:
                await shop.track(shop.event(f"{number}", one, "tea"))
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE
                assert reason_of(error) in _REFUSED
                break
            acknowledged += 1
        else:
            pytest.fail("there was room for everything")
    assert (await shop.portrait(one)).total_events == acknowledged
    await shop.track(shop.event(f"{acknowledged}", one, "tea"))
    assert (await shop.portrait(one)).total_events == acknowledged + 1


async def test_a_withdrawal_there_is_no_room_for_is_refused_and_asked_again_it_is_one(shop):
    """It is not in effect, and nobody was told so; records of other calls wait for room as well."""
    people = [await shop.subject(f"{number}@example.org") for number in range(60)]
    for person in people:
        await shop.grant(person)
    withdrawn = 0
    with without_room(shop.suite, "consent"):
        for person in people:
            try:
                await shop.withdraw(person)
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE
                assert reason_of(error) in _REFUSED
                break
            withdrawn += 1
        else:
            pytest.fail("there was room for everything")
    for person in people[:withdrawn]:
        assert not await permits(shop, person)
    await until(lambda: permits(shop, people[withdrawn]))
    await shop.withdraw(people[withdrawn])
    assert not await permits(shop, people[withdrawn])


async def permits(shop: Shop, person: str) -> bool:
    """Whether somebody may be read."""
    try:
        await shop.portrait(person)
    except grpc.aio.AioRpcError as error:
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        return False
    return True
