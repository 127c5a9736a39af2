"""Nobody's word frees a refusal that it did not carry: identifiers crowded by links of others."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.judging import taken_apart
from identity.ledger import EdgeState, Evidence, LedgerEntry
from identity.linking import LinkRefusal, Verdict, undo
from identity.witnesses import Witnesses
from tests.identity.rulebook import variant
from tests.identity.test_census import NOW, People, one_by_one
from tests.identity.test_replay import LAX, Ledger, newer

SHARED, NEW = LinkRefusal.IDENTIFIER_SHARED, Verdict.NEW
ANNA, PHONE = "account_id anna", "phone anna"
OTHERS = [(PHONE, f"account_id {number}") for number in range(3)]
#: Carries refusals: whatever is asserted and not declared wrong, but for what was taken back.
CARRIES = {EdgeState.ACTIVE, EdgeState.DISTRUSTED}


class Carried(People):
    """People whose links are asked what refusals go over them."""

    def states(self, one: str, other: str) -> dict[str, EdgeState]:
        """The state of each link of two by its source."""
        pair = {self.subject(one), self.subject(other)}
        known = [*self.graph.at(self.subject(one)), *self.graph.carriers(self.subject(one))]
        return {edge.source: edge.state for edge in known if {edge.a, edge.b} == pair}

    def drawn(self, without: str = "") -> nx.Graph:
        """Who hears whose refusals; as if one source had said nothing."""
        drawn = nx.Graph()
        drawn.add_nodes_from(self.names.values())
        for subject in self.names.values():
            known = [*self.graph.at(subject), *self.graph.carriers(subject)]
            drawn.add_edges_from((edge.a, edge.b) for edge in known if edge.source != without)
        return drawn

    def hear(self, one: str, other: str) -> bool:
        """Whether what one refuses is refused for the other."""
        return nx.has_path(self.drawn(), self.subject(one), self.subject(other))

    def unlink(self, one: str, other: str) -> None:
        """Declares wrong what links two, kept as the service keeps it."""
        pair = self.subject(one), self.subject(other)
        known = self.known(pair)
        entries = [LedgerEntry(edge, NOW, "") for edge in self.graph.held(pair[0]) if pair[1] in edge[1:3]]
        quarantines = taken_apart(pair, known, self.rules)
        self.graph.apply(entry.edge._replace(state=EdgeState.WRONG) for entry in undo(entries, "", NOW))
        self.take_back(quarantines)


@pytest.mark.parametrize("crowd", [["shop"] * 2, ["shop", "partner"]])
def test_a_telephone_that_others_crowd_goes_on_hearing_its_owner(crowd):
    """Whoever may link brings other people's accounts: that joins nobody, and frees no refusal."""
    people = Carried()
    assert people.link(ANNA, PHONE, source="crm") is NEW
    answers = [people.link(*pair, source=by) for pair, by in zip(OTHERS, crowd, strict=False)]
    assert answers == [NEW, SHARED]
    assert people.states(ANNA, PHONE) == {"crm": EdgeState.DISTRUSTED}
    assert people.person(PHONE) == {PHONE}
    assert people.hear(ANNA, PHONE)
    assert not people.hear(ANNA, OTHERS[1][1])


def test_a_crowd_that_was_there_first_goes_when_it_shows_itself_and_takes_nobody_along():
    """The identifier's own link is older, younger or in between: it stays when the crowd is one source's."""
    for place in range(3):
        people = Carried()
        history = [(*pair, "shop") for pair in OTHERS]
        history.insert(place, ("email anna", PHONE, "crm"))
        for one, other, source in history:
            people.link(one, other, source=source)
        assert people.states("email anna", PHONE) == {"crm": EdgeState.DISTRUSTED}
        assert people.states(*OTHERS[0]) == {}, "a real call centre's links count for nothing"


def test_a_crowd_of_guesses_and_of_links_that_ran_out_frees_nothing():
    people = Carried()
    people.link(ANNA, PHONE, source="crm")
    people.link(*OTHERS[0], source="shop", observed_at_ms=NOW - 9, valid_until_ms=NOW - 1)
    assert people.link(*OTHERS[1], source="shop", evidence=Evidence.SIMILARITY) is SHARED
    assert people.states(ANNA, PHONE) == {"crm": EdgeState.ACTIVE}
    assert people.link(*OTHERS[1], source="shop") is SHARED
    assert people.states(ANNA, PHONE) == {"crm": EdgeState.DISTRUSTED}


def test_the_same_link_of_two_sources_is_one_source_s_to_let_go():
    people = Carried()
    people.link(ANNA, PHONE, source="crm")
    one_by_one(people, (ANNA, PHONE), *OTHERS[:2], source="shop")
    assert people.states(ANNA, PHONE) == {"crm": EdgeState.DISTRUSTED}
    assert people.shared == {people.subject(PHONE)}


