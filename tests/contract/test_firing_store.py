"""What every store of firings must do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engagement.attributes import Attribute, Value
from engagement.event import EventKind, Party, use_mask
from engagement.firing import DAY_MS, Firing
from engagement.release import Dropped, State
from services.storage import firing_walk
from services.storage.attributes import AttributeTables
from services.storage.database import Database
from services.storage.engagement import EventTables
from services.storage.firing_walk import AROUND, Act, Walk, WalkTables, Wanted, beyond
from services.storage.firings import FiringTables, Lease, Row, reported
from services.storage.tombstones import bury
from tests.contract.engines import ENGINES, tables
from tests.engagement.events import NOW_MS, event, subject

pytestmark = pytest.mark.parametrize("engine", ENGINES)
ME, OTHER = subject(1), subject(2)
DECISION = bytes(range(16))
#: Stands for what a human was shown.
SHOWN = bytes(range(16, 32))
LEASE = Lease(DECISION, NOW_MS, NOW_MS + 60_000)
CLAIM_MS = 5_000


@dataclass
class World:
    """The tables and what a test does with them."""

    database: Database
    firings: FiringTables
    walks: WalkTables

    async def set_off(self, *firings: Firing) -> int:
        return await self.walks.follow(firings, 0, NOW_MS)

    async def claimed(self, now_ms: int = NOW_MS, limit: int = 10, *plays: str) -> list[Row]:
        return await self.firings.claim(plays or ("p",), now_ms, now_ms + CLAIM_MS, limit)

    async def of(self, *subjects: Any) -> list[tuple[State, int | None]]:
        rows = await self.firings.siblings("p", subjects or (ME,))
        return [(row.state, row.next_at_ms) for row in sorted(rows, key=lambda row: row.firing)]


@pytest.fixture
async def world(engine: str, tmp_path: Path) -> AsyncIterator[World]:
    """Empty tables of the engine under test."""
    async with tables(engine, tmp_path, "engagement") as database:
        yield World(database, FiringTables(database), WalkTables(database))


def firing(occurrence: str = "day:1", **changed: Any) -> Firing:
    return Firing(ME, "p", occurrence, NOW_MS - 10, NOW_MS)._replace(**changed)


async def test_what_is_set_off_twice_is_there_once(world: World) -> None:
    """By its birth subject, its play and its occurrence."""
    assert await world.set_off(firing()) == 1
    assert await world.set_off(firing(), firing("day:2"), firing(play_id="q"), firing(subject=OTHER)) == 3
    assert await world.of() == [(State.PENDING, NOW_MS)] * 2


async def test_nothing_is_set_off_for_who_was_erased(world: World) -> None:
    """Not even by news that are read after the erasure."""
    await world.database.write(lambda writer: bury(writer, [ME], "e"))
    assert await world.set_off(firing(), firing(subject=OTHER)) == 1
    assert await world.of(ME) == []


async def test_something_later_of_the_same_occurrence_puts_off_what_waits(world: World) -> None:
    """Something earlier that is read later does not."""
    await world.set_off(firing())
    assert await world.set_off(firing(at_ms=NOW_MS, due_at_ms=NOW_MS + 50)) == 1
    assert await world.set_off(firing(at_ms=NOW_MS - 5, due_at_ms=NOW_MS + 45)) == 0
    assert await world.of() == [(State.PENDING, NOW_MS + 50)]


@pytest.mark.parametrize("reason", list(Dropped))
async def test_what_had_become_void_is_due_again_by_something_later(world: World, reason: Dropped) -> None:
    """And nothing else that was dropped is."""
    await world.set_off(firing())
    (row,) = await world.claimed()
    assert await world.firings.drop([(row, reason)]) == 1
    await world.set_off(firing(at_ms=NOW_MS, due_at_ms=NOW_MS + 1))
    void = reason in {Dropped.CALLED_OFF, Dropped.SUPERSEDED, Dropped.CHANGED, Dropped.RESTED}
    assert await world.of() == [(State.PENDING, NOW_MS + 1) if void else (State.DROPPED, None)]


async def test_the_oldest_that_are_due_are_claimed_and_by_nobody_else(world: World) -> None:
    """Until the claim runs out; of the plays that were asked for and no others."""
    await world.set_off(*(firing(f"day:{n}", due_at_ms=NOW_MS - n) for n in range(3)))
    await world.set_off(firing("late", due_at_ms=NOW_MS + 1), firing(play_id="q"))
    first = await world.claimed(limit=2)
    assert [row.firing.occurrence for row in first] == ["day:2", "day:1"]
    assert [row.firing.occurrence for row in await world.claimed()] == ["day:0"]
    assert await world.claimed() == []
    again = await world.claimed(NOW_MS + CLAIM_MS)
    assert [row.firing.occurrence for row in again] == ["late", "day:0", "day:1", "day:2"]


async def test_the_next_instant_is_that_of_the_earliest_of_the_plays(world: World) -> None:
    """What is done with has none."""
    assert await world.firings.next_at_ms(["p", "q"]) is None
    await world.set_off(firing(), firing(play_id="q", due_at_ms=NOW_MS - 7))
    assert await world.firings.next_at_ms(["p", "q"]) == NOW_MS - 7
    assert await world.firings.next_at_ms(["p"]) == NOW_MS
    (row,) = await world.claimed()
    await world.firings.drop([(row, Dropped.HELD)])
    assert await world.firings.next_at_ms(["p"]) is None


async def test_a_step_of_a_claim_that_ran_out_is_none(world: World) -> None:
    """Whoever claimed it since has it."""
    await world.set_off(firing())
    (row,) = await world.claimed()
    await world.claimed(NOW_MS + CLAIM_MS)
    assert not await world.firings.give(row, LEASE, [])
    assert not await world.firings.defer(row, NOW_MS + 1)
    assert not await world.firings.await_review(row, DECISION)
    assert await world.firings.drop([(row, Dropped.HELD)]) == 0
    assert await world.of() == [(State.PENDING, NOW_MS + 2 * CLAIM_MS)]


async def test_what_was_given_out_comes_again_under_its_decision_unless_it_is_reported(world: World) -> None:
    """When its lease is over; when it was given out first stays."""
    await world.set_off(firing())
    (row,) = await world.claimed()
    assert await world.firings.give(row, LEASE, [])
    assert await world.claimed(LEASE.until_ms - 1) == []
    (again,) = await world.claimed(LEASE.until_ms)
    assert (again.state, again.decision_id, again.given_at_ms) == (State.LEASED, DECISION, NOW_MS)
    assert await world.firings.give(again, Lease(DECISION, NOW_MS + 1, NOW_MS + 90_000), [])
    assert await world.database.write(partial(reported, decision_id=DECISION, sent=True))
    assert not await world.database.write(partial(reported, decision_id=DECISION, sent=True))
    (done,) = await world.firings.siblings("p", [ME])
    assert (done.state, done.next_at_ms, done.given_at_ms) == (State.DONE, None, NOW_MS)


async def test_what_could_not_be_sent_is_over(world: World) -> None:
    """It does not come again."""
    await world.set_off(firing())
    (row,) = await world.claimed()
    await world.firings.give(row, LEASE, [])
    await world.database.write(partial(reported, decision_id=DECISION, sent=False))
    assert await world.of() == [(State.DROPPED, None)]


async def test_the_first_given_out_closes_the_others_of_its_occurrence(world: World) -> None:
    """Of the birth subjects it was judged with; another occurrence waits on."""
    await world.set_off(firing(), firing(subject=OTHER), firing("day:2", subject=OTHER))
    mine, *_ = await world.claimed(limit=1)
    others = await world.firings.siblings("p", [OTHER])
    assert await world.firings.give(mine, LEASE, others)
    assert await world.of(ME, OTHER) == [
        (State.LEASED, LEASE.until_ms),
        (State.DROPPED, None),
        (State.PENDING, NOW_MS),
    ]


async def test_nothing_is_given_out_once_another_was_that_it_was_not_judged_by(world: World) -> None:
    """Two processes judge two birth subjects of one person at once; one of them wins."""
    await world.set_off(firing(), firing(subject=OTHER))
    rows = {row.firing.subject: row for row in await world.claimed()}
    seen = {mine: await world.firings.siblings("p", [other]) for mine, other in [(ME, OTHER), (OTHER, ME)]}
    assert await world.firings.give(rows[ME], LEASE, seen[ME])
    assert not await world.firings.give(rows[OTHER], Lease(bytes(16), NOW_MS, NOW_MS + 1), seen[OTHER])
    assert await world.of(ME, OTHER) == [(State.LEASED, LEASE.until_ms), (State.DROPPED, None)]


async def test_what_waits_for_a_human_goes_out_by_their_word_alone(world: World) -> None:
    """A word is given once; the same again is the same."""
    await world.set_off(firing(), firing("day:2"))
    one, other = await world.claimed()
    await world.firings.await_review(one, DECISION)
    await world.firings.await_review(other, bytes(16))
    assert await world.claimed(NOW_MS + 10 * DAY_MS) == []
    assert [row.decision_id for row in await world.firings.awaiting(["p"], 10)] == [DECISION, bytes(16)]
    assert not await world.firings.review(b"nothing under it", NOW_MS, SHOWN)
    assert await world.firings.review(DECISION, NOW_MS + 5, SHOWN)
    assert await world.firings.review(DECISION, NOW_MS + 6, SHOWN)
    assert not await world.firings.review(DECISION, NOW_MS + 6, b"another thing")
    assert not await world.firings.review(DECISION, NOW_MS + 6, None)
    assert await world.firings.review(bytes(16), NOW_MS, None)
    assert await world.firings.awaiting(["p"], 10) == []
    assert await world.of() == [(State.PENDING, NOW_MS + 5), (State.DROPPED, None)]
    (row,) = await world.claimed(NOW_MS + 5)
    assert (row.approved, row.shown) == (True, SHOWN)
    assert row.decision_id == DECISION


async def test_what_is_put_before_a_human_again_is_not_approved_and_says_what_was(world: World) -> None:
    await world.set_off(firing())
    (row,) = await world.claimed()
    await world.firings.await_review(row, DECISION)
    await world.firings.review(DECISION, NOW_MS, SHOWN)
    (row,) = await world.claimed()
    await world.firings.await_review(row, DECISION)
    (row,) = await world.firings.awaiting(["p"], 10)
    assert (row.approved, row.shown) == (False, SHOWN)
    assert await world.firings.review(DECISION, NOW_MS, b"another thing")
    (row,) = await world.claimed()
    assert (row.approved, row.shown) == (True, b"another thing")


async def test_how_far_the_news_are_followed_is_kept_with_what_they_set_off(
    world: World, engine: str, tmp_path: Path
) -> None:
    """It never goes back, and is there when the tables are opened again."""
    await world.walks.follow([firing()], 7, NOW_MS)
    await world.walks.follow([], 5, NOW_MS)
    assert await world.walks.followed() == 7
    if engine == "postgresql":
        async with tables(engine, tmp_path, "engagement") as again:
            assert await WalkTables(again).followed() == 7


async def test_a_walk_goes_on_from_where_it_was(world: World) -> None:
    """One that was never begun is around."""
    never = await world.walks.walk("dates")
    assert (never.position, never.begun_at_ms) == (AROUND, 0)
    walk = Walk(17, NOW_MS, "digest")
    assert await world.walks.walked("dates", walk, [firing()], NOW_MS) == 1
    assert await world.walks.walk("dates") == walk
    assert (await world.walks.walk("lapses")).position == AROUND


async def test_a_walk_over_events_gives_everybody_with_their_latest_act_that_counts(world: World) -> None:
    """In portions; who has none that counts is there without one."""
    marketing = use_mask([3])
    acts = [
        event("a", subject=person(1), occurred_at_ms=NOW_MS - 9),
        event("b", subject=person(1), occurred_at_ms=NOW_MS - 5),
        event("c", subject=person(1), occurred_at_ms=NOW_MS - 1, kind=EventKind.VIEW),
        event("d", subject=person(2), occurred_at_ms=NOW_MS - 5, uses=use_mask([4])),
        event("e", subject=person(3), occurred_at_ms=NOW_MS - 5, expires_at_ms=NOW_MS),
        event("f", subject=person(4), occurred_at_ms=NOW_MS - 100),
        event("g", subject=person(5), occurred_at_ms=NOW_MS - 5, expires_at_ms=NOW_MS + 1),
    ]
    await EventTables(world.database).append(acts)
    wanted = Wanted(frozenset({EventKind.ORDER}), marketing, NOW_MS - 100, NOW_MS)
    position, read = 0, []
    while position < AROUND:
        some = await world.walks.last_acts(position, 2, wanted)
        read += some
        position = beyond(position, [one.subject for one in some], 2)
    assert sorted(set(read)) == [
        Act(person(1), NOW_MS - 5),
        Act(person(2), None),
        Act(person(3), None),
        Act(person(4), None),
        Act(person(5), NOW_MS - 5),
    ]


async def test_a_walk_over_dates_gives_everybody_with_a_value_that_is_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all of their values, however many people there are between; each portion ends somewhere."""
    monkeypatch.setattr(firing_walk, "_ROWS_MAX", 7)
    said = [(number, "11-15" if number % 5 == 0 else "05-05") for number in range(1, 40)]
    birthdays = [value(person(number), Attribute.BIRTHDAY, day) for number, day in said]
    occasions = [value(person(number), Attribute.OCCASION, "11-15") for number, _ in said if number % 7 == 0]
    await AttributeTables(world.database).record([*birthdays, *occasions])
    wanted = {Attribute.BIRTHDAY: {"11-15", "11-16"}, Attribute.LANGUAGE: {"de"}}
    for limit in (1, 3, 100):
        position, read, portions = 0, {}, 0
        while position < AROUND:
            some, position = await world.walks.dated(position, limit, wanted)
            read.update({one.subject: len(one.values) for one in some})
            portions += 1
        assert read == {person(number): 1 + (number % 7 == 0) for number in range(5, 40, 5)}
        assert portions >= 39 / 7


def value(who: Any, attribute: Attribute, text: str) -> Value:
    return Value(who, "", attribute, Party.ZERO, text, 0, "quiz", "", NOW_MS, None, NOW_MS, 1)


def person(number: int) -> Any:
    """A birth subject with a place of its own."""
    return type(ME)(bytes([number]) * 16)


async def test_what_a_human_approved_once_is_not_approved_when_it_is_set_off_anew(world: World) -> None:
    """It was called off meanwhile; what comes of something later is another thing to look at."""
    await world.set_off(firing())
    (row,) = await world.claimed()
    await world.firings.await_review(row, DECISION)
    assert await world.firings.review(DECISION, NOW_MS, SHOWN)
    (row,) = await world.claimed()
    assert row.approved
    await world.firings.drop([(row, Dropped.CALLED_OFF)])
    assert await world.set_off(firing(at_ms=NOW_MS, due_at_ms=NOW_MS)) == 1
    (row,) = await world.claimed(NOW_MS + CLAIM_MS)
    assert (row.approved, row.shown) == (False, None)
