"""What was decided about people, as it is shown to them and deleted.

A decision is shown with what it rested on by name and source; the values stand where they are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engagement.decision_store import NO_PRICE, Became, Outcome, Report, Row
from engagement.grounds import unpacked
from engagement.play import Channel, Depth
from identity.ids import SubjectId
from services.storage.database import Connection
from services.storage.decision_history import COMPLAINT
from services.storage.decisions import boundaries_of, decisions_of, lifted_of, reports_of
from services.stores import ExportedValue, Json

#: Tables about people, each with a column of their birth subject; also those counted before an erasure.
TABLES = ("decision", "decision_report", "boundary", "boundary_lifted")
_ORIGIN = "decision"

#: The names of the purposes in a mask.
Purposes = Callable[[int], tuple[str, ...]]


def decided_about(
    connection: Connection, subject: SubjectId, store: str, purposes: Purposes
) -> Iterator[ExportedValue]:
    """Everything that was decided about a birth subject, reported of it, and asked for by it."""

    def exported(
        kind: str, value: dict[str, Json], source: str, at_ms: int, uses: tuple[str, ...]
    ) -> ExportedValue:
        return ExportedValue(
            store=store,
            kind=kind,
            subject=subject,
            value=value,
            source=source,
            party="FIRST",
            observed_at_ms=at_ms,
            recorded_at_ms=at_ms,
            purposes=uses,
        )

    for row in decisions_of(connection, subject):
        yield exported("decision", _decision(row), _ORIGIN, row.decided_at_ms, purposes(1 << row.purpose))
    for report in reports_of(connection, subject):
        yield exported("decision_report", _report(report), _ORIGIN, report.at_ms, ())
    for channel, at_ms in boundaries_of(connection, subject):
        yield exported("boundary", {"closed": _about(channel)}, _ORIGIN, at_ms, ())
    for channel, at_ms in lifted_of(connection, subject):
        yield exported("boundary_lifted", {"opened": _about(channel)}, _ORIGIN, at_ms, ())


def _about(channel: int) -> str:
    return "complaint" if channel == COMPLAINT else Channel(channel).name


def _decision(row: Row) -> dict[str, Json]:
    """A decision in words."""
    read: list[Json] = [
        {"name": source.name, "origin": source.origin} for source in unpacked(row.grounds).sources
    ]
    shown: dict[str, Json] = {
        "play": row.play_id,
        "option": row.option_id,
        "held": row.held,
        "became": Became(row.became).name,
        "read": read,
    }
    if row.option_id:
        shown["channel"], shown["depth"] = Channel(row.channel).name, Depth(row.depth).name
        shown["send_at_ms"] = row.send_at_ms
    if row.price_minor != NO_PRICE:
        shown["price_minor"], shown["currency"] = row.price_minor, row.currency
        shown["full_price_minor"] = row.full_price_minor
        shown["price_personalised"] = bool(row.personalised)
    if row.item_id:
        shown["item"] = row.item_id
    return shown


def _report(report: Report) -> dict[str, Json]:
    return {
        "decision": report.decision_id.hex(),
        "outcome": Outcome(report.outcome).name,
        "value": report.value,
    }
