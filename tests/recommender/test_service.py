"""RecommenderService, handed its calls as the guard hands them over."""

from __future__ import annotations

import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consent.guard_table import GuardTable
from consent.policy import Policy
from recommender.catalogue import Catalogue, Shelf, StoredItem
from recommender.errors import (
    NothingToLearn,
    PageTokenInvalid,
    RequestIdReused,
    TrainingBusy,
    TrainingFailed,
    UnknownItem,
)
from recommender.events import Kind
from recommender.history import EMPTY
from recommender.index import ServedIndex
from recommender.model import STEPS
from recommender.parameters import DEFAULTS
from recommender.question import Answer, Question, Recipe
from recommender.untrained import untrained
from services.interceptors.call import ItemRefusal
from services.interceptors.limits import compile_check
from services.recommender.service import RecommenderServicer
from services.recommender.serving import SEARCH_THREADS, LiveIndex
from tests.conftest import Clock, set_state
from tests.recommender.conftest import World, copied, left_by, opened, purchases_of_two_tastes, shop_items
from tests.recommender.events import NOW_MS, TODAY, event, subject, table, two_tastes_model
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.recommender.v1 import recommender_pb2

INDIVIDUAL, CONTEXT, GENERAL = (
    recommender_pb2.DEPTH_INDIVIDUAL,
    recommender_pb2.DEPTH_CONTEXT,
    recommender_pb2.DEPTH_GENERAL,
)
PEOPLE = [subject(person + 100) for person in range(60)]
ME = subject(1)


async def furnished(world: World, *mine: Any) -> World:
    """A world with a shop, two tastes and these events of mine; everybody permits everything."""
    await world.put(shop_items())
    await world.tell(*purchases_of_two_tastes(), *mine)
    world.permit(ME, *PEOPLE)
    return world


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory: pytest.TempPathFactory, policy: Policy) -> Path:
    """Of a furnished world that trained; I bought items 1 and 2 at the till."""

    async def train(world: World) -> None:
        await furnished(world, *(event(n, item_id=f"item-{n}", day=TODAY - 5) for n in (1, 2)))
        await world.train()

    return left_by(tmp_path_factory.mktemp("trained"), policy, train)


@pytest.fixture
async def trained(
    trained_folder: Path, tmp_path: Path, guard: GuardTable, clock: Clock
) -> AsyncIterator[World]:
    """A world started on a copy of that folder; everybody permits everything."""
    async with copied(trained_folder, tmp_path / "trained", guard, clock) as world:
        world.permit(ME, *PEOPLE)
        yield world


def ids(answer: recommender_pb2.RecommendResponse) -> list[str]:
    """The item ids of an answer."""
    return [item.item_id for item in answer.items]


async def test_training_reports_every_step_and_ends_with_the_model(world: World) -> None:
    """In order, and the model serves when the last message comes."""
    await furnished(world)
    told = await world.train()
    assert [message.step for message in told] == [*STEPS, "serving"]
    assert [message.done for message in told] == [*range(len(STEPS)), len(STEPS) + 1]
    model = told[-1].model
    assert model.version == "000001"
    assert model == await world.model()
    assert (model.head_items, model.items, model.people, model.events) == (20, 24, 60, 300)
    assert model.reference_day.seconds == TODAY * 86_400


async def test_people_and_events_are_told_in_tens(world: World) -> None:
    """One more or less does not show."""
    await world.put(shop_items())
    await world.tell(*purchases_of_two_tastes())
    world.permit(*PEOPLE[:17])
    model = (await world.train())[-1].model
    assert (model.people, model.events) == (10, 80)


async def test_a_person_is_answered_from_their_own_events_with_reasons(trained: World) -> None:
    """Each reason names what was done, when, and who saw it."""
    answer = await trained.recommend(ME)
    assert (answer.depth, answer.depth_reason, answer.model_version) == (INDIVIDUAL, "", "000001")
    assert len(answer.items) == 5
    assert not {"item-1", "item-2"} & set(ids(answer))
    first = answer.items[0]
    assert first.title == first.item_id.replace("item-", "Item ")
    assert first.category.startswith("food")
    reason = first.reasons[0]
    assert reason.item_id in {"item-1", "item-2"}
    assert reason.title
    assert (reason.kind, reason.party, reason.origin) == (
        profile_pb2.EVENT_KIND_ORDER,
        profile_pb2.PARTY_FIRST,
        "till",
    )
    assert reason.day.seconds == (TODAY - 5) * 86_400
    assert sum(r.share for r in first.reasons) + first.trend_share == pytest.approx(1, abs=1e-3)


