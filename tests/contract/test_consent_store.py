"""What every consent store must do; a second engine joins by a line in ``ENGINES``."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import resources
from pathlib import Path

import asyncpg
import pytest

from consent.component import EdgeState, GraphStep
from consent.errors import TermOver, UnknownPurpose
from consent.policy import Policy, compile_policy
from consent.record import Action, Age, Evidence, Notice, Said
from consent.statement import LedgerEntry, Refusal, suppression
from consent.store import Appended, ConsentStore
from services.storage.consent import ConsentTables
from tests.consent.statements import KEYS, NOW_MS, SHIPPED, edge, entry, statement, subject
from tests.contract.engines import ENGINES, tables

ANNA, BERT = subject(1), subject(2)
#: A statement with everything a statement can have.
FULL = statement(
    ANNA,
    "marketing.email",
    valid_until_ms=NOW_MS + 5,
    notice=Notice("privacy", "8", "de-AT", b"n" * 32),
    regime="UK_GDPR",
    jurisdiction="GB-SCT",
    age=Age.ADULT,
    child_signal=True,
    evidence=Evidence("double-opt-in", "cmp", b"u" * 32, b"raw-signal-of-anna"),
)
pytestmark = pytest.mark.parametrize("engine", ENGINES)


@asynccontextmanager
async def opened(engine: str, folder: Path, policy: Policy) -> AsyncIterator[ConsentStore]:
    """The store kept in a folder; opening it again finds what was there."""
    async with tables(engine, folder, "consent") as database:
        yield ConsentTables(database, policy, KEYS)


def answerable(refusal: LedgerEntry) -> dict[bytes, Refusal]:
    """The first record of an entry as a grant may answer it."""
    record = refusal.records[0]
    return {record.event_id: Refusal(record.subject, record.said)}


@pytest.fixture
async def store(engine: str, tmp_path: Path, policy: Policy) -> AsyncIterator[ConsentStore]:
    async with opened(engine, tmp_path, policy) as store:
        yield store


async def test_records_come_back_as_they_were_appended_in_that_order(store: ConsentStore, policy: Policy):
    """Every field of every record survives, notice or none; a stranger has none."""
    grant = entry(policy, statement(ANNA, "marketing", "loyalty", valid_until_ms=NOW_MS + 5))
    refusal = entry(
        policy,
        statement(ANNA, "marketing.email", action=Action.REFUSE, effective_at_ms=NOW_MS - 9, notice=None),
        request_id="r2",
    )
    answer = replace(
        FULL,
        supersedes=(refusal.records[0].event_id,),
        nodes=("marketing.email", "loyalty"),
    )
    full = entry(
        policy,
        answer,
        request_id="r3",
        refusals={refusal.records[0].event_id: Refusal(ANNA, refusal.records[0].said)},
    )
    await store.append([grant])
    await store.append([refusal, full])
    assert await store.records_of(ANNA) == [*grant.records, *refusal.records, *full.records]
    assert await store.records_of(BERT) == []


async def test_what_the_fold_needs_comes_back_per_subject(store: ConsentStore, policy: Policy):
    """Statements of different subjects written in turn come back apart, each in recorded order."""
    entries = [
        entry(policy, statement(who, node, effective_at_ms=at_ms), position=position)
        for position, (who, node, at_ms) in enumerate(
            [(BERT, "loyalty", 3), (ANNA, "marketing", 2), (BERT, "share", 1), (ANNA, "loyalty", 1)]
        )
    ]
    await store.append(entries)
    expected = {
        ANNA: [record.said._replace(id=b"") for one in (entries[1], entries[3]) for record in one.records],
        BERT: [record.said._replace(id=b"") for one in (entries[0], entries[2]) for record in one.records],
    }
    assert (await store.load(list)).own == expected
    assert await store.said_by([BERT, ANNA, subject(3)]) == expected


async def test_a_repeat_appends_nothing_and_answers_the_same(store: ConsentStore, policy: Policy):
    """Repeated later, with the unset time meaning another instant, it is still the first one."""
    first = await store.append([entry(policy, statement(ANNA, "loyalty"))])
    await store.next_epoch()
    assert await store.append([entry(policy, statement(ANNA, "loyalty"), now_ms=NOW_MS + 60_000)]) == first
    (record,) = await store.records_of(ANNA)
    assert record.recorded_at_ms == NOW_MS


async def test_an_id_used_for_something_else_is_named_and_the_rest_is_kept(
    store: ConsentStore, policy: Policy
):
    """A withdrawal under the id of an old grant is not mistaken for its repeat."""
    await store.append([entry(policy, statement(ANNA, "loyalty"))])
    withdrawal = entry(policy, statement(ANNA, "loyalty", action=Action.WITHDRAW))
    other = entry(policy, statement(BERT, "loyalty"), position=1)
    appended = await store.append([withdrawal, other])
    assert appended.conflicts == {0}
    assert [record.said.action for record in await store.records_of(ANNA)] == [Action.GRANT]
    assert await store.records_of(BERT) == list(other.records)


async def test_only_conflicts_take_no_epoch(store: ConsentStore, policy: Policy):
    """Nothing kept, nothing in effect, no epoch named."""
    await store.append([entry(policy, statement(ANNA, "loyalty"))])
    before = await store.next_epoch()
    assert await store.append([entry(policy, statement(BERT, "loyalty"))]) == Appended(0, frozenset({0}))
    assert await store.next_epoch() == before + 1


async def test_request_ids_belong_to_their_caller(store: ConsentStore, policy: Policy):
    """Two callers using the same request id are two statements."""
    for caller in ("shop", "till"):
        await store.append([entry(policy, statement(ANNA, "loyalty"), caller=caller)])
    records = await store.records_of(ANNA)
    assert [record.actor for record in records] == ["shop", "till"]
    assert len({record.event_id for record in records}) == 2


async def test_epochs_never_repeat_and_never_go_back(engine: str, tmp_path: Path, policy: Policy):
    """Appends, graph steps and plain epochs share one growing sequence, restarts included."""
    epochs: list[int] = []
    for run in range(2):
        async with opened(engine, tmp_path, policy) as store:
            epochs.append(await store.next_epoch())
            epochs.append(
                (await store.append([entry(policy, statement(ANNA, "loyalty"), position=run)])).epoch
            )
            epochs.append(await store.project([GraphStep(run + 1, (subject(run + 1),), ())]))
    assert epochs == sorted(set(epochs))


async def test_the_graph_comes_back_as_it_was_projected(engine: str, tmp_path: Path, policy: Policy):
    """Births in their order, edges in their last state, wrong ones gone, the cursor with them."""
    first = edge(policy, 1, ANNA, BERT)._replace(attested_by="idp")
    second = edge(policy, 2, ANNA, BERT, deterministic=False)
    ended = first._replace(valid_until_ms=NOW_MS, state=EdgeState.REFUSAL_ONLY)
    async with opened(engine, tmp_path, policy) as store:
        await store.project([GraphStep(1, (BERT, ANNA), (first, second))])
        await store.project([GraphStep(2, (), (ended,)), GraphStep(4, (ANNA,), ())])
    async with opened(engine, tmp_path, policy) as store:
        kept = await store.load(list)
        assert (kept.graph_cursor, kept.births, kept.edges) == (4, [BERT, ANNA], [ended, second])
        await store.project([GraphStep(5, (), (second._replace(state=EdgeState.WRONG),))])
    async with opened(engine, tmp_path, policy) as store:
        assert (await store.load(list)).edges == [ended]


async def test_a_step_delivered_again_changes_nothing(store: ConsentStore, policy: Policy):
    """An old step must not bring back an edge that was declared wrong since."""
    step = GraphStep(1, (ANNA, BERT), (edge(policy, 1, ANNA, BERT),))
    wrong = GraphStep(2, (), (edge(policy, 1, ANNA, BERT, state=EdgeState.WRONG),))
    await store.project([step, wrong])
    epoch = await store.project([step])
    kept = await store.load(list)
    assert (kept.graph_cursor, kept.edges) == (2, [])
    assert epoch == await store.project([step, wrong])


async def test_a_step_whose_statements_are_there_already_takes_an_epoch_of_its_own(
    store: ConsentStore, policy: Policy
):
    """After a restore births come again with the refusals they begin with, and new births with them."""
    begins = suppression(ANNA, policy, NOW_MS)
    first = await store.project([GraphStep(1, (ANNA,), (), (ANNA,))], [begins])
    later = await store.next_epoch()
    again = await store.project([GraphStep(2, (ANNA, BERT), (), (ANNA,))], [begins])
    assert first < later < again


async def test_purposes_and_views_are_kept_by_name(engine: str, tmp_path: Path, policy: Policy):
    """A policy file that lists them in another order reads the same edges and statements."""
    async with opened(engine, tmp_path, policy) as store:
        await store.project([GraphStep(1, (ANNA, BERT), (edge(policy, 1, ANNA, BERT, deterministic=False),))])
    turned = compile_policy(
        SHIPPED
        | {"views": SHIPPED["views"][::-1], "purposes": dict(reversed(list(SHIPPED["purposes"].items())))}
    )
    async with opened(engine, tmp_path, turned) as store:
        (found,) = (await store.load(list)).edges
    assert turned.leaves[found.link_purpose] == "identity.link.probabilistic"
    assert [view for bit, view in enumerate(turned.views) if found.views >> bit & 1] == ["wide"]


async def test_a_policy_that_lost_a_link_purpose_is_refused(engine: str, tmp_path: Path, policy: Policy):
    """An edge whose purpose nobody can look up is not silently without one."""
    async with opened(engine, tmp_path, policy) as store:
        await store.project([GraphStep(1, (ANNA, BERT), (edge(policy, 1, ANNA, BERT),))])
    purposes = {
        name: rule for name, rule in SHIPPED["purposes"].items() if name != "identity.link.deterministic"
    }
    async with opened(engine, tmp_path, compile_policy(SHIPPED | {"purposes": purposes})) as store:
        with pytest.raises(UnknownPurpose):
            await store.load(list)


async def test_five_hundred_statements_are_one_epoch(store: ConsentStore, policy: Policy):
    """A whole request is kept in one transaction."""
    entries = [entry(policy, statement(subject(n), "loyalty"), position=n) for n in range(500)]
    before = await store.next_epoch()
    assert (await store.append(entries)).epoch == before + 1
    assert sum(map(len, (await store.load(list)).own.values())) == 500


async def test_the_same_request_sent_twice_at_once_is_kept_once(store: ConsentStore, policy: Policy):
    """Whichever is first, both get its answer."""
    one = entry(policy, statement(ANNA, "loyalty"))
    answers = await asyncio.gather(*(store.append([one]) for _ in range(4)))
    assert len(set(answers)) == 1
    assert len(await store.records_of(ANNA)) == 1


async def test_records_can_neither_be_changed_nor_removed(
    engine: str, store: ConsentStore, tmp_path: Path, policy: Policy
):
    """The engine itself refuses, whoever asks."""
    await store.append([entry(policy, statement(ANNA, "loyalty"))])
    async with tables(engine, tmp_path, "consent") as database:
        for sql in ("UPDATE records SET action = 'REFUSE'", "DELETE FROM records"):
            with pytest.raises((sqlite3.IntegrityError, asyncpg.RaiseError), match="append-only"):
                await database.write(lambda connection, sql=sql: connection.execute(sql))


async def test_a_term_that_is_over_writes_nothing_more(engine: str, tmp_path: Path, policy: Policy):
    """Every write of it is refused, whoever begun the next one, and leaves no trace."""
    async with opened(engine, tmp_path, policy) as paused, opened(engine, tmp_path, policy) as next_one:
        first = await paused.begin()
        await paused.confirm()
        await paused.keep_holders([b"a"])
        second = await next_one.begin()
        assert second.term > first.term
        one = entry(policy, statement(ANNA, "loyalty"))
        for write in (
            paused.confirm(),
            paused.next_epoch(),
            paused.append([one]),
            paused.project([GraphStep(1, (ANNA,), ())]),
            paused.keep_holders([]),
        ):
            with pytest.raises(TermOver):
                await write
        assert await next_one.records_of(ANNA) == []
        assert (await next_one.load(list)).graph_cursor == 0
        assert (await next_one.begin()).holders == {b"a"}


async def test_the_next_term_knows_whose_leases_may_be_out(engine: str, tmp_path: Path, policy: Policy):
    """Those kept last, in the place of all before; and terms are counted over restarts."""
    async with opened(engine, tmp_path, policy) as store:
        begun = await store.begin()
        assert begun.holders == frozenset()
        await store.keep_holders([b"a", b"b"])
        await store.keep_holders([b"b", b"c"])
    async with opened(engine, tmp_path, policy) as store:
        again = await store.begin()
        assert (again.term, again.holders) == (begun.term + 1, {b"b", b"c"})


async def test_every_action_can_be_kept(store: ConsentStore, policy: Policy):
    """And comes back as itself."""
    entries = [
        entry(policy, statement(ANNA, "loyalty", action=action), position=n)
        for n, action in enumerate(Action)
    ]
    await store.append(entries)
    assert [record.said.action for record in await store.records_of(ANNA)] == list(Action)


async def test_a_history_is_read_in_pages(store: ConsentStore, policy: Policy):
    """Behind a position, so many at most, in recorded order; nobody else's."""
    entries = [
        entry(policy, statement(who, "loyalty", effective_at_ms=n), position=n)
        for n, who in enumerate((ANNA, BERT, ANNA, ANNA))
    ]
    await store.append(entries)
    first = await store.history(ANNA, 0, 2)
    assert [line.record for line in first] == [*entries[0].records, *entries[2].records]
    rest = await store.history(ANNA, first[-1].position, 2)
    assert [line.record for line in rest] == list(entries[3].records)
    assert await store.history(ANNA, rest[-1].position, 2) == []


