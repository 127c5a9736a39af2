"""TokenService: a login becomes the app's id of a person, inside a token that speaks for nobody else.

The account's digest takes the way of every identifier: a token under the deployment's keys, a birth
when it is first seen, the barrier. What the provider calls the person is not known here any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final

from identity.pairwise import Pairwise
from services.errors import Denied, InvalidRequest, Unavailable
from services.identity.births import BirthRegister
from services.identity.service import BEHIND_S
from services.interceptors.call import Call, Caller, Login
from services.interceptors.purpose import must_be_ready
from services.login.access_tokens import TTL_S, AccessTokens
from services.storage.login_register import LoginRegister
from veilgraph.identity.v1 import identity_pb2, tokens_pb2, tokens_pb2_grpc

_JWT: Final = "urn:ietf:params:oauth:token-type:jwt"


class TokenServicer(tokens_pb2_grpc.TokenServiceServicer):
    """Exchanges logins; used from one event loop."""

    def __init__(
        self,
        register: BirthRegister,
        logins: LoginRegister,
        tokens: AccessTokens,
        pairwise_of: Callable[[Caller], Pairwise],
    ) -> None:
        """Makes the servicer.

        Args:
            register: knows the subject of every identifier.
            logins: which were exchanged already.
            tokens: signs.
            pairwise_of: the pairwise ids of a caller.
        """
        self._register = register
        self._logins = logins
        self._tokens = tokens
        self._pairwise_of = pairwise_of

    async def ExchangeToken(
        self, request: tokens_pb2.ExchangeTokenRequest, call: Call
    ) -> tokens_pb2.ExchangeTokenResponse:
        """Gives a token for whoever logged in; the same request gets another one of the same person."""
        if call.login is None:
            raise Denied("LOGIN_MISSING")
        must_be_ready(call.guard)
        scopes = _scopes(request.scopes, call.login)
        use = sha256("\0".join((request.request_id, *sorted(scopes))).encode()).digest()
        await self._logins.take(call.login, use, call.now_ms)
        return await self._exchanged(scopes, call)

    async def _exchanged(self, scopes: frozenset[str], call: Call) -> tokens_pb2.ExchangeTokenResponse:
        assert call.caller is not None  # noqa: S101 - authentication ran before every handler
        attested = None if call.login is None else call.login.attested
        (token,) = call.tokens
        kinds = {token: int(identity_pb2.IDENTIFIER_KIND_ACCOUNT_ID)}
        births, epoch = await self._register.births(kinds, call.caller, call.guard, call.now_ms)
        if epoch > call.guard.epoch:
            raise Unavailable("EPOCH_TOO_OLD", retry_after_s=BEHIND_S)
        subject = births.subjects.get(token)
        if subject is None:
            raise InvalidRequest("BLOCKED_VALUE")
        if not call.judge([subject]):
            raise Denied(call.denial(subject))
        call.now_ms = call.clock_ms()  # births take their time
        own = self._pairwise_of(call.caller).seal(subject)
        return tokens_pb2.ExchangeTokenResponse(
            access_token=self._tokens.mint(call.caller.id, own, scopes, call.now_ms // 1000, attested),
            issued_token_type=_JWT,
            token_type="Bearer",  # noqa: S106 - the name of a scheme (RFC 6750)
            expires_in=TTL_S,
            scopes=sorted(scopes),
            subject=subject.hex(),
            consent_epoch=epoch,
        )


def _scopes(asked: Iterable[str], login: Login) -> frozenset[str]:
    """The scopes of the token: those asked for, or all that the login opens."""
    asked = frozenset(asked)
    if not asked <= login.scopes:
        raise Denied("SCOPE_NOT_GRANTED_TO_CALLER", field="scopes")
    return asked or login.scopes
