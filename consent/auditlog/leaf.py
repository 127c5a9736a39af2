"""One leaf of the audit log: who asked what about whom, for what, and what was decided.

A leaf has exactly one encoding, which is what the tree hashes; whatever is not byte for byte the
encoding of a leaf is refused. Subjects stand in it sealed (``consent.auditlog.sealing``), so that
a leaf stays provable when it says nothing more.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from consent.errors import LeafMalformed

FORMAT = 1
PROCESS_BYTES = 8
DIGEST_BYTES = 32
TAG_BYTES = 16
SEALED_BYTES = 32  # a birth subject and AES-GCM's tag
_ITEM_MAX = 255
_FIXED = struct.Struct(f">B{PROCESS_BYTES}sQQQQIII{DIGEST_BYTES}s{DIGEST_BYTES}s")
_DECISION = struct.Struct(f">BB{TAG_BYTES}s{SEALED_BYTES}s")
_GIVEN_TO = b"given to "
_NO_SUBJECT = bytes(TAG_BYTES), bytes(SEALED_BYTES)


class Decision(NamedTuple):
    """What was decided about one subject.

    Attributes:
        purpose: bit position of the purpose.
        allowed: whether it was.
        tag: the same for all records of one subject in one store and month; 16 bytes.
        sealed: the subject, for whoever has its key; 32 bytes. Tag and subject are zeros where
            the subject was erased before it was written down.
    """

    purpose: int
    allowed: bool
    tag: bytes
    sealed: bytes

    @property
    def says_nobody(self) -> bool:
        """Written when the subject had no key any more."""
        return (self.tag, self.sealed) == _NO_SUBJECT


def of_nobody(purpose: int, *, allowed: bool) -> Decision:
    """A decision about a subject whose key is destroyed."""
    return Decision(purpose, allowed, *_NO_SUBJECT)


class Leaf(NamedTuple):
    """One record.

    Attributes:
        process: a name each process of a service makes up at its start, 8 bytes.
        number: counted by the process from 1 when the record is taken, so that a lost one shows.
        at_ms: instant of the decision, milliseconds since the epoch.
        epoch: consent epoch decided at.
        purposes: mask of the purposes decided on.
        disclosed: mask of the data classes that the answer's view could hold.
        redacted: mask of those that the method's answer has and the view had not.
        refused_items: elements of a batch that were refused.
        policy: SHA-256 of the policy file.
        contract: SHA-256 of the method's declaration and messages.
        caller: id of the caller; empty if it could not be authenticated.
        method: path of the method; empty for a note (``reason`` says of what).
        code: gRPC status name; "WRITTEN" in the record that a write carried with it, "OK" else.
        reason: the refusal's reason, or empty.
        request_id: names the call.
        evidence: ids or hashes of what the call made or relied on, each at most 255 bytes.
        decisions: one for each subject and purpose.
    """

    process: bytes
    number: int
    at_ms: int
    epoch: int = 0
    purposes: int = 0
    disclosed: int = 0
    redacted: int = 0
    refused_items: int = 0
    policy: bytes = bytes(DIGEST_BYTES)
    contract: bytes = bytes(DIGEST_BYTES)
    caller: str = ""
    method: str = ""
    code: str = ""
    reason: str = ""
    request_id: str = ""
    evidence: tuple[bytes, ...] = ()
    decisions: tuple[Decision, ...] = ()

    @property
    def name(self) -> str:
        """How people call it: process and number."""
        return f"{self.process.hex()}/{self.number}"

    @property
    def recipient(self) -> str:
        """Who was told: the caller, or the other caller whose ids of the subjects it asked for."""
        for item in self.evidence:
            if item.startswith(_GIVEN_TO):
                return item.removeprefix(_GIVEN_TO).decode()
        return self.caller

    def head(self) -> bytes:
        """The encoding of everything but the decisions; what sealed subjects are bound to."""
        fixed = _FIXED.pack(
            FORMAT,
            self.process,
            self.number,
            self.at_ms,
            self.epoch,
            self.purposes,
            self.disclosed,
            self.redacted,
            self.refused_items,
            self.policy,
            self.contract,
        )
        texts = (self.caller, self.method, self.code, self.reason, self.request_id)
        evidence = len(self.evidence).to_bytes(2, "big") + b"".join(map(_item, self.evidence))
        return b"".join((fixed, *(_item(text.encode()) for text in texts), evidence))

    def encoded(self) -> bytes:
        """The one encoding of the leaf.

        Raises:
            LeafMalformed: a part does not fit its place.
        """
        try:
            decisions = [_DECISION.pack(*decision) for decision in self.decisions]
            return self.head() + b"".join((len(decisions).to_bytes(4, "big"), *decisions))
        except (struct.error, OverflowError, TypeError, UnicodeEncodeError) as error:
            raise LeafMalformed("a part does not fit its place") from error


def given_to(recipient: str) -> tuple[bytes, ...]:
    """The evidence that ids were given out for another caller; none where there is no other."""
    return (_GIVEN_TO + recipient.encode(),) if recipient else ()


def counted(encoding: bytes) -> tuple[bytes, int, int]:
    """Process, number and instant of an encoded leaf, without reading the rest."""
    _, process, number, at_ms, *_ = _FIXED.unpack_from(encoding)
    return process, number, at_ms


def decoded(encoding: bytes) -> Leaf:
    """The leaf of an encoding.

    Raises:
        LeafMalformed: it is not the encoding of a leaf, byte for byte.
    """
    try:
        leaf = _decoded(encoding)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise LeafMalformed("not the encoding of a leaf") from error
    if leaf.encoded() != encoding:
        raise LeafMalformed("not the encoding of a leaf")
    return leaf


def packed(leaves: Iterable[bytes]) -> bytes:
    """Encodings in a row, each with its length; see ``unpacked``."""
    return b"".join(len(leaf).to_bytes(4, "big") + leaf for leaf in leaves)


def unpacked(pack: bytes) -> list[bytes]:
    """The encodings of a pack.

    Raises:
        LeafMalformed: it was cut.
    """
    leaves, start = [], 0
    while start < len(pack):
        end = start + 4 + int.from_bytes(pack[start : start + 4], "big")
        if end > len(pack):
            raise LeafMalformed("a pack of leaves was cut")
        leaves.append(pack[start + 4 : end])
        start = end
    return leaves


def _decoded(encoding: bytes) -> Leaf:
    (form, process, number, at_ms, epoch, purposes, disclosed, redacted, refused, policy, contract) = (
        _FIXED.unpack_from(encoding)
    )
    if form != FORMAT:
        raise LeafMalformed(f"format {form} is not known here")
    at = _FIXED.size
    texts = []
    for _ in range(5):
        item, at = _take(encoding, at)
        texts.append(item.decode())
    evidence = []
    count, at = int.from_bytes(encoding[at : at + 2], "big"), at + 2
    for _ in range(count):
        item, at = _take(encoding, at)
        evidence.append(item)
    caller, method, code, reason, request_id = texts
    decisions = [
        Decision(purpose, bool(allowed), tag, sealed)
        for purpose, allowed, tag, sealed in _DECISION.iter_unpack(encoding[at + 4 :])
    ]
    return Leaf(
        process=process,
        number=number,
        at_ms=at_ms,
        epoch=epoch,
        purposes=purposes,
        disclosed=disclosed,
        redacted=redacted,
        refused_items=refused,
        policy=policy,
        contract=contract,
        caller=caller,
        method=method,
        code=code,
        reason=reason,
        request_id=request_id,
        evidence=tuple(evidence),
        decisions=tuple(decisions),
    )


def _item(item: bytes) -> bytes:
    if len(item) > _ITEM_MAX:
        raise LeafMalformed(f"a text of a leaf has at most {_ITEM_MAX} bytes")
    return bytes((len(item),)) + item


def _take(encoding: bytes, at: int) -> tuple[bytes, int]:
    end = at + 1 + encoding[at]
    return encoding[at + 1 : end], end