async def test_a_withdrawn_permission_shapes_the_very_next_answer(trained: World) -> None:
    """The same question is answered without personal data, and says why."""
    trained.permit(ME, purposes=["train_model"])
    answer = await trained.recommend(ME)
    assert (answer.depth, answer.depth_reason) == (GENERAL, "NOT_PERMITTED")
    assert answer.items
    assert all(not item.reasons for item in answer.items)
    with_session = await trained.recommend(ME, session_item_ids=["item-1", "nothing"])
    assert (with_session.depth, with_session.depth_reason) == (CONTEXT, "NOT_PERMITTED")
    assert {r.origin for item in with_session.items for r in item.reasons} == {"session"}


async def test_a_guest_is_answered_from_the_session(trained: World) -> None:
    """Or, without one, like everybody."""
    assert (await trained.recommend(None)).depth == GENERAL
    answer = await trained.recommend(None, session_item_ids=["item-3"])
    assert (answer.depth, answer.depth_reason) == (CONTEXT, "GUEST")
    assert "item-3" not in ids(answer)


async def test_a_new_event_counts_at_once(trained: World) -> None:
    """Without another training; what was bought now is not new any more."""
    before = ids(await trained.recommend(ME))
    await trained.tell(event(77, item_id=before[0]))
    assert before[0] not in ids(await trained.recommend(ME))


async def test_events_that_must_not_be_used_do_not_enter_a_question(trained: World) -> None:
    """Neither one without the purpose nor one that has expired."""
    purpose = trained.guard.policy.index("personalise.recommend")
    await trained.tell(
        event(80, who=2, item_id="item-1", uses=~(1 << purpose)),
        event(81, who=2, item_id="item-2", expires_at_ms=NOW_MS),
    )
    trained.permit(subject(2))
    answer = await trained.recommend(subject(2))
    assert (answer.depth, answer.depth_reason) == (GENERAL, "NO_EVENTS")


async def test_a_linked_persons_events_count_together(trained: World, clock: Clock) -> None:
    """All members' events, each reason with its own origin."""
    await trained.tell(event(90, who=2, item_id="item-3", origin="web"))
    before = ids(await trained.recommend(subject(2), page_size=24))
    for who in (ME, subject(2)):
        set_state(trained.guard, who, "personalise.recommend", "service", members=(ME, subject(2)))
    answer = await trained.recommend(subject(2), page_size=24)
    assert answer.depth == INDIVIDUAL
    assert {r.origin for item in answer.items for r in item.reasons} == {"till", "web"}
    assert "item-1" not in ids(answer)
    assert before == [] or "item-1" in before


async def test_buy_again_names_own_purchases(trained: World) -> None:
    """With the purchase as the reason."""
    answer = await trained.recommend(ME, recipe=recommender_pb2.RECIPE_BUY_AGAIN)
    assert set(ids(answer)) == {"item-1", "item-2"}
    assert [r.item_id for item in answer.items for r in item.reasons] == ids(answer)


async def test_a_page_holds_what_was_asked_for(trained: World) -> None:
    """Ten when nothing was said, and no more than there are."""
    assert len((await trained.recommend(None, page_size=0)).items) == 10
    assert len((await trained.recommend(None, page_size=100)).items) == 24


