"""What is due in a store goes, one bounded batch a transaction.

A sweep walks over one table from its beginning by a cursor and deletes what is due in the
rows between two cursors; how many of which kind went stands in the journal, in the same
transaction. What is gone is gone, so a sweep that was interrupted simply begins again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from consent.retention import DAY_MS, Retention
from engagement.declared import Topic
from engagement.event import EventKind
from identity.ids import SubjectId
from services.storage import attribute_sweeps
from services.storage.database import Connection, Database
from services.storage.numbers import SUBJECTS, give
from services.storage.swept import BATCH_ROWS, BATCH_SUBJECTS, Swept, end_of_batch

#: Links that count for nothing, by their states (REFUSED, QUARANTINED). What carries refusals stays until
#: the person is erased, and so does what was declared wrong: else it came back.
_FALLEN = {"refused_links": 3, "quarantined_links": 6}


_OF_RECORD = {
    "preferences": f"topic <> {int(Topic.AGE_BAND)}",
    "age_bands": f"topic = {int(Topic.AGE_BAND)}",
}

#: Deletes what is due beyond a cursor in one table; called within a transaction.
Batch = Callable[[Connection, int], Swept]


def batches_of(service: str, retention: Retention, now_ms: int) -> list[Batch]:
    """What is swept in the file of a service.

    Args:
        service: a name of ``services.deployment.config.SERVICES``.
        retention: the policy's limits.
        now_ms: the present instant; what runs out later is not touched.
    """
    events = {EventKind[kind]: before_ms for kind, before_ms in retention.events_due(now_ms).items()}
    answers_ms = retention.records_due("answers", now_ms)
    declared_ms = {record: retention.records_due(record, now_ms) for record in ("preferences", "age_bands")}
    own: dict[str, list[Batch]] = {
        "identity": [
            partial(_answers, "request", "done_at_ms", answers_ms),
            *(
                partial(_fallen_links, record, state, retention.records_due(record, now_ms))
                for record, state in _FALLEN.items()
            ),
            partial(_people_changes, retention.records_due("people_changes", now_ms)),
        ],
        "consent": [partial(_skeletons, now_ms)],
        "engagement": [
            partial(_events, events, now_ms),
            *(partial(_declared, record, before_ms) for record, before_ms in declared_ms.items()),
            *attribute_sweeps.batches_of(retention, now_ms),
            partial(_answers, "declare_request", "at_ms", answers_ms),
            partial(_firings, retention.records_due("firings", now_ms)),
            *(
                partial(_decisions, table, at, retention.records_due("decisions", now_ms))
                for table, at in (("decision", "decided_at_ms"), ("decision_report", "at_ms"))
            ),
        ],
        "recommender": [
            partial(_projected_events, events, now_ms),
            *(partial(_projected_answers, record, before_ms) for record, before_ms in declared_ms.items()),
            partial(_answers, "write_request", "at_ms", answers_ms),
            partial(_entitlements, retention.records_due("entitlements", now_ms), now_ms),
        ],
    }
    return [*own[service], partial(_audit_rows, retention.records_due("audit", now_ms))]


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the journal says of every batch of one sweep: its name, the policy's digest, the instant."""

    sweep_id: str
    policy: str
    at_ms: int


async def carry_out(database: Database, batch: Batch, cursor: int, sweep: Sweep) -> Swept:
    """Carries out one batch and says in the journal what went with it, in one transaction.

    Raises:
        StoreUnusable: nothing of the batch was kept.
    """

    def write(connection: Connection) -> Swept:
        swept = batch(connection, cursor)
        connection.executemany(
            "INSERT INTO sweep VALUES (?, ?, ?, ?, ?) ON CONFLICT (sweep_id, kind) DO UPDATE SET"
            " deleted = sweep.deleted + excluded.deleted",
            [
                (sweep.sweep_id, kind, sweep.policy, sweep.at_ms, count)
                for kind, count in swept.deleted.items()
                if count
            ],
        )
        return swept

    return await database.write(write)


def _events(due: Mapping[EventKind, int], now_ms: int, connection: Connection, after: int) -> Swept:
    last = end_of_batch(connection, "event", "id", after)
    if last is None:
        return Swept(None)
    condition, values = _is_due(due, "recorded_at_ms")
    rows = connection.execute(
        f"DELETE FROM event WHERE id > ? AND id <= ? AND {condition} RETURNING kind",  # noqa: S608 - our names
        (after, last, now_ms, *values),
    ).fetchall()
    return Swept(last, _by_kind(kind for (kind,) in rows))


