"""IdentityService behind a guard that lets everything through: what it answers, and when."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from consent.fold import OwnState
from consent.regimes import UNKNOWN
from identity.errors import LinkNotFound, RequestIdReused
from identity.graph import Graph
from identity.ids import SubjectId
from identity.judging import CLOCK_SKEW_MS
from identity.tokens import IdentifierKind
from services.errors import Unavailable
from services.interceptors.call import ItemRefusal
from tests.identity.desk import Desk
from veilgraph.identity.v1 import identity_pb2 as pb
from veilgraph.privacy.v1 import privacy_pb2

RECOMMEND = privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND
EMAILS = privacy_pb2.PURPOSE_MARKETING_EMAIL
DENIED = ItemRefusal(1, "NOT_PERMITTED", "", 7)


def reasons(response) -> list[str]:
    return [result.error.reason for result in response.results]


async def linked(desk, *values: str, **fields) -> list[SubjectId]:
    """Subjects who allow everything, linked in a row."""
    subjects = await desk.subjects(*values)
    desk.say_yes(*subjects)
    links = [desk.link(one, other, **fields) for one, other in pairwise(subjects)]
    response = await desk.send(*links)
    assert all(result.linked for result in response.results)
    return subjects


# Resolve


async def test_an_identifier_gets_a_subject_once_and_keeps_it(desk):
    first = await desk.resolve("a", "b")
    again = await desk.resolve("b", "a")
    assert [result.created for result in first.results] == [True, True]
    assert [result.created for result in again.results] == [False, False]
    assert [r.subject for r in again.results] == [r.subject for r in first.results][::-1]
    assert len({bytes.fromhex(result.subject) for result in first.results}) == 2


async def test_a_new_subject_is_in_the_guard_table_before_it_is_answered(desk):
    response = await desk.resolve("a")
    assert SubjectId(bytes.fromhex(response.results[0].subject)) in desk.guard
    assert response.consent_epoch == desk.guard.epoch
    assert desk.barriers == [1]


async def test_known_identifiers_wait_for_nothing(desk):
    await desk.resolve("a")
    desk.barriers.clear()
    response = await desk.resolve("a", "a")
    assert (desk.barriers, response.consent_epoch) == ([], 0)


async def test_an_identifier_known_but_not_yet_in_the_guard_table_is_waited_for(desk):
    """Another call made it and still waits at the barrier, or went away before it got there."""
    await desk.subjects("a")
    desk.guard._entries.clear()
    desk.cursor = 0
    desk.projection = type(desk.projection)(desk.policy)
    response = await desk.resolve("a")
    assert response.results[0].subject
    assert not response.results[0].created
    assert desk.barriers[-1] == 1


async def test_two_concurrent_calls_give_one_new_identifier_one_subject(desk):
    responses = await asyncio.gather(*(desk.resolve("a", "b") for _ in range(10)))
    assert len({tuple(result.subject for result in one.results) for one in responses}) == 1
    assert sum(one.results[0].created for one in responses) == 1


async def test_one_identifier_twice_in_a_call_has_one_subject(desk):
    response = await desk.resolve("a", "b", "a")
    assert response.results[0] == response.results[2]


async def test_kinds_do_not_mix(desk):
    as_cookie = await desk.subjects("a")
    as_device = await desk.subjects("a", kind=IdentifierKind.DEVICE_ID)
    assert as_cookie != as_device
    assert await desk.store.kinds(as_cookie + as_device) == {as_cookie[0]: 6, as_device[0]: 5}


async def test_a_blocked_value_is_refused_alone_gets_no_subject_and_order_is_kept(desk):
    response = await desk.resolve("a", "0000", "b", kind=IdentifierKind.LOYALTY_CARD)
    assert reasons(response) == ["", "BLOCKED_VALUE", ""]
    assert response.results[1].error.field == "identifiers[1].sha256"
    assert response.results[1].error.code == 3
    assert not response.results[1].subject
    assert await desk.store.subjects([desk.token(IdentifierKind.LOYALTY_CARD, "0000")]) == {}


async def test_what_the_guard_refused_stays_at_its_place(desk):
    response = await desk.resolve("a", "0000", "b", refused=[DENIED])
    assert reasons(response) == ["", "NOT_PERMITTED", "BLOCKED_VALUE", ""]
    assert response.results[2].error.field == "identifiers[2].sha256"
    assert [result.error.index for result in response.results[1:3]] == [1, 2]


async def test_an_identifier_whose_subject_objects_to_the_service_is_refused_alone(desk):
    subjects = await desk.subjects("a", "b")
    desk.say(subjects[0], refuse=["service"])
    call = desk.call()
    response = await desk.resolve("a", "b", call=call)
    assert reasons(response) == ["NOT_PERMITTED", ""]
    assert not response.results[0].subject
    service = desk.policy.index("service")
    assert call.judged == {(subjects[0], service): False, (subjects[1], service): True}


async def test_the_person_is_the_oldest_subject_in_the_purpose_s_view_and_subjects_stay_their_own(desk):
    a, b, c = await desk.subjects("a", "b", "c")
    desk.say_yes(a, b, c)
    await desk.send(desk.link(c, b), desk.link(b, a, evidence=pb.EVIDENCE_SIMILARITY))
    assert [await desk.person(value, RECOMMEND) for value in "abc"] == [a.hex()] * 3  # the wide view
    assert [await desk.person(value, EMAILS) for value in "abc"] == [
        a.hex(),
        b.hex(),
        b.hex(),
    ]  # the strict one
    assert await desk.subjects("a", "b", "c") == [a, b, c]


async def test_no_person_is_given_unasked_or_where_the_purpose_is_not_allowed(desk):
    (a,) = await desk.subjects("a")
    desk.say_yes(a, but=["personalise.recommend"])
    assert await desk.person("a", 0) == ""
    assert await desk.person("a", RECOMMEND) == ""
    assert await desk.person("a", EMAILS) == a.hex()


async def test_no_person_is_given_for_a_permission_that_ran_out_while_a_birth_was_waited_for(desk):
    """What an identifier's answer says holds when it is given, not when it was asked for."""
    (a,) = await desk.subjects("a")
    until_ms = desk.clock() + 1
    desk.push(own={a: OwnState(((until_ms, desk.policy.mask("personalise")),), 0)})
    assert await desk.person("a", RECOMMEND) == a.hex()
    follow = desk.follow

    async def late() -> None:
        await follow()
        desk.clock.now_ms = until_ms

    desk.follow = late
    response = await desk.resolve("a", "new", for_purpose=RECOMMEND)
    assert (response.results[0].subject, response.results[0].person) == (a.hex(), "")


