"""What every store of loyalty must do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engagement.errors import RequestIdReused
from engagement.loyalty.account import Recorded, standing_by
from engagement.loyalty.entry import MOVED_MAX, Entry, PostingKind
from engagement.loyalty.programme import Programme
from engagement.loyalty.reservation import Reservation, Settling
from engagement.loyalty.store import Loyalty, LoyaltyStore, Posted, Posting
from engagement.rules import Refusal
from services.storage.database import Database
from services.storage.engagement import EventTables
from services.storage.loyalty import LoyaltyTables
from tests.contract.engines import ENGINES, tables
from tests.engagement.events import subject
from tests.engagement.loyalty.lines import NOW_MS, back, line, of_points, order, programme, reservation

pytestmark = pytest.mark.parametrize("engine", ENGINES)
ME, OTHER = subject(1), subject(2)
LOYALTY = 9


class Kept:
    """A store, and what the tests ask of it."""

    def __init__(self, database: Database) -> None:
        self.events = EventTables(database)
        self.store: LoyaltyStore = LoyaltyTables(database)

    async def post(self, *entries: Entry, members: tuple[Any, ...] = ()) -> Posted:
        return await self.store.post([Posting(entry, members) for entry in entries])

    async def recorded(self, *members: Any, now_ms: int = NOW_MS) -> Recorded:
        return await self.store.recorded(Loyalty(members, [programme()], LOYALTY, now_ms))

    async def reserve(
        self, wanted: Reservation, declared: Programme | None = None, *members: Any
    ) -> Reservation | Refusal:
        asked = Loyalty(members or (wanted.subject,), [declared or programme()], LOYALTY, wanted.reserved_ms)
        return await self.store.reserve(wanted, asked)

    async def live(self, *members: Any, now_ms: int = NOW_MS) -> int:
        return standing_by(programme(), await self.recorded(*members, now_ms=now_ms), now_ms).points.live


@pytest.fixture
async def kept(engine: str, tmp_path: Path) -> AsyncIterator[Kept]:
    async with tables(engine, tmp_path, "engagement") as database:
        yield Kept(database)


async def rich(kept: Kept, points: int = 100_000) -> None:
    """Gives the first person points."""
    await kept.post(of_points("gift", PostingKind.ADJUST, points))


def reason(answer: Reservation | Refusal) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.reason


async def test_a_line_comes_back_as_it_was_posted_and_once(kept: Kept) -> None:
    """A second line under the same key is a duplicate whatever it says; the first one wins."""
    lines = [line("a"), of_points("b", PostingKind.ADJUST, -5), line("c", subject=OTHER)]
    assert await kept.post(*lines) == Posted(3, 0, {})
    again = line("a", amount_minor=7, reference="z")
    assert await kept.post(again, line("d")) == Posted(1, 1, {})
    assert sorted((await kept.recorded(ME)).entries) == sorted([lines[0], lines[1], line("d")])
    assert len((await kept.recorded(OTHER, ME)).entries) == 4


async def test_a_reference_is_posted_once_per_subject(kept: Kept) -> None:
    """Of another programme or another subject it is another one."""
    posted = await kept.post(
        line("a"),
        line("b", reference="a"),
        line("c", reference="a", subject=OTHER),
        line("d", reference="a", programme_id="guest"),
    )
    assert (posted.recorded, {k: v.reason for k, v in posted.refused.items()}) == (3, {1: "REFERENCE_TAKEN"})


async def test_no_more_is_reversed_than_was_posted(kept: Kept) -> None:
    """Of nothing nothing; of a posting of the person's other subject, on that subject."""
    posted = await kept.post(line("a"), back("r1", "a", 600), back("r2", "a", 600), back("r3", "z"))
    assert {k: v.reason for k, v in posted.refused.items()} == {2: "REVERSES_TOO_MUCH", 3: "REVERSES_NOTHING"}
    stranger = await kept.post(back("r4", "a", 400, subject=OTHER))
    assert stranger.refused[0].reason == "REVERSES_NOTHING"
    assert (await kept.post(back("r5", "a", 400, subject=OTHER), members=(ME, OTHER))).recorded == 1
    assert not (await kept.recorded(OTHER)).entries
    assert await kept.live(ME) == 0


async def test_what_a_subject_moves_stays_within_64_bits(kept: Kept) -> None:
    """The line that would go beyond it is refused and changes nothing."""
    most = line("a", amount_minor=MOVED_MAX)
    posted = await kept.post(
        most, line("b", amount_minor=1), of_points("c", PostingKind.ADJUST, -MOVED_MAX - 1)
    )
    assert {place: refused.reason for place, refused in posted.refused.items()} == {
        1: "AMOUNT_OVERFLOW",
        2: "AMOUNT_OVERFLOW",
    }
    assert (await kept.recorded(ME)).entries == [most]


async def test_events_are_read_for_the_purpose_until_they_expire(kept: Kept) -> None:
    """Those that may not be used for loyalty are not read."""
    await kept.events.append(
        [order("a"), order("b", uses=0), order("c", expires_at_ms=NOW_MS), order("d", subject=OTHER)]
    )
    recorded = await kept.recorded(ME)
    assert [event.order_ref for event in recorded.events] == ["a"]


async def test_a_reservation_holds_points_until_it_expires(kept: Kept) -> None:
    """By the passing of time alone; one that was committed stays spent."""
    await rich(kept, 150)
    held = await kept.reserve(reservation(1))
    assert held == reservation(1)
    assert await kept.live(ME) == 50
    assert reason(await kept.reserve(reservation(2))) == "POINTS_TOO_FEW"
    later_ms = NOW_MS + 600_000
    assert await kept.live(ME, now_ms=later_ms - 1) == 50
    assert await kept.live(ME, now_ms=later_ms) == 150
    expired = await kept.store.settle(reservation(1).reservation_id, [ME], Settling.COMMITTED, later_ms)
    assert reason(expired) == "RESERVATION_EXPIRED"
    second = reservation(3, reserved_ms=later_ms, expires_ms=later_ms + 1)
    await kept.reserve(second)
    await kept.store.settle(second.reservation_id, [ME], Settling.COMMITTED, later_ms)
    assert await kept.live(ME, now_ms=later_ms + 1) == 50


