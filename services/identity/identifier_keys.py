"""The identifier keys of the identity process: what is sealed, looked up and blocked by now.

A change of keys takes effect for everything at once: from one moment to the next whatever is
written is sealed under the new key, and whatever is looked up is looked for under the others,
too, until nothing is kept under them any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from identity.ids import IdentifierToken
from identity.keyring import KeyRing
from identity.recognition import Recognition
from identity.rules import Rules, blocked_tokens
from identity.tokens import Tokeniser


class IdentifierKeys:
    """The keys of one tenant; changed in the event loop, read by the store's writer, too.

    Attributes:
        blocked: tokens that stand for no identifier, under every version that opens.
    """

    def __init__(self, ring: KeyRing, tenant: str, rules: Rules) -> None:
        """Seals under the active key of ``ring`` and looks under every version that opens."""
        self._tenant = tenant
        self._rules = rules
        self._recognition: Recognition
        self.blocked: frozenset[IdentifierToken]
        self.follow(ring)

    def recognition(self) -> Recognition:
        """The keys of this instant."""
        return self._recognition

    def follow(self, ring: KeyRing) -> None:
        """Goes on under another ring; something may be kept under every version it opens."""
        tokeniser = Tokeniser(ring, self._tenant)
        self.blocked = blocked_tokens(self._rules, tokeniser)
        self._recognition = Recognition(tokeniser, tokeniser.older)

    async def obey(self, rules: Rules) -> None:
        """Blocks what other rules block, from the moment it returns, under the keys of that moment."""
        tokeniser = None
        while tokeniser is not self._recognition.tokeniser:
            tokeniser = self._recognition.tokeniser
            blocked = await asyncio.to_thread(blocked_tokens, rules, tokeniser)
        self._rules, self.blocked = rules, blocked

    async def blocked_under(self, rules: Rules) -> frozenset[IdentifierToken]:
        """The tokens that would stand for no identifier under rules, under every version that opens."""
        return await asyncio.to_thread(blocked_tokens, rules, self._recognition.tokeniser)

    def nothing_under(self, version: int) -> None:
        """Nothing is kept under a version any more, so it is not looked under."""
        now = self._recognition
        still = tuple(one for one in now.kept_under if one != version)
        self._recognition = Recognition(now.tokeniser, still)

    def token(self, _tenant: str, kind: int, digest: bytes) -> IdentifierToken:
        """The token of a digest, see ``Tokeniser.token``."""
        return self._recognition.tokeniser.token(kind, digest)

    def others(self, kinds: Mapping[IdentifierToken, int]) -> dict[IdentifierToken, IdentifierToken]:
        """Under which other tokens some identifiers may be kept: each with the token asked for.

        Args:
            kinds: tokens and the kind of each.
        """
        now = self._recognition
        return {other: token for token, kind in kinds.items() for other in now.others(kind, token)}

    def renewed(self, kinds: Mapping[IdentifierToken, int]) -> dict[IdentifierToken, IdentifierToken]:
        """The tokens that some identifiers are written under now: each with the token asked for."""
        now = self._recognition
        return {now.renewed(kind, token): token for token, kind in kinds.items()}
