"""The public keys of one issuer as they are now, from a file or an HTTPS address (RFC 7517).

A key id that nobody knows has the set fetched again, but no more than once in a while, whatever
strangers send; all calls that wait for it wait for one fetch. A key that is gone from the set is
gone here when the set is next looked at. When nothing can be fetched the last set is kept for a
day, then there is none: a key that may have been revoked long ago verifies nothing.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.request
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jwt

from services.interceptors.call import NotYet

#: What the suite takes: signatures only the holder of a private key can make (RFC 8725, 3.1).
ALGORITHMS: Final = frozenset({"ES256", "EdDSA", "RS256"})
#: A set is fetched no more often than this, whoever asks.
RENEW_LEAST_MS: Final = 10_000
#: Without being asked, a file is read and an address fetched this often.
_FILE_MS: Final = 10_000
_ADDRESS_MS: Final = 300_000
_KEPT_MS: Final = 24 * 3_600_000
_LOOK_S: Final = 5.0
_TIMEOUT_S: Final = 5.0
_BYTES_MAX: Final = 1 << 20

Fetch = Callable[[], Awaitable[Mapping[str, Any]]]


def usable(jwks: Mapping[str, Any], algorithms: Iterable[str] = ALGORITHMS) -> dict[str, jwt.PyJWK]:
    """The keys of a set that may verify, by ``kid``; what it holds besides is passed over.

    Raises:
        ValueError: it is no key set.
    """
    taken = frozenset(algorithms) & ALGORITHMS
    try:
        entries = [entry for entry in jwks["keys"] if entry.get("use", "sig") == "sig" and entry.get("kid")]
        keys = jwt.PyJWKSet.from_dict({"keys": entries}).keys if entries else []
    except (jwt.PyJWTError, KeyError, TypeError, AttributeError):
        raise ValueError("not a set of public keys") from None  # the library's text repeats the key
    return {str(key.key_id): key for key in keys if key.algorithm_name in taken}


def is_address(place: str) -> bool:
    """Whether a place is an address, and not the path of a file.

    Raises:
        ValueError: it is one that anybody on the way could answer for.
    """
    parts = urlsplit(place)
    if parts.scheme not in {"http", "https"}:
        return False
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
        raise ValueError("keys are fetched over https only")
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("an address is a host and a path, and holds no secret")
    return True


class KeySet:
    """The keys of one issuer; used from one event loop.

    Attributes:
        generation: counts the changes of the set.
    """

    def __init__(
        self,
        name: str,
        keys: Mapping[str, Any],
        place: str,
        *,
        clock_ms: Callable[[], int],
        log: Callable[[str], object],
        algorithms: Iterable[str] = ALGORITHMS,
        fetch: Fetch | None = None,
    ) -> None:
        """Holds what is known already and fetches nothing yet.

        Args:
            name: whose keys they are, for the log.
            keys: the set as it was when the configuration was read; empty if it was not.
            place: a file's path or an address; empty: the set never changes.
            clock_ms: the present instant, milliseconds since the epoch.
            log: takes a line when the set can not be had.
            algorithms: those of this issuer.
            fetch: gives the set; made of ``place`` when it is not given.
        """
        self.generation = 0
        self._name = name
        self._algorithms = frozenset(algorithms)
        self._said = keys
        self._keys = usable(keys, self._algorithms) if keys else {}
        self._clock_ms = clock_ms
        self._log = log
        address = bool(place) and is_address(place)
        self._fetch = fetch or (_at(place) if address else _in(Path(place)) if place else None)
        self._every_ms = _ADDRESS_MS if address else _FILE_MS
        self._had_at_ms = clock_ms() if keys else 0
        self._tried_at_ms = self._asked_at_ms = 0
        self._renewing: asyncio.Task[None] | None = None

    def key(self, kid: object) -> jwt.PyJWK:
        """The key of an id.

        Raises:
            KeyError: the issuer has no such key.
            NotYet: the set is to be fetched first; ask again then.
        """
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is not None:
            return key
        if self._fetch is not None and self._may_ask():
            raise NotYet(self._asked)
        raise KeyError(kid)

    async def renew(self) -> None:
        """Fetches the set; those who come meanwhile wait for the same answer."""
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renewed())
        await asyncio.shield(self._renewing)

    async def look(self) -> None:
        """Fetches the set if it is time to, and gives up one that nobody vouches for any more."""
        now_ms = self._clock_ms()
        if self._fetch is not None and now_ms - self._tried_at_ms >= self._every_ms:
            await self.renew()
        if self._keys and self._fetch is not None and now_ms - self._had_at_ms > _KEPT_MS:
            self._hold({"keys": []})

    def _may_ask(self) -> bool:
        waiting = self._renewing is not None and not self._renewing.done()
        return waiting or self._clock_ms() - self._asked_at_ms >= RENEW_LEAST_MS

    async def _asked(self) -> None:
        self._asked_at_ms = self._clock_ms()
        await self.renew()

    async def _renewed(self) -> None:
        assert self._fetch is not None  # noqa: S101 - asked for only where there is a place
        try:
            self._hold(await self._fetch())
            self._had_at_ms = self._clock_ms()
        except (OSError, ValueError) as error:
            self._log(f"the keys of {self._name} can not be had: {type(error).__name__}\n")
        finally:
            self._tried_at_ms = self._clock_ms()

    def _hold(self, jwks: Mapping[str, Any]) -> None:
        if jwks != self._said:
            self._keys = usable(jwks, self._algorithms)
            self._said = jwks
            self.generation += 1


def fixed(jwks: Mapping[str, Any]) -> KeySet:
    """A set that never changes."""
    return KeySet("a fixed set", jwks, "", clock_ms=lambda: 0, log=lambda _line: None)


async def following(sets: Iterable[KeySet]) -> None:
    """Keeps sets as their issuers have them, for good."""
    while True:
        for one in sets:
            await one.look()
        await asyncio.sleep(_LOOK_S)


def _in(path: Path) -> Fetch:
    async def fetch() -> Mapping[str, Any]:
        return _parsed(await asyncio.to_thread(path.read_bytes))

    return fetch


def _at(address: str) -> Fetch:
    async def fetch() -> Mapping[str, Any]:
        return _parsed(await asyncio.to_thread(_get, address))

    return fetch


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Follows nothing: the keys are those of the address in the configuration."""


def _get(address: str) -> bytes:
    handlers = (_NoRedirect(), urllib.request.HTTPSHandler(context=ssl.create_default_context()))
    opener = urllib.request.build_opener(*handlers)
    with opener.open(address, timeout=_TIMEOUT_S) as response:
        body: bytes = response.read(_BYTES_MAX + 1)
    if len(body) > _BYTES_MAX:
        raise ValueError("larger than a key set is")
    return body


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        jwks = json.loads(body)
    except RecursionError:
        raise ValueError("not a key set") from None
    if not isinstance(jwks, dict):
        raise ValueError("not a key set")  # noqa: TRY004 - a fault of the content
    return jwks
