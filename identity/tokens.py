"""Digests become tokens, so that what is stored is useless without the key.

token = key version ‖ AES-SIV(K of tenant, kind and version; digest; associated data tenant
and kind). Equal digests give equal tokens within a tenant and a kind and nowhere else, and
whoever has the key can open a token and seal it again under the next one without asking
anybody for the identifier.
"""

from __future__ import annotations

from enum import IntEnum

from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from identity.errors import NotADigest, UnknownKind
from identity.ids import IdentifierToken
from identity.keyring import KeyRing, framed

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


class Tokeniser:
    """Makes the tokens of one tenant under the active identifier key."""

    def __init__(self, ring: KeyRing, tenant: str) -> None:
        key = ring.active("identifier")
        self.tenant = tenant
        self._version = bytes([key.version])
        # Made once: a cipher object costs five times what using it costs.
        self._ciphers = {
            int(kind): (
                AESSIV(key.derive(framed("identifier token", tenant, kind.name), _SIV_KEY_BYTES)),
                [tenant.encode(), kind.name.encode()],
            )
            for kind in IdentifierKind
        }

    def __repr__(self) -> str:
        return f"Tokeniser({self.tenant} v{self._version[0]})"

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
            cipher, associated = self._ciphers[kind]
        except KeyError:
            raise UnknownKind from None
        return IdentifierToken(self._version + cipher.encrypt(digest, associated))
