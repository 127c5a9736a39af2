"""Other rules: previewed, applied as previewed, for the past as well, and finished whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any

import pytest

from identity.errors import RulesError
from identity.graph import Graph
from identity.ids import SubjectId
from identity.ledger import EdgeState
from identity.rules import DAY_MS
from identity.tokens import IdentifierKind
from services.consent.rounds import AuthorityStopped
from services.deployment.config import shipped_rules_file
from services.errors import Refusal
from services.identity.rule_book import rules_in_force, rules_of
from services.identity.rules_change import Proposal, RulesChange
from services.storage import rules as storage
from services.storage.retention import batches_of
from services.storage.rules import KeptRules, RulesJournal
from tests.identity.desk import Desk
from tests.identity.rulebook import SHIPPED

SHIPPED_FILE = shipped_rules_file()


def file_of(version: int, *changes: tuple[str, str]) -> str:
    """The shipped file with a version and lines of it changed."""
    text = SHIPPED_FILE.replace("version = 1\n", f"version = {version}\n", 1)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


TILLS_LET_BE = (
    ", shared_above = { account_id = 1, crm_id = 1, loyalty_card = 2, email = 4, phone = 3 } }",
    " }",
)
LAX = file_of(2, TILLS_LET_BE)
STRICT = file_of(3)
RETIRED = file_of(
    2, ("# [sources.named.old-partner]", '[sources.named.web]\nstatus = "retired"\nevidence = ["login"]')
)
BLOCKS_JUNK = file_of(2, ('email = [\n    "test@', 'email = [\n    "junk@shop.example", "test@'))

UNRELATED = file_of(
    2, ("# [sources.named.old-partner]", '[sources.named.unrelated]\nstatus = "retired"\nevidence = []')
)
DISTRUSTED = file_of(
    2,
    (
        "# [sources.named.old-partner]",
        '[sources.named.web]\nstatus = "active"\ntrust_permille = 100\nevidence = ["login"]',
    ),
)


class ProcessDiedError(Exception):
    pass


class Office:
    """Changes the rules of a desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.journal = RulesJournal(desk.database)
        self.failed = asyncio.Event()
        self.change = self.make()

    def make(self) -> RulesChange:
        desk = self.desk
        return RulesChange(
            journal=self.journal,
            store=desk.store,
            ledger=desk.servicer.ledger,
            book=desk.book,
            read=partial(rules_of, like=SHIPPED),
            barrier=desk.barrier,
            clock=desk.clock,
            report=self.report,
            pause=desk.pause,
        )

    def report(self, line: str) -> None:
        self.desk.reports.append(line)
        self.failed.set()

    async def open(self) -> None:
        await self.journal.adopt(KeptRules(1, SHIPPED_FILE, 0, ""))

    async def preview(self, content: str) -> Any:
        return await self.change.preview(proposal(content), self.desk.clock(), 9)

    async def begin(self, content: str, digest: str = "") -> Awaitable[int]:
        digest = digest or (await self.preview(content)).plan.digest
        return await self.change.begin(proposal(content), digest, "operator")

    async def apply(self, content: str, digest: str = "") -> int:
        return await (await self.begin(content, digest))

    async def restart(self) -> None:
        """A new process over the same file."""
        await self.change.stop()
        await self.desk.servicer.drained()
        kept = await self.journal.in_force()
        assert kept is not None
        self.desk.rules = rules_of(kept.content, SHIPPED)
        self.desk.servicer = self.desk.make_servicer(Graph(await self.desk.store.confirmed_edges()))
        self.change = self.make()
        await self.desk.servicer.take_up()
        await self.change.take_up()
        self.desk.servicer.resume()
        self.change.resume()


def proposal(content: str) -> Proposal:
    return Proposal(content, rules_of(content, SHIPPED))


@pytest.fixture
async def office(desk: Desk) -> Office:
    office = Office(desk)
    await office.open()
    return office


async def till_and_customers(desk: Desk) -> tuple[SubjectId, SubjectId, SubjectId]:
    """A till that was seen with two customers."""
    (till,) = await desk.subjects("till", kind=IdentifierKind.DEVICE_ID)
    one, other = await desk.subjects("one", "other", kind=IdentifierKind.ACCOUNT_ID)
    desk.say_yes(till, one, other)
    await desk.send(desk.link(till, one))
    await desk.send(desk.link(till, other))
    return till, one, other


