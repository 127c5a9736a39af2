"""What consent's state is folded from, read whole or from a place on.

Every write that changes it counts the epoch up, so a place whose epoch is still the last one knows
everything. Births and records are found by their numbers, changed edges by the epoch they carry,
and who was erased since by the erasures' epochs: their rows may be gone already, their tags stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from consent.component import EdgeFact, EdgeState
from consent.policy import Policy
from consent.record import Said
from consent.statement import ID_BYTES
from consent.store import Kept, Place
from identity.ids import SubjectId
from services.storage import consent_records as records
from services.storage.database import Connection
from services.storage.many_rows import KEYS_A_STATEMENT, marks, portions

F = TypeVar("F")

#: Whoever is being erased is not read any more, from the erasure's first step on.
_STAYS = "{} NOT IN (SELECT subject FROM erasure_subject)"
_PLACE = """SELECT history, epoch, (SELECT coalesce(max(number), 0) FROM births),
    (SELECT coalesce(max(position), 0) FROM records), graph_cursor FROM authority"""
_BIRTHS = f"SELECT subject FROM births WHERE number > ? AND {_STAYS.format('subject')} ORDER BY number"  # noqa: S608
_EDGES = f"""SELECT edge_id, a, b, link_purpose, deterministic, views, state, valid_until_ms, attested_by
    FROM edges WHERE {{which}} AND {_STAYS.format("a")} AND {_STAYS.format("b")} ORDER BY edge_id"""  # noqa: S608
_SPOKEN = f"SELECT subject, supersedes FROM records WHERE position > ? AND {_STAYS.format('subject')}"  # noqa: S608
_REFUSERS = f"""SELECT subject FROM records WHERE event_id IN ({{marks}}) AND action IN ('REFUSE', 'WITHDRAW')
    AND {_STAYS.format("subject")}"""  # noqa: S608
_ERASED = """SELECT tag FROM tombstone
    WHERE erasure_id IN (SELECT erasure_id FROM erasure_run WHERE epoch > ?)"""


def whole(policy: Policy, fold: Callable[[Sequence[Said]], F], reader: Connection) -> Kept[F]:
    """Everything; see ``ConsentStore.load``. Rows are read as they are asked for, so as many may come."""
    place, cursor = _place(reader)
    said = reader.execute(records.SAID.format(where=f"WHERE {_STAYS.format('subject')}"))
    return Kept(
        place=place,
        graph_cursor=cursor,
        births=_births(reader, 0),
        edges=_edges(policy, reader.execute(_EDGES.format(which="state <> 'WRONG'"))),
        own={subject: fold(one) for subject, one in records.said_of(said)},
    )


def since(
    policy: Policy, place: Place, fold: Callable[[Sequence[Said]], F], reader: Connection
) -> Kept[F] | None:
    """What was committed since a place; see ``ConsentStore.since``."""
    now, cursor = _place(reader)
    if now.history != place.history or now.epoch < place.epoch:
        return None
    if now.epoch == place.epoch:
        return Kept(now, cursor, [], [], {})
    return Kept(
        place=now,
        graph_cursor=cursor,
        births=_births(reader, place.births),
        edges=_edges(policy, reader.execute(_EDGES.format(which="epoch > ?"), (place.epoch,))),
        own={who: fold(said) for who, said in said_by(_speakers(reader, place.records), reader).items()},
        erased=frozenset(bytes(tag) for (tag,) in reader.execute(_ERASED, (place.epoch,))),
    )


def said_by(subjects: Iterable[SubjectId], reader: Connection) -> dict[SubjectId, Sequence[Said]]:
    """What birth subjects said, in recorded order; who said nothing is missing."""
    said: dict[SubjectId, Sequence[Said]] = {}
    for some in portions(subjects, KEYS_A_STATEMENT):
        where = f"WHERE subject IN ({marks(some)})"
        said.update(records.said_of(reader.execute(records.SAID.format(where=where), some)))
    return said


def _place(reader: Connection) -> tuple[Place, int]:
    *place, cursor = reader.execute(_PLACE).fetchone()
    return Place(*place), cursor


def _births(reader: Connection, after: int) -> list[SubjectId]:
    return [SubjectId(subject) for (subject,) in reader.execute(_BIRTHS, (after,))]


def _edges(policy: Policy, rows: Iterable[Any]) -> list[EdgeFact]:
    return [_edge_of(policy, row) for row in rows]


def _edge_of(policy: Policy, row: tuple[Any, ...]) -> EdgeFact:
    edge_id, a, b, link_purpose, deterministic, views, state, valid_until_ms, attested_by = row
    return EdgeFact(
        edge_id=edge_id,
        a=SubjectId(a),
        b=SubjectId(b),
        link_purpose=policy.index(link_purpose),
        deterministic=bool(deterministic),
        views=sum(1 << view for view, name in enumerate(policy.views) if name in views.split(",")),
        state=EdgeState(state),
        valid_until_ms=valid_until_ms,
        attested_by=attested_by,
    )


def _speakers(reader: Connection, after: int) -> set[SubjectId]:
    """Who said something, and whose refusals were named: those are told apart from then on."""
    speakers: set[SubjectId] = set()
    named: set[bytes] = set()
    for subject, supersedes in reader.execute(_SPOKEN, (after,)).fetchall():
        speakers.add(SubjectId(subject))
        named.update(supersedes[at : at + ID_BYTES] for at in range(0, len(supersedes or b""), ID_BYTES))
    for some in portions(named, KEYS_A_STATEMENT):
        query = _REFUSERS.format(marks=marks(some))
        speakers.update(SubjectId(subject) for (subject,) in reader.execute(query, some))
    return speakers
