"""A subject in an audit record: sealed with a key of its own, bound to its record and place.

The key is the subject's and the process's, the nonce is the record's number and the place in it,
and everything the record says stands in the associated data: a sealed subject moved to another
record, another place or another subject does not open. When the subject's key is destroyed,
nobody can open any of its records, and its tags match nothing that can still be computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from consent.auditlog.keyed import Keyed
from consent.auditlog.leaf import TAG_BYTES, Decision, Leaf, of_nobody
from identity.ids import SubjectId

_DAY_MS = 86_400_000


def month_of(at_ms: int) -> bytes:
    """The month of an instant in UTC, as "2026-11"."""
    return _month_of_day(at_ms // _DAY_MS)


@lru_cache(maxsize=64)
def _month_of_day(day: int) -> bytes:
    return datetime.fromtimestamp(day * _DAY_MS / 1000, UTC).strftime("%Y-%m").encode()


def tag_of(key: bytes, month: bytes) -> bytes:
    """What a subject's records of a month are found by, for whoever has its key; 16 bytes."""
    return Keyed(key).digest(_said(month))[:TAG_BYTES]


def _said(month: bytes) -> bytes:
    return b"audit tag " + month


class SubjectSeal:
    """Seals and opens one subject in the records of one process."""

    __slots__ = ("_cipher", "_keyed")

    def __init__(self, key: bytes, process: bytes) -> None:
        """Takes the subject's key (32 bytes) and the process's name.

        Two processes may count to the same number, and a nonce must not come twice under a key.
        """
        self._keyed = Keyed(key)
        self._cipher = AESGCM(self._keyed.digest(b"audit subject " + process))

    def tag(self, said: bytes) -> bytes:
        """What the subject's records of a month are found by; of what ``_said`` makes of the month."""
        return self._keyed.digest(said)[:TAG_BYTES]

    def seal(self, subject: SubjectId, nonce: bytes, bound: bytes) -> bytes:
        """The subject, whose key this is, sealed at a place of a record; see ``_nonce``, ``_bound``."""
        return self._cipher.encrypt(nonce, subject, bound)

    def opened(self, leaf: Leaf, place: int) -> SubjectId | None:
        """The subject at a place of a record; ``None`` if this key did not seal it there."""
        decision = leaf.decisions[place]
        bound = _bound(leaf.head(), decision.purpose, allowed=decision.allowed)
        try:
            return SubjectId(self._cipher.decrypt(_nonce(leaf.number, place), decision.sealed, bound))
        except InvalidTag:
            return None


def _nonce(number: int, position: int) -> bytes:
    """12 bytes that no other place of the process has: the record's number, the place in it."""
    return number.to_bytes(8, "big") + position.to_bytes(4, "big")


def _bound(head: bytes, purpose: int, *, allowed: bool) -> bytes:
    return head + bytes((purpose, allowed))


def with_decisions(
    leaf: Leaf,
    decided: Iterable[tuple[SubjectId, int, bool]],
    seal_of: Callable[[SubjectId], SubjectSeal | None],
) -> Leaf:
    """The record with what was decided sealed into it.

    Args:
        leaf: the record, without decisions.
        decided: subject, purpose and whether it was allowed.
        seal_of: the seal of a subject; ``None`` where its key is destroyed.
    """
    head, number, said = leaf.head(), leaf.number, _said(month_of(leaf.at_ms))
    bounds: dict[tuple[int, bool], bytes] = {}  # of thousands of decisions of a call few differ in this
    decisions = []
    for position, (subject, purpose, allowed) in enumerate(decided):
        seal = seal_of(subject)
        if seal is None:
            decisions.append(of_nobody(purpose, allowed=allowed))
            continue
        bound = bounds.get((purpose, allowed))
        if bound is None:
            bound = bounds[purpose, allowed] = _bound(head, purpose, allowed=allowed)
        sealed = seal.seal(subject, _nonce(number, position), bound)
        decisions.append(Decision(purpose, allowed, seal.tag(said), sealed))
    return leaf._replace(decisions=tuple(decisions))