async def test_refusals_are_found_by_their_ids(store: ConsentStore, policy: Policy):
    """Those of the subjects asked about, refused or withdrawn, and nothing else they said."""
    actions = (Action.REFUSE, Action.WITHDRAW, Action.OBJECT, Action.GRANT)
    entries = [
        entry(policy, statement(ANNA, "loyalty", action=action), position=n)
        for n, action in enumerate(actions)
    ]
    theirs = entry(policy, statement(BERT, "loyalty", action=Action.REFUSE), position=9)
    await store.append([*entries, theirs])
    expected = answerable(entries[0]) | answerable(entries[1])
    assert await store.refusals_of([ANNA]) == expected
    assert set(await store.refusals_of([ANNA, BERT])) == {*expected, theirs.records[0].event_id}


async def test_a_refusal_is_told_apart_once_a_grant_names_it(store: ConsentStore, policy: Policy):
    """What is folded carries its id from then on, and the grant the id it names."""
    refusal = entry(policy, statement(ANNA, "loyalty", action=Action.REFUSE))
    named = refusal.records[0].event_id
    await store.append([refusal])
    assert [said.id for said in (await store.said_by([ANNA]))[ANNA]] == [b""]
    one = replace(FULL, subject=BERT, nodes=("loyalty",), supersedes=(named,))
    grant = entry(policy, one, request_id="r2", refusals=answerable(refusal))
    await store.append([grant])
    assert grant.answered == {ANNA}
    for said in (await store.said_by([ANNA, BERT]), (await store.load(list)).own):
        assert [one.id for one in said[ANNA]] == [named]
        assert [one.supersedes for one in said[BERT]] == [(named,)]