async def states(desk: Desk, *pairs: tuple[SubjectId, SubjectId]) -> list[EdgeState]:
    return [entry.edge.state for entry in await desk.store.between(pairs)]


async def test_laxer_rules_bring_back_what_was_taken_back_and_what_was_refused(desk, office):
    till, one, other = await till_and_customers(desk)
    assert desk.members(till) == {till}
    await office.apply(LAX)
    assert desk.members(till) == {till, one, other}
    assert await states(desk, (till, one), (till, other)) == [EdgeState.ACTIVE] * 2
    assert desk.book.shared == await desk.store.shared() == set()
    assert (await office.journal.in_force()).version == desk.book.rules.version == 2


async def test_stricter_rules_reach_the_past(desk, office):
    """And what they find to be shared takes no link from then on."""
    till, one, other = await till_and_customers(desk)
    await office.apply(LAX)
    await office.apply(STRICT)
    assert desk.members(till) == {till}
    assert await states(desk, (till, one), (till, other)) == [EdgeState.QUARANTINED] * 2
    response = await desk.send(desk.link(till, one, observed_at_ms=desk.clock()))
    assert response.results[0].error.reason == "IDENTIFIER_SHARED"


async def test_a_retired_source_splits_people_at_once_and_takes_no_refusal_away(desk, office):
    one, other = await desk.subjects("one", "other")
    desk.say_yes(one, other)
    await desk.send(desk.link(one, other))
    desk.say(one, refuse=["marketing.email"])
    await office.apply(RETIRED)
    assert desk.members(other) == {other}
    assert not desk.guard.allows(other, desk.policy.index("marketing.email"), desk.clock())
    assert await states(desk, (one, other)) == [EdgeState.ACTIVE]
    assert (await desk.send(desk.link(one, other))).results[0].error.reason == "SOURCE_RETIRED"


async def test_a_till_stays_apart_when_its_witness_was_swept(desk, office):
    """Rules that say nothing of it let it go no more than they did before, and the next ones neither."""
    till, one, _ = await till_and_customers(desk)
    retention = desk.policy.retention
    (_, refused, *_) = batches_of("identity", retention, desk.clock() + 10_000 * DAY_MS)
    swept = await desk.database.write(lambda connection: refused(connection, 0))
    assert swept.deleted == {"refused_links": 1}
    for file in (UNRELATED, file_of(3)):
        await office.apply(file)
        assert desk.members(till) == {till}
        assert desk.book.shared == await desk.store.shared() == {till}
    await office.apply(file_of(4, TILLS_LET_BE))
    assert desk.members(till) == {till, one}
    assert desk.book.shared == await desk.store.shared() == set()


async def test_distrust_of_a_source_takes_no_refusal_away_until_somebody_unlinks(desk, office):
    """And joins nobody: what was proof between two people is a guess."""
    one, other = await desk.subjects("one", "other", kind=IdentifierKind.ACCOUNT_ID)
    desk.say_yes(one, other)
    await desk.send(desk.link(one, other))
    desk.say(one, refuse=["marketing.email"])
    marketing = desk.policy.index("marketing.email")
    await office.apply(DISTRUSTED)
    assert desk.members(other) == {other}
    assert await states(desk, (one, other)) == [EdgeState.DISTRUSTED]
    assert not desk.guard.allows(other, marketing, desk.clock())
    await office.restart()
    assert not desk.guard.allows(other, marketing, desk.clock())
    assert (await desk.unlink(one, other)).edges_removed == 1
    assert desk.guard.allows(other, marketing, desk.clock())


async def test_what_was_refused_and_declared_wrong_never_comes_back(desk, office):
    till, one, other = await till_and_customers(desk)
    assert (await desk.unlink(till, other)).edges_removed == 1
    await office.apply(LAX)
    assert desk.members(till) == {till, one}
    assert await states(desk, (till, other)) == [EdgeState.WRONG]


async def test_until_it_is_known_everywhere_what_changes_joins_nobody_and_carries_refusals(desk, office):
    """Only then is a till's refusal nobody else's any more."""
    till, one, other = await till_and_customers(desk)
    await office.apply(LAX)
    desk.say(one, refuse=["marketing.email"])
    marketing = desk.policy.index("marketing.email")
    seen = []

    async def look(_seq: int) -> None:
        await desk.follow()
        seen.append((desk.members(till), desk.guard.allows(other, marketing, desk.clock())))

    desk.at_barrier = look
    await office.apply(STRICT)
    assert seen == [({till}, False), ({till}, True)]
    assert not desk.guard.allows(one, marketing, desk.clock())