async def test_a_batch_keeps_the_order_of_its_questions(trained: World) -> None:
    """Refused ones among the others, at their places."""
    ask = recommender_pb2.RecommendRequest(recipe=recommender_pb2.RECIPE_FOR_YOU, page_size=3)
    trend = recommender_pb2.RecommendRequest(recipe=recommender_pb2.RECIPE_TRENDING, page_size=4)
    call = trained.call(
        "requests.subject",
        [ME, None, subject(404)],
        accepted=[0, 2, 3],
        refused=[ItemRefusal(1, "SUBJECT_REF_MALFORMED", "requests[1].subject", 3)],
    )
    request = recommender_pb2.RecommendBatchRequest(requests=[ask, trend, ask])
    answer = await trained.recommender.servicer.RecommendBatch(request, call)
    assert [response.depth for response in answer.responses] == [INDIVIDUAL, 0, GENERAL, GENERAL]
    assert [response.depth_reason for response in answer.responses] == [
        "",
        "",
        "GUEST",
        "NOT_PERMITTED",
    ]
    assert [len(response.items) for response in answer.responses] == [3, 0, 4, 3]
    assert answer.responses[1].error.index == 1
    assert answer.responses[1].error.reason == "SUBJECT_REF_MALFORMED"


async def test_a_question_of_a_batch_is_refused_alone(trained: World) -> None:
    """With its reason and path; the others are answered."""
    requests = [
        {"recipe": recommender_pb2.RECIPE_FOR_YOU, "page_size": 2},
        {"recipe": recommender_pb2.RECIPE_SIMILAR, "item_id": "nothing"},
        {"recipe": recommender_pb2.RECIPE_TRENDING, "filter": {"price_min_minor": 1}},
        {"recipe": recommender_pb2.RECIPE_TRENDING, "page_token": "x"},
    ]
    call = trained.call("requests.subject", [ME, None, None, None])
    request = recommender_pb2.RecommendBatchRequest(requests=requests)  # type: ignore[arg-type]
    answer = await trained.recommender.servicer.RecommendBatch(request, call)
    assert [len(response.items) for response in answer.responses] == [2, 0, 0, 0]
    assert [(r.error.index, r.error.reason, r.error.field) for r in answer.responses[1:]] == [
        (1, "ITEM_UNKNOWN", "requests[1].item_id"),
        (2, "CURRENCY_MISSING", "requests[2].filter.currency"),
        (3, "PAGE_TOKEN_INVALID", "requests[3].page_token"),
    ]


async def test_pages_follow_one_another(trained: World) -> None:
    """Until everything was shown; a page may be of another size, and everything else is as it was."""
    first = await trained.recommend(ME, page_size=9)
    second = await trained.recommend(ME, page_size=5, page_token=first.next_page_token)
    third = await trained.recommend(ME, page_size=9, page_token=second.next_page_token)
    assert [len(page.items) for page in (first, second, third)] == [9, 5, 8]
    assert not third.next_page_token
    assert ids(first) + ids(second) + ids(third) == ids(await trained.recommend(ME, page_size=22))
    for changed in ({"who": None}, {"who": subject(2)}, {"who": ME, "include_known": True}):
        with pytest.raises(PageTokenInvalid):
            await trained.recommend(**({"page_token": first.next_page_token} | changed))  # type: ignore[arg-type]


async def test_a_page_heeds_what_is_permitted_by_then(trained: World) -> None:
    """A withdrawal between two pages shapes the second."""
    first = await trained.recommend(ME)
    trained.permit(ME, purposes=["train_model"])
    second = await trained.recommend(ME, page_token=first.next_page_token)
    assert (second.depth, second.depth_reason) == (GENERAL, "NOT_PERMITTED")
    assert not any(item.reasons for item in second.items)
    trained.permit(ME)
    third = await trained.recommend(ME, page_token=second.next_page_token)
    assert third.depth == INDIVIDUAL
    assert [len(page.items) for page in (first, second, third)] == [5, 5, 5]
    assert len({*ids(first), *ids(second), *ids(third)}) == 15
    with pytest.raises(PageTokenInvalid):  # and a guest is not the person who denies
        await trained.recommend(None, page_token=second.next_page_token)


async def test_caps_on_a_page_do_not_end_the_list(trained: World) -> None:
    """A page they leave short is followed by another, until everything was shown."""
    shown, token, sizes = [], "", []
    while not sizes or token:
        page = await trained.recommend(ME, rules={"per_brand_max": 2}, page_token=token)
        shown += ids(page)
        sizes.append(len(page.items))
        token = page.next_page_token
    assert sizes == [2] * 11
    assert sorted(shown) == sorted(ids(await trained.recommend(ME, page_size=24)))


