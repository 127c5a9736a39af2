"""A restored deployment is the saved one, and nobody who was erased or withdrew since is back."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from consent.component import GraphStep
from consent.record import Action
from identity.ids import SubjectId
from identity.keyring import KeyRing
from services.deployment.config import SERVICES, SuiteConfig
from services.storage import backup_files, migrations
from services.storage.absence import found_by_bytes, found_by_tag
from services.storage.backup_files import FileSet
from services.storage.backup_manifest import NAME, BackupUnusable
from services.storage.database import SchemaTooNew, TurnTaken
from services.storage.durable import digest_of
from services.storage.folder import PLACING, FolderInUse, sole_user
from services.storage.sqlite import connect
from services.storage.stored_models import StoredModels
from services.storage.subjects_kept import columns_of
from services.storage.tombstones import tag_of
from tests.consent.statements import NOW_MS
from tests.contract.engines import ENGINES
from tests.services.backed_up import deployment, opened, put_back, save
from tests.services.erasure_world import CARD, GONE, NEIGHBOUR

pytestmark = pytest.mark.filterwarnings("error")


def _changed(backup: Path, **what: object) -> None:
    """Has the manifest of a backup say something else, and be whole."""
    content = json.loads((backup / NAME).read_text())
    content.pop("digest")
    content |= what
    content["digest"] = digest_of(content)
    (backup / NAME).write_text(json.dumps(content))


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_restored_deployment_counts_and_tells_what_the_saved_one_did(
    engine: str, tmp_path: Path
) -> None:
    config = await deployment(engine, tmp_path / "suite")
    async with opened(config) as suite:
        before = await suite.counts(GONE), await suite.export(GONE)
        backup = await save(config, tmp_path / "backup")
    restored = await put_back(config, backup, replace=True)
    assert (restored.erased, restored.carried.records) == (0, 0)
    async with opened(config) as suite:
        assert (await suite.counts(GONE), await suite.export(GONE)) == before
        # The engine's counters go on: none of what is written now takes the number of what is there.
        await suite.say(GONE, "marketing", Action.REFUSE, 90)
        assert (await suite.counts(GONE))["consent"]["consent record"] == 1 + before[0]["consent"][
            "consent record"
        ]


@pytest.mark.parametrize("engine", ENGINES)
async def test_who_was_erased_and_who_withdrew_after_the_backup_stays_so(engine: str, tmp_path: Path) -> None:
    """The deployment's own consent tables say it; no store holds the erased any more, under no form."""
    config = await deployment(engine, tmp_path / "suite")
    async with opened(config):
        backup = await save(config, tmp_path / "backup")
    async with opened(config) as suite:
        await suite.say(NEIGHBOUR, "personalise", Action.WITHDRAW, 80)
        receipt = await suite.erase(GONE, CARD, suppress=True)
        said = await suite.export(NEIGHBOUR)
        head = await suite.rows("consent", "SELECT size, root FROM log_heads ORDER BY size DESC LIMIT 1")
        skeletons = await suite.rows(
            "consent", "SELECT * FROM consent_skeleton ORDER BY recorded_at_ms, node"
        )
        epoch = suite.authority.epoch
    restored = await put_back(config, backup, replace=True)
    assert restored.erased == 2
    async with opened(config) as suite:
        assert await suite.counts(GONE, CARD) == {name: {} for name in SERVICES}
        for service in SERVICES:
            for table, column in columns_of(service):
                query = f"SELECT {column} FROM {table}"  # noqa: S608 - our own names
                assert not {(GONE,), (CARD,)} & set(await suite.rows(service, query))
        assert [one for one in await suite.export(NEIGHBOUR) if getattr(one, "store", "") == "consent"] == [
            one for one in said if getattr(one, "store", "") == "consent"
        ]
        assert head[0] in await suite.rows("consent", "SELECT size, root FROM log_heads")
        assert skeletons == await suite.rows(
            "consent", "SELECT * FROM consent_skeleton ORDER BY recorded_at_ms, node"
        )
        assert suite.authority.epoch > epoch
        assert len(await suite.rows("identity", "SELECT * FROM suppression")) == 2
        erasure_id = json.loads(receipt.body)["erasure_id"]
        assert await suite.erasures.receipt(erasure_id) == receipt
    if engine == "sqlite":
        tags = [tag_of(GONE), tag_of(CARD)]
        assert [one for s in SERVICES for one in found_by_tag(config.folder / f"{s}.db", tags)] == []
        assert [one for s in SERVICES for one in found_by_bytes(config.folder / f"{s}.db", GONE)] == []


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_later_backup_says_what_an_earlier_one_can_not_know(engine: str, tmp_path: Path) -> None:
    """Without the deployment's own tables, and without a later backup, a restore is refused."""
    config = await deployment(engine, tmp_path / "suite")
    async with opened(config):
        early = await save(config, tmp_path / "early")
    async with opened(config) as suite:
        await suite.erase(GONE)
        late = await save(config, tmp_path / "late")
    lost = replace(await deployment(engine, tmp_path / "lost"), keyring=config.keyring)
    (lost.folder / "filled").touch()
    with pytest.raises(BackupUnusable, match="nothing says"):
        await put_back(lost, early)
    with pytest.raises(BackupUnusable, match=r"does not go on|older|lacks"):
        await put_back(lost, late, journal=early)
    assert (await put_back(lost, early, journal=late)).erased == 1
    async with opened(lost) as suite:
        assert await suite.counts(GONE) == {name: {} for name in SERVICES}