def test_what_one_source_shows_in_two_requests_or_in_one_is_the_same():
    together, apart = Carried(), Carried()
    batch = [(ANNA, PHONE, "crm"), *[(*pair, "shop") for pair in OTHERS[:2]]]
    sightings = [together.sighting(one, other, source=by) for one, other, by in batch]
    assert together.keep(together.judge(*sightings)) == [SHARED] * 3
    for one, other, source in batch:
        apart.link(one, other, source=source)
    for pair in ((ANNA, PHONE), OTHERS[0], OTHERS[1]):
        assert together.states(*pair) == apart.states(*pair)


def test_a_joint_lets_go_what_the_source_said_that_shows_it_alone():
    """Three people hang together by a telephone: its source's word alone, or somebody's beside."""
    alone, mixed = Carried(), Carried()
    for people, anchors in ((alone, "web"), (mixed, "shop")):
        one_by_one(people, *[(f"email {n}", f"account_id {n}") for n in range(3)], source=anchors)
        one_by_one(people, *[("phone centre", f"email {n}") for n in range(3)])
        assert people.person("phone centre") == {"phone centre"}
    assert not alone.hear("account_id 0", "account_id 1")
    assert mixed.hear("account_id 0", "account_id 1")
    assert not mixed.hear("account_id 0", "account_id 2")


def test_a_guess_that_is_given_up_goes_on_carrying():
    """It carried refusals between the two; proof that others bring does not free them."""
    people = Carried()
    people.link("email 1", "email 2", evidence=Evidence.SIMILARITY, source="partner")
    people.link("account_id 1", "email 1")
    people.link("account_id 2", "email 2")
    assert people.states("email 1", "email 2") == {"partner": EdgeState.DISTRUSTED}
    assert not {"email 2", "account_id 2"} & people.person("account_id 1")


def test_a_guess_that_a_correction_gives_up_goes_on_carrying():
    people = Carried()
    one_by_one(people, ("account_id 1", "email 1"), ("account_id 2", "email 2"), ("email 1", "email 2"))
    people.link("email 1", "account_id 2", evidence=Evidence.SIMILARITY, source="partner")
    people.unlink("email 1", "email 2")
    assert people.states("email 1", "account_id 2") == {"partner": EdgeState.DISTRUSTED}
    assert people.hear("account_id 1", "account_id 2")
    assert people.person("account_id 1") == {"account_id 1", "email 1"}


def test_a_correction_that_unmasks_a_shared_joint_takes_it_back_and_frees_nobody():
    """While two of the people were one by another way the telephone had not seemed to join three."""
    people = Carried()
    one_by_one(people, *[(f"email {n}", f"account_id {n}") for n in range(3)], ("email 0", "email 1"))
    assert set(one_by_one(people, *[("phone centre", f"email {n}") for n in range(3)])) == {NEW}
    people.unlink("email 0", "email 1")
    assert people.shared == {people.subject("phone centre")}
    assert people.person("account_id 0") == {"account_id 0", "email 0"}
    assert people.hear("account_id 0", "phone centre")
    assert people.link("phone centre", "email 0") is SHARED


RAN_OUT = {"observed_at_ms": NOW - 9, "valid_until_ms": NOW - 1}
GUESS = {"evidence": Evidence.SIMILARITY, "source": "partner"}


def test_proof_that_ran_out_upholds_no_guess_beside_it_when_proof_joins_somebody_else():
    """A number that went to somebody else: what a partner still believes joins the two owners in no view."""
    people = Carried()
    people.link("account_id old", "phone recycled", **RAN_OUT)
    people.link("account_id old", "phone recycled", **GUESS)
    assert people.link("account_id new", "phone recycled") is NEW
    assert people.states("account_id old", "phone recycled") == {
        "web": EdgeState.ACTIVE,
        "partner": EdgeState.DISTRUSTED,
    }


def test_proof_that_ran_out_lets_no_guess_in_between_the_two_whom_it_joined():
    people = Carried()
    people.link("account_id old", "phone recycled", **RAN_OUT)
    people.link("account_id new", "phone recycled")
    bridge = LinkRefusal.BRIDGES_PEOPLE
    assert people.link("account_id old", "phone recycled", **GUESS) is bridge
    assert people.link("account_id new", "phone recycled", **GUESS) is NEW
    assert people.link("account_id old", "phone recycled", source="app") is NEW
    assert people.link("account_id old", "phone recycled", **GUESS) is NEW


