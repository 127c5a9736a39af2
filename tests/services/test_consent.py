"""ConsentService's handlers: what they judge, record and answer."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consent.component import EdgeFact, EdgeState, GraphStep
from consent.errors import PageTokenInvalid
from consent.guard_table import NEVER_MS, GuardTable
from consent.history import HistoryTokens
from consent.policy import Policy
from identity.ids import SubjectId
from identity.keyring import KeyRing
from identity.ledger import Edge, Evidence, GraphChange
from identity.ledger import EdgeState as LedgerState
from identity.pairwise import Pairwise
from identity.rules import Rules, compile_rules
from services.consent.authority import ConsentAuthority
from services.consent.rounds import AuthorityStopped
from services.consent.service import ConsentServicer, graph_step
from services.interceptors.call import Call, Caller
from services.storage.consent import ConsentTables
from services.storage.sqlite import SqliteDatabase
from tests.conftest import Clock
from tests.consent.statements import KEYS, RULES, entry, statement, subject
from veilgraph.consent.v1 import consent_pb2 as pb

ANNA, BERT, STRANGER = subject(1), subject(2), subject(3)
NOTICE = pb.Notice(id="privacy", version="7", language="de-AT")


@pytest.fixture
async def authority(tmp_path: Path, policy: Policy, clock: Clock) -> AsyncIterator[ConsentAuthority]:
    database = SqliteDatabase(tmp_path / "consent.db", "consent")
    authority = ConsentAuthority(ConsentTables(database, policy, KEYS), policy, clock)
    await authority.start()
    await authority.apply_graph([GraphStep(1, (ANNA, BERT), ())])
    yield authority
    await authority.stop()
    database.close()


@pytest.fixture
def rules() -> Rules:
    return compile_rules(RULES)


class Desk:
    """Asks the servicer as the guard would: subjects taken out, refused elements gone."""

    def __init__(self, authority: ConsentAuthority, policy: Policy, keyring: KeyRing, clock: Clock) -> None:
        self.servicer = ConsentServicer(
            authority,
            lambda caller: Pairwise(keyring, caller.tenant, caller.id),
            HistoryTokens(bytes(range(64))),
        )
        self.clock = clock
        self.table = GuardTable(policy)
        authority.subscribe(self.table)

    def call(self, caller: str = "shop") -> Call:
        who = Caller(caller, "tenant", frozenset(), 0)
        return Call(
            plan=None, guard=self.table, metadata={}, clock_ms=self.clock, caller=who, now_ms=self.clock()
        )

    async def record(
        self,
        *said: tuple[SubjectId, pb.Statement],
        request_id: str = "r1",
        caller: str = "shop",
        refused: tuple[int, ...] = (),
    ) -> pb.RecordResponse:
        self.called = call = self.call(caller)
        count = len(said) + len(refused)
        call.accepted = [index for index in range(count) if index not in refused]
        call.subjects = {"statements.subject": [who for who, _ in said]}
        for index in refused:
            call.refuse_item(index, "SUBJECT_REF_MALFORMED", f"statements[{index}].subject")
        request = pb.RecordRequest(request_id=request_id, statements=[message for _, message in said])
        return await self.servicer.Record(request, call)

    async def states(self, who: SubjectId, caller: str = "shop") -> pb.GetStateResponse:
        call = self.call(caller)
        call.subjects = {"subject": [who]}
        return await self.servicer.GetState(pb.GetStateRequest(), call)

    async def state(self, who: SubjectId, caller: str = "shop") -> dict[str, pb.PurposeState]:
        return {state.purpose: state for state in (await self.states(who, caller)).purposes}

    async def history(self, who: SubjectId, token: str = "", *, caller: str = "shop", size: int = 0):
        call = self.call(caller)
        call.subjects = {"subject": [who]}
        return await self.servicer.History(pb.HistoryRequest(page_size=size, page_token=token), call)


@pytest.fixture
def desk(authority: ConsentAuthority, policy: Policy, keyring: KeyRing, clock: Clock) -> Desk:
    return Desk(authority, policy, keyring, clock)


def message(
    *purposes: str,
    action: str = "ACTION_GRANT",
    at_ms: int | None = None,
    until_ms: int | None = None,
    notice: pb.Notice | None = NOTICE,
) -> pb.Statement:
    made = pb.Statement(action=action, purposes=purposes, collected_via="COLLECTED_VIA_WEB", notice=notice)
    if at_ms is not None:
        made.effective_at.FromMilliseconds(at_ms)
    if until_ms is not None:
        made.valid_until.FromMilliseconds(until_ms)
    return made


async def test_a_statement_is_in_effect_at_the_epoch_of_the_answer(desk: Desk, policy: Policy, clock: Clock):
    """The table has reached it when the answer is given."""
    response = await desk.record((ANNA, message("marketing", "loyalty")))
    assert (response.recorded, list(response.refused)) == (1, [])
    assert response.consent_epoch == desk.table.epoch
    assert desk.table.allows(ANNA, policy.index("marketing.sms"), clock())


async def test_a_refused_statement_is_named_and_the_others_are_kept(desk: Desk, clock: Clock):
    """Each fault has its reason and field at the place in the original request; the guard's come along."""
    now_ms = clock()
    response = await desk.record(
        (ANNA, message("marketing", "marketng")),
        (ANNA, message("loyalty", notice=None)),
        (BERT, message("loyalty")),
        (ANNA, message("loyalty", at_ms=now_ms + 300_001)),
        (ANNA, message("loyalty", until_ms=now_ms)),
        (ANNA, message("loyalty", action="ACTION_REFUSE", until_ms=now_ms + 9)),
        (ANNA, message("rights", action="ACTION_WITHDRAW")),
        (STRANGER, message("loyalty")),
        refused=(0, 4),
    )
    assert response.recorded == 1
    assert [(one.index, one.reason, one.field) for one in response.refused] == [
        (0, "SUBJECT_REF_MALFORMED", "statements[0].subject"),
        (1, "UNKNOWN_PURPOSE", "statements[1].purposes"),
        (2, "NOTICE_MISSING", "statements[2].notice"),
        (4, "SUBJECT_REF_MALFORMED", "statements[4].subject"),
        (5, "EFFECTIVE_IN_FUTURE", "statements[5].effective_at"),
        (6, "VALID_UNTIL_INVALID", "statements[6].valid_until"),
        (7, "VALID_UNTIL_INVALID", "statements[7].valid_until"),
        (8, "PURPOSE_UNREFUSABLE", "statements[8].purposes"),
        (9, "NOT_PERMITTED", ""),
    ]
    assert {one.code for one in response.refused} == {3, 7}
    assert (await desk.state(BERT))["loyalty"].own == pb.STATE_GRANTED
    assert {state.own for state in (await desk.state(ANNA)).values()} == {pb.STATE_UNKNOWN}