async def test_what_is_not_in_the_catalogue_is_in_no_reason(trained: World) -> None:
    """It was bought and counts, and is not named any more."""
    assert "item-1" in {r.item_id for item in (await trained.recommend(ME)).items for r in item.reasons}
    await trained.delete("item-1")
    answer = await trained.recommend(ME)
    assert {r.item_id for item in answer.items for r in item.reasons} == {"item-2"}
    assert {ground.item_id for item in answer.items for ground in item.grounds} <= {"", "item-2"}


async def test_what_must_not_be_seen_is_as_unknown_as_what_is_not_there(trained: World) -> None:
    """A guest is answered the same with it in the session as with an id of nothing."""
    shelf = [item._replace(exclusive=item.item_id == "item-1") for item in shop_items()]
    await trained.put(shelf, "again")
    hidden, unknown = [
        await trained.recommend(None, session_item_ids=[item_id]) for item_id in ("item-1", "nothing")
    ]
    hidden.ClearField("next_page_token")
    unknown.ClearField("next_page_token")  # each is its own request's
    assert hidden == unknown


@pytest.fixture
def blocked(trained: World) -> Iterator[World]:
    """A world in which no search begins."""
    goes_on = threading.Event()
    for _ in range(SEARCH_THREADS):
        trained.recommender.live._pool.submit(goes_on.wait, 10)
    yield trained
    goes_on.set()


async def test_in_haste_few_items_are_looked_at_one_by_one(blocked: World) -> None:
    """A filter that keeps none of what is ready does not end the list, nor does a cap."""
    live = blocked.recommender.live
    live._ready = replace(live._ready, numbers=live._ready.numbers[:2], given=live._ready.given[:2])
    asked: dict[str, Any] = {"deadline_ms": 20, "filter": {"exclude_item_ids": ["item-9"]}}
    first = await blocked.recommend(None, page_size=20, **asked)
    assert (first.depth_reason, len(first.items)) == ("DEADLINE", 20)
    rest = await blocked.recommend(None, page_size=20, page_token=first.next_page_token, **asked)
    assert (len(rest.items), rest.next_page_token) == (3, "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recommender.filters.are_few", lambda *_: False)
        short = await blocked.recommend(None, deadline_ms=20, filter={"in_stock": True})
    assert len(short.items) == 2
    assert short.next_page_token  # they were too many to look at in haste


async def test_in_haste_a_list_of_new_items_holds_none_that_are_known(blocked: World) -> None:
    """Of a person whose events may be used; also where nothing more personal can be answered."""
    asked: dict[str, Any] = {"deadline_ms": 20, "page_size": 24}
    assert not {"item-1", "item-2"} & set(ids(await blocked.recommend(ME, **asked)))
    assert {"item-1", "item-2"} <= set(ids(await blocked.recommend(ME, include_known=True, **asked)))


async def test_before_training_a_list_of_new_items_holds_none_that_are_known(world: World) -> None:
    """The person bought one of three."""
    await world.put(shop_items(3))
    await world.tell(event(1, item_id="item-3"))
    world.permit(ME)
    answer = await world.recommend(ME)
    assert (answer.depth_reason, sorted(ids(answer))) == ("NO_MODEL", ["item-1", "item-2"])
    assert len((await world.recommend(ME, include_known=True)).items) == 3


async def test_what_was_offered_before_1970_is_not_new(trained: World) -> None:
    """Nor is what was offered on its first day."""
    for day in (-1, 0):
        told = recommender_pb2.Item(item_id="old", title="Old")
        told.listed_since.seconds = day * 86_400
        request = recommender_pb2.UpsertItemsRequest(items=[told], request_id=f"day {day}")
        await trained.recommender.servicer.UpsertItems(request, trained.call(accepted=[0]))
        await trained.recommender.live.followed()
        found = await trained.recommend(None, recipe=recommender_pb2.RECIPE_NEW, page_size=25)
        assert ids(found)[-1] == "old"


