"""Two processes of engagement on one database: what is due goes out of either, once."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import count
from pathlib import Path

from tests.conftest import Clock
from tests.e2e.deciding import letter, limits
from tests.e2e.shared import twins_in
from tests.e2e.test_triggers import ORDER, Post, subjects


async def test_two_mailers_at_two_processes_send_everybody_one(tmp_path: Path, clock: Clock) -> None:
    """One person has two identifiers; when the process with the duty ends, the other has it."""
    async with twins_in(tmp_path, clock) as twins:
        a, b = Post(twins.shop("A")), Post(twins.shop("B"))
        b.shop.request_id = partial(next, map("b-{}".format, count(1)))  # type: ignore[method-assign]
        await a.declare(limits(), letter("thanks", event={"kinds": [ORDER]}))
        people = await a.known("ann", "ben", "cat", "dan")
        web, phone = await a.known("web", "phone")
        await a.shop.link(web, phone)
        for number, one in enumerate([*people, web, phone]):
            await (a, b)[number % 2].did(one, ORDER, "o1")
        each: list[str] = []
        async with asyncio.timeout(20):
            while len(each) < 5:
                for some in await asyncio.gather(a.due(wait_ms=300), b.due(wait_ms=300)):
                    each += [one.subject for one in some]
        assert not await a.due(wait_ms=300)
        assert set(people) < set(each)
        assert len(each) == 5
        await twins.running["A"].end()
        await b.did(people[0], ORDER, "o2")
        async with asyncio.timeout(10):
            while not (due := await b.due(wait_ms=1000)):
                pass
        assert subjects(due) == {people[0]}
