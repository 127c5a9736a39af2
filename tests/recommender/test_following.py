"""Processes over the same tables: each answers from what any of them wrote, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.catalogue import Item
from recommender.projection import ProjectedEvent
from services.errors import Unavailable
from services.recommender.following import BEAT_S, LEASE_S, MARGIN_S, Overtaken
from services.storage.followers import KEPT, Kind, OutOfReach, tell
from tests.contract.engines import ENGINES, location
from tests.recommender.events import event, subject
from tests.recommender.several import Hands, Sharing

on_both = pytest.mark.parametrize("engine", ENGINES)
TEA, CUP = Item("tea", "Tea", "food"), Item("cup", "Cup", "ware")
ME = subject(1)


@asynccontextmanager
async def sharing(engine: str, folder: Path, count: int = 2) -> AsyncIterator[list[Sharing]]:
    """Processes of their own connections over one service's tables."""
    where = location(engine, folder, "recommender")
    await where.migrate()
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(where.opened()) for _ in range(count)]
        yield [await Sharing(database, Hands()).begin() for database in opened]


@on_both
async def test_another_process_has_what_was_put_when_it_has_followed(engine: str, tmp_path: Path) -> None:
    """Items, new numbers and deletions; its index is told of each."""
    async with sharing(engine, tmp_path) as (one, other):
        await one.put(TEA, CUP)
        await one.delete("cup")
        assert other.catalogue.number("tea") is None
        await other.following.step()
        assert await other.told([]) == await one.told([])
        assert sorted(other.heard.items) == [1, 2]


@on_both
async def test_what_is_taken_from_view_is_over_when_everybody_has_followed(
    engine: str, tmp_path: Path
) -> None:
    """Before, whoever waits goes on waiting."""
    async with sharing(engine, tmp_path, 3) as (one, other, third):
        await one.put(TEA)
        await one.delete("tea")
        waiting = asyncio.create_task(one.following.follow())
        await other.following.step()
        await asyncio.wait([waiting], timeout=0.05)
        assert not waiting.done()
        await third.following.step()
        await waiting
        assert not third.catalogue.is_listed(1)


@on_both
async def test_a_revoked_entitlement_is_revoked_everywhere(engine: str, tmp_path: Path) -> None:
    """Of this subject and no other, also of one that begins with the same byte."""
    async with sharing(engine, tmp_path) as (one, other):
        await one.put(TEA)
        await one.entitle(ME, 1)
        await one.entitle(subject(2), 1)
        await other.following.step()
        assert [other.entitlements.of([who], 0) for who in (ME, subject(2))] == [(1,), (1,)]
        await one.entitle(ME, 1, withdrawn=True)
        await asyncio.gather(one.following.follow(), other.following.step())
        assert [other.entitlements.of([who], 0) for who in (ME, subject(2))] == [(), (1,)]


async def test_nothing_of_a_person_stands_in_the_news(tmp_path: Path) -> None:
    """Of a subject there is the first byte of sixteen, of one who was forgotten no more."""
    async with sharing("sqlite", tmp_path, 1) as (one,):
        await one.entitle(ME, 1)
        await one.erase(ME)
        rows = await one.database.look(lambda reader: reader.execute("SELECT about FROM news").fetchall())
        assert rows == [(ME[:1],), (ME[:1],)]


@on_both
async def test_what_another_process_forgot_is_dropped_here(engine: str, tmp_path: Path) -> None:
    """Histories, answers and lists; and what was learned has to be looked through."""
    async with sharing(engine, tmp_path) as (one, other):
        for process in (one, other):
            await process.hear(1, [event(1), event(2, who=2)])
        await one.entitle(ME, 1)
        await other.following.step()
        assert len(await other.projection.permitted([ME], 0, 0)) == 1
        news = await one.erase(ME)
        await other.following.step()
        assert (await other.told([ME]))[ME.hex()] == (await one.told([ME]))[ME.hex()]
        assert other.forgotten == news
        waiting = asyncio.create_task(one.following.unlearn(news))
        await asyncio.wait([waiting], timeout=0.05)
        assert not waiting.done()  # in memory it is gone, out of the models not yet
        other.unlearned = news
        await other.following.step()
        await waiting


@on_both
async def test_news_of_events_taken_in_by_another_process_reach_memory_here(
    engine: str, tmp_path: Path
) -> None:
    """A batch that begins among what another one has applied, and one that it has applied as a whole."""
    batch = [event(n, item_id=f"item-{n}") for n in range(1, 5)]
    async with sharing(engine, tmp_path) as (one, other):
        assert not len(await other.projection.permitted([ME], 0, 0))  # remembered: nothing
        await one.hear(3, batch[:3])
        await other.hear(2, batch[:2])
        assert len(await other.projection.permitted([ME], 0, 0)) == 3
        await other.hear(4, batch[2:])
        await one.hear(4, batch[3:])
        for process in (one, other):
            await process.following.step()
        assert await other.told([ME]) == await one.told([ME])
        assert one.projection.events_seen == other.projection.events_seen == 4