async def test_a_repeated_request_has_the_same_answer(desk: Desk, clock: Clock):
    """Later, in another epoch, with other statements in between; and nothing is appended."""
    said = ((ANNA, message("loyalty")), (BERT, message("nothing")))
    first = await desk.record(*said)
    await desk.record((ANNA, message("loyalty", action="ACTION_WITHDRAW")), request_id="r2")
    clock.now_ms += 1000
    assert await desk.record(*said) == first
    assert (await desk.state(ANNA))["loyalty"].own == pb.STATE_WITHDRAWN


async def test_a_request_id_used_for_something_else_is_refused(desk: Desk):
    """A withdrawal is never answered as if it were the grant before."""
    await desk.record((ANNA, message("loyalty")))
    response = await desk.record((ANNA, message("loyalty", action="ACTION_WITHDRAW")))
    assert response.recorded == 0
    assert [(one.index, one.reason, one.field) for one in response.refused] == [
        (0, "REQUEST_ID_REUSED", "request_id")
    ]
    other = await desk.record((ANNA, message("loyalty", action="ACTION_WITHDRAW")), caller="till")
    assert other.recorded == 1


async def test_a_repeat_appends_what_was_refused_the_first_time(desk: Desk, authority: ConsentAuthority):
    """A statement about a subject that was not announced yet is taken when it is."""
    said = ((STRANGER, message("loyalty")), (ANNA, message("loyalty")))
    assert (await desk.record(*said)).recorded == 1
    await authority.apply_graph([GraphStep(2, (STRANGER,), ())])
    assert (await desk.record(*said)).recorded == 2


