"""The stations about what something costs whom: an honoured guest, made and unmade, and why it is told."""

from __future__ import annotations

import time
from typing import Any

from services.tour.callers import Callers
from services.tour.claims import Claims
from services.tour.household import request_id
from services.tour.offers_people import PRICING, People, Who, named, options
from services.tour.offers_tables import standings_table, why_table
from veilgraph.client import NotFound
from veilgraph.engagement.v1 import decision_pb2, loyalty_pb2, offer_pb2, profile_pb2
from veilgraph.recommender.v1 import recommender_pb2, search_pb2

PROGRAMME, STATUS = "guests", "honoured"
SLOT, HONOURED, REGULAR = "basket.offer", "honoured", "regular"
#: The item that the programme opens to its guests; its title is the tour's, so the tour takes no other out.
RESERVE, TITLE = "reserve-1974", "Tourwine of the reserve"
PRICE_MINOR, COST_MINOR, TENTH = 10_000, 5_000, 1_000
FIRST_MINOR, SECOND_MINOR = 3_000_000, 2_000_000
#: So long an item that is new to the catalogue may take to be found.
FOUND_S, POLL_S = 30.0, 0.1


class Prices:
    """Purchases of 50,000.00 within the month make an honoured guest."""

    def __init__(self, callers: Callers, people: People, claims: Claims) -> None:
        self._importer = callers.importer
        self._people = people
        self._print = claims.console.print
        self._claim = claims.check
        self._steps: list[tuple[str, loyalty_pb2.ProgrammeStanding]] = []

    def walk(self) -> None:
        """Goes the whole way, and takes the item it needed out of the catalogue again."""
        added = self._add_reserve()
        try:
            self._reached()
            self._discount()
            self._lost()
        finally:
            if added:
                request = recommender_pb2.DeleteItemsRequest(item_ids=[RESERVE], request_id=request_id())
                self._importer.recommender.DeleteItems(request)

    def _reached(self) -> None:
        self._print("\n[bold]Purchases of 50,000.00 in a month, on the web and by phone[/bold]")
        web, phone = Who.GUEST_WEB, Who.GUEST_PHONE
        bought = self._order(web, "web", FIRST_MINOR) and self._order(phone, "phone", SECOND_MINOR)
        apart = [
            self._standing(f"a stranger, on the {on}", who) for on, who in (("web", web), ("phone", phone))
        ]
        self._claim(
            bought
            and [(one.status, one.measured) for one in apart] == [("", FIRST_MINOR), ("", SECOND_MINOR)],
            "Apart neither has the status, and each has what it bought",
        )
        linked = self._people.join(web, phone)
        both = [
            self._standing(f"one person, asked on the {on}", who)
            for on, who in (("web", web), ("phone", phone))
        ]
        self._claim(
            linked and {(one.status, one.measured) for one in both} == {(STATUS, FIRST_MINOR + SECOND_MINOR)},
            "Linked they are an honoured guest, by either identity",
        )
        self._claim(RESERVE in both[0].exclusive_item_ids, "The programme says what that opens to them")
        self._claim(self._finds_soon(phone), "They find what is kept for guests")
        self._claim(not self._finds(Who.STRANGER), "A stranger who searches for it does not")

    def _discount(self) -> None:
        self._print("\n[bold]A price of their own, and why[/bold]")
        guest = Who.GUEST_PHONE
        name = next(named(self._foretold(guest), HONOURED), "")
        if not self._claim(bool(name), "A dry run finds a price for guests"):
            return
        answer = self._people.decide(guest, request_id=name, **_priced())
        given = answer.given
        self._claim(
            (given.option_id, given.price_minor) == (HONOURED, PRICE_MINOR - TENTH),
            "Asked in earnest the same comes out: a tenth less",
        )
        self._claim(
            given.price_personalised and bool(given.disclosure),
            f"The price is named as theirs, and to be disclosed: “{given.disclosure}”",
        )
        self._why(guest, answer.decision_id)
        stranger = self._foretold(Who.STRANGER)
        self._claim(
            {one.given.price_minor for _, one in stranger} == {PRICE_MINOR}, "A stranger pays the full price"
        )

    def _why(self, guest: Who, decision_id: str) -> None:
        request = decision_pb2.WhyRequest(
            subject=self._people.ids[guest], decision_id=decision_id, reader=decision_pb2.READER_PERSON
        )
        why = self._people.shop.decisions.Why(request)
        self._print(why_table(why))
        self._print(why.text, markup=False, highlight=False)
        read = {one.name: one for one in why.read}
        status = read.get(f"loyalty.{PROGRAMME}.status")
        self._claim(
            status is not None and bool(status.origin) and status.purpose == "personalise.pricing",
            "It was made of their status, which has its origin, and for which purpose is said",
        )
        self._claim(
            bool(read) and all(one.legal_basis for one in read.values()),
            "All that was read says what its use rests on",
        )
        self._claim(
            not any(
                name.startswith(("declared.age", "attribute.sex", "attribute.postcode")) for name in read
            ),
            "Neither age nor sex nor address is among it",
        )

    def _lost(self) -> None:
        self._print("\n[bold]One cent is returned[/bold]")
        web, phone = Who.GUEST_WEB, Who.GUEST_PHONE
        self._people.did(
            (phone, profile_pb2.EVENT_KIND_REFUND),
            item_id=RESERVE,
            amount_minor=1,
            currency="EUR",
            order_ref=self._reference("phone"),
        )
        lost = self._standing("one cent was returned", web)
        self._print(standings_table(self._steps))
        self._claim((lost.status, lost.remaining) == ("", 1), "The status is gone, by one cent")
        self._claim(options(self._foretold(phone)) == {REGULAR}, "So is the price of their own")
        self._claim(not self._finds(web) and not self._finds(phone), "And what is kept for guests is hidden")

    def _order(self, who: Who, on: str, amount_minor: int) -> bool:
        return self._people.did(
            (who, profile_pb2.EVENT_KIND_ORDER),
            item_id=RESERVE,
            amount_minor=amount_minor,
            currency="EUR",
            order_ref=self._reference(on),
        )

    def _reference(self, on: str) -> str:
        """The order's own name: the shop's, and of this tour alone."""
        return f"tour-{self._people.name}-{on}"

    def _standing(self, when: str, who: Who) -> loyalty_pb2.ProgrammeStanding:
        request = loyalty_pb2.StandingRequest(subject=self._people.ids[who], programme_ids=[PROGRAMME])
        (standing,) = self._people.shop.loyalty.Standing(request).standings
        self._steps.append((when, standing))
        return standing

    def _foretold(self, who: Who) -> list[tuple[str, decision_pb2.DecideResponse]]:
        return self._people.foretold(who, **_priced())

    def _finds(self, who: Who) -> bool:
        request = search_pb2.SearchRequest(subject=self._people.ids[who], query=TITLE, page_size=20)
        return RESERVE in {item.item_id for item in self._people.shop.search.Search(request).items}

    def _finds_soon(self, who: Who) -> bool:
        """Whether it is found before time is up; what is new to the catalogue takes a moment."""
        until = time.monotonic() + FOUND_S
        while not self._finds(who):
            if time.monotonic() > until:
                return False
            time.sleep(POLL_S)
        return True

    def _add_reserve(self) -> bool:
        """Has the item in the catalogue; whether it is the tour's own."""
        try:
            there = self._people.shop.recommender.GetItem(recommender_pb2.GetItemRequest(item_id=RESERVE))
        except NotFound:
            there = None
        if there is not None and there.title != TITLE:
            return False
        item = recommender_pb2.Item(item_id=RESERVE, title=TITLE, category="Tour", exclusive=True)
        request = recommender_pb2.UpsertItemsRequest(items=[item], request_id=request_id())
        self._importer.recommender.UpsertItems(request)
        return True


def _priced() -> dict[str, Any]:
    return {
        "for_purpose": PRICING,
        "slot": SLOT,
        "channel": offer_pb2.CHANNEL_WEB,
        "price_minor": PRICE_MINOR,
        "cost_minor": COST_MINOR,
        "currency": "EUR",
    }