async def test_what_is_applied_is_what_was_previewed(desk, office):
    till, *_ = await till_and_customers(desk)
    digest = (await office.preview(LAX)).plan.digest
    (late,) = await desk.subjects("late", kind=IdentifierKind.ACCOUNT_ID)
    await desk.send(desk.link(till, late))
    with pytest.raises(Refusal, match="PREVIEW_OUTDATED"):
        await office.apply(LAX, digest)
    assert (desk.book.changing, desk.book.rules.version) == (False, 1)
    assert (await desk.send(desk.link(till, late))).results[0].error.reason == "IDENTIFIER_SHARED"


async def test_linking_does_not_stop_for_a_digest_that_is_made_up(desk, office, monkeypatch):
    """Not while the whole ledger is replayed, and not for one that was previewed once, either."""
    till, *_ = await till_and_customers(desk)
    changing: list[bool] = []

    def read_ledger(read: Any = office.journal.read_ledger) -> Any:
        changing.append(desk.book.changing)
        return read()

    monkeypatch.setattr(office.journal, "read_ledger", read_ledger)
    with pytest.raises(Refusal, match="PREVIEW_OUTDATED"):
        await office.apply(LAX, "made up")
    assert changing == [False]
    digest = (await office.preview(LAX)).plan.digest
    (late,) = await desk.subjects("late", kind=IdentifierKind.ACCOUNT_ID)
    await desk.send(desk.link(till, late))
    for _ in range(2):
        with pytest.raises(Refusal, match="PREVIEW_OUTDATED"):
            await office.apply(LAX, digest)
    assert changing == [False, False, True, False]
    await office.apply(LAX)
    assert changing[4:] == [False, True]


async def test_nothing_is_linked_while_rules_change_and_what_was_linked_can_be_undone(desk, office):
    till, one, other = await till_and_customers(desk)
    a, b = await desk.subjects("a", "b")
    goes_on = asyncio.Event()

    async def hang(_seq: int) -> None:
        await goes_on.wait()

    desk.at_barrier = hang
    begun = await office.begin(LAX)
    with pytest.raises(Refusal, match="RULES_CHANGING"):
        await desk.send(desk.link(a, b))
    with pytest.raises(Refusal, match="RULES_CHANGING"):
        await office.preview(STRICT)
    undone = asyncio.ensure_future(desk.unlink(till, one))
    await asyncio.sleep(0.01)
    desk.at_barrier = None
    goes_on.set()
    await asyncio.gather(asyncio.ensure_future(begun), undone)
    assert await states(desk, (till, one), (till, other)) == [EdgeState.WRONG, EdgeState.ACTIVE]
    assert (await desk.send(desk.link(a, b))).results[0].linked


@pytest.mark.parametrize("portion", [1, 2_000])
@pytest.mark.parametrize("barrier", [1, 2])
async def test_a_change_that_was_cut_off_is_finished_by_the_next_process(
    desk, office, monkeypatch, portion, barrier
):
    """Wherever: while edges were being held, or when the rules were in force already."""
    monkeypatch.setattr(storage, "PORTION", portion)
    till, one, other = await till_and_customers(desk)
    asked = 0

    async def fail(_seq: int) -> None:
        nonlocal asked
        asked += 1
        if asked >= barrier:
            raise AuthorityStopped

    desk.at_barrier = fail
    going_on = await office.begin(LAX)
    await office.failed.wait()
    assert desk.members(till) == {till}
    await office.change.stop()
    with pytest.raises((Refusal, AuthorityStopped)):
        await going_on
    desk.at_barrier = None
    await office.restart()
    assert await office.apply(LAX, "as before") == desk.guard.epoch
    assert desk.members(till) == {till, one, other}
    assert await office.journal.change() is None
    graph = desk.servicer._ledger._graph
    assert set(graph.at(till)) == set(await desk.store.confirmed_edges())


async def test_a_barrier_that_fails_once_is_tried_again(desk, office):
    till, one, other = await till_and_customers(desk)
    failures = iter([AuthorityStopped])

    async def fail(_seq: int) -> None:
        for failure in failures:
            raise failure

    desk.at_barrier = fail
    await office.apply(LAX)
    assert desk.members(till) == {till, one, other}
    assert desk.reports == ["identity: other rules are not in force yet: AuthorityStopped\n"]


