"""The access page: whole, readable, and made of nothing that a value could have brought along."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.coverage import Coverage
from services.rights import access_page as page
from services.rights.access import Asked, Decision, Report
from services.rights.access_page import Markup, element, escaped
from services.rights.disclosure import Disclosure
from services.rights.proofs import Proof
from services.stores import Json
from tests.services.rights_desk import CARD, ME, ListedStore
from veilgraph.privacy.v1 import privacy_pb2

NOW_MS = 1_700_000_000_000
HOSTILE = [
    "<script>alert(1)</script>",
    "</td></table><img src=x onerror=alert(1)>",
    "\"'><svg/onload=alert(1)>",
    "]]></bdi>&amp;&#x3c;script&#x3e;",
    "\u202egnp.exe\u2066",
    "\0\x07\x1b[31m\ud800\ufffe",
    "javascript:alert(1)",
]
SECTIONS = [
    "Who you are here",
    "What identifies you",
    "What you said",
    "What was recorded",
    "What was inferred",
    "Where it came from",
    "Who received it",
    "What is decided now, and why",
]


def asked(ask_for: tuple[str, ...] = ()) -> Asked:
    proof = Proof(ME, "desk", "id_card", NOW_MS, bytes(16), NOW_MS)
    return Asked((proof,), Coverage((ME,), (CARD,), ()), ask_for)


def stores(hostile: str = "tea") -> list[ListedStore]:
    listed = [ListedStore(name) for name in ("identity", "consent", "engagement", "recommender")]
    identity, consent, engagement, recommender = listed
    identity.keep("identifier", ME, {"kind": "EMAIL"})
    identity.keep("link", CARD, {"with": "EMAIL", "evidence": "SIMILARITY"}, inferred=True)
    consent.keep("consent record", ME, {"action": "GRANT", "node": hostile})
    consent.keep("link", ME, {"state": "ACTIVE"})
    engagement.keep(
        "event", CARD, {"item_id": hostile, "nested": {hostile: [hostile, True, None]}}, source=hostile
    )
    recommender.keep("interest", ME, {"category": hostile}, inferred=True)
    return listed


async def whole(hostile: str = "tea", ask_for: tuple[str, ...] = ()) -> str:
    """The page as the service puts it together."""
    who = asked(ask_for)
    report = Report(who, NOW_MS, stores(hostile))
    numbers = {ME: 1, CARD: 2}
    pieces: list[str] = [page.beginning(who, NOW_MS), page.identities(who)]
    pieces += [piece async for piece in page.contents(report)]
    told = Disclosure(
        hostile, f"/x/{hostile}", 0, 1 << privacy_pb2.DATA_CLASS_BEHAVIOURAL, 2, 1, NOW_MS, NOW_MS
    )
    pieces += [
        page.where_from(report.origins.provenances()),
        page.recipients([told], [hostile]),
        page.decisions([Decision(ME, hostile, False, hostile, hostile)], numbers),  # noqa: FBT003
        page.ending(),
    ]
    return "".join(pieces)


def parsed(text: str) -> ET.Element:
    """The page as XML; raises where an element is not closed or a text not escaped."""
    body = text.removeprefix("<!DOCTYPE html>\n")
    assert body != text
    return ET.fromstring(body)  # noqa: S314 - our own page


class Seen(HTMLParser):
    """What a browser would see: elements with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, Any]]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))


def seen(text: str) -> Seen:
    reader = Seen()
    reader.feed(text)
    reader.close()
    return reader


async def test_the_page_is_well_formed_and_has_its_sections_in_order():
    root = parsed(await whole())
    assert [one.text for one in root.iter("h2")] == SECTIONS
    assert root.get("lang") == "en"


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_a_hostile_text_is_a_text_in_every_place_a_text_can_stand(hostile: str):
    """For an XML reader and for a browser's; the same elements as for a harmless one."""
    text = await whole(hostile)
    root = parsed(text)
    harmless = await whole("tea")
    assert [one for one, _ in seen(text).elements] == [one for one, _ in seen(harmless).elements]
    assert [one.tag for one in root.iter()] == [one.tag for one in parsed(harmless).iter()]
    allowed = {"class", "lang", "charset", "name", "content", "http-equiv"}
    assert {name for _, given in seen(text).elements for name in given} <= allowed


async def test_the_page_fetches_and_runs_nothing():
    """No element that could, and a policy that forbids it to any that slipped in."""
    elements = seen(await whole()).elements
    assert {tag for tag, _ in elements}.isdisjoint(
        {"script", "img", "link", "iframe", "a", "form", "object", "svg", "base", "audio", "video"}
    )
    (policy,) = [given["content"] for _, given in elements if given.get("http-equiv")]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert "url(" not in await whole() and "@import" not in await whole()


async def test_every_value_stands_once_in_the_section_where_it_belongs():
    """Inferences of every store among what was inferred, and nowhere else."""
    root = parsed(await whole())
    told = {
        title: [row.findtext("td/bdi") for section in root.iter("section") if section.findtext("h2") == title
                for row in section.iter("tr") if row.find("td") is not None]
        for title in SECTIONS[1:5]
    }  # fmt: skip
    assert told == {
        "What identifies you": ["identifier in identity, identity 1"],
        "What you said": ["consent record in consent, identity 1"],
        "What was recorded": ["link in consent, identity 1", "event in engagement, identity 2"],
        "What was inferred": ["link in identity, identity 2", "interest in recommender, identity 1"],
    }


async def test_nobody_is_named_by_an_id_and_what_is_left_out_by_its_kind_alone():
    text = await whole(ask_for=("LOYALTY_CARD",))
    assert ME.hex() not in text and CARD.hex() not in text and "vs_" not in text
    assert "not on this page: loyalty card" in text
    assert "not on this page" not in await whole()


async def test_a_person_of_whom_nothing_is_kept_reads_so():
    who = Asked(asked().proofs, Coverage((ME,), (), ()), ())
    pieces = [piece async for piece in page.contents(Report(who, NOW_MS, []))]
    text = f"<body>{''.join(pieces)}</body>"
    assert [one.text for one in ET.fromstring(text).iter("p")] == [  # noqa: S314 - our own page
        "Nothing.",
        "Nothing was asked of you yet.",
        "Nothing was recorded.",
        "Nothing was inferred.",
    ]


@given(st.text())
def test_any_text_comes_back_as_it_was_or_with_what_no_document_can_hold_replaced(text: str):
    read = ET.fromstring(element("p", text)).text or ""  # noqa: S314 - our own element
    normal = text.replace("\r\n", "\n").replace("\r", "\n")
    assert len(read) == len(normal)
    assert all(one in (other, "\ufffd") for one, other in zip(read, normal, strict=True))


json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=9), json_values, max_size=4))
def test_any_value_a_store_can_keep_is_shown(value: dict[str, Json]):
    ET.fromstring(page._content(value))  # noqa: S314 - our own element


def test_only_what_was_made_here_is_markup():
    assert element("b", "<i>") == "<b>&lt;i&gt;</b>"
    assert element("b", Markup("<i></i>"), title='"<') == '<b title="&quot;&lt;"><i></i></b>'
    assert escaped("a\0b") == "a\ufffdb"