async def test_five_hundred_statements_are_one_step(desk: Desk):
    """One epoch, whatever the size of the request."""
    before = desk.table.epoch
    response = await desk.record(*[(ANNA, message("loyalty"))] * 500)
    assert (response.recorded, response.consent_epoch) == (500, before + 1)


async def test_the_state_names_own_words_and_what_follows(desk: Desk, policy: Policy, clock: Clock):
    """Every leaf in the tree's order, with the basis, the statement behind it, and the decision."""
    start_ms = clock()
    await desk.record(
        (ANNA, message("marketing", at_ms=start_ms - 5, until_ms=start_ms + 100)),
        (ANNA, message("share", action="ACTION_REFUSE", notice=None)),
    )
    states = await desk.state(ANNA)
    assert tuple(states) == policy.leaves
    assert [state.legal_basis for state in states.values()] == list(policy.basis)
    email, sale = states["marketing.email"], states["share.sale"]
    assert (email.own, email.allowed) == (pb.STATE_GRANTED, True)
    assert email.effective_at.ToMilliseconds() == start_ms - 5
    assert email.valid_until.ToMilliseconds() == start_ms + 100
    assert (sale.own, sale.allowed, sale.HasField("valid_until")) == (pb.STATE_REFUSED, False, False)
    assert (states["service"].own, states["service"].allowed) == (pb.STATE_UNKNOWN, True)
    assert states["rights"].allowed
    clock.now_ms = start_ms + 100
    expired = (await desk.state(ANNA))["marketing.email"]
    assert (expired.own, expired.allowed) == (pb.STATE_EXPIRED, False)


async def test_the_state_names_what_lies_over_it_and_where_the_person_is(desk: Desk):
    """Objections, restrictions and the regime's own basis."""
    asked = message("service", action="ACTION_REQUEST", notice=None)
    asked.regime = "US_CA"
    await desk.record(
        (ANNA, asked),
        (ANNA, message("share.sale", action="ACTION_OBJECT", notice=None)),
        (ANNA, message("loyalty", action="ACTION_RESTRICT", notice=None)),
    )
    states = await desk.state(ANNA)
    assert [name for name, state in states.items() if state.objected] == ["share.sale"]
    assert [name for name, state in states.items() if state.restricted] == ["loyalty"]
    assert list((await desk.states(ANNA)).regimes) == ["US_CA"]
    assert states["analytics.reporting"].legal_basis == "opt_out"
    assert states["analytics.reporting"].allowed


async def test_a_statement_has_another_id_for_each_caller(desk: Desk):
    """``Record`` and ``GetState`` name it alike to one caller; two callers can not join on it."""
    recorded = await desk.record(
        (ANNA, message("loyalty")), (BERT, message("nothing")), (BERT, message("share"))
    )
    assert [(one.index, one.purpose) for one in recorded.statements] == [(0, "loyalty"), (2, "share")]
    shown = [(await desk.state(ANNA, caller))["loyalty"].statement_id for caller in ("shop", "till")]
    assert shown[0] == recorded.statements[0].statement_id
    assert len(set(shown)) == 2


