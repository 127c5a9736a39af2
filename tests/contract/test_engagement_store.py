"""What every event store must do; a second engine joins by a line in ``ENGINES``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.event import Event, use_mask
from engagement.portrait import Mark, PortraitPage
from engagement.store import EventStore
from identity.ids import PARTITIONS, SubjectId, partition_of
from services.feed import Feed
from services.storage.engagement import CHANGED_EVENTS_MAX, EventTables
from tests.contract.engines import ENGINES, tables
from tests.engagement.events import DAY_MS, NOW_MS, MemoryEventStore, event, subject

PURPOSE, OTHER_PURPOSE = 5, 17
pytestmark = pytest.mark.parametrize("engine", ["memory", *ENGINES])
_MEMORY: dict[Path, MemoryEventStore] = {}


@asynccontextmanager
async def opened(engine: str, folder: Path) -> AsyncIterator[EventStore]:
    """The store kept in a folder; opening it again finds what was there."""
    if engine == "memory":
        yield _MEMORY.setdefault(folder, MemoryEventStore())
        return
    async with tables(engine, folder, "engagement") as database:
        yield EventTables(database)


@pytest.fixture
async def store(engine: str, tmp_path: Path) -> AsyncIterator[EventStore]:
    """An empty store of the engine under test."""
    async with opened(engine, tmp_path) as store:
        yield store


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """What was kept in memory ends with the test."""
    yield
    _MEMORY.clear()


async def told(store: EventStore) -> list[Event]:
    """All news from the beginning, read as a consumer reads them."""
    events: list[Event] = []
    cursor = 0
    while changes := await store.changes(cursor, 3):
        assert [change.seq for change in changes] == sorted({change.seq for change in changes})
        assert changes[0].seq > cursor
        events += [event for change in changes for event in change.events]
        cursor = changes[-1].seq
    assert cursor == await store.last_seq()
    return events


async def pages(store: EventStore, limit: int, *numbers: int, now_ms: int = NOW_MS) -> list[PortraitPage]:
    """All pages of some people, the first to the last."""
    subjects = [subject(number) for number in numbers]
    found: list[PortraitPage] = []
    mark: Mark | None = None
    while not found or mark:
        found.append(await store.portrait(subjects, PURPOSE, now_ms, limit, mark))
        mark = found[-1].following
    return found


async def test_what_was_appended_comes_back_unchanged(store: EventStore) -> None:
    """Every attribute survives, among them the least, the largest and the absent ones."""
    events = [
        event("plain"),
        event("partner", party=3, agreement="a-7", expires_at_ms=NOW_MS + 1, uses=use_mask([PURPOSE, 63])),
        event("refund", amount_minor=-(1 << 63), quantity=1_000_000, occurred_at_ms=-62_135_596_800_000),
        event("bare", amount_minor=0, currency="", order_ref="", item_id="ü𝄞"),
    ]
    appended = await store.append(events)
    assert (appended.recorded, appended.duplicates) == (4, 0)
    assert await told(store) == events
    (page,) = await pages(store, 10, 1)
    assert set(page.events) == set(events)
    assert all(type(shown.subject).__name__ == "SubjectId" for shown in page.events)


async def test_the_first_event_under_an_id_wins(store: EventStore) -> None:
    """A second event under the same id is counted and changes nothing, whatever it says."""
    await store.append([event("a", quantity=1)])
    again = await store.append(
        [event("a", quantity=9, subject=subject(2)), event("b"), event("b", quantity=9)]
    )
    assert (again.recorded, again.duplicates) == (1, 2)
    assert [e.quantity for e in await told(store)] == [1, 2]


async def test_an_append_of_nothing_new_makes_no_news(store: EventStore) -> None:
    """Neither an empty append nor one of duplicates moves the outbox."""
    first = await store.append([event("a")])
    assert first.seq == await store.last_seq() > 0
    assert (await store.append([])).seq == first.seq
    repeated = await store.append([event("a"), event("a")])
    assert (repeated.recorded, repeated.duplicates, repeated.seq) == (0, 2, first.seq)
    assert await store.changes(first.seq, 10) == []


async def test_a_new_store_is_empty(store: EventStore) -> None:
    """No events, no news, an empty last page."""
    assert await store.last_seq() == 0
    assert await store.changes(0, 10) == []
    page = await store.portrait([subject(1)], PURPOSE, NOW_MS, 10, None)
    assert page == PortraitPage((), {}, None)
    assert (await store.portrait([], PURPOSE, NOW_MS, 10, None)).total == 0


@pytest.mark.parametrize("size", [1, 2, 249, 250, 251, 1000])
async def test_a_batch_of_any_size_is_one_piece_of_news(store: EventStore, size: int) -> None:
    """All its events, in their order, under one position."""
    events = [event(str(number)) for number in range(size)]
    appended = await store.append(events)
    (change,) = await store.changes(0, 10)
    assert change.seq == appended.seq
    assert list(change.events) == events


async def test_reading_news_is_bounded_and_loses_none(store: EventStore) -> None:
    """A read stops early when its news hold many events; the next one goes on behind it."""
    for batch in range(5):
        await store.append([event(f"{batch}-{number}") for number in range(CHANGED_EVENTS_MAX // 2)])
    assert len(await told(store)) == 5 * (CHANGED_EVENTS_MAX // 2)


async def test_concurrent_appends_share_no_event_and_lose_none(store: EventStore) -> None:
    """Appends that overlap in time and in content record each id once; each has its own news."""
    batches = [[event(str(number)) for number in range(start, start + 20)] for start in range(0, 100, 10)]
    appended = await asyncio.gather(*(store.append(batch) for batch in batches))
    assert sum(one.recorded for one in appended) == 110
    assert sum(one.duplicates for one in appended) == 90
    keys = [e.event_key for e in await told(store)]
    assert len(keys) == len(set(keys)) == 110


async def test_a_page_shows_nothing_expired_and_nothing_for_other_purposes(store: EventStore) -> None:
    """Neither among the events nor in a count; an event expires at its instant, not after it."""
    await store.append(
        [
            event("open"),
            event("expires now", expires_at_ms=NOW_MS, origin="partner"),
            event("expires later", expires_at_ms=NOW_MS + 1),
            event("other purpose", uses=use_mask([OTHER_PURPOSE]), origin="survey"),
            event("no purpose", uses=0),
            event("somebody else", subject=subject(2)),
        ]
    )
    (page,) = await pages(store, 10, 1)
    assert {e.expires_at_ms for e in page.events} == {None, NOW_MS + 1}
    assert (page.total, page.by_origin) == (2, {"till": 2})
    assert (await pages(store, 10, 1, now_ms=NOW_MS + 1))[0].total == 1


async def test_the_last_purpose_of_a_mask_is_a_purpose(store: EventStore) -> None:
    """Bit 63, the sign of what a store holds, is read like every other."""
    await store.append([event("a", uses=use_mask([63])), event("b", uses=use_mask([62]))])
    page = await store.portrait([subject(1)], 63, NOW_MS, 10, None)
    assert [e.event_key for e in page.events] == [event("a").event_key]


async def test_pages_stand_still_while_events_arrive(store: EventStore) -> None:
    """Events recorded after the first page, older and newer ones, show on none of the pages."""
    first = [event(f"{n}", occurred_at_ms=NOW_MS - n // 2, subject=subject(n % 3)) for n in range(10)]
    await store.append(first)
    people = [subject(0), subject(1), subject(2)]
    shown: list[Event] = []
    mark: Mark | None = None
    for step in range(4):
        page = await store.portrait(people, PURPOSE, NOW_MS, 3, mark)
        assert page.total == 10
        shown += page.events
        mark = page.following
        assert (mark is None) == (step == 3)
        await store.append([event(f"late {step} {n}", occurred_at_ms=NOW_MS - n) for n in range(6)])
    assert len(shown) == len(set(shown)) == 10
    assert [e.occurred_at_ms for e in shown] == sorted((e.occurred_at_ms for e in first), reverse=True)


async def test_news_outlive_a_crash_between_commit_and_publication(engine: str, tmp_path: Path) -> None:
    """Reopened, the feed delivers exactly the committed events, in order, to a consumer that saw some."""
    batches = [[event(f"{batch}-{number}") for number in range(4)] for batch in range(6)]
    async with opened(engine, tmp_path) as store:
        seqs = [(await store.append(batch)).seq for batch in batches]
    async with opened(engine, tmp_path) as store:
        feed = Feed(store.changes, store.last_seq)
        seen = seqs[1]
        changes = await asyncio.wait_for(feed.after(seen), 1)
        assert [change.seq for change in changes] == seqs[2:]
        assert [list(change.events) for change in changes] == batches[2:]
        assert (await store.append([event("next")])).seq > seqs[-1]


ids = st.integers(0, 30)
batches_of_ids = st.lists(st.lists(ids, max_size=12), max_size=8)


@settings(max_examples=25, deadline=None)
@given(batches=batches_of_ids, repeats=st.lists(st.integers(0, 7), max_size=4))
def test_any_split_into_batches_with_repeats_gives_the_same_store(
    engine: str, batches: list[list[int]], repeats: list[int]
) -> None:
    """What is stored depends on the order of first appearance only; every event sent is counted once."""
    sent = batches + [batches[n] for n in repeats if n < len(batches)]
    flat = [number for batch in sent for number in batch]
    expected = [event(str(number), item_id=str(number)) for number in dict.fromkeys(flat)]

    async def scenario(folder: Path) -> None:
        async with opened(engine, folder) as store:
            recorded = duplicates = 0
            for batch in sent:
                appended = await store.append([event(str(n), item_id=str(n)) for n in batch])
                recorded += appended.recorded
                duplicates += appended.duplicates
            assert (recorded, duplicates) == (len(expected), len(flat) - len(expected))
            assert await told(store) == expected

    with TemporaryDirectory() as folder:
        asyncio.run(scenario(Path(folder)))


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 3),  # whose
            st.integers(0, 5),  # when
            st.sampled_from([None, NOW_MS, NOW_MS + 1]),
            st.sampled_from([use_mask([PURPOSE]), use_mask([OTHER_PURPOSE]), use_mask([PURPOSE, 63])]),
            st.sampled_from(["till", "web"]),
        ),
        max_size=40,
    ),
    people=st.sets(st.integers(0, 3)),
    limit=st.integers(1, 7),
)
def test_pages_are_the_readable_events_newest_first(
    engine: str, rows: list[tuple[int, int, int | None, int, str]], people: set[int], limit: int
) -> None:
    """All pages together are what a plain filter and sort of everything gives, each but the last full."""
    events = [
        event(str(n), subject=subject(who), occurred_at_ms=NOW_MS - when * DAY_MS, expires_at_ms=expires,
              uses=uses, origin=origin)
        for n, (who, when, expires, uses, origin) in enumerate(rows)
    ]  # fmt: skip
    readable = [
        e
        for e in events
        if e.subject in {subject(who) for who in people}
        and e.expires_at_ms != NOW_MS
        and e.uses != use_mask([OTHER_PURPOSE])
    ]
    recorded_at = {e.event_key: position for position, e in enumerate(events)}
    newest_first = sorted(readable, key=lambda e: (-e.occurred_at_ms, -recorded_at[e.event_key]))

    async def scenario(folder: Path) -> None:
        async with opened(engine, folder) as store:
            await store.append(events)
            found = await pages(store, limit, *people)
            assert [e for page in found for e in page.events] == newest_first
            assert all(len(page.events) == limit for page in found[:-1])
            assert {page.total for page in found} == {len(readable)}
            assert found[0].by_origin.get("web", 0) == sum(e.origin == "web" for e in readable)

    with TemporaryDirectory() as folder:
        asyncio.run(scenario(Path(folder)))


def somebody(number: int) -> SubjectId:
    """Birth subjects of all partitions, first and last ones of each included."""
    return SubjectId(bytes([number * 31 % 256]) + b"\xff" * 15)


async def partition_told(store: EventStore, partition: int) -> list[Event]:
    """All news of a partition from the beginning, read as its consumer reads them."""
    events: list[Event] = []
    cursor = 0
    while (change := await store.partition_changes(cursor, partition)).seq > cursor:
        events += change.events
        cursor = change.seq
    assert cursor == await store.last_seq()
    return events


async def test_every_event_is_told_to_its_partition_alone_and_in_order(store: EventStore) -> None:
    """Together they tell what the whole feed does."""
    for number in range(30):
        await store.append(
            [event(f"{number}.{n}", subject=somebody(number * 7 + n)) for n in range(number % 4 + 1)]
        )
    whole = await told(store)
    assert {partition_of(one.subject) for one in whole} == set(range(PARTITIONS))
    for partition in range(PARTITIONS):
        assert await partition_told(store, partition) == [
            one for one in whole if partition_of(one.subject) == partition
        ]
    assert (await store.partition_changes(30, 3)).seq == 30
    assert (await store.partition_changes((1 << 63) - 1, 3)).events == ()


async def test_a_partition_with_much_news_is_read_in_portions(store: EventStore) -> None:
    """No commit is cut, and none is left out."""
    for number in range(9):
        await store.append([event(f"{number}.{n}", subject=somebody(n % 8)) for n in range(1000)])
    events = [await partition_told(store, partition) for partition in range(PARTITIONS)]
    assert sum(map(len, events)) == 9000
