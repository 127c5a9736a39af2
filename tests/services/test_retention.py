"""Sweeping real files: what is due goes, nothing else does, at whatever point a sweep was cut off."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.policy import Policy
from consent.retention import DAY_MS
from engagement.attributes import Attribute
from engagement.declaration import Declaration
from engagement.declared import AgeBand
from engagement.detail import Detail, coarse, packed, unpacked
from engagement.event import EventKind, Party
from engagement.loyalty.entry import PostingKind
from engagement.loyalty.reservation import Settling
from engagement.loyalty.store import Loyalty, Posting
from engagement.store import Declared
from identity.census import Quarantine
from identity.ids import IdentifierToken
from identity.judging import Judged, Undone
from identity.ledger import NEVER_MS, EdgeState, Evidence, LedgerEntry, Newborn, Sighting
from identity.linking import LinkRefusal, Request, Ruling, Verdict
from services.consent.policy_file import PolicyFileError, sign
from services.engagement.event_feed import projected_answers
from services.errors import Unavailable
from services.interceptors.audit import AuditRecord
from services.interceptors.plan import compile_service
from services.retention.running import AGAIN_S, EVERY_S, Sweeper, sweeping
from services.retention.sweeping import sweep_all
from services.storage import retention as storage
from services.storage import swept
from services.storage.attributes import AttributeTables
from services.storage.audit import StoredAuditLog
from services.storage.database import StoreUnusable
from services.storage.declared import DeclaredTables
from services.storage.engagement import EventTables
from services.storage.folder import FolderInUse, sole_user
from services.storage.identity import IdentityTables
from services.storage.loyalty import LoyaltyTables
from services.storage.recommender import RecommenderTables
from services.storage.sqlite import SqliteDatabase, SqliteFile
from tests.conftest import Clock
from tests.engagement.attributes import value
from tests.engagement.declarations import aged, declare_request, likes
from tests.engagement.events import event, subject
from tests.engagement.loyalty.lines import of_points, programme, reservation
from tests.given import recognition
from tests.probe.v1 import probe_pb2
from tests.recommender import events as projected
from tests.recommender.conftest import opened, purchases_of_two_tastes, shop_items

NOW_MS = 30_000 * DAY_MS + 5
PRECISE = "8a1f1d48b657fff"
LIMITS = {EventKind.VIEW: 10, EventKind.ORDER: 100}


@pytest.fixture
def short(policy: Policy) -> Policy:
    """The shipped policy with short limits."""
    return with_limits(policy)


def with_limits(policy: Policy, **records: int | None) -> Policy:
    events = dict.fromkeys(policy.retention.events, 50) | {kind.name: days for kind, days in LIMITS.items()}
    kept = dict.fromkeys(policy.retention.records, 20) | records
    return replace(policy, retention=replace(policy.retention, events=events, records=kept))


def limit_of(kind: int) -> int:
    return LIMITS.get(EventKind(kind), 50)


def rows(database: SqliteDatabase, query: str, *values: object) -> list[Any]:
    return database.reader.execute(query, values).fetchall()


@given(
    facts=st.lists(
        st.tuples(
            st.sampled_from(list(EventKind)),
            st.integers(0, 120),  # days ago it was recorded
            st.sampled_from([None, NOW_MS - 1, NOW_MS, NOW_MS + 1]),
            st.integers(1, 4),
        ),
        max_size=25,
    )
)
@settings(max_examples=40)
def test_exactly_what_is_due_goes_from_the_events_and_from_what_is_known_of_them(policy, facts):
    """By its kind's limit or by its source's own end; both stores agree on every event."""
    short = with_limits(policy)
    due = [
        (NOW_MS - ago * DAY_MS) // DAY_MS + limit_of(kind) < NOW_MS // DAY_MS
        or (ends_ms is not None and ends_ms <= NOW_MS)
        for kind, ago, ends_ms, _ in facts
    ]

    async def check(folder: Path) -> None:
        whole, known = (
            SqliteDatabase(folder / "e.db", "engagement"),
            SqliteDatabase(folder / "r.db", "recommender"),
        )
        try:
            await EventTables(whole).append(
                [
                    event(
                        str(n),
                        kind=kind,
                        subject=subject(who),
                        expires_at_ms=ends,
                        recorded_at_ms=NOW_MS - ago * DAY_MS,
                    )
                    for n, (kind, ago, ends, who) in enumerate(facts)
                ]
            )
            recommender = RecommenderTables(known)
            news = [
                projected.event(n, who, kind=kind, expires_at_ms=ends, recorded_day=NOW_MS // DAY_MS - ago)
                for n, (kind, ago, ends, who) in enumerate(facts)
            ]
            await recommender.apply(1, news)
            gone: set[Any] = set()

            async def forget(subjects: Any) -> None:
                gone.update(subjects)

            clock = Clock(NOW_MS)
            first = await Sweeper("engagement", whole, short, clock).sweep()
            second = await Sweeper("recommender", known, short, clock, forget).sweep()
            assert first == second
            assert sum(first.values()) == sum(due)
            left = [fact for fact, is_due in zip(facts, due, strict=True) if not is_due]
            assert len(rows(whole, "SELECT 1 FROM event")) == len(left)
            for who in range(1, 5):
                history = await recommender.history(projected.subject(who))
                assert len(history) == sum(fact[3] == who for fact in left)
            assert gone == {
                projected.subject(fact[3]) for fact, is_due in zip(facts, due, strict=True) if is_due
            }
        finally:
            whole.close()
            known.close()

    with TemporaryDirectory() as folder:
        asyncio.run(check(Path(folder)))


async def test_what_was_declared_long_ago_and_not_said_again_goes_from_both_stores(tmp_path, short):
    """By the day it was last said, the age band by a limit of its own."""
    short = with_limits(short, preferences=20, age_bands=10)
    whole, known = (
        SqliteDatabase(tmp_path / "e.db", "engagement"),
        SqliteDatabase(tmp_path / "r.db", "recommender"),
    )
    said = [
        *((likes, "old", 21), (likes, "kept", 20)),
        *((aged, AgeBand.FROM_65, 11), (aged, AgeBand.UNDER_13, 10)),
    ]
    stores = DeclaredTables(whole), RecommenderTables(known)
    for who, (make, what, ago) in enumerate(said, start=1):
        answer = make(what, subject=subject(who), declared_at_ms=NOW_MS - ago * DAY_MS)
        await stores[0].declare(
            declare_request(str(who), now_ms=NOW_MS), Declaration(subject(who), (answer,))
        )
        await stores[1].apply(who, [], [projected_answers(Declared(subject(who), (answer,)))])
    forgotten: list[Any] = []

    async def forget(subjects: Any) -> None:
        forgotten.extend(subjects)

    first = await Sweeper("engagement", whole, short, Clock(NOW_MS)).sweep()
    second = await Sweeper("recommender", known, short, Clock(NOW_MS), forget).sweep()
    assert first == second == {"preferences": 1, "age_bands": 1}
    for who, left in enumerate([0, 1, 0, 1], start=1):
        assert len(await stores[0].declared([subject(who)])) == left
        assert len(await stores[1].declared(subject(who))) == left
    assert forgotten == [subject(1), subject(3)]
    whole.close()
    known.close()


async def test_attributes_go_by_what_they_are_and_corrections_stay(tmp_path, short):
    """What a person said, what was observed, what is special: each by its own limit, or by its own end."""
    limits = {"attributes": 20, "observed_attributes": 10, "special_attributes": 5}
    short = with_limits(short, **limits, precise_places=1000, corrections=None)
    database = SqliteDatabase(tmp_path / "e.db", "engagement")
    store = AttributeTables(database)
    told = [
        (value(party=Party.ZERO), 20, "attributes"),
        (value(), 10, "observed_attributes"),
        (value(party=Party.INFERRED), 10, "observed_attributes"),
        (value(Attribute.DIET, "vegan", party=Party.ZERO), 5, "special_attributes"),
        (value(Attribute.DIET, "vegan", party=Party.ZERO, corrected=1), 5, "special_attributes"),
        (value(Attribute.DIET, "", party=Party.ZERO, corrected=1), 5000, ""),
        (value(text="", party=Party.ZERO, corrected=1), 5000, ""),
    ]
    for who, (one, days, _) in enumerate(told):
        for late in (0, 1):
            at_ms = NOW_MS - (days + late) * DAY_MS
            await store.record([one._replace(subject=subject(10 * who + late), recorded_at_ms=at_ms)])
    await store.record([value(subject=subject(99), recorded_at_ms=NOW_MS, expires_at_ms=NOW_MS)])
    swept_away = await Sweeper("engagement", database, short, Clock(NOW_MS)).sweep()
    assert swept_away == {"attributes": 1, "observed_attributes": 3, "special_attributes": 2}
    for who, (*_, record) in enumerate(told):
        assert len(await store.values([subject(10 * who)])) == 1
        assert len(await store.values([subject(10 * who + 1)])) == (not record)
    database.close()


async def test_of_a_precise_place_only_the_coarse_one_stays(tmp_path, short):
    """Of an event and of a home, each when it is due and not before; nothing is counted twice."""
    short = with_limits(short, precise_places=1)
    database = SqliteDatabase(tmp_path / "e.db", "engagement")
    events, values = EventTables(database), AttributeTables(database)
    for ago, who in ((1, 1), (2, 2)):
        at_ms = NOW_MS - ago * DAY_MS
        detail = packed(Detail(dwell_ms=3, place_cell=PRECISE))
        told = event(str(who), subject=subject(who), recorded_at_ms=at_ms, detail=detail)
        await events.append([told])
        home = value(Attribute.HOME_CELL, PRECISE, subject=subject(who), recorded_at_ms=at_ms)
        await values.record([home])
    sweeper = Sweeper("engagement", database, short, Clock(NOW_MS))
    assert await sweeper.sweep() == {"precise_places": 2}
    assert await sweeper.sweep() == {}
    kept = [unpacked(text) for (text,) in rows(database, "SELECT detail FROM event ORDER BY id")]
    assert kept == [Detail(dwell_ms=3, place_cell=PRECISE), Detail(dwell_ms=3, place_cell=coarse(PRECISE))]
    homes = [one.value for one in await values.values([subject(1), subject(2)])]
    assert homes == [PRECISE, coarse(PRECISE)]
    database.close()


async def test_whoever_loses_an_event_gets_another_number_and_nobody_else_does(tmp_path, short):
    """By that a model that was learned from more than is left is told apart."""
    database = SqliteDatabase(tmp_path / "r.db", "recommender")
    store = RecommenderTables(database)
    today = NOW_MS // DAY_MS
    await store.apply(
        1,
        [
            projected.event(1, who=1, recorded_day=today - 500),
            projected.event(2, who=1, recorded_day=today),
            projected.event(3, who=2, recorded_day=today),
            projected.event(4, who=3, recorded_day=today - 500),
        ],
    )
    everybody = [projected.subject(who) for who in (1, 2, 3)]
    before = await store.subject_numbers(everybody)
    await Sweeper("recommender", database, short, Clock(NOW_MS)).sweep()
    one, two, three = await store.subject_numbers(everybody)
    assert one not in before and two == before[1] and three == 0
    assert [len(await store.history(who)) for who in everybody] == [1, 1, 0]
    database.close()


async def test_the_model_in_service_after_a_sweep_is_that_of_a_store_which_never_knew_what_went(
    tmp_path, guard, short
):
    clock = Clock(projected.NOW_MS)
    today = projected.NOW_MS // DAY_MS
    stale = [
        projected.event(9000 + n, who=100 + n, item_id=f"item-{1 + n % 9}", recorded_day=today - 101)
        for n in range(40)
    ]
    models = []
    for name, more in (("swept", stale), ("pure", [])):
        folder = tmp_path / name
        folder.mkdir()
        async with opened(folder, guard, clock) as world:
            await world.put(shop_items())
            await world.tell(*purchases_of_two_tastes(), *more)
            world.permit(*(projected.subject(person + 100) for person in range(60)))
            await world.train()
            before = world.recommender.live.model
            database = world.recommender.projection._store._database
            sweeper = Sweeper("recommender", database, short, clock, world.recommender.people.forget)
            swept = await sweeper.sweep()
            assert swept == ({"event ORDER": 40} if more else {})
            models.append(world.recommender.live.model)
            assert (before.version == models[-1].version) == (not more)
            kept = [path.name for path in (folder / "models").iterdir() if path.name.isdigit()]
            assert (before.version in kept) == (not more)
    for ours, theirs in zip(*(model.vectors.all() for model in models), strict=True):
        # Who lost an event has another number, so people are summed up in another order.
        assert np.abs(ours @ models[0].vectors.given.T - theirs @ models[1].vectors.given.T).max() < 1e-5
    assert np.array_equal(models[0].hazard.exposed, models[1].hazard.exposed)


async def test_a_sweep_that_is_cut_off_is_finished_by_the_next_and_each_deletion_is_counted_once(
    tmp_path, short, monkeypatch
):
    monkeypatch.setattr(storage, "BATCH_ROWS", 10)
    monkeypatch.setattr(swept.end_of_batch, "__defaults__", (10,))
    database = SqliteDatabase(tmp_path / "e.db", "engagement")
    store = EventTables(database)
    await store.append([event(str(n), recorded_at_ms=0) for n in range(95)])
    await store.append([event("kept", recorded_at_ms=NOW_MS)])

    class CutOffError(Exception):
        pass

    def cut_off(deleted: Any) -> None:
        if deleted["event ORDER"] >= 30:
            raise CutOffError

    sweeper = Sweeper("engagement", database, short, Clock(NOW_MS))
    with pytest.raises(CutOffError):
        await sweeper.sweep(cut_off)
    assert len(rows(database, "SELECT 1 FROM event")) == 66
    assert await sweeper.sweep() == {"event ORDER": 65}
    assert await sweeper.sweep() == {}
    assert rows(database, "SELECT kind, sum(deleted), count(*) FROM sweep") == [("event ORDER", 95, 2)]
    assert {digest for (digest,) in rows(database, "SELECT policy FROM sweep")} == {short.digest}
    database.close()


async def test_others_write_between_two_batches(tmp_path, short, monkeypatch):
    monkeypatch.setattr(swept.end_of_batch, "__defaults__", (10,))
    database = SqliteDatabase(tmp_path / "e.db", "engagement")
    store = EventTables(database)
    await store.append([event(str(n), recorded_at_ms=0) for n in range(50)])
    sweep = asyncio.ensure_future(Sweeper("engagement", database, short, Clock(NOW_MS)).sweep())
    await asyncio.sleep(0)
    appended = await store.append([event("meanwhile", recorded_at_ms=NOW_MS)])
    assert appended.recorded == 1
    assert await sweep == {"event ORDER": 50}
    assert len(rows(database, "SELECT 1 FROM event")) == 1
    database.close()


async def test_answers_to_requests_and_refused_links_go_when_they_are_due_and_links_do_not(tmp_path, short):
    database = SqliteDatabase(tmp_path / "i.db", "identity")
    store = IdentityTables(database, recognition)
    for request_id, at_ms in (("old", 0), ("new", NOW_MS)):
        seen = Sighting(subject(1), subject(2), Evidence.LOGIN, request_id, at_ms, NEVER_MS, 1000)
        rulings = [Ruling(seen, Verdict.NEW), Ruling(seen, Verdict.REFUSED, LinkRefusal.PERSON_TOO_LARGE)]
        await store.link(Request("acme/shop", "Link", request_id, b""), Judged(rulings, []), b"answer", at_ms)
    swept = await Sweeper("identity", database, short, Clock(NOW_MS)).sweep()
    assert swept == {"answers": 1, "refused_links": 1}
    assert await store.done(Request("acme/shop", "Link", "old", b"")) is None
    assert await store.done(Request("acme/shop", "Link", "new", b"")) is not None
    assert len((await store.pending()).edges) == 2
    database.close()


async def test_quarantined_links_go_when_they_are_due_and_what_carries_refusals_or_corrects_does_not(
    tmp_path, short
):
    """With their place in the sequence; what they showed to be shared stays so."""
    database = SqliteDatabase(tmp_path / "i.db", "identity")
    store = IdentityTables(database, recognition)
    await store.bear([Newborn(IdentifierToken(b"\1" * 49), 1, subject(1))], 0)
    seen = [Sighting(subject(1), subject(n), Evidence.LOGIN, "web", 0, NEVER_MS, 1000) for n in (2, 3, 4)]
    linked = await store.link(
        Request("shop", "Link", "a", b""), Judged([Ruling(one, Verdict.NEW) for one in seen], []), b"", 0
    )
    gone, carries, wrong = linked.edges
    shared = Quarantine(LinkRefusal.IDENTIFIER_SHARED, subject(1), (gone,), (carries,))
    await store.link(Request("shop", "Link", "b", b""), Judged([], [shared]), b"", 0)
    entry = LedgerEntry(wrong._replace(state=EdgeState.UNLINK_PENDING), 0, "typo")
    last = await store.unlink(Request("shop", "Unlink", "c", b""), Undone([entry], []), b"", 0)
    await store.confirm(last.seq)
    swept = await Sweeper("identity", database, short, Clock(NOW_MS)).sweep()
    assert swept == {"answers": 3, "quarantined_links": 1}
    assert rows(database, "SELECT edge_id FROM edge") == [(carries.edge_id,), (wrong.edge_id,)]
    assert rows(database, "SELECT 1 FROM edge_change WHERE edge_id = ?", gone.edge_id) == []
    assert await store.shared() == {subject(1)}
    database.close()


async def test_what_an_erasure_left_as_proof_goes_when_it_says_itself(tmp_path, short):
    database = SqliteDatabase(tmp_path / "c.db", "consent")
    rows_of = [("erasure", "service", "GRANT", 0, 0, 0, None, at_ms) for at_ms in (NOW_MS, NOW_MS + 1)]
    await database.write(
        lambda connection: connection.executemany(
            "INSERT INTO consent_skeleton VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows_of
        )
    )
    assert await Sweeper("consent", database, short, Clock(NOW_MS)).sweep() == {"consent_skeletons": 1}
    assert rows(database, "SELECT goes_at_ms FROM consent_skeleton") == [(NOW_MS + 1,)]
    database.close()


async def test_after_a_sweep_no_byte_of_what_went_is_in_a_file(tmp_path, short):
    database = SqliteDatabase(tmp_path / "e.db", "engagement")
    store = EventTables(database)
    await store.append([event("1", item_id="canary-of-a-swept-event", recorded_at_ms=0)])
    held = b"canary-of-a-swept-event"
    assert any(held in path.read_bytes() for path in tmp_path.iterdir())
    await Sweeper("engagement", database, short, Clock(NOW_MS)).sweep()
    assert not any(held in path.read_bytes() for path in tmp_path.iterdir())
    database.close()


@pytest.mark.parametrize("service", ["identity", "consent", "engagement", "recommender"])
async def test_audit_rows_go_from_every_file_when_they_are_due(tmp_path, short, keyring, policy, service):
    database = SqliteDatabase(tmp_path / "any.db", service)
    log = StoredAuditLog(database, keyring)
    (plan, *_) = compile_service(probe_pb2.DESCRIPTOR.services_by_name["ProbeService"], policy).values()
    for at_ms in (1, NOW_MS - 21 * DAY_MS, NOW_MS - 20 * DAY_MS, NOW_MS):
        log.append(AuditRecord(at_ms, "r", "shop", plan, None, 1, {}, 0, (), "OK", ""))
        await log.flush()
    assert await Sweeper(service, database, short, Clock(NOW_MS)).sweep() == {"audit": 2}
    assert len(rows(database, "SELECT 1 FROM audit_batches")) == 2
    database.close()


async def test_a_batch_that_can_not_be_committed_deletes_nothing(tmp_path, short):
    database = SqliteDatabase(tmp_path / "e.db", "engagement")
    await EventTables(database).append([event(recorded_at_ms=0)])
    await database.write(lambda connection: connection.execute("DROP TABLE sweep"))
    with pytest.raises(StoreUnusable):
        await Sweeper("engagement", database, short, Clock(NOW_MS)).sweep()
    assert len(rows(database, "SELECT 1 FROM event")) == 1
    database.close()


async def test_a_running_suite_sweeps_by_itself_says_what_went_and_tries_again_after_a_fault(tmp_path, short):
    database = SqliteDatabase(tmp_path / "e.db", "engagement")
    store = EventTables(database)
    await store.append([event("1", recorded_at_ms=0)])
    turns: asyncio.Queue[float] = asyncio.Queue()
    go_on = asyncio.Event()
    logged: list[str] = []

    async def pause(seconds: float) -> None:
        turns.put_nowait(seconds)
        await go_on.wait()
        go_on.clear()

    sweeper = Sweeper("engagement", database, short, Clock(NOW_MS))
    async with sweeping([sweeper], logged.append, pause) as task:
        assert await turns.get() == EVERY_S
        assert logged == ["retention: engagement: 1 event ORDER deleted\n"]
        await database.write(lambda connection: connection.execute("ALTER TABLE sweep RENAME TO hidden"))
        await store.append([event("2", recorded_at_ms=0)])
        go_on.set()
        assert await turns.get() == AGAIN_S
        assert "could not be swept to the end" in logged[-1]
        await database.write(lambda connection: connection.execute("ALTER TABLE hidden RENAME TO sweep"))
        go_on.set()
        await turns.get()
        assert len(logged) == 3
        assert rows(database, "SELECT 1 FROM event") == []
        assert not task.done()
    assert task.cancelled()
    database.close()


@pytest.mark.parametrize("failure", [Unavailable("NOT_READY"), OSError(28, "No space left on device")])
async def test_whoever_could_not_be_forgotten_is_forgotten_by_the_next_sweep(tmp_path, short, failure):
    """The sweeps go on, and say so; before, the process ended and the next knew nobody to forget."""
    database = SqliteDatabase(tmp_path / "r.db", "recommender")
    await RecommenderTables(database).apply(1, [projected.event(1, who=1, recorded_day=0)])
    asked: list[Any] = []
    logged: list[str] = []
    turns: asyncio.Queue[float] = asyncio.Queue(1)

    async def forget(subjects: Any) -> None:
        asked.append(subjects)
        if len(asked) == 1:
            raise failure

    async def pause(seconds: float) -> None:
        await turns.put(seconds)

    sweeper = Sweeper("recommender", database, short, Clock(NOW_MS), forget)
    async with asyncio.timeout(10), sweeping([sweeper], logged.append, pause) as task:
        assert [await turns.get() for _ in range(3)] == [AGAIN_S, EVERY_S, EVERY_S]
        assert not task.done()
    assert asked == [[projected.subject(1)]] * 2
    assert len(logged) == 1 and f"{type(failure).__name__}; it is tried again" in logged[0]
    database.close()


async def test_the_command_sweeps_every_file_there_is_and_none_of_a_service_that_runs(tmp_path, short):
    class Config:
        folder, policy = tmp_path, short

        @staticmethod
        def store(service: str) -> SqliteFile:
            return SqliteFile(tmp_path / f"{service}.db", service)

    for service in ("engagement", "identity"):
        SqliteDatabase(tmp_path / f"{service}.db", service).close()
    database = SqliteDatabase(tmp_path / "engagement.db", "engagement")
    await EventTables(database).append([event(recorded_at_ms=0)])
    database.close()
    lines: list[str] = []
    with sole_user(tmp_path, "engagement"), pytest.raises(FolderInUse):
        await sweep_all(Config, lines.append, Clock(NOW_MS))
    assert lines == ["identity: nothing was due"]
    deleted = await sweep_all(Config, lines.append, Clock(NOW_MS))
    assert deleted == {"identity": {}, "engagement": {"event ORDER": 1}}
    assert lines[-1] == "engagement: 1 event ORDER"


@pytest.mark.parametrize("line", ["VIEW = 395", "IDENTIFIER = ", "audit = 1095"])
def test_a_policy_file_that_forgets_a_kind_is_not_signed_and_does_not_start(tmp_path: Path, line: str):
    text = (Path(__file__).parents[2] / "consent/policy.toml").read_text()
    changed = "\n".join(row for row in text.splitlines() if not row.startswith(line))
    (tmp_path / "policy.toml").write_text(changed)
    with pytest.raises(PolicyFileError, match=f"no limit for {line.split(' ', maxsplit=1)[0]}"):
        sign(tmp_path / "policy.toml", Ed25519PrivateKey.generate())


async def test_a_loyalty_account_goes_as_a_whole_when_nobody_used_it_for_so_long(tmp_path, policy):
    """An old line of an account that is in use stays: the rest of it would say something else.

    A reservation that ran out goes with the share that it had.
    """
    short = with_limits(policy, loyalty=10, answers=5)
    database = SqliteDatabase(tmp_path / "e.db", "engagement")
    loyalty = LoyaltyTables(database)
    old, new = NOW_MS - 11 * DAY_MS, NOW_MS - 10 * DAY_MS
    lines = [
        of_points("idle", PostingKind.ADJUST, 500, subject=subject(1), recorded_at_ms=old),
        of_points("old", PostingKind.ADJUST, 500, subject=subject(2), recorded_at_ms=old),
        of_points("new", PostingKind.ADJUST, -1, subject=subject(2), recorded_at_ms=new),
    ]
    await loyalty.post([Posting(one, ()) for one in lines])
    for number, days in enumerate((7, 6, 5), start=1):  # the first is handed over, the others run out
        at_ms = NOW_MS - days * DAY_MS
        cup = reservation(number, subject=subject(2), reserved_ms=at_ms, expires_ms=at_ms + 1)
        await loyalty.reserve(cup, Loyalty([subject(2)], [programme()], 0, at_ms))
    await loyalty.settle(reservation(1).reservation_id, [subject(2)], Settling.COMMITTED, NOW_MS - 7 * DAY_MS)
    gone = await Sweeper("engagement", database, short, Clock(NOW_MS)).sweep()
    assert {kind: gone[kind] for kind in ("loyalty", "answers")} == {"loyalty": 1, "answers": 2}
    kept = await loyalty.recorded(Loyalty([subject(1), subject(2)], [programme()], 0, NOW_MS))
    assert sorted(one.reference for one in kept.entries) == ["new", "old"]
    assert sorted(one.reservation_id[-1] for one in kept.shares) == [1, 3]
    assert len(rows(database, "SELECT 1 FROM loyalty_account")) == 1
    database.close()
