"""What every identity store must do; a second engine joins by a line in ``ENGINES``."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from identity.census import Quarantine
from identity.graph import Graph
from identity.ids import IdentifierToken, SubjectId
from identity.judging import Judged, Undone
from identity.ledger import NEVER_MS, Edge, EdgeState, Evidence, Newborn, Pending, Sighting, ordered
from identity.linking import Done, LinkRefusal, Request, Ruling, Verdict, undo
from identity.store import IdentityStore
from services.storage.identity import IdentityTables
from services.storage.identity_changes import BIRTHS_MAX
from tests.conftest import ROOT
from tests.contract.engines import ENGINES, tables
from tests.given import recognition

pytestmark = pytest.mark.parametrize("engine", ENGINES)
NOW_MS = 1_700_000_000_000


@asynccontextmanager
async def opened(engine: str, folder: Path) -> AsyncIterator[IdentityStore]:
    """The store kept in a folder; opening it again finds what was there."""
    async with tables(engine, folder, "identity") as database:
        yield IdentityTables(database, recognition)


@pytest.fixture
async def store(engine: str, tmp_path: Path) -> AsyncIterator[IdentityStore]:
    """An empty store of the engine under test."""
    async with opened(engine, tmp_path) as store:
        yield store


def token(number: int) -> IdentifierToken:
    return IdentifierToken(b"\x01" + number.to_bytes(4, "big") * 12)


def subject(number: int) -> SubjectId:
    return SubjectId(b"s" * 12 + number.to_bytes(4, "big"))


def newborn(number: int, kind: int = 6) -> Newborn:
    return Newborn(token(number), kind, subject(number))


def sighting(one: int, other: int, observed_at_ms: int = NOW_MS, **fields: object) -> Sighting:
    given = Sighting(subject(one), subject(other), Evidence.LOGIN, "web", observed_at_ms, NEVER_MS, 1000)
    return given._replace(**fields)


def judged(*rulings: Ruling) -> Judged:
    return Judged(list(rulings), [])


def new(*sightings: Sighting) -> Judged:
    return judged(*(Ruling(one, Verdict.NEW) for one in sightings))


def request(request_id: str, caller: str = "acme/shop", method: str = "Link") -> Request:
    return Request(caller, method, request_id, b"12345678")


async def test_births_are_known_afterwards_with_their_kind_and_nothing_else_is(store):
    births = await store.bear([newborn(1, kind=1), newborn(2, kind=3)], NOW_MS)
    assert births.subjects == {token(1): subject(1), token(2): subject(2)}
    assert births.created == {token(1), token(2)}
    assert await store.subjects([token(2), token(3)]) == {token(2): subject(2)}
    assert await store.kinds([subject(1), subject(2), subject(3)]) == {subject(1): 1, subject(2): 3}
    assert await store.subjects([]) == {}


async def test_what_comes_out_is_typed_so_that_it_prints_nothing(store):
    await store.bear([newborn(1), newborn(2)], NOW_MS)
    saved = await store.link(request("a"), new(sighting(1, 2)), b"", NOW_MS)
    found = await store.subjects([token(1)])
    shown = repr(
        [
            found,
            saved,
            await store.changes(0, 9),
            await store.confirmed_edges(),
            await store.kinds([subject(1)]),
        ]
    )
    assert "ssss" not in shown
    assert subject(1).hex() not in shown


async def test_an_identifier_keeps_the_subject_it_was_born_with(store):
    await store.bear([newborn(1)], NOW_MS)
    again = Newborn(token(1), 6, subject(100))
    births = await store.bear([again, newborn(2)], NOW_MS)
    assert births.subjects == {token(1): subject(1), token(2): subject(2)}
    assert births.created == {token(2)}
    assert await store.subjects([token(1)]) == {token(1): subject(1)}


async def test_of_two_concurrent_births_of_one_identifier_one_counts_for_both(store):
    tries = [store.bear([Newborn(token(1), 6, subject(100 + number))], NOW_MS) for number in range(20)]
    births = await asyncio.gather(*tries)
    assert len({one.subjects[token(1)] for one in births}) == 1
    assert sum(len(one.created) for one in births) == 1
    assert len(await store.changes(0, 99)) == 1
    assert all(one.seq == 1 for one in births)


async def test_an_identifier_given_twice_in_one_batch_is_born_once(store):
    births = await store.bear([newborn(1), Newborn(token(1), 6, subject(9)), newborn(2)], NOW_MS)
    assert births.created == {token(1), token(2)}
    assert (await store.changes(0, 9))[0].births == (births.subjects[token(1)], subject(2))


async def test_five_thousand_births_are_one_change_in_the_order_they_came(store):
    births = await store.bear([newborn(number) for number in range(5000)], NOW_MS)
    assert births.seq == await store.last_seq() == 1
    (change,) = await store.changes(0, 9)
    assert change.births == tuple(subject(number) for number in range(5000))
    assert len(await store.subjects([token(number) for number in range(5001)])) == 5000


async def linked(store: IdentityStore, request_id: str, *sightings: Sighting) -> list[Edge]:
    """New edges, confirmed."""
    saved = await store.link(request(request_id), new(*sightings), b"", NOW_MS)
    return list((await store.confirm(saved.seq)).edges)


async def test_the_sequence_counts_every_change_and_only_changes(store):
    assert (await store.last_seq(), await store.changes(0, 9)) == (0, ())
    assert (await store.bear([], NOW_MS)).seq == 0
    await store.bear([newborn(1), newborn(2)], NOW_MS)
    nothing = await store.link(request("a"), judged(Ruling(sighting(1, 2), Verdict.KNOWN)), b"", NOW_MS)
    assert (nothing.edges, nothing.seq) == ((), 1)
    linked = await store.link(request("b"), new(sighting(1, 2)), b"", NOW_MS)
    assert linked.seq == await store.last_seq() == 2
    undone = await store.unlink(
        request("c"),
        Undone(undo(await store.between([(subject(1), subject(2))]), "", NOW_MS), []),
        b"",
        NOW_MS,
    )
    assert undone.seq == 3
    assert (await store.confirm(3)).seq == 4
    assert (await store.confirm(4)).seq == 4
    assert [(one.seq, len(one.births), len(one.edges)) for one in await store.changes(0, 9)] == [
        (1, 2, 0),
        (2, 0, 1),
        (3, 0, 1),
        (4, 0, 1),
    ]


async def test_changes_are_read_on_from_a_cursor_within_a_limit(store):
    for number in range(7):
        await store.bear([newborn(number)], NOW_MS)
    assert [one.seq for one in await store.changes(2, 3)] == [3, 4, 5]
    assert [one.births for one in await store.changes(5, 3)] == [(subject(5),), (subject(6),)]
    assert await store.changes(7, 3) == ()


async def test_one_read_of_changes_stays_small_unless_a_single_change_is_large(store):
    size = BIRTHS_MAX // 2
    for first in (0, size, 2 * size):
        await store.bear([newborn(first + number) for number in range(size)], NOW_MS)
    await store.bear([newborn(3 * size + number) for number in range(BIRTHS_MAX + 1)], NOW_MS)
    reads, cursor = [], 0
    while changes := await store.changes(cursor, 99):
        reads.append([len(one.births) for one in changes])
        cursor = changes[-1].seq
    assert reads == [[size, size], [size], [BIRTHS_MAX + 1]]


async def test_a_new_edge_is_pending_ordered_and_found_from_both_sides(store):
    saved = await store.link(request("a"), new(sighting(2, 1, confidence_permille=900)), b"", NOW_MS)
    (edge,) = saved.edges
    assert (edge.a, edge.b) == ordered(subject(1), subject(2))
    assert (edge.state, edge.confidence_permille) == (EdgeState.LINK_PENDING, 900)
    assert edge.valid_until_ms == NEVER_MS
    assert await store.confirmed_edges() == []
    assert await store.pending() == Pending((edge,), saved.seq)
    for pair in [(subject(1), subject(2)), (subject(2), subject(1))]:
        assert [entry.edge for entry in await store.between([pair])] == [edge]
    assert await store.between([(subject(1), subject(3))]) == []
    assert (await store.changes(0, 9))[0].edges == (edge,)


async def test_a_pending_edge_is_active_once_its_place_in_the_sequence_is_confirmed(store):
    first = await store.link(request("a"), new(sighting(1, 2)), b"", NOW_MS)
    second = await store.link(request("b"), new(sighting(3, 4)), b"", NOW_MS)
    confirmed = await store.confirm(first.seq)
    assert confirmed.edges == (first.edges[0]._replace(state=EdgeState.ACTIVE),)
    assert await store.confirmed_edges() == list(confirmed.edges)
    assert await store.pending() == Pending(second.edges, second.seq)
    assert (await store.changes(second.seq, 9))[0].edges == confirmed.edges
    await store.confirm(second.seq)
    assert await store.pending() == Pending((), 0)
    assert len(await store.confirmed_edges()) == 2


async def test_confirming_a_link_after_its_correction_confirms_neither_before_its_time(store):
    """The edge waits since the correction, and comes to be wrong, never active."""
    link = await store.link(request("a"), new(sighting(1, 2)), b"", NOW_MS)
    wrong = undo(await store.between([(subject(1), subject(2))]), "", NOW_MS)
    correction = await store.unlink(request("b"), Undone(wrong, []), b"", NOW_MS)
    assert (await store.confirm(link.seq)).edges == ()
    (edge,) = (await store.confirm(correction.seq)).edges
    assert edge.state is EdgeState.WRONG
    assert [one.edges[0].state for one in await store.changes(0, 9)] == [
        EdgeState.LINK_PENDING,
        EdgeState.UNLINK_PENDING,
        EdgeState.WRONG,
    ]


async def test_an_edge_that_is_revived_is_pending_again_and_one_that_is_live_stays_active(store):
    dead, live = await linked(store, "a", sighting(1, 2, valid_until_ms=NOW_MS + 1), sighting(3, 4))
    rulings = [
        Ruling(sighting(1, 2, NOW_MS + 2), Verdict.SEEN_AGAIN, edge_id=dead.edge_id, revives=True),
        Ruling(sighting(3, 4, NOW_MS + 2), Verdict.SEEN_AGAIN, edge_id=live.edge_id),
    ]
    again = await store.link(request("b"), judged(*rulings), b"", NOW_MS + 2)
    assert [edge.state for edge in again.edges] == [EdgeState.LINK_PENDING, EdgeState.ACTIVE]
    assert [edge.edge_id for edge in await store.confirmed_edges()] == [live.edge_id]
    await store.confirm(again.seq)
    assert len(await store.confirmed_edges()) == 2


async def test_an_edge_seen_again_keeps_its_number_and_takes_the_later_sighting(store):
    (first,) = await linked(store, "a", sighting(1, 2))
    later = [sighting(1, 2, NOW_MS + 5, valid_until_ms=NOW_MS + 99), sighting(2, 1, NOW_MS + 6)]
    rulings = [Ruling(one, Verdict.SEEN_AGAIN, edge_id=first.edge_id) for one in later]
    (again,) = (await store.link(request("b"), judged(*rulings), b"", NOW_MS)).edges
    assert (again.edge_id, again.observed_at_ms, again.valid_until_ms) == (
        first.edge_id,
        NOW_MS + 6,
        NEVER_MS,
    )
    assert await store.confirmed_edges() == [again]
    assert (await store.changes(2, 9))[0].edges == (again,)


async def test_a_refused_link_stays_in_the_ledger_with_its_reason_and_counts_for_nothing(store):
    refused = Ruling(sighting(1, 2), Verdict.REFUSED, LinkRefusal.PERSON_TOO_LARGE)
    malformed = Ruling(sighting(1, 1), Verdict.REFUSED, LinkRefusal.TO_ITSELF)
    saved = await store.link(request("a"), judged(refused, malformed), b"", NOW_MS)
    assert (saved.edges, await store.changes(0, 9), await store.confirmed_edges()) == ((), (), [])
    (entry,) = await store.between([(subject(1), subject(2))])
    assert (entry.edge.state, entry.reason) == (EdgeState.REFUSED, "PERSON_TOO_LARGE")
    assert await store.between([(subject(1), subject(1))]) == []


async def test_a_link_refused_again_is_kept_in_one_row_with_the_latest_reason(store):
    """However often somebody goes on asserting it, within a batch or later."""
    refused = Ruling(sighting(1, 2), Verdict.REFUSED, LinkRefusal.PERSON_TOO_LARGE)
    await store.link(request("a"), judged(refused, refused), b"", NOW_MS)
    again = Ruling(sighting(2, 1, NOW_MS + 5), Verdict.REFUSED, LinkRefusal.PERSON_KIND_LIMIT, "EMAIL")
    await store.link(request("b"), judged(again), b"", NOW_MS + 9)
    (entry,) = await store.between([(subject(1), subject(2))])
    assert (entry.edge.observed_at_ms, entry.stated_at_ms) == (NOW_MS + 5, NOW_MS + 9)
    assert entry.reason == "PERSON_KIND_LIMIT:EMAIL"


async def test_a_quarantine_marks_what_is_shared_and_takes_back_its_edges(store):
    await store.bear([newborn(number) for number in (1, 2, 3)], NOW_MS)
    (edge,) = await linked(store, "a", sighting(1, 2))
    refused = Ruling(sighting(1, 3), Verdict.REFUSED, LinkRefusal.IDENTIFIER_SHARED)
    quarantine = Quarantine(LinkRefusal.IDENTIFIER_SHARED, subject(1), (edge,))
    saved = await store.link(request("b"), Judged([refused], [quarantine]), b"", NOW_MS + 9)
    assert [one.state for one in saved.edges] == [EdgeState.QUARANTINE_PENDING]
    assert await store.shared() == {subject(1)}
    assert await store.confirmed_edges() == []
    assert await store.pending() == Pending(saved.edges, saved.seq)
    (confirmed,) = (await store.confirm(saved.seq)).edges
    assert (confirmed.edge_id, confirmed.state) == (edge.edge_id, EdgeState.QUARANTINED)
    (entry,) = await store.between([(subject(1), subject(2))])
    assert (entry.stated_at_ms, entry.reason) == (NOW_MS + 9, "IDENTIFIER_SHARED")


async def test_what_goes_on_carrying_refusals_is_so_at_once_and_for_good(store):
    """Taken back from the ledger, or taken in within the batch that shows it; nothing waits for it."""
    await store.bear([newborn(number) for number in (1, 2, 3, 4)], NOW_MS)
    (edge,) = await linked(store, "a", sighting(1, 2))
    carried = Ruling(sighting(1, 3), Verdict.REFUSED, LinkRefusal.IDENTIFIER_SHARED, carries=True)
    quarantine = Quarantine(LinkRefusal.IDENTIFIER_SHARED, subject(1), carriers=(edge,))
    saved = await store.link(request("b"), Judged([carried], [quarantine]), b"", NOW_MS + 9)
    assert [one.state for one in saved.edges] == [EdgeState.DISTRUSTED] * 2
    assert await store.pending() == Pending((), 0)
    assert {one.edge_id for one in (await store.changes(saved.seq - 1, 9))[0].edges} == {1, 2}
    assert await store.confirmed_edges() == sorted(saved.edges)
    entries = await store.between([(subject(1), subject(2)), (subject(1), subject(3))])
    assert [(one.stated_at_ms, one.reason) for one in entries] == [(NOW_MS + 9, "IDENTIFIER_SHARED")] * 2


async def test_what_is_pending_when_it_is_to_carry_refusals_waits_for_nothing_any_more(store):
    """Else whatever waits beside it could not be confirmed."""
    await store.bear([newborn(number) for number in (1, 2, 3)], NOW_MS)
    pending = await store.link(request("a"), new(sighting(1, 2), sighting(1, 3)), b"", NOW_MS)
    quarantine = Quarantine(LinkRefusal.IDENTIFIER_SHARED, subject(2), carriers=pending.edges[:1])
    await store.link(request("b"), Judged([], [quarantine]), b"", NOW_MS)
    confirmed = await store.confirm(await store.last_seq())
    assert [one.state for one in confirmed.edges] == [EdgeState.ACTIVE]
    assert [one.state for one in await store.confirmed_edges()] == [EdgeState.DISTRUSTED, EdgeState.ACTIVE]


async def test_an_edge_between_two_shared_identifiers_counts_for_nothing_if_it_does_at_one(store):
    await store.bear([newborn(1), newborn(2)], NOW_MS)
    (edge,) = await linked(store, "a", sighting(1, 2))
    kept = Quarantine(LinkRefusal.IDENTIFIER_SHARED, subject(1), carriers=(edge,))
    gone = Quarantine(LinkRefusal.IDENTIFIER_SHARED, subject(2), (edge,))
    saved = await store.link(request("b"), Judged([], [kept, gone]), b"", NOW_MS)
    assert [one.state for one in saved.edges] == [EdgeState.QUARANTINE_PENDING]


async def test_a_correction_and_what_it_quarantines_are_one_step(store):
    await store.bear([newborn(number) for number in (1, 2, 3)], NOW_MS)
    (wrong,) = await linked(store, "a", sighting(1, 2))
    (till,) = await linked(store, "b", sighting(2, 3))
    undone = Undone(
        undo(await store.between([(subject(1), subject(2))]), "typo", NOW_MS),
        [Quarantine(LinkRefusal.IDENTIFIER_SHARED, subject(3), carriers=(till,))],
    )
    saved = await store.unlink(request("c"), undone, b"", NOW_MS)
    assert {one.edge_id: one.state for one in saved.edges} == {
        wrong.edge_id: EdgeState.UNLINK_PENDING,
        till.edge_id: EdgeState.DISTRUSTED,
    }
    assert await store.shared() == {subject(3)}


async def test_a_quarantine_takes_back_nothing_that_does_not_stand_any_more(store):
    await store.bear([newborn(1), newborn(2)], NOW_MS)
    (edge,) = await linked(store, "a", sighting(1, 2))
    await store.unlink(
        request("b"),
        Undone(undo(await store.between([(subject(1), subject(2))]), "", NOW_MS), []),
        b"",
        NOW_MS,
    )
    quarantine = Quarantine(LinkRefusal.IDENTIFIER_SHARED, subject(1), (edge,))
    assert (await store.link(request("c"), Judged([], [quarantine]), b"", NOW_MS)).edges == ()


async def test_an_identifier_that_is_not_known_any_more_is_not_marked_as_shared(store):
    quarantine = Quarantine(LinkRefusal.IDENTIFIER_SHARED, subject(1), ())
    await store.link(request("a"), Judged([], [quarantine]), b"", NOW_MS)
    assert await store.shared() == set()


async def test_violations_are_what_was_refused_or_taken_back_of_a_subject_newest_first(store):
    await store.bear([newborn(number) for number in (1, 2, 3)], NOW_MS)
    (edge,) = await linked(store, "a", sighting(1, 2))
    await linked(store, "b", sighting(2, 3))
    refused = Ruling(sighting(3, 1), Verdict.REFUSED, LinkRefusal.PERSON_TOO_LARGE)
    await store.link(request("c"), judged(refused), b"", NOW_MS + 1)
    quarantine = Quarantine(LinkRefusal.BRIDGES_PEOPLE, None, (edge,))
    await store.link(request("d"), Judged([], [quarantine]), b"", NOW_MS + 2)
    found = await store.violations([subject(1)], 9)
    assert [(one.reason, one.stated_at_ms) for one in found] == [
        ("LINK_BRIDGES_PEOPLE", NOW_MS + 2),
        ("PERSON_TOO_LARGE", NOW_MS + 1),
    ]
    assert await store.violations([subject(1)], 1) == found[:1]
    assert await store.violations([subject(1), subject(2), subject(3)], 9) == found
    assert await store.violations([], 9) == []


async def test_a_wrong_edge_says_when_and_why_and_its_followers_learn_of_it(store):
    (edge,) = await linked(store, "a", sighting(1, 2))
    pair = (subject(1), subject(2))
    wrong = undo(await store.between([pair]), "shared tablet", NOW_MS + 7)
    saved = await store.unlink(request("b"), Undone(wrong, []), b"", NOW_MS + 7)
    assert await store.confirmed_edges() == []
    assert await store.between([pair]) == wrong
    (undone,) = (await store.confirm(saved.seq)).edges
    assert (undone.edge_id, undone.state) == (edge.edge_id, EdgeState.WRONG)
    assert await store.between([pair]) == [wrong[0]._replace(edge=undone)]
    assert [one.edges[0].state for one in await store.changes(0, 9)] == [
        EdgeState.LINK_PENDING,
        EdgeState.ACTIVE,
        EdgeState.UNLINK_PENDING,
        EdgeState.WRONG,
    ]


async def test_an_edge_may_be_made_anew_after_it_was_declared_wrong(store):
    """Even while the correction is pending: the two edges are not the same one."""
    await linked(store, "a", sighting(1, 2))
    pair = (subject(1), subject(2))
    await store.unlink(request("b"), Undone(undo(await store.between([pair]), "", NOW_MS), []), b"", NOW_MS)
    _, anew = await linked(store, "c", sighting(1, 2, NOW_MS + 9))
    assert [entry.edge.state for entry in await store.between([pair])] == [EdgeState.WRONG, EdgeState.ACTIVE]
    assert await store.confirmed_edges() == [anew]


async def test_a_request_is_found_again_by_its_caller_method_and_id_only(store):
    assert await store.done(request("a")) is None
    saved = await store.link(request("a"), new(sighting(1, 2)), b"answer", NOW_MS)
    assert await store.done(request("a")) == Done(b"12345678", b"answer", saved.seq)
    for other in (request("b"), request("a", caller="acme/till"), request("a", method="Unlink")):
        assert await store.done(other) is None


async def test_a_write_that_fails_leaves_nothing_of_itself(store):
    await store.link(request("a"), new(sighting(1, 2)), b"", NOW_MS)
    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.link(request("b"), new(sighting(3, 4), sighting(1, 2)), b"", NOW_MS)
    assert len((await store.pending()).edges) == await store.last_seq() == 1
    assert await store.done(request("b")) is None
    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.bear([newborn(5), Newborn(token(6), 6, subject(5))], NOW_MS)
    assert await store.subjects([token(5), token(6)]) == {}
    assert await store.last_seq() == 1


async def test_a_store_opened_again_holds_everything_and_counts_on(engine, tmp_path):
    async with opened(engine, tmp_path) as store:
        await store.bear([newborn(1), newborn(2)], NOW_MS)
        saved = await store.link(request("a"), new(sighting(1, 2)), b"answer", NOW_MS)
        before = await store.changes(0, 99)
    async with opened(engine, tmp_path) as store:
        assert await store.changes(0, 99) == before
        assert await store.pending() == Pending(saved.edges, 2)
        assert await store.done(request("a")) == Done(b"12345678", b"answer", 2)
        assert await store.subjects([token(1)]) == {token(1): subject(1)}
        assert (await store.bear([newborn(3)], NOW_MS)).seq == 3


WRITER = """
import asyncio, sys
from pathlib import Path
from tests.contract import test_identity_store as t

