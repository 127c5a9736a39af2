"""Who calls, proven by a signed token or a certificate, and what that caller may do at all.

The caller is the token's ``azp`` (or ``client_id``); what it may do stands in the
deployment's allow-list, never in the token. A caller without an entry is refused. A token may
narrow what it is for (the claim ``purposes``) and so hand a smaller right down; it adds nothing.
Where connections show certificates, both must agree (``certified.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jwt

from consent.errors import UnknownPurpose
from consent.policy import Policy
from services.errors import Denied, Unauthenticated
from services.interceptors.call import EVERY_PURPOSE, Call, Caller, Credentials
from services.interceptors.certified import Certified
from services.interceptors.layer import Layer

if TYPE_CHECKING:
    from services.key_sets import KeySet

_CACHE_MAX = 4096
_TOKEN_LENGTH_MAX = 4096
_SCHEME = "Bearer "

Verify = Callable[[str], Credentials]


def verifier(
    keys: KeySet, issuer: str, audience: str, callers: Mapping[str, Caller], policy: Policy
) -> Verify:
    """Makes the check of one token.

    Args:
        keys: the issuer's.
        issuer: the required ``iss``.
        audience: the required ``aud``.
        callers: the allow-list by caller id; its apps are known by their users' logins alone.
        policy: the purposes a token may be narrowed to.

    Returns:
        A function that reads a token; it raises ``Unauthenticated`` for anything that is not a
        valid token of a known caller, and ``NotYet`` when the issuer's keys are to be fetched first.
    """
    callers = {name: caller for name, caller in callers.items() if not caller.app}

    def verify(token: str) -> Credentials:
        try:
            key = keys.key(jwt.get_unverified_header(token)["kid"])
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],  # the key's own: the header chooses nothing
                issuer=issuer,
                audience=audience,
                options={"require": ["exp", "iss", "aud"]},
            )
            caller = callers[claims.get("azp") or claims["client_id"]]
            purposes = narrowed_to(claims, policy)
        except (jwt.PyJWTError, KeyError, TypeError, UnknownPurpose) as error:
            raise Unauthenticated from error
        return Credentials(caller, int(claims["exp"]) * 1000, purposes)

    return verify


def narrowed_to(claims: Mapping[str, Any], policy: Policy) -> int:
    """The mask of the purposes a token's claim ``purposes`` narrows it to.

    Args:
        claims: what the token says; without the claim it is not narrowed, an empty list is
            good for nothing.
        policy: the tree whose nodes the claim lists.

    Raises:
        TypeError: the claim is no list of texts.
        UnknownPurpose: it lists something that the policy does not know; what nobody
            understands is not guessed at.
    """
    if "purposes" not in claims:
        return EVERY_PURPOSE
    nodes = claims["purposes"]
    if not isinstance(nodes, list) or not all(isinstance(node, str) for node in nodes):
        raise TypeError("purposes is a list of texts")
    mask = 0
    for node in nodes:
        mask |= policy.mask(node)
    return mask


def unchanging() -> int:
    """The generation of keys that never change."""
    return 0


def authentication(
    verify: Verify,
    clock_ms: Callable[[], int],
    certified: Certified | None = None,
    generation: Callable[[], int] = unchanging,
) -> Layer:
    """Sets ``call.caller`` and checks the method's scope. Verified tokens are remembered.

    Args:
        verify: the check of one token.
        clock_ms: the present instant, milliseconds since the epoch.
        certified: for whom certificates speak; ``None``: connections show none.
        generation: another one when keys have changed; what was verified before is then verified anew.
    """
    by_token = _remembering(verify, generation)

    def begin(call: Call) -> None:
        header = call.metadata.get("authorization")
        if certified is None:
            known = by_token(header)
        else:
            known = certified.credentials(call.peer, None if header is None else by_token(header))
        call.caller, call.credentials_expire_ms, call.token_purposes = known[:3]
        call.own, call.login, call.attested = known[3:]
        _check_expiry(call, clock_ms())
        if call.plan.scope not in call.caller.scopes:
            raise Denied("SCOPE_NOT_GRANTED_TO_CALLER")
        if call.own and call.plan.finds_people:
            raise Denied("METHOD_NOT_FOR_ONE_PERSON")

    def incoming(call: Call, _message: Any) -> None:
        _check_expiry(call, call.now_ms)  # a stream may outlive its token

    def outgoing(call: Call, response: Any) -> Any:
        if call.streams and not call.plan.write:  # a write has happened and is acknowledged
            _check_expiry(call, clock_ms())
        return response

    return Layer("authentication", begin=begin, incoming=incoming, outgoing=outgoing)


def _remembering(verify: Verify, generation: Callable[[], int]) -> Callable[[object], Credentials]:
    """Reads the header that carries a token; what was verified is remembered while no key changes."""
    verified: dict[str, Credentials] = {}
    under = generation()

    def by_token(header: object) -> Credentials:
        nonlocal under
        if under != generation():
            under = generation()
            verified.clear()
        if not isinstance(header, str) or not header.startswith(_SCHEME) or len(header) > _TOKEN_LENGTH_MAX:
            raise Unauthenticated
        known = verified.get(header)
        if known is None:
            known = verify(header[len(_SCHEME) :])
            if len(verified) >= _CACHE_MAX:
                verified.clear()
            verified[header] = known
        return known

    return by_token


def _check_expiry(call: Call, now_ms: int) -> None:
    if now_ms >= call.credentials_expire_ms:
        raise Unauthenticated