def test_a_guess_that_ran_out_is_given_up_all_the_same():
    """It could be seen again, and would join two people then."""
    people = Carried()
    people.link("email 1", "email 2", evidence=Evidence.SIMILARITY, **RAN_OUT)
    people.link("account_id 1", "email 1")
    people.link("account_id 2", "email 2")
    assert people.states("email 1", "email 2") == {"web": EdgeState.DISTRUSTED}


def test_a_replay_takes_proof_that_ran_out_for_none_beside_a_guess():
    ledger = Ledger()
    ledger.row("account_id old", "phone recycled", valid_until_ms=NOW)
    ledger.row("account_id old", "phone recycled", **GUESS)
    ledger.row("account_id new", "phone recycled")
    assert ledger.become(newer()) == {1: (True, "LINK_BRIDGES_PEOPLE")}


def test_a_refusal_goes_no_further_than_the_largest_person():
    """Else whoever crowds identifier after identifier makes one component of all."""
    people = Carried(variant(members_max=6))
    people.link(ANNA, PHONE, source="crm")
    one_by_one(people, *OTHERS[:2], source="shop")
    one_by_one(people, *[(ANNA, f"email {n}") for n in range(2)])
    assert people.link(ANNA, "email 2") is NEW
    assert people.link(ANNA, "email 3") is LinkRefusal.PERSON_TOO_LARGE
    people.unlink(ANNA, "email 2")
    assert people.link(ANNA, "email 3") is NEW


def test_a_source_shows_alone_only_what_it_linked_itself():
    people = Carried()
    phone, centre, anna = map(people.subject, (PHONE, "account_id centre", ANNA))
    said = Witnesses({1: {2: 1}})
    for source in ("shop", "crm"):
        said.hear(phone, source, centre, 2)
    assert not said.alone(phone, 1, "shop")
    said.hear(phone, "shop", people.subject("email anna"), 3)
    assert not said.alone(phone, 1, "shop"), "of another kind there may be more"
    said.hear(phone, "shop", anna, 2)
    assert (said.alone(phone, 1, "shop"), said.alone(phone, 1, "crm")) == (True, False)
    said.hear_joint(phone, "crm")
    assert said.alone(phone, 1, "crm")


def crowded(**fields) -> Ledger:
    """A telephone with its owner's account and two other people's, by another source, as rules let be."""
    ledger = Ledger()
    ledger.row(ANNA, PHONE, source="crm", **fields)
    for pair in OTHERS[:2]:
        ledger.row(*pair, source="shop", **fields)
    return ledger


LAX_PHONE = variant(kinds={"phone": {"shared_above": {"account_id": 3}}})


def test_other_rules_free_nothing_that_somebody_else_crowded():
    """Neither while it stands, nor what carries already, however often rules change."""
    ledger = crowded()
    planned = ledger.preview(newer(), LAX_PHONE).plan
    assert planned.states.tolist() == [EdgeState.DISTRUSTED] * 3
    for place in range(3):
        ledger.set(place, EdgeState.DISTRUSTED, "IDENTIFIER_SHARED")
    ledger.row(*OTHERS[2], EdgeState.REFUSED, "IDENTIFIER_SHARED", source="shop")
    assert ledger.become(newer()) == {}
    laxer = variant(version=3, anchored_parts_max=9, kinds={"phone": {"shared_above": {"account_id": 4}}})
    assert ledger.preview(laxer).plan.states.tolist() == [EdgeState.ACTIVE] * 4


def test_other_rules_let_go_what_each_source_shows_alone():
    """A till of two systems, each of which had many customers at it."""
    ledger = Ledger()
    for number in range(3):
        ledger.row("device_id till", f"account_id {number}", source="till")
        ledger.row("device_id till", f"account_id {number}", source="app")
    ledger.row("device_id till", "email anna", source="crm")
    lax = variant(kinds={"device_id": {"shared_above": {"account_id": 3}}})
    states = ledger.preview(newer(), lax).plan.states.tolist()
    assert states == [EdgeState.QUARANTINED] * 6 + [EdgeState.DISTRUSTED]


TIGHTER = {
    "PERSON_KIND_LIMIT": newer(kinds={"email": {"per_person_max": 2}}),
    "PERSON_TOO_LARGE": newer(members_max=3),
}


@pytest.mark.parametrize("reason", TIGHTER)
def test_a_tighter_limit_frees_nothing_that_another_source_crowded(reason):
    """Without the shop's links the one of the owner's system would stand."""
    ledger = Ledger()
    for number in range(2):
        ledger.row(ANNA, f"email {number}", source="shop")
    own = ledger.row(ANNA, "email anna", source="crm")
    planned = ledger.preview(TIGHTER[reason]).plan
    assert (planned.rows.tolist(), planned.reasons) == ([own], [reason])
    assert planned.states.tolist() == [EdgeState.DISTRUSTED]
    ledger.set(own, EdgeState.DISTRUSTED, reason)
    assert ledger.become(variant(version=3, kinds={"email": {"per_person_max": 1}})).keys() == {1}
    assert ledger.preview(variant(version=3)).plan.states.tolist() == [EdgeState.ACTIVE]


