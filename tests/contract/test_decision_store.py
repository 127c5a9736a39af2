"""The decision store's promises, on every engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engagement.decision_store import (
    Became,
    Before,
    Look,
    Outcome,
    Promise,
    Report,
    Room,
    Row,
    Whose,
    Windows,
)
from engagement.errors import RequestIdReused
from engagement.play import Channel, Depth
from identity.ids import SubjectId
from services.storage.database import Database
from services.storage.decisions import DecisionTables
from services.storage.tombstones import bury
from tests.contract.engines import ENGINES, tables
from tests.engagement.kept_decisions import DAY_MS, NOW, WINDOWS, A, B, C, room, row


def whose(*subjects: SubjectId) -> Whose:
    return Whose(subjects, subjects)


def report(n: int, decision: Row, outcome: Outcome, subject: SubjectId = A, **fields: Any) -> Report:
    values: dict[str, Any] = {
        "key": n.to_bytes(16, "big"),
        "subject": subject,
        "decision_id": decision.decision_id,
        "digest": bytes([outcome]),
        "outcome": outcome,
        "value": None,
        "at_ms": NOW,
    }
    return Report(**(values | fields))


@pytest.fixture(params=ENGINES)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with tables(request.param, tmp_path, "engagement") as opened:
        yield opened


@pytest.fixture
def store(database: Database) -> DecisionTables:
    return DecisionTables(database)


async def promise(store: DecisionTables, decision: Row, where: Room) -> bool:
    (stands,) = await store.promise([(decision, where)])
    return stands


async def before(
    store: DecisionTables, of: Whose, windows: Windows = WINDOWS, decision_id: bytes = b"", slot: str = ""
) -> Before:
    (found,) = await store.before([Look(of, decision_id, slot)], windows)
    return found


async def history(store: DecisionTables, *subjects: SubjectId, slot: str = "") -> Any:
    return (await before(store, whose(*subjects), slot=slot)).history


async def test_of_64_at_once_for_one_person_as_many_are_promised_as_there_is_room(
    store: DecisionTables,
) -> None:
    """Half of them come by one identifier of the person, half by another."""
    person = room(A, B, cap=3)
    made = await asyncio.gather(*(promise(store, row(n, (A, B)[n % 2]), person) for n in range(64)))
    assert sum(made) == 3
    assert len((await history(store, A, B)).reservations) == 3
    mine, theirs = await history(store, A), await history(store, B)
    assert len(mine.reservations) + len(theirs.reservations) == 3


@pytest.mark.parametrize(
    ("days", "promised"), [(0, False), (6, False), (-6, False), (7, True), (-7, False), (8, True)]
)
async def test_a_place_is_free_once_those_taken_before_and_for_later_are_a_window_behind(
    store: DecisionTables, days: int, promised: bool
) -> None:
    assert await promise(store, row(1), room(cap=1))
    assert await promise(store, row(2, send_at_ms=NOW + days * DAY_MS), room(cap=1)) == promised


async def test_a_failed_message_gives_its_place_back_and_a_sent_one_does_not(store: DecisionTables) -> None:
    first, second = row(1), row(2)
    assert await promise(store, first, room(cap=1))
    await store.report(report(1, first, Outcome.SENT), first, [A])
    assert not await promise(store, second, room(cap=1))
    await store.report(report(2, first, Outcome.FAILED), first, [A])  # it came back
    assert await promise(store, second, room(cap=1))
    kept = await store.decision(first.decision_id)
    assert kept == first._replace(became=Became.RELEASED)


async def test_two_offers_of_a_play_never_bind_at_once(store: DecisionTables) -> None:
    offer = {"promises": Promise.OFFER, "binds_until_ms": NOW + DAY_MS, "price_minor": 900}
    made = await asyncio.gather(
        *(promise(store, row(n, (A, B)[n % 2], **offer), room(A, B)) for n in range(8))
    )
    assert sum(made) == 1
    assert await promise(store, row(9, play_id="other", **offer), room(A, B))
    assert {one.play_id for one in (await history(store, A, B)).offers} == {"reminder", "other"}
    later = Windows(NOW + DAY_MS, WINDOWS.cap_ms, WINDOWS.asks_ms)
    assert (await before(store, whose(A, B), later)).history.offers == []


async def test_offers_of_two_people_who_turn_out_to_be_one_are_all_there_and_part_again(
    store: DecisionTables,
) -> None:
    offer = {"promises": Promise.OFFER, "binds_until_ms": NOW + DAY_MS}
    assert await promise(store, row(1, A, price_minor=900, **offer), room(A))
    assert await promise(store, row(2, B, price_minor=800, **offer), room(B))
    assert [one.price_minor for one in (await history(store, A, B)).offers] == [900, 800]
    assert [one.price_minor for one in (await history(store, A)).offers] == [900]


async def test_what_somebody_else_of_the_person_was_offered_is_not_read_without_their_permission(
    store: DecisionTables,
) -> None:
    """Their place under the cap counts nevertheless, for it keeps the person from being reached too often."""
    both = {"promises": Promise.OFFER | Promise.PLACE, "binds_until_ms": NOW + DAY_MS}
    assert await promise(store, row(1, B, **both), room(A, B))
    found = (await before(store, Whose((A,), (A, B)))).history
    assert (len(found.offers), len(found.reservations)) == (0, 1)


async def test_questions_are_counted_in_their_own_window(store: DecisionTables) -> None:
    ask = {"promises": Promise.QUESTION}
    assert await promise(store, row(1, **ask), room())
    assert not await promise(store, row(2, send_at_ms=NOW + 29 * DAY_MS, **ask), room())
    assert await promise(store, row(3, send_at_ms=NOW + 30 * DAY_MS, **ask), room())
    assert (await history(store, A)).asked_at_ms == [NOW, NOW + 30 * DAY_MS]


async def test_a_decision_that_is_made_again_stands_as_it_was(store: DecisionTables) -> None:
    assert await promise(store, row(1), room())
    assert not await promise(store, row(1, option_id="another"), room())
    assert (await before(store, whose(A), decision_id=row(1).decision_id)).row == row(1)
    assert len((await history(store, A)).reservations) == 1


async def test_of_many_promised_together_each_finds_what_those_before_it_left(store: DecisionTables) -> None:
    """People apart and joined; an id that stands, or comes twice, is promised once and changes no other."""
    apart = [(row(1), room()), (row(2, B), room(B)), (row(3), room()), (row(4), room()), (row(5, B), room(B))]
    assert await store.promise([*apart, (row(6), room(A, B)), (row(7, C), room(C, cap=0))]) == [
        *(True, True, True, False, True),
        *(False, False),
    ]
    again = [(row(2, B), room(B, cap=9)), (row(8, C), room(C)), (row(8, C), room(C)), (row(9), room())]
    assert await store.promise(again) == [False, True, False, False]
    assert await store.promise([(row(10, C), room(C, A)), (row(11, C), room(C))]) == [False, True]


async def test_what_was_held_before_may_be_given_under_the_same_id(store: DecisionTables) -> None:
    store.note(row(1, option_id="", held="CAP_REACHED", became=Became.HELD, promises=0))
    await store.flush()
    assert await promise(store, row(1), room())
    assert await store.decision(row(1).decision_id) == row(1)


async def test_what_is_noted_is_found_at_once_and_durable_after_a_moment(store: DecisionTables) -> None:
    shown = row(1, slot="home", promises=0, became=Became.SHOWN)
    store.note(shown)
    assert await store.decision(shown.decision_id) == shown
    assert (await history(store, A, slot="home")).last_depth == {"home": Depth.INDIVIDUAL}
    assert (await before(store, whose(A), decision_id=shown.decision_id, slot="home")).row == shown
    await store.flush()
    another = DecisionTables(store._database)
    assert await another.decision(shown.decision_id) == shown
    assert (await history(another, A, slot="home")).last_depth == {"home": Depth.INDIVIDUAL}
    assert (await history(another, A, slot="cart")).last_depth == {}


async def test_what_is_written_while_somebody_looks_is_seen_by_them(store: DecisionTables) -> None:
    """However the writing and the look run into each other."""
    for number in range(1, 40):
        shown = row(number, slot=f"slot-{number}", promises=0, became=Became.SHOWN)
        store.note(shown)
        looking = asyncio.ensure_future(
            before(store, whose(A), decision_id=shown.decision_id, slot=shown.slot)
        )
        await asyncio.sleep(number % 4 / 2000)
        _, found = await asyncio.gather(store.flush(), looking)
        assert found.row == shown
        assert found.history.last_depth == {shown.slot: Depth.INDIVIDUAL}


async def test_what_waits_to_be_written_does_not_outweigh_what_was_promised_after_it(
    store: DecisionTables,
) -> None:
    """By the same identifier or by another of the person."""
    for number, who in ((1, A), (2, B)):
        slot = f"slot-{number}"
        shown = row(number, A, slot=slot, promises=0, became=Became.SHOWN)
        store.note(shown)
        later = row(number + 10, who, slot=slot, depth=Depth.GENERAL, decided_at_ms=NOW + 1)
        assert await promise(store, later, room(A, B))
        assert (await history(store, A, B, slot=slot)).last_depth == {slot: Depth.GENERAL}
        await store.flush()
        assert (await history(store, A, B, slot=slot)).last_depth == {slot: Depth.GENERAL}


async def test_the_latest_shown_counts_of_all_of_a_person(store: DecisionTables) -> None:
    shown = {"slot": "home", "promises": 0, "became": Became.SHOWN}
    store.note(row(1, A, depth=Depth.INDIVIDUAL, **shown))
    store.note(row(2, B, depth=Depth.GENERAL, decided_at_ms=NOW + 1, **shown))
    await store.flush()
    assert (await history(store, A, B, slot="home")).last_depth == {"home": Depth.GENERAL}
    assert (await history(store, A, slot="home")).last_depth == {"home": Depth.INDIVIDUAL}


async def test_lines_are_drawn_for_all_of_a_person_until_they_are_taken_back(store: DecisionTables) -> None:
    mail = row(1)
    assert await promise(store, mail, room())
    await store.report(report(1, mail, Outcome.UNSUBSCRIBE), mail, [A])
    await store.report(report(2, mail, Outcome.COMPLAINT, B), mail, [A, B])
    assert (await history(store, A, B)).closed == {Channel.EMAIL}
    assert (await history(store, A, B)).open_complaint
    assert not (await history(store, A)).open_complaint
    await store.report(report(3, mail, Outcome.COMPLAINT_CLOSED, A), mail, [A, B])
    await store.report(report(4, mail, Outcome.RESUBSCRIBE, B), mail, [A, B])
    assert ((await history(store, A, B)).closed, (await history(store, A, B)).open_complaint) == (
        set(),
        False,
    )


@pytest.mark.parametrize(
    ("outcome", "own"),
    [(Outcome.CLICK, True), (Outcome.ORDER, True), (Outcome.SENT, False), (Outcome.NPS, False)],
)
async def test_what_a_person_did_themselves_is_an_own_action(
    store: DecisionTables, outcome: Outcome, own: bool
) -> None:
    mail = row(1)
    assert await promise(store, mail, room())
    await store.report(report(1, mail, outcome), mail, [A])
    assert (await history(store, A)).last_own_action_ms == (NOW if own else None)


async def test_a_report_is_kept_once_and_its_id_serves_no_other(store: DecisionTables) -> None:
    mail = row(1)
    assert await promise(store, mail, room())
    for _ in range(2):
        await store.report(report(1, mail, Outcome.NPS, value=9), mail, [A])
    assert [(one.outcome, one.value) for one in await store.reports(mail.decision_id)] == [(Outcome.NPS, 9)]
    with pytest.raises(RequestIdReused):
        await store.report(report(1, mail, Outcome.CSAT, value=9), mail, [A])


async def test_a_report_of_what_is_only_taken_down_yet_finds_it(store: DecisionTables) -> None:
    shown = row(1, slot="home", promises=0, became=Became.SHOWN)
    store.note(shown)
    await store.report(report(1, shown, Outcome.FAILED), shown, [A])
    await store.flush()
    kept = await DecisionTables(store._database).decision(shown.decision_id)
    assert kept is not None
    assert kept.became == Became.RELEASED


async def test_nothing_is_promised_to_or_noted_of_who_was_erased(
    database: Database, store: DecisionTables
) -> None:
    await database.write(lambda connection: bury(connection, [A], "erasure"))
    assert not await promise(store, row(1), room())
    store.note(row(2, promises=0, became=Became.SHOWN))
    store.note(row(3, b"", promises=0, became=Became.SHOWN))
    await store.flush()
    assert [await store.decision(row(n).decision_id) is None for n in (1, 2, 3)] == [True, True, False]
