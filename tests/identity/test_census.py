"""Which links the people they would make allow."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from identity.census import Known, Quarantine
from identity.graph import Graph
from identity.ids import SubjectId
from identity.judging import Judged, reaches, rule
from identity.ledger import NEVER_MS, Edge, EdgeState, Evidence, LedgerEntry, Sighting, ordered
from identity.linking import LinkRefusal, Verdict
from identity.marks import PARTS, Mark
from identity.rules import DAY_MS, Rules
from identity.tokens import IdentifierKind as Kind
from tests.identity.graphs import NOW_MS
from tests.identity.rulebook import SHIPPED, variant

SHARED = LinkRefusal.IDENTIFIER_SHARED
NEW = Verdict.NEW
NOW = NOW_MS + 1000 * DAY_MS


class People:
    """Identifiers by name, the kind being its first word; links are kept as the service keeps them."""

    def __init__(self, rules: Rules = SHIPPED) -> None:
        self.rules = rules
        self.graph = Graph()
        self.names: dict[str, SubjectId] = {}
        self.shared: set[SubjectId] = set()
        self.blocked: set[SubjectId] = set()
        self.edges: list[Edge] = []
        self.marks: dict[SubjectId, Mark] = {}

    def subject(self, name: str) -> SubjectId:
        return self.names.setdefault(name, SubjectId(len(self.names).to_bytes(16, "big")))

    def sighting(self, one: str, other: str, evidence=Evidence.LOGIN, **fields) -> Sighting:
        given = Sighting(self.subject(one), self.subject(other), evidence, "web", NOW, NEVER_MS, 1000)
        return given._replace(**fields)

    def known(self, ends: Iterable[SubjectId]) -> Known:
        kinds = {subject: Kind[name.split()[0].upper()] for name, subject in self.names.items()}
        walked = reaches(ends, self.graph, self.rules.members_max)
        return Known(self.graph, walked, kinds, self.shared, self.blocked, NOW)

    def judge(self, *sightings: Sighting, entries=()) -> Judged:
        known = self.known([end for one in sightings for end in (one.subject, one.other)])
        return rule(sightings, entries, known, self.rules, NOW)

    def links(self, *pairs: tuple[str, str], **fields) -> list[LinkRefusal | Verdict]:
        """Links in one batch, kept; what became of each."""
        return self.keep(self.judge(*(self.sighting(*pair, **fields) for pair in pairs)))

    def link(self, one: str, other: str, **fields) -> LinkRefusal | Verdict:
        return self.links((one, other), **fields)[0]

    def keep(self, judged: Judged) -> list[LinkRefusal | Verdict]:
        for ruling in judged.rulings:
            if ruling.verdict is Verdict.NEW or ruling.carries:
                seen = ruling.sighting
                state = EdgeState.DISTRUSTED if ruling.carries else EdgeState.ACTIVE
                edge = Edge(len(self.edges) + 1, *seen.key, *seen[4:], state)
                self.edges.append(edge)
                self.graph.apply([edge])
        self.take_back(judged.quarantines)
        return [ruling.refusal or ruling.verdict for ruling in judged.rulings]

    def take_back(self, quarantines: Iterable[Quarantine]) -> None:
        carried = {edge for one in quarantines for edge in one.carriers}
        for one in quarantines:
            if one.shared is not None:
                self.shared.add(one.shared)
                self.marks[one.shared] = one.mark
            carried.difference_update(one.edges)
            self.graph.apply(edge._replace(state=EdgeState.QUARANTINED) for edge in one.edges)
        self.graph.apply(edge._replace(state=EdgeState.DISTRUSTED) for edge in carried)

    def person(self, name: str) -> set[str]:
        members = self.graph.asserted(self.subject(name), 500).members
        return {one for one, subject in self.names.items() if subject in members}


def one_by_one(people: People, *pairs: tuple[str, str], **fields) -> list[LinkRefusal | Verdict]:
    return [people.link(*pair, **fields) for pair in pairs]


TILL = [("device_id till", f"account_id {number}") for number in range(4)]


def test_a_till_links_nobody_once_it_was_seen_with_a_second_customer():
    """The second link is refused, the first one taken back, and no later one is taken."""
    people = People()
    assert one_by_one(people, *TILL) == [NEW, SHARED, SHARED, SHARED]
    assert all(people.person(name) == {name} for name in people.names)


def test_within_one_batch_as_in_several():
    together, apart = People(), People()
    assert together.links(*TILL) == [SHARED] * 4
    one_by_one(apart, *TILL)
    assert together.shared == apart.shared == {together.subject("device_id till")}
    assert not together.graph.at(together.subject("device_id till"))


def test_customers_that_a_till_had_joined_are_apart_again_within_the_batch():
    """What the batch goes on to link is judged by who is one person then."""
    people = People(variant(members_max=3, kinds={"device_id": {"shared_above": {"account_id": 2}}}))
    batch = [*TILL[:3], ("account_id 0", "email 0"), ("account_id 1", "email 1")]
    assert people.links(*batch) == [SHARED, SHARED, SHARED, NEW, NEW]


def test_a_person_with_five_emails_and_ten_devices_is_one():
    """An account is nobody's till, however much hangs on it."""
    people = People()
    hub = [("account_id anna", f"email {n}") for n in range(5)]
    hub += [("account_id anna", f"device_id {n}") for n in range(10)]
    assert set(one_by_one(people, *hub)) == {NEW}
    assert len(people.person("account_id anna")) == 16


