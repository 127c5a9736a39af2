"""A change of the identifier key: nobody is lost, nobody is taken for two, whenever it happens."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from identity.errors import KeyUnknown
from identity.ids import SubjectId
from identity.keyring import KeyRing
from identity.ledger import Newborn
from identity.recognition import Recognition
from identity.rotation import activate, begin, destroy
from identity.tokens import IdentifierKind, Tokeniser
from services.identity import rekeying
from services.storage.database import StoreUnusable
from services.storage.identity import IdentityTables
from services.storage.rekeying import SealedRows, counted
from services.storage.sqlite import SqliteDatabase
from services.storage.suppressions import hash_of, release_in, suppress_in, suppressed_between
from tests.given import RING
from tests.identity.desk import Desk
from veilgraph.identity.v1 import identity_pb2 as pb

COOKIE = IdentifierKind.COOKIE
ROTATED = activate(begin(RING, "identifier", b"n" * 32, 0), "identifier")


def names(count: int) -> list[str]:
    return [f"cookie {number}" for number in range(count)]


def versions(desk: Desk) -> dict[int, int]:
    return {version: held.identifiers for version, held in desk.database.location.read(counted).items()}


async def rekeyed(desk: Desk) -> None:
    job = desk.rekeying()
    job.go_on()
    await job.finished()


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekeying, "PORTION_ROWS", 7)


async def test_an_identifier_keeps_its_subject_while_it_is_sealed_anew(desk, small_portions):
    before = await desk.subjects(*names(40))
    desk.rotate()
    assert await desk.subjects(*names(40)) == before
    assert versions(desk) == {1: 40}
    await desk.subjects("new under the new key")
    job = desk.rekeying()
    job.go_on()
    while job.running:
        assert await desk.subjects(*names(40)) == before
        await asyncio.sleep(0)
    assert versions(desk) == {2: 41}
    assert desk.identifiers.recognition().kept_under == ()
    assert await desk.subjects(*names(40)) == before
    assert desk.reports[-1] == "identity: 40 rows of key version 1 re-keyed\n"


async def test_after_it_the_old_key_is_needed_for_nothing(desk):
    before = await desk.subjects(*names(9))
    desk.rotate()
    await rekeyed(desk)
    desk.hold(destroy(desk.keys.ring, "identifier", 1, 0))
    assert await desk.subjects(*names(9)) == before


async def test_two_rotations_at_once_end_under_the_newest_key(desk, small_portions):
    before = await desk.subjects(*names(20))
    desk.rotate()

    async def rotated_again(_seconds: float) -> None:
        if desk.identifiers.recognition().version < 3:
            desk.rotate()

    job = desk.rekeying(pause=rotated_again)
    job.go_on()
    await job.finished()
    assert versions(desk) == {3: 20}
    assert await desk.subjects(*names(20)) == before


@pytest.mark.parametrize("through", [False, True])
async def test_who_is_sealed_anew_between_look_ups_is_not_born_again(desk, monkeypatch, through):
    """The look-up under the new key misses; by the one under the old key the row is the new key's.

    Nor is the caller charged for it.
    """
    before = await desk.subjects("anna")
    desk.rotate()
    look_up, looked_up = desk.store.subjects, []

    async def subjects(tokens):
        found = await look_up(tokens)
        looked_up.append(len(found))
        if through:
            await rekeyed(desk)
        else:
            await SealedRows(desk.database).reseal(desk.identifiers.recognition(), 1, 9)
        return found

    monkeypatch.setattr(desk.store, "subjects", subjects)
    call = desk.call()
    call.caller = replace(call.caller, new_identifiers_per_hour=0)
    response = await desk.resolve("anna", call=call)
    assert looked_up == [0, 0, 1]
    assert [response.results[0].subject, response.results[0].created] == [before[0].hex(), False]


async def test_a_new_identifier_is_looked_up_once_while_no_key_is_changed(desk, monkeypatch):
    look_up, looked_up = desk.store.subjects, []

    async def subjects(tokens):
        looked_up.append(len(tokens))
        return await look_up(tokens)

    monkeypatch.setattr(desk.store, "subjects", subjects)
    await desk.subjects("anna", "ben")
    assert looked_up == [2]


@pytest.mark.parametrize("seen", [True, False])
async def test_a_call_that_was_tokenised_before_the_rotation_means_the_same_after_it(desk, seen):
    """And what it brings that is new is sealed under the new key."""
    before = await desk.subjects("anna") if seen else None
    token = desk.token(COOKIE, "anna")
    desk.rotate()
    await rekeyed(desk)
    call = desk.call()
    call.tokens, call.accepted = [token], [0]
    response = await desk.servicer.Resolve(pb.ResolveRequest(identifiers=[pb.Identifier(kind=6)]), call)
    subject = SubjectId(bytes.fromhex(response.results[0].subject))
    assert before in (None, [subject])
    assert await desk.subjects("anna") == [subject]
    assert versions(desk) == {2: 1}


async def test_of_two_calls_that_bring_one_identifier_under_two_keys_one_bears_it(desk):
    old = Newborn(desk.token(COOKIE, "anna"), COOKIE, SubjectId(b"o" * 16))
    desk.rotate()
    new = Newborn(desk.token(COOKIE, "anna"), COOKIE, SubjectId(b"n" * 16))
    births = await asyncio.gather(desk.store.bear([old], 0), desk.store.bear([new], 0))
    assert [len(one.created) for one in births] == [1, 0]
    assert [*births[0].subjects.values()] == [*births[1].subjects.values()] == [SubjectId(b"o" * 16)]
    assert versions(desk) == {2: 1}


async def test_of_two_calls_that_were_tokenised_before_a_rotation_one_bears_the_identifier(desk):
    """The row the first one wrote stands under the old key; it is found, and sealed anew later."""
    old = Newborn(desk.token(COOKIE, "anna"), COOKIE, SubjectId(b"o" * 16))
    await desk.store.bear([old], 0)
    desk.rotate()
    births = await desk.store.bear([old._replace(subject=SubjectId(b"n" * 16))], 0)
    assert births.subjects == {old.token: old.subject}
    assert not births.created
    await rekeyed(desk)
    assert versions(desk) == {2: 1}


async def test_two_calls_that_missed_one_identifier_before_a_rotation_give_it_one_subject(desk, monkeypatch):
    """One bears it, the key changes, the other comes to bear it."""
    look_up = desk.store.subjects
    looked, gate = asyncio.Event(), asyncio.Event()

    async def subjects(tokens):
        found = await look_up(tokens)
        if not looked.is_set():
            looked.set()
            await gate.wait()
        return found

    monkeypatch.setattr(desk.store, "subjects", subjects)
    slow = asyncio.create_task(desk.resolve("anna"))
    await looked.wait()
    fast = await desk.resolve("anna")
    desk.rotate()
    gate.set()
    assert (await slow).results[0].subject == fast.results[0].subject


async def history(desk: Desk, seed: int, *, rotate: bool) -> dict[str, set[str]]:
    """Resolves, births and links, all at once; who is whom in the end, by the names' values."""
    chance = random.Random(seed)
    known = names(30)
    first = dict(zip(known, await desk.subjects(*known), strict=True))
    desk.say_yes(*first.values())
    if rotate:
        desk.rotate()
        job = desk.rekeying()
        job.go_on()

    async def resolve(some: list[str]) -> None:
        for name, subject in zip(some, await desk.subjects(*some), strict=True):
            assert first.setdefault(name, subject) == subject
        desk.say_yes(*first.values())

    async def link(one: str, other: str) -> None:
        await desk.send(desk.link(first[one], first[other], observed_at_ms=desk.clock()))

    work = [resolve([*chance.sample(known, 5), f"new {n % 9}"]) for n in range(25)]
    work += [link(*chance.sample(known, 2)) for _ in range(25)]
    chance.shuffle(work)
    await asyncio.gather(*work)
    if rotate:
        await job.finished()
        assert set(versions(desk)) == {2}
    await desk.all_confirmed()
    assert dict(zip(first, await desk.subjects(*first), strict=True)) == first
    value = {subject: name for name, subject in first.items()}
    assert len(value) == len(first)
    return {name: {value[member] for member in desk.members(subject)} for name, subject in first.items()}