async def main(engine, folder):
    async with t.opened(engine, Path(folder)) as store:
        number = 0
        while True:
            await store.bear([t.newborn(number), t.newborn(number + 1)], t.NOW_MS)
            rulings = t.new(t.sighting(number, number + 1))
            saved = await store.link(t.request(str(number)), rulings, b"yes", t.NOW_MS)
            await store.confirm(saved.seq)
            print(number, flush=True)
            number += 2

asyncio.run(main(*sys.argv[1:]))
"""


def written_until_killed(engine: str, folder: Path) -> list[int]:
    """What a process acknowledged before it was killed in the middle of writing."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "protos")])}
    arguments = [sys.executable, "-c", WRITER, engine, str(folder)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(40)]
        writer.send_signal(signal.SIGKILL)
        return acknowledged + [int(line) for line in writer.stdout if line.endswith("\n")]


async def test_a_process_killed_while_writing_loses_nothing_it_acknowledged(engine, tmp_path):
    """And what was not acknowledged is there whole or not at all."""
    acknowledged = written_until_killed(engine, tmp_path)
    async with opened(engine, tmp_path) as store:
        for number in acknowledged:
            done = await store.done(request(str(number)))
            assert (done.answer, done.seq) == (b"yes", number // 2 * 3 + 2)
        changes = await store.changes(0, 10_000)
        assert [one.seq for one in changes] == list(range(1, len(changes) + 1))
        assert len(changes) == await store.last_seq() >= 3 * len(acknowledged)
        for one in changes:
            assert (len(one.births), len(one.edges)) in ((2, 0), (0, 1))
        assert len(Graph(await store.confirmed_edges())) == 2 * (len(changes) // 3)
        assert len((await store.pending()).edges) == (len(changes) % 3 == 2)
