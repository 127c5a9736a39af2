"""Proof of who asks: short-lived tokens of the verifiers a deployment registered.

A verifier (an identity provider, a call centre's desk) attests that the person behind a subject
id, as one caller holds it, was authenticated by a method at a time. What is wrong with a token
itself is said; that it speaks of somebody else is not, for that would tell about a person:
another subject, another caller and an unknown subject are one answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt

from identity.errors import MalformedSubject, PseudonymRetired
from identity.ids import SubjectId
from services.errors import Denied, InvalidRequest
from services.interceptors.call import NOT_PERMITTED, Attested

#: The ``aud`` of every proof: it is for this and can not be shown as anything else.
PROOF_AUDIENCE: Final = "veilgraph-rights"
#: The header's ``typ``, so that no other token of the same issuer passes (RFC 8725, 3.11).
PROOF_TYPE: Final = "veilgraph-proof+jwt"
PROOF_MAX_S: Final = 900
CLOCK_SKEW_S: Final = 60
ALGORITHMS: Final = frozenset({"ES256", "EdDSA", "RS256"})
_ID_LENGTH_MAX = 128
_CLAIMS = ("iss", "aud", "azp", "sub", "method", "auth_time", "iat", "exp", "jti")
_MS = 1000
#: Everything must be there; the suite's clock judges times, not the library's.
_OPTIONS: Final[Any] = {
    "require": list(_CLAIMS),
    "strict_aud": True,
    **dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf"), False),
}


@dataclass(frozen=True, slots=True)
class Verifier:
    """Who may attest, and what.

    Attributes:
        name: its name in the deployment's configuration.
        issuer: the ``iss`` of its tokens.
        keys: its public keys by ``kid``.
        methods: the ways of authentication it may attest.
        callers: the callers that may report links it saw.
    """

    name: str
    issuer: str
    keys: Mapping[str, jwt.PyJWK]
    methods: frozenset[str]
    callers: frozenset[str]


#: Opens a subject id of one caller at an instant.
Open = Callable[[str, int], SubjectId]


@dataclass(frozen=True, slots=True)
class Proof:
    """One verified token.

    Attributes:
        subject: whose authentication it attests.
        verifier: who attests it.
        method: how the person was authenticated.
        authenticated_at_ms: when.
        token_id: 16 bytes made of the verifier and the token's ``jti``.
        expires_at_ms: until when it is taken.
    """

    subject: SubjectId
    verifier: str
    method: str
    authenticated_at_ms: int
    token_id: bytes
    expires_at_ms: int


def public_keys(jwks: Mapping[str, Any]) -> dict[str, jwt.PyJWK]:
    """The keys of a key set (RFC 7517) by ``kid``.

    Raises:
        ValueError: it holds no key, or one that is secret, has no ``kid``, or is for an
            algorithm whose signatures only a holder of a private key can make.
    """
    keys: dict[str, jwt.PyJWK] = {}
    try:
        for key in jwt.PyJWKSet.from_dict(dict(jwks)).keys:
            if not key.key_id or key.algorithm_name not in ALGORITHMS:
                raise ValueError(f"a key needs a kid and one of the algorithms {sorted(ALGORITHMS)}")
            keys[key.key_id] = key
    except jwt.PyJWTError:
        raise ValueError("not a set of public keys") from None  # the library's text repeats the key
    if any(name in entry for entry in jwks.get("keys", ()) for name in ("d", "k", "p", "q")):
        raise ValueError("a key set of a verifier holds public keys only")
    return keys


def own_login(attested: Attested, subject: SubjectId, use: bytes, expires_at_ms: int, now_ms: int) -> Proof:
    """What a person's own token proves of themselves; it is as old as the authentication behind it.

    Args:
        attested: what the token says.
        subject: the one it speaks for.
        use: what the proof serves: the token may ask for other things, too, each with a proof of its own.
        expires_at_ms: until when the token is one.
        now_ms: the present instant, milliseconds since the epoch.

    Raises:
        Denied: that was too long ago.
    """
    if attested.authenticated_s * _MS > now_ms + CLOCK_SKEW_S * _MS:
        raise Denied("PROOF_IN_FUTURE", field="proofs")
    if now_ms >= (attested.authenticated_s + PROOF_MAX_S) * _MS:
        raise Denied("PROOF_EXPIRED", field="proofs")
    named = f"login\0{attested.verifier}\0{attested.token_id}\0".encode() + use
    return Proof(
        subject=subject,
        verifier=attested.verifier,
        method=attested.method,
        authenticated_at_ms=attested.authenticated_s * _MS,
        token_id=hashlib.sha256(named).digest()[:16],
        expires_at_ms=expires_at_ms,
    )


class Proofs:
    """Judges tokens of the registered verifiers."""

    def __init__(self, verifiers: Sequence[Verifier]) -> None:
        self._by_issuer = {verifier.issuer: verifier for verifier in verifiers}

    def verified(
        self,
        tokens: Sequence[str],
        subject: SubjectId,
        caller: str,
        open_subject: Open,
        now_ms: int,
    ) -> tuple[Proof, ...]:
        """What the tokens of one request prove; one of them must be about its subject.

        Args:
            tokens: as the caller sent them.
            subject: whose rights are exercised.
            caller: who asks; a token is about a subject as one caller holds it.
            open_subject: opens that caller's ids.
            now_ms: the present instant, milliseconds since the epoch.

        Raises:
            InvalidRequest: there is no token.
            Denied: a token is not good, or is about somebody else.
        """
        if not tokens:
            raise InvalidRequest("PROOF_MISSING", field="proofs")
        # Every token is judged by itself before any is compared with a person.
        said = [self._judged(token, index, now_ms) for index, token in enumerate(tokens)]
        try:
            proofs = tuple(_proof(claims, verifier, open_subject, now_ms) for verifier, claims in said)
        except (MalformedSubject, PseudonymRetired):
            raise Denied(NOT_PERMITTED) from None
        others = any(claims["azp"] != caller for _, claims in said)
        if others or subject not in {proof.subject for proof in proofs}:
            raise Denied(NOT_PERMITTED)
        return proofs

    def _judged(self, token: str, index: int, now_ms: int) -> tuple[Verifier, Mapping[str, Any]]:
        field = f"proofs[{index}]"
        try:
            verifier, claims = self._read(token)
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            raise Denied("PROOF_INVALID", field=field) from None
        reason = _fault(claims, verifier, now_ms)
        if reason:
            raise Denied(reason, field=field)
        return verifier, claims

    def _read(self, token: str) -> tuple[Verifier, Mapping[str, Any]]:
        """The claims of a token whose signature is that of the verifier it names."""
        header = jwt.get_unverified_header(token)
        unverified = jwt.decode(token, options={"verify_signature": False})
        verifier = self._by_issuer[unverified["iss"]]
        key = verifier.keys[header["kid"]]
        if header.get("typ") != PROOF_TYPE or header.get("crit"):
            raise ValueError("another kind of token")
        claims = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],  # the key's own: the header chooses nothing
            audience=PROOF_AUDIENCE,
            issuer=verifier.issuer,
            options=_OPTIONS,
        )
        return verifier, claims


def _fault(claims: Mapping[str, Any], verifier: Verifier, now_ms: int) -> str:
    """What is wrong with a genuine token; empty if nothing is."""
    texts = [claims[name] for name in ("azp", "sub", "method", "jti")]
    times = [claims[name] for name in ("auth_time", "iat", "exp", "nbf") if name in claims]
    if not all(isinstance(text, str) and 0 < len(text) <= _ID_LENGTH_MAX for text in texts):
        return "PROOF_INVALID"
    if not all(type(time) is int for time in times):
        return "PROOF_INVALID"
    auth_time, issued, expires, *not_before = times
    if expires <= issued or expires - issued > PROOF_MAX_S:
        return "PROOF_INVALID"
    if max(auth_time, issued, *not_before) * _MS > now_ms + CLOCK_SKEW_S * _MS:
        return "PROOF_IN_FUTURE"
    if now_ms >= min(expires, auth_time + PROOF_MAX_S) * _MS:
        return "PROOF_EXPIRED"
    return "" if claims["method"] in verifier.methods else "PROOF_METHOD_REFUSED"


def _proof(claims: Mapping[str, Any], verifier: Verifier, open_subject: Open, now_ms: int) -> Proof:
    named = f"{verifier.name}\0{claims['jti']}".encode()
    return Proof(
        subject=open_subject(claims["sub"], now_ms),
        verifier=verifier.name,
        method=claims["method"],
        authenticated_at_ms=claims["auth_time"] * _MS,
        token_id=hashlib.sha256(named).digest()[:16],
        expires_at_ms=claims["exp"] * _MS,
    )
