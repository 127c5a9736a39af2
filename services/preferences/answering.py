"""What every page is answered with: who is there, in which language, with which cookies.

A page that is shown carries the language it is in and the forms' token of the visit; a call of the
suite waits on a thread of its own; a cookie belongs to this origin alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.preferences.desk import Desk
from services.preferences.guarding import Log, form_of
from services.preferences.language import LANGUAGES, Language, negotiated
from services.preferences.pacing import Pace
from services.preferences.provider import Provider
from services.preferences.session import Visit, Visits
from services.preferences.view import PAGES, View

T = TypeVar("T")

VISIT_COOKIE: Final = "__Host-visit"
ATTEMPT_COOKIE: Final = "__Host-attempt"
LANGUAGE_COOKIE: Final = "__Host-language"
SEE_OTHER: Final = 303
_LANGUAGE_S: Final = 180 * 86_400


@dataclass(frozen=True)
class Centre:
    """What the pages work with.

    Attributes:
        desk: the suite, for a person.
        provider: where people sign in.
        visits: who is there.
        pace: how often they may ask.
        view: makes pages.
        languages: all there are, by tag.
        origin: the page's own, as a browser names it.
        identifier: as which kind people are looked for.
        caller: the page's name among the suite's callers.
        log: takes a line about what was refused, never about whom.
    """

    desk: Desk
    provider: Provider
    visits: Visits
    pace: Pace
    view: View
    languages: Mapping[str, Language]
    origin: str
    identifier: str
    caller: str
    log: Log


class NobodyThere(Exception):  # noqa: N818 - named for what happened
    """A page of a visit was asked for, and there is none, or it has ended."""


def shown(request: Request, template: str, visit: Visit | None = None, **given: Any) -> HTMLResponse:
    """A page for whoever is there."""
    centre, language = centre_of(request), language_of(request)
    visit = visit or visit_of(request)
    form_token = centre.visits.form_token(visit) if visit else ""
    path = request.url.path
    given = {"visit": visit, "here": path if path in dict(PAGES) else "", **given}
    answer = HTMLResponse(centre.view.page(template, language, form_token, given))
    answer.headers["Content-Language"] = language.tag
    answer.headers["Vary"] = "Accept-Language, Cookie"
    return answer


def note(request: Request, about: str, reason: str) -> None:
    """Writes down that something was refused or failed, and the rule; never whom it was about."""
    centre_of(request).log(json.dumps({"refused": about, "reason": reason}) + "\n")


def switched_language(request: Request) -> Response | None:
    """The answer to a reader who chose a language: the same page, and the choice kept."""
    tag = request.query_params.get("lang", "")
    if request.method != "GET" or tag not in LANGUAGES:
        return None
    # Of the address nothing is taken over that a stranger may have put there.
    path = request.url.path if request.url.path in dict(PAGES) or request.url.path == "/erased" else "/"
    answer = RedirectResponse(path, SEE_OTHER)
    set_cookie(answer, LANGUAGE_COOKIE, tag, _LANGUAGE_S)
    return answer


def language_of(request: Request) -> Language:
    """The language a reader chose, or else their browser's."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    tag = chosen if chosen in LANGUAGES else negotiated(request.headers.get("accept-language", ""))
    return centre_of(request).languages[tag]


def visit_of(request: Request) -> Visit | None:
    """Who is there."""
    return centre_of(request).visits.open_visit(request.cookies.get(VISIT_COOKIE, ""))


def person_of(request: Request) -> Visit:
    """Whose page it is.

    Raises:
        NobodyThere: see there.
    """
    visit = visit_of(request)
    if visit is None or not visit.subject:
        raise NobodyThere
    return visit


def centre_of(request: Request) -> Centre:
    """What the application works with."""
    centre: Centre = request.app.state.centre
    return centre


async def asked(call: Callable[..., T], *given: Any) -> T:
    """What a call answers that waits for somebody else."""
    return await run_in_threadpool(call, *given)


async def form_fields(request: Request) -> dict[str, str]:
    """The fields of a form of this visit; see ``guarding.form_of``."""
    centre = centre_of(request)
    return await form_of(request, visit_of(request), centre.visits, centre.origin)


def set_cookie(answer: Response, name: str, value: str, life_s: int | None) -> None:
    """A cookie of this origin alone, over encrypted connections alone, for no script."""
    answer.set_cookie(name, value, max_age=life_s, path="/", secure=True, httponly=True, samesite="lax")


def unset_cookie(answer: Response, name: str) -> None:
    """Has the browser forget a cookie."""
    answer.set_cookie(name, "", max_age=0, path="/", secure=True, httponly=True, samesite="lax")
