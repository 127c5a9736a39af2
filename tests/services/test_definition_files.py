"""Definitions as files: what is written is what is read, and what is wrong is shown where it stands."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.applying import Standing, apply
from engagement.definition import Author
from engagement.evaluate import holds
from engagement.fields import FIELDS
from services.engagement.definition_answers import answer_of, read
from services.engagement.definition_files import FilesRefused, Written, read_document, read_folder
from services.engagement.definition_messages import definition_of
from services.engagement.definition_yaml import BYTES_MAX, FileUnreadable, documents
from services.engagement.templates import lint
from tests.engagement.conditions import facts
from tests.engagement.declared_definitions import play
from tests.given import ROOT
from veilgraph.engagement.v1 import definition_pb2

EXAMPLES = ROOT / "docs" / "examples" / "plays"
BANNER = """
play: banner
state: LIVE
purpose: personalise.content
slot: home.banner
channels: [WEB]
options:
  - option: house
    depth: GENERAL
  - option: roses
    depth: INDIVIDUAL
    template: roses
    when: {field: declared.likes, has: "category:Flowers"}
"""


def written(tmp_path: Path, text: str, name: str = "a.yaml") -> list[Written]:
    """The definitions of one file."""
    (tmp_path / name).write_text(text)
    return read_folder(tmp_path)


def wrong(tmp_path: Path, text: str) -> str:
    """What is said of a file that is none, without its folder."""
    with pytest.raises(FilesRefused) as caught:
        written(tmp_path, text)
    return "\n".join(line.removeprefix(f"{tmp_path}/a.yaml: ") for line in caught.value.lines)


def found(definitions: list[Written]) -> definition_pb2.ApplyResponse:
    """What would become of definitions where nothing is kept."""
    given = read([one.message for one in definitions])
    judged = apply(Standing({}, {}), [one.definition for one in given.definitions], Author("ann", 1), lint)
    return answer_of(judged, given, 0)


def test_the_shipped_examples_are_taken_without_a_word() -> None:
    """Eleven plays with their segments, limits and templates: nothing is wrong and nothing odd."""
    examples = read_folder(EXAMPLES)
    answer = found(examples)
    assert [(fault.field, fault.reason) for fault in answer.faults] == []
    assert [list(one.warnings) for one in answer.definitions if one.warnings] == []
    assert {one.message.play.play_id for one in examples if one.message.HasField("play")} == {
        "birthday",
        "cart-reminder",
        "florist-nearby",
        "florist-reminder",
        "honoured-guest",
        "lapse",
        "loyalty-progress",
        "order-confirmation",
        "pet-diet-tip",
        "recent-search",
        "twelve-flavours",
    }


AGES = ["FROM_18_TO_24", "FROM_25_TO_34", "FROM_35_TO_44", "FROM_45_TO_54", "FROM_55_TO_64", "FROM_65"]
TASTES = ["category:Fruit", "category:Spices", "category:Milk", "category:Nuts"]


def test_whoever_said_their_age_and_tastes_gets_exactly_one_of_twelve() -> None:
    """And every one of the twelve is somebody's."""
    written = read_folder(EXAMPLES / "twelve-flavours.yaml")
    options = definition_of(written[0].message).body.options  # type: ignore[union-attr]
    given: set[str] = set()
    for age, count in product(AGES, range(1, len(TASTES) + 1)):
        for tastes in combinations(TASTES, count):
            told = facts(declared__age_band=age, declared__likes=tastes)
            (mine,) = [one.option_id for one in options if one.condition and holds(one.condition, told)]
            given.add(mine)
    assert len(given) == 12


def test_a_file_says_what_the_contract_has(tmp_path: Path) -> None:
    """Nested as one thinks, a list of nodes in the message."""
    assert [one.message for one in written(tmp_path, BANNER)] == [play()]


