"""What the tour's suite offers: a few plays by hand, kept by their rules but for the flaw it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from services.tour.offers_prices import FIRST_MINOR, PRICE_MINOR, RESERVE, SECOND_MINOR, TENTH
from veilgraph.client import Denied, NotFound
from veilgraph.engagement.v1 import decision_pb2, definition_pb2, loyalty_pb2, offer_pb2, profile_pb2
from veilgraph.recommender.v1 import recommender_pb2, search_pb2

if TYPE_CHECKING:
    from tests.services.tour_world import TourWorld

DAY_MS = 86_400_000
ENOUGH_MINOR = FIRST_MINOR + SECOND_MINOR
GENERAL, INDIVIDUAL = offer_pb2.DEPTH_GENERAL, offer_pb2.DEPTH_INDIVIDUAL


class OffersWorld:
    """Plays, what people did and said, and what they were offered.

    Attributes:
        declared: how many definitions were declared, and how often.
    """

    def __init__(self, world: TourWorld) -> None:
        self._world = world
        self.declared: list[int] = []
        self._approved = False
        self._items: dict[str, recommender_pb2.Item] = {}
        self._acts: dict[int, list[profile_pb2.Event]] = {}
        self._said: dict[int, profile_pb2.DeclareRequest] = {}
        self._shown: dict[int, str] = {}
        self._passed: list[int] = []

    def handlers(self, caller: str, bound: Callable[[Any], Any]) -> dict[str, Callable[[Any], Any]]:
        return {
            "definitions.Apply": self._apply,
            "definitions.Approve": lambda _: self._approve(caller),
            "profile.Declare": bound(self._declare),
            "decisions.Decide": bound(self._decide),
            "decisions.Due": lambda _: self._due(caller),
            "decisions.Report": lambda _: decision_pb2.ReportResponse(),
            "decisions.Why": lambda _: self._why(),
            "loyalty.Standing": bound(self._standing),
            "search.Search": bound(self._search),
            "recommender.GetItem": self._item,
            "recommender.UpsertItems": self._upsert,
            "recommender.DeleteItems": self._delete,
        }

    def did(self, birth: int, event: profile_pb2.Event) -> None:
        self._acts.setdefault(birth, []).append(event)
        if event.detail.place_cell:
            self._passed.append(birth)

    @property
    def leftovers(self) -> list[str]:
        """What a tour brought into the catalogue and left there."""
        return list(self._items)

    def _flaw(self, name: str) -> bool:
        return self._world.flaw == name

    def _apply(self, request: Any) -> definition_pb2.ApplyResponse:
        answer, new = definition_pb2.ApplyResponse(), not self.declared or self._flaw("ever_changing")
        for number, _ in enumerate(request.definitions):
            kind = definition_pb2.DEFINITION_KIND_PLAY
            answer.definitions.add(
                kind=kind, id=f"p{number}", version=1, changed=new, awaits_approval=not self._approved
            )
        if self._flaw("plays_are_unsound"):
            answer.faults.add(reason="TYPE_WRONG")
        if not request.dry_run:
            self.declared.append(len(request.definitions))
        return answer

    def _approve(self, caller: str) -> definition_pb2.ApproveResponse:
        if caller != "approver" and not self._flaw("approves_its_own"):
            raise Denied("SCOPE_MISSING")
        self._approved = True
        return definition_pb2.ApproveResponse()

    def _declare(self, request: Any, _caller: str, opened: Any) -> profile_pb2.DeclareResponse:
        self._said.setdefault(opened(request.subject), profile_pb2.DeclareRequest()).MergeFrom(request)
        return profile_pb2.DeclareResponse(answered=1)

    def _decide(self, request: Any, caller: str, opened: Any) -> decision_pb2.DecideResponse:
        birth = opened(request.subject)
        if request.slot == "home.banner":
            return self._banner(birth)
        if request.slot == "basket.offer":
            if self._flaw("asked_in_earnest_it_differs") and not request.dry_run:
                return _given("regular", GENERAL, price_minor=PRICE_MINOR)
            return self._price(birth)
        if request.slot == "flavour.of.the.month":
            return self._flavour(birth, request, caller)
        late = request.at.ToMilliseconds() - self._world.now_ms > 5 * DAY_MS
        if late and not self._flaw("reminds_after_the_day"):
            return _held(decision_pb2.HOLD_REASON_NOT_ELIGIBLE)
        return _given("bouquet", INDIVIDUAL, play_id=request.play_id)

    def _banner(self, birth: int) -> decision_pb2.DecideResponse:
        acts = [act for one in self._world.person(birth) for act in self._acts.get(one, [])]
        last_ms = max(act.occurred_at.ToMilliseconds() for act in acts)
        if self._world.now_ms - last_ms > 30 * DAY_MS and not self._flaw("never_rests"):
            return _held(decision_pb2.HOLD_REASON_RESTING)
        if self._flaw("rests_for_ever") and len(acts) == 2 and acts[0].kind == acts[1].kind:
            return _held(decision_pb2.HOLD_REASON_RESTING)
        said = self._said.get(birth, profile_pb2.DeclareRequest())
        child = said.age_band == profile_pb2.AGE_BAND_UNDER_13 and not self._flaw("child_is_sold_to")
        searched = any(act.kind == profile_pb2.EVENT_KIND_SEARCH for act in acts)
        again = self._shown.get(birth) == "still-looking" and not self._flaw("personal_twice")
        personal = searched and not child and not again and not self._flaw("never_personal")
        self._shown[birth] = "still-looking" if personal else "house"
        return _given(self._shown[birth], INDIVIDUAL if personal else GENERAL)

    def _price(self, birth: int) -> decision_pb2.DecideResponse:
        honoured = self._measured(birth) >= ENOUGH_MINOR or self._flaw("all_pay_less")
        if self._flaw("price_stays") and len(self._world.person(birth)) > 1:
            honoured = True
        if not honoured or self._flaw("guests_pay_all"):
            return _given("regular", GENERAL, price_minor=PRICE_MINOR)
        told = "" if self._flaw("price_is_undisclosed") else "This price is yours alone."
        price_minor = PRICE_MINOR - TENTH
        return _given(
            "honoured", INDIVIDUAL, price_minor=price_minor, price_personalised=True, disclosure=told
        )

    def _flavour(self, birth: int, request: Any, caller: str) -> decision_pb2.DecideResponse:
        liked = {one.name for one in self._said[birth].preferences}
        option = "lemon-spark" if "Fruit" in liked and not self._flaw("one_flavour_for_all") else "plum-ember"
        if request.channel == offer_pb2.CHANNEL_STORE and self._flaw("another_in_the_shop"):
            option = "house"
        answer = _given(option, INDIVIDUAL)
        answer.decision_id = f"{caller}-{birth}"
        return answer

    def _due(self, caller: str) -> decision_pb2.DueResponse:
        told: dict[int, int] = {}
        for birth in self._passed:
            person = birth if self._flaw("a_message_a_channel") else min(self._world.person(birth))
            if not self._flaw("nothing_is_due"):
                told.setdefault(person, birth)
        self._passed = []
        answer = decision_pb2.DueResponse()
        for birth in told.values():
            answer.decisions.add(
                subject=self._world.sealed(caller, birth),
                decision_id="d",
                given={"play_id": "florist-nearby"},
            )
        return answer

    def _why(self) -> decision_pb2.WhyResponse:
        answer = decision_pb2.WhyResponse(text="You are an honoured guest.")
        origin = "" if self._flaw("why_without_origin") else "loyalty"
        basis = "" if self._flaw("why_without_basis") else "consent"
        read = ["loyalty.guests.status", *(["declared.age_band"] if self._flaw("age_makes_prices") else [])]
        for name in read:
            answer.read.add(name=name, origin=origin, purpose="personalise.pricing", legal_basis=basis)
        return answer

    def _measured(self, birth: int) -> int:
        sign = {profile_pb2.EVENT_KIND_ORDER: 1, profile_pb2.EVENT_KIND_REFUND: -1}
        if self._flaw("refunds_count_nothing"):
            del sign[profile_pb2.EVENT_KIND_REFUND]
        members = {birth} if self._flaw("sums_no_identities") else self._world.person(birth)
        acts = [act for one in members for act in self._acts.get(one, [])]
        return sum(sign.get(act.kind, 0) * act.amount_minor for act in acts)

    def _standing(self, request: Any, _caller: str, opened: Any) -> loyalty_pb2.StandingResponse:
        measured = self._measured(opened(request.subject))
        honoured = measured >= ENOUGH_MINOR or self._flaw("all_are_honoured")
        answer = loyalty_pb2.StandingResponse()
        standing = answer.standings.add(programme_id="guests", measured=measured)
        standing.status = "honoured" if honoured else ""
        standing.remaining = 0 if honoured else ENOUGH_MINOR - measured
        if honoured and not self._flaw("opens_nothing"):
            standing.exclusive_item_ids.append(RESERVE)
        return answer

    def _search(self, request: Any, _caller: str, opened: Any) -> search_pb2.SearchResponse:
        guest = self._measured(opened(request.subject)) >= ENOUGH_MINOR
        shown = (guest or self._flaw("exclusive_for_all")) and not self._flaw("hidden_from_guests")
        if self._flaw("exclusive_stays") and len(self._world.person(opened(request.subject))) > 1:
            shown = True
        there = [item for item in self._items if shown]
        return search_pb2.SearchResponse(items=[{"item_id": item} for item in there])

    def _item(self, request: Any) -> recommender_pb2.Item:
        if request.item_id == RESERVE and RESERVE not in self._items:
            raise NotFound("ITEM_NOT_FOUND")
        return recommender_pb2.Item(item_id=request.item_id, title="A cup")

    def _upsert(self, request: Any) -> recommender_pb2.UpsertItemsResponse:
        self._items |= {item.item_id: item for item in request.items}
        return recommender_pb2.UpsertItemsResponse(upserted=len(request.items))

    def _delete(self, request: Any) -> recommender_pb2.DeleteItemsResponse:
        for item_id in request.item_ids:
            del self._items[item_id]
        return recommender_pb2.DeleteItemsResponse(deleted=len(request.item_ids))


def _held(reason: int) -> decision_pb2.DecideResponse:
    return decision_pb2.DecideResponse(hold={"reason": reason})


def _given(option_id: str, depth: int, **fields: Any) -> decision_pb2.DecideResponse:
    values = {"option_id": option_id, "depth": depth, "channel": offer_pb2.CHANNEL_WEB, **fields}
    return decision_pb2.DecideResponse(given=values, decision_id="d")
