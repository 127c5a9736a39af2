"""A statement as a caller reports it, what can be wrong with it, and the records it becomes.

A statement is judged before anything is kept and appended whole or not at all. Its id is made
of who reported it under which request id at which position, so that a repeat is recognised
and a request id used for something else is refused rather than mistaken for a repeat.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from consent.guard_table import NEVER_MS
from consent.policy import Policy
from consent.record import (
    NO_EVIDENCE,
    RESTRICTING,
    Action,
    Age,
    CollectedVia,
    ConsentRecord,
    Evidence,
    Notice,
    Said,
)
from identity.ids import SubjectId

#: A caller's clock and the suite's may differ by so much.
CLOCK_SKEW_MS = 300_000
ID_BYTES = 16
SHA256_BYTES = 32
#: What an erased person may ask to go on being refused to whoever brings their identifier again.
SUPPRESSED = ("marketing", "share")


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
        regime: name of the regime the person was under; empty for not known.
        jurisdiction: ISO 3166-2 code of where the person was; empty for not known.
        age: how old the person is known to be.
        child_signal: there was a sign of a child, whatever the age says.
        evidence: what shows that it was said.
        supersedes: ``event_id`` of each refusal that a grant answers.
    """

    subject: SubjectId
    action: Action
    nodes: tuple[str, ...]
    collected_via: CollectedVia
    effective_at_ms: int | None
    valid_until_ms: int
    notice: Notice | None
    regime: str = ""
    jurisdiction: str = ""
    age: Age = Age.UNKNOWN
    child_signal: bool = False
    evidence: Evidence = NO_EVIDENCE
    supersedes: tuple[bytes, ...] = ()


class Refusal(NamedTuple):
    """A refusal that a grant may answer, and whose it is."""

    subject: SubjectId
    said: Said


#: By ``event_id`` the refusals of a subject and of those joined with it by proof on both sides.
Refusals = Mapping[bytes, Refusal]
NO_REFUSALS: Refusals = {}


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
        answered: whose refusals it answers.
    """

    entry_id: bytes
    digest: bytes
    records: tuple[ConsentRecord, ...]
    answered: frozenset[SubjectId] = frozenset()


def fault_in(
    statement: Statement, policy: Policy, now_ms: int, refusals: Refusals = NO_REFUSALS
) -> Fault | None:
    """The first thing that is wrong with a statement, or None.

    Args:
        statement: what the caller reported.
        policy: the purpose tree it speaks about.
        now_ms: nothing can have been said later than this.
        refusals: what a grant of this subject may answer.
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
    if statement.regime and not policy.regime_mask(statement.regime):
        return Fault("UNKNOWN_REGIME", "regime")
    if statement.action is Action.GRANT and statement.notice is None:
        return Fault("NOTICE_MISSING", "notice")
    return _fault_in_digests(statement) or _fault_in_answer(statement, policy, now_ms, refusals)


def _fault_in_digests(statement: Statement) -> Fault | None:
    """A SHA-256 is there or not; half of one proves nothing."""
    notice, evidence = statement.notice, statement.evidence
    if notice is not None and len(notice.sha256) not in (0, SHA256_BYTES):
        return Fault("FIELD_LENGTH", "notice.sha256")
    return None if len(evidence.ui_hash) in (0, SHA256_BYTES) else Fault("FIELD_LENGTH", "evidence.ui_hash")


def _fault_in_answer(statement: Statement, policy: Policy, now_ms: int, refusals: Refusals) -> Fault | None:
    """A grant answers refusals that its notice showed; which text that was has to be provable."""
    if not statement.supersedes:
        return None
    if statement.action is not Action.GRANT:
        return Fault("SUPERSEDES_NOTHING", "supersedes")
    if statement.notice is None or not statement.notice.sha256:
        return Fault("NOTICE_MISSING", "notice.sha256")
    granted = 0
    for node in statement.nodes:
        granted |= policy.mask(node)
    for event_id in statement.supersedes:
        refusal = refusals.get(event_id)
        if (
            refusal is None
            or not policy.mask(refusal.said.node) & granted
            or refusal.said.effective_at_ms > said_at_ms(statement, now_ms)
        ):
            return Fault("SUPERSEDES_NOTHING", "supersedes")
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
    restricts = statement.action in RESTRICTING
    return now_ms if restricts and now_ms - at_ms <= CLOCK_SKEW_MS else at_ms