async def test_a_reservation_that_is_asked_for_again_is_the_same_one(kept: Kept) -> None:
    """Also when it was settled; with another content it is refused."""
    await rich(kept)
    first = await kept.reserve(reservation(1))
    again = await kept.reserve(reservation(1, reserved_ms=NOW_MS + 5, expires_ms=NOW_MS + 9))
    assert again == first
    with pytest.raises(RequestIdReused):
        await kept.reserve(reservation(1, digest=b"pot"))
    key = reservation(1).reservation_id
    for _ in range(2):
        assert not isinstance(await kept.store.settle(key, [ME], Settling.COMMITTED, NOW_MS), Refusal)
    assert reason(await kept.store.settle(key, [ME], Settling.CANCELLED, NOW_MS)) == "RESERVATION_SETTLED"
    assert isinstance(await kept.reserve(reservation(1)), Reservation)
    assert await kept.live(ME) == 99_900


async def test_a_reservation_is_settled_by_its_person_alone(kept: Kept) -> None:
    """Of anybody else it is as unknown as one that is not there."""
    await rich(kept)
    await kept.reserve(reservation(1))
    for key, members in ((reservation(1).reservation_id, [OTHER]), (bytes(16), [ME])):
        assert (
            reason(await kept.store.settle(key, members, Settling.COMMITTED, NOW_MS)) == "RESERVATION_UNKNOWN"
        )


async def test_points_pay_that_another_identity_earned_and_go_and_come_with_it(kept: Kept) -> None:
    """Whoever withdraws, nobody has them again; who tells of the same purchase has spent it, too."""
    await kept.post(line("a", amount_minor=15_000), line("b", subject=OTHER, amount_minor=5_000))
    await kept.events.append([order("b", 5_000)])  # ME tells of b, too
    wanted = reservation(1, subject=OTHER, price_points=180)
    assert await kept.reserve(wanted, None, ME, OTHER) == wanted
    assert [await kept.live(*whose) for whose in ((ME, OTHER), (ME,), (OTHER,))] == [20, 20, 0]
    await kept.store.settle(wanted.reservation_id, [OTHER], Settling.COMMITTED, NOW_MS)
    later_ms = wanted.expires_ms
    assert [await kept.live(*whose, now_ms=later_ms) for whose in ((ME, OTHER), (ME,))] == [20, 20]
    assert reason(await kept.reserve(reservation(2), None, ME)) == "POINTS_TOO_FEW"


async def test_64_concurrent_reservations_never_exceed_the_budget(kept: Kept) -> None:
    """Ten cups of 5.00 are 50.00; whoever cancels or expires makes room for one more."""
    await rich(kept)
    answers = await asyncio.gather(*(kept.reserve(reservation(number)) for number in range(64)))
    given = [one for one in answers if isinstance(one, Reservation)]
    assert len(given) == 10
    assert {reason(one) for one in answers if isinstance(one, Refusal)} == {"BUDGET_EXHAUSTED"}
    for one in given[:8]:
        await kept.store.settle(one.reservation_id, [ME], Settling.COMMITTED, NOW_MS)
    await kept.store.settle(given[8].reservation_id, [ME], Settling.CANCELLED, NOW_MS)
    assert isinstance(await kept.reserve(reservation(100)), Reservation)
    assert reason(await kept.reserve(reservation(101))) == "BUDGET_EXHAUSTED"
    later = {"reserved_ms": NOW_MS + 600_000, "expires_ms": NOW_MS + 700_000}
    assert isinstance(await kept.reserve(reservation(102, **later)), Reservation)
    assert isinstance(await kept.reserve(reservation(103, **later)), Reservation)
    assert reason(await kept.reserve(reservation(104, **later))) == "BUDGET_EXHAUSTED"


async def test_what_is_kept_is_there_when_it_is_opened_again(engine: str, tmp_path: Path) -> None:
    """A process that ends between reserving and committing loses neither; the other can still commit."""
    async with tables(engine, tmp_path / "again", "engagement") as database:
        first = Kept(database)
        await rich(first)
        await first.reserve(reservation(1))
    async with tables(engine, tmp_path / "again", "engagement") as database:
        second = Kept(database)
        assert await second.live(ME) == 99_900
        key = reservation(1).reservation_id
        assert isinstance(await second.store.settle(key, [ME], Settling.COMMITTED, NOW_MS + 1), Reservation)


async def test_people_read_together_are_read_as_each_alone(kept: Kept):
    """Lines, reservations and events of each, joined or apart; who has none has none."""
    for one in (ME, OTHER):
        await kept.post(line(f"line {one.hex()}", subject=one, amount_minor=60_000))
    await kept.events.append([order("till", subject=OTHER)])
    await kept.reserve(reservation(1))
    earning = replace(programme(), earns_from_events=True)
    asked = Loyalty((), [earning], LOYALTY, NOW_MS)
    people = [(ME,), (OTHER,), (subject(9),), (OTHER, ME)]
    together = await kept.store.recorded_of_each(people, asked)
    assert together == [await kept.store.recorded(asked._replace(members=person)) for person in people]
    assert [len(one.entries) for one in together] == [1, 1, 0, 2]
    assert [len(one.events) for one in together] == [0, 1, 0, 1]