async def test_without_a_journal_a_restore_brings_back_who_was_erased_and_says_so(tmp_path: Path) -> None:
    config, other = [await deployment("sqlite", tmp_path / name) for name in ("suite", "other")]
    async with opened(config) as suite:
        backup = await save(config, tmp_path / "backup")
        await suite.erase(GONE)
    (other.folder / "filled").touch()
    restored = await put_back(other, backup, accept_loss=True)
    assert (restored.carried, restored.manifest.begun_at_ms) == (None, NOW_MS)
    async with opened(other) as suite:
        assert (await suite.counts(GONE))["identity"]["identifier"] == 1


async def test_no_copy_is_the_last_word_while_the_tables_themselves_know_more(tmp_path: Path) -> None:
    """Only when the deployment's own tables are damaged a copy that knows less is taken."""
    config = await deployment("sqlite", tmp_path / "suite")
    async with opened(config):
        backup = await save(config, tmp_path / "backup")
        copy = await save(config, tmp_path / "copy")
    assert (await put_back(config, backup, replace=True, journal=copy)).carried == (0, 0)
    async with opened(config) as suite:
        await suite.say(NEIGHBOUR, "personalise", Action.WITHDRAW, 80)
    with pytest.raises(BackupUnusable, match="know more"):
        await put_back(config, backup, replace=True, journal=copy)
    (config.folder / "consent.db").write_bytes(b"what a broken disk left")
    with pytest.raises(BackupUnusable, match="can be read"):
        await put_back(config, backup, replace=True)
    assert (await put_back(config, backup, replace=True, journal=copy)).carried == (0, 0)


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_does_not_fit_is_refused_and_nothing_is_changed(engine: str, tmp_path: Path) -> None:
    config = await deployment(engine, tmp_path / "suite")
    async with opened(config) as suite:
        backup = await save(config, tmp_path / "backup")
        before = await suite.export(NEIGHBOUR)
    content = (backup / NAME).read_text()
    schemas = json.loads(content)["saved"]
    with pytest.raises(BackupUnusable, match="nothing is overwritten"):
        await save(config, backup)
    with pytest.raises(BackupUnusable, match="there already"):
        await put_back(config, backup)
    schemas["schemas"]["consent"]["consent"] = len(migrations.of("consent")) + 1
    _changed(backup, saved=schemas)
    with pytest.raises(SchemaTooNew):
        await put_back(config, backup, replace=True)
    (backup / NAME).write_text(content)
    _changed(backup, tenant="other")
    with pytest.raises(BackupUnusable, match="tenant"):
        await put_back(config, backup, replace=True)
    (backup / NAME).write_text(content.replace('"acme"', '"acne"'))
    with pytest.raises(BackupUnusable, match="changed"):
        await put_back(config, backup, replace=True)
    (backup / NAME).write_text(content)
    another = replace(config, keyring=KeyRing.create(bytes, 0))
    _changed(backup, keys={"identifier": [1, 2]})
    with pytest.raises(BackupUnusable, match="key ring"):
        await put_back(another, backup, replace=True)
    (backup / NAME).write_text(content)
    damaged = min(path for path in backup.rglob("*") if path.is_file() and path.name != NAME)
    damaged.write_bytes(damaged.read_bytes() + b"\0")
    with pytest.raises(BackupUnusable, match="changed"):
        await put_back(config, backup, replace=True)
    async with opened(config) as suite:
        assert await suite.export(NEIGHBOUR) == before