@pytest.mark.parametrize("tag", ["two\nlines", "a\x7f", "\r"])
def test_a_tag_is_a_word(tag: str) -> None:
    """Of visible signs; it comes back as it was told."""
    check = compile_check(recommender_pb2.Item.DESCRIPTOR)
    item = recommender_pb2.Item(item_id="a", title="A", tags=["schön und gut", tag])
    assert check(item) == ("FIELD_PATTERN", "tags[1]")
    assert check(recommender_pb2.Item(item_id="a", title="A", tags=["schön und gut"])) is None


async def test_paid_items_are_personal_only_with_permission_for_advertising(trained: World) -> None:
    """Of the person, and of the caller."""
    paid = {"items": [{"item_id": f"item-{n}", "sponsor": "Acme"} for n in range(1, 25)]}
    asked: dict[str, Any] = {"sponsorship": paid | {"relevance_floor_permille": 1}, "page_size": 5}
    answer = await trained.recommend(ME, **asked)
    assert answer.depth == INDIVIDUAL
    assert answer.sponsored_depth == GENERAL
    (sold,) = (item for item in answer.items if item.sponsor)
    assert sold.placement == recommender_pb2.PLACEMENT_SPONSORED
    trained.permit(ME, purposes=["personalise.recommend", "marketing.ads.first_party"])
    assert (await trained.recommend(ME, **asked)).sponsored_depth == INDIVIDUAL


async def test_a_search_that_takes_too_long_is_not_waited_for(trained: World) -> None:
    """What everybody begins to buy is answered in time, under the same filters and rules."""
    live = trained.recommender.live
    blocked = threading.Event()
    for _ in range(SEARCH_THREADS):
        live._pool.submit(blocked.wait, 10)
    try:
        answer = await trained.recommend(
            ME,
            deadline_ms=20,
            page_size=4,
            categories=["food / even"],
            filter={"exclude_item_ids": ["item-2"]},
            rules={"pins": [{"item_id": "item-8", "position": 1}]},
            sponsorship={"items": [{"item_id": "item-4", "sponsor": "Acme"}]},
        )
    finally:
        blocked.set()
    assert (answer.depth, answer.depth_reason) == (GENERAL, "DEADLINE")
    assert ids(answer)[0] == "item-8"
    assert len(answer.items) == 4
    assert all(int(item_id.removeprefix("item-")) % 2 == 0 for item_id in ids(answer))
    assert "item-2" not in ids(answer)
    following = await trained.recommend(ME, deadline_ms=5000)
    assert following.depth_reason == ""


async def test_an_item_keeps_what_it_was_told(world: World) -> None:
    """Every field; since when it is offered is its first day here unless it says so."""
    told = recommender_pb2.Item(
        item_id="a",
        title="A",
        category="c",
        brand="b",
        price_minor=995,
        currency="EUR",
        out_of_stock=True,
        place_cells=["8a1", "8a2"],
        languages=["de"],
        age_min_years=16,
        description="What it is.",
        tags=["one", "two"],
        exclusive=True,
    )
    servicer = world.recommender.servicer
    request = recommender_pb2.UpsertItemsRequest(items=[told], request_id="r")
    await servicer.UpsertItems(request, world.call(accepted=[0]))
    found = await servicer.GetItem(recommender_pb2.GetItemRequest(item_id="a"), world.call())
    assert found.listed_since.seconds == TODAY * 86_400
    found.ClearField("listed_since")
    assert found == told


async def test_since_when_an_item_is_offered_is_kept(world: World, clock: Clock) -> None:
    """Through replacements, unless one says otherwise; who was taken out comes anew."""
    servicer = world.recommender.servicer

    async def since() -> int:
        found = await servicer.GetItem(recommender_pb2.GetItemRequest(item_id="item-1"), world.call())
        return found.listed_since.seconds // 86_400

    await world.put(shop_items(1), "first")
    clock.now_ms += 5 * 86_400_000
    await world.put(shop_items(1), "again")
    assert await since() == TODAY
    await world.put([shop_items(1)[0]._replace(since_day=TODAY - 100)], "told")
    assert await since() == TODAY - 100
    await world.delete("item-1")
    await world.put(shop_items(1), "back")
    assert await since() == TODAY + 5


