"""Several processes of engagement serve at once, and are one service to whoever asks any of them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consent.auditlog.file import Row, read_line
from consent.auditlog.leaf import Leaf
from services.audit.files import export, keys_of, verify_file
from services.engagement.event_feed import remote_events
from services.feed import Consumer
from services.remote_feed import Patience
from services.remote_stores import RemoteStore
from services.stores import Phase
from tests.conftest import Clock
from tests.e2e.shared import Twins, twins_in
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.privacy.v1 import privacy_pb2


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


async def test_pages_begun_at_one_go_on_at_the_other(twins: Twins) -> None:
    """A page's token says all that the next page needs; nothing is kept where it was made."""
    a, b = twins.shop("A"), twins.shop("B")
    anna = await a.subject("anna@shop.example")
    await a.grant(anna)
    await a.track(*(a.event(f"e{number}", anna, f"item-{number}") for number in range(7)))
    token, seen = "", []
    for shop in (a, b, a, b):
        request = profile_pb2.PortraitRequest(
            subject=anna,
            for_purpose=privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND,
            page_size=2,
            page_token=token,
        )
        page = await shop.engagement.Portrait(request, metadata=shop.metadata)
        seen += [event.item_id for event in page.events]
        token = page.next_page_token
    assert sorted(seen) == [f"item-{number}" for number in range(7)]
    assert not token


async def test_who_follows_one_is_told_what_the_other_recorded(twins: Twins) -> None:
    """In the order of the commits, and once: a recommender does not ask who wrote what."""
    a, b = twins.shop("A"), twins.shop("B")
    anna = await a.subject("anna@shop.example")
    await a.grant(anna)
    told: list[tuple[int, int]] = []

    async def take_in(changes) -> None:
        told.extend((change.seq, len(change.events)) for change in changes)

    feed = remote_events(twins.peers_to("A"), Patience("a test", "engagement", io.StringIO().write))
    consumer = Consumer(feed, 0, take_in)
    consumer.start()
    for number in range(10):
        for shop, name in ((a, "a"), (b, "b")):
            await shop.track(shop.event(f"{name}{number}", anna, "tea"))
    async with asyncio.timeout(20):
        await consumer.caught_up(20)
    await consumer.stop()
    assert told == [(seq, 1) for seq in range(1, 21)]


async def test_what_both_recorded_of_calls_is_sealed_in_one_log_without_a_gap(twins: Twins) -> None:
    """Each counts for itself; consent collects from one of them, and has the records of both."""
    a, b = twins.shop("A"), twins.shop("B")
    anna = await a.subject("anna@shop.example")
    await a.grant(anna)
    for number in range(10):
        for shop, name in ((a, "a"), (b, "b")):
            await shop.track(shop.event(f"{name}{number}", anna, "tea"))
            await shop.portrait(anna)
    async with asyncio.timeout(20):
        while True:
            lines = await asyncio.to_thread(exported, twins)
            of_engagement = [leaf for leaf in leaves(lines) if "/veilgraph.engagement" in leaf.method]
            if len(of_engagement) >= 40:
                break
            await asyncio.sleep(0.1)
    assert verify_file(lines, keys_of(twins.config.keyring), []).findings == []
    processes = {leaf.process for leaf in of_engagement}
    assert len(processes) == 2
    for process in processes:
        numbers = [leaf.number for leaf in leaves(lines) if leaf.process == process]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
        assert sum(leaf.process == process for leaf in of_engagement) == 20


async def test_one_has_the_duties_and_another_when_it_ends(twins: Twins) -> None:
    """What is due goes once; whoever has no duties serves all the same."""
    has = "engagement has the duties here\n"
    holder, other = ("A", "B") if has in twins.running["A"].log.getvalue() else ("B", "A")
    assert has in twins.running[holder].log.getvalue()
    assert has not in twins.running[other].log.getvalue()
    await twins.running.pop(holder).end()
    async with asyncio.timeout(20):
        while has not in twins.running[other].log.getvalue():  # noqa: ASYNC110 - a log
            await asyncio.sleep(0.02)
    shop = twins.shop(other)
    anna = await shop.subject("anna@shop.example")
    await shop.grant(anna)
    assert (await shop.track(shop.event("1", anna, "tea"))).recorded == 1


async def test_who_was_erased_through_one_is_gone_in_the_other(twins: Twins) -> None:
    """Nothing is read of them there, and what is reported of them afterwards is not taken in."""
    a, b = twins.shop("A"), twins.shop("B")
    anna = await a.subject("anna@shop.example")
    await a.grant(anna)
    await b.track(b.event("1", anna, "tea"))
    assert (await b.portrait(anna)).total_events == 1
    (born,) = twins.running["others"].suite.guard.subjects()
    erased = await RemoteStore("engagement", twins.peers_to("A")).erase([born], "e1", Phase.DATA)
    assert erased.counts == {"event": 1}
    assert (await b.portrait(anna)).total_events == 0
    assert (await b.track(b.event("2", anna, "tea"))).recorded == 0
    assert (await b.portrait(anna)).total_events == 0


def exported(twins: Twins) -> list[str]:
    """The sealed log as a file; for a thread."""
    out = io.StringIO()
    export(twins.config.store("consent"), twins.config.tenant, out)
    return out.getvalue().splitlines()


def leaves(lines: list[str]) -> list[Leaf]:
    rows = (read_line(number, line) for number, line in enumerate(lines))
    return [row.leaf for row in rows if isinstance(row, Row) and row.leaf is not None]
