"""A login provider of the tests: it signs what it is told to, and serves its keys over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

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
            provider.fetched += 1
            body = json.dumps(provider.jwks).encode()
            if self.path == "/elsewhere":
                self.send_response(302)
                self.send_header("location", "/jwks.json")
                body = b""
            else:
                self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
