"""The stations of the tour, each beginning where the one before ended.

Every station prints what a person would want to see and checks its claims against the
suite's own answers; the last ones compare everything with what was answered at the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.importing.dealing import CHANNELS, Channel
from services.importing.messages import EVIDENCE, links
from services.tour.claims import Claims
from services.tour.household import (
    PERSONAL,
    SERVICE,
    Household,
    Known,
    all_events,
    grant_again,
    is_personal,
    known_of,
    origins_of,
    portrait,
    recommend,
    request_id,
    resolve,
    told_origins,
    unlink,
    withdraw,
)
from services.tour.tables import callers_table, events_table, items_table, path_table, strangers_table
from veilgraph.client import Denied, InvalidRequest, NotFound, Veilgraph
from veilgraph.identity.v1 import identity_pb2
from veilgraph.recommender.v1 import recommender_pb2

EVENTS_READ, EVENTS_SHOWN = 200, 3


class Walk:
    """The tour of one household."""

    def __init__(
        self,
        shop: Veilgraph,
        partner: Veilgraph,
        household: Household,
        claims: Claims,
        now_ms: Callable[[], int],
    ) -> None:
        self._shop = shop
        self._partner = partner
        self._household = household
        self._ids = household.ids
        self._print = claims.console.print
        self._claim = claims.check
        self._now_ms = now_ms

    def walk(self) -> None:
        """Goes the whole way; each station begins where the one before ended."""
        if self._household.repaired:
            self._print("An earlier tour was interrupted; what it had changed was put back.")
        before = self._strangers()
        self._link()
        self._personal()
        self._withdrawal()
        self._portrait(before)
        self._apart(before)
        self._another_caller()

    def _strangers(self) -> Known:
        self._station("Three channels are three strangers")
        before = known_of(self._shop, self._household)
        self._print(strangers_table(before))
        self._claim(_all_different(before.people), "Each channel's id is a person of its own")
        alone = [before.origins[channel].keys() == {channel.origin} for channel in CHANNELS]
        self._claim(all(alone), "Each id shows the events of its own channel and no others")
        answer = self._recommend(Channel.WEB)
        self._claim(
            is_personal(answer) and told_origins(answer) == {Channel.WEB.origin},
            "What is recommended on the web is explained by the web alone",
        )
        return before

    def _link(self) -> None:
        self._station("Evidence links them: the card shown with a web order, a phone order with the e-mail")
        request = identity_pb2.LinkRequest(links=links(self._ids, self._now_ms()), request_id=request_id())
        results = self._shop.identity.Link(request).results
        self._claim(all(result.linked for result in results), "Both pieces of evidence are taken")
        people = [result.person for result in resolve(self._shop, self._household.dealt)]
        self._claim(len(set(people)) == 1 and bool(people[0]), "The three ids are one person now")
        explained = self._shop.identity.Explain(
            identity_pb2.ExplainRequest(
                subject=self._ids[Channel.PHONE], other=self._ids[Channel.TILL], for_purpose=PERSONAL
            )
        )
        self._print(path_table(explained))
        way = [(step.from_kind, step.to_kind) for step in explained.path]
        self._claim(
            explained.linked
            and way
            == [
                (identity_pb2.IDENTIFIER_KIND_PHONE, identity_pb2.IDENTIFIER_KIND_EMAIL),
                (identity_pb2.IDENTIFIER_KIND_EMAIL, identity_pb2.IDENTIFIER_KIND_LOYALTY_CARD),
            ],
            "The suite explains why phone and card are one person, step by step, and shows no value",
        )

    def _personal(self) -> None:
        self._station("Recommendations on the phone, with their reasons")
        answer = self._recommend(Channel.PHONE)
        self._print(items_table(answer))
        self._claim(is_personal(answer), "The answer is personal")
        self._claim(len(told_origins(answer)) > 1, "Its reasons are events of more than one channel")

    def _withdrawal(self) -> None:
        self._station("Personalisation is withdrawn on the web; the till asks next")
        withdraw(self._shop, self._ids[Channel.WEB])
        answer = self._recommend(Channel.TILL)
        self._print(items_table(answer))
        self._claim(
            answer.depth < recommender_pb2.DEPTH_INDIVIDUAL and answer.depth_reason == "NOT_PERMITTED",
            "The very next answer is not personal, on another channel, and says why",
        )
        self._claim(
            bool(answer.items) and not any(item.reasons for item in answer.items),
            "It is still an answer, and no event of theirs is named in it",
        )
        refused = self._reason(lambda: portrait(self._shop, self._ids[Channel.PHONE], PERSONAL))
        self._claim(refused == "NOT_PERMITTED", "Their events can not be read for that purpose by any id")
        self._claim(grant_again(self._shop, self._ids[Channel.WEB]), "It is granted again")
        again = self._recommend(Channel.TILL)
        self._claim(is_personal(again) and len(told_origins(again)) > 1, "The next answer is personal again")

    def _portrait(self, before: Known) -> None:
        self._station("What is known of this person, and where it came from")
        page = portrait(self._shop, self._ids[Channel.WEB], SERVICE, EVENTS_READ)
        newest = [
            event
            for channel in CHANNELS
            for event in [one for one in page.events if one.source.origin == channel.origin][:EVENTS_SHOWN]
        ]
        self._print(events_table(newest, {event.item_id: self._title(event.item_id) for event in newest}))
        together: dict[str, int] = {}
        for origins in before.origins:
            together |= origins
        counts = ", ".join(f"{origin} {count:,}" for origin, count in sorted(together.items()))
        self._claim(
            origins_of(page) == together and page.total_events == sum(together.values()),
            f"One id shows all {page.total_events:,} events with their sources: {counts}",
        )
        self._claim(
            all(
                event.source.party and event.source.origin and event.recorded_at.seconds
                for event in page.events
            ),
            "Every event says whose data it is, which system saw it and when it was recorded",
        )

    def _apart(self, before: Known) -> None:
        self._station("The links are declared wrong")
        self._claim(unlink(self._shop, self._ids) == len(EVIDENCE), "Both links are gone")
        after = known_of(self._shop, self._household)
        self._claim(after.people == before.people, "They are the same three strangers as before")
        self._claim(after.origins == before.origins, "Each id shows exactly the events it showed before")
        self._claim(after.states == before.states, "For every purpose the same is said and allowed as before")
        kept = [
            {event.source.origin for event in all_events(self._shop, self._ids[channel])} == {channel.origin}
            for channel in CHANNELS
        ]
        self._claim(all(kept), "No id kept from before shows a single event of the other channels")

    def _another_caller(self) -> None:
        self._station("A partner asks for the same e-mail address")
        shop, partner = (resolve(client, self._household.dealt) for client in (self._shop, self._partner))
        self._print(callers_table({"shop": shop[Channel.WEB], "partner": partner[Channel.WEB]}))
        seen = [text for results in (shop, partner) for one in results for text in (one.subject, one.person)]
        self._claim(_all_different(seen), "No id and no person of the one is known to the other")
        for client, ids, sentence in (
            (self._partner, shop, "The partner can not use the shop's ids"),
            (self._shop, partner, "The shop can not use the partner's ids"),
        ):
            reasons = {self._refusal_of(client, result.subject) for result in ids}
            self._claim(reasons == {"SUBJECT_REF_MALFORMED"}, sentence)
        reasons = {self._refusal_of(self._shop, result.person) for result in shop}
        self._claim(reasons == {"SUBJECT_REF_MALFORMED"}, "A person's id can not be used to ask about them")

    def _refusal_of(self, client: Veilgraph, subject: str) -> str:
        return self._reason(lambda: recommend(client, subject))

    def _recommend(self, channel: Channel) -> recommender_pb2.RecommendResponse:
        return recommend(self._shop, self._ids[channel])

    def _title(self, item_id: str) -> str:
        try:
            return self._shop.recommender.GetItem(recommender_pb2.GetItemRequest(item_id=item_id)).title
        except NotFound:
            return item_id  # taken out of the catalogue since

    def _reason(self, call: Callable[[], object]) -> str:
        """The reason a call is refused for; empty if it is answered."""
        try:
            call()
        except (Denied, InvalidRequest) as error:
            return error.reason
        return ""

    def _station(self, title: str) -> None:
        self._print(f"\n[bold]{title}[/bold]", highlight=False)


def _all_different(texts: Sequence[str]) -> bool:
    return all(texts) and len(set(texts)) == len(texts)