async def test_a_grant_answers_the_refusal_of_an_attested_identity(
    desk: Desk, authority: ConsentAuthority, policy: Policy, clock: Clock
):
    """And no other: not before they are linked by proof, and not by another caller's id."""
    linking = (ANNA, message("identity")), (BERT, message("identity"))
    refused = await desk.record(
        *linking, (ANNA, message("loyalty", action="ACTION_REFUSE", notice=None)), request_id="r0"
    )
    answer = message("loyalty")
    answer.notice.sha256 = b"n" * 32
    answer.supersedes.append(refused.statements[2].statement_id)
    loyalty = policy.index("loyalty")
    early = await desk.record((BERT, answer), request_id="r1")
    assert [(one.reason, one.field) for one in early.refused] == [
        ("SUPERSEDES_NOTHING", "statements[0].supersedes")
    ]
    link = policy.index("identity.link.deterministic")
    fact = EdgeFact(7, ANNA, BERT, link, True, 0b11, EdgeState.ACTIVE, NEVER_MS, "desk")  # noqa: FBT003
    await authority.apply_graph([GraphStep(2, (), (fact,))])
    assert not desk.table.allows(BERT, loyalty, clock())
    others = await desk.record((BERT, answer), request_id="r2", caller="till")
    assert [one.reason for one in others.refused] == ["SUPERSEDES_NOTHING"]
    assert (await desk.record((BERT, answer), request_id="r3")).recorded == 1
    assert all(desk.table.allows(who, loyalty, clock()) for who in (ANNA, BERT))
    wrong = fact._replace(state=EdgeState.WRONG)
    await authority.apply_graph([GraphStep(3, (), (wrong,))])
    assert [desk.table.allows(who, loyalty, clock()) for who in (ANNA, BERT)] == [False, True]


async def test_records_keep_who_said_what_under_which_notice(
    desk: Desk, tmp_path: Path, policy: Policy, clock: Clock
):
    """Caller, tenant, request and notice are evidence."""
    await desk.record((ANNA, message("loyalty")))
    database = SqliteDatabase(tmp_path / "consent.db", "consent")
    (record,) = await ConsentTables(database, policy, KEYS).records_of(ANNA)
    database.close()
    expected = entry(policy, statement(ANNA, "loyalty"), now_ms=clock())
    assert (record,) == expected.records


@pytest.mark.parametrize(
    ("evidence", "purpose", "deterministic", "views"),
    [
        (Evidence.LOGIN, "identity.link.deterministic", True, 0b11),
        (Evidence.SIMILARITY, "identity.link.probabilistic", False, 0b10),
    ],
)
def test_an_edge_counts_as_its_evidence_says(
    policy: Policy, rules: Rules, evidence: Evidence, purpose: str, deterministic: bool, views: int
):
    """Purpose, proof and views come from identity's rules, bits from the policy."""
    states = {
        LedgerState.ACTIVE: EdgeState.ACTIVE,
        LedgerState.WRONG: EdgeState.WRONG,
        LedgerState.REFUSED: EdgeState.WRONG,
        LedgerState.LINK_PENDING: EdgeState.REFUSAL_ONLY,
        LedgerState.UNLINK_PENDING: EdgeState.REFUSAL_ONLY,
    }
    for ledger_state, state in states.items():
        seen = Edge(7, ANNA, BERT, evidence, "web", 5, NEVER_MS, 1000, ledger_state)
        step = graph_step(GraphChange(3, (ANNA,), (seen,)), rules, policy)
        fact = EdgeFact(7, ANNA, BERT, policy.index(purpose), deterministic, views, state, NEVER_MS)
        assert step == GraphStep(3, (ANNA,), (fact,))


def test_an_edge_names_the_verifier_that_saw_both_its_ends_proven(policy: Policy, rules: Rules):
    """A registered one, and a login; the same login seen by the web shop names nobody."""
    registered = dataclasses.replace(rules, attesters={"idp": frozenset()})
    seen = Edge(7, ANNA, BERT, Evidence.LOGIN, "idp", 5, NEVER_MS, 1000, LedgerState.ACTIVE)
    by_web = seen._replace(source="web")
    step = graph_step(GraphChange(3, (ANNA,), (seen, by_web)), registered, policy)
    assert [edge.attested_by for edge in step.edges] == ["idp", ""]


