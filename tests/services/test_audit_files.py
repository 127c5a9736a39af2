"""The log as a file: exported from a folder, judged with the public keys, and what a receipt proves."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from identity.keyring import KeyRing
from services.audit.files import FileUnusable, checking, export, holds, keys_of, private_file, verify_file
from services.signing import Signed, signer
from services.storage.sealed_log import SealedLog, SealedReader
from services.storage.sqlite import SqliteDatabase, SqliteFile
from tests.conftest import Clock
from tests.consent.auditlog.logs import ONE, TWO
from tests.services.test_sealed_log import some


@pytest.fixture
def database(tmp_path: Path):
    opened = SqliteDatabase(tmp_path / "consent.db", "consent")
    yield opened
    opened.close()


@pytest.fixture
def log(database: SqliteDatabase, keyring: KeyRing, clock: Clock) -> SealedLog:
    return SealedLog(database, "acme", signer(keyring, Signed.AUDIT_HEAD), clock)


def written(folder: Path) -> list[str]:
    out = io.StringIO()
    export(SqliteFile(folder / "consent.db", "consent"), "acme", out)
    return out.getvalue().splitlines()


async def test_a_log_that_is_exported_while_it_grows_verifies(log, tmp_path, keyring):
    """With what `public-keys` prints and the head that was kept."""
    await log.seal("identity", some(ONE, 3))
    kept = tmp_path / "head.json"
    kept.write_text(json.dumps(reader_of(log).head().as_json()))
    await log.seal("consent", some(TWO, 2))
    report = verify_file(written(tmp_path), keys_of(keyring), [kept])
    assert (report.rows, report.heads, report.findings) == (15, 5, [])


def test_what_is_exported_is_its_owners_alone(tmp_path):
    """It says who asked what and when; a file that was open to all is so no more."""
    path = tmp_path / "log.jsonl"
    for before in (None, 0o644):
        if before is not None:
            path.chmod(before)
        with private_file(path) as out:
            out.write("x")
        assert path.stat().st_mode & 0o777 == 0o600


async def test_a_row_flipped_in_the_file_is_named(log, tmp_path, keyring):
    """The decision somebody would rather not have made."""
    await log.seal("identity", some(ONE, 3))
    lines = written(tmp_path)
    lines[5] = lines[5].replace('"code":"OK"', '"code":"PERMISSION_DENIED"')
    (finding,) = verify_file(lines, keys_of(keyring), []).findings
    assert finding.kind == "CHANGED"
    assert "row 4 " in finding.text


async def test_a_store_changed_behind_the_services_back_does_not_verify(log, database, tmp_path, keyring):
    """An operator who edits the log itself, and not only a file of it."""
    await log.seal("identity", some(ONE, 2))

    def edit(connection):
        connection.execute("DROP TRIGGER log_batches_are_fixed")
        (leaves,) = connection.execute("SELECT leaves FROM log_batches WHERE first = 3").fetchone()
        connection.execute(
            "UPDATE log_batches SET leaves = ? WHERE first = 3", (leaves.replace(b"shop", b"shoq"),)
        )

    await database.write(edit)
    (finding,) = verify_file(written(tmp_path), keys_of(keyring), []).findings
    assert finding.kind == "REPLACED"
    assert "row 3 " in finding.text


async def test_an_erasure_is_proven_to_be_in_the_log(log, keyring):
    """By heads and a path that stand in its receipt, offline; a receipt with another leaf is not."""
    await log.seal("identity", some(ONE, 2))
    proof = (await log.note("ERASURE", b"\xab" * 16)).as_json()
    check = checking(keys_of(keyring))
    assert holds(json.loads(json.dumps(proof)), check)
    assert "ab" * 16 in proof["leaf"]
    assert proof["before"]["size"] == 6
    assert not holds(proof | {"leaf": proof["leaf"].replace("ab", "cd", 1)}, check)
    assert not holds(proof | {"index": 0}, check)
    assert not holds(proof | {"after": proof["after"] | {"size": 8}}, check)
    assert not holds({}, check)
    again = (await log.note("ERASURE", b"\xcd" * 16)).as_json()
    assert (again["index"], holds(again, check)) == (7, True)


async def test_another_deployments_keys_verify_nothing(log, tmp_path):
    """And a head they did not sign is no witness."""
    await log.seal("identity", some(ONE, 1))
    stranger = keys_of(KeyRing.create(lambda length: b"s" * length, 0))
    assert [finding.kind for finding in verify_file(written(tmp_path), stranger, []).findings] == [
        "UNSIGNED",
        "CUT",
    ]
    kept = tmp_path / "head.json"
    kept.write_text(json.dumps(reader_of(log).head().as_json()))
    with pytest.raises(FileUnusable, match="did not sign"):
        verify_file([], stranger, [kept])


@pytest.mark.parametrize("keys", [{}, [], {"AUDIT_HEAD": {"one": "ab"}}, {"AUDIT_HEAD": {"1": 7}}])
def test_keys_that_are_none_are_refused(keys):
    """A verification without keys would verify nothing."""
    with pytest.raises(FileUnusable, match="public keys"):
        verify_file([], keys, [])


def test_a_folder_without_a_log_is_told(tmp_path):
    """An empty file would look like a log that says nothing."""
    with pytest.raises(FileUnusable, match="holds no deployment"):
        export(SqliteFile(tmp_path / "nothing" / "consent.db", "consent"), "acme", io.StringIO())


def reader_of(log: SealedLog) -> SealedReader:
    """Reads what a log has sealed."""
    return SealedReader(log._database.reader, "acme")