def _projected_events(due: Mapping[EventKind, int], now_ms: int, connection: Connection, after: int) -> Swept:
    """What the recommender knows of events; whoever loses one gets another number.

    A model says by numbers whom it was learned from, so a model that knows more than is left
    is told apart by that, as after an erasure.
    """
    last = end_of_batch(connection, "subject", "number", after, BATCH_SUBJECTS)
    if last is None:
        return Swept(None)
    condition, values = _is_due(
        {kind: before_ms // DAY_MS for kind, before_ms in due.items()}, "recorded_day"
    )
    rows = connection.execute(
        f"DELETE FROM event WHERE subject > ? AND subject <= ? AND {condition}"  # noqa: S608 - our names
        " RETURNING subject, kind",
        (after, last, now_ms, *values),
    ).fetchall()
    numbers = {number for number, _ in rows}
    births = [_renumber(connection, number) for number in sorted(numbers)]
    return Swept(last, _by_kind(kind for _, kind in rows), frozenset(births))


def _renumber(connection: Connection, number: int) -> SubjectId:
    (birth,) = connection.execute(
        "DELETE FROM subject WHERE number = ? RETURNING birth", (number,)
    ).fetchone()
    if connection.execute("SELECT 1 FROM event WHERE subject = ? LIMIT 1", (number,)).fetchone():
        another = give(connection, SUBJECTS)
        connection.execute("INSERT INTO subject (number, birth) VALUES (?, ?)", (another, birth))
        connection.execute("UPDATE event SET subject = ? WHERE subject = ?", (another, number))
    return SubjectId(birth)


def _is_due(due: Mapping[EventKind, int], recorded: str) -> tuple[str, list[int]]:
    """A condition and its values after ``now``: the source's own end has come, or the kind's limit."""
    kinds = [f"(kind = ? AND {recorded} < ?)" for _ in due]
    values = [value for kind, before in due.items() for value in (int(kind), before)]
    return f"(expires_at_ms <= ? OR {' OR '.join(['1 = 0', *kinds])})", values


def _audit_rows(before_ms: int, connection: Connection, after: int) -> Swept:
    """The service's own copy of its records; in the log they stay, where nothing is ever taken away."""
    last = end_of_batch(connection, "audit_batches", "seq", after)
    if last is None:
        return Swept(None)
    gone = connection.execute(
        "DELETE FROM audit_batches WHERE seq > ? AND seq <= ? AND at_ms < ?", (after, last, before_ms)
    ).rowcount
    # Rows lie in the order of time: where nothing was due, nothing behind it is.
    return Swept(last if gone else None, {"audit": gone})


def _answers(table: str, at: str, before_ms: int, connection: Connection, _after: int) -> Swept:
    keys = {"request": "caller, method, request_id", "write_request": "key", "declare_request": "key"}[table]
    gone = connection.execute(
        f"DELETE FROM {table} WHERE ({keys}) IN"  # noqa: S608 - our names
        f" (SELECT {keys} FROM {table} WHERE {at} < ? LIMIT {BATCH_ROWS})",
        (before_ms,),
    ).rowcount
    return Swept(0 if gone == BATCH_ROWS else None, {"answers": gone})


def _declared(record: str, before_ms: int, connection: Connection, _after: int) -> Swept:
    """What was declared long ago and not said again since."""
    gone = connection.execute(
        "DELETE FROM declared WHERE (subject, topic, name) IN"  # noqa: S608 - our words
        " (SELECT subject, topic, name FROM declared"
        f" WHERE {_OF_RECORD[record]} AND declared_at_ms < ? LIMIT ?)",
        (before_ms, BATCH_ROWS),
    ).rowcount
    return Swept(0 if gone == BATCH_ROWS else None, {record: gone})


def _decisions(table: str, at: str, before_ms: int, connection: Connection, _after: int) -> Swept:
    """Decisions, and what was reported of them; lines that a person drew stay until they are erased."""
    key = {"decision": "decision_id", "decision_report": "key"}[table]
    gone = connection.execute(
        f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {at} < ? LIMIT {BATCH_ROWS})",  # noqa: S608
        (before_ms,),
    ).rowcount
    return Swept(0 if gone == BATCH_ROWS else None, {"decisions": gone})