@pytest.mark.parametrize("seed", range(3))
async def test_the_people_are_those_there_would_be_without_a_rotation(
    seed, tmp_path, policy, rules, clock, small_portions
):
    """Under concurrent look-ups, births and links."""
    people = []
    for rotate in (False, True):
        folder = tmp_path / str(rotate)
        folder.mkdir()
        desk = Desk(folder, policy, rules, clock)
        people.append(await history(desk, seed, rotate=rotate))
        desk.close()
    assert people[0] == people[1]
    assert max(map(len, people[0].values())) > 1


def _dies(folder: Path, portions: int) -> None:
    """Seals some portions anew and is killed while it writes the next one."""

    class Deadly(Recognition):
        def renewed(self, kind, token):
            if self.tokeniser.version == token[0] + 1 and len(sealed) >= portions:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().renewed(kind, token)

    async def run() -> None:
        keys = Deadly(Tokeniser(ROTATED, "acme"), (1,))
        rows = SealedRows(SqliteDatabase(folder / "identity.db", "identity"))
        while True:
            sealed.append(await rows.reseal(keys, 1, 5))

    sealed: list[int] = []
    asyncio.run(run())


@pytest.mark.parametrize("portions", [0, 2])
async def test_a_rotation_that_was_killed_is_finished_by_the_next_process(
    portions, tmp_path, policy, rules, clock
):
    desk = Desk(tmp_path, policy, rules, clock)
    before = await desk.subjects(*names(13))
    desk.close()
    child = get_context("fork").Process(target=_dies, args=(tmp_path, portions))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    desk = Desk(tmp_path, policy, rules, clock)
    assert versions(desk) == ({1: 13} if not portions else {1: 3, 2: 10})
    desk.hold(ROTATED)
    assert await desk.subjects(*names(13)) == before
    await rekeyed(desk)
    assert versions(desk) == {2: 13}
    assert await desk.subjects(*names(13)) == before
    desk.close()


