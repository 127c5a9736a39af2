"""Declare and what a portrait shows of it, handed their calls as the guard hands them over."""

from __future__ import annotations

import pytest

from consent.guard_table import GuardTable
from consent.policy import Policy
from engagement.store import EventChange
from identity.ids import SubjectId
from services.engagement.declaring import answer_uses
from services.engagement.service import ProfileServicer
from services.errors import InvalidRequest
from services.feed import Feed
from tests.conftest import Clock, set_state
from tests.engagement.conftest import Calls
from tests.engagement.events import subject
from veilgraph.engagement.v1 import profile_pb2 as pb

ME, OTHER = subject(1), subject(2)
TEA = {"kind": pb.TOPIC_KIND_CATEGORY, "name": "tea", "stance": pb.STANCE_LIKE}
OWN = {
    "kind": pb.TOPIC_KIND_BRAND,
    "name": "Own",
    "stance": pb.STANCE_DISLIKE,
    "strength": pb.STRENGTH_STRONG,
}


def says(*preferences: dict[str, object], request_id: str = "r1", **more: object) -> pb.DeclareRequest:
    return pb.DeclareRequest(preferences=preferences, origin="quiz", request_id=request_id, **more)


@pytest.fixture(autouse=True)
def permitted(guard: GuardTable) -> None:
    """I permit recommendations, and nothing else that needs to be asked for."""
    set_state(guard, ME, "service", "personalise.recommend")


async def test_a_portrait_shows_what_was_declared(
    servicer: ProfileServicer, calls: Calls, clock: Clock
) -> None:
    """In the words it was said in, with who asked and when, on the first page."""
    answer = await servicer.Declare(says(TEA, OWN, age_band=pb.AGE_BAND_16_TO_17), calls.declaring(ME))
    assert (answer.answered, answer.withdrawn) == (3, 0)
    portrait = await servicer.Portrait(pb.PortraitRequest(), calls.portraying(ME, "personalise.recommend"))
    shown = list(portrait.declared)
    assert [one.preference for one in shown] == [
        pb.Preference(**TEA, strength=pb.STRENGTH_NORMAL),
        pb.Preference(**OWN),
        pb.Preference(),
    ]
    assert [one.age_band for one in shown] == [0, 0, pb.AGE_BAND_16_TO_17]
    assert {(one.source.party, one.source.origin) for one in shown} == {(pb.PARTY_ZERO, "quiz")}
    assert {one.declared_at.ToMilliseconds() for one in shown} == {clock()}


async def test_the_reply_says_what_the_answers_unlocked(
    servicer: ProfileServicer, calls: Calls, policy: Policy
) -> None:
    """In effect is what the person permits; to a caller that may not use a purpose, nothing of it is."""

    def told(answer: pb.DeclareResponse) -> list[tuple[str, str, bool]]:
        return [
            (pb.Benefit.Name(one.benefit).removeprefix("BENEFIT_"), one.purpose, one.in_effect)
            for one in answer.unlocked
        ]

    taste = await servicer.Declare(says(TEA), calls.declaring(ME))
    assert told(taste) == [
        ("RECOMMENDATIONS_BY_TASTE", "personalise.recommend", True),
        ("SEARCH_BY_TASTE", "personalise.search", False),
    ]
    age = await servicer.Declare(says(age_band=pb.AGE_BAND_UNDER_13, request_id="r2"), calls.declaring(ME))
    assert told(age) == [
        ("AGE_SUITABLE", "service", True),
        ("TREND_OF_AGE_BAND", "personalise.recommend", True),
    ]
    service = 1 << policy.index("service")
    again = await servicer.Declare(says(TEA), calls.declaring(ME, purposes=service))
    assert {in_effect for _, _, in_effect in told(again)} == {False}
    nothing = await servicer.Declare(says(replace_all=True, request_id="r3"), calls.declaring(ME))
    assert (nothing.withdrawn, told(nothing)) == (2, [])


async def test_a_reply_that_told_of_a_permission_is_checked_again(
    servicer: ProfileServicer, calls: Calls
) -> None:
    """The call remembers what it asked, so that no answer leaves that was true before a withdrawal."""
    call = calls.declaring(ME)
    await servicer.Declare(says(TEA), call)
    assert sorted(call.asked.values()) == [False, True]


@pytest.fixture
def joined(guard: GuardTable) -> None:
    """I and another are one person."""
    for who in (ME, OTHER):
        set_state(guard, who, "service", "personalise.recommend", members=(ME, OTHER))