def _projected_answers(record: str, before_ms: int, connection: Connection, _after: int) -> Swept:
    """The same in what the recommender knows; it goes by whole days, and so does what is due."""
    rows = connection.execute(
        "DELETE FROM declared WHERE (birth, topic, name) IN"  # noqa: S608 - our words
        " (SELECT birth, topic, name FROM declared"
        f" WHERE {_OF_RECORD[record]} AND day < ? LIMIT ?) RETURNING birth",
        (before_ms // DAY_MS, BATCH_ROWS),
    ).fetchall()
    subjects = frozenset(SubjectId(birth) for (birth,) in rows)
    return Swept(0 if len(rows) == BATCH_ROWS else None, {record: len(rows)}, subjects)


def _entitlements(before_ms: int, now_ms: int, connection: Connection, _after: int) -> Swept:
    """What was given long ago, or until a time that is past."""
    rows = connection.execute(
        "DELETE FROM entitlement WHERE (birth, item) IN"
        " (SELECT birth, item FROM entitlement WHERE at_ms < ? OR until_ms <= ? LIMIT ?) RETURNING birth",
        (before_ms, now_ms, BATCH_ROWS),
    ).fetchall()
    subjects = frozenset(SubjectId(birth) for (birth,) in rows)
    return Swept(0 if len(rows) == BATCH_ROWS else None, {"entitlements": len(rows)}, subjects)


def _firings(before_ms: int, connection: Connection, _after: int) -> Swept:
    """What was set off long ago, however far it came."""
    gone = connection.execute(
        "DELETE FROM firing WHERE (subject, play_id, occurrence) IN"
        " (SELECT subject, play_id, occurrence FROM firing WHERE made_at_ms < ? LIMIT ?)",
        (before_ms, BATCH_ROWS),
    ).rowcount
    return Swept(0 if gone == BATCH_ROWS else None, {"firings": gone})


def _fallen_links(record: str, state: int, before_ms: int, connection: Connection, _after: int) -> Swept:
    # The state is in the text, so that SQLite knows which index covers it.
    due = f"SELECT edge_id FROM edge WHERE state = {state:d} AND stated_at_ms < ? LIMIT {BATCH_ROWS}"  # noqa: S608
    delete = f"DELETE FROM edge WHERE edge_id IN ({due}) RETURNING edge_id"  # noqa: S608 - our own text
    gone = connection.execute(delete, (before_ms,)).fetchall()
    connection.executemany("DELETE FROM edge_change WHERE edge_id = ?", gone)
    return Swept(0 if len(gone) == BATCH_ROWS else None, {record: len(gone)})


def _people_changes(before_ms: int, connection: Connection, _after: int) -> Swept:
    """Everything up to the last that is due: a hole would be read over by whoever stands before it.

    After a clock was set back, what was kept before that goes earlier than it would have.
    """
    gone = connection.execute(
        "DELETE FROM map_change WHERE seq IN (SELECT seq FROM map_change WHERE seq <="
        " (SELECT max(seq) FROM map_change WHERE at_ms < ?) ORDER BY seq LIMIT ?) RETURNING seq",
        (before_ms, BATCH_ROWS),
    ).fetchall()
    connection.executemany("DELETE FROM map_change_member WHERE seq = ?", gone)
    return Swept(0 if len(gone) == BATCH_ROWS else None, {"people_changes": len(gone)})


def _skeletons(now_ms: int, connection: Connection, _after: int) -> Swept:
    """What an erasure left as proof of consent says itself when it goes."""
    gone = connection.execute(
        "DELETE FROM consent_skeleton WHERE goes_at_ms <="
        " (SELECT max(goes_at_ms) FROM (SELECT goes_at_ms FROM consent_skeleton"
        " WHERE goes_at_ms <= ? ORDER BY goes_at_ms LIMIT ?) AS due)",
        (now_ms, BATCH_ROWS),
    ).rowcount
    return Swept(0 if gone >= BATCH_ROWS else None, {"consent_skeletons": gone})


def _by_kind(kinds: Iterable[int]) -> dict[str, int]:
    return {f"event {EventKind(kind).name}": count for kind, count in sorted(Counter(kinds).items())}