async def test_a_plan_that_was_never_begun_leaves_nothing(desk, office, monkeypatch):
    """The process died between writing the plan down and beginning."""
    await till_and_customers(desk)

    def dies(*_: object) -> None:
        raise ProcessDiedError

    with monkeypatch.context() as patched:
        patched.setattr(storage, "_begin", dies)
        with pytest.raises(ProcessDiedError):
            await office.apply(LAX)
    assert (desk.book.changing, await office.journal.change()) == (False, None)
    await office.apply(LAX)
    assert desk.book.rules.version == 2


async def test_rules_applied_again_are_answered_and_older_ones_refused(desk, office):
    await office.apply(LAX)
    seq = await desk.store.last_seq()
    assert await office.apply(LAX, "whatever was previewed then") == desk.guard.epoch
    assert await desk.store.last_seq() == seq
    with pytest.raises(Refusal, match="RULES_NOT_NEWER"):
        await office.preview(file_of(2))


async def test_what_is_blocked_by_new_rules_is_born_no_more_and_joins_nobody(desk, office):
    (mail,) = await desk.subjects("junk@shop.example", kind=IdentifierKind.EMAIL)
    (account,) = await desk.subjects("anna", kind=IdentifierKind.ACCOUNT_ID)
    desk.say_yes(mail, account)
    await desk.send(desk.link(mail, account))
    await office.apply(BLOCKS_JUNK)
    assert desk.members(account) == {account}
    response = await desk.resolve("junk@shop.example", kind=IdentifierKind.EMAIL)
    assert response.results[0].error.reason == "BLOCKED_VALUE"
    assert (await desk.send(desk.link(mail, account))).results[0].error.reason == "BLOCKED_VALUE"


async def test_what_was_born_while_the_rules_that_block_it_came_joins_nobody(desk, office):
    one, other = await desk.subjects("one", "other", kind=IdentifierKind.ACCOUNT_ID)
    born: list[SubjectId] = []

    async def resolve(_seq: int) -> None:
        desk.at_barrier = None
        born.extend(await desk.subjects("junk@shop.example", kind=IdentifierKind.EMAIL))

    desk.at_barrier = resolve
    await office.apply(BLOCKS_JUNK)
    desk.say_yes(one, other, *born)
    response = await desk.send(desk.link(born[0], one), desk.link(born[0], other))
    assert [result.error.reason for result in response.results] == ["BLOCKED_VALUE"] * 2
    assert desk.members(one) == {one}


async def test_a_birth_that_was_let_through_by_the_rules_before_is_looked_at_again(desk, office):
    """The new ones came between the look at the value and its birth."""
    begun = desk.servicer._register._begun

    async def apply_first(work: Any) -> Any:
        begun.to_the_end = to_the_end
        await office.apply(BLOCKS_JUNK)
        return await to_the_end(work)

    to_the_end, begun.to_the_end = begun.to_the_end, apply_first
    response = await desk.resolve("junk@shop.example", kind=IdentifierKind.EMAIL)
    assert response.results[0].error.reason == "BLOCKED_VALUE"
    assert await desk.store.subjects([desk.token(IdentifierKind.EMAIL, "junk@shop.example")]) == {}


async def test_a_ledger_goes_by_the_rules_last_applied_to_it_and_says_if_newer_ones_are_shipped(desk):
    journal, said = RulesJournal(desk.database), []
    assert (await rules_in_force(journal, LAX, SHIPPED, 5, said.append)).version == 2
    assert await journal.in_force() == KeptRules(2, LAX, 5, "")
    assert (await rules_in_force(journal, SHIPPED_FILE, SHIPPED, 6, said.append)).version == 2
    assert said == []
    assert (await rules_in_force(journal, STRICT, SHIPPED, 7, said.append)).version == 2
    assert said == ["identity: rules version 2 in force; version 3 comes with the suite\n"]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("version = ", "rules.the end"),
        ("version = 1\n[blocked\n", "rules.line 2"),
        (file_of(2, ('views = ["strict", "wide"]', 'views = ["wide", "strict"]')), "rules.views"),
        (file_of(2, ("members_max = 500", "members_max = 0")), "rules.members_max"),
    ],
)
def test_a_file_that_can_not_be_used_is_told_where(content, where):
    with pytest.raises(RulesError) as refused:
        rules_of(content, SHIPPED)
    assert refused.value.field == where
