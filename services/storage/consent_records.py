"""Consent records as rows, there and back.

A raw signal can name the person, so it is sealed under the subject's own key; when that key
is destroyed the rest of the record still proves what was said, and the signal reads as none.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from consent.record import Action, Age, CollectedVia, ConsentRecord, Evidence, Notice, Said
from consent.statement import ID_BYTES
from identity.ids import SubjectId
from services.storage.database import Connection
from services.storage.subject_keys import SubjectKeys

COLUMNS = (
    "event_id", "tenant", "subject", "node", "action", "taxonomy_version", "effective_at_ms",
    "valid_until_ms", "regime", "jurisdiction", "legal_basis", "age", "child_signal", "collected_via",
    "recorded_at_ms", "notice_id", "notice_version", "notice_language", "notice_sha256", "method",
    "collector", "ui_hash", "raw_signal", "supersedes", "actor", "request_id",
)  # fmt: skip
_COLUMNS = ", ".join(COLUMNS)
INSERT = f"INSERT INTO records ({_COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our own names
#: One subject's records behind a position, at most so many.
OF_SUBJECT = f"""SELECT position, {_COLUMNS} FROM records
    WHERE subject = ? AND position > ? ORDER BY position LIMIT ?"""  # noqa: S608 - our own names
#: What the fold needs; the id only of refusals that a grant names, and of grants that name some.
SAID = """SELECT subject, node, action, taxonomy_version, effective_at_ms, valid_until_ms, regime, age,
    child_signal, CASE WHEN action IN ('REFUSE', 'WITHDRAW')
    AND event_id IN (SELECT refusal FROM answered) THEN event_id END,
    supersedes FROM records {where} ORDER BY subject, position"""
#: The refusals of one subject, whoever names them.
REFUSALS = """SELECT subject, node, action, taxonomy_version, effective_at_ms, valid_until_ms, regime, age,
    child_signal, event_id, supersedes FROM records
    WHERE subject = ? AND action IN ('REFUSE', 'WITHDRAW') ORDER BY position"""
#: Place of the sealed raw signal among the columns.
RAW_SIGNAL = 22
_ACTIONS = {action.value: action for action in Action}
_AGES = {age.value: age for age in Age}
_NONCE_BYTES = 12


class RawSignals:
    """Seals and opens raw signals, each under its subject's key and bound to its record."""

    def __init__(self, keys: SubjectKeys) -> None:
        self._keys = keys

    def seal(self, connection: Connection, record: ConsentRecord) -> bytes | None:
        """The signal of a record as it is kept; errors as of ``SubjectKeys.key_in``."""
        if not record.evidence.raw_signal:
            return None
        cipher = _cipher(self._keys.key_in(connection, record.subject))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + cipher.encrypt(nonce, record.evidence.raw_signal, record.event_id)

    def open(
        self, connection: Connection, subject: SubjectId, event_id: bytes, sealed: bytes | None
    ) -> bytes:
        """The signal again; empty if there was none or its key is destroyed."""
        key = self._keys.existing(connection, [subject]).get(subject) if sealed else None
        if key is None or sealed is None:
            return b""
        return _cipher(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], event_id)


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(hmac.digest(key, b"consent raw signal", "sha256"))


def row_of(record: ConsentRecord, sealed: bytes | None) -> tuple[object, ...]:
    """A record as ``INSERT`` takes it; ``sealed`` is its raw signal."""
    said, notice, evidence = record.said, record.notice, record.evidence
    return (
        record.event_id,
        record.tenant,
        record.subject,
        said.node,
        said.action.value,
        said.taxonomy_version,
        said.effective_at_ms,
        said.valid_until_ms,
        said.regime,
        record.jurisdiction,
        record.legal_basis,
        record.age.value,
        record.child_signal,
        record.collected_via.value,
        record.recorded_at_ms,
        *((None,) * 4 if notice is None else (notice.id, notice.version, notice.language, notice.sha256)),
        evidence.method,
        evidence.collector,
        evidence.ui_hash,
        sealed,
        b"".join(said.supersedes) or None,
        record.actor,
        record.request_id,
    )


def record_of(row: Sequence[Any], raw_signal: bytes) -> ConsentRecord:
    """A record from the columns of ``INSERT``; ``raw_signal`` is its signal, opened."""
    event_id, tenant, subject, *said, regime, jurisdiction, basis, age, child, via, recorded = row[:15]
    (
        notice_id,
        notice_version,
        language,
        sha256,
        method,
        collector,
        ui_hash,
        _,
        supersedes,
        actor,
        request_id,
    ) = row[15:]
    return ConsentRecord(
        tenant=tenant,
        subject=SubjectId(subject),
        said=_said((*said, regime, age, child, event_id, supersedes)),
        legal_basis=basis,
        jurisdiction=jurisdiction,
        age=_AGES[age],
        child_signal=bool(child),
        collected_via=CollectedVia(via),
        recorded_at_ms=recorded,
        notice=None if notice_id is None else Notice(notice_id, notice_version, language, sha256 or b""),
        evidence=Evidence(method, collector, ui_hash or b"", raw_signal),
        actor=actor,
        request_id=request_id,
    )


def said_of(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[SubjectId, list[Said]]]:
    """Rows of ``SAID`` by their subjects."""
    for subject, group in groupby(rows, key=itemgetter(0)):
        yield SubjectId(subject), [_said(row[1:]) for row in group]


def _said(row: Sequence[Any]) -> Said:
    node, action, version, effective_at_ms, valid_until_ms, regime, age, child, event_id, supersedes = row
    return Said(
        node,
        _ACTIONS[action],
        version,
        effective_at_ms,
        valid_until_ms,
        regime,
        Age.CHILD if child else _AGES[age],
        event_id or b"",
        _ids(supersedes) if supersedes else (),
    )


def _ids(joined: bytes) -> tuple[bytes, ...]:
    return tuple(joined[start : start + ID_BYTES] for start in range(0, len(joined), ID_BYTES))
