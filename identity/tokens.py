"""Digests become tokens, so that what is stored is useless without the key.

token = key version ‖ AES-SIV(K of tenant, kind and version; digest; associated data tenant
and kind). Equal digests give equal tokens within a tenant and a kind and nowhere else, and
whoever has the key can open a token and seal it again under the next one without asking
anybody for the identifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from identity.errors import KeyUnknown, NotADigest, TokenAltered, UnknownKind
from identity.ids import IdentifierToken
from identity.keyring import Key, KeyRing, KeyState, framed

DIGEST_BYTES = 32
_SIV_KEY_BYTES = 64  # AES-256 in SIV mode takes two keys (RFC 5297)


class IdentifierKind(IntEnum):
    """The kinds of identifiers the graph knows, numbered as in the contract."""

    EMAIL = 1
    PHONE = 2
    LOYALTY_CARD = 3
    ACCOUNT_ID = 4
    DEVICE_ID = 5
    COOKIE = 6
    CRM_ID = 7
    ORDER_REF = 8
    MESSENGER = 9


class Sealed(Enum):
    """What a digest is sealed for; the two never give the same bytes."""

    #: To recognise an identifier the graph knows.
    IDENTIFIER = "identifier token"
    #: To recognise one whose owner was erased and asked not to be marketed to again.
    SUPPRESSION = "suppression entry"


#: The ciphers of one version and purpose by kind, each with its associated data.
_Ciphers = Mapping[int, tuple[AESSIV, list[bytes]]]


class Tokeniser:
    """Makes the tokens of one tenant under the active identifier key, and opens those of every key.

    Attributes:
        tenant: whose identifiers they are.
        version: the version everything is sealed under.
        older: the other versions that open, newest first.
    """

    def __init__(self, ring: KeyRing, tenant: str) -> None:
        self.tenant = tenant
        self.version = ring.active("identifier").version
        keys = {key.version: key for key in ring.versions("identifier") if key.state is not KeyState.PENDING}
        self.older = tuple(sorted(keys.keys() - {self.version}, reverse=True))
        # Made once: a cipher object costs five times what using it costs.
        self._ciphers = {
            (version, what): _ciphers(key, what, tenant) for version, key in keys.items() for what in Sealed
        }
        self._head = bytes([self.version])
        self._active = self._ciphers[self.version, Sealed.IDENTIFIER]

    def __repr__(self) -> str:
        return f"Tokeniser({self.tenant} v{self.version})"

    def token(self, kind: int, digest: bytes) -> IdentifierToken:
        """The token of a digest.

        Args:
            kind: number of an ``IdentifierKind``.
            digest: SHA-256 of the normalised identifier, exactly 32 bytes.

        Raises:
            NotADigest: the digest has another length.
            UnknownKind: there is no such kind.
        """
        if len(digest) != DIGEST_BYTES:
            raise NotADigest
        try:
            cipher, associated = self._active[kind]
        except KeyError:
            raise UnknownKind from None
        return IdentifierToken(self._head + cipher.encrypt(digest, associated))

    def digest(self, kind: int, sealed: bytes, what: Sealed = Sealed.IDENTIFIER) -> bytes:
        """The digest in something sealed, whichever version it is under.

        Raises:
            KeyUnknown: its version is destroyed, or there never was one.
            TokenAltered: it is not what was sealed for this tenant, kind and purpose.
        """
        cipher, associated = self._cipher(sealed[0], kind, what)
        try:
            return cipher.decrypt(sealed[1:], associated)
        except InvalidTag:
            raise TokenAltered from None

    def sealed(self, kind: int, digest: bytes, what: Sealed, version: int | None = None) -> bytes:
        """A digest sealed for a purpose, under a version that opens; the active one when not given.

        Raises:
            KeyUnknown: there is no such version.
        """
        version = self.version if version is None else version
        cipher, associated = self._cipher(version, kind, what)
        return bytes([version]) + cipher.encrypt(digest, associated)

    def under(self, version: int, kind: int, token: IdentifierToken) -> IdentifierToken:
        """The token of the same digest under another version that opens."""
        if token[0] == version:
            return token
        return IdentifierToken(self.sealed(kind, self.digest(kind, token), Sealed.IDENTIFIER, version))

    def _cipher(self, version: int, kind: int, what: Sealed) -> tuple[AESSIV, list[bytes]]:
        ciphers = self._ciphers.get((version, what))
        if ciphers is None:
            raise KeyUnknown(f"identifier v{version}")
        return ciphers[kind]


def _ciphers(key: Key, what: Sealed, tenant: str) -> _Ciphers:
    return {
        int(kind): (
            AESSIV(key.derive(framed(what.value, tenant, kind.name), _SIV_KEY_BYTES)),
            [tenant.encode(), kind.name.encode()],
        )
        for kind in IdentifierKind
    }
