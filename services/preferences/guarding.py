"""What every request passes before a page is made, and every answer before it leaves.

A request that changes something must come from a form of this page: it says so by its origin,
by what the browser knows of where it began, and by a token that only this visit's pages hold.
No answer is kept by anybody between, holds a script, or can be framed. The log has a line a
request, and the metrics count it: the page's name, the status, the time it took; never an address, a
query or a cookie.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.preferences.metrics import UNKNOWN, PageMetrics
from services.preferences.session import Visit, Visits

BODY_BYTES_MAX: Final = 8 * 1024
BODY_S: Final = 10.0
FIELDS_MAX: Final = 20
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_YEAR_S: Final = 31_536_000
_SERVER_FAULT: Final = 500
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": with that a browser sends "Origin: null" with our own forms, too.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}

Log = Callable[[str], object]


class Refused(Exception):  # noqa: N818 - named for what happened
    """A request that no form of this page makes; the text is for the log."""


class Guarded:
    """Around the whole application: the headers of every answer, the log and the metrics."""

    def __init__(self, app: ASGIApp, metrics: PageMetrics, *, https: bool, log: Log) -> None:
        """Promises encryption to browsers where the page is reached by it."""
        self._app = app
        self._metrics = metrics
        self._log = log
        self._headers = dict(HEADERS)
        if https:
            self._headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; what was raised was answered already, and its text is nobody's to read."""
        if scope["type"] != "http":
            raise RuntimeError("only HTTP is served")
        begun, status = time.perf_counter(), _SERVER_FAULT

        async def leaving(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, leaving)
        except Exception as error:  # noqa: BLE001 - the boundary: a server's own log would quote it
            self._log(json.dumps({"fault": type(error).__name__, "at": _place(error)}) + "\n")
            if status < _SERVER_FAULT:
                raise ConnectionAbortedError from None  # half an answer must not look like a whole one
        finally:
            page, took_s = getattr(scope.get("route"), "path", UNKNOWN), time.perf_counter() - begun
            self._metrics.answered(page, _method(scope), status, took_s)
            line = {"page": page, "method": _method(scope), "status": status, "ms": round(took_s * 1000, 1)}
            self._log(json.dumps(line) + "\n")


async def form_of(request: Request, visit: Visit | None, visits: Visits, origin: str) -> dict[str, str]:
    """The fields of a form that a page of this visit sent.

    Args:
        request: what came.
        visit: who is there.
        visits: knows the token of a visit's forms.
        origin: the page's own.

    Raises:
        Refused: it is not from such a form, or is too large.
    """
    if request.headers.get("origin") != origin:
        raise Refused("another origin")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Refused("another site")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
        raise Refused("no form")
    fields = _fields(await _body(request))
    expected = visits.form_token(visit) if visit else ""
    if not visit or not hmac.compare_digest(fields.pop("token", "").encode(), expected.encode()):
        raise Refused("another visit's token")
    return fields


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES_MAX:
                    raise Refused("too large")
    except TimeoutError:
        raise Refused("too slow") from None
    return body


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            max_num_fields=FIELDS_MAX,
            errors="strict",
        )
    except ValueError:
        raise Refused("no form") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Refused("a field twice")
    return fields


def _place(error: BaseException) -> str:
    """The line of this program where an error began."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _method(scope: Scope) -> str:
    """The method, if it is one that is served; a client may send any text as one."""
    method: str = scope["method"]
    return method if method in {"GET", "HEAD", "POST"} else "other"