@pytest.mark.parametrize("engine", ENGINES)
async def test_nobody_is_restored_over_who_serves(engine: str, tmp_path: Path) -> None:
    config = await deployment(engine, tmp_path / "suite")
    async with opened(config):
        backup = await save(config, tmp_path / "backup")
    with sole_user(config.folder, "consent"):
        async with config.store("consent").turn(None):
            with pytest.raises((FolderInUse, TurnTaken)):
                await put_back(config, backup, replace=True)


_TURN = {  # a producer goes on, and its consumer has read all of it
    "engagement": "INSERT INTO outbox (seq, first_event, last_event) VALUES (?, 1, 0)",
    "identity": "INSERT INTO change (seq, first_birth, last_birth) VALUES (?, 1, 0)",
    "recommender": "UPDATE feed_cursor SET cursor = ?",
    "consent": "UPDATE authority SET graph_cursor = ?",
}


async def _must_go_on(config: SuiteConfig, backup: Path) -> None:
    """No cursor of a restored backup is ahead of what it counts."""
    (config.folder / "filled").touch()
    await put_back(config, backup, accept_loss=True)
    async with opened(config) as suite:
        for consumer, read, producer, told in (
            (
                "recommender",
                "SELECT max(cursor) FROM feed_cursor",
                "engagement",
                "SELECT max(seq) FROM outbox",
            ),
            ("consent", "SELECT graph_cursor FROM authority", "identity", "SELECT max(seq) FROM change"),
        ):
            [(cursor,)], [(last,)] = await suite.rows(consumer, read), await suite.rows(producer, told)
            assert 100 <= cursor <= last


