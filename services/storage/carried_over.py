"""What consent's tables knew after a backup, carried over into the restored ones.

The journal is consent's store as it was last. What it says of erasures and of the sealed log, and
every statement that the backup does not have, holds again; so do keys that were destroyed since
and proofs that were used. What it read of other stores does not: those are as old as the backup.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from identity.ids import SubjectId
from services.storage.backup_manifest import BackupUnusable
from services.storage.consent_records import COLUMNS
from services.storage.database import Connection, Database
from services.storage.tombstones import tag_of

_PAGE = 5_000
_SUBJECTS_A_QUERY = 500
_SUBJECT = COLUMNS.index("subject")
_NAMES = ", ".join(COLUMNS)
_RECORDS = f"SELECT position, {_NAMES} FROM records WHERE position > ? ORDER BY position LIMIT ?"  # noqa: S608
_RECORD = f"INSERT INTO records ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our own names
#: What an erasure comes to know.
_TOLD = ("recipients", "receipt", "signature", "key_version", "log_cut")
#: Small enough to be read at once, and what they say of a key replaces what was there.
_WHOLE = {
    "erasure_run": (
        f"erasure_id, suppress, requested_by, requested_at_ms, epoch, {', '.join(_TOLD)}",
        f"(erasure_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _TOLD)}",
    ),
    "erasure_answer": ("erasure_id, stage, store, answer", "DO NOTHING"),
    "erasure_subject": ("subject, erasure_id", "DO NOTHING"),
    "erasure_request": (
        "caller, request_id, used_for, erasure_id",
        "(caller, request_id) DO UPDATE SET erasure_id = excluded.erasure_id",
    ),
    "proof_use": ("token_id, used_for, expires_at_ms", "DO NOTHING"),
    "lease_holders": ("holder", "DO NOTHING"),
}
#: Read by pages; the first column is the key.
_PAGED = {
    "subject_keys": ("name, ring_version, salt", "(name) DO UPDATE SET salt = excluded.salt"),
    "answered": ("refusal", "DO NOTHING"),
    "tombstone": ("tag, erasure_id", "DO NOTHING"),
}
_LOG = {"log_batches": "size, first, leaves", "log_heads": "size, root, at_ms, key_version, signature, edge"}
_TILES = """SELECT level, number, hashes FROM log_tiles
    WHERE number >= CAST(? AS BIGINT) >> CAST(8 * (level + 1) AS INTEGER)"""


class CarriedOver(NamedTuple):
    """What was taken from a journal.

    Attributes:
        records: consent records that the backup did not have.
        of_nobody: further ones, of subjects that the restored identity does not know; not taken.
    """

    records: int
    of_nobody: int


async def must_follow(journal: Database, consent: Database) -> None:
    """Refuses a journal that is not what became of the consent tables of the backup.

    Raises:
        BackupUnusable: it is older, or of another deployment.
    """
    head = "SELECT size, root FROM log_heads ORDER BY size DESC LIMIT 1"
    last = await consent.look(lambda reader: reader.execute(head).fetchone())
    if last is not None:
        same = "SELECT 1 FROM log_heads WHERE size = ? AND root = ?"
        if not await journal.look(lambda reader: reader.execute(same, tuple(last)).fetchall()):
            raise BackupUnusable("the journal does not go on where the backup's audit log ends")
    if await _epoch(journal) < await _epoch(consent):
        raise BackupUnusable("the journal is older than the backup")
    async for rows in _pages(consent, _RECORDS, 0):
        missing = await _not_in(journal, rows)
        tags = {tag_of(row[1 + _SUBJECT]) for row in missing}
        if len(tags) > await journal.look(partial(_count_of, tags)):
            raise BackupUnusable(
                "the journal lacks statements that the backup has, and was told of no erasure"
            )


async def knows_more(other: Database, journal: Database, consent: Database) -> bool:
    """Whether other consent tables, if they follow the backup at all, know more than a journal."""
    try:
        await must_follow(other, consent)
    except BackupUnusable:
        return False
    return await _epoch(other) > await _epoch(journal)


async def carry_over(journal: Database, consent: Database, identity: Database) -> CarriedOver:
    """Has the restored consent tables know what the journal knows.

    Args:
        journal: consent's tables as they were last.
        consent: those of the backup.
        identity: the restored identity's.
    """
    taken = of_nobody = 0
    since = await _epoch(consent)
    for table, (columns, conflict) in _PAGED.items():
        key = columns.split(", ")[0]
        query = f"SELECT {columns} FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT ?"  # noqa: S608 - ours
        async for rows in _pages(journal, query, b""):
            await consent.write(partial(_put, table, columns, conflict, rows))
    async for rows in _pages(journal, _RECORDS, 0):
        fresh = await _not_in(consent, rows)
        known = await identity.look(partial(_known, {row[1 + _SUBJECT] for row in fresh}))
        gone = await journal.look(partial(_tombstoned, {row[1 + _SUBJECT] for row in fresh}))
        kept = [row[1:] for row in fresh if row[1 + _SUBJECT] in known - gone]
        await consent.write(partial(_append, kept))
        taken += len(kept)
        of_nobody += sum(row[1 + _SUBJECT] not in known | gone for row in fresh)
    query = (
        "SELECT entry_id, digest, epoch FROM statements WHERE entry_id > ? AND epoch > {} ORDER BY 1 LIMIT ?"
    )
    async for rows in _pages(journal, query.format(int(since)), b""):
        await consent.write(partial(_put, "statements", "entry_id, digest, epoch", "DO NOTHING", rows))
    await _carry_log(journal, consent)
    whole = await journal.read(_whole)
    await consent.write(partial(_put_whole, whole))
    return CarriedOver(taken, of_nobody)


async def skeletons_of(journal: Database, consent: Database) -> None:
    """What the journal keeps of the erased takes the place of what was made anew of an older state."""

    def read(reader: Connection) -> tuple[list[Any], list[Any]]:
        runs = reader.execute("SELECT erasure_id FROM erasure_run").fetchall()
        return runs, reader.execute("SELECT * FROM consent_skeleton").fetchall()

    runs, skeletons = await journal.read(read)

    def write(writer: Connection) -> None:
        writer.executemany("DELETE FROM consent_skeleton WHERE erasure_id = ?", runs)
        writer.executemany("INSERT INTO consent_skeleton VALUES (?, ?, ?, ?, ?, ?, ?, ?)", skeletons)

    await consent.write(write)


async def sealed_up_to(consent: Database, last: Mapping[str, int]) -> None:
    """Has the log go on reading where the restored stores go on.

    Args:
        consent: the restored consent's.
        last: of each service the last number its own records have.
    """
    query = "UPDATE log_sources SET cursor = ? WHERE source = ? AND cursor > ?"
    rows = [(number, source, number) for source, number in last.items()]
    await consent.write(lambda writer: writer.executemany(query, rows))


async def _carry_log(journal: Database, consent: Database) -> None:
    """The log is one: what others hold signed heads of is not signed a second time, of something else."""
    last = "SELECT coalesce(max(size), 0) FROM log_heads"
    (size,) = await consent.look(lambda reader: reader.execute(last).fetchone())
    for table, columns in _LOG.items():
        query = f"SELECT {columns} FROM {table} WHERE size > ? ORDER BY size LIMIT ?"  # noqa: S608 - our own names
        async for rows in _pages(journal, query, size):
            await consent.write(partial(_put, table, columns, "DO NOTHING", rows))
    tiles = await journal.read(lambda reader: reader.execute(_TILES, (size,)).fetchall())
    same = "(level, number) DO UPDATE SET hashes = excluded.hashes"
    await consent.write(partial(_put, "log_tiles", "level, number, hashes", same, tiles))
    sources = await journal.read(
        lambda reader: reader.execute("SELECT source, cursor FROM log_sources").fetchall()
    )
    further = "(source) DO UPDATE SET cursor = excluded.cursor"
    await consent.write(partial(_put, "log_sources", "source, cursor", further, sources))


async def _pages(database: Database, query: str, start: Any) -> AsyncIterator[list[Any]]:
    """The rows of a query by pages; its marks are the key's last value and how many."""
    last = start
    while rows := await database.read(partial(_page, query, last)):
        yield rows
        last = rows[-1][0]