async def test_a_raw_signal_is_kept_only_under_the_subjects_own_key(
    engine: str, tmp_path: Path, policy: Policy
):
    """It is in no file in the clear; with its key destroyed it is none, and the rest stays."""
    async with opened(engine, tmp_path, policy) as store:
        await store.append([entry(policy, FULL)])
        (before,) = await store.records_of(ANNA)
    assert before.evidence.raw_signal == b"raw-signal-of-anna"
    async with tables(engine, tmp_path, "consent") as database:
        (kept,) = await database.look(lambda reader: reader.execute("SELECT * FROM records").fetchall())
        assert not any(isinstance(value, bytes) and b"raw-signal-of-anna" in value for value in kept)
        await database.write(lambda connection: KEYS.destroy(connection, [ANNA]))
    async with opened(engine, tmp_path, policy) as store:
        (after,) = await store.records_of(ANNA)
    assert after == replace(before, evidence=replace(before.evidence, raw_signal=b""))


async def test_records_kept_before_mean_what_they_meant(engine: str, tmp_path: Path, policy: Policy):
    """A file of the first schema is brought up to date with nothing lost and nothing made up."""
    if engine != "sqlite":
        pytest.skip("no other engine ever held the first schema")
    folder = resources.files("services.storage") / "migrations" / "consent"
    with sqlite3.connect(tmp_path / "consent.db") as connection:
        connection.executescript((folder / "0001.sql").read_text())
        connection.executescript(
            """CREATE TABLE schema_version (component TEXT, version INTEGER);
            INSERT INTO schema_version VALUES ('consent', 1);"""
        )
        row = "INSERT INTO records VALUES (?, ?, 't', ?, ?, ?, 1, 5, 9, 'WEB', 6, ?, ?, ?, 'shop', 'r')"
        connection.execute(row, (7, b"\xe1" * 16, ANNA, "loyalty", "GRANT", "n", "1", "de"))
        connection.execute(row, (8, b"\xe2" * 16, ANNA, "share", "REFUSE", None, None, None))
    connection.close()
    async with opened(engine, tmp_path, policy) as store:
        grant, refusal = await store.records_of(ANNA)
        assert grant.said == Said("loyalty", Action.GRANT, 1, 5, 9, id=b"\xe1" * 16)
        assert (grant.notice, grant.evidence, grant.legal_basis) == (Notice("n", "1", "de"), Evidence(), "")
        assert (refusal.said.action, refusal.notice, refusal.age) == (Action.REFUSE, None, Age.UNKNOWN)
        assert [line.position for line in await store.history(ANNA, 0, 9)] == [7, 8]