async def test_who_is_known_to_another_authority_only_is_asked_for_again_and_not_refused(desk):
    """After a takeover this replica may still have the earlier lease, and a table without the newborn."""

    async def told_elsewhere(seq: int) -> int:
        return desk.guard.epoch + 1

    desk.servicer._register._barrier = told_elsewhere
    with pytest.raises(Unavailable, match="EPOCH_TOO_OLD"):
        await desk.resolve("new")


async def test_members_are_listed_oldest_first_after_a_restart_too(desk):
    """The person is the first of them."""
    a, b, c = await linked(desk, "a", "b", "c")
    fresh = type(desk.projection)(desk.policy)
    births = [subject for change in await desk.store.changes(0, 99) for subject in change.births]
    assert births == [a, b, c]
    fresh.change(desk.clock(), births=births, edges=desk.projection._edges.values(), own=desk.projection._own)
    assert fresh.entries[c].members[0] == (a, b, c)


# Link


async def test_a_link_is_effective_when_it_is_answered(desk):
    a, b = await desk.subjects("a", "b")
    desk.say_yes(a, b)
    response = await desk.send(desk.link(a, b))
    assert response.results[0].linked
    assert response.consent_epoch == desk.guard.epoch
    assert desk.members(a) == desk.members(b) == {a, b}


async def test_links_of_one_request_are_answered_in_order_each_with_its_own_reason(desk):
    a, b, c = await desk.subjects("a", "b", "c")
    response = await desk.send(
        desk.link(a, b),
        desk.link(a, a),
        desk.link(a, c, observed_at_ms=desk.clock() + CLOCK_SKEW_MS + 1),
        desk.link(a, c, valid_until_ms=desk.clock() - 1),
        desk.link(b, c),
        refused=[DENIED],
    )
    assert [result.linked for result in response.results] == [True, False, False, False, False, True]
    assert reasons(response) == [
        "",
        "NOT_PERMITTED",
        "LINK_TO_ITSELF",
        "OBSERVED_IN_FUTURE",
        "EXPIRES_BEFORE_OBSERVED",
        "",
    ]
    assert [result.error.field for result in response.results[2:5]] == [
        "links[2].other",
        "links[3].observed_at",
        "links[4].valid_until",
    ]
    assert {result.error.code for result in response.results[2:5]} == {3}


