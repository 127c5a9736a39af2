"""What every recommender store must do; a second engine joins by a line in ``ENGINES``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from recommender.catalogue import Catalogue, Item
from recommender.declared import DeclaredAnswer, DeclaredBy
from recommender.errors import RequestIdReused, UnknownItem
from recommender.events import Kind
from recommender.projection import RecommenderProjection
from recommender.store import RecommenderStore, WriteRequest
from services.storage.recommender import REQUESTS_KEPT_MS, RecommenderTables
from tests.contract.engines import ENGINES, tables
from tests.recommender.events import EVERY_USE, NOW_MS, TODAY, event, subject

pytestmark = pytest.mark.parametrize("engine", ENGINES)
TEA = Item("tea", "Tea", "food", "Own")
CUP = Item("cup", "Cup", "ware", "")


@asynccontextmanager
async def opened(engine: str, folder: Path) -> AsyncIterator[RecommenderStore]:
    """The store kept in a folder; opening it again finds what was there."""
    async with tables(engine, folder, "recommender") as database:
        yield RecommenderTables(database)


@pytest.fixture
async def store(engine: str, tmp_path: Path) -> AsyncIterator[RecommenderStore]:
    """An empty store of the engine under test."""
    async with opened(engine, tmp_path) as store:
        yield store


def request(key: str = "r1", digest: bytes = b"d", now_ms: int = NOW_MS) -> WriteRequest:
    """A write request."""
    return WriteRequest(key, digest, now_ms)


async def test_an_item_is_found_as_it_was_put(store: RecommenderStore) -> None:
    """With every text, and a number that is not 0."""
    changed = await store.upsert(request(), [TEA, CUP])
    assert changed.count == 2
    assert {(item.item_id, item.title, item.category, item.listed) for item in changed.items} == {
        ("tea", "Tea", "food", True),
        ("cup", "Cup", "ware", True),
    }
    assert all(item.number > 0 for item in changed.items)
    assert await store.item("tea") == TEA._replace(since_day=NOW_MS // 86_400_000)


async def test_the_later_of_two_with_one_id_counts(store: RecommenderStore) -> None:
    """In one request, and over requests; the number stays."""
    first = await store.upsert(request(), [TEA, TEA._replace(title="Black tea")])
    assert first.count == 1
    assert (await store.item("tea")).title == "Black tea"
    again = await store.upsert(request("r2"), [TEA])
    assert (await store.item("tea")).title == "Tea"
    assert again.items[0].number == first.items[0].number


async def test_a_deleted_item_is_unknown_and_its_texts_are_gone(store: RecommenderStore) -> None:
    """Deleting counts what was there; the number is kept for the events."""
    await store.upsert(request(), [TEA])
    changed = await store.delete(request("r2"), ["tea", "tea", "nothing"])
    assert changed.count == 1
    assert [(item.item_id, item.title, item.listed) for item in changed.items] == [("tea", "", False)]
    with pytest.raises(UnknownItem):
        await store.item("tea")


async def test_a_repeated_request_does_nothing_and_gets_its_answer(store: RecommenderStore) -> None:
    """An upsert that comes again after a deletion does not bring the item back."""
    await store.upsert(request("put"), [TEA])
    await store.delete(request("gone"), ["tea"])
    assert (await store.upsert(request("put"), [TEA])).count == 1
    assert (await store.delete(request("gone"), ["tea"])).count == 1
    with pytest.raises(UnknownItem):
        await store.item("tea")


async def test_a_request_id_used_for_something_else_is_refused(store: RecommenderStore) -> None:
    """And nothing is changed."""
    await store.upsert(request("r", b"one"), [TEA])
    with pytest.raises(RequestIdReused):
        await store.upsert(request("r", b"other"), [CUP])
    with pytest.raises(UnknownItem):
        await store.item("cup")


async def test_a_request_is_remembered_for_a_day(store: RecommenderStore) -> None:
    """Afterwards its id is free again."""
    await store.upsert(request("r", b"one"), [TEA])
    later = NOW_MS + REQUESTS_KEPT_MS + 1
    await store.upsert(request("other", b"x", later), [CUP])
    assert (await store.upsert(request("r", b"new", later), [CUP])).count == 1


async def test_events_are_kept_once(store: RecommenderStore) -> None:
    """The same key of the same subject again changes nothing, within and over applications."""
    assert (await store.apply(1, [event(1), event(2), event(1)])).recorded == 2
    again = await store.apply(2, [event(2, quantity=9), event(3)])
    assert (again.recorded, again.events_seen) == (1, 3)
    assert (await store.history(subject(1))).quantity.tolist() == [1, 1, 1]


async def test_an_event_keeps_what_a_question_needs(store: RecommenderStore) -> None:
    """Item, day, kind, quantity, end and where it is from."""
    told = event(1, day=TODAY - 9, kind=Kind.REFUND, quantity=4, origin="web", party=3, expires_at_ms=NOW_MS)
    applied = await store.apply(1, [told])
    assert applied.provenances is not None
    history = await store.history(subject(1))
    (number,) = [item.number for item in applied.items]
    assert history.columns[:4, 0].tolist() == [number, TODAY - 9, Kind.REFUND, 4]
    assert applied.provenances[history.provenance[0]] == (3, "web", EVERY_USE)
    assert history.expires_at_ms is not None
    assert history.expires_at_ms.tolist() == [NOW_MS]


async def test_the_sign_bit_is_a_use_like_any_other(store: RecommenderStore) -> None:
    """Masks are 64 bits wide."""
    applied = await store.apply(1, [event(1, uses=-(1 << 63))])
    assert applied.provenances is not None
    assert applied.provenances[1].uses >> 63 & 1


async def test_a_day_before_1970_is_kept_as_the_first(store: RecommenderStore) -> None:
    """Nothing of it can be said in days since then."""
    await store.apply(1, [event(1, day=-400)])
    assert (await store.history(subject(1))).day.tolist() == [0]


async def test_an_item_of_an_event_gets_a_number_and_is_not_listed(store: RecommenderStore) -> None:
    """It keeps its number when it is put into the catalogue."""
    applied = await store.apply(1, [event(1)])
    assert [(item.item_id, item.listed) for item in applied.items] == [("tea", False)]
    changed = await store.upsert(request(), [TEA])
    assert changed.items[0].number == applied.items[0].number
    assert (await store.apply(2, [event(2)])).items == []


async def test_what_was_applied_is_there_after_a_restart(engine: str, tmp_path: Path) -> None:
    """Events, cursor, count, items and provenances; the projection keeps its name."""
    async with opened(engine, tmp_path) as store:
        before = await store.load()
        await store.upsert(request(), [CUP])
        await store.apply(7, [event(1), event(2, who=2, origin="web")])
    async with opened(engine, tmp_path) as store:
        loaded = await store.load()
        assert (loaded.projection, loaded.cursor, loaded.events_seen) == (before.projection, 7, 2)
        assert {(item.item_id, item.listed) for item in loaded.items} == {("cup", True), ("tea", False)}
        assert {provenance.origin for provenance in loaded.provenances} == {"", "till", "web"}
        assert len(await store.history(subject(2))) == 1


async def test_an_application_that_fails_leaves_nothing(store: RecommenderStore) -> None:
    """Neither its events nor its cursor, its items nor its subjects."""
    broken = event(2, item_id="other", quantity=1 << 70)
    with pytest.raises((OverflowError, asyncpg.DataError)):
        await store.apply(9, [event(1), broken])
    loaded = await store.load()
    assert (loaded.cursor, loaded.events_seen, loaded.items) == (0, 0, [])
    assert not len(await store.history(subject(1)))


async def test_a_cursor_never_goes_back(store: RecommenderStore) -> None:
    """News that come again are older than what is applied."""
    await store.apply(9, [event(1)])
    await store.apply(4, [event(1)])
    assert (await store.load()).cursor == 9


async def test_an_erased_subject_has_nothing(store: RecommenderStore) -> None:
    """Others keep theirs; a subject that comes back begins anew under another number."""
    await store.apply(1, [event(1), event(2, who=2), event(3, who=2)])
    numbers = await store.subject_numbers([subject(1), subject(2), subject(3)])
    assert await store.erase([subject(2), subject(3)]) == 2
    assert not len(await store.history(subject(2)))
    assert len(await store.history(subject(1))) == 1
    await store.apply(2, [event(4, who=3)])
    after = await store.subject_numbers([subject(1), subject(2), subject(3)])
    assert (numbers[2], after[1]) == (0, 0)
    assert after[0] == numbers[0]
    assert after[2] not in numbers


async def test_a_question_sees_what_was_applied_before_it(store: RecommenderStore) -> None:
    """A cached history does not outlive its subject's next event."""
    catalogue = Catalogue()
    projection = RecommenderProjection(store, catalogue, await store.load(), history_bytes_max=1 << 20)
    await projection.apply(1, [event(1)])
    assert len(await projection.permitted([subject(1)], 0, NOW_MS)) == 1
    await projection.apply(2, [event(2), event(3, who=2, uses=0)])
    assert len(await projection.permitted([subject(1), subject(2)], 0, NOW_MS)) == 2
    assert (projection.cursor, projection.events_seen) == (2, 3)
    assert catalogue.number("tea") is not None
    assert await store.erase([subject(1)]) == 2
    projection.forget([subject(1)])
    assert not len(await projection.permitted([subject(1)], 0, NOW_MS))


