"""Whom the tables of a service hold, and who of them was erased somewhere.

Tombstones are hashes, so the tables are read through and each subject in them is hashed: nobody
needs to keep whom to look for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from identity.ids import SubjectId
from services.storage.database import Connection
from services.storage.tombstones import tag_of

#: Every column with birth subjects. ``erasure_subject`` is none of them: whom an open erasure is about is
#: known until it is finished.
_COLUMNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "identity": (
        ("identifier", "subject"),
        ("edge", "a"),
        ("edge", "b"),
        ("shared_identifier", "subject"),
        ("map_member", "subject"),
        ("map_change_member", "subject"),
        ("rules_change_shared", "subject"),
    ),
    "consent": (("births", "subject"), ("records", "subject"), ("edges", "a"), ("edges", "b")),
    "engagement": (
        ("event", "subject"),
        ("declared", "subject"),
        ("declared_change", "subject"),
        ("declare_request", "subject"),
        ("attribute", "subject"),
        ("decision", "subject"),
        ("decision_report", "subject"),
        ("boundary", "subject"),
        ("boundary_lifted", "subject"),
        ("boundary_lifted", "lifted_by"),
        ("firing", "subject"),
        ("loyalty_entry", "subject"),
        ("loyalty_account", "subject"),
        ("loyalty_reservation", "subject"),
        ("loyalty_share", "subject"),
    ),
    "recommender": (("subject", "birth"), ("declared", "birth"), ("entitlement", "birth")),
}


def columns_of(service: str) -> Collection[tuple[str, str]]:
    """The tables and columns of a service that hold birth subjects."""
    return _COLUMNS[service]


def subjects_of(connection: Connection, service: str) -> Iterator[SubjectId]:
    """Every birth subject a service keeps something about, some more than once."""
    for table, column in _COLUMNS[service]:
        query = f"SELECT DISTINCT {column} FROM {table}"  # noqa: S608 - our own names
        for (subject,) in connection.execute(query):
            yield SubjectId(subject)


def erased_in(
    connection: Connection, service: str, erasures: Mapping[bytes, str]
) -> dict[str, set[SubjectId]]:
    """Those of a service's subjects that were erased, by the id of their erasure.

    Args:
        connection: reads the service's tables.
        service: its name.
        erasures: ids of erasures by the tags of whom they were about.
    """
    found: dict[str, set[SubjectId]] = {}
    if erasures:
        for subject in subjects_of(connection, service):
            erasure_id = erasures.get(tag_of(subject))
            if erasure_id is not None:
                found.setdefault(erasure_id, set()).add(subject)
    return found
