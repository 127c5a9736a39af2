"""A provider for development: anybody may say who of a made-up list they are, and is believed.

It stands where a deployment's identity provider stands and speaks the same OpenID Connect, so
that the page can be tried without one. It asks for no password. It therefore serves this machine
alone, knows only addresses nobody can have (``.example``), and the page takes a provider without
https only while it is itself reached on this machine alone.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from services.deployment.issuer import ALGORITHM, public_jwk
from services.importing.dealing import deal
from services.preferences.provider import CALLBACK
from services.preferences.settings import Settings, SettingsError, is_this_machine, read_settings, secret_of

PEOPLE_SHOWN: Final = 20
CODE_S: Final = 60
_TOKEN_S: Final = 300
_BODY_MAX: Final = 8192
_RESERVED: Final = ".example"


@dataclass(frozen=True, slots=True)
class Granted:
    """What a code stands for: who said they are whom, to which request."""

    address: str
    nonce: str
    challenge: str
    at_s: int


class DevelopmentProvider:
    """OpenID Connect for one client on this machine."""

    def __init__(
        self, settings: Settings, people: Mapping[str, str], clock_s: Callable[[], float] = time.time
    ) -> None:
        """Knows some people.

        Args:
            settings: the page's.
            people: e-mail address -> what is said of them.
            clock_s: gives seconds since the epoch.

        Raises:
            SettingsError: this is not a development configuration.
        """
        for url in (settings.issuer, settings.public_url):
            parts = urlsplit(url)
            if parts.scheme != "http" or not is_this_machine(parts.hostname or ""):
                raise SettingsError("the development provider is for a page on this machine, over http")
        if not all(address.endswith(_RESERVED) for address in people):
            raise SettingsError(f"the development provider knows only addresses that end in {_RESERVED}")
        self._settings = settings
        self._people = people
        self._clock_s = clock_s
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._codes: dict[str, Granted] = {}
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/keys", self._keys),
                Route("/authorize", self._choose, methods=["GET"]),
                Route("/authorize", self._chosen, methods=["POST"]),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _metadata(self, _request: Request) -> Response:
        issuer = self._settings.issuer
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/keys",
            }
        )

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [public_jwk(self._key.public_key())]})

    async def _choose(self, request: Request) -> Response:
        if request.query_params.get("redirect_uri") != self._settings.public_url + CALLBACK:
            return Response("another client", 400)
        kept = "".join(
            f'<input type="hidden" name="{name}" value="{escape(request.query_params.get(name, ""))}">'
            for name in ("state", "nonce", "code_challenge")
        )
        buttons = "".join(
            f'<p><button name="who" value="{escape(address)}">{escape(address)}</button> {escape(said)}</p>'
            for address, said in self._people.items()
        )
        return HTMLResponse(
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            "<title>Development provider</title></head><body><main><h1>Development provider</h1>"
            "<p>For development only: no password is asked for. Who are you?</p>"
            f'<form method="post" action="/authorize">{kept}{buttons}</form></main></body></html>'
        )

    async def _chosen(self, request: Request) -> Response:
        form = await _form(request)
        if form.get("who") not in self._people:
            return Response("nobody of that name", 400)
        code = secrets.token_urlsafe(24)
        said = (form["who"], form.get("nonce", ""), form.get("code_challenge", ""), int(self._clock_s()))
        self._codes[code] = Granted(*said)
        back = urlencode({"code": code, "state": form.get("state", ""), "iss": self._settings.issuer})
        return RedirectResponse(f"{self._settings.public_url}{CALLBACK}?{back}", 303)

    async def _token(self, request: Request) -> Response:
        form, settings = await _form(request), self._settings
        named = (settings.client_id, secret_of(settings.client_secret).strip())
        pair = ":".join(quote(one, safe="") for one in named)  # RFC 6749, 2.3.1
        expected = b"Basic " + base64.b64encode(pair.encode())
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected):
            return JSONResponse({"error": "invalid_client"}, 401)
        granted = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if granted is None or granted.challenge != challenge or self._clock_s() > granted.at_s + CODE_S:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"id_token": self._signed(granted), "token_type": "Bearer", "access_token": "-"})

    def _signed(self, granted: Granted) -> str:
        now_s = int(self._clock_s())
        claims: dict[str, Any] = {
            "iss": self._settings.issuer,
            "aud": self._settings.client_id,
            "sub": hashlib.sha256(granted.address.encode()).hexdigest(),
            "email": granted.address,
            "email_verified": True,
            "nonce": granted.nonce,
            "auth_time": granted.at_s,
            "iat": now_s,
            "exp": now_s + _TOKEN_S,
        }
        kid = public_jwk(self._key.public_key())["kid"]
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": kid})


async def _form(request: Request) -> dict[str, str]:
    body = (await request.body())[:_BODY_MAX].decode("ascii", "replace")
    return {name: values[-1] for name, values in parse_qs(body).items()}


def households(dataset: str, count: int = PEOPLE_SHOWN) -> dict[str, str]:
    """The first people of an imported data set, as ``make run`` deals them."""
    dealt = [deal(dataset, ordinal) for ordinal in range(1, count + 1)]
    linked = {True: "channels linked", False: "channels apart"}
    return {
        one.email: f"household {one.ordinal}, said {one.answer.name.lower()}, {linked[one.linked]}"
        for one in dealt
    }


def main(arguments: Sequence[str]) -> int:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(prog="development_provider", description=__doc__)
    parser.add_argument("config", type=Path, help="the page's configuration")
    parser.add_argument("dataset", help="whose households may be named")
    given = parser.parse_args(arguments)
    settings = read_settings(given.config)
    provider = DevelopmentProvider(settings, households(given.dataset))
    parts = urlsplit(settings.issuer)
    host, port = parts.hostname or "", parts.port or 0
    uvicorn.run(provider.app, host=host, port=port, log_config=None, access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