def test_a_familys_tablet_joins_nobody_and_a_couple_s_telephone_does():
    people = People()
    assert people.link("device_id tablet", "account_id mother") is NEW
    assert people.link("device_id tablet", "account_id child") is SHARED
    assert people.link("phone landline", "account_id mother") is NEW
    assert people.link("phone landline", "account_id father") is NEW


def test_a_call_centres_phone_is_found_by_the_people_behind_it_if_not_by_its_own_links():
    """No two accounts are linked with it directly; three hang together by it alone."""
    people = People()
    chains = [(f"email {n}", f"account_id {n}") for n in range(3)]
    one_by_one(people, *chains)
    phone = [("phone centre", f"email {n}") for n in range(3)]
    assert one_by_one(people, *phone) == [NEW, NEW, SHARED]
    assert people.person("phone centre") == {"phone centre"}
    assert people.person("email 0") == {"email 0", "account_id 0"}


def test_a_link_elsewhere_may_show_an_identifier_to_be_shared_and_is_taken_itself():
    people = People()
    one_by_one(people, *[(f"email {n}", f"account_id {n}") for n in range(2)])
    one_by_one(people, *[("phone centre", f"email {n}") for n in range(3)])
    assert people.link("email 2", "account_id 2") is NEW
    assert people.person("phone centre") == {"phone centre"}
    assert people.person("email 2") == {"email 2", "account_id 2"}


@pytest.mark.parametrize("guess", [{"evidence": Evidence.SIMILARITY}, {"confidence_permille": 299}])
def test_a_guess_makes_nobody_suspicious(guess):
    """It is refused alone: a weak link never takes away what spreads refusals."""
    people = People()
    people.link("device_id till", "account_id 0")
    assert people.link("device_id till", "account_id 1", **guess) is SHARED
    assert people.person("device_id till") == {"device_id till", "account_id 0"}
    assert not people.shared


@pytest.mark.parametrize("guess", [{"evidence": Evidence.PARTNER_MATCH}, {"confidence_permille": 299}])
def test_a_guess_joins_no_two_people_of_whom_each_has_an_anchor(guess):
    people = People()
    people.link("account_id 1", "email 1")
    people.link("account_id 2", "email 2")
    assert people.link("email 1", "email 2", **guess) is LinkRefusal.BRIDGES_PEOPLE
    assert people.link("email 1", "cookie 1", **guess) is NEW
    assert people.link("account_id 1", "email 1", **guess, source="app") is NEW