@pytest.mark.parametrize(
    "fault", [StoreUnusable("full"), sqlite3.IntegrityError("anna"), RuntimeError("anna")]
)
async def test_whatever_ends_the_job_early_is_told_and_it_goes_on(desk, fault):
    """By its kind alone."""
    before = await desk.subjects(*names(3))
    desk.rotate()
    rows, faults = SealedRows(desk.database), [fault]

    class Faulty(SealedRows):
        async def reseal(self, *asked):
            if faults:
                raise faults.pop()
            return await rows.reseal(*asked)

    job = desk.rekeying()
    job._rows = Faulty(desk.database)
    job.go_on()
    await job.finished()
    assert versions(desk) == {2: 3}
    assert await desk.subjects(*names(3)) == before
    assert desk.reports[0] == f"identity: re-keying waits: {type(fault).__name__}\n"
    assert desk.pauses == [1.0]


async def test_a_row_that_nobody_sealed_stops_the_job_and_says_so(desk):
    """Nothing is lost by it, and the key can not be destroyed."""
    before = await desk.subjects(*names(3))

    def alter(connection):
        connection.execute("UPDATE identifier SET token_text = randomblob(32) WHERE number = 2")

    await desk.database.write(alter)
    desk.rotate()
    await rekeyed(desk)
    assert desk.reports[-1] == "identity: re-keying version 1 stopped: TokenAltered\n"
    assert versions(desk) == {1: 3}
    assert await desk.subjects(*names(3)) == before


async def test_it_rests_between_two_portions_as_long_as_it_works(desk, small_portions):
    await desk.subjects(*names(20))
    desk.rotate()
    ticks, pauses = iter(range(100)), []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    job = desk.rekeying(clock_s=lambda: float(next(ticks)), pause=pause)
    job.go_on()
    await job.finished()
    assert pauses == [1.0, 1.0]


async def test_a_process_that_stops_leaves_the_rest_to_the_next(desk, small_portions):
    await desk.subjects(*names(40))
    desk.rotate()
    job = desk.rekeying()
    job.go_on()
    await job.stop()
    assert 1 in versions(desk)
    job.go_on()  # too late
    assert not job.running
    await rekeyed(desk)
    assert versions(desk) == {2: 40}


