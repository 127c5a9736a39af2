"""A provider for tests, that says whatever a test has it say."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from services.preferences.fetching import ProviderUnreachable
from tests.preferences.browsing import query

ISSUER = "https://login.shop.example"
CLIENT_ID, SECRET = "page", "s3cret:/%"


class FakeProvider:
    """OpenID Connect without a network; ``ask`` is what the page fetches with.

    Attributes:
        asked: the addresses that were asked.
        is_up: it answers.
    """

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self.clock_ms = clock_ms
        self.keys = {"one": ec.generate_private_key(ec.SECP256R1())}
        self.signing = "one"
        self.asked: list[str] = []
        self.is_up = True
        self._codes: dict[str, tuple[dict[str, Any], str]] = {}
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
        }

    @property
    def now_s(self) -> int:
        return self.clock_ms() // 1000

    def comes_back(self, url: str, who: str, **claims: Any) -> dict[str, str]:
        """The query somebody comes back with, who went to ``url`` and signed in as ``who``."""
        asked = query(url)
        said = {
            "iss": ISSUER,
            "aud": asked["client_id"],
            "sub": f"sub-of-{who}",
            "email": who,
            "email_verified": True,
            "nonce": asked["nonce"],
            "auth_time": self.now_s,
            "iat": self.now_s,
            "exp": self.now_s + 300,
        } | claims
        code = secrets.token_urlsafe(8)
        given = {name: value for name, value in said.items() if value is not None}
        self._codes[code] = given, asked["code_challenge"]
        return {"code": code, "state": asked["state"], "iss": ISSUER}

    def ask(self, url: str, form: Mapping[str, str] | None, headers: Mapping[str, str]) -> Mapping[str, Any]:
        self.asked.append(url)
        if not self.is_up:
            raise ProviderUnreachable("URLError")
        if url == f"{ISSUER}/.well-known/openid-configuration":
            return self.metadata
        if url == f"{ISSUER}/keys":
            return {"keys": [self._public(kid) for kid in self.keys]}
        assert url == f"{ISSUER}/token" and form is not None
        return self._token(form, headers)

    def _token(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Mapping[str, Any]:
        named = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
        assert named == f"{CLIENT_ID}:s3cret%3A%2F%25"
        claims, challenge = self._codes.pop(form["code"], ({}, ""))
        shown = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if shown.rstrip(b"=").decode() != challenge:
            raise ProviderUnreachable("answered 400")
        return {"id_token": self.signed(claims)}

    def signed(self, claims: Mapping[str, Any]) -> str:
        headers = {"kid": self.signing}
        return jwt.encode(dict(claims), self.keys[self.signing], algorithm="ES256", headers=headers)

    def _public(self, kid: str) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.keys[kid].public_key()))
        return public | {"kid": kid, "use": "sig"}
