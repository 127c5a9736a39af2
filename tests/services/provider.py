"""A login provider of the tests: it signs what it is told to, and serves its keys over HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PROVIDER = "https://accounts.test"
CLIENT = "app-client-1"


class LoginProvider:
    """Signs with the newest of its keys."""

    def __init__(self, now_s: int) -> None:
        self.now_s = now_s
        self.keys: dict[str, Any] = {}
        self.fetched = 0
        self.challenged = 0
        self.codes: dict[str, dict[str, str]] = {}
        self.rotate("one")

    def rotate(self, kid: str, *, keep: bool = False) -> None:
        """A new key; those before are gone, or stay beside it."""
        self.keys = (self.keys if keep else {}) | {kid: ec.generate_private_key(ec.SECP256R1())}

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [public(key.public_key(), kid) for kid, key in self.keys.items()]}

    def claims(self, **changed: Any) -> dict[str, Any]:
        said = {
            "iss": PROVIDER,
            "aud": CLIENT,
            "sub": "google|jane-4711",
            "iat": self.now_s,
            "exp": self.now_s + 600,
            "nonce": "n",
            "email": "jane@example.com",
        } | changed
        return {name: value for name, value in said.items() if value is not None}

    def code(self, asked: dict[str, str]) -> str:
        """Lets somebody in who came from an app's page, without a password."""
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return code

    def redeemed(self, form: dict[str, str]) -> dict[str, str] | None:
        """The id token of a code, for whoever knows what the challenge was made of (RFC 7636, 4.6)."""
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["client_id"] != form["client_id"]:
            return None
        self.challenged += 1
        return {"id_token": self.token(aud=form["client_id"], nonce=asked["nonce"])}

    def token(self, headers: dict[str, Any] | None = None, **changed: Any) -> str:
        kid, key = list(self.keys.items())[-1]
        header = {"kid": kid, "typ": "JWT"} | (headers or {})
        return jwt.encode(self.claims(**changed), key, algorithm="ES256", headers=header)


def public(key: Any, kid: str, **more: str) -> dict[str, Any]:
    """A public key as it stands in a key set."""
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPublicKey) else jwt.algorithms.ECAlgorithm
    return json.loads(kind.to_jwk(key)) | {"kid": kid, "use": "sig"} | more


@contextmanager
def serving(provider: LoginProvider) -> Iterator[str]:
    """The provider's keys at an address of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            asked = dict(parse_qsl(query))
            if path == "/authorize":
                back = urlencode({"code": provider.code(asked), "state": asked["state"]})
                self._answer(302, {}, {"location": f"{asked['redirect_uri']}?{back}"})
            elif path == "/elsewhere":
                self._answer(302, {}, {"location": "/jwks.json"})
            else:
                provider.fetched += 1
                self._answer(200, provider.jwks)

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
            given = provider.redeemed(form)
            self._answer(400 if given is None else 200, given or {}, {"access-control-allow-origin": "*"})

        def _answer(self, status: int, said: Any, headers: dict[str, str] | None = None) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            for name, value in ({"content-length": str(len(body))} | (headers or {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
