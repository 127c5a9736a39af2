"""Keys that are gone when their salt is."""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path

import pytest

from identity.ids import SubjectId
from identity.keyring import KeyRing
from services.storage.sqlite import SqliteDatabase, connect
from services.storage.subject_keys import SubjectKeyDestroyed, SubjectKeys, key_id

ANN, BOB = SubjectId(b"a" * 16), SubjectId(b"b" * 16)


@pytest.fixture
def database(tmp_path: Path):
    opened = SqliteDatabase(tmp_path / "consent.db", "consent")
    yield opened
    opened.close()


@pytest.fixture
def keys(keyring: KeyRing) -> SubjectKeys:
    return SubjectKeys(keyring)


async def test_a_subject_keeps_its_key_and_no_two_have_the_same(database: SqliteDatabase, keys: SubjectKeys):
    """Made on first use, the same afterwards, in one transaction and the next."""
    first = await database.write(lambda c: keys.keys_in(c, [ANN, BOB, ANN]))
    again = await database.write(lambda c: keys.key_in(c, ANN))
    assert first[ANN] == again != first[BOB]
    assert {len(key) for key in first.values()} == {32}
    assert keys.existing(database.reader, [ANN, BOB]) == first


async def test_another_store_or_another_deployment_makes_another_key(
    tmp_path: Path, database: SqliteDatabase, keys: SubjectKeys
):
    """The salt is the store's, the root is the deployment's; both are needed."""
    key = await database.write(lambda c: keys.key_in(c, ANN))
    stranger = SubjectKeys(KeyRing.create(secrets.token_bytes, 0))
    assert stranger.existing(database.reader, [ANN])[ANN] != key
    elsewhere = SqliteDatabase(tmp_path / "identity.db", "identity")
    try:
        assert await elsewhere.write(lambda c: keys.key_in(c, ANN)) != key
    finally:
        elsewhere.close()


async def test_a_destroyed_key_is_in_no_file_and_is_never_made_again(
    tmp_path: Path, database: SqliteDatabase, keys: SubjectKeys
):
    """The salt is overwritten on disk, log included once it is truncated; its id can be told."""
    await database.write(lambda c: keys.keys_in(c, [ANN, BOB]))
    salts = [salt for (salt,) in database.reader.execute("SELECT salt FROM subject_keys")]
    before = await database.write(lambda c: keys.existing(c, [BOB]))
    (destroyed,) = await database.write(lambda c: keys.destroy(c, [ANN]))
    left = next(salt for salt in salts if key_id(salt) != destroyed)
    gone = next(salt for salt in salts if key_id(salt) == destroyed)
    with pytest.raises(SubjectKeyDestroyed):
        await database.write(lambda c: keys.key_in(c, ANN))
    assert keys.existing(database.reader, [ANN, BOB]) == before
    assert await database.write(lambda c: keys.destroy(c, [ANN])) == []  # once
    database.reader.close()
    connect(database.path).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    files = _everything_in(tmp_path)
    assert left in files
    assert gone not in files
    assert bytes(ANN) not in files


async def test_a_subject_without_a_key_can_be_kept_from_ever_having_one(
    database: SqliteDatabase, keys: SubjectKeys
):
    """Erased here before anything was sealed: what comes late seals nothing."""
    assert await database.write(lambda c: keys.destroy(c, [ANN])) == []
    assert await database.write(lambda c: keys.keys_in(c, [ANN])) == {}


async def test_a_key_whose_transaction_was_undone_is_not_remembered(
    database: SqliteDatabase, keys: SubjectKeys
):
    """Else something could be sealed that nobody can ever open."""

    def undone(connection: sqlite3.Connection) -> None:
        made.append(keys.key_in(connection, ANN))
        raise KeyError

    made: list[bytes] = []
    with pytest.raises(KeyError):
        await database.write(undone)
    assert await database.write(lambda c: keys.key_in(c, ANN)) != made[0]


async def test_after_a_rotation_old_keys_open_and_new_subjects_use_the_new_root(database: SqliteDatabase):
    """The version is kept beside the salt."""
    old = KeyRing.create(secrets.token_bytes, 0)
    key = await database.write(lambda c: SubjectKeys(old).key_in(c, ANN))
    rotated = KeyRing.from_json(_rotated(old.to_json()))
    assert await database.write(lambda c: SubjectKeys(rotated).key_in(c, ANN)) == key
    await database.write(lambda c: SubjectKeys(rotated).key_in(c, BOB))
    versions = database.reader.execute("SELECT ring_version FROM subject_keys ORDER BY 1").fetchall()
    assert versions == [(1,), (2,)]


def _everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


def _rotated(text: str) -> str:
    import base64
    import json

    ring = json.loads(text)
    ring["audit"][0]["state"] = "retired"
    root = base64.b64encode(bytes(32)).decode()
    ring["audit"].append({"version": 2, "state": "active", "created_at_ms": 1, "root": root})
    return json.dumps(ring)