async def test_fields_that_do_not_go_together_refuse_their_item(world: World) -> None:
    """The rest is put."""
    items = [
        recommender_pb2.Item(item_id="a", title="A", price_minor=5),
        recommender_pb2.Item(item_id="b", title="B", listed_since={"seconds": (TODAY + 1) * 86_400}),  # type: ignore[arg-type]
        recommender_pb2.Item(item_id="c", title="C"),
    ]
    request = recommender_pb2.UpsertItemsRequest(items=items, request_id="r")
    answer = await world.recommender.servicer.UpsertItems(request, world.call(accepted=[0, 1, 3]))
    assert answer.upserted == 1
    assert [(e.index, e.reason, e.field) for e in answer.refused] == [
        (0, "CURRENCY_MISSING", "items[0].currency"),
        (1, "TIME_IN_FUTURE", "items[1].listed_since"),
    ]


async def test_items_are_put_read_and_taken_out(world: World) -> None:
    """Counts are of what changed; an item that is not there is not found."""
    servicer = world.recommender.servicer
    assert (await world.put(shop_items(3))).upserted == 3
    found = await servicer.GetItem(recommender_pb2.GetItemRequest(item_id="item-2"), world.call())
    assert (found.title, found.category, found.brand) == ("Item 2", "food / even", "Own")
    assert (await world.delete("item-2", "item-9")).deleted == 1
    with pytest.raises(UnknownItem):
        await servicer.GetItem(recommender_pb2.GetItemRequest(item_id="item-2"), world.call())


async def test_refused_items_are_named_and_the_rest_is_put(world: World) -> None:
    """In the order of the request."""
    refused = [ItemRefusal(4, "FIELD_REQUIRED", "items[4].title", 3), ItemRefusal(1, "FIELD_LENGTH", "x", 3)]
    request = recommender_pb2.UpsertItemsRequest(
        items=[recommender_pb2.Item(item_id="a", title="A")], request_id="r"
    )
    answer = await world.recommender.servicer.UpsertItems(request, world.call(accepted=[0], refused=refused))
    assert answer.upserted == 1
    assert [error.index for error in answer.refused] == [1, 4]


async def test_a_request_id_belongs_to_one_content_and_one_caller(world: World) -> None:
    """Another caller may use the same id; the same caller may not, for something else."""
    servicer = world.recommender.servicer
    await world.put(shop_items(1), "r")
    other = recommender_pb2.UpsertItemsRequest(
        items=[recommender_pb2.Item(item_id="b", title="B")], request_id="r"
    )
    with pytest.raises(RequestIdReused):
        await servicer.UpsertItems(other, world.call(accepted=[0]))
    with pytest.raises(RequestIdReused):
        await world.delete("item-1", request_id="r")
    assert (await servicer.UpsertItems(other, world.call(accepted=[0], caller="other"))).upserted == 1


async def test_a_deleted_item_is_gone_from_the_next_answer(trained: World) -> None:
    """Before any index is built anew; from a person's list and from everybody's."""
    victim = ids(await trained.recommend(ME))[0]
    index = trained.recommender.live.index
    await trained.delete(victim)
    assert trained.recommender.live.index.base is index.base  # the same rows, marked
    assert victim not in ids(await trained.recommend(ME, page_size=24))
    assert victim not in ids(await trained.recommend(None, page_size=24))
    assert len((await trained.recommend(None, page_size=24)).items) == 23


class DeletesWhileBuilding(Catalogue):
    """Loses an item right after an index was begun over it."""

    victim: StoredItem | None = None

    def shelf(self) -> Shelf:
        shelf = super().shelf()
        if self.victim is not None:
            self.put([self.victim])
        return shelf


async def test_an_item_deleted_while_an_index_is_built_is_not_in_it() -> None:
    """The index that comes into service is marked with what happened meanwhile."""
    catalogue = DeletesWhileBuilding(
        StoredItem(n, f"item-{n}", f"Item {n}", "food", listed=True) for n in range(1, 25)
    )
    model = two_tastes_model()

    async def unused() -> Any:
        raise AssertionError

    live = LiveIndex(catalogue, ServedIndex(model, catalogue.shelf()), unused)
    try:
        catalogue.victim = StoredItem(5, "item-5", "", "", listed=False)
        await live.rebuild()
        found = await live.answer(Question(Recipe.TRENDING, 24, EMPTY, ""))
        assert len(found.items) == 23
        assert 5 not in {item.item for item in found.items}
    finally:
        await live.close()