async def test_a_backup_of_files_that_are_written_between_lets_every_reader_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each state is taken hold of, everybody goes on once more: the worst moment there is."""
    config = await deployment("sqlite", tmp_path / "suite")
    async with opened(config):
        pass
    turns = iter(range(100, 200))

    def watched(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
        reader = connect(path, read_only=read_only)
        reader.set_trace_callback(lambda statement: go_on() if "sqlite_schema" in statement else None)
        return reader

    def go_on() -> None:
        turn = next(turns)
        for service, statement in _TURN.items():
            with closing(connect(config.folder / f"{service}.db")) as writer:
                writer.execute(statement, (turn,))

    monkeypatch.setattr(backup_files, "connect", watched)
    backup = await save(config, tmp_path / "backup")
    monkeypatch.undo()
    assert next(turns) == 104
    await _must_go_on(await deployment("sqlite", tmp_path / "other"), backup)


async def test_a_backup_of_a_database_that_is_written_lets_every_reader_go_on(tmp_path: Path) -> None:
    config = await deployment("postgresql", tmp_path / "suite")
    async with opened(config) as suite:
        begun = asyncio.Event()

        async def write() -> None:
            for turn in range(100, 100_000):
                for service, statement in _TURN.items():
                    await suite.databases[service].write(lambda c, s=statement, t=turn: c.execute(s, (t,)))  # type: ignore[misc]
                begun.set()

        task = asyncio.create_task(write())
        await begun.wait()
        backup = await save(config, tmp_path / "backup")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        (last,) = (await suite.rows("engagement", "SELECT max(seq) FROM outbox"))[0]
    assert last > 100  # somebody wrote meanwhile
    await _must_go_on(await deployment("postgresql", tmp_path / "other"), backup)


async def test_an_erasure_that_is_open_goes_on_in_the_restored_stores(tmp_path: Path) -> None:
    """A store was away when it began; the restored set is without the person before anybody serves."""
    config = await deployment("sqlite", tmp_path / "suite")
    async with opened(config):
        backup = await save(config, tmp_path / "backup")
    async with opened(config) as suite:
        del suite.stores["engagement"]
        erasure_id = await suite.erasures.begin([GONE], suppress=False, requested_by="desk")
    assert (await put_back(config, backup, replace=True)).erased == 1
    async with opened(config) as suite:
        assert await suite.counts(GONE) == {name: {} for name in SERVICES}
        assert await suite.erasures.receipt(erasure_id) is None
        await suite.erasures.resume()
        receipt = json.loads((await suite.erasures.finished(erasure_id)).body)
    assert receipt["subjects"] == [tag_of(GONE).hex()]


async def test_an_erasure_that_only_one_saved_store_knows_is_one_in_all(tmp_path: Path) -> None:
    """It ended between the moment of consent's state and that of another store; nobody has a journal."""
    config, other = [await deployment("sqlite", tmp_path / name) for name in ("suite", "other")]
    async with opened(config):
        first = await save(config, tmp_path / "first")
    async with opened(config) as suite:
        await suite.erase(GONE)
        second = await save(config, tmp_path / "second")
    for service in ("identity", "engagement"):
        (second / f"{service}.db").rename(first / f"{service}.db")
    sums = json.loads((second / NAME).read_text())["files"]
    mixed = json.loads((first / NAME).read_text())["files"]
    _changed(first, files=mixed | {f"{one}.db": sums[f"{one}.db"] for one in ("identity", "engagement")})
    (other.folder / "filled").touch()
    await put_back(other, first, accept_loss=True)
    async with opened(other) as suite:
        assert await suite.counts(GONE) == {name: {} for name in SERVICES}


async def test_what_was_said_of_identifiers_the_backup_has_not_seen_is_counted_and_left_out(
    tmp_path: Path,
) -> None:
    """They come back under another birth subject, so a record of this one could never be reached again."""
    config, late = await deployment("sqlite", tmp_path / "suite"), SubjectId(b"born-too-late-04")
    async with opened(config):
        backup = await save(config, tmp_path / "backup")
    async with opened(config) as suite:
        await suite.authority.apply_graph([GraphStep(50, (late,), ())])
        await suite.say(late, "marketing", Action.REFUSE, 70)
        await suite.say(NEIGHBOUR, "marketing", Action.REFUSE, 71)
    restored = await put_back(config, backup, replace=True)
    assert restored.carried == (1, 1)
    async with opened(config) as suite:
        assert (await suite.counts(late))["consent"] == {}


