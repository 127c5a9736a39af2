"""The stations about offers: what is put before whom, and when nothing is.

The plays are those that are shipped, and stay in force; the people are made up and erased at the end. An
answer of twenty is drawn otherwise on purpose, so what is drawn is asked for many times over.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

from services.tour.callers import Callers
from services.tour.claims import Claims
from services.tour.desk import Desk
from services.tour.offers_due import Florist
from services.tour.offers_people import ASKED, People, Who, named, options
from services.tour.offers_plays import Plays
from services.tour.offers_prices import Prices
from services.tour.offers_tables import answers_table
from veilgraph.engagement.v1 import decision_pb2, offer_pb2, profile_pb2

BANNER, HOUSE, PERSONAL = "home.banner", "house", "still-looking"
FLAVOURS, FLAVOUR = "flavour.of.the.month", "lemon-spark"
WEB, STORE = offer_pb2.CHANNEL_WEB, offer_pb2.CHANNEL_STORE
#: So soon a decision that promises nothing is written down.
WRITTEN_S = 0.1


class Offers:
    """The walk through them."""

    def __init__(self, callers: Callers, claims: Claims, desk: Desk) -> None:
        self._callers = callers
        self._claims = claims
        self._desk = desk
        self._print = claims.console.print
        self._claim = claims.check

    def walk(self) -> None:
        """Goes the whole way; without the plays there is none."""
        if not Plays(self._callers, self._claims).walk():
            return
        people = People(self._callers.shop, self._desk)
        try:
            Florist(people, self._claims).walk()
            self._rest(people)
            self._alternation(people)
            Prices(self._callers, people, self._claims).walk()
            self._flavour(people)
            self._child(people)
        finally:
            gone = people.erased()
        self._claim(gone == len(people.ids), "Whoever the offers were made to is gone again")

    def _rest(self, people: People) -> None:
        self._station("Somebody was last seen 45 days ago")
        held = _banner(people, Who.RESTING)
        came = people.did((Who.RESTING, profile_pb2.EVENT_KIND_VISIT))
        given = _banner(people, Who.RESTING)
        self._print(answers_table([("after 45 days", held), ("after a visit", given)]))
        self._claim(held.hold.reason == decision_pb2.HOLD_REASON_RESTING, "They are left in peace")
        self._claim(came and given.HasField("given"), "When they come by, the offer is there")

    def _alternation(self, people: People) -> None:
        self._station("One place on the page, asked again and again")
        people.did((Who.READER, profile_pb2.EVENT_KIND_SEARCH))
        answers = self._banners(people)
        self._print(answers_table((f"time {number}", one) for number, one in enumerate(answers, start=1)))
        shown = [one.given.option_id for one in answers]
        self._claim({HOUSE, PERSONAL} <= set(shown), "Personal and general offers take turns in it")
        self._claim(
            not any(one == after == PERSONAL for one, after in itertools.pairwise(shown)),
            "Never is a personal one followed by a personal one",
        )

    def _flavour(self, people: People) -> None:
        self._station("One of twelve flavours, by what somebody said")
        taster = Who.TASTER
        fruit = profile_pb2.Preference(
            kind=profile_pb2.TOPIC_KIND_CATEGORY,
            name="Fruit",
            stance=profile_pb2.STANCE_LIKE,
            strength=profile_pb2.STRENGTH_STRONG,
        )
        people.declare(taster, preferences=[fruit], age_band=profile_pb2.AGE_BAND_25_TO_34)
        asked: dict[str, Any] = {"slot": FLAVOURS, "price_minor": 300, "cost_minor": 100, "currency": "EUR"}
        foretold = people.foretold(taster, channel=WEB, **asked)
        self._claim(
            options(foretold) - {HOUSE} == {FLAVOUR}, "Young, and fond of fruit: one flavour of the twelve"
        )
        name = next(named(foretold, FLAVOUR), "")
        web = people.decide(taster, channel=WEB, request_id=name or people.name, **asked)
        stores = [people.decide(taster, channel=STORE, **asked) for _ in range(ASKED)]
        self._print(
            answers_table(
                [("on the web", web), *((f"in the shop, {n}", one) for n, one in enumerate(stores, 1))]
            )
        )
        self._claim(
            {(one.given.option_id, one.decision_id) for one in (web, *stores)}
            == {(FLAVOUR, web.decision_id)},
            "The same in the shop as on the web, under one decision, however often it is asked",
        )

    def _child(self, people: People) -> None:
        self._station("The one at the page says to be under 13")
        people.declare(Who.READER, age_band=profile_pb2.AGE_BAND_UNDER_13)
        answers = self._banners(people)
        self._print(answers_table((f"time {number}", one) for number, one in enumerate(answers, start=1)))
        self._claim(
            {one.given.option_id for one in answers} == {HOUSE},
            "No personal offer is made any more; the general one is",
        )

    def _banners(self, people: People) -> list[decision_pb2.DecideResponse]:
        answers = []
        for _ in range(ASKED):
            answers.append(_banner(people, Who.READER))
            time.sleep(WRITTEN_S)
        return answers

    def _station(self, title: str) -> None:
        self._print(f"\n[bold]{title}[/bold]", highlight=False)


def _banner(people: People, who: Who) -> decision_pb2.DecideResponse:
    return people.decide(who, slot=BANNER, channel=WEB)