async def test_an_item_deleted_while_it_is_searched_for_is_not_answered(trained: World) -> None:
    """The answer is looked through once more before it leaves."""
    live = trained.recommender.live
    search = live.answer

    async def deleting(question: Question, until: float | None = None) -> Answer:
        found = await search(question, until)
        await trained.delete(f"item-{found.items[0].item}")
        return found

    trained.recommender.live.answer = deleting  # type: ignore[method-assign]
    answer = await trained.recommend(ME)
    assert len(answer.items) == 4


async def test_a_new_item_is_served_once_the_index_follows(trained: World) -> None:
    """It was not there at training; its category stands in."""
    await trained.put([*shop_items(), *shop_items(25)[24:]], "more")
    assert len((await trained.recommend(None, page_size=100)).items) == 25
    assert (await trained.model()).items == 25


async def test_before_training_the_answer_is_general_and_says_so(world: World) -> None:
    """From the popularity of those who permit learning; from the catalogue when nobody did."""
    await world.put(shop_items(3))
    world.permit(ME)
    assert sorted(ids(await world.recommend(ME))) == ["item-1", "item-2", "item-3"]
    await world.tell(
        event(1, item_id="item-3"), event(2, who=9, item_id="item-2"), event(3, who=9, item_id="item-2")
    )
    await world.recommender.live.rebuild()
    answer = await world.recommend(ME, include_known=True)
    assert (answer.depth, answer.depth_reason, answer.model_version) == (GENERAL, "NO_MODEL", "")
    assert ids(answer)[0] == "item-3"
    assert (await world.model()).version == ""
    assert (await world.model()).events_seen == 3


async def test_only_people_who_permit_training_are_learned_from(world: World) -> None:
    """Their permission for recommendations alone is not enough, nor is silence."""
    await furnished(world)
    world.permit(*PEOPLE[:20], purposes=["personalise.recommend"])
    model = (await world.train())[-1].model
    assert (model.people, model.events) == (40, 200)


async def test_events_that_must_not_be_learned_from_are_left_out(world: World) -> None:
    """By use and by end, though their people permit training."""
    purpose = world.guard.policy.index("train_model")
    await world.put(shop_items())
    told = purchases_of_two_tastes()
    await world.tell(
        *(e._replace(uses=~(1 << purpose)) for e in told[:100]),
        *(e._replace(expires_at_ms=NOW_MS) for e in told[100:150]),
        *told[150:],
    )
    world.permit(*PEOPLE)
    assert (await world.train())[-1].model.events == 150


async def test_a_linked_person_is_learned_from_once(world: World) -> None:
    """The unit is the person, so that what they bought on two channels counts together."""
    await furnished(world)
    pairs = [(PEOPLE[n], PEOPLE[n + 1]) for n in range(0, 40, 2)]
    for pair in pairs:
        for who in pair:
            set_state(world.guard, who, "train_model", members=pair)
    assert (await world.train())[-1].model.people == 40


async def test_nothing_to_learn_is_said(world: World) -> None:
    """And what served before goes on serving."""
    await world.put(shop_items(3))
    with pytest.raises(NothingToLearn):
        await world.train()
    assert len((await world.recommend(None)).items) == 3


async def test_a_training_is_repeated_by_its_request_id_only(trained: World) -> None:
    """The same id gives the same model again; a new one trains."""
    assert (await trained.train("t2"))[-1].model.version == "000002"
    assert (await trained.train("t2"))[-1].model.version == "000002"


async def test_two_trainings_at_once_are_refused_but_one_can_be_followed_twice(world: World) -> None:
    """Also by a caller whose connection broke."""
    await furnished(world)
    servicer = world.recommender.servicer
    first = servicer.Train(recommender_pb2.TrainRequest(request_id="t"), world.call())
    assert (await anext(first)).step == "events"
    with pytest.raises(TrainingBusy):
        await world.train("other")
    await first.aclose()
    told = await world.train("t")
    assert [message.step for message in told] == [*STEPS, "serving"]


