"""PeopleService over gRPC: the person as the graph knows it, and nobody else's word about it."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import grpc
import pytest

from identity.tokens import IdentifierKind
from services.interceptors.call import Caller
from tests.identity.people_desk import SCOPES, people_desk
from tests.services.conftest import reason_of
from veilgraph.identity.v1 import identity_pb2 as pb
from veilgraph.privacy.v1 import privacy_pb2

RECOMMEND = privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND
EMAILS = privacy_pb2.PURPOSE_MARKETING_EMAIL
HOUR_MS = 3_600_000


@pytest.fixture
async def people(desk, issuer):
    everything = (1 << len(desk.policy.leaves)) - 1
    callers = {
        "operator": Caller("operator", "acme", SCOPES, everything),
        "auditor": Caller("auditor", "acme", SCOPES | {"consent.reasons"}, everything),
        "shop": Caller("shop", "acme", frozenset({"identity.resolve"}), everything),
        "narrow": Caller("narrow", "acme", SCOPES, 1 << desk.policy.index("rights")),
    }
    async with people_desk(desk, issuer, callers, desk.servicer._ledger._graph) as served:
        yield served


async def four(desk):
    """Four subjects in a row: proof, a weak link, and one that ran out."""
    subjects = await desk.subjects(*"abcd")
    desk.say_yes(*subjects)
    a, b, c, d = subjects
    response = await desk.send(
        desk.link(a, b),
        desk.link(b, c, evidence=pb.EVIDENCE_SIMILARITY, confidence_permille=700, source="matcher"),
        desk.link(c, d, valid_until_ms=desk.clock() + HOUR_MS, source="till"),
    )
    assert all(result.linked for result in response.results)
    return subjects


async def test_everybody_is_shown_with_kind_birth_and_the_links_between(desk, people):
    subjects = await four(desk)
    person = await people["operator"].person(subjects[1])
    assert set(people["operator"].opened(m.subject for m in person.members)) == set(subjects)
    assert people["operator"].pairwise.open(person.members[0].subject, 0) == subjects[1]
    assert {m.kind for m in person.members} == {pb.IDENTIFIER_KIND_COOKIE}
    assert {m.born_at.ToMilliseconds() for m in person.members} == {desk.clock()}
    assert [(link.evidence, link.source, link.confidence_permille, link.state) for link in person.links] == [
        (pb.EVIDENCE_LOGIN, "web", 1000, "ACTIVE"),
        (pb.EVIDENCE_SIMILARITY, "matcher", 700, "ACTIVE"),
        (pb.EVIDENCE_LOGIN, "till", 1000, "ACTIVE"),
    ]
    assert [link.HasField("valid_until") for link in person.links] == [False, False, True]
    assert [(link.link_purpose, link.legal_basis) for link in person.links[:2]] == [
        ("identity.link.deterministic", "consent"),
        ("identity.link.probabilistic", "consent"),
    ]
    ids = [m.subject for m in person.members]
    ends = [{ids[link.one], ids[link.other]} for link in person.links]
    seal = people["operator"].pairwise.seal
    assert ends == [{seal(x), seal(y)} for x, y in pairwise(subjects)]
    assert not person.truncated
    assert person.consent_epoch == desk.guard.epoch


async def test_a_view_says_who_is_one_person_in_it_and_which_links_do_not_count(desk, people):
    a, b, c, _ = await four(desk)
    strict = await people["operator"].person(a, EMAILS)
    assert people["operator"].opened(m.subject for m in strict.members if m.in_view) == [a, b]
    assert [link.held_back for link in strict.links] == ["", "NOT_IN_VIEW", ""]
    wide = await people["operator"].person(c, RECOMMEND)
    assert all(m.in_view for m in wide.members)
    assert [link.held_back for link in wide.links] == ["", "", ""]
    assert wide.person == people["operator"].pairwise.seal_person(a)
    assert (await people["operator"].person(c)).person == ""


async def test_a_link_that_ran_out_is_shown_as_such(desk, people):
    a, _, _, d = await four(desk)
    desk.clock.now_ms += HOUR_MS
    desk.push()
    person = await people["operator"].person(a, RECOMMEND)
    assert [link.held_back for link in person.links] == ["", "", "EVIDENCE_EXPIRED"]
    assert d not in people["operator"].opened(m.subject for m in person.members if m.in_view)


async def test_who_refused_linking_is_shown_and_joins_nobody(desk, people):
    """The map is shown to be corrected; in every view the refusal holds. Why, few are told."""
    a, b, *_ = await four(desk)
    desk.say(b, refuse=["identity.link"])
    told = {}
    for name in ("operator", "auditor"):
        person = await people[name].person(a, RECOMMEND)
        assert not any(m.in_view for m in person.members[1:])
        told[name] = {link.held_back for link in person.links}
    assert told["operator"] == {"NOT_PERMITTED"}
    assert "CONSENT_REFUSED" in told["auditor"]


async def test_where_a_purpose_is_refused_nobody_is_in_its_view(desk, people):
    a, b, *_ = await four(desk)
    desk.say(a, grant=desk.policy.consent_nodes, refuse=["personalise.recommend"])
    person = await people["operator"].person(b, RECOMMEND)
    assert (person.person, [m.in_view for m in person.members]) == ("", [False] * 4)
    assert all(m.in_view for m in (await people["operator"].person(b, EMAILS)).members[:2])


async def test_a_link_that_was_unlinked_or_refused_is_shown_with_its_reason_and_reaches_nobody(desk, people):
    """From either end; the other end is named as one that is not reached."""
    a, b = await desk.subjects("a", "b")
    desk.say_yes(a, b)
    await desk.send(desk.link(a, b))
    desk.clock.now_ms += 5_000
    await desk.unlink(a, b, reason="shared device")
    await desk.send(desk.link(a, b, observed_at_ms=desk.clock() - 9_000))
    for start, other in ((a, b), (b, a)):
        person = await people["operator"].person(start)
        assert people["operator"].opened(m.subject for m in person.members) == [start, other]
        assert [m.reached for m in person.members] == [True, False]
        assert [(link.state, link.reason) for link in person.links] == [
            ("WRONG", "shared device"),
            ("REFUSED", "LINK_DECLARED_WRONG"),
        ]
        assert {link.stated_at.ToMilliseconds() for link in person.links} == {desk.clock()}
        assert {link.held_back for link in person.links} == {""}


async def test_a_pending_link_is_shown_as_pending(desk, people):
    a, b = await desk.subjects("a", "b")
    desk.say_yes(a, b)
    shown = []

    async def look(_seq):
        if not shown:
            shown.append(await people["operator"].person(a))

    desk.at_barrier = look
    await desk.send(desk.link(a, b))
    assert [(x.state, x.held_back) for x in shown[0].links] == [("LINK_PENDING", "LINK_PENDING")]


async def test_everybody_who_is_told_of_is_in_the_audit(desk, people):
    subjects = await four(desk)
    await people["operator"].person(subjects[0])
    record = people.audit.records[-1]
    rights = desk.policy.index("rights")
    assert record.caller == "operator"
    assert dict(record.decided) == {(subject, rights): True for subject in subjects}


async def test_who_is_unknown_to_the_guard_is_not_told_of(desk, people):
    """Erased, and not yet out of the ledger: neither it nor a link of its is shown."""
    a, b, *_ = await four(desk)
    desk.guard._entries.pop(b)
    person = await people["operator"].person(a)
    seal = people["operator"].pairwise.seal
    assert seal(b) not in [m.subject for m in person.members]
    assert all(
        seal(b) not in (person.members[x.one].subject, person.members[x.other].subject) for x in person.links
    )
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await people["operator"].person(b)
    assert reason_of(refusal.value) == "NOT_PERMITTED"


async def test_only_whoever_holds_the_scope_and_the_view_s_purpose_is_answered(desk, people):
    (a,) = await desk.subjects("a")
    for name, for_purpose, reason in (
        ("shop", 0, "SCOPE_NOT_GRANTED_TO_CALLER"),
        ("narrow", RECOMMEND, "PURPOSE_NOT_GRANTED_TO_CALLER"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await people[name].person(a, for_purpose)
        assert reason_of(refusal.value) == reason
    assert len((await people["narrow"].person(a)).members) == 1


async def test_neither_a_value_nor_a_birth_subject_nor_a_token_is_in_the_answer(desk, people):
    subjects = await four(desk)
    answer = (await people["operator"].person(subjects[0], RECOMMEND)).SerializeToString()
    for value, subject in zip("abcd", subjects, strict=True):
        digest = hashlib.sha256(value.encode()).digest()
        for secret in (digest, digest.hex().encode(), bytes(subject), subject.hex().encode()):
            assert secret not in answer


async def test_the_links_of_a_shared_till_are_shown_as_set_aside_with_the_reason(desk, people):
    """From the till and from whoever used it; nobody is reached over it."""
    (till,) = await desk.subjects("till", kind=IdentifierKind.DEVICE_ID)
    cards = await desk.subjects(*(f"card {n}" for n in range(12)), kind=IdentifierKind.LOYALTY_CARD)
    desk.say_yes(till, *cards)
    for card in cards:
        await desk.send(desk.link(till, card))
    for start in (till, cards[0]):
        person = await people["operator"].person(start, RECOMMEND)
        assert [member.reached for member in person.members] == [True] + [False] * (len(person.members) - 1)
        assert {link.state for link in person.links} <= {"QUARANTINED", "REFUSED"}
        assert all(link.reason and not link.held_back for link in person.links)
        assert any(link.state == "QUARANTINED" for link in person.links)