async def test_a_provenance_that_is_newer_than_memory_is_looked_up(store: RecommenderStore) -> None:
    """Another application may have committed it between a question's two steps."""
    projection = RecommenderProjection(store, Catalogue(), await store.load(), history_bytes_max=1 << 20)
    await store.apply(1, [event(1, origin="web")])
    history = await projection.permitted([subject(1)], 0, NOW_MS)
    assert projection.provenance(int(history.provenance[0])) == (2, "web")


def declares(who: int, *names: str) -> DeclaredBy:
    """Somebody who likes some categories."""
    return DeclaredBy(
        subject(who), tuple(DeclaredAnswer(1, name, 2, TODAY, EVERY_USE, "quiz", 7) for name in sorted(names))
    )


async def test_what_somebody_declares_takes_the_place_of_all_before(store: RecommenderStore) -> None:
    """News told again, or nothing declared any more, included; others keep theirs."""
    first = declares(1, "tea", "cups")
    await store.apply(1, [], [first, declares(2, "books")])
    assert await store.declared(subject(1)) == list(first.answers)
    await store.apply(2, [event(1)], [declares(1, "tea"), declares(1, "pots")])
    assert await store.declared(subject(1)) == list(declares(1, "pots").answers)
    assert (await store.load()).cursor == 2
    await store.apply(3, [], [declares(1)])
    assert await store.declared(subject(1)) == []
    assert await store.declared(subject(2)) == list(declares(2, "books").answers)