def test_conditions_become_nodes_in_the_order_of_reading(tmp_path: Path) -> None:
    """Every sort of node, each remembered by its place."""
    text = """
segment: s
state: DRAFT
purpose: personalise.content
when:
  all:
    - any:
        - {field: context.weather, not_equals: rain}
        - not: {field: context.basket_size, less_than: 3}
    - {count: [ORDER], days: 30, at_least: 2, items: [a]}
    - {sum: [ORDER, REFUND], days: 365, currency: EUR, more_than: 10000}
    - {days_since: [VISIT], at_most: 7}
    - {yearly: attribute.birthday, within_days: 3}
    - {near: attribute.home_cell, cells: ["871969533ffffff"], within_m: 5000}
"""
    one = written(tmp_path, text)[0]
    nodes = one.message.segment.condition.nodes
    assert [node.WhichOneof("node") for node in nodes] == [
        *("all_of", "any_of", "compare", "not_of", "compare"),
        *("count", "sum", "days_since", "yearly_within", "near"),
    ]
    assert list(nodes[0].all_of.nodes) == [1, 5, 6, 7, 8, 9]
    assert (list(nodes[1].any_of.nodes), nodes[3].not_of) == ([2, 3], 4)
    definition_of(one.message)
    assert one.place_of("segment.condition.nodes[4].compare.field").endswith("a.yaml: when.all[0].any[1].not")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("slot: home.banner", "slott: home.banner", "slott: there is no such key"),
        (
            "depth: GENERAL",
            "depth: general",
            "options[0].depth: one of GENERAL, CONTEXT, SEGMENT, INDIVIDUAL is needed",
        ),
        ("option: house", "option: 7", "options[0].option: a text is needed; put it in quotes"),
        ("purpose: personalise.content", "purpose: fun", "purpose: one of service, "),
        ("state: LIVE", "", "state: it is missing"),
        (
            "play: banner",
            "poster: banner",
            "one of play, segment, limits, template, programme says what it is",
        ),
        ("has:", "hass:", "options[1].when: exactly one of equals, "),
        ("field: declared.likes,", "", "options[1].when: exactly one of all, any, "),
        ("channels: [WEB]", "channels: WEB", "channels: a list is needed"),
        ("channels: [WEB]", "channels: [TV]", "channels[0]: one of WEB, "),
        ("state: LIVE", "state: LIVE\npriority: 99999999999", "Value out of range: 99999999999"),
        ("state: LIVE", "state: LIVE\nfrom: 2026-05-01", "from: an instant with its offset is needed"),
        (
            "state: LIVE",
            "state: LIVE\ntrigger: {yearly: attribute.birthday, at: '9'}",
            "trigger.at: a time of the day",
        ),
        ("state: LIVE", "state: LIVE\nstate: DRAFT", "line 4: 'state' is said twice"),
        (
            "channels: [WEB]",
            "channels: &c [WEB]\nslots: *c",
            "line 7: it refers to another place; write it out",
        ),
        (
            "channels: [WEB]",
            "channels: !!python/name:os.system x",
            "line 6: could not determine a constructor",
        ),
        ("channels: [WEB]", "channels: [", "line 8: expected the node content"),
        ("channels: [WEB]", "channels: " + "[" * 500, "line 6: it is nested too deeply"),
    ],
)
def test_what_is_wrong_in_a_file_is_shown_where_it_stands(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    """The path or line, and what would be right."""
    assert said in wrong(tmp_path, BANNER.replace(old, new, 1))


def test_what_is_wrong_in_many_places_is_shown_in_all(tmp_path: Path) -> None:
    """A line each, so that one run is enough."""
    (tmp_path / "b.yml").write_text("play: b")
    assert len(wrong(tmp_path, f"{BANNER}\n---\nplay: c\n---\nnothing: here").splitlines()) == 3


def test_a_file_is_not_larger_than_a_person_writes() -> None:
    """Neither in bytes nor in documents."""
    for text in ("#" * (BYTES_MAX + 1), "---\na: b\n" * 201):
        with pytest.raises(FileUnreadable):
            list(documents(text))


def test_words_are_texts_unless_they_are_plainly_something_else() -> None:
    """No is Norwegian, 9:30 is no number, 010 is no eight and a date is a text."""
    text = "[no, yes, on, 9:30, 010, 2026-05-01, 1e3, 1.5, true, false, 12, -3, ~]"
    assert next(documents(text)) == [
        "no", "yes", "on", "9:30", "010", "2026-05-01", "1e3", "1.5", True, False, 12, -3, None
    ]  # fmt: skip


@given(st.text(max_size=200))
def test_whatever_a_file_holds_is_read_or_refused(text: str) -> None:
    """Never anything else."""
    with suppress(FileUnreadable):
        list(documents(text))


def test_what_the_service_finds_is_shown_in_the_file(tmp_path: Path) -> None:
    """Options, conditions, parts and instants by their own places."""
    text = f"""{BANNER}
---
template: roses
state: LIVE
languages:
  en:
    parts:
      body: "{{{{ attribute.shoe_size }}}}"
"""
    definitions = written(tmp_path, text.replace("declared.likes", "attribute.shoes"))
    faults = {
        definitions[int(fault.field[12])].place_of(fault.field[15:]).removeprefix(f"{tmp_path}/a.yaml: ")
        for fault in found(definitions).faults
    }
    assert faults == {"options[1].when", "languages.en.parts.body.text"}


def test_the_page_about_plays_names_every_field_and_every_reason() -> None:
    """And its condition is one that is read."""
    page = (ROOT / "docs" / "plays.md").read_text()
    fields = {one.name for one in FIELDS if not one.name.startswith("events.")}
    assert [name for name in sorted(fields) if f"`{name}`" not in page] == []
    said = (ROOT / "engagement", ROOT / "services" / "engagement")
    sources = [path.read_text() for folder in said for path in folder.glob("*.py")]
    reasons = {
        one for source in sources for one in re.findall(r'\bFault\(\s*[^"]*"[^"]*",\s*"([A-Z_]+)"', source)
    }
    assert len(reasons) > 20
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in page] == []
    example = re.search(r"```yaml\n(when:.*?)```", page, re.DOTALL)
    assert example is not None
    read_document(
        {"segment": "s", "state": "DRAFT", "purpose": "service", **next(documents(example[1]))}, Path("page")
    )
