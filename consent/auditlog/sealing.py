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
from typing import NamedTuple

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
    return _tag(Keyed(key), month)


def _tag(keyed: Keyed, month: bytes) -> bytes:
    return keyed.digest(b"audit tag " + month)[:TAG_BYTES]


class Place(NamedTuple):
    """A place in a record.

    Attributes:
        head: the record's encoding without its decisions.
        month: of the record, see ``month_of``.
        number: of the record.
        position: among its decisions.
    """

    head: bytes
    month: bytes
    number: int
    position: int

    @property
    def nonce(self) -> bytes:
        """12 bytes that no other place of the process has."""
        return self.number.to_bytes(8, "big") + self.position.to_bytes(4, "big")


class SubjectSeal:
    """Seals and opens one subject in the records of one process."""

    def __init__(self, key: bytes, process: bytes) -> None:
        """Takes the subject's key (32 bytes) and the process's name.

        Two processes may count to the same number, and a nonce must not come twice under a key.
        """
        self._keyed = Keyed(key)
        self._cipher = AESGCM(self._keyed.digest(b"audit subject " + process))
        self._tags: dict[bytes, bytes] = {}

    def seal(self, subject: SubjectId, where: Place, purpose: int, *, allowed: bool) -> Decision:
        """The decision about the subject as it stands at a place of a record.

        Args:
            subject: whose key this is.
            where: the record and the position among its decisions.
            purpose: bit position of the purpose.
            allowed: what was decided.
        """
        tag = self._tags.get(where.month)
        if tag is None:
            tag = self._tags[where.month] = _tag(self._keyed, where.month)
        bound = _bound(where.head, purpose, allowed=allowed)
        return Decision(purpose, allowed, tag, self._cipher.encrypt(where.nonce, subject, bound))

    def opened(self, leaf: Leaf, place: int) -> SubjectId | None:
        """The subject at a place of a record; ``None`` if this key did not seal it there."""
        decision = leaf.decisions[place]
        where = Place(leaf.head(), b"", leaf.number, place)
        bound = _bound(where.head, decision.purpose, allowed=decision.allowed)
        try:
            return SubjectId(self._cipher.decrypt(where.nonce, decision.sealed, bound))
        except InvalidTag:
            return None


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
    head, month = leaf.head(), month_of(leaf.at_ms)
    decisions = []
    for position, (subject, purpose, allowed) in enumerate(decided):
        seal = seal_of(subject)
        if seal is None:
            decisions.append(of_nobody(purpose, allowed=allowed))
        else:
            where = Place(head, month, leaf.number, position)
            decisions.append(seal.seal(subject, where, purpose, allowed=allowed))
    return leaf._replace(decisions=tuple(decisions))