async def test_a_job_is_private_and_gone_afterwards(world: World) -> None:
    """It says which subjects are one person."""
    await furnished(world)
    training = world.recommender.servicer.Train(recommender_pb2.TrainRequest(request_id="t"), world.call())
    await anext(training)
    job = world.folder / "training"
    assert job.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in job.iterdir()} == {0o600}
    async for _ in training:
        pass
    assert not job.exists()


async def test_a_restart_serves_the_newest_whole_model(trained: World) -> None:
    """A damaged one is named in the log and the one before it answers."""
    await trained.train("t2")
    before = await trained.recommend(ME)
    async with opened(trained.folder, trained.guard, trained.clock) as again:
        assert await again.recommend(ME) == before
    damaged = trained.folder / "models/000002/given.npy"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    async with opened(trained.folder, trained.guard, trained.clock) as again:
        answer = await again.recommend(ME)
        assert (answer.depth, answer.model_version) == (INDIVIDUAL, "000001")
        assert len(again.logged) == 1
        assert "000002" in again.logged[0]


async def test_a_restart_resumes_the_newest_whole_index(trained: World) -> None:
    """Nothing is computed anew; a damaged snapshot is named in the log, and the one before it answers."""
    await trained.put([*shop_items(), *shop_items(25)[24:]], "more")
    await trained.recommender.live.rebuild()
    before = await trained.recommend(None, page_size=100)
    async with opened(trained.folder, trained.guard, trained.clock) as again:
        base = again.recommender.live.index.base
        assert not base.vectors.flags.owndata  # mapped
        assert len(base) == 25
        assert await again.recommend(None, page_size=100) == before
        assert not again.logged
    newest = max(trained.folder.glob("models/000001/index-*"))
    damaged = newest / "vectors.npy"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    async with opened(trained.folder, trained.guard, trained.clock) as again:
        assert await again.recommend(None, page_size=100) == before
        assert again.logged == [f"an index is not used: 000001/{newest.name}: vectors was changed\n"]


async def test_an_index_that_can_not_be_kept_serves_and_it_is_said(trained: World) -> None:
    """The next start builds it."""
    shutil.rmtree(trained.folder / "models/000001")
    await trained.recommender.live.rebuild()
    assert len((await trained.recommend(ME)).items) == 5
    assert trained.logged == ["an index was not kept: 000001: FileNotFoundError\n"]


async def test_a_training_that_dies_leaves_the_model_in_service(trained: World) -> None:
    """It is called failed, its job is gone, and the next one may begin."""
    models = trained.folder / "models"
    models.rename(trained.folder / "aside")
    models.touch()
    with pytest.raises(TrainingFailed):
        await trained.train("t2")
    assert not (trained.folder / "training").exists()
    assert (await trained.recommend(ME)).model_version == "000001"
    models.unlink()
    (trained.folder / "aside").rename(models)
    assert (await trained.train("t3"))[-1].model.version == "000002"


async def test_a_suite_that_stops_ends_its_training(tmp_path: Path, guard: GuardTable, clock: Clock) -> None:
    """The program is ended, and nobody waits for it."""
    async with opened(tmp_path, guard, clock) as world:
        await furnished(world)
        request = recommender_pb2.TrainRequest(request_id="t")
        training = world.recommender.servicer.Train(request, world.call())
        await anext(training)
        await training.aclose()
    assert not (tmp_path / "training").exists()
    assert not list((tmp_path / "models").glob("0*"))


def test_the_popularity_before_training_has_no_people() -> None:
    """Nothing a model would tell about people is there yet."""
    model = untrained(table([(0, 1, TODAY, int(Kind.ORDER), 1)]), 2, DEFAULTS)
    assert (model.version, model.people, model.events, model.rank) == ("", 0, 0, 0)


def test_the_servicer_answers_every_method() -> None:
    """None is left to the generated default."""
    service = recommender_pb2.DESCRIPTOR.services_by_name["RecommenderService"]
    assert all(method.name in vars(RecommenderServicer) for method in service.methods)
