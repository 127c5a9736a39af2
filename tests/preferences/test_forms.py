"""Whatever changes something comes from a form of the visit it changes something for."""

from __future__ import annotations

import pytest

from tests.preferences.browsing import ORIGIN, Browser
from tests.preferences.conftest import World
from veilgraph.client import Denied, TooLate, Unavailable

CHANGING = ("/choices", "/everything", "/download", "/erase", "/receipt", "/sign-out")


async def good(world: World) -> tuple[Browser, dict[str, str]]:
    browser = await world.signed_in()
    form = (await browser.get("/choices")).form("/choices", purpose="loyalty")
    return browser, form.fields


def changes(world: World) -> int:
    """Calls of the suite that change something, or give something out."""
    named = (
        "consent.Record",
        "rights.Object",
        "rights.Lift",
        "rights.Restrict",
        "rights.Erase",
        "rights.Access",
    )
    return sum(len(world.suite.calls(name)) for name in named)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": ""},
        {"origin": "null"},
        {"origin": "https://evil.example"},
        {"origin": ORIGIN + ".evil.example"},
        {"origin": ORIGIN.replace("https", "http")},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"content_type": "application/json"},
        {"content_type": "text/plain"},
        {"content_type": ""},
    ],
    ids=str,
)
async def test_a_form_of_another_site_changes_nothing(world: World, headers: dict[str, str]):
    """Even one that knows the token."""
    browser, fields = await good(world)
    for path in CHANGING:
        answer = await browser.post(path, fields | {"sure": "yes"}, **headers)
        assert answer.status == 403 and changes(world) == 0, path


@pytest.mark.parametrize("token", [None, "", "x", "another visit's"])
async def test_a_form_without_this_visits_token_changes_nothing(world: World, token: str | None):
    browser, fields = await good(world)
    if token == "another visit's":
        token = (await good(world))[1]["token"]
    fields = {name: value for name, value in fields.items() if name != "token"}
    fields |= {"token": token} if token is not None else {}
    for path in CHANGING:
        answer = await browser.post(path, fields | {"sure": "yes"})
        assert answer.status == 403 and changes(world) == 0, path


async def test_nothing_is_changed_by_a_link_or_by_nobody(world: World):
    browser, fields = await good(world)
    for path in CHANGING:
        await browser.get(f"{path}?purpose=loyalty&turn=on&sure=yes", follow=False)
        assert (await Browser(world.app).post(path, fields)).status == 403
        assert changes(world) == 0, path


async def test_a_body_that_is_too_large_or_no_form_is_refused(world: World):
    browser, fields = await good(world)
    for body in ({"x": "y" * 9000}, {f"x{n}": "y" for n in range(30)}):
        assert (await browser.post("/choices", fields | body)).status == 403
    assert (await browser.post("/choices", fields | {"form": "not ours"})).status == 403
    assert (await browser.post("/choices", fields | {"turn": "sideways"})).status == 403
    assert (await browser.post("/choices", fields | {"purpose": "no such"})).status == 403
    assert changes(world) == 0


async def test_a_form_that_is_sent_twice_is_one_request(world: World):
    """The suite knows a repeat by its id; a new form has another, and another visit's can not be it."""
    browser, fields = await good(world)
    for _ in range(2):
        world.suite.own["loyalty"] = 1  # as if the first answer had been lost on its way
        await browser.post("/choices", fields)
    other = await world.signed_in()
    page = await other.get("/choices")
    await other.post("/choices", page.form("/choices", purpose="security").fields | {"form": fields["form"]})
    first, again, others = (call.request_id for call in world.suite.calls("consent.Record"))
    assert first == again != others


async def test_a_grant_names_the_text_the_person_was_shown(world: World):
    """In their language; the same text has the same digest, another one another."""
    digests = {}
    for language in ("en", "uk", "ru", "uk"):
        world.suite.own["loyalty"] = 1
        browser = await world.signed_in(language=language)
        await browser.send((await browser.get("/choices")).form("/choices", purpose="loyalty"))
        (statement,) = world.suite.calls("consent.Record")[-1].statements
        assert statement.notice.id == "preference-centre" and statement.notice.language == language
        assert digests.setdefault(language, statement.notice.sha256) == statement.notice.sha256
    assert len(set(digests.values())) == 3


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Denied("NOT_PERMITTED"), 403),
        (Unavailable("STORE_UNAVAILABLE"), 503),
        (TooLate("DEADLINE_PASSED"), 504),
    ],
)
async def test_a_call_that_is_not_answered_is_said_and_the_reason_is_logged(world: World, error, status: int):
    browser = await world.signed_in()
    world.suite.fails_with["rights.Access"] = error
    answer = await browser.get("/known")
    assert answer.status == status and answer.tree is not None
    assert error.reason in world.log.getvalue() and error.reason not in answer.text


async def test_a_fault_of_the_page_itself_is_answered_and_its_text_stays_unsaid(world: World):
    """No traceback, no text of the error: neither in the answer nor in the log."""
    browser = await world.signed_in()
    world.suite.fails_with["rights.Access"] = KeyError("anna@shop.example")  # type: ignore[assignment]
    answer = await browser.get("/known")
    assert answer.status == 500 and "content-security-policy" in answer.headers
    assert "anna" not in answer.text + world.log.getvalue() and "KeyError" in world.log.getvalue()


async def test_an_erasure_without_its_receipt_is_looked_after_until_it_is_there(world: World):
    world.suite.receipt_ready = False
    browser = await world.signed_in()
    done = await browser.send((await browser.get("/erase")).form("/erase"), sure="yes")
    assert "/receipt" not in [form.action for form in done.forms()]
    world.suite.receipt_ready = True
    looked = await browser.get("/erased")
    assert (await browser.send(looked.form("/receipt"))).headers["content-type"] == "application/json"
    assert len(world.suite.calls("rights.Erase")) == 1