async def test_with_the_events_of_somebody_go_their_answers(store: RecommenderStore) -> None:
    """Also of one who did nothing but declare something."""
    await store.apply(1, [event(1)], [declares(1, "tea"), declares(2, "tea"), declares(3, "tea")])
    assert await store.erase([subject(1), subject(2)]) == 1
    assert [await store.declared(subject(n)) for n in (1, 2)] == [[], []]
    assert await store.declared(subject(3))


async def test_each_partition_has_a_cursor_of_its_own(engine: str, tmp_path: Path) -> None:
    """Who reads all as one reads on from the least; an application of everybody's news moves them all."""
    async with opened(engine, tmp_path) as store:
        await store.apply(4, [event(1)])
        await store.apply(9, [event(2)], partition=3)
        await store.apply(6, [], partition=0)
    async with opened(engine, tmp_path) as store:
        loaded = await store.load()
        assert loaded.cursors == (6, 4, 4, 9, 4, 4, 4, 4)
        assert loaded.cursor == 4
        await store.apply(7, [event(3)])
        assert (await store.load()).cursors == (7, 7, 7, 9, 7, 7, 7, 7)


async def test_what_another_reader_of_the_same_tables_took_in_is_not_written_again(
    store: RecommenderStore,
) -> None:
    """An answer that was read earlier does not take the place of a later one; items are learned of."""
    await store.apply(5, [event(1)], [declares(1, "tea")], partition=0)
    late = await store.apply(5, [event(1), event(2)], [declares(1, "pots")], partition=0)
    assert (late.recorded, late.events_seen) == (0, 1)
    assert [item.item_id for item in late.items] == ["tea"]
    assert await store.declared(subject(1)) == list(declares(1, "tea").answers)


async def test_partitions_are_taken_in_side_by_side(store: RecommenderStore) -> None:
    """What one of them learned last, memory holds."""
    projection = RecommenderProjection(store, Catalogue(), await store.load(), history_bytes_max=1 << 20)
    await asyncio.gather(
        *(projection.apply(n, [event(n, who=n, origin=f"till {n}")], partition=n % 8) for n in range(1, 25))
    )
    assert projection.events_seen == 24
    assert projection.cursor == 17
    for n in range(1, 25):
        history = await projection.permitted([subject(n)], 0, NOW_MS)
        assert projection.provenance(int(history.provenance[0])) == (2, f"till {n}")