@pytest.mark.parametrize("reason", TIGHTER)
def test_a_tighter_limit_lets_go_what_its_source_exceeds_alone(reason):
    """With another's link beside it, one of them only is too many by what others said."""
    ledger = Ledger()
    ledger.row(ANNA, "email 9", source="shop")
    for number in range(3):
        ledger.row(ANNA, f"email {number}", source="crm")
    planned = ledger.preview(TIGHTER[reason]).plan
    states = [EdgeState.DISTRUSTED, EdgeState.QUARANTINED]
    assert (planned.rows.tolist(), planned.states.tolist()) == ([2, 3], states)


def test_a_tighter_limit_is_not_exceeded_by_what_a_retired_source_was_refused():
    retired = {"named": {"crm": {"status": "retired", "evidence": ["login"]}}}
    ledger = Ledger()
    for number in range(2):
        ledger.row(ANNA, f"email {number}", EdgeState.REFUSED, "PERSON_KIND_LIMIT:EMAIL", source="crm")
        ledger.row(ANNA, f"email shop {number}", source="shop")
    ledger.row(ANNA, "email anna", source="crm")
    planned = ledger.preview(newer(sources=retired, kinds={"email": {"per_person_max": 2}})).plan
    assert (planned.rows.tolist(), planned.states.tolist()) == ([4], [EdgeState.DISTRUSTED])


def test_what_carries_is_let_go_when_it_stands_for_no_identifier():
    ledger = crowded()
    ledger.set(0, EdgeState.DISTRUSTED, "IDENTIFIER_SHARED")
    blocked = {ledger.subject(PHONE)}
    planned = ledger.preview(newer(), blocked=blocked).plan
    assert planned.states.tolist() == [EdgeState.QUARANTINED] * 3


names = st.builds(
    "{} {}".format, st.sampled_from(["account_id", "email", "device_id", "phone"]), st.integers(0, 3)
)
histories = st.lists(
    st.tuples(
        names,
        names,
        st.sampled_from([Evidence.LOGIN, Evidence.LOGIN, Evidence.SIMILARITY]),
        st.sampled_from(["web", "till", "crm"]),
        st.sampled_from([False, False, True]),
    ).filter(lambda link: link[0] != link[1]),
    max_size=30,
    unique_by=lambda link: (frozenset(link[:2]), *link[2:4]),
)


@settings(max_examples=60)
@given(history=histories)
def test_whoever_heard_a_refusal_without_a_source_hears_it_after_whatever_that_source_says(history):
    """So no link lets a use be allowed that was refused, unless its own source had carried the refusal."""
    people = Carried()
    for one, other, evidence, source, ran_out in history:
        people.subject(one), people.subject(other)
        before = people.drawn(without=source)
        people.link(one, other, evidence=evidence, source=source, **(RAN_OUT if ran_out else {}))
        after = people.drawn()
        for heard in nx.connected_components(before):
            assert any(heard <= hears for hears in nx.connected_components(after))


@settings(max_examples=60)
@given(history=histories, later=st.sampled_from([newer(), LAX]))
def test_rules_free_nothing_but_what_they_give_back_or_a_source_showed_alone(history, later):
    """A replay of the same rules changes nothing; what carries refusals never stops by one."""
    people, ledger = Carried(), Ledger()
    ledger.names = people.names
    place_of: dict[int, int] = {}
    for one, other, evidence, source, ran_out in history:
        fields = {"evidence": evidence, "source": source} | (RAN_OUT if ran_out else {})
        judged = people.judge(people.sighting(one, other, **fields))
        (became,) = people.keep(judged)
        place = ledger.row(one, other, **fields)
        if became is NEW:
            place_of[people.edges[-1].edge_id] = place
        else:
            ledger.set(place, EdgeState.REFUSED, judged.rulings[0].reason)
        for quarantine in judged.quarantines:
            for state, edges in (
                (EdgeState.QUARANTINED, quarantine.edges),
                (EdgeState.DISTRUSTED, quarantine.carriers),
            ):
                for edge in edges:
                    ledger.set(place_of[edge.edge_id], state, quarantine.reason.value)
    ledger.shared = dict(people.marks)
    planned = ledger.preview(later).plan
    carried = [int(row) for row in planned.rows if ledger.entries[row].edge.state is EdgeState.DISTRUSTED]
    becomes = dict(zip(planned.rows.tolist(), planned.states.tolist(), strict=True))
    assert {becomes[row] for row in carried} <= {EdgeState.ACTIVE}
    if later is not LAX:
        assert not becomes