async def test_a_withdrawal_that_waits_for_a_replica_is_kept_whatever_becomes_of_its_caller(
    authority: ConsentAuthority, desk: Desk
):
    """A deadline that passes from now on says that it is pending; and it is in effect where it can be."""
    authority.barrier.grant(b"a replica that is silent", authority.barrier.clock_ms(), 0)
    withdrawing = asyncio.create_task(desk.record((ANNA, message("loyalty", action="ACTION_WITHDRAW"))))
    epoch = authority.epoch
    while authority.epoch == epoch:  # noqa: ASYNC110 - asked after each turn of the loop
        await asyncio.sleep(0)
    assert not withdrawing.done()
    assert desk.called.durable
    authority.barrier.release(b"a replica that is silent")
    assert (await withdrawing).recorded == 1


async def test_a_statement_that_can_not_be_kept_is_not_said_to_be_pending(
    desk: Desk, authority: ConsentAuthority
):
    """Nothing is kept of what was refused."""
    await authority.stop()
    with pytest.raises(AuthorityStopped):
        await desk.record((ANNA, message("loyalty", action="ACTION_WITHDRAW")))
    assert not desk.called.durable


async def test_a_history_shows_every_record_once_in_the_order_it_was_written_down(desk: Desk, clock: Clock):
    """Over pages of any size; what is said between two pages stands on the last."""
    until_ms = clock() + 5_000
    await desk.record((ANNA, message("marketing", "loyalty", until_ms=until_ms)))
    await desk.record((BERT, message("loyalty")), request_id="r2")
    clock.now_ms += 1_000
    await desk.record(
        (ANNA, message("share", action="ACTION_REFUSE", notice=None)), request_id="r3", caller="till"
    )
    first = await desk.history(ANNA, size=2)
    await desk.record((ANNA, message("loyalty", action="ACTION_WITHDRAW", notice=None)), request_id="r4")
    second = await desk.history(ANNA, first.next_page_token, size=2)
    assert not second.next_page_token
    shown = [*first.records, *second.records]
    assert [(one.purpose, pb.Action.Name(one.action), one.reported_by_caller) for one in shown] == [
        ("marketing", "ACTION_GRANT", True),
        ("loyalty", "ACTION_GRANT", True),
        ("share", "ACTION_REFUSE", False),
        ("loyalty", "ACTION_WITHDRAW", True),
    ]
    assert (shown[0].notice.id, shown[0].notice.version, shown[2].HasField("notice")) == (
        "privacy",
        "7",
        False,
    )
    assert (shown[0].valid_until.ToMilliseconds(), shown[2].HasField("valid_until")) == (until_ms, False)
    assert shown[2].recorded_at.ToMilliseconds() == clock()
    assert len((await desk.history(ANNA)).records) == 4


async def test_a_page_token_opens_for_its_caller_and_its_subject_alone(desk: Desk):
    """Neither somebody else's history nor a guess goes on with it."""
    for who in (ANNA, BERT):
        await desk.record((who, message("marketing", "loyalty")), request_id=f"r{who.hex()}")
    token = (await desk.history(ANNA, size=1)).next_page_token
    assert [one.purpose for one in (await desk.history(ANNA, token)).records] == ["loyalty"]
    for who, caller, changed in (
        (BERT, "shop", token),
        (ANNA, "till", token),
        (ANNA, "shop", token[:-1]),
        (ANNA, "shop", "AAAA"),
        (ANNA, "shop", "no token!"),
    ):
        with pytest.raises(PageTokenInvalid):
            await desk.history(who, changed, caller=caller)


async def test_statement_ids_of_a_history_are_those_of_the_answer(desk: Desk):
    """A caller can name what it reads; another caller's names are others."""
    recorded = await desk.record((ANNA, message("marketing")))
    (mine,) = (await desk.history(ANNA)).records
    (theirs,) = (await desk.history(ANNA, caller="till")).records
    assert mine.statement_id == recorded.statements[0].statement_id
    assert theirs.statement_id != mine.statement_id
