"""A statement as a caller reports it, what can be wrong with it, and the records it becomes.

A statement is judged before anything is kept and appended whole or not at all. Its id is made
of who reported it under which request id at which position, so that a repeat is recognised
and a request id used for something else is refused rather than mistaken for a repeat.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import NamedTuple

from consent.guard_table import NEVER_MS
from consent.policy import Policy
from consent.record import Action, CollectedVia, ConsentRecord, Notice, Said
from identity.ids import SubjectId

#: A caller's clock and the suite's may differ by so much.
CLOCK_SKEW_MS = 300_000
ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person said about some purposes.

    Attributes:
        subject: the birth subject it was given under.
        action: what it does.
        nodes: nodes of the purpose tree.
        collected_via: where it was said.
        effective_at_ms: when it was said, milliseconds since the epoch; ``None`` means now.
        valid_until_ms: from when on a grant no longer holds; ``NEVER_MS`` if it does not end.
        notice: the text the person was shown, if any.
    """

    subject: SubjectId
    action: Action
    nodes: tuple[str, ...]
    collected_via: CollectedVia
    effective_at_ms: int | None
    valid_until_ms: int
    notice: Notice | None


class Origin(NamedTuple):
    """Where a statement comes from: which element of which request of which caller."""

    tenant: str
    caller: str
    request_id: str
    position: int


class Fault(NamedTuple):
    """What is wrong with a statement: the reason and the field of the statement."""

    reason: str
    field: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One statement as it is appended.

    Attributes:
        entry_id: 16 bytes made of its origin.
        digest: SHA-256 of what the caller said; another digest under the same id is no repeat.
        records: one a node.
    """

    entry_id: bytes
    digest: bytes
    records: tuple[ConsentRecord, ...]


def fault_in(statement: Statement, policy: Policy, now_ms: int) -> Fault | None:
    """The first thing that is wrong with a statement, or None.

    Args:
        statement: what the caller reported.
        policy: the purpose tree it speaks about.
        now_ms: nothing can have been said later than this.
    """
    for node in statement.nodes:
        if not policy.has(node):
            return Fault("UNKNOWN_PURPOSE", "purposes")
        if policy.mask(node) & policy.unrefusable_mask:
            return Fault("PURPOSE_UNREFUSABLE", "purposes")
    if statement.effective_at_ms is not None and statement.effective_at_ms > now_ms + CLOCK_SKEW_MS:
        return Fault("EFFECTIVE_IN_FUTURE", "effective_at")
    if statement.valid_until_ms != NEVER_MS and statement.action is not Action.GRANT:
        return Fault("VALID_UNTIL_INVALID", "valid_until")
    if statement.valid_until_ms <= said_at_ms(statement, now_ms):
        return Fault("VALID_UNTIL_INVALID", "valid_until")
    if statement.action is Action.GRANT and statement.notice is None:
        return Fault("NOTICE_MISSING", "notice")
    return None


def said_at_ms(statement: Statement, now_ms: int) -> int:
    """When a statement counts as said: at the caller's instant, or now.

    Now, if the caller names no instant or one ahead of now; and, for what restricts, one that
    is behind by less than clocks may differ: a grant that the suite itself stamped a moment ago
    must not outlive a withdrawal stamped by a slower clock.
    """
    at_ms = statement.effective_at_ms
    if at_ms is None or at_ms > now_ms:
        return now_ms
    restricts = statement.action is not Action.GRANT
    return now_ms if restricts and now_ms - at_ms <= CLOCK_SKEW_MS else at_ms


def ledger_entry(statement: Statement, origin: Origin, policy: Policy, now_ms: int) -> LedgerEntry:
    """What is appended for a statement without fault.

    Args:
        statement: what the caller reported.
        origin: where it comes from.
        policy: gives the version of the purpose tree it was said under.
        now_ms: when it is written down, and when it was said if it does not say so itself.
    """
    entry_id = _digest(*origin)[:ID_BYTES]
    nodes = dict.fromkeys(statement.nodes)
    at_ms = said_at_ms(statement, now_ms)
    records = tuple(
        ConsentRecord(
            event_id=hashlib.sha256(entry_id + node.encode()).digest()[:ID_BYTES],
            tenant=origin.tenant,
            subject=statement.subject,
            said=Said(node, statement.action, policy.taxonomy_version, at_ms, statement.valid_until_ms),
            collected_via=statement.collected_via,
            recorded_at_ms=now_ms,
            notice=statement.notice,
            actor=origin.caller,
            request_id=origin.request_id,
        )
        for node in nodes
    )
    return LedgerEntry(entry_id, _content(statement), records)


def _content(statement: Statement) -> bytes:
    """Digest of what the caller said. An unset time stays unset: a repeat comes later."""
    notice = statement.notice
    return _digest(
        statement.subject.hex(),
        statement.action,
        *sorted(set(statement.nodes)),
        statement.collected_via,
        statement.effective_at_ms,
        statement.valid_until_ms,
        *(() if notice is None else (notice.id, notice.version, notice.language)),
    )


def _digest(*parts: str | int | None) -> bytes:
    return hashlib.sha256(json.dumps(parts).encode()).digest()
