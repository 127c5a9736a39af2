"""Several processes of engagement serve at once, and are one service to whoever asks any of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import Clock
from tests.e2e.shared import Twins, twins_in


@pytest.fixture
async def twins(tmp_path: Path, clock: Clock) -> AsyncIterator[Twins]:
    async with twins_in(tmp_path, clock) as twins:
        yield twins


async def test_what_one_acknowledged_the_other_shows(twins: Twins) -> None:
    """At once, and once: the same event reported through both at the same time is one event."""
    a, b = twins.shop("A"), twins.shop("B")
    anna = await a.subject("anna@shop.example")
    await a.grant(anna)
    for number in range(5):
        await a.track(a.event(f"a{number}", anna, "tea"))
        assert (await b.portrait(anna)).total_events == number + 1
    same = [a.event(f"same{number}", anna, "cup") for number in range(20)]
    answers = await asyncio.gather(*(shop.track(event) for event in same for shop in (a, b)))
    assert sum(answer.recorded for answer in answers) == 20
    assert sum(answer.duplicates for answer in answers) == 20
    assert (await a.portrait(anna)).total_events == (await b.portrait(anna)).total_events == 25
