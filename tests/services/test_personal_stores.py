"""Every store names all it keeps about a person, erases it for good, and says the same twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from consent.component import EdgeFact, GraphStep
from consent.component import EdgeState as FactState
from consent.policy import Policy
from engagement.attributes import Attribute
from engagement.declaration import Declaration, Profile
from engagement.event import Party
from engagement.loyalty.entry import PostingKind
from engagement.loyalty.reservation import BUDGET_EXHAUSTED, Reservation, Settling
from engagement.loyalty.store import Loyalty, Posting
from identity.census import Quarantine
from identity.graph import Graph
from identity.ids import SubjectId
from identity.judging import Judged
from identity.keyring import KeyRing
from identity.ledger import NEVER_MS, Evidence, Newborn, Sighting
from identity.linking import LinkRefusal, Request, Ruling, Verdict
from identity.people_map import Change
from services.storage.consent import ConsentTables
from services.storage.consent_people import ConsentPeople
from services.storage.declared import DeclaredTables
from services.storage.engagement import EventTables
from services.storage.engagement_people import EngagementPeople
from services.storage.identity import IdentityTables
from services.storage.identity_people import IdentityPeople
from services.storage.loyalty import LoyaltyTables
from services.storage.people_map import MapStep, PeopleMapStore
from services.storage.personal import DatabaseStore
from services.storage.sqlite import SqliteDatabase
from services.storage.subject_keys import SubjectKeys
from services.stores import ExportedValue, PersonalStore, Phase
from tests.conftest import Clock
from tests.consent.statements import entry, statement
from tests.engagement.attributes import value
from tests.engagement.declarations import declare_request, likes
from tests.engagement.events import event
from tests.engagement.loyalty.lines import of_points, programme, reservation
from tests.given import recognition

GONE = SubjectId(b"canary-gone-0001")
STAYS = SubjectId(b"stays-for-ever-1")
TOKEN = recognition().tokeniser.token(1, b"canary" + bytes(26))


@dataclass
class Kept:
    """One store with two people in it, and what fills it again."""

    store: PersonalStore
    database: SqliteDatabase
    keys: SubjectKeys
    tell: Callable[[], Awaitable[object]]
    counts: dict[str, int]
    canaries: tuple[bytes, ...]


async def _engagement(database: SqliteDatabase, policy: Policy, keys: SubjectKeys, _clock: Clock) -> Kept:
    events, declared, loyalty = EventTables(database), DeclaredTables(database), LoyaltyTables(database)

    async def tell() -> None:
        await events.append([event("a", subject=GONE), event("b", subject=GONE), event("c", subject=STAYS)])
        for who in (GONE, STAYS):
            pet = value(
                Attribute.DEPENDENT_NAME, "canary pet", subject=who, dependent="rex", party=Party.ZERO
            )
            said = Declaration(who, (likes("canary teas", subject=who),), profile=Profile((pet,)))
            await declared.declare(declare_request(key=who.hex()[:8]), said)
            points = of_points(f"canary points {who.hex()}", PostingKind.ADJUST, 500, subject=who)
            await loyalty.post([Posting(points, ())])
            cup = reservation(who[0], subject=who)
            await loyalty.reserve(cup, Loyalty([who], [programme()], 0, cup.reserved_ms))

    await tell()
    key = event("a", subject=GONE).event_key
    store = DatabaseStore(database, EngagementPeople(policy.names_in), keys)
    counts = {"event": 2, "declared": 1, "attribute": 1, "loyalty": 1, "reward": 1, "points_spent": 1}
    return Kept(store, database, keys, tell, counts, (GONE, key))


async def _identity(database: SqliteDatabase, _policy: Policy, keys: SubjectKeys, clock: Clock) -> Kept:
    ledger = IdentityTables(database, recognition)
    stays = recognition().tokeniser.token(2, bytes(32))
    await ledger.bear([Newborn(TOKEN, 1, GONE), Newborn(stays, 2, STAYS)], clock())
    sighting = Sighting(GONE, STAYS, Evidence.LOGIN, "web", clock(), NEVER_MS, 1000)
    graph = Graph()

    async def forget(subjects: object) -> None:
        del subjects
        graph.apply([])

    async def tell() -> None:
        number = len(database.reader.execute("SELECT 1 FROM request").fetchall())
        request = Request("shop", "Link", f"r{number}", bytes(8))
        shared = Quarantine(LinkRefusal.IDENTIFIER_SHARED, GONE, ())
        await ledger.link(request, Judged([Ruling(sighting, Verdict.NEW)], [shared]), b"", clock())
        merge = Change(merges=True, whole=(GONE, STAYS), parts=((GONE,), (STAYS,)))
        places = {GONE: [(1, 1, 0)], STAYS: [(1, 1, 1)]}
        await PeopleMapStore(database).keep([MapStep([(1, merge)], places)], clock())

    await tell()
    await database.write(_fill_the_rest)
    store = DatabaseStore(database, IdentityPeople(forget, recognition), keys)
    counts = {"identifier": 1, "link": 1, "shared identifier": 1}
    return Kept(store, database, keys, tell, counts, (GONE, TOKEN[:17], TOKEN[17:]))


def _fill_the_rest(connection: sqlite3.Connection) -> None:
    """As of one who came back after an erasure, while rules change."""
    connection.execute(
        "INSERT INTO suppressed_birth SELECT number FROM identifier WHERE subject IN (?, ?)", (GONE, STAYS)
    )
    connection.executemany("INSERT INTO rules_change_shared (subject) VALUES (?)", [(GONE,), (STAYS,)])


async def _consent(database: SqliteDatabase, policy: Policy, keys: SubjectKeys, clock: Clock) -> Kept:
    consent = ConsentTables(database, policy, keys)
    edge = EdgeFact(
        1, GONE, STAYS, 0, deterministic=True, views=0, state=FactState.ACTIVE, valid_until_ms=NEVER_MS
    )

    async def tell() -> None:
        epoch = await consent.next_epoch()
        await consent.project([GraphStep(epoch, (GONE, STAYS), (edge,))])

    await tell()
    said = [entry(policy, statement(who, "loyalty"), position=n) for n, who in enumerate((GONE, STAYS))]
    await consent.append(said)
    store = DatabaseStore(database, ConsentPeople(clock, policy.proof_days, keys), keys)
    return Kept(store, database, keys, tell, {"consent record": 1, "birth": 1, "link": 1}, (GONE,))


MAKERS = {"engagement": _engagement, "identity": _identity, "consent": _consent}


@asynccontextmanager
async def kept_in(name: str, folder: Path, policy: Policy, keyring: KeyRing) -> AsyncIterator[Kept]:
    """A store with two people in it."""
    database = SqliteDatabase(folder / f"{name}.db", name)
    try:
        yield await MAKERS[name](database, policy, SubjectKeys(keyring), Clock(1_700_000_000_000))
    finally:
        database.close()


@pytest.fixture(params=sorted(MAKERS))
async def kept(
    request: pytest.FixtureRequest, tmp_path: Path, policy: Policy, keyring: KeyRing
) -> AsyncIterator[Kept]:
    async with kept_in(request.param, tmp_path, policy, keyring) as kept:
        yield kept


def found_in(folder: Path, canaries: tuple[bytes, ...]) -> list[tuple[str, bytes]]:
    """The files that hold a canary, raw or in hexadecimal, and which."""
    return [
        (path.name, canary)
        for path in folder.rglob("*")
        if path.is_file()
        for canary in canaries
        if canary in path.read_bytes() or canary.hex().encode() in path.read_bytes()
    ]


async def exported(store: PersonalStore, *subjects: SubjectId) -> list[ExportedValue]:
    return [value async for value in store.export(subjects)]


async def test_what_is_counted_is_exported(kept: Kept):
    """As many values of each kind as are counted, every one of the subject and with a source."""
    assert await kept.store.count([GONE]) == kept.counts
    values = await exported(kept.store, GONE)
    kinds = [value.kind for value in values]
    assert {kind: kinds.count(kind) for kind in kinds} == kept.counts
    assert all(value.subject == GONE and value.source and value.store == kept.store.name for value in values)
    json.dumps([dict(value.value) for value in values])


async def test_nothing_of_an_erased_subject_is_in_any_file(kept: Kept, tmp_path: Path):
    """Neither in the database nor in its log, in no form, while the store stays open; others stay."""
    assert found_in(tmp_path, kept.canaries)
    erased = await kept.store.erase([GONE], "e1", Phase.DATA)
    assert dict(erased.counts) == kept.counts
    assert found_in(tmp_path, kept.canaries) == []
    assert await kept.store.count([GONE]) == {}
    assert await exported(kept.store, GONE) == []
    assert await kept.store.count([STAYS])


#: Whatever has a row a person or more; read from end to end it holds up everybody for as long.
LARGE = {
    *("identifier", "edge", "edge_change", "records", "births", "edges", "event", "request"),
    *("loyalty_entry", "loyalty_account", "loyalty_reservation", "loyalty_share"),
}


async def test_what_is_asked_about_one_person_and_an_erasure_read_no_large_table_from_end_to_end(kept: Kept):
    asked: list[str] = []
    reader, writer = kept.database.reader, kept.database._writer
    for connection in (reader, writer):
        connection.set_trace_callback(asked.append)
    await kept.store.count([GONE])
    await exported(kept.store, GONE)
    await kept.store.erase([GONE], "e1", Phase.DATA)
    for connection in (reader, writer):
        connection.set_trace_callback(None)
    plans = {
        step[3]
        for one in asked
        if one.split()[0] in {"SELECT", "DELETE", "UPDATE"}
        for step in writer.execute(f"EXPLAIN QUERY PLAN {one}")
    }
    assert plans
    assert not [step for step in plans if step.startswith("SCAN") and step.split()[1] in LARGE]


async def test_every_table_of_identity_that_names_somebody_names_the_erased_no_more(
    tmp_path: Path, policy: Policy, keyring: KeyRing
):
    """A table that is not filled here fails, too: nobody would know whether it is emptied."""
    async with kept_in("identity", tmp_path, policy, keyring) as kept:
        read = kept.database.reader.execute
        columns = read(
            "SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p"
            " WHERE m.type = 'table' AND p.name IN ('subject', 'a', 'b') ORDER BY 1, 2"
        ).fetchall()

        def naming(who: SubjectId) -> set[str]:
            return {t for t, c in columns if read(f"SELECT 1 FROM {t} WHERE {c} = ?", (who,)).fetchone()}  # noqa: S608

        numbers = dict(read("SELECT subject, number FROM identifier"))
        assert naming(GONE) == {table for table, _ in columns} - {"being_erased"}  # while one is
        assert {n for (n,) in read("SELECT number FROM suppressed_birth")} == set(numbers.values())
        await kept.store.erase([GONE], "e1", Phase.DATA)
        assert naming(GONE) == set()
        assert read("SELECT number FROM suppressed_birth").fetchall() == [(numbers[STAYS],)]
        assert naming(STAYS) == {"identifier", "map_change_member", "map_member", "rules_change_shared"}
        assert read("SELECT count(*) FROM pending").fetchone() == (0,)
        assert read("SELECT count(*) FROM edge_change").fetchone() == (0,)


async def test_what_an_erased_person_was_handed_stays_taken_from_the_budget(
    tmp_path: Path, policy: Policy, keyring: KeyRing
):
    """Who got it is gone; what was only reserved is free again."""
    async with kept_in("engagement", tmp_path, policy, keyring) as kept:
        loyalty = LoyaltyTables(kept.database)
        two_cups = programme(budget_minor=1000)

        async def reserve(who: SubjectId, number: int) -> object:
            cup = reservation(number, subject=who)
            return await loyalty.reserve(cup, Loyalty([who], [two_cups], 0, cup.reserved_ms))

        gone = reservation(GONE[0])
        await loyalty.settle(gone.reservation_id, [GONE], Settling.COMMITTED, gone.reserved_ms)
        await loyalty.settle(reservation(STAYS[0]).reservation_id, [STAYS], Settling.CANCELLED, 0)
        assert isinstance(await reserve(GONE, 1), Reservation)
        assert await reserve(STAYS, 2) == BUDGET_EXHAUSTED
        await kept.store.erase([GONE], "e1", Phase.DATA)
        assert isinstance(await reserve(STAYS, 3), Reservation)
        assert await reserve(STAYS, 4) == BUDGET_EXHAUSTED


async def test_whoever_asks_hears_that_an_identifier_of_theirs_was_marked_shared(
    tmp_path: Path, policy: Policy, keyring: KeyRing
):
    async with kept_in("identity", tmp_path, policy, keyring) as kept:
        (mark,) = [one for one in await exported(kept.store, GONE) if one.kind == "shared identifier"]
        assert dict(mark.value) == {"reason": "IDENTIFIER_SHARED"}
        assert mark.inferred
        assert mark.recorded_at_ms == 1_700_000_000_000
        assert "shared identifier" not in await kept.store.count([STAYS])


async def test_asked_again_an_erasure_answers_the_same_and_takes_nothing_more(kept: Kept):
    """The counts are those of the first time, whatever there is now; another erasure counts anew."""
    first = await kept.store.erase([GONE], "e1", Phase.DATA)
    assert await kept.store.erase([GONE], "e1", Phase.DATA) == first
    assert dict((await kept.store.erase([GONE], "e2", Phase.DATA)).counts) == {}
    before = await kept.store.count([STAYS])
    assert await kept.store.erase([GONE, STAYS], "e1", Phase.DATA) == first
    assert await kept.store.count([STAYS]) == before


async def test_late_news_do_not_bring_an_erased_subject_back(kept: Kept):
    """They were on their way when it was erased; what they say of others is taken in."""
    await kept.store.erase([GONE], "e1", Phase.DATA)
    others = dict(await kept.store.count([STAYS]))
    await kept.tell()
    assert await kept.store.count([GONE]) == {}
    assert dict(await kept.store.count([STAYS])) == others


async def test_keys_go_in_their_own_phase_and_are_named_once(kept: Kept):
    """The data phase leaves them; after theirs none can be made again."""
    await kept.database.write(lambda connection: kept.keys.key_in(connection, GONE))
    await kept.store.erase([GONE], "e1", Phase.DATA)
    assert GONE in kept.keys.existing(kept.database.reader, [GONE])
    erased = await kept.store.erase([GONE], "e1", Phase.KEYS)
    assert len(erased.keys) == 1
    assert dict(erased.counts) == {"key": 1}
    assert kept.keys.existing(kept.database.reader, [GONE]) == {}
    assert await kept.store.erase([GONE], "e1", Phase.KEYS) == erased


async def test_of_consent_a_skeleton_stays_that_names_nobody(
    tmp_path: Path, policy: Policy, keyring: KeyRing
):
    """Purpose, action, times and notice, until the day the receipt says; records else never go."""
    async with kept_in("consent", tmp_path, policy, keyring) as kept:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            await kept.database.write(lambda connection: connection.execute("DELETE FROM records"))
        erased = await kept.store.erase([GONE], "e1", Phase.DATA)
        rows = kept.database.reader.execute("SELECT * FROM consent_skeleton").fetchall()
    (skeleton,) = erased.kept.values()
    assert skeleton.count == len(rows) == 1
    assert rows[0][:3] == ("e1", "loyalty", "GRANT")
    assert rows[0][-1] == skeleton.until_ms == 1_700_000_000_000 + policy.proof_days * 86_400_000
    assert json.loads(rows[0][6])["id"] == "privacy"
    assert GONE not in rows[0]