async def test_a_repeated_request_gives_the_same_answer_and_no_second_edge(desk):
    a, b = await desk.subjects("a", "b")
    links = [desk.link(a, b), desk.link(a, a)]
    first = await desk.send(*links, request_id="r1")
    again = await desk.send(*links, request_id="r1")
    assert again.results == first.results
    assert again.consent_epoch >= first.consent_epoch
    assert len(await desk.store.confirmed_edges()) == 1
    assert await desk.store.last_seq() == 3  # the birth, the pending link, the confirmed one


async def test_a_repeat_is_answered_as_before_though_the_guard_has_changed_its_mind(desk):
    a, b, c = await desk.subjects("a", "b", "c")
    first = await desk.send(desk.link(a, b), refused=[DENIED], request_id="r1")
    again = await desk.send(desk.link(a, b), desk.link(b, c), request_id="r1")
    assert again.results == first.results
    assert len(await desk.store.confirmed_edges()) == 1


async def test_concurrent_repeats_make_one_edge(desk):
    a, b = await desk.subjects("a", "b")
    link = desk.link(a, b)
    responses = await asyncio.gather(*(desk.send(link, request_id="r1") for _ in range(10)))
    assert all(one.results[0].linked for one in responses)
    assert len(await desk.store.confirmed_edges()) == 1


async def test_nobody_says_that_a_registered_verifier_saw_a_link_unless_they_speak_for_it(
    tmp_path, policy, rules, clock
):
    """Whatever the evidence; the others of the batch are taken, and so is the verifier's own report."""
    registered = replace(rules, attesters={"idp": frozenset({"desk"})})
    one = Desk(tmp_path, policy, registered, clock)
    a, b, c = await one.subjects("a", "b", "c")
    one.say_yes(a, b, c)
    links = one.link(a, b, source="idp"), one.link(b, c)
    response = await one.send(*links)
    assert reasons(response) == ["SOURCE_RESERVED", ""]
    assert response.results[0].error.field == "links[0].source"
    assert not any(edge.attested_by for edge in one.projection.edges_at(b))
    assert reasons(await one.send(*links, caller="desk")) == ["", ""]
    assert {edge.attested_by for edge in one.projection.edges_at(b)} == {"idp", ""}
    one.close()


async def test_a_request_id_used_for_other_links_is_refused_and_another_caller_may_use_it(desk):
    a, b, c = await desk.subjects("a", "b", "c")
    await desk.send(desk.link(a, b), request_id="r1")
    with pytest.raises(RequestIdReused):
        await desk.send(desk.link(a, c), request_id="r1")
    await desk.send(desk.link(a, c), request_id="r1", caller="till")
    assert len(await desk.store.confirmed_edges()) == 2


async def test_the_same_evidence_in_another_request_is_no_second_edge_and_no_change(desk):
    a, b = await desk.subjects("a", "b")
    link = desk.link(a, b)
    await desk.send(link)
    seq = await desk.store.last_seq()
    assert (await desk.send(link)).results[0].linked
    assert (await desk.store.last_seq(), len(await desk.store.confirmed_edges())) == (seq, 1)


async def test_evidence_seen_again_later_extends_the_edge_it_is_of(desk):
    a, b = await linked(desk, "a", "b", valid_until_ms=desk.clock() + 10)
    desk.clock.now_ms += 20
    desk.push()
    assert desk.members(a) == {a}
    await desk.send(desk.link(a, b, valid_until_ms=desk.clock() + 10))
    assert desk.members(a) == {a, b}
    assert len(await desk.store.confirmed_edges()) == 1


async def test_an_unset_confidence_is_certainty(desk):
    a, b = await desk.subjects("a", "b")
    await desk.send(desk.link(a, b), desk.link(a, b, source="app", confidence_permille=700))
    assert [edge.confidence_permille for edge in await desk.store.confirmed_edges()] == [1000, 700]


