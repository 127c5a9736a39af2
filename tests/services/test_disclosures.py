"""What a store's audit records tell a person: who was told something, and nothing about anybody else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from consent.auditlog.leaf import Leaf, given_to, packed
from consent.auditlog.sealing import SubjectSeal, with_decisions
from identity.ids import SubjectId
from identity.keyring import KeyRing
from services.rights.disclosure import Disclosure
from services.storage.disclosures import told_of
from services.storage.sqlite import SqliteDatabase
from services.storage.subject_keys import SubjectKeys
from tests.consent.statements import subject

ME, OTHER = subject(1), subject(2)
PROCESS = bytes(8)
BEHAVIOUR = 1 << 8


def ms(*date: int) -> int:
    return int(datetime(*date, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]


class Records:
    """A store's audit records, written as its service writes them."""

    def __init__(self, database: SqliteDatabase, keys: SubjectKeys) -> None:
        self.database, self.keys, self.number = database, keys, 0

    async def write(self, *leaves: tuple[Leaf, dict[tuple[SubjectId, int], bool]]) -> None:
        """One batch."""

        def insert(connection: sqlite3.Connection) -> None:
            encodings = []
            for leaf, decided in leaves:
                self.number += 1
                subjects = {who for who, _ in decided}
                found = self.keys.keys_in(connection, subjects)
                seals = {who: SubjectSeal(key, PROCESS) for who, key in found.items()}
                said = [(who, purpose, allowed) for (who, purpose), allowed in decided.items()]
                numbered = leaf._replace(process=PROCESS, number=self.number)
                encodings.append(with_decisions(numbered, said, seals.get).encoded())
            newest_ms = max(leaf.at_ms for leaf, _ in leaves)
            connection.execute(
                "INSERT INTO audit_batches (at_ms, leaves) VALUES (?, ?)", (newest_ms, packed(encodings))
            )

        await self.database.write(insert)

    def told(self, who: SubjectId) -> list[Disclosure]:
        return self.database.location.read(partial(told_of, self.keys, who))


@pytest.fixture
def records(tmp_path: Path, keyring: KeyRing) -> Iterator[Records]:
    database = SqliteDatabase(tmp_path / "engagement.db", "engagement")
    yield Records(database, SubjectKeys(keyring))
    database.close()


def leaf(at_ms: int, code: str = "OK", disclosed: int = BEHAVIOUR, method: str = "/x/Portrait") -> Leaf:
    return Leaf(PROCESS, 0, at_ms, caller="partner", method=method, code=code, disclosed=disclosed)


async def test_answers_and_refusals_about_a_subject_are_counted_with_their_times(records: Records):
    """By method and purpose; a refusal shows nothing, and somebody else's calls are not counted."""
    await records.write((leaf(3000), {(ME, 4): True, (ME, 5): False}), (leaf(1000), {(OTHER, 4): True}))
    await records.write((leaf(2000), {(ME, 4): True}), (leaf(9000, "PERMISSION_DENIED"), {(ME, 4): False}))
    await records.write((leaf(9000, method="/x/Explain"), {(ME, 4): True, (OTHER, 4): True}))
    assert records.told(ME) == [
        Disclosure("partner", "/x/Explain", 4, BEHAVIOUR, 1, 0, 9000, 9000),
        Disclosure("partner", "/x/Portrait", 4, BEHAVIOUR, 2, 1, 2000, 9000),
        Disclosure("partner", "/x/Portrait", 5, 0, 0, 1, 3000, 3000),
    ]


async def test_records_of_every_month_are_found_and_a_batch_may_begin_in_one_and_end_in_the_next(
    records: Records,
):
    """The tags of a subject are other ones every month, also across a year's end."""
    ends = ms(2026, 12, 31, 23, 59, 59)
    await records.write((leaf(ends), {(OTHER, 1): True}), (leaf(ends + 2000), {(ME, 1): True}))
    await records.write((leaf(ms(2026, 3, 1)), {(ME, 1): True}))
    (told,) = records.told(ME)
    assert (told.answered, told.first_ms, told.last_ms) == (2, ms(2026, 3, 1), ends + 2000)


async def test_who_was_never_recorded_and_who_was_erased_find_nothing(records: Records):
    await records.write((leaf(1000), {(ME, 1): True}))
    assert records.told(OTHER) == []
    await records.database.write(lambda connection: records.keys.destroy(connection, [ME]))
    assert records.told(ME) == []


async def test_a_slow_calls_record_behind_those_of_a_newer_month_is_found(records: Records):
    """Records lie in the order calls ended, and are of the instant they were decided at."""
    ends = ms(2026, 12, 31, 23, 59, 59)
    await records.write((leaf(ends + 2000), {(OTHER, 1): True}), (leaf(ends), {(ME, 1): True}))
    (told,) = records.told(ME)
    assert (told.answered, told.last_ms) == (1, ends)


async def test_whoever_was_given_ids_of_somebody_is_the_one_who_was_told(records: Records):
    """The caller asked for another caller's ids: the person finds that other one."""
    handed = leaf(1000, method="/x/Translate")._replace(evidence=(b"hash", *given_to("broker")))
    await records.write((handed, {(ME, 4): True}))
    (told,) = records.told(ME)
    assert (told.caller, told.method) == ("broker", "/x/Translate")
    assert handed.recipient == "broker"
    assert leaf(1000).recipient == "partner"