async def test_the_log_reads_on_where_a_restored_store_goes_on(tmp_path: Path) -> None:
    """A cursor of the journal may be ahead of a restored store; its new records would never be sealed."""
    config = await deployment("sqlite", tmp_path / "suite")
    async with opened(config) as suite:
        for last, cursor in ((5, 3), (9, 9)):
            await suite.databases["identity"].write(
                lambda c, last=last: c.execute(
                    "INSERT INTO number_given VALUES ('audit_batches', ?)"
                    " ON CONFLICT (name) DO UPDATE SET last = excluded.last",
                    (last,),
                )
            )
            await suite.databases["consent"].write(
                lambda c, cursor=cursor: c.execute(
                    "INSERT INTO log_sources VALUES ('identity', ?)"
                    " ON CONFLICT (source) DO UPDATE SET cursor = excluded.cursor",
                    (cursor,),
                )
            )
            if last == 5:
                backup = await save(config, tmp_path / "backup")
    await put_back(config, backup, replace=True)
    async with opened(config) as suite:
        assert await suite.rows("consent", "SELECT cursor FROM log_sources WHERE source = 'identity'") == [
            (5,)
        ]


async def test_nothing_learned_before_is_served_after(tmp_path: Path) -> None:
    """Models lie aside or go from the tables; those of another folder are of a projection that is no more."""
    config = await deployment("sqlite", tmp_path / "suite")
    async with opened(config) as suite:
        stored = StoredModels(suite.databases["recommender"])
        await stored.put("000001", {"learned_from.npy": b"whom"}, None, 0)
        projection = await suite.rows("recommender", "SELECT projection FROM state")
        producer = await suite.rows("engagement", "SELECT producer FROM announced")
        history = await suite.rows("consent", "SELECT history FROM authority")
        backup = await save(config, tmp_path / "backup")
    (config.folder / "models" / "m1").mkdir(parents=True)
    restored = await put_back(config, backup, replace=True)
    assert not (config.folder / "models").exists()
    assert (config.folder / restored.aside / "models" / "m1").exists()
    async with opened(config) as suite:
        assert await suite.rows("recommender", "SELECT projection FROM state") != projection
        assert await suite.rows("engagement", "SELECT producer FROM announced") != producer
        assert await suite.rows("consent", "SELECT history FROM authority") != history
        assert await suite.rows("recommender", "SELECT count(*) FROM model_part") == [(0,)]
        assert (await StoredModels(suite.databases["recommender"]).served()).version is None


async def test_a_placing_that_was_broken_off_is_finished_before_anybody_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = await deployment("sqlite", tmp_path / "suite")
    async with opened(config) as suite:
        backup = await save(config, tmp_path / "backup")
        await suite.databases["engagement"].write(lambda c: c.execute("DELETE FROM event"))
    monkeypatch.setattr(FileSet, "finish_placing", lambda *_: False)
    await put_back(config, backup, replace=True)
    monkeypatch.undo()
    assert (config.folder / PLACING).exists()
    with pytest.raises(FolderInUse, match="broken off"), sole_user(config.folder, "identity"):
        pass
    assert (await put_back(config, backup)).manifest is None
    with sole_user(config.folder, "identity"):
        async with opened(config) as suite:
            assert (await suite.counts(GONE))["engagement"] == {"event": 2}


async def test_a_backup_is_its_owners_alone_and_has_no_keys(tmp_path: Path) -> None:
    config = await deployment("sqlite", tmp_path / "suite")
    config.keyring_path.write_text(config.keyring.to_json())
    async with opened(config):
        backup = await save(config, tmp_path / "backup")
    assert {path.stat().st_mode & 0o777 for path in backup.iterdir()} == {0o600}
    assert backup.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in backup.iterdir()} == {NAME, *(f"{service}.db" for service in SERVICES)}


async def test_every_column_that_can_hold_a_subject_is_looked_through(tmp_path: Path) -> None:
    """What a search by tag of a full deployment finds is in a column that a restore looks through."""
    config = await deployment("sqlite", tmp_path / "suite")
    async with opened(config):
        pass
    for service in SERVICES:
        places = {
            f.place for f in found_by_tag(config.folder / f"{service}.db", [tag_of(GONE), tag_of(CARD)])
        }
        assert places <= {f"{table}.{column}" for table, column in columns_of(service)}
