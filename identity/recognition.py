"""By which sealed forms an identifier is recognised while its key is being changed.

Whatever is written is sealed under the active key. Whatever may still be kept under an older one
is looked for under that, too, so that one identifier is never taken for two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from identity.ids import IdentifierToken
from identity.tokens import Sealed, Tokeniser


@dataclass(frozen=True, slots=True)
class Recognition:
    """The keys of one instant.

    Attributes:
        tokeniser: seals and opens.
        kept_under: the older versions under which something may still be kept.
    """

    tokeniser: Tokeniser
    kept_under: tuple[int, ...] = ()

    @property
    def version(self) -> int:
        """The version everything is sealed under."""
        return self.tokeniser.version

    def only_as(self, tokens: Iterable[IdentifierToken]) -> bool:
        """Whether what these tokens stand for can be kept under no other token than they are."""
        return not self.kept_under and all(token[0] == self.version for token in tokens)

    def renewed(self, kind: int, token: IdentifierToken) -> IdentifierToken:
        """The token as it is written."""
        return self.tokeniser.under(self.version, kind, token)

    def others(self, kind: int, token: IdentifierToken) -> Sequence[IdentifierToken]:
        """The tokens of the same digest under every other version it may be kept under."""
        versions = [one for one in (self.version, *self.kept_under) if one != token[0]]
        if not versions:
            return ()
        digest = self.tokeniser.digest(kind, token)
        return [
            IdentifierToken(self.tokeniser.sealed(kind, digest, Sealed.IDENTIFIER, version))
            for version in versions
        ]

    def entry(self, kind: int, token: IdentifierToken) -> bytes:
        """The suppression entry of an identifier as it is written."""
        return self.tokeniser.sealed(kind, self.tokeniser.digest(kind, token), Sealed.SUPPRESSION)

    def entries(self, kind: int, token: IdentifierToken) -> Sequence[bytes]:
        """The suppression entries of an identifier under every version it may be kept under."""
        digest = self.tokeniser.digest(kind, token)
        return [
            self.tokeniser.sealed(kind, digest, Sealed.SUPPRESSION, version)
            for version in (self.version, *self.kept_under)
        ]

    def tokens(self, kind: int, token: IdentifierToken) -> Sequence[IdentifierToken]:
        """The tokens of an identifier under every version that opens."""
        digest = self.tokeniser.digest(kind, token)
        return [
            IdentifierToken(self.tokeniser.sealed(kind, digest, Sealed.IDENTIFIER, version))
            for version in (self.version, *self.tokeniser.older)
        ]
