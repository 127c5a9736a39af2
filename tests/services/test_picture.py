"""The picture of a person: all that is known stands in it, nothing that identifies, and it can be read."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from services.commands.picture import VIEWS, run_picture
from services.commands.picture_layout import MEMBERS_APART, Box, layout, member_box, text_box
from services.commands.picture_svg import picture
from veilgraph.client import errors
from veilgraph.client.testing import FakeVeilgraph
from veilgraph.identity.v1 import people_pb2 as pb
from veilgraph.privacy.v1 import privacy_pb2

DAY_MS = 86_400_000
BORN_MS = 1_700_000_000_000
SVG = "{http://www.w3.org/2000/svg}"
#: one, other, evidence, state, held back, reason, confidence
LINKS = [
    (0, 1, "EVIDENCE_LOGIN", "ACTIVE", "", "", 1000),
    (0, 1, "EVIDENCE_SAME_ORDER", "ACTIVE", "", "", 500),
    (1, 2, "EVIDENCE_SIMILARITY", "ACTIVE", "NOT_IN_VIEW", "", 600),
    (0, 3, "EVIDENCE_CARD_AT_CHECKOUT", "ACTIVE", "EVIDENCE_EXPIRED", "", 1000),
    (0, 4, "EVIDENCE_LOGIN", "QUARANTINED", "", "SHARED_IDENTIFIER", 1000),
    (2, 5, "EVIDENCE_LOGIN", "REFUSED", "", "<b>two & more</b>", 1000),
]


def person() -> pb.GetPersonResponse:
    answer = pb.GetPersonResponse(consent_epoch=12, person="vp_person")
    for number, kind in enumerate((1, 6, 5, 3, 9, 2)):
        member = answer.members.add(
            subject=f"vs_subject{number}", kind=kind, reached=number < 4, in_view=number < 2
        )
        member.born_at.FromMilliseconds(BORN_MS + number * DAY_MS)
    for one, other, evidence, state, held_back, reason, sure in LINKS:
        link = answer.links.add(
            one=one,
            other=other,
            evidence=evidence,
            source="web-checkout",
            state=state,
            held_back=held_back,
            reason=reason,
            confidence_permille=sure,
            link_purpose="identity.link.deterministic",
            legal_basis="consent",
        )
        link.observed_at.FromMilliseconds(BORN_MS)
    return answer


@pytest.fixture(scope="module")
def drawn() -> ET.Element:
    return ET.fromstring(picture(person(), "personalise.recommend"))  # noqa: S314 - our own text


def of_class(element: ET.Element, tag: str, name: str) -> list[ET.Element]:
    return [one for one in element.iter(SVG + tag) if name in one.get("class", "").split()]


def texts(element: ET.Element) -> list[str]:
    return [one.text or "" for one in element.iter(SVG + "text")]


def links(element: ET.Element) -> list[ET.Element]:
    """The lines of links, which say more about themselves; those of the legend do not."""
    return [one for one in of_class(element, "path", "link") if one.find(SVG + "title") is not None]


def test_every_member_is_there_with_its_number_kind_and_birth(drawn):
    members = [texts(one) for one in of_class(drawn, "g", "member")]
    assert members == [
        ["1", "email", "2023-11-14"],
        ["2", "cookie", "2023-11-15"],
        ["3", "device id", "2023-11-16"],
        ["4", "loyalty card", "2023-11-17"],
        ["5", "messenger", "2023-11-18"],
        ["6", "phone", "2023-11-19"],
    ]


def test_who_is_not_in_the_view_and_who_is_not_reached_looks_different(drawn):
    looks = [one[0].get("class").split()[1:] for one in of_class(drawn, "g", "member")]
    assert looks == [["start"], [], ["outside"], ["outside"], ["beyond"], ["beyond"]]


def test_every_link_is_there_as_thick_as_it_is_sure_with_all_that_is_known_of_it(drawn):
    assert [float(one.get("stroke-width")) for one in links(drawn)] == [5, 3, 3.4, 5, 5, 5]
    first = links(drawn)[0].find(SVG + "title").text
    for known in ("login", "web-checkout", "2023-11-14", "100 %", "identity.link.deterministic (consent)"):
        assert known in first


def test_what_joins_nobody_is_broken_and_says_why(drawn):
    assert [one.get("class").split()[1:] for one in links(drawn)] == [
        [],
        [],
        ["held"],
        ["held"],
        ["fallen"],
        ["fallen"],
    ]
    said = [one.text for one in of_class(drawn, "text", "why")]
    assert said == [
        "similarity (NOT_IN_VIEW)",
        "card at checkout (EVIDENCE_EXPIRED)",
        "login (QUARANTINED: SHARED_IDENTIFIER)",
        "login (REFUSED: <b>two & more</b>)",
    ]


def test_the_legend_has_what_is_in_the_picture_and_nothing_else(drawn):
    (legend,) = of_class(drawn, "g", "legend")
    assert texts(legend) == [
        "Identifiers",
        *("email", "phone", "loyalty card", "device id", "cookie", "messenger"),
        "Links (thicker: surer)",
        *("joins them", "does not stand", "stands, joins nobody now"),
        *("4 ACTIVE", "1 QUARANTINED", "1 REFUSED"),
    ]
    shapes = [
        next(one for one in kind.iter() if one.tag in {SVG + "circle", SVG + "polygon"})
        for kind in of_class(legend, "g", "kind")
    ]
    assert len({(one.get("fill"), one.get("points")) for one in shapes}) == 6


def test_no_id_is_in_the_picture():
    assert not re.search(r"v[sp]_", picture(person(), "loyalty"))


def test_it_is_read_in_light_and_in_dark_and_is_the_same_every_time():
    text = picture(person())
    assert "prefers-color-scheme: dark" in text
    assert text == picture(person())


def test_a_cut_picture_says_so():
    answer = person()
    answer.truncated = True
    assert "cut: there is more" in picture(answer)


def meets(one: Box, other: Box) -> bool:
    return (
        one.left < other.right
        and other.left < one.right
        and one.top < other.bottom
        and other.top < one.bottom
    )


@pytest.mark.parametrize(
    ("members", "ends"),
    [
        (1, []),
        (3, []),
        (2, [(0, 1)] * 5),
        (20, [(0, other) for other in range(1, 20)]),
        (10, [(one, one + 1) for one in range(9)]),
        (7, list(itertools.combinations(range(7), 2))),
        (70, [(one // 3, one) for one in range(1, 70)]),
    ],
    ids=["one", "strangers", "five links of two", "star", "row", "everybody with everybody", "tree"],
)
def test_nothing_covers_anything(members, ends):
    """Members, their texts and the texts of links: no two of them have a point in common."""
    placed = layout(members, ends, [100.0] * len(ends))
    boxes = [member_box(one) for one in placed.members] + [text_box(one.text, 100.0) for one in placed.links]
    assert not [pair for pair in itertools.combinations(boxes, 2) if meets(*pair)]
    assert all(box.left >= -1e-6 and box.right <= placed.width + 1e-6 for box in boxes)
    assert all(box.top >= -1e-6 and box.bottom <= placed.height + 1e-6 for box in boxes)
    for (x1, y1), (x2, y2) in itertools.combinations(placed.members, 2):
        assert (x2 - x1) ** 2 + (y2 - y1) ** 2 >= (MEMBERS_APART * 0.99) ** 2


def test_the_program_asks_for_the_person_in_a_view_and_writes_the_file(tmp_path, monkeypatch):
    asked = []

    def answer(request):
        asked.append(request)
        return person()

    monkeypatch.setattr(
        "services.commands.picture.connect", lambda *_, **__: FakeVeilgraph({"people.GetPerson": answer})
    )
    file, out = tmp_path / "p.svg", Console(record=True, width=200)
    code = run_picture("vs_x", file, out, view="loyalty", gateway="127.0.0.1:1", token="t")
    assert (code, file.read_text()) == (0, picture(person(), "loyalty"))
    assert (asked[0].subject, asked[0].for_purpose) == ("vs_x", privacy_pb2.PURPOSE_LOYALTY)
    assert "6 identifiers, 6 links" in out.export_text()
    assert VIEWS["loyalty"] == "PURPOSE_LOYALTY"


def test_a_refusal_is_told_and_no_file_is_written(tmp_path, monkeypatch):
    def refuse(_request):
        raise errors.Denied("SCOPE_NOT_GRANTED_TO_CALLER")

    monkeypatch.setattr(
        "services.commands.picture.connect", lambda *_, **__: FakeVeilgraph({"people.GetPerson": refuse})
    )
    out = Console(record=True, width=200)
    code = run_picture("vs_x", tmp_path / "p.svg", out, view="", gateway="127.0.0.1:1", token="t")
    assert code == 1
    assert "SCOPE_NOT_GRANTED_TO_CALLER" in out.export_text()
    assert not (tmp_path / "p.svg").exists()