async def shown(servicer: ProfileServicer, calls: Calls, who: SubjectId) -> list[pb.DeclaredAnswer]:
    """What a portrait shows of somebody's answers."""
    return list((await servicer.Portrait(pb.PortraitRequest(), calls.portraying(who, "service"))).declared)


@pytest.mark.usefixtures("joined")
async def test_a_person_takes_back_by_any_of_their_subjects(servicer: ProfileServicer, calls: Calls) -> None:
    """One by one and all; whichever of them said it."""
    await servicer.Declare(says(TEA, OWN), calls.declaring(ME))
    tea = {"kind": TEA["kind"], "name": TEA["name"]}
    taken = await servicer.Declare(says(request_id="r2", withdrawn=[tea]), calls.declaring(OTHER))
    assert taken.withdrawn == 1
    for who in (ME, OTHER):
        assert [one.preference.name for one in await shown(servicer, calls, who)] == ["Own"]
    taken = await servicer.Declare(says(TEA, request_id="r3", replace_all=True), calls.declaring(OTHER))
    assert (taken.answered, taken.withdrawn) == (1, 1)
    assert [one.preference.name for one in await shown(servicer, calls, ME)] == ["tea"]


async def test_a_person_puts_their_age_right_by_the_subject_that_said_it(
    servicer: ProfileServicer, calls: Calls, request: pytest.FixtureRequest
) -> None:
    """Joining two makes nobody older, nor does what the other says or takes back."""
    young, grown = pb.AGE_BAND_16_TO_17, pb.AGE_BAND_25_TO_34
    await servicer.Declare(says(age_band=young), calls.declaring(ME))
    await servicer.Declare(says(age_band=grown, request_id="r2"), calls.declaring(OTHER))
    request.getfixturevalue("joined")
    assert [one.age_band for one in await shown(servicer, calls, OTHER)] == [young]
    await servicer.Declare(says(age_band=grown, request_id="r3"), calls.declaring(OTHER))
    await servicer.Declare(says(TEA, replace_all=True, request_id="r4"), calls.declaring(OTHER))
    assert [one.age_band for one in await shown(servicer, calls, OTHER) if one.age_band] == [young]
    await servicer.Declare(says(age_band=grown, request_id="r5"), calls.declaring(ME))
    assert [one.age_band for one in await shown(servicer, calls, ME) if one.age_band] == [grown]


async def test_who_is_nobody_of_the_person_takes_nothing_back(
    servicer: ProfileServicer, calls: Calls
) -> None:
    """Not even all."""
    await servicer.Declare(says(TEA), calls.declaring(ME))
    taken = await servicer.Declare(says(replace_all=True, request_id="r2"), calls.declaring(OTHER))
    assert (taken.withdrawn, len(await shown(servicer, calls, ME))) == (0, 1)


async def test_the_news_go_out_at_once(
    servicer: ProfileServicer, calls: Calls, feed: Feed[EventChange]
) -> None:
    """With all that the subject declares."""
    await servicer.Declare(says(TEA), calls.declaring(ME))
    (change,) = await feed.after(0)
    assert [(one.subject, len(one.answers)) for one in change.declared] == [(ME, 1)]


async def test_who_says_two_things_of_one_is_told_so(servicer: ProfileServicer, calls: Calls) -> None:
    """Nothing of the request is kept."""
    with pytest.raises(InvalidRequest) as caught:
        await servicer.Declare(says(TEA, TEA), calls.declaring(ME))
    assert (caught.value.reason, caught.value.field) == ("ANSWERED_TWICE", "preferences[1].name")
    portrait = await servicer.Portrait(pb.PortraitRequest(), calls.portraying(ME, "service"))
    assert not portrait.declared


def test_an_answer_serves_neither_to_be_handed_on_nor_an_age_to_set_prices(policy: Policy) -> None:
    uses = answer_uses(policy)
    for leaf in ("share.partner", "share.sale"):
        assert not uses.preference >> policy.index(leaf) & 1
        assert not uses.age_band >> policy.index(leaf) & 1
    for leaf in ("personalise.pricing", "marketing.ads.first_party", "marketing.ads.third_party"):
        assert uses.preference >> policy.index(leaf) & 1
        assert not uses.age_band >> policy.index(leaf) & 1
    assert uses.age_band >> policy.index("service") & 1
