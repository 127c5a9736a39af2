"""RecommenderService, handed its calls as the guard hands them over."""

from __future__ import annotations

from typing import Any

import pytest

from recommender.errors import PageTokenInvalid
from recommender.events import Kind
from recommender.parameters import DEFAULTS
from recommender.untrained import untrained
from services.interceptors.call import ItemRefusal
from services.recommender.service import RecommenderServicer
from tests.conftest import Clock, set_state
from tests.recommender.conftest import ME, World, ids, shop_items
from tests.recommender.events import NOW_MS, TODAY, event, subject, table
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.recommender.v1 import recommender_pb2

INDIVIDUAL, CONTEXT, GENERAL = (
    recommender_pb2.DEPTH_INDIVIDUAL,
    recommender_pb2.DEPTH_CONTEXT,
    recommender_pb2.DEPTH_GENERAL,
)


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


async def test_before_training_a_list_of_new_items_holds_none_that_are_known(world: World) -> None:
    """The person bought one of three."""
    await world.put(shop_items(3))
    await world.tell(event(1, item_id="item-3"))
    world.permit(ME)
    answer = await world.recommend(ME)
    assert (answer.depth_reason, sorted(ids(answer))) == ("NO_MODEL", ["item-1", "item-2"])
    assert len((await world.recommend(ME, include_known=True)).items) == 3


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


def test_the_popularity_before_training_has_no_people() -> None:
    """Nothing a model would tell about people is there yet."""
    model = untrained(table([(0, 1, TODAY, int(Kind.ORDER), 1)]), 2, DEFAULTS)
    assert (model.version, model.people, model.events, model.rank) == ("", 0, 0, 0)


def test_the_servicer_answers_every_method() -> None:
    """None is left to the generated default."""
    service = recommender_pb2.DESCRIPTOR.services_by_name["RecommenderService"]
    assert all(method.name in vars(RecommenderServicer) for method in service.methods)
