"""SearchService, handed its calls as the guard hands them over."""

from __future__ import annotations

from typing import Any

import pytest

from identity.ids import SubjectId
from recommender.catalogue import Item
from recommender.declared import DeclaredAnswer, DeclaredBy, Topic
from recommender.errors import PageTokenInvalid
from recommender.search import ORDER_SHARE
from tests.conftest import set_state
from tests.recommender.conftest import World
from tests.recommender.events import EVERY_USE, TODAY, event, subject
from veilgraph.recommender.v1 import recommender_pb2 as pb
from veilgraph.recommender.v1 import search_pb2

ME = subject(1)
PERMITTED = ("personalise.search", "personalise.recommend", "service")
SHOP = [
    Item("pot", "China teapot", "kitchen / china", "Own", languages=("en",)),
    Item("cup", "Red tea cup", "kitchen / china", "Own", place_cells=("north",)),
    Item("mug", "Red mug", "kitchen / china", "Other"),
    Item("clock", "Kitchen clock, red", "home", "Other", tags=("time", "gift")),
    Item("book", "Cook book", "books", description="Cakes to have with tea", languages=("de",)),
    Item("wine", "Red wine", "drinks", age_min_years=18),
    Item("secret", "Red secret", "kitchen", exclusive=True),
]


@pytest.fixture
async def shop(world: World) -> World:
    """A shop without a model; I permit searches."""
    await world.put(SHOP)
    set_state(world.guard, ME, *PERMITTED)
    return world


async def search(
    world: World, query: str, who: SubjectId | None = None, **asked: Any
) -> search_pb2.SearchResponse:
    """One answer, of all that is found unless something else is asked for."""
    await world.recommender.text.followed()
    call = world.call()
    call.purpose = world.guard.policy.index("personalise.search")
    reason = "" if who is None or call.allows(who, "personalise.search") else "NOT_PERMITTED"
    call.subjects, call.depth_reasons = {"subject": [who]}, [reason]
    if reason:
        call.withhold(0)
    request = search_pb2.SearchRequest(**{"query": query, "page_size": 20, "explain": True} | asked)
    return await world.recommender.searcher.Search(request, call)


def ids(answer: search_pb2.SearchResponse) -> list[str]:
    return [item.item_id for item in answer.items]


@pytest.mark.parametrize(
    ("query", "first", "found"),
    [
        ("red tea cup", "cup", 4),
        ("gift", "clock", 1),
        ("CAKES", "book", 1),
        ("teapo", "pot", 1),
        ("kitchn", "clock", 4),
        ("own", "pot", 2),
    ],
)
async def test_items_are_found_by_all_that_is_told_of_them(
    shop: World, query: str, first: str, found: int
) -> None:
    """Title, tags, brand, category and description; unfinished or misspelt."""
    answer = await search(shop, query)
    assert first in ids(answer)[:2]
    assert answer.found == found
    assert (answer.depth, answer.depth_reason) == (pb.DEPTH_CONTEXT, "GUEST")


@pytest.mark.parametrize(
    ("query", "reason"), [("", "NO_WORDS"), (" ?! ", "NO_WORDS"), ("xylophone", "NOTHING_FOUND")]
)
async def test_where_nothing_is_found_the_answer_is_empty_and_says_why(
    shop: World, query: str, reason: str
) -> None:
    """It is no error, and no list of something else."""
    answer = await search(shop, query, ME)
    assert (ids(answer), answer.found, answer.nothing_because) == ([], 0, reason)
    assert not answer.next_page_token


async def test_nobody_finds_what_they_may_not_see(shop: World) -> None:
    """Neither what is exclusive nor what is not for their age; and where filters keep it out."""
    assert not {"wine", "secret"} & set(ids(await search(shop, "red", ME)))
    assert "cup" not in ids(await search(shop, "red", ME, filter={"place_cell": "south"}))
    assert "cup" in ids(await search(shop, "red", ME, filter={"place_cell": "north"}))
    assert "book" not in ids(await search(shop, "tea book", ME, filter={"languages": ["en"]}))
    assert ids(await search(shop, "red", ME, categories=["home"])) == ["clock"]
    assert "mug" not in ids(await search(shop, "red", ME, filter={"brands": ["Own"]}))


@pytest.mark.parametrize("query", ["zanzibar", "zanz", "zanzibr", "gin"])
async def test_what_is_hidden_is_answered_like_what_is_not_there(shop: World, query: str) -> None:
    """Or a title would be spelt letter by letter; the asker's own filters hide nothing from them."""
    hidden = [Item("x1", "Zanzibar", "kitchen", exclusive=True), Item("x2", "Gin", "bar", age_min_years=18)]
    await shop.put(hidden, "hidden")
    nothing, answer = await search(shop, "xylophone"), await search(shop, query)
    assert answer.SerializeToString() == nothing.SerializeToString()
    assert answer.nothing_because == "NOTHING_FOUND"
    filtered = await search(shop, "mug", categories=["books"])
    assert (ids(filtered), filtered.nothing_because) == ([], "")


