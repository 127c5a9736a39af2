"""Who is there: a visit that was signed in, and one that is on its way to the provider.

Both lie sealed in cookies and end by themselves: an attempt after ten minutes, a visit when the
person's authentication is too old for the proofs that a right is exercised with. What was ended
or used before its time is remembered here until it would have ended anyway.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from services.preferences.sealing import NotSealed, Sealer

#: The suite takes an authentication for 900 s; the last seconds are left for the call itself.
VISIT_S: Final = 840
ATTEMPT_S: Final = 600
#: Beyond so many at a time nobody signs in: an attempt that can not be remembered could be used twice.
_REMEMBERED_MOST: Final = 1_000_000
_VISIT, _ATTEMPT = "visit", "attempt"


@dataclass(frozen=True, slots=True)
class Visit:
    """A person who signed in.

    Attributes:
        visit_id: names the visit; nothing of the person.
        subject: the page's id of them; empty when they were erased in this visit.
        authenticated_s: when the provider saw them, seconds since the epoch.
        erasure_id: of the erasure they asked for in this visit; empty if none.
    """

    visit_id: str
    subject: str
    authenticated_s: int
    erasure_id: str = ""

    @property
    def until_s(self) -> int:
        """When it ends."""
        return self.authenticated_s + VISIT_S

    def __repr__(self) -> str:
        """Nothing of the person."""
        return "Visit(…)"

    def request_id(self, name: str) -> str:
        """The id of a request to the suite that a form of this visit names.

        Sent again it is the same request; a form of another visit can not be it.
        """
        return "page:" + hashlib.sha256(f"{self.visit_id}\0{name}".encode()).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody who was sent to the provider (RFC 6749, RFC 7636, OpenID Connect Core 3.1.2).

    Attributes:
        state: comes back with the person.
        nonce: comes back in the ID token.
        verifier: of PKCE; shown when the code is exchanged.
    """

    state: str
    nonce: str
    verifier: str

    def __repr__(self) -> str:
        """Nothing of its secrets."""
        return "Attempt(…)"


def new_attempt() -> Attempt:
    """An attempt nobody can guess."""
    return Attempt(*(secrets.token_urlsafe(32) for _ in range(3)))


def new_id() -> str:
    """An id nobody can guess."""
    return secrets.token_urlsafe(18)


class Visits:
    """Seals and opens visits and attempts."""

    def __init__(self, sealer: Sealer, clock_ms: Callable[[], int]) -> None:
        """Goes by a clock in milliseconds since the epoch."""
        self._sealer = sealer
        self._clock_ms = clock_ms
        self._over: dict[str, float] = {}

    @property
    def now_s(self) -> float:
        """The present, seconds since the epoch."""
        return self._clock_ms() / 1000

    def seal_visit(self, visit: Visit) -> str:
        """The cookie of a visit."""
        said = (visit.visit_id, visit.subject, visit.authenticated_s, visit.erasure_id)
        return self._sealer.seal(_VISIT, {"visit": said}, visit.until_s)

    def open_visit(self, cookie: str) -> Visit | None:
        """The visit of a cookie; ``None`` if there is none that goes on."""
        said = self._opened(_VISIT, cookie)
        visit = Visit(*said["visit"]) if said else None
        return None if visit is None or self._is_over(visit.visit_id) else visit

    def seal_attempt(self, attempt: Attempt) -> str:
        """The cookie of an attempt."""
        said = (attempt.state, attempt.nonce, attempt.verifier)
        return self._sealer.seal(_ATTEMPT, {"attempt": said}, int(self.now_s) + ATTEMPT_S)

    def take_attempt(self, cookie: str) -> Attempt | None:
        """The attempt of a cookie, once; ``None`` if there is none, or it was taken before."""
        said = self._opened(_ATTEMPT, cookie)
        attempt = Attempt(*said["attempt"]) if said else None
        if attempt is None or self._is_over(attempt.state) or len(self._over) >= _REMEMBERED_MOST:
            return None
        self._remember(attempt.state, self.now_s + ATTEMPT_S)
        return attempt

    def end(self, visit: Visit) -> None:
        """Ends a visit: its cookie opens nothing any more, whoever kept it."""
        self._remember(visit.visit_id, visit.until_s)

    def form_token(self, visit: Visit) -> str:
        """What every form of a visit carries, and nobody else can know."""
        return self._sealer.mark(visit.visit_id)

    def _opened(self, use: str, cookie: str) -> dict[str, Any] | None:
        try:
            return self._sealer.open(use, cookie, self.now_s)
        except NotSealed:
            return None

    def _is_over(self, name: str) -> bool:
        return self._over.get(name, 0.0) > self.now_s

    def _remember(self, name: str, until_s: float) -> None:
        while self._over:  # the oldest first; whatever is behind one that lasts longer waits for it
            oldest = next(iter(self._over))
            if self._over[oldest] > self.now_s:
                break
            del self._over[oldest]
        self._over[name] = until_s
