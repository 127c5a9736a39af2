"""What the stations about offers show, as tables: in words, and with the suite's texts taken literally."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.markup import escape
from rich.table import Table

from veilgraph.engagement.v1 import decision_pb2, definition_pb2, loyalty_pb2, offer_pb2, profile_pb2


def plays_table(answer: definition_pb2.ApplyResponse) -> Table:
    """The plays among some definitions, with what each reads of people."""
    table = Table("play", "version", "reads", "for")
    for one in answer.definitions:
        if one.kind == definition_pb2.DEFINITION_KIND_PLAY:
            reads = ", ".join(one.fields_read) or "nothing"
            table.add_row(escape(one.id), str(one.version), escape(reads), escape(", ".join(one.purposes)))
    return table


def answers_table(answers: Iterable[tuple[str, decision_pb2.DecideResponse]]) -> Table:
    """Decisions, each with what it was asked for."""
    table = Table("asked", "answer", "how personal", "channel", "chance")
    for asked, answer in answers:
        if answer.HasField("hold"):
            reason = _words(decision_pb2.HoldReason, answer.hold.reason, "HOLD_REASON_")
            table.add_row(escape(asked), f"held: {reason}", "", "", "")
            continue
        given = answer.given
        table.add_row(
            escape(asked),
            escape(given.option_id),
            _words(offer_pb2.Depth, given.depth, "DEPTH_"),
            _words(offer_pb2.Channel, given.channel, "CHANNEL_"),
            f"{given.propensity:.0%}",
        )
    return table


def why_table(why: decision_pb2.WhyResponse) -> Table:
    """What a decision read: each field with its origin and what permits its use."""
    table = Table("read", "whose data", "from", "used for", "which rests on")
    for one in why.read:
        party = _words(profile_pb2.Party, one.party, "PARTY_") if one.party else ""
        origin = one.origin or "nothing was known"
        table.add_row(escape(one.name), party, escape(origin), escape(one.purpose), escape(one.legal_basis))
    return table


def standings_table(standings: Iterable[tuple[str, loyalty_pb2.ProgrammeStanding]]) -> Table:
    """Where somebody stands in a programme, step by step."""
    table = Table("when", "purchases of the month", "status", "missing")
    for when, one in standings:
        table.add_row(
            escape(when), _amount(one.measured), escape(one.status or "none"), _amount(one.remaining)
        )
    return table


def messages_table(due: Iterable[tuple[str, int]]) -> Table:
    """How many messages went out to whom."""
    table = Table("web and phone are", "messages")
    for who, number in due:
        table.add_row(who, str(number))
    return table


def _amount(minor: int) -> str:
    return f"{minor / 100:,.2f}"


def _words(enum: Any, number: int, prefix: str) -> str:
    return enum.Name(number).removeprefix(prefix).lower().replace("_", " ")  # type: ignore[no-any-return]
