"""What is kept of definitions, shown page by page."""

from __future__ import annotations

import pytest

from engagement.definition import Author, Version
from engagement.play import State
from services.engagement.definition_answers import page_of
from services.engagement.definition_messages import definition_of
from services.engagement.definition_versions import kept_of, standing_of
from services.engagement.templates import lint
from services.errors import InvalidRequest
from services.storage.definitions import Kept
from tests.engagement.declared_definitions import LIMITS, PLAY, TEMPLATE, Definition, limits, play, template
from veilgraph.engagement.v1 import definition_pb2


def kept(*definitions: Definition) -> Kept:
    """Each in two versions, the older one in force."""
    placed = [
        kept_of(
            Version(definition_of(one), number, State.LIVE, Author("ann", 1000), Author("bob", 2000)),
            one.SerializeToString(),
            1,
        )._replace(newest=2)
        for one in definitions
        for number in (2, 1)
    ]
    return Kept(9, sorted(placed, key=lambda one: (one.kept.kind, one.kept.id, -one.kept.version)))


def pages(all_of_it: Kept, **asked: object) -> list[list[tuple[str, int]]]:
    """Kind and version of what is on each page."""
    found: list[list[tuple[str, int]]] = []
    token = ""
    while True:
        request = definition_pb2.DescribeRequest(**asked, page_token=token)  # type: ignore[arg-type]
        page = page_of(request, all_of_it, standing_of(all_of_it), lint)
        assert page.revision == 9
        found.append([(one.definition.WhichOneof("declares") or "", one.version) for one in page.definitions])
        token = page.next_page_token
        if not token:
            return found


def test_pages_hold_everything_once_in_order() -> None:
    """Whatever their size; limits have no name and are there all the same."""
    all_of_it = kept(play(), limits(), template(), play(play_id="b.2"))
    whole = pages(all_of_it)
    assert whole == [
        [("play", 2), ("play", 1)] * 2 + [("limits", 2), ("limits", 1), ("template", 2), ("template", 1)]
    ]
    for size in (1, 3, 7, 8):
        cut = pages(all_of_it, page_size=size)
        assert [one for page in cut for one in page] == whole[0]
        assert {len(page) for page in cut[:-1]} <= {size}


def test_only_what_is_asked_for_is_shown() -> None:
    """By kind, and by kind and id."""
    all_of_it = kept(play(), limits(), template(), play(play_id="other"))
    assert pages(all_of_it, kind=TEMPLATE) == [[("template", 2), ("template", 1)]]
    assert pages(all_of_it, kind=LIMITS) == [[("limits", 2), ("limits", 1)]]
    assert pages(all_of_it, kind=PLAY, id="other") == [[("play", 2), ("play", 1)]]


def test_a_page_is_a_mebibyte_at_most_and_holds_one_at_least() -> None:
    """However large the versions are."""
    parts = [{"name": f"p{number}", "text": "x" * 4000} for number in range(20)]
    variants = [{"language": language, "parts": parts} for language in ("en", "de", "nl", "fr", "es", "it")]
    large = [template(template_id=f"t{number}", variants=variants) for number in range(3)]
    assert [len(page) for page in pages(kept(*large))] == [2, 2, 2]
    larger = [template(variants=[{"language": f"a{chr(97 + at)}", "parts": parts} for at in range(20)])]
    assert [len(page) for page in pages(kept(*larger))] == [1, 1]


@pytest.mark.parametrize("token", ["x", "1/", "1/x/banner", "/1/banner", "\u0661/1/banner"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    """With the field it stands in."""
    empty = Kept(0, [])
    with pytest.raises(InvalidRequest) as caught:
        page_of(definition_pb2.DescribeRequest(page_token=token), empty, standing_of(empty), lint)
    assert (caught.value.reason, caught.value.field) == ("PAGE_TOKEN_INVALID", "page_token")