def _page(query: str, last: Any, reader: Connection) -> list[Any]:
    return reader.execute(query, (last, _PAGE)).fetchall()


async def _epoch(database: Database) -> int:
    row = await database.look(lambda reader: reader.execute("SELECT epoch FROM authority").fetchone())
    return int(row[0])


async def _not_in(database: Database, rows: list[Any]) -> list[Any]:
    """Those of some records that a consent store does not have."""
    ids = await database.look(partial(_ids_of, {row[1 + _SUBJECT] for row in rows}))
    return [row for row in rows if row[1] not in ids]


def _ids_of(subjects: set[SubjectId], reader: Connection) -> set[bytes]:
    return _selected("SELECT event_id FROM records WHERE subject IN ({})", subjects, reader)


def _known(subjects: set[SubjectId], reader: Connection) -> set[bytes]:
    return _selected("SELECT subject FROM identifier WHERE subject IN ({})", subjects, reader)


def _tombstoned(subjects: set[SubjectId], reader: Connection) -> set[bytes]:
    by_tag = {tag_of(subject): bytes(subject) for subject in subjects}
    return {
        by_tag[tag] for tag in _selected("SELECT tag FROM tombstone WHERE tag IN ({})", set(by_tag), reader)
    }


def _count_of(tags: set[bytes], reader: Connection) -> int:
    return len(_selected("SELECT tag FROM tombstone WHERE tag IN ({})", tags, reader))


