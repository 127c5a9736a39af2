"""Engagement is killed while it sets off and gives out: nothing is lost and nothing is given twice."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import grpc
import pytest

from tests.e2e.deciding import letter, limits
from tests.e2e.test_processes import Deployment, shop_of, until
from tests.e2e.test_triggers import ORDER, Post, subjects

PEOPLE = 40


@pytest.fixture
async def deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    deployment = Deployment(tmp_path)
    yield deployment
    for name in list(deployment.running):
        await deployment.kill(name)


async def test_killed_while_it_gives_out_everybody_gets_one_under_one_decision(
    deployment: Deployment,
) -> None:
    """What was given out before comes again under the decision it had; no place is taken twice."""
    names = ("identity", "consent", "engagement")
    await deployment.start(*names)
    await deployment.serving(*names)
    post = Post(shop_of(deployment))
    await post.declare(limits(), letter("thanks", event={"kinds": [ORDER]}))
    people = await post.known(*(f"person {number}" for number in range(PEOPLE)))
    for one in people:
        await post.did(one, ORDER, "o1")
    before: dict[str, str] = {}
    with pytest.raises(grpc.aio.AioRpcError):
        while True:
            for given in await post.due(page_size=2, wait_ms=100):
                before[given.subject] = given.decision_id
            if len(before) >= PEOPLE // 4 and "engagement" in deployment.running:
                dying = asyncio.create_task(deployment.kill("engagement"))
    await dying
    assert len(before) < PEOPLE
    later(deployment.folder / "engagement.db")
    await deployment.start("engagement")
    await deployment.serving("engagement")
    await post.shop.channels["engagement"].channel_ready()
    after: dict[str, str] = {}

    async def all_of_them() -> bool:
        after.update({given.subject: given.decision_id for given in await post.due(wait_ms=500)})
        return set(after) == set(people)

    await until(all_of_them)
    assert after.items() >= before.items()
    assert deployment.counted("engagement", "firing") == PEOPLE
    assert deployment.counted("engagement", "decision WHERE promises > 0") == PEOPLE
    assert subjects(await post.due()) == set()
    await post.shop.close()


def later(database: Path) -> None:
    """What takes minutes: claims and leases run out."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE firing SET next_at_ms = 0 WHERE next_at_ms IS NOT NULL")
        connection.commit()
