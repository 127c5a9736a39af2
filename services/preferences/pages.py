"""The pages, one function each: who is there, what is asked of the suite, what is shown.

A request that only reads changes nothing; one that changes something comes from a form and ends
in a redirect, so that reloading repeats nothing. Calls of the suite run on threads of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from services.preferences.choices import grouped
from services.preferences.desk import Desk, notice_of
from services.preferences.guarding import Log, Refused, form_of
from services.preferences.known import Kept, Known
from services.preferences.language import LANGUAGES, Language, negotiated
from services.preferences.provider import Provider, SignInRefused
from services.preferences.session import ATTEMPT_S, Visit, Visits, new_attempt, new_id
from services.preferences.view import PAGES, View

T = TypeVar("T")

VISIT_COOKIE: Final = "__Host-visit"
ATTEMPT_COOKIE: Final = "__Host-attempt"
LANGUAGE_COOKIE: Final = "__Host-language"
VALUES_A_PAGE: Final = 20
ROWS_MOST: Final = 60
DECLARED_MOST: Final = 60
GROUNDS_SHOWN: Final = 5
_LANGUAGE_S: Final = 180 * 86_400
_SEE_OTHER: Final = 303
_FORM_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_PAGE: Final = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True)
class Centre:
    """What the pages work with.

    Attributes:
        desk: the suite, for a person.
        provider: where people sign in.
        visits: who is there.
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
    view: View
    languages: Mapping[str, Language]
    origin: str
    identifier: str
    caller: str
    log: Log


class NobodyThere(Exception):  # noqa: N818 - named for what happened
    """A page of a visit was asked for, and there is none, or it has ended."""


async def welcome(request: Request) -> Response:
    """The first page: what this is, or how things stand for whoever is there."""
    centre, visit = _centre(request), visit_of(request)
    if visit is None or not visit.subject:
        return shown(request, "welcome")
    suggestions = await _asked(centre.desk.suggestions, visit)
    overview = await _asked(centre.desk.overview, visit)
    declared = overview.declared[:DECLARED_MOST]
    return shown(request, "overview", suggestions=suggestions, overview=overview, declared=declared)


async def sign_in(request: Request) -> Response:
    """Sends the browser to the provider."""
    centre, attempt = _centre(request), new_attempt()
    url = await _asked(centre.provider.sign_in_url, attempt, language_of(request).tag)
    answer = RedirectResponse(url, _SEE_OTHER)
    _set(answer, ATTEMPT_COOKIE, centre.visits.seal_attempt(attempt), ATTEMPT_S)
    return answer


async def signed_in(request: Request) -> Response:
    """Takes in who comes back from the provider."""
    centre = _centre(request)
    attempt = centre.visits.take_attempt(request.cookies.get(ATTEMPT_COOKIE, ""))
    if attempt is None:
        raise SignInRefused("no attempt of this browser")
    claims = await _asked(centre.provider.claims, attempt, dict(request.query_params))
    subject = await _asked(centre.desk.subject, centre.identifier, claims)
    before = visit_of(request)
    if before is not None:
        centre.visits.end(before)
    visit = Visit(new_id(), subject, claims["auth_time"])
    answer = RedirectResponse("/", _SEE_OTHER)
    _set(answer, VISIT_COOKIE, centre.visits.seal_visit(visit), None)
    _unset(answer, ATTEMPT_COOKIE)
    return answer


async def sign_out(request: Request) -> Response:
    """Ends the visit."""
    await _form(request)
    visit = visit_of(request)
    if visit is not None:
        _centre(request).visits.end(visit)
    answer = RedirectResponse("/", _SEE_OTHER)
    _unset(answer, VISIT_COOKIE)
    return answer