def test_a_guess_that_proof_makes_the_only_bridge_between_two_people_is_given_up():
    """Whichever of the two came first."""
    people = People()
    people.link("email 1", "email 2", evidence=Evidence.SIMILARITY)
    people.link("account_id 1", "email 1")
    assert people.link("account_id 2", "email 2") is NEW
    assert people.person("email 1") == {"email 1", "account_id 1"}
    assert people.person("email 2") == {"email 2", "account_id 2"}


def test_within_a_batch_the_guess_is_refused():
    people = People()
    sightings = [
        people.sighting("email 1", "email 2", evidence=Evidence.SIMILARITY),
        people.sighting("account_id 1", "email 1"),
        people.sighting("account_id 2", "email 2"),
    ]
    assert people.keep(people.judge(*sightings)) == [LinkRefusal.BRIDGES_PEOPLE, NEW, NEW]


def test_proof_between_two_whose_guess_was_given_up_shows_another_guess_to_be_a_bridge():
    """In one batch as one by one: two accounts are joined by no guess."""
    links = [("email 0", "email 1"), ("account_id 1", "email 1")]
    for together in (False, True):
        people = People()
        for number in range(2):
            people.link(f"account_id {number}", f"email {number}", evidence=Evidence.SIMILARITY)
        people.links(*links) if together else one_by_one(people, *links)
        assert people.person("account_id 1") == {"account_id 1", "email 0", "email 1"}
        assert people.person("account_id 0") == {"account_id 0"}


def test_a_person_has_no_more_identifiers_of_a_kind_than_the_rules_allow():
    people = People(variant(kinds={"email": {"per_person_max": 2}}))
    emails = [("account_id anna", f"email {n}") for n in range(3)]
    assert one_by_one(people, *emails) == [NEW, NEW, LinkRefusal.PERSON_KIND_LIMIT]
    (ruling,) = people.judge(people.sighting("account_id anna", "email 9")).rulings
    assert (ruling.reason, ruling.fault) == ("PERSON_KIND_LIMIT:EMAIL", "other")


def test_only_what_was_seen_within_the_window_counts():
    people = People(variant(kinds={"device_id": {"per_person_max": 1, "window_days": 30}}))
    people.link("account_id anna", "device_id old", observed_at_ms=NOW - 30 * DAY_MS)
    assert people.link("account_id anna", "device_id new") is NEW
    assert people.link("account_id anna", "device_id more") is LinkRefusal.PERSON_KIND_LIMIT


def test_two_people_are_not_joined_into_one_with_too_many_of_a_kind():
    people = People(variant(kinds={"email": {"per_person_max": 3}}))
    for person in ("a", "b"):
        one_by_one(people, *[(f"account_id {person}", f"email {person}{n}") for n in range(2)])
    (ruling,) = people.judge(people.sighting("account_id a", "account_id b")).rulings
    assert (ruling.reason, ruling.fault) == ("PERSON_KIND_LIMIT:EMAIL", ""), "of which the caller sent none"


def test_what_stands_for_no_identifier_is_linked_with_nobody():
    people = People()
    people.blocked.add(people.subject("email junk"))
    assert people.link("email junk", "account_id anna") is LinkRefusal.BLOCKED_VALUE


def test_an_identifier_found_to_be_shared_takes_not_even_what_it_had():
    people = People()
    one_by_one(people, *TILL[:2])
    till, account = people.subject("device_id till"), people.subject("account_id 0")
    gone = Edge(1, *ordered(till, account), Evidence.LOGIN, "web", 5, NEVER_MS, 1000, EdgeState.QUARANTINED)
    (ruling,) = people.judge(
        people.sighting("device_id till", "account_id 0"), entries=[LedgerEntry(gone, 5, "")]
    ).rulings
    assert ruling.refusal is SHARED


def test_ordinary_links_are_judged_alike_in_one_batch_and_one_by_one():
    pairs = [(f"account_id {n}", f"{kind} {n}") for n in range(5) for kind in ("email", "cookie", "phone")]
    together, apart = People(), People()
    assert together.links(*pairs) == one_by_one(apart, *pairs) == [NEW] * 15


