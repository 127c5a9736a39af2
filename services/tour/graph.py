"""The stations about what keeps people apart: a shared till, a corrected mistake, a rule tried first."""

from __future__ import annotations

import re

from services.tour.callers import Callers
from services.tour.claims import Claims
from services.tour.crowd import ADDRESS, ANNA, BERT, TILL, Crowd
from services.tour.desk import Desk
from services.tour.household import PERSONAL, request_id, say
from services.tour.tables import path_table, person_table, rules_table
from veilgraph.consent.v1 import consent_pb2
from veilgraph.identity.v1 import identity_pb2, people_pb2, rules_pb2
from veilgraph.privacy.v1 import privacy_pb2

RUMOUR = "tour-rumour"
RETIRED = f'\n[sources.named.{RUMOUR}]\nstatus = "retired"\nevidence = ["login"]\n'
#: So many people of each sort are named; the tour's own are two of few that its rule is about.
NAMED = 100
STRICT = privacy_pb2.PURPOSE_LOYALTY
LOYALTY = "loyalty"


class Graph:
    """Three stations with people made up for them."""

    def __init__(self, callers: Callers, crowd: Crowd, claims: Claims, desk: Desk) -> None:
        self._shop = callers.shop
        self._operator = callers.operator
        self._crowd = crowd
        self._print = claims.console.print
        self._claim = claims.check
        self._now_ms = desk.now_ms

    def walk(self) -> None:
        """Goes the whole way."""
        self._till()
        self._mistake()
        self._rule()

    def _till(self) -> None:
        self._station("A till signs in one customer, and then another one")
        crowd = self._crowd
        self._claim(not self._login(ANNA, TILL), "That the first signed in there is taken as evidence")
        anna, _, till, _ = crowd.people(STRICT)
        self._claim(bool(anna) and anna == till, "The till is taken for the first customer's own")
        say(self._shop, crowd.ids[ANNA], consent_pb2.ACTION_WITHDRAW, [LOYALTY])
        self._claim(TILL not in crowd.allowing(LOYALTY), "What that customer takes back is taken back there")
        refused = self._login(BERT, TILL)
        self._claim(refused == "IDENTIFIER_SHARED", "The second shows it to be shared, and is refused")
        people = crowd.people(PERSONAL)
        self._claim(all(people) and len(set(people)) == len(people), "It joins nobody any more")
        self._claim(
            {BERT, TILL} <= crowd.allowing(LOYALTY),
            "What the first took back holds for the first alone",
        )
        self._claim(ANNA not in crowd.allowing(LOYALTY), "And there it holds")
        self._claim(
            self._login(ANNA, TILL) == "IDENTIFIER_SHARED", "Signing in there again changes nothing of it"
        )
        subject = crowd.known_to(self._operator)[TILL]
        request = people_pb2.GetPersonRequest(subject=subject, for_purpose=STRICT)
        seen = self._operator.people.GetPerson(request)
        self._print(person_table(seen))
        self._claim(
            bool(seen.links) and all(link.reason == "IDENTIFIER_SHARED" for link in seen.links),
            "An operator sees what was refused and why, and no value",
        )

    def _mistake(self) -> None:
        self._station("An address is linked by mistake, explained, and declared wrong")
        crowd, ids, seen_ms = self._crowd, self._crowd.ids, self._now_ms()
        evidence = identity_pb2.EVIDENCE_SAME_ORDER, "tour-orders", seen_ms
        self._claim(not crowd.link(BERT, ADDRESS, *evidence), "An order with both is taken as evidence")
        explained = self._shop.identity.Explain(
            identity_pb2.ExplainRequest(subject=ids[BERT], other=ids[ADDRESS], for_purpose=STRICT)
        )
        self._print(path_table(explained))
        way = [(step.evidence, step.source) for step in explained.path]
        self._claim(explained.linked and way == [evidence[:2]], "It is all that joins the two")
        request = identity_pb2.UnlinkRequest(
            subject=ids[BERT], other=ids[ADDRESS], reason="mistyped", request_id=request_id()
        )
        self._claim(self._shop.identity.Unlink(request).edges_removed == 1, "It is declared wrong")
        people = crowd.people(STRICT)
        self._claim(people[BERT] != people[ADDRESS], "They are two people at once")
        refused = crowd.link(BERT, ADDRESS, *evidence)
        self._claim(refused == "LINK_DECLARED_WRONG", "Imported again, it does not bring them together")
        people = crowd.people(STRICT)
        self._claim(people[BERT] != people[ADDRESS], "They are two people still")

    def _rule(self) -> None:
        self._station("What it would change not to believe a source any more")
        crowd, rules = self._crowd, self._operator.rules
        evidence = identity_pb2.EVIDENCE_LOGIN, RUMOUR, self._now_ms()
        self._claim(
            not crowd.link(BERT, ADDRESS, *evidence), "A source says that two are one, and is believed"
        )
        in_force = rules.GetRules(rules_pb2.GetRulesRequest())
        tried = without_rumour(in_force.rules, in_force.version + 1)
        preview = rules.PreviewRules(rules_pb2.PreviewRulesRequest(rules=tried, examples=NAMED))
        self._print(rules_table(preview))
        known = crowd.known_to(self._operator)
        two = {known[BERT], known[ADDRESS]}
        views = [(view.splits, view.merges) for view in preview.views]
        self._claim(
            bool(views) and set(views) == {(1, 0)}, "One person of all would be two, and none would be joined"
        )
        told = [set(person.subjects) for view in preview.views for person in view.split_people]
        self._claim(bool(told) and all(one == two for one in told), "The preview says who")
        people = crowd.people(STRICT)
        self._claim(bool(people[BERT]) and people[BERT] == people[ADDRESS], "They are one still")
        after = rules.GetRules(rules_pb2.GetRulesRequest())
        self._claim(after.digest == in_force.digest, "The rules in force are what they were")

    def _login(self, one: int, other: int) -> str:
        return self._crowd.link(one, other, identity_pb2.EVIDENCE_LOGIN, "tour-till", self._now_ms())

    def _station(self, title: str) -> None:
        self._print(f"\n[bold]{title}[/bold]", highlight=False)


def without_rumour(rules: str, version: int) -> str:
    """A rules file that no longer believes the tour's source."""
    return re.sub(r"(?m)^version *=.*$", f"version = {version}", rules, count=1) + RETIRED
