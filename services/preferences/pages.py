"""The pages, one function each: who is there, what is asked of the suite, what is shown.

A request that only reads changes nothing; one that changes something comes from a form and ends
in a redirect, so that reloading repeats nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from services.preferences.answering import (
    ATTEMPT_COOKIE,
    SEE_OTHER,
    VISIT_COOKIE,
    NobodyThere,
    asked,
    centre_of,
    form_fields,
    language_of,
    person_of,
    set_cookie,
    shown,
    unset_cookie,
    visit_of,
)
from services.preferences.choices import grouped
from services.preferences.desk import Desk, notice_of
from services.preferences.guarding import Refused
from services.preferences.known import Ground, Kept, Known
from services.preferences.language import Language
from services.preferences.provider import SignInRefused
from services.preferences.session import ATTEMPT_S, Visit, new_attempt, new_id

VALUES_A_PAGE: Final = 20
ROWS_MOST: Final = 60
DECLARED_MOST: Final = 60
GROUNDS_SHOWN: Final = 5
_FORM_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_PAGE: Final = re.compile(r"[1-9][0-9]{0,5}")


async def welcome(request: Request) -> Response:
    """The first page: what this is, or how things stand for whoever is there."""
    centre, visit = centre_of(request), visit_of(request)
    if visit is None or not visit.subject:
        return shown(request, "welcome")
    suggestions = await asked(centre.desk.suggestions, visit)
    overview = await asked(centre.desk.overview, visit)
    declared = overview.declared[:DECLARED_MOST]
    titles = await asked(centre.desk.titles, _distinct(one.item_id for one in declared))
    declared = [replace(one, thing=titles.get(one.item_id, one.thing)) for one in declared]
    return shown(request, "overview", suggestions=suggestions, overview=overview, declared=declared)


async def sign_in(request: Request) -> Response:
    """Sends the browser to the provider."""
    centre, attempt = centre_of(request), new_attempt()
    url = await asked(centre.provider.sign_in_url, attempt, language_of(request).tag)
    answer = RedirectResponse(url, SEE_OTHER)
    set_cookie(answer, ATTEMPT_COOKIE, centre.visits.seal_attempt(attempt), ATTEMPT_S)
    return answer


async def signed_in(request: Request) -> Response:
    """Takes in who comes back from the provider."""
    centre = centre_of(request)
    attempt = centre.visits.take_attempt(request.cookies.get(ATTEMPT_COOKIE, ""))
    if attempt is None:
        raise SignInRefused("no attempt of this browser")
    claims = await asked(centre.provider.claims, attempt, dict(request.query_params))
    subject = await asked(centre.desk.subject, centre.identifier, claims)
    before = visit_of(request)
    if before is not None:
        centre.visits.end(before)
    visit = Visit(new_id(), subject, claims["auth_time"])
    answer = RedirectResponse("/", SEE_OTHER)
    set_cookie(answer, VISIT_COOKIE, centre.visits.seal_visit(visit), None)
    unset_cookie(answer, ATTEMPT_COOKIE)
    return answer


async def sign_out(request: Request) -> Response:
    """Ends the visit."""
    await form_fields(request)
    visit = visit_of(request)
    if visit is not None:
        centre_of(request).visits.end(visit)
    answer = RedirectResponse("/", SEE_OTHER)
    unset_cookie(answer, VISIT_COOKIE)
    return answer


async def known(request: Request) -> Response:
    """What is known, from whom."""
    centre, visit = centre_of(request), person_of(request)
    everything: Known = await asked(centre.desk.known, visit)
    page_count = max(1, -(-len(everything.values) // VALUES_A_PAGE))
    wanted = request.query_params.get("page", "1")
    page = min(int(wanted) if _PAGE.fullmatch(wanted) else 1, page_count)
    values = everything.values[(page - 1) * VALUES_A_PAGE : page * VALUES_A_PAGE]
    titles = await asked(centre.desk.titles, _distinct(value.fields.get("item_id", "") for value in values))
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
    centre, visit = centre_of(request), person_of(request)
    recipients = await asked(centre.desk.recipients, visit)
    left_out = max(0, len(recipients) - ROWS_MOST)
    first = recipients[:ROWS_MOST]
    return shown(request, "told", recipients=first, left_out=left_out, caller=centre.caller)


async def choices(request: Request) -> Response:
    """What it is used for, with a switch a purpose."""
    centre, visit = centre_of(request), person_of(request)
    switches = await asked(centre.desk.switches, visit)
    is_stopped = any(switch.restricted for switch in switches)
    done = _done(request, {switch.purpose for switch in switches})
    return shown(request, "choices", groups=grouped(switches), is_stopped=is_stopped, done=done)


async def choose(request: Request) -> Response:
    """Turns one switch."""
    centre, visit, language = centre_of(request), person_of(request), language_of(request)
    fields = await form_fields(request)
    form_id, on = _form_id(fields), _turned_on(fields)
    switches = await asked(centre.desk.switches, visit)
    found = [switch for switch in switches if switch.purpose == fields.get("purpose")]
    if not found:
        raise Refused("no such purpose")
    purpose = found[0].purpose
    notice = notice_of(language.version, language.tag, shown_about(purpose, language))
    for act in found[0].turned(on):
        await asked(centre.desk.say, visit, act, purpose, form_id, notice)
    return RedirectResponse(f"/choices?done={'on' if on else 'off'}.{purpose}#{purpose}", SEE_OTHER)


async def everything(request: Request) -> Response:
    """Has everything stop, or go on."""
    centre, visit = centre_of(request), person_of(request)
    fields = await form_fields(request)
    form_id, on = _form_id(fields), _turned_on(fields)
    await asked(centre.desk.go_on if on else centre.desk.stop_everything, visit, form_id)
    return RedirectResponse(f"/choices?done={'on' if on else 'off'}.", SEE_OTHER)


async def why(request: Request) -> Response:
    """The list as it would be shown now, with its reasons."""
    centre, visit = centre_of(request), person_of(request)
    suggestions = await asked(centre.desk.suggestions, visit)
    items = [replace(one, grounds=one.grounds[:GROUNDS_SHOWN]) for one in suggestions.items]
    named = _distinct(ground.item_id for one in items for ground in one.grounds)
    titles = await asked(centre.desk.titles, named)
    items = [replace(one, grounds=[_named(ground, titles) for ground in one.grounds]) for one in items]
    return shown(request, "why", suggestions=replace(suggestions, items=items))


async def download(request: Request) -> Response:
    """Everything, as a file."""
    visit = person_of(request)
    await form_fields(request)
    pieces = await asked(centre_of(request).desk.download, visit)
    return StreamingResponse(pieces, media_type="application/json", headers=_as_file("my-data.json"))


async def erase(request: Request) -> Response:
    """What erasing means, and the form that asks for it."""
    person_of(request)
    return shown(request, "erase", missing=False)


async def erase_now(request: Request) -> Response:
    """Erases, if the person said that they are sure."""
    centre, visit = centre_of(request), person_of(request)
    fields = await form_fields(request)
    form_id = _form_id(fields)
    if fields.get("sure") != "yes":
        return shown(request, "erase", missing=True)
    suppress = fields.get("suppress") == "yes"
    erasure = await asked(_erased, centre.desk, visit, form_id, suppress)
    after = replace(visit, visit_id=new_id(), subject="", erasure_id=erasure.erasure_id)
    centre.visits.end(visit)
    answer = shown(request, "erased", after, erasure=erasure)
    set_cookie(answer, VISIT_COOKIE, centre.visits.seal_visit(after), None)
    return answer


async def erased(request: Request) -> Response:
    """What became of an erasure."""
    visit = _eraser(request)
    erasure = await asked(centre_of(request).desk.receipt, visit)
    return shown(request, "erased", erasure=erasure)


async def receipt(request: Request) -> Response:
    """The receipt of an erasure, as a file."""
    visit = _eraser(request)
    await form_fields(request)
    erasure = await asked(centre_of(request).desk.receipt, visit)
    if not erasure.receipt:
        return RedirectResponse("/erased", SEE_OTHER)
    headers = _as_file("erasure-receipt.json")
    return Response(erasure.receipt, media_type="application/json", headers=headers)


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


def _distinct(item_ids: Iterable[str]) -> list[str]:
    """Each item once; there is none without an id."""
    return list(dict.fromkeys(filter(None, item_ids)))


def _named(ground: Ground, titles: Mapping[str, str]) -> Ground:
    """A ground that says the title of the item something was said of, where the catalogue has it."""
    return replace(ground, title=titles.get(ground.item_id, ground.title))


def _titled(value: Kept, titles: Mapping[str, str]) -> dict[str, Any]:
    return {"kept": value, "kind": value.kind, "title": titles.get(value.fields.get("item_id", ""), "")}


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