async def test_who_can_not_say_that_it_follows_answers_no_more(tmp_path: Path) -> None:
    """When its lease is over, and again as soon as it can."""
    async with sharing("sqlite", tmp_path, 1) as (one,):
        one.clock_s.now_s += LEASE_S - 0.1
        one.following.must_be_current()
        one.clock_s.now_s += 0.1
        with pytest.raises(Unavailable, match="RECOMMENDER_BEHIND"):
            one.following.must_be_current()
        await one.following.step()
        one.following.must_be_current()
        await one.following.stop()
        with pytest.raises(Unavailable):
            one.following.must_be_current()


async def test_a_process_with_nothing_to_follow_says_that_it_is_there(tmp_path: Path) -> None:
    """A poll alone is none: nobody else sees it."""
    async with sharing("sqlite", tmp_path, 1) as (one,):
        (before,) = await one.tables.everybody()
        await one.following.step()
        assert await one.tables.everybody() == [before]
        one.clock_s.now_s += BEAT_S
        await one.following.step()
        assert (await one.tables.everybody())[0].beat == before.beat + 1


async def test_who_is_silent_is_waited_for_until_it_answers_no_more(tmp_path: Path) -> None:
    """Not less, by the waiting one's clock; the silent one is overtaken when it comes back."""
    async with sharing("sqlite", tmp_path) as (one, silent):
        await one.put(TEA)
        one.clock_s.runs = True
        await one.following.follow()
        assert one.clock_s.now_s > LEASE_S + MARGIN_S
        silent.clock_s.now_s = LEASE_S
        with pytest.raises(Unavailable):
            silent.following.must_be_current()
        with pytest.raises(Overtaken):
            await silent.following.step()


async def test_who_stops_is_waited_for_no_more(tmp_path: Path) -> None:
    """No time passes."""
    async with sharing("sqlite", tmp_path) as (one, other):
        await other.following.stop()
        await one.put(TEA)
        await one.following.follow()
        assert one.clock_s.now_s == 0


async def test_who_missed_news_that_are_kept_no_more_begins_anew(tmp_path: Path) -> None:
    """It never goes on as if it had followed."""
    async with sharing("sqlite", tmp_path) as (one, other):
        await one.database.write(lambda c: [tell(c, Kind.ITEMS) for _ in range(KEPT)])
        await other.following.step()
        await one.database.write(lambda c: [tell(c, Kind.ITEMS) for _ in range(KEPT + 1)])
        with pytest.raises(OutOfReach):
            await other.following.step()


async def test_a_state_that_is_older_than_what_was_followed_is_not_put_back(tmp_path: Path) -> None:
    """A write's own answer may come after the news of a later one."""
    async with sharing("sqlite", tmp_path) as (one, other):
        changed = await one.store.upsert(one._request(), [TEA])
        await other.put(TEA._replace(title="Black tea"))
        await one.following.step()
        one.catalogue.put_as_of(changed.items, changed.news)
        assert one.catalogue.shown(1)[1] == "Black tea"


Deed = tuple[str, int, int]
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["put", "hide", "delete", "hear", "entitle", "withdraw", "erase", "step", "ask"]),
        st.integers(0, 1),
        st.integers(1, 4),
    ),
    max_size=14,
)
#: How many of the deeds go on at once.
TOGETHER = st.integers(1, 4)


@settings(max_examples=25, deadline=None)
@given(deeds=DEEDS, together=TOGETHER)
def test_in_the_end_everybody_answers_as_one_that_has_just_started(
    deeds: Sequence[Deed], together: int
) -> None:
    """Whatever was done through whichever process, one after another or at once."""
    asyncio.run(_the_same("sqlite", deeds, together))


@settings(max_examples=4, deadline=None)
@given(deeds=DEEDS, together=TOGETHER)
def test_on_postgresql_too(deeds: Sequence[Deed], together: int) -> None:
    """As above."""
    asyncio.run(_the_same("postgresql", deeds, together))


async def _the_same(engine: str, deeds: Sequence[Deed], together: int) -> None:
    feed = [event(n, n % 4 + 1, item_id=f"item-{n % 3}", origin=f"till {n % 2}") for n in range(40)]
    everybody = [subject(n) for n in range(1, 5)]
    with TemporaryDirectory() as folder:
        async with sharing(engine, Path(folder)) as processes:
            await processes[0].put(*(Item(f"item-{n}", "first") for n in (1, 2)))
            for start in range(0, len(deeds), together):
                some = deeds[start : start + together]
                await asyncio.gather(*(_do(processes[at], deed, n, feed) for deed, at, n in some))
            for process in processes:
                await process.hear(len(feed), feed[process.projection.cursor :])
            for process in processes:
                await process.following.step()
            async with processes[0].database.location.opened() as database:
                fresh = await (await Sharing(database, Hands()).begin()).told(everybody)
            for process in processes:
                assert await process.told(everybody) == fresh


async def _do(process: Sharing, deed: str, n: int, feed: Sequence[ProjectedEvent]) -> None:
    if deed in {"put", "hide"}:
        await process.put(Item(f"item-{n}", f"by {id(process)}", exclusive=deed == "hide"))
    elif deed == "delete":
        await process.delete(f"item-{n}")
    elif deed == "hear":
        at = process.projection.cursor
        await process.hear(at + n, feed[at : at + n])
    elif deed in {"entitle", "withdraw"}:
        await process.entitle(subject(n), 1, withdrawn=deed == "withdraw")
    elif deed == "erase":
        await process.erase(subject(n))
    elif deed == "ask":
        await process.told([subject(n)])
    else:
        await process.following.step()
