"""The contract's form of what rights answers; one function a message, and one for times."""

from __future__ import annotations

import json

from google.protobuf.timestamp_pb2 import Timestamp

from consent.policy import Policy
from services.contract import class_names
from services.rights.access import Asked, Decision, Provenance
from services.rights.disclosure import Disclosure
from services.rights.erasure import SignedReceipt
from services.stores import ExportedValue
from veilgraph.consent.v1 import rights_pb2


def identity_messages(asked: Asked) -> list[rights_pb2.Identity]:
    """Whom an answer is about; subjects are sealed for the caller on the way out."""
    proven = [
        rights_pb2.Identity(
            subject=proof.subject.hex(),
            covered="COVERED_PROVEN",
            verifier=proof.verifier,
            method=proof.method,
            authenticated_at=_timestamp(proof.authenticated_at_ms),
        )
        for proof in {proof.subject: proof for proof in asked.proofs}.values()
    ]
    linked = [
        rights_pb2.Identity(subject=subject.hex(), covered="COVERED_LINKED")
        for subject in asked.coverage.linked
    ]
    return proven + linked


def value_message(value: ExportedValue) -> rights_pb2.KeptValue:
    """One kept value as the contract shows it."""
    return rights_pb2.KeptValue(
        subject=value.subject.hex(),
        store=value.store,
        kind=value.kind,
        value_json=json.dumps(value.value, ensure_ascii=False, sort_keys=True),
        source=value.source,
        party=value.party,
        observed_at=_timestamp(value.observed_at_ms),
        recorded_at=_timestamp(value.recorded_at_ms),
        purposes=value.purposes,
        inferred=value.inferred,
    )


def provenance_message(one: Provenance) -> rights_pb2.Provenance:
    """Where things of one kind came from."""
    return rights_pb2.Provenance(
        source=one.source,
        party=one.party,
        store=one.store,
        kind=one.kind,
        count=one.count,
        first=_timestamp(one.first_ms),
        last=_timestamp(one.last_ms),
    )


def recipient_message(one: Disclosure, policy: Policy) -> rights_pb2.Recipient:
    """What one caller was told by one method for one purpose."""
    return rights_pb2.Recipient(
        name=one.caller,
        method=one.method,
        purpose=policy.leaves[one.purpose],
        data_classes=class_names(one.classes),
        answered=one.answered,
        refused=one.refused,
        first=_timestamp(one.first_ms),
        last=_timestamp(one.last_ms),
    )


def decision_message(one: Decision) -> rights_pb2.Decision:
    """What is decided for one purpose of one identity."""
    return rights_pb2.Decision(
        subject=one.subject.hex(),
        purpose=one.purpose,
        allowed=one.allowed,
        reason=one.reason,
        legal_basis=one.legal_basis,
    )


def receipt_message(receipt: SignedReceipt | None) -> rights_pb2.SignedReceipt | None:
    """A receipt as the contract has it."""
    if receipt is None:
        return None
    return rights_pb2.SignedReceipt(
        body=receipt.body, signature=receipt.signature, key_version=receipt.key_version
    )


def _timestamp(at_ms: int | None) -> Timestamp | None:
    if at_ms is None:
        return None
    timestamp = Timestamp()
    timestamp.FromMilliseconds(at_ms)
    return timestamp