class Shelf:
    """A file with the suppression entry of one erased person, and the keys to look at it by."""

    def __init__(self, folder: Path) -> None:
        self.keys = Recognition(Tokeniser(RING, "acme"))
        self.database = SqliteDatabase(folder / "identity.db", "identity")
        self.store = IdentityTables(self.database, lambda: self.keys)
        self.rows = SealedRows(self.database)

    async def born(self, number: int) -> bool:
        """Bears the person anew; whether it begins with refusals."""
        token = self.keys.tokeniser.token(COOKIE, b"d" * 32)
        births = await self.store.bear([Newborn(token, COOKIE, SubjectId(bytes([number]) * 16))], 0)
        assert births.created == {token}
        last = self.database.reader.execute("SELECT max(number) FROM identifier").fetchone()[0]
        return bool(suppressed_between(self.database.reader, last, last))

    async def erased(self, *, suppress: bool) -> list[str]:
        """Erases the person; the names of the entries that are kept."""

        def erase(connection):
            subjects = [SubjectId(row[0]) for row in connection.execute("SELECT subject FROM identifier")]
            connection.execute("CREATE TEMP TABLE IF NOT EXISTS being_erased (subject BLOB)")
            kept = suppress_in(connection, subjects, "e", self.keys) if suppress else {}
            release_in(connection, subjects, "e" if suppress else "f", self.keys)
            connection.execute("DELETE FROM identifier")
            return list(kept)

        return await self.database.write(erase)

    def rotate(self) -> None:
        self.keys = Recognition(Tokeniser(ROTATED, "acme"), (1,))


@pytest.fixture
async def shelf(tmp_path):
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.database.close()


@pytest.mark.parametrize("resealed", [True, False])
async def test_who_asked_not_to_be_marketed_to_is_known_again_after_a_rotation(shelf, resealed):
    """Whether the entry was sealed anew by then or not; and it keeps its name."""
    assert not await shelf.born(1)
    named = await shelf.erased(suppress=True)
    shelf.rotate()
    if resealed:
        assert await shelf.rows.reseal(shelf.keys, 1, 10) == 1
        shelf.keys = Recognition(Tokeniser(destroy(ROTATED, "identifier", 1, 0), "acme"))
    assert await shelf.born(2)
    assert await shelf.erased(suppress=True) == named
    assert await shelf.born(3)
    await shelf.erased(suppress=False)
    assert not await shelf.born(4)


async def test_an_entry_under_a_hash_is_sealed_when_its_identifier_comes_back(shelf):
    """Until then it keeps the first version from being destroyed."""
    token = shelf.keys.tokeniser.token(COOKIE, b"d" * 32)

    def keep(connection):
        connection.execute("INSERT INTO suppression_by_hash VALUES (?, 'e')", (hash_of(token),))

    await shelf.database.write(keep)
    shelf.rotate()
    assert await shelf.rows.holds(1)
    assert shelf.database.location.read(counted)[1].hashed == 1
    assert await shelf.rows.reseal(shelf.keys, 1, 10) == 0
    assert await shelf.born(1)
    assert not await shelf.rows.holds(1)
    assert shelf.database.location.read(counted)[2].suppressions == 1


async def test_what_is_under_a_destroyed_key_opens_no_more(shelf):
    await shelf.born(1)
    keys = Recognition(Tokeniser(destroy(ROTATED, "identifier", 1, 0), "acme"))
    with pytest.raises(KeyUnknown):
        await shelf.rows.reseal(keys, 1, 10)


async def test_an_entry_in_a_file_shows_neither_the_digest_nor_the_token(shelf):
    await shelf.born(1)
    await shelf.erased(suppress=True)
    rows = str(shelf.database.reader.execute("SELECT * FROM suppression").fetchall())
    assert "dddd" not in rows
    assert repr(bytes(shelf.keys.tokeniser.token(COOKIE, b"d" * 32)))[2:20] not in rows


async def test_a_ring_that_lacks_a_version_something_is_kept_under_is_noticed(shelf):
    """A backup from before a key was destroyed, or an old ring put back."""
    await shelf.born(1)
    assert await shelf.rows.unopened(shelf.keys) == []
    without = Recognition(Tokeniser(destroy(ROTATED, "identifier", 1, 0), "acme"))
    assert await shelf.rows.unopened(without) == [1]
    shelf.rotate()
    await shelf.rows.reseal(shelf.keys, 1, 10)
    assert await shelf.rows.unopened(Recognition(Tokeniser(RING, "acme"))) == [2]
    assert await shelf.rows.unopened(without) == []


@pytest.mark.parametrize("kept", ["identifier", "entry"])
async def test_a_ring_with_another_root_of_the_same_number_is_noticed(shelf, kept):
    """A lost ring made anew, or another deployment's in its place."""
    await shelf.born(1)
    if kept == "entry":
        await shelf.erased(suppress=True)
    other = KeyRing.create(lambda count: b"x" * count, 0)
    assert await shelf.rows.unopened(shelf.keys) == []
    assert await shelf.rows.unopened(Recognition(Tokeniser(other, "acme"))) == [1]
    assert await shelf.rows.unopened(Recognition(Tokeniser(RING, "acorn"))) == [1]