def _selected(query: str, values: set[Any], reader: Connection) -> set[bytes]:
    found: set[bytes] = set()
    wanted = list(values)
    for start in range(0, len(wanted), _SUBJECTS_A_QUERY):
        some = wanted[start : start + _SUBJECTS_A_QUERY]
        rows = reader.execute(query.format(", ".join("?" * len(some))), some)
        found.update(bytes(value) for (value,) in rows.fetchall())
    return found


def _append(records: list[Any], writer: Connection) -> None:
    writer.executemany(_RECORD, records)


def _put(table: str, columns: str, conflict: str, rows: list[Any], writer: Connection) -> None:
    marks = ", ".join("?" * len(columns.split(", ")))
    query = f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT {conflict}"  # noqa: S608 - our own names
    writer.executemany(query, rows)


def _whole(reader: Connection) -> dict[str, list[Any]]:
    queries = {table: f"SELECT {columns} FROM {table}" for table, (columns, _) in _WHOLE.items()}  # noqa: S608
    rows = {table: reader.execute(query).fetchall() for table, query in queries.items()}
    rows["authority"] = reader.execute("SELECT epoch, term FROM authority").fetchall()
    rows["policy"] = reader.execute("SELECT version, digest FROM policy").fetchall()
    return rows


def _put_whole(rows: Mapping[str, list[Any]], writer: Connection) -> None:
    for table, (columns, conflict) in _WHOLE.items():
        _put(table, columns, conflict, rows[table], writer)
    writer.execute(
        "DELETE FROM erasure_subject WHERE erasure_id IN"
        " (SELECT erasure_id FROM erasure_run WHERE receipt IS NOT NULL)"
    )
    # Whoever holds an epoch or a term of before has seen less than there is now.
    epoch, term = rows["authority"][0]
    writer.execute("UPDATE authority SET epoch = ?, term = ?", (epoch + 1, term))
    version, digest = rows["policy"][0]
    writer.execute("UPDATE policy SET version = ?, digest = ? WHERE version < ?", (version, digest, version))