async def test_a_link_that_would_make_a_person_too_large_is_refused_and_kept_with_its_reason(desk):
    desk.rules = replace(desk.rules, members_max=3)
    desk.servicer = desk.make_servicer(Graph())
    subjects = await linked(desk, "a", "b", "c")
    (late,) = await desk.subjects("d")
    response = await desk.send(desk.link(subjects[0], late))
    assert reasons(response) == ["PERSON_TOO_LARGE"]
    assert desk.members(subjects[0]) == set(subjects)
    (entry,) = await desk.store.between([(subjects[0], late)])
    assert entry.reason == "PERSON_TOO_LARGE"


async def test_a_caller_that_goes_away_while_linking_leaves_graph_and_guard_as_the_ledger_says(desk):
    a, b = await desk.subjects("a", "b")
    desk.say_yes(a, b)
    impatient = asyncio.ensure_future(desk.send(desk.link(a, b)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await desk.servicer.drained()
    assert len(await desk.store.confirmed_edges()) == 1
    assert desk.members(a) == {a, b}
    assert (await desk.explain(a, b)).linked


# Unlink


async def test_unlinking_restores_exactly_what_was_before(desk):
    a, b, c = await desk.subjects("a", "b", "c")
    desk.say_yes(a, b, c)
    await desk.send(desk.link(b, c))
    before = dict(desk.guard._entries)
    await desk.send(desk.link(a, b), desk.link(a, b, evidence=pb.EVIDENCE_SIMILARITY))
    assert desk.members(a) == {a, b, c}
    response = await desk.unlink(a, b, reason="shared tablet")
    assert response.edges_removed == 2
    assert response.consent_epoch == desk.guard.epoch
    assert desk.guard._entries == before
    assert await desk.subjects("a", "b", "c") == [a, b, c]


async def test_guesses_beside_proof_that_is_unlinked_join_no_two_people_of_whom_each_has_an_anchor(desk):
    """One of the two stays, as if they had come after the correction."""
    accounts = await desk.subjects("a", "b", kind=IdentifierKind.ACCOUNT_ID)
    a, x, b = emails = await desk.subjects("a", "x", "b", kind=IdentifierKind.EMAIL)
    desk.say_yes(*accounts, *emails)
    await desk.send(desk.link(accounts[0], a), desk.link(accounts[1], b), desk.link(a, b))
    guesses = [desk.link(*pair, evidence=pb.EVIDENCE_SIMILARITY) for pair in ((a, x), (x, b))]
    await desk.send(*guesses)
    assert (await desk.unlink(a, b)).edges_removed == 1
    entries = await desk.store.between([(a, x), (x, b)])
    assert sorted(entry.edge.state.name for entry in entries) == ["ACTIVE", "DISTRUSTED"]
    assert sorted(entry.reason for entry in entries) == ["", "LINK_BRIDGES_PEOPLE"]
    assert not desk.members(accounts[0]) & {accounts[1], b}


@pytest.mark.parametrize("pair", [(0, 2), (0, 3), (1, 1)])
async def test_two_without_an_active_edge_of_their_own_cannot_be_unlinked(desk, pair):
    """Not over a third, not if they were never linked, not one from itself."""
    subjects = [*await linked(desk, "a", "b", "c"), *await desk.subjects("d")]
    with pytest.raises(LinkNotFound):
        await desk.unlink(subjects[pair[0]], subjects[pair[1]])


async def test_unlinking_twice_is_refused_and_repeating_the_request_is_not(desk):
    a, b = await linked(desk, "a", "b")
    first = await desk.unlink(a, b, request_id="r1")
    again = await desk.unlink(a, b, request_id="r1")
    assert again.edges_removed == first.edges_removed == 1
    with pytest.raises(LinkNotFound):
        await desk.unlink(a, b, request_id="r2")
    with pytest.raises(RequestIdReused):
        await desk.unlink(b, a, request_id="r1")


async def test_an_old_import_run_again_does_not_bring_back_what_was_unlinked_and_new_evidence_does(desk):
    a, b = await desk.subjects("a", "b")
    desk.say_yes(a, b)
    imported = desk.link(a, b)
    await desk.send(imported)
    desk.clock.now_ms += 1000
    await desk.unlink(a, b)
    assert reasons(await desk.send(imported)) == ["LINK_DECLARED_WRONG"]
    assert desk.members(a) == {a}
    desk.clock.now_ms += 1
    assert (await desk.send(desk.link(a, b))).results[0].linked
    assert desk.members(a) == {a, b}


async def test_a_servicer_started_again_knows_the_edges(desk):
    a, b, c = await linked(desk, "a", "b", "c")
    desk.servicer = desk.make_servicer(Graph(await desk.store.confirmed_edges()))
    assert len((await desk.explain(a, c)).path) == 2
    await desk.unlink(a, b)
    assert not (await desk.explain(a, c)).linked


# Explain


async def test_a_path_names_kinds_evidence_source_times_and_confidence_and_no_subject(desk):
    (card,) = await desk.subjects("c", kind=IdentifierKind.LOYALTY_CARD)
    (mail,) = await desk.subjects("m", kind=IdentifierKind.EMAIL)
    (phone,) = await desk.subjects("p", kind=IdentifierKind.PHONE)
    desk.say_yes(card, mail, phone)
    end_ms = desk.clock() + 60_000
    await desk.send(
        desk.link(mail, card, evidence=pb.EVIDENCE_CARD_AT_CHECKOUT, source="till", confidence_permille=990),
        desk.link(phone, mail, evidence=pb.EVIDENCE_CONFIRMED_CONTACT, valid_until_ms=end_ms),
    )
    response = await desk.explain(card, phone)
    assert response.linked
    first, second = response.path
    assert (first.from_kind, first.to_kind) == (pb.IDENTIFIER_KIND_LOYALTY_CARD, pb.IDENTIFIER_KIND_EMAIL)
    assert (first.evidence, first.source) == (pb.EVIDENCE_CARD_AT_CHECKOUT, "till")
    assert (first.confidence_permille, first.observed_at.ToMilliseconds()) == (990, desk.clock())
    assert (first.link_purpose, second.link_purpose) == ("identity.link.deterministic",) * 2
    assert first.legal_basis == desk.policy.legal_basis("identity.link.deterministic", UNKNOWN) != ""
    assert not first.HasField("valid_until")
    assert (second.from_kind, second.to_kind) == (pb.IDENTIFIER_KIND_EMAIL, pb.IDENTIFIER_KIND_PHONE)
    assert (second.confidence_permille, second.valid_until.ToMilliseconds()) == (1000, end_ms)
    for subject in (card, mail, phone):
        assert subject not in response.SerializeToString()
        assert subject.hex().encode() not in response.SerializeToString()


async def test_somebody_is_linked_with_themselves_without_evidence(desk):
    (a,) = await desk.subjects("a")
    desk.say_yes(a)
    assert await desk.explain(a, a) == pb.ExplainResponse(linked=True)


async def test_probabilistic_evidence_explains_nothing_in_the_strict_view(desk):
    a, b = await linked(desk, "a", "b", evidence=pb.EVIDENCE_PARTNER_MATCH)
    assert (await desk.explain(a, b)).linked
    assert await desk.explain(a, b, "marketing.email") == pb.ExplainResponse()


async def test_an_edge_that_ran_out_explains_nothing(desk):
    a, b = await linked(desk, "a", "b", valid_until_ms=desk.clock() + 10)
    assert (await desk.explain(a, b)).linked
    desk.clock.now_ms += 10
    desk.push()
    assert not (await desk.explain(a, b)).linked


async def test_who_refuses_the_purpose_or_the_linking_is_in_no_explanation(desk):
    a, b, c = await linked(desk, "a", "b", "c")
    for refused in (["personalise.recommend"], ["identity.link.deterministic"]):
        desk.say_yes(a, b, c)
        assert (await desk.explain(a, c)).linked
        desk.say(b, grant=["service"], refuse=refused)
        assert await desk.explain(a, c) == pb.ExplainResponse()


async def test_a_path_leads_over_nobody_who_does_not_allow_the_purpose(desk):
    """Two may be one person for it all the same; then that is said and no evidence is shown."""
    a, b, c = await desk.subjects("a", "b", "c")
    desk.say_yes(a, c)
    desk.say_yes(b, but=["personalise.recommend"])
    likeness = {"evidence": pb.EVIDENCE_SIMILARITY}
    await desk.send(desk.link(a, b, **likeness), desk.link(b, c, **likeness))
    assert desk.members(a) == {a, c}
    assert await desk.explain(a, c) == pb.ExplainResponse(linked=True)
    assert len((await desk.explain(a, c, "personalise.content")).path) == 2


async def test_a_path_leads_only_over_links_whose_own_basis_is_live(desk):
    """Similarity joins a and b until b no longer grants that; login joins both with c."""
    a, b, c = await desk.subjects("a", "b", "c")
    desk.say_yes(a, b, c)
    await desk.send(desk.link(a, b, evidence=pb.EVIDENCE_SIMILARITY), desk.link(a, c), desk.link(c, b))
    assert len((await desk.explain(a, b)).path) == 1
    desk.say_yes(b, but=["identity.link.probabilistic"])
    assert [step.evidence for step in (await desk.explain(a, b)).path] == [pb.EVIDENCE_LOGIN] * 2


async def till_and_customers(desk, count: int) -> tuple[SubjectId, list[SubjectId]]:
    """A till's device and the accounts of some customers."""
    (till,) = await desk.subjects("till", kind=IdentifierKind.DEVICE_ID)
    customers = await desk.subjects(*(f"customer {n}" for n in range(count)), kind=IdentifierKind.ACCOUNT_ID)
    desk.say_yes(till, *customers)
    return till, customers


async def test_a_shared_till_fuses_nobody_and_spreads_no_refusal(desk):
    """Its links are taken back together, the confirmed first one included, and everybody is told so."""
    till, customers = await till_and_customers(desk, 3)
    told = [reasons(await desk.send(desk.link(till, customer)))[0] for customer in customers]
    assert told == ["", "IDENTIFIER_SHARED", "IDENTIFIER_SHARED"]
    assert all(desk.members(one) == {one} for one in (till, *customers))
    desk.say(customers[0], refuse=["marketing.email"])
    assert not desk.guard.allows(customers[0], desk.policy.index("marketing.email"), desk.clock())
    assert desk.guard.allows(customers[1], desk.policy.index("marketing.email"), desk.clock())
    found = await desk.store.violations([till], 9)
    assert sorted((one.edge.state.name, one.reason) for one in found) == [
        ("QUARANTINED", "IDENTIFIER_SHARED"),
        ("REFUSED", "IDENTIFIER_SHARED"),
        ("REFUSED", "IDENTIFIER_SHARED"),
    ]


async def test_what_was_found_to_be_shared_stays_so_after_a_restart(desk):
    till, customers = await till_and_customers(desk, 3)
    await desk.send(desk.link(till, customers[0]), desk.link(till, customers[1]))
    desk.servicer = desk.make_servicer(Graph(await desk.store.confirmed_edges()))
    await desk.servicer.take_up()
    desk.servicer.resume()
    assert reasons(await desk.send(desk.link(till, customers[2]))) == ["IDENTIFIER_SHARED"]


async def test_until_a_quarantine_is_known_everywhere_the_till_joins_nobody_and_carries_refusals(desk):
    till, customers = await till_and_customers(desk, 2)
    await desk.send(desk.link(till, customers[0]))
    desk.say(customers[0], refuse=["marketing.email"])
    seen = []

    async def look(_seq: int) -> None:
        await desk.follow()
        marketing = desk.policy.index("marketing.email")
        seen.append((desk.members(till), desk.guard.allows(till, marketing, desk.clock())))

    desk.at_barrier = look
    await desk.send(desk.link(till, customers[1]))
    assert seen == [({till}, False), ({till}, True)]


async def test_a_link_by_an_erased_shared_identifier_is_judged_anew(desk):
    till, customers = await till_and_customers(desk, 2)
    await desk.send(desk.link(till, customers[0]), desk.link(till, customers[1]))
    await desk.servicer.forget([till])
    assert reasons(await desk.send(desk.link(till, customers[1]))) == [""]


async def test_unlinking_what_is_quarantined_is_for_good(desk):
    till, customers = await till_and_customers(desk, 2)
    await desk.send(desk.link(till, customers[0]))
    await desk.send(desk.link(till, customers[1]))
    assert (await desk.unlink(till, customers[0])).edges_removed == 1
    (entry,) = await desk.store.between([(till, customers[0])])
    assert entry.edge.state.name == "WRONG"
