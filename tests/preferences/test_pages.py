"""Every page: small, whole, readable by ear and by keyboard, and made of texts that stay texts."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

from services.preferences.guarding import HEADERS
from services.preferences.known import Ground
from services.preferences.language import LANGUAGES
from services.preferences.view import because, presentable
from tests.preferences.browsing import Answer, Browser
from tests.preferences.conftest import LANGUAGES as LOADED
from tests.preferences.conftest import World
from tests.preferences.fake_suite import GONE, HOSTILE
from veilgraph.engagement.v1 import profile_pb2

WEIGHT_MAX = 100 * 1024
PATHS = ("/", "/known", "/known?page=9999", "/told", "/choices", "/why", "/erase", "/nowhere")


async def pages_of(world: World, language: str) -> dict[str, Answer]:
    """Every page there is, in a language; those of nobody, of a visit, and of one that was erased."""
    browser = Browser(world.app, language)
    found = {"welcome": await browser.get("/"), "nobody": await browser.get("/known")}
    found["replayed"] = await browser.get("/signed-in?state=x&code=y")
    browser = await world.signed_in(language=language)
    for path in PATHS:
        found[path] = await browser.get(path)
    page = found["/choices"]
    found["turned on"] = await browser.send(page.form("/choices", purpose="loyalty"))
    found["turned off"] = await browser.send(found["turned on"].form("/choices", purpose="loyalty"))
    found["stopped"] = await browser.send(page.form("/everything"))
    found["refused"] = await browser.post("/choices", {})
    erase = found["/erase"].form("/erase")
    found["not sure"] = await browser.send(erase)
    found["erased"] = await browser.send(erase, sure="yes")
    return found


@pytest.mark.parametrize("language", LANGUAGES)
async def test_no_page_weighs_more_than_100_kb_with_its_style(world: World, language: str):
    """With as much behind it, and as long, as the suite holds of somebody."""
    style = await Browser(world.app).get("/style.css")
    for name, page in (await pages_of(world, language)).items():
        assert len(page.body) + len(style.body) <= WEIGHT_MAX, (name, len(page.body))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_is_html_to_the_letter_and_can_be_read_by_ear(world: World, language: str):
    """Language, title, one heading of the first rank and none left out; every field and button has a name."""
    titles = {}
    for name, page in (await pages_of(world, language)).items():
        tree = page.tree
        assert tree.get("lang") == language, name
        titles[name] = tree.findtext(".//title")
        ranks = [int(one.tag[1]) for one in tree.iter() if re.fullmatch("h[1-6]", str(one.tag))]
        assert ranks[0] == 1 and ranks.count(1) == 1, (name, ranks)
        assert all(after - before <= 1 for before, after in pairwise(ranks)), (
            name,
            ranks,
        )
        assert tree.find(".//main").get("id") == "content" and tree.find(".//a").get("href") == "#content"
        assert_named(tree, name)
    assert all(titles.values()) and len({titles[path] for path in PATHS if "?" not in path}) == 7


def assert_named(tree: Any, name: str) -> None:
    ids = [one.get("id") for one in tree.iter() if one.get("id")]
    assert len(set(ids)) == len(ids), (name, "an id twice")
    labels = {one.get("for") for one in tree.iter("label")}
    for one in tree.iter("input"):
        assert one.get("type") == "hidden" or one.get("id") in labels, name
    for one in [*tree.iter("button"), *tree.iter("a"), *tree.iter("legend"), *tree.iter("caption")]:
        assert "".join(one.itertext()).strip(), (name, one.tag)
    for one in tree.iter("form"):
        assert one.get("method") == "post" and one.find(".//input[@name='token']").get("value"), name
        assert len(list(one.iter("button"))) == 1, name
    for one in tree.iter("th"):
        assert one.get("scope") in {"col", "row"}, name
    for one in [*tree.iter("nav"), *tree.iter("section")]:
        assert one.get("aria-label") or one.get("aria-labelledby") in ids, name
    for attribute in ("aria-labelledby", "aria-describedby"):
        named = [one.get(attribute) for one in tree.iter() if one.get(attribute)]
        assert set(named) <= set(ids), (name, attribute)


async def test_buttons_with_the_same_word_are_told_apart_by_ear(world: World):
    page = await (await world.signed_in()).get("/choices")
    names = ["".join(one.itertext()) for one in page.tree.iter("button")]
    assert len(names) == len(set(names)) > 20


async def test_nothing_is_fetched_but_the_style_and_no_page_needs_a_script(world: World):
    """No address leads away; what a browser would fetch or run is one file of this origin."""
    for name, page in (await pages_of(world, "en")).items():
        for one in page.tree.iter():
            assert one.tag not in {
                "script",
                "img",
                "iframe",
                "object",
                "embed",
                "video",
                "audio",
                "base",
                "meta",
            } or (one.tag == "meta" and (one.get("charset") or one.get("name") == "viewport")), (
                name,
                one.tag,
            )
            assert not [
                attribute for attribute in one.attrib if attribute.startswith("on") or attribute == "style"
            ]
            for attribute in ("href", "src", "action"):
                where = one.get(attribute)
                assert where is None or re.fullmatch(r"(/|\?|#)[^/].*|/", where), (name, where)
        assert [one.get("href") for one in page.tree.iter("link")] == ["/style.css"]


async def test_every_answer_is_kept_by_nobody_and_can_not_be_framed(world: World):
    browser = Browser(world.app)
    answers = list((await pages_of(world, "en")).values())
    answers += [await browser.get("/healthz"), await browser.get("/sign-in", follow=False)]
    answers += [await browser.get("/style.css"), await browser.post("/sign-in", {})]
    for answer in answers:
        for name, value in HEADERS.items():
            if name != "Cache-Control" or answer.path != "/style.css":
                assert answer.headers[name.lower()] == value
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert "server" not in answer.headers
    assert "script" not in HEADERS["Content-Security-Policy"]
    assert HEADERS["Content-Security-Policy"].startswith("default-src 'none'")


async def test_a_stored_text_is_only_ever_text(world: World):
    """Titles, origins, fields, answers and recipients of the hostile suite, on every page that shows them."""
    pages = await pages_of(world, "en")
    for name in ("/", "/known", "/told", "/why"):
        tree = pages[name].tree
        assert not list(tree.iter("script")) and not list(tree.iter("img"))
        assert '<script>alert("x")</script>' in pages[name].said(), name
        assert "10587703" not in pages[name].text and "\x07" not in pages[name].text


@pytest.mark.parametrize("path", ["/", "/why"])
async def test_a_liked_item_is_called_by_its_title(world: World, path: str):
    """Its id says nothing to a person; it stands where the catalogue has the item no more."""
    browser = await world.signed_in()
    world.suite.likes = {"kind": profile_pb2.TOPIC_KIND_ITEM, "name": "item-7"}
    assert "Title of item-7" in (await browser.get(path)).said()
    world.suite.likes["name"] = GONE
    assert GONE in (await browser.get(path)).said()
    asked = len(world.suite.calls("recommender.GetItem"))
    world.suite.likes = {"kind": profile_pb2.TOPIC_KIND_BRAND, "name": "item-7"}
    assert "Title of" not in (await browser.get(path)).said()
    assert len(world.suite.calls("recommender.GetItem")) == asked


async def test_a_chosen_language_stays_and_sends_nobody_elsewhere(world: World):
    browser = await world.signed_in(language="uk")
    assert (await browser.get("/why")).tree.get("lang") == "uk"
    answer = await browser.get("/why?lang=ru", follow=False)
    assert answer.headers["location"] == "/why"
    assert (await browser.get("/why")).tree.get("lang") == "ru"
    assert (await browser.get("/why?lang=xx")).tree.get("lang") == "ru"
    for path in ("//evil.example/?lang=en", "/signed-in?lang=en", "/nowhere?lang=en"):
        assert (await browser.get(path, follow=False)).headers["location"] == "/"


def test_what_html_can_not_hold_is_replaced_and_what_turns_a_line_is_taken_out():
    assert presentable("a\x00b\x85c\ud800d") == "a\ufffdb\ufffdc\ufffdd"
    sentence = because(
        Ground("EVENT", 10, against=False, title="\u202e\u2069" + HOSTILE, did="ORDER"), LOADED["en"]
    )
    assert sentence.count("\u2068") == sentence.count("\u2069") == 2
    assert "\u202e" not in sentence