def test_two_identifiers_of_one_tablet_hide_nobody_behind_each_other():
    """Each alone is no joint: whoever it joins the other one joins as well."""
    people = People()
    one_by_one(people, *[(f"email {n}", f"account_id {n}") for n in range(4)])
    people.link("device_id tablet", "cookie tablet")
    for n in range(4):
        one_by_one(people, ("device_id tablet", f"email {n}"), ("cookie tablet", f"email {n}"))
    assert people.person("account_id 0") == {"account_id 0", "email 0"}
    assert people.shared == {people.subject("device_id tablet"), people.subject("cookie tablet")}


def test_two_guesses_side_by_side_join_no_two_people_of_whom_each_has_an_anchor():
    people = People()
    one_by_one(people, ("account_id a", "email a"), ("email n1", "email n2"))
    one_by_one(people, ("email a", "email n1"), ("email a", "email n2"), evidence=Evidence.SIMILARITY)
    assert people.link("email n1", "account_id b") is NEW
    assert people.person("account_id a") == {"account_id a", "email a"}


def test_proof_seen_again_by_somebody_less_sure_stays_proof():
    """Else two people with an anchor each would be joined by what has become a guess."""
    people = People()
    one_by_one(people, ("account_id a", "email a"), ("account_id b", "email b"))
    people.link("email a", "email b", observed_at_ms=NOW - 10)
    known = LedgerEntry(people.edges[-1], NOW, "")
    unsure = people.sighting("email a", "email b", confidence_permille=1)
    (ruling,) = people.judge(unsure, entries=[known]).rulings
    assert (ruling.verdict, ruling.sighting.confidence_permille) == (Verdict.SEEN_AGAIN, 1000)
    people = People()
    one_by_one(people, ("account_id a", "email a"), ("account_id b", "email b"))
    seen = people.sighting("email a", "email b", observed_at_ms=NOW - 10)
    first, second = people.judge(seen, seen._replace(confidence_permille=1, observed_at_ms=NOW)).rulings
    assert (first.verdict, second.verdict) == (Verdict.KNOWN, NEW)
    assert second.sighting.confidence_permille == 1000


def test_what_is_seen_again_after_its_window_counts_like_what_is_new():
    people = People(variant(kinds={"device_id": {"per_person_max": 3}}))
    old_ms = NOW - 400 * DAY_MS
    people.links(*[("account_id a", f"device_id old{n}") for n in range(2)], observed_at_ms=old_ms)
    entries = [LedgerEntry(edge, old_ms, "") for edge in people.edges]
    people.links(*[("account_id a", f"device_id new{n}") for n in range(2)])
    again = [people.sighting("account_id a", f"device_id old{n}") for n in range(2)]
    first, second = people.judge(*again, entries=entries).rulings
    assert first.verdict is Verdict.SEEN_AGAIN
    assert second.reason == "PERSON_KIND_LIMIT:DEVICE_ID"


def test_what_is_seen_again_within_its_window_is_never_one_too_many():
    people = People(variant(kinds={"device_id": {"per_person_max": 2}}))
    people.links(*[("account_id a", f"device_id {n}") for n in range(2)], observed_at_ms=NOW - DAY_MS)
    entries = [LedgerEntry(edge, NOW, "") for edge in people.edges]
    strict = variant(kinds={"device_id": {"per_person_max": 1}})
    people.rules = strict
    (ruling,) = people.judge(people.sighting("account_id a", "device_id 0"), entries=entries).rulings
    assert ruling.verdict is Verdict.SEEN_AGAIN


def test_a_quarantine_says_by_what_the_identifier_was_found_shared():
    """As many as the rules would have had to allow, so that others can be asked."""
    tills, centres = People(), People()
    tills.link(*TILL[0])
    judged = tills.judge(tills.sighting(*TILL[1]))
    assert [one.mark for one in judged.quarantines] == [Mark(Kind.ACCOUNT_ID, 2)]
    for number in range(3):
        one_by_one(centres, (f"email {number}", f"account_id {number}"))
    one_by_one(centres, *[("phone centre", f"email {number}") for number in range(2)])
    judged = centres.judge(centres.sighting("phone centre", "email 2"))
    assert [one.mark for one in judged.quarantines] == [Mark(PARTS, 3)]