def ledger_entry(
    statement: Statement, origin: Origin, policy: Policy, now_ms: int, refusals: Refusals = NO_REFUSALS
) -> LedgerEntry:
    """What is appended for a statement without fault.

    Args:
        statement: what the caller reported.
        origin: where it comes from.
        policy: gives the version of the purpose tree it was said under, and its legal basis.
        now_ms: when it is written down, and when it was said if it does not say so itself.
        refusals: as of ``fault_in``.
    """
    entry_id = _digest(*origin)[:ID_BYTES]
    at_ms = said_at_ms(statement, now_ms)
    age = Age.CHILD if statement.child_signal else statement.age
    supersedes = tuple(dict.fromkeys(statement.supersedes))
    first, *others = dict.fromkeys(statement.nodes)
    bare = replace(statement.evidence, raw_signal=b"")

    def record(node: str, evidence: Evidence) -> ConsentRecord:
        event_id = hashlib.sha256(entry_id + node.encode()).digest()[:ID_BYTES]
        version, until_ms = policy.taxonomy_version, statement.valid_until_ms
        return ConsentRecord(
            tenant=origin.tenant,
            subject=statement.subject,
            said=Said(
                node, statement.action, version, at_ms, until_ms, statement.regime, age, event_id, supersedes
            ),
            legal_basis=policy.legal_basis(node, statement.regime),
            jurisdiction=statement.jurisdiction,
            age=statement.age,
            child_signal=statement.child_signal,
            collected_via=statement.collected_via,
            recorded_at_ms=now_ms,
            notice=statement.notice,
            evidence=evidence,
            actor=origin.caller,
            request_id=origin.request_id,
        )

    # The raw signal can be long: it stands in the first record of its statement alone.
    records = (record(first, statement.evidence), *(record(node, bare) for node in others))
    answered = frozenset(refusals[event_id].subject for event_id in supersedes)
    return LedgerEntry(entry_id, _content(statement), records, answered)


def suppression(subject: SubjectId, policy: Policy, now_ms: int) -> LedgerEntry:
    """What the birth of a suppressed identifier begins with; the same however often it is told.

    Args:
        subject: the birth subject.
        policy: the purpose tree; what it lacks of the suppressed purposes is nobody's to refuse.
        now_ms: when it came.
    """
    nodes = tuple(node for node in SUPPRESSED if policy.has(node))
    statement = Statement(
        subject=subject,
        action=Action.REFUSE,
        nodes=nodes,
        collected_via=CollectedVia.PARTNER,  # the source that brought the identifier; the actor says why
        effective_at_ms=None,
        valid_until_ms=NEVER_MS,
        notice=None,
    )
    origin = Origin("", "veilgraph/suppression", "", int.from_bytes(subject, "big"))
    return ledger_entry(statement, origin, policy, now_ms)


def _content(statement: Statement) -> bytes:
    """Digest of what the caller said. An unset time stays unset: a repeat comes later.

    What was added to statements later is digested only where it is said, so that the repeat of
    a statement made before is still one.
    """
    notice, evidence = statement.notice, statement.evidence
    added = {
        "regime": statement.regime,
        "jurisdiction": statement.jurisdiction,
        "age": "" if statement.age is Age.UNKNOWN else statement.age,
        "child_signal": statement.child_signal,
        "notice_sha256": notice.sha256.hex() if notice is not None else "",
        "method": evidence.method,
        "collector": evidence.collector,
        "ui_hash": evidence.ui_hash.hex(),
        "raw_signal": hashlib.sha256(evidence.raw_signal).hexdigest() if evidence.raw_signal else "",
        "supersedes": sorted(event_id.hex() for event_id in set(statement.supersedes)),
    }
    said = {name: value for name, value in added.items() if value}
    return _digest(
        statement.subject.hex(),
        statement.action,
        *sorted(set(statement.nodes)),
        statement.collected_via,
        statement.effective_at_ms,
        statement.valid_until_ms,
        *(() if notice is None else (notice.id, notice.version, notice.language)),
        *((json.dumps(said, sort_keys=True),) if said else ()),
    )


def _digest(*parts: str | int | None) -> bytes:
    return hashlib.sha256(json.dumps(parts).encode()).digest()
