"""The web application: its pages, what becomes of an error, and what stands around them all."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Any, Final, NamedTuple

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from services.preferences import pages
from services.preferences.answering import (
    Centre,
    NobodyThere,
    centre_of,
    note,
    shown,
    switched_language,
    visit_of,
)
from services.preferences.desk import NotIdentified, NotSaid
from services.preferences.fetching import ProviderUnreachable
from services.preferences.guarding import Guarded, Refused
from services.preferences.metrics import PageMetrics
from services.preferences.provider import CALLBACK, SignInRefused
from veilgraph.client import Denied, Overloaded, TooLate, Unauthenticated, Unavailable, VeilgraphError

READY_PATH: Final = "/healthz"
_STYLE_S: Final = 3600
_TOO_OFTEN: Final = 429


class _Said(NamedTuple):
    """What a reader is told of an error: the status, the text, where to go on."""

    kind: type[Exception]
    status: int
    about: str
    onward: str


_SAID: Final = (
    _Said(NobodyThere, 403, "nobody", "/sign-in"),
    _Said(SignInRefused, 400, "sign_in", "/sign-in"),
    _Said(NotIdentified, 403, "not_identified", "/"),
    _Said(ProviderUnreachable, 502, "provider", "/"),
    _Said(Refused, 403, "refused", "/"),
    _Said(NotSaid, 409, "not_said", "/choices"),
    _Said(Unauthenticated, 502, "fault", "/"),
    _Said(Denied, 403, "denied", "/sign-in"),
    _Said(Overloaded, 503, "later", "/"),
    _Said(Unavailable, 503, "later", "/"),
    _Said(TooLate, 504, "later", "/"),
    _Said(VeilgraphError, 502, "fault", "/"),
    _Said(HTTPException, 404, "missing", "/"),
    _Said(Exception, 500, "fault", "/"),
)


def application(centre: Centre, metrics: PageMetrics | None = None) -> Guarded:
    """The application.

    Args:
        centre: what the pages work with.
        metrics: count its requests; ``None``: nobody asks for them.
    """
    read, write = ["GET"], ["POST"]
    app = Starlette(
        routes=[
            Route("/", pages.welcome, methods=read),
            Route("/sign-in", pages.sign_in, methods=read),
            Route(CALLBACK, pages.signed_in, methods=read),
            Route("/sign-out", pages.sign_out, methods=write),
            Route("/known", pages.known, methods=read),
            Route("/told", pages.told, methods=read),
            Route("/choices", pages.choices, methods=read),
            Route("/choices", pages.choose, methods=write),
            Route("/everything", pages.everything, methods=write),
            Route("/why", pages.why, methods=read),
            Route("/download", pages.download, methods=write),
            Route("/erase", pages.erase, methods=read),
            Route("/erase", pages.erase_now, methods=write),
            Route("/erased", pages.erased, methods=read),
            Route("/receipt", pages.receipt, methods=write),
            Route("/style.css", style, methods=read),
            Route(READY_PATH, ready, methods=read),
        ],
        middleware=[Middleware(_Paced), Middleware(_Languages)],
        exception_handlers={said.kind: _handler(said) for said in _SAID},
    )
    app.state.centre = centre
    counted = metrics or PageMetrics(CollectorRegistry())
    return Guarded(app, counted, https=centre.origin.startswith("https:"), log=centre.log)


async def style(_request: Request) -> Response:
    """The one thing that is fetched beside a page."""
    content = (resources.files(__package__) / "static" / "style.css").read_text()
    headers = {"Cache-Control": f"public, max-age={_STYLE_S}"}
    return Response(content, media_type="text/css", headers=headers)


async def ready(_request: Request) -> Response:
    """For probes: the page answers."""
    return PlainTextResponse("ok\n")


class _Paced:
    """Answers a visit that asks more often than a person can read, before any page does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        visit = visit_of(request)
        if visit is None or centre_of(request).pace.keeps(visit.visit_id):
            await self._app(scope, receive, send)
            return
        note(request, "later", "too often")
        answer = shown(request, "message", visit, about="later", onward="/", reference="")
        answer.status_code = _TOO_OFTEN
        answer.headers["Retry-After"] = "1"
        await answer(scope, receive, send)


class _Languages:
    """Answers whoever chose a language, before any page does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = switched_language(Request(scope)) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)


def _reason(error: Exception) -> str:
    """What the log says of an error: a rule's name, or the kind of error; its text only where it is ours."""
    if isinstance(error, VeilgraphError):
        return error.reason
    ours = (SignInRefused, ProviderUnreachable, Refused, NotSaid)
    return str(error) if isinstance(error, ours) else type(error).__name__


def _handler(said: _Said) -> Callable[[Request, Any], Response]:
    def say(request: Request, error: Any) -> Response:
        note(request, said.about, _reason(error))
        reference = getattr(error, "request_id", "")
        given = {"about": said.about, "onward": said.onward, "reference": reference}
        answer = shown(request, "message", None, **given)
        answer.status_code = getattr(error, "status_code", said.status)
        return answer

    return say
