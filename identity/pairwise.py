"""The ids callers hold: each caller another one of the same subject, with no table.

id = key version ‖ AES-256 of the 16-byte subject (one block, so a permutation: no two
subjects share an id and the same subject always gives the same one) ‖ 8-byte keyed BLAKE2b
tag over caller, version and block; in base64url behind a prefix. Keys are per tenant, caller
and version, so two callers' exports share nothing. Persons are sealed under keys of their
own, and so are consent statements: no id opens as one of another kind. While a caller's key is
being changed the ids under the one before open, too; when that is over they are refused as
retired, by their version alone.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile, islice
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

from identity.errors import MalformedSubject, PseudonymRetired
from identity.ids import SUBJECT_BYTES, SubjectId
from identity.keyring import Key, KeyRing, KeyState, framed
from identity.rotation import Taken, line

SUBJECT_PREFIX = "vs_"
PERSON_PREFIX = "vp_"
STATEMENT_PREFIX = "vd_"
_TAG_BYTES = 8
_SEALED_BYTES = 1 + SUBJECT_BYTES + _TAG_BYTES
_TEXT_LENGTH = len(SUBJECT_PREFIX) + (_SEALED_BYTES * 8 + 5) // 6
_PADDING = b"=="
# 25 bytes fill 33 characters and two bits of the 34th; its other four bits must be 0, or one
# subject had sixteen ids.
_LAST_CHARACTERS = frozenset("AQgw")
_TO_URL = bytes.maketrans(b"+/", b"-_")
# The standard alphabet's own "+" and "/" become a byte the strict decoder refuses.
_FROM_URL = bytes.maketrans(b"-_+/", b"+/\0\0")


@dataclass(frozen=True, slots=True, repr=False)
class _Seal:
    """The contexts of one key, kept alive: 0.2 µs to use, 3 µs to make.

    A context is not for two threads at once; the suite opens and seals in its event loop.
    """

    head: bytes
    encryptor: CipherContext
    decryptor: CipherContext
    tag: Any  # hashlib's keyed BLAKE2b, with caller and version already in it


@dataclass(frozen=True, slots=True)
class _Version:
    """The seals of one version of a caller's ids; of a destroyed version there are none."""

    ends_at_ms: int
    subject: _Seal | None
    person: _Seal | None
    statement: _Seal | None


class Pairwise:
    """Opens and seals the ids of one caller of one tenant.

    Attributes:
        before_until_ms: until when the ids under the key before are taken beside those of now,
            milliseconds since the epoch; 0 if there is no such key.
    """

    def __init__(self, ring: KeyRing, tenant: str, caller: str) -> None:
        self._name = f"{tenant}/{caller}"
        taken = line(ring, caller)
        self._versions: Mapping[int, _Version] = {
            key.version: _version(key, ends_at_ms, tenant, caller) for key, ends_at_ms in taken
        }
        sealing, *before = islice(_sealed_under(taken), 2)
        newest = self._versions[sealing.key.version]
        self._subject, self._person, self._statement = newest.subject, newest.person, newest.statement
        self._before = self._versions[before[0].key.version].subject if before else None
        self.before_until_ms = before[0].ends_at_ms if before else 0

    def __repr__(self) -> str:
        return f"Pairwise({self._name})"

    def seal(self, subject: SubjectId) -> str:
        """This caller's id of a subject: 37 characters, the same every time."""
        return SUBJECT_PREFIX + _sealed(self._subject, subject)

    def seal_before(self, subject: SubjectId) -> str:
        """The id the caller had of a subject under the key before; empty if there is none."""
        return SUBJECT_PREFIX + _sealed(self._before, subject) if self._before is not None else ""

    def seal_person(self, subject: SubjectId) -> str:
        """This caller's id of the person whose oldest birth subject is ``subject``."""
        return PERSON_PREFIX + _sealed(self._person, subject)

    def seal_statement(self, statement: bytes) -> str:
        """This caller's id of a consent statement of 16 bytes; two callers can not join on it."""
        return STATEMENT_PREFIX + _sealed(self._statement, statement)

    def open(self, text: str, now_ms: int) -> SubjectId:
        """The subject behind an id of this caller.

        Args:
            text: the id.
            now_ms: decides whether a key that was followed by another is still taken.

        Raises:
            MalformedSubject: the text is altered, another caller's, a person id, or no id.
            PseudonymRetired: it names a key of this caller's that is taken no more.
        """
        sealed = _bytes_of(SUBJECT_PREFIX, text)
        version = self._versions.get(sealed[0]) if sealed is not None else None
        if sealed is None or version is None:
            raise MalformedSubject
        if version.subject is None or now_ms >= version.ends_at_ms:
            raise PseudonymRetired
        block = _opened(version.subject, sealed)
        if block is None:
            raise MalformedSubject
        return SubjectId(block)

    def open_statement(self, text: str, now_ms: int) -> bytes | None:
        """The statement behind an id of this caller; ``None`` if it is none, or one taken no more."""
        sealed = _bytes_of(STATEMENT_PREFIX, text)
        version = self._versions.get(sealed[0]) if sealed is not None else None
        if sealed is None or version is None or version.statement is None or now_ms >= version.ends_at_ms:
            return None
        return _opened(version.statement, sealed)


def _bytes_of(prefix: str, text: str) -> bytes | None:
    if len(text) != _TEXT_LENGTH or text[:3] != prefix or text[-1] not in _LAST_CHARACTERS:
        return None
    try:
        return binascii.a2b_base64(text[3:].encode("ascii").translate(_FROM_URL) + _PADDING, strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


def _opened(seal: _Seal, sealed: bytes) -> bytes | None:
    block = sealed[1:17]
    tag = seal.tag.copy()
    tag.update(block)
    if not hmac.compare_digest(tag.digest(), sealed[17:]):
        return None
    return seal.decryptor.update(block)


def _sealed_under(taken: Sequence[Taken]) -> Iterator[Taken]:
    """The version that seals, and those before it that did; under a pending one nothing is sealed."""
    from_active = dropwhile(lambda one: one.key.state is not KeyState.ACTIVE, taken)
    return (one for one in from_active if one.key.state in {KeyState.ACTIVE, KeyState.RETIRED})


def _version(key: Key, ends_at_ms: int, tenant: str, caller: str) -> _Version:
    if key.state is KeyState.DESTROYED:
        return _Version(ends_at_ms, None, None, None)
    seals = (_seal(key, what, tenant, caller) for what in ("subject", "person", "statement"))
    return _Version(ends_at_ms, *seals)


def _seal(key: Key, what: str, tenant: str, caller: str) -> _Seal:
    cipher = Cipher(AES256(key.derive(framed("pairwise block", what, tenant, caller), 32)), ECB())  # noqa: S305
    head = bytes([key.version])
    tag_key = key.derive(framed("pairwise tag", what, tenant, caller), 32)
    tag = hashlib.blake2b(framed(tenant, caller) + head, key=tag_key, digest_size=_TAG_BYTES)
    return _Seal(head, cipher.encryptor(), cipher.decryptor(), tag)


def _sealed(seal: _Seal | None, plain: bytes) -> str:
    assert seal is not None  # noqa: S101 - the version that seals is never a destroyed one
    block = seal.encryptor.update(plain)
    tag = seal.tag.copy()
    tag.update(block)
    text = binascii.b2a_base64(seal.head + block + tag.digest(), newline=False)
    return text[:-2].translate(_TO_URL).decode("ascii")