async def known(request: Request) -> Response:
    """What is known, from whom."""
    centre, visit = _centre(request), person_of(request)
    everything: Known = await _asked(centre.desk.known, visit)
    page_count = max(1, -(-len(everything.values) // VALUES_A_PAGE))
    asked = request.query_params.get("page", "1")
    page = min(int(asked) if _PAGE.fullmatch(asked) else 1, page_count)
    values = everything.values[(page - 1) * VALUES_A_PAGE : page * VALUES_A_PAGE]
    items = list(dict.fromkeys(item for value in values if (item := value.fields.get("item_id"))))
    titles = await _asked(centre.desk.titles, items)
    return shown(
        request,
        "known",
        known=everything,
        origins=everything.origins[:ROWS_MOST],
        values=[_titled(value, titles) for value in values],
        page=page,
        page_count=page_count,
    )


async def told(request: Request) -> Response:
    """Which systems asked, for what."""
    centre, visit = _centre(request), person_of(request)
    recipients = await _asked(centre.desk.recipients, visit)
    left_out = max(0, len(recipients) - ROWS_MOST)
    first = recipients[:ROWS_MOST]
    return shown(request, "told", recipients=first, left_out=left_out, caller=centre.caller)


async def choices(request: Request) -> Response:
    """What it is used for, with a switch a purpose."""
    centre, visit = _centre(request), person_of(request)
    switches = await _asked(centre.desk.switches, visit)
    is_stopped = any(switch.restricted for switch in switches)
    done = _done(request, {switch.purpose for switch in switches})
    return shown(request, "choices", groups=grouped(switches), is_stopped=is_stopped, done=done)


async def choose(request: Request) -> Response:
    """Turns one switch."""
    centre, visit, language = _centre(request), person_of(request), language_of(request)
    fields = await _form(request)
    form_id, on = _form_id(fields), _turned_on(fields)
    switches = await _asked(centre.desk.switches, visit)
    found = [switch for switch in switches if switch.purpose == fields.get("purpose")]
    if not found:
        raise Refused("no such purpose")
    purpose = found[0].purpose
    notice = notice_of(language.version, language.tag, shown_about(purpose, language))
    for act in found[0].turned(on):
        await _asked(centre.desk.say, visit, act, purpose, form_id, notice)
    return RedirectResponse(f"/choices?done={'on' if on else 'off'}.{purpose}#{purpose}", _SEE_OTHER)


async def everything(request: Request) -> Response:
    """Has everything stop, or go on."""
    centre, visit = _centre(request), person_of(request)
    fields = await _form(request)
    form_id, on = _form_id(fields), _turned_on(fields)
    await _asked(centre.desk.go_on if on else centre.desk.stop_everything, visit, form_id)
    return RedirectResponse(f"/choices?done={'on' if on else 'off'}.", _SEE_OTHER)


async def why(request: Request) -> Response:
    """The list as it would be shown now, with its reasons."""
    visit = person_of(request)
    suggestions = await _asked(_centre(request).desk.suggestions, visit)
    return shown(request, "why", suggestions=suggestions, grounds_shown=GROUNDS_SHOWN)


async def download(request: Request) -> Response:
    """Everything, as a file."""
    visit = person_of(request)
    await _form(request)
    pieces = await _asked(_centre(request).desk.download, visit)
    return StreamingResponse(pieces, media_type="application/json", headers=_as_file("my-data.json"))


async def erase(request: Request) -> Response:
    """What erasing means, and the form that asks for it."""
    person_of(request)
    return shown(request, "erase", missing=False)


async def erase_now(request: Request) -> Response:
    """Erases, if the person said that they are sure."""
    centre, visit = _centre(request), person_of(request)
    fields = await _form(request)
    form_id = _form_id(fields)
    if fields.get("sure") != "yes":
        return shown(request, "erase", missing=True)
    suppress = fields.get("suppress") == "yes"
    erasure = await _asked(_erased, centre.desk, visit, form_id, suppress)
    after = replace(visit, visit_id=new_id(), subject="", erasure_id=erasure.erasure_id)
    centre.visits.end(visit)
    answer = shown(request, "erased", after, erasure=erasure)
    _set(answer, VISIT_COOKIE, centre.visits.seal_visit(after), None)
    return answer


async def erased(request: Request) -> Response:
    """What became of an erasure."""
    visit = _eraser(request)
    erasure = await _asked(_centre(request).desk.receipt, visit)
    return shown(request, "erased", erasure=erasure)


async def receipt(request: Request) -> Response:
    """The receipt of an erasure, as a file."""
    visit = _eraser(request)
    await _form(request)
    erasure = await _asked(_centre(request).desk.receipt, visit)
    if not erasure.receipt:
        return RedirectResponse("/erased", _SEE_OTHER)
    headers = _as_file("erasure-receipt.json")
    return Response(erasure.receipt, media_type="application/json", headers=headers)


def shown(request: Request, template: str, visit: Visit | None = None, **given: Any) -> HTMLResponse:
    """A page for whoever is there."""
    centre, language = _centre(request), language_of(request)
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
    _centre(request).log(json.dumps({"refused": about, "reason": reason}) + "\n")


def switched_language(request: Request) -> Response | None:
    """The answer to a reader who chose a language: the same page, and the choice kept."""
    tag = request.query_params.get("lang", "")
    if request.method != "GET" or tag not in LANGUAGES:
        return None
    # Of the address nothing is taken over that a stranger may have put there.
    path = request.url.path if request.url.path in dict(PAGES) or request.url.path == "/erased" else "/"
    answer = RedirectResponse(path, _SEE_OTHER)
    _set(answer, LANGUAGE_COOKIE, tag, _LANGUAGE_S)
    return answer


def language_of(request: Request) -> Language:
    """The language a reader chose, or else their browser's."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    tag = chosen if chosen in LANGUAGES else negotiated(request.headers.get("accept-language", ""))
    return _centre(request).languages[tag]


def visit_of(request: Request) -> Visit | None:
    """Who is there."""
    return _centre(request).visits.open_visit(request.cookies.get(VISIT_COOKIE, ""))


def person_of(request: Request) -> Visit:
    """Whose page it is.

    Raises:
        NobodyThere: see there.
    """
    visit = visit_of(request)
    if visit is None or not visit.subject:
        raise NobodyThere
    return visit


def shown_about(purpose: str, language: Language) -> str:
    """All that the page says about a purpose: what a grant is given to."""
    about = f"purpose_about.{purpose}"
    return "\n".join((language.word("purpose", purpose), language.text(about) if language.has(about) else ""))


def _eraser(request: Request) -> Visit:
    visit = visit_of(request)
    if visit is None or not visit.erasure_id:
        raise NobodyThere
    return visit


def _erased(desk: Desk, visit: Visit, form_id: str, suppress: bool) -> Any:
    return desk.erase(visit, form_id, suppress=suppress)


def _centre(request: Request) -> Centre:
    centre: Centre = request.app.state.centre
    return centre


async def _asked(call: Callable[..., T], *given: Any) -> T:
    """What a call answers that waits for somebody else."""
    return await run_in_threadpool(call, *given)


async def _form(request: Request) -> dict[str, str]:
    centre = _centre(request)
    return await form_of(request, visit_of(request), centre.visits, centre.origin)


def _form_id(fields: Mapping[str, str]) -> str:
    found = fields.get("form", "")
    if not _FORM_ID.fullmatch(found):
        raise Refused("a form without a name")
    return found


def _turned_on(fields: Mapping[str, str]) -> bool:
    if fields.get("turn") not in {"on", "off"}:
        raise Refused("neither on nor off")
    return fields["turn"] == "on"


def _done(request: Request, purposes: set[str]) -> str:
    """What a form before this page did, in a sentence; empty if nothing."""
    turned, _, purpose = request.query_params.get("done", "").partition(".")
    language = language_of(request)
    if turned not in {"on", "off"} or (purpose and purpose not in purposes):
        return ""
    if not purpose:
        return language.text(f"choices.done_everything_{turned}")
    return language.text(f"choices.done_{turned}", purpose=language.word("purpose", purpose))


def _titled(value: Kept, titles: Mapping[str, str]) -> dict[str, Any]:
    return {"kept": value, "kind": value.kind, "title": titles.get(value.fields.get("item_id", ""), "")}


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _set(answer: Response, name: str, value: str, life_s: int | None) -> None:
    """A cookie of this origin alone, over encrypted connections alone, for no script."""
    answer.set_cookie(name, value, max_age=life_s, path="/", secure=True, httponly=True, samesite="lax")


def _unset(answer: Response, name: str) -> None:
    answer.set_cookie(name, "", max_age=0, path="/", secure=True, httponly=True, samesite="lax")
