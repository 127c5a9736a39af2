"""The decision store's promises, on every engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engagement.decision import History
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
    return Whose(subjects, subjects, subjects)


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


async def test_a_failed_message_gives_its_place_back_and_one_that_was_sent_never_does(
    store: DecisionTables,
) -> None:
    """It reached somebody, or may have; what failed and was sent after all was sent."""
    first, second = row(1), row(2)
    assert await promise(store, first, room(cap=1))
    await store.report(report(1, first, Outcome.FAILED), first, [A])
    assert await store.decision(first.decision_id) == first._replace(became=Became.RELEASED)
    assert await promise(store, second, room(cap=1))
    await store.report(report(2, second, Outcome.SENT), second, [A])
    await store.report(report(3, second, Outcome.FAILED), second, [A])
    assert not await promise(store, row(3), room(cap=1))
    assert await store.decision(second.decision_id) == second._replace(became=Became.SENT)
    assert [one.outcome for one in await store.reports(second.decision_id)] == [Outcome.SENT, Outcome.FAILED]
    await store.report(report(4, first, Outcome.SENT), first, [A])
    assert len((await history(store, A)).reservations) == 2


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


async def test_offers_of_two_items_bind_side_by_side_and_of_one_item_one_does(store: DecisionTables) -> None:
    offer = {"promises": Promise.OFFER, "binds_until_ms": NOW + DAY_MS, "price_minor": 900}
    items = ("pen", "tv", "")
    made = await asyncio.gather(
        *(promise(store, row(n, (A, B)[n % 2], item_id=items[n % 3], **offer), room(A, B)) for n in range(12))
    )
    assert sum(made) == 3
    assert {one.item_id for one in (await history(store, A, B)).offers} == set(items)


async def test_of_an_offer_what_is_cheaper_is_promised_besides(store: DecisionTables) -> None:
    """Once for each price; what is as dear, of another currency or of another item says nothing of it."""
    offer: dict[str, Any] = {
        "promises": Promise.OFFER,
        "binds_until_ms": NOW + DAY_MS,
        "price_minor": 900,
        "full_price_minor": 1000,
        "currency": "EUR",
        "item_id": "pen",
    }
    first = row(1, **offer)
    assert await promise(store, first, room())
    honours = offer | {"honours": first.decision_id}
    assert not await promise(store, row(2, **honours), room())
    cheaper = honours | {"price_minor": 720}
    made = await asyncio.gather(*(promise(store, row(n, **cheaper), room()) for n in range(3, 9)))
    assert sum(made) == 1
    assert not await promise(store, row(9, **honours | {"price_minor": 800}), room())
    assert await promise(store, row(10, **honours | {"item_id": "tv"}), room())
    assert await promise(store, row(11, **honours | {"currency": "USD"}), room())
    found = (await history(store, A)).offers
    assert [(one.item_id, one.price_minor, one.full_price_minor, one.subject) for one in found[:2]] == [
        ("pen", 900, 1000, A),
        ("pen", 720, 1000, A),
    ]


async def test_an_offer_of_a_time_when_its_item_was_not_kept_is_of_any(
    database: Database, store: DecisionTables
) -> None:
    assert await promise(
        store, row(1, promises=Promise.OFFER, binds_until_ms=NOW + DAY_MS, price_minor=900), room()
    )
    await database.write(lambda connection: connection.execute("UPDATE decision SET item_id = NULL"))
    assert [one.item_id for one in (await history(store, A)).offers] == [None]


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


async def test_what_was_decided_later_counts_in_whatever_order_it_is_taken_down(
    store: DecisionTables,
) -> None:
    """A slow call that began before another ends after it, by a note or by a promise; written down alike."""
    for number, promised in ((1, False), (2, True)):
        slot = f"slot-{number}"
        shown = {"slot": slot, "promises": 0, "became": Became.SHOWN}
        store.note(row(number, depth=Depth.GENERAL, decided_at_ms=NOW + 1, **shown))
        if promised:
            assert await promise(store, row(number + 10, slot=slot), room())
        else:
            store.note(row(number + 10, **shown))
        assert (await history(store, A, slot=slot)).last_depth == {slot: Depth.GENERAL}
        await store.flush()
        assert (await history(store, A, slot=slot)).last_depth == {slot: Depth.GENERAL}


async def test_the_latest_shown_counts_of_all_of_a_person(store: DecisionTables) -> None:
    shown = {"slot": "home", "promises": 0, "became": Became.SHOWN}
    store.note(row(1, A, depth=Depth.INDIVIDUAL, **shown))
    store.note(row(2, B, depth=Depth.GENERAL, decided_at_ms=NOW + 1, **shown))
    await store.flush()
    assert (await history(store, A, B, slot="home")).last_depth == {"home": Depth.GENERAL}
    assert (await history(store, A, slot="home")).last_depth == {"home": Depth.INDIVIDUAL}


@pytest.mark.parametrize("seed", range(3))
async def test_after_an_unlink_each_has_the_history_they_would_have_without_the_other(
    store: DecisionTables, seed: int
) -> None:
    """Whatever was shown, promised, reported while they were one; a twin did only what was theirs."""
    dice = Random(seed)
    mine, theirs, twin = (SubjectId(dice.randbytes(16)) for _ in range(3))
    numbers = iter(range(1000 * seed + 1, 1000 * seed + 1000))
    outcomes = (Outcome.SENT, Outcome.FAILED, Outcome.CLICK, Outcome.UNSUBSCRIBE, Outcome.COMPLAINT)
    for at_ms in range(NOW, NOW + 40):
        fields = {
            "slot": dice.choice(("", "home")),
            "depth": dice.choice((Depth.GENERAL, Depth.INDIVIDUAL)),
            "channel": dice.choice((Channel.EMAIL, Channel.SMS)),
            "decided_at_ms": at_ms,
            "play_id": dice.choice("pq"),
            "promises": dice.choice((Promise.NOTHING, Promise.PLACE, Promise.QUESTION, Promise.OFFER)),
            "binds_until_ms": NOW + DAY_MS,
        }
        outcome = dice.choice((None, None, *outcomes))
        who = dice.choice((mine, theirs))
        done = await did(store, row(next(numbers), who, **fields), (mine, theirs), outcome)
        if done and who == mine:
            assert await did(store, row(next(numbers), twin, **fields), (twin,), outcome)
        if not dice.randrange(8):
            await store.flush()
    assert (await history(store, mine, theirs, slot="home")) != (await history(store, mine, slot="home"))
    apart, alone = [await history(store, one, slot="home") for one in (mine, twin)]
    assert nameless(apart) == nameless(alone)
    assert alone.offers or alone.reservations or alone.asked_at_ms


async def did(
    store: DecisionTables, decision: Row, person: tuple[SubjectId, ...], outcome: Outcome | None
) -> bool:
    """Makes a decision for somebody of a person, if there is room for it, and reports what became of it."""
    if decision.promises:
        if not await promise(store, decision, room(*person, cap=99, asks=99)):
            return False
    else:
        decision = decision._replace(became=Became.SHOWN)
        store.note(decision)
    if outcome is not None:
        by = SubjectId(decision.subject)
        number = int.from_bytes(decision.decision_id, "big")
        await store.report(
            report(number, decision, outcome, by, at_ms=decision.decided_at_ms), decision, person
        )
    return True


def nameless(of: History) -> tuple[History, list[tuple[str, int, int]]]:
    """A history, and its offers without the ids of decisions and people, which two never share."""
    offers = [(offer.play_id, offer.given_at_ms, offer.until_ms) for offer in of.offers]
    return replace(of, offers=()), offers


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


LINES = [(Outcome.UNSUBSCRIBE, Outcome.RESUBSCRIBE), (Outcome.COMPLAINT, Outcome.COMPLAINT_CLOSED)]


async def said(
    store: DecisionTables, n: int, outcome: Outcome, by: SubjectId, *person: SubjectId
) -> list[bool]:
    """Something is said by one identity of a person; whether a line is drawn for A, for B, for both."""
    await store.report(report(n, row(1), outcome, by), row(1), person or [by])
    drawn = [await history(store, *group) for group in ((A,), (B,), (A, B))]
    return [one.open_complaint or bool(one.closed) for one in drawn]


@pytest.mark.parametrize(("draws", "takes_back"), LINES)
async def test_what_another_identity_took_back_stands_again_without_it(
    store: DecisionTables, draws: Outcome, takes_back: Outcome
) -> None:
    """And is taken back again with it, until it is said anew."""
    assert await said(store, 1, draws, A) == [True, False, True]
    assert await said(store, 2, draws, B) == [True, True, True]
    assert await said(store, 3, takes_back, B) == [True, False, True]  # before they were one
    assert await said(store, 4, takes_back, B, A, B) == [True, False, False]
    assert await said(store, 4, takes_back, B, A, B) == [True, False, False]
    assert await said(store, 1, draws, A) == [True, False, False]  # the first report, once more
    assert await said(store, 5, draws, A) == [True, False, True]
    assert await said(store, 6, takes_back, A, A, B) == [False, False, False]


async def test_a_guess_takes_nothing_back(store: DecisionTables) -> None:
    """Neither who is guessed to be the person, nor what was said for whom."""
    await said(store, 1, Outcome.UNSUBSCRIBE, A)
    await said(store, 2, Outcome.RESUBSCRIBE, B, A, B)
    for proven in ((A,), (B,), ()):
        found = (await before(store, Whose((A, B), (A, B), proven))).history
        assert found.closed == {Channel.EMAIL}
    assert not (await history(store, A, B)).closed


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