async def test_what_is_hidden_moves_no_score(shop: World) -> None:
    """Neither as the best hit, nor by making a word common, nor as a completion."""
    before = await search(shop, "mug red te")
    hidden = [Item(f"x{at}", "Red mug team launch", "kitchen", exclusive=True) for at in range(60)]
    await shop.put(hidden, "hidden")
    after = await search(shop, "mug red te")
    assert ids(after) == ids(before)
    assert [item.score for item in after.items] == pytest.approx([item.score for item in before.items])
    assert (await search(shop, "mug launch")).items[0].score == pytest.approx(
        (await search(shop, "mug xylophone")).items[0].score
    )


async def test_the_order_is_the_persons_where_they_permit_it(shop: World) -> None:
    """By what they declared; refused, it is everybody's and the answer says so."""
    likes = DeclaredBy(ME, (DeclaredAnswer(Topic.ITEM, "mug", 3, TODAY, EVERY_USE, "quiz"),))
    await shop.recommender.projection.apply(1, [], [likes])
    mine = await search(shop, "red", ME)
    assert (mine.depth, mine.depth_reason) == (pb.DEPTH_INDIVIDUAL, "")
    assert ids(mine)[0] == "mug"
    kinds = [ground.kind for ground in mine.items[0].grounds]
    assert {pb.GROUND_KIND_TEXT, pb.GROUND_KIND_ANSWER} <= set(kinds)
    assert sum(ground.gave for ground in mine.items[0].grounds) == pytest.approx(mine.items[0].score)
    set_state(shop.guard, ME, "personalise.recommend", "service")
    denied = await search(shop, "red", ME)
    assert (denied.depth, denied.depth_reason) == (pb.DEPTH_CONTEXT, "NOT_PERMITTED")
    assert sorted(ids(denied)) == sorted(ids(mine))


async def test_the_words_decide_more_than_the_person(shop: World) -> None:
    """What is liked moves a score by a fixed part at most."""
    likes = DeclaredBy(ME, (DeclaredAnswer(Topic.ITEM, "pot", 3, TODAY, EVERY_USE, "quiz"),))
    await shop.recommender.projection.apply(1, [], [likes])
    answer = await search(shop, "red tea cup", ME)
    assert ids(answer)[0] == "cup"
    for item in answer.items:
        others = [ground.gave for ground in item.grounds if ground.kind != pb.GROUND_KIND_TEXT]
        assert abs(sum(others)) <= ORDER_SHARE + 1e-6


async def test_pages_hold_everything_once(shop: World) -> None:
    """A token is for its own words only."""
    whole = ids(await search(shop, "red tea", ME))
    paged: list[str] = []
    token = ""
    while not paged or token:
        page = await search(shop, "red tea", ME, page_size=2, page_token=token)
        paged += ids(page)
        last, token = token, page.next_page_token
    assert paged == whole
    with pytest.raises(PageTokenInvalid):
        await search(shop, "red", ME, page_size=2, page_token=last)


async def test_the_next_page_heeds_what_is_permitted_by_then(shop: World) -> None:
    """It holds nothing of the page before, and is of nobody else."""
    first = await search(shop, "red tea", ME, page_size=2)
    shop.permit(ME, purposes=["train_model"])
    second = await search(shop, "red tea", ME, page_size=2, page_token=first.next_page_token)
    assert second.depth_reason == "NOT_PERMITTED"
    assert second.items
    assert not set(ids(first)) & set(ids(second))
    with pytest.raises(PageTokenInvalid):
        await search(shop, "red tea", None, page_size=2, page_token=first.next_page_token)


async def test_a_search_follows_the_catalogue(shop: World) -> None:
    """What is put is found by its words, what is deleted is found no more, at once."""
    await shop.put([Item("tray", "Red tray", "kitchen")], "more")
    assert "tray" in ids(await search(shop, "red tray", ME))
    await shop.delete("tray")
    assert "tray" not in ids(await search(shop, "red tray", ME))
    await shop.put([Item("mug", "Blue beaker", "kitchen")], "other words")
    assert "mug" not in ids(await search(shop, "red mug", ME))
    assert ids(await search(shop, "beaker", ME)) == ["mug"]


async def test_the_words_are_kept_nowhere(shop: World) -> None:
    """Neither in the file, nor in a page token, nor in a line that is logged."""
    await shop.tell(event(1, item_id="cup"))
    answer = await search(shop, "canaryword red", ME, page_size=1)
    assert answer.next_page_token
    await shop.database.forget_deleted()
    for path in shop.folder.rglob("*"):
        assert not path.is_file() or b"canaryword" not in path.read_bytes()
    assert "canaryword" not in "".join(shop.logged)
