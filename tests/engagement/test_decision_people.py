"""What was decided about people: told to them, erased, run out, and there after a kill."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from consent.policy import Policy
from consent.retention import DAY_MS as A_DAY_MS
from engagement.decision_store import Became, Outcome, Promise, Report
from identity.ids import SubjectId
from identity.keyring import KeyRing
from services.retention.running import Sweeper
from services.storage.decisions import DecisionTables
from services.storage.engagement_people import EngagementPeople
from services.storage.personal import DatabaseStore
from services.storage.sqlite import SqliteFile
from services.storage.subject_keys import SubjectKeys
from services.stores import Phase
from tests.conftest import Clock
from tests.engagement.kept_decisions import NOW, A, B, C, room, row


def report(n: int, subject: bytes, outcome: Outcome, decision_id: bytes) -> Report:
    return Report(n.to_bytes(16, "big"), subject, decision_id, b"digest", outcome, None, NOW)


async def kept(store: DecisionTables) -> None:
    """A message to A that they complain of, and one to B that they do not want again."""
    for number, who in ((1, A), (2, B)):
        (stands,) = await store.promise([(row(number, who), room(who))])
        assert stands
    await store.report(report(1, A, Outcome.COMPLAINT, row(1).decision_id), row(1), [A])
    await store.report(report(2, B, Outcome.UNSUBSCRIBE, row(2).decision_id), row(2, B), [B])
    store.note(row(3, A, promises=0, became=Became.SHOWN, slot="home"))
    await store.flush()


async def test_a_person_is_told_what_was_decided_and_by_what_and_nothing_is_left_of_them(
    tmp_path: Path, policy: Policy, keyring: KeyRing
) -> None:
    """The other person's stays."""
    async with SqliteFile(tmp_path / "e.db", "engagement").opened() as database:
        await kept(DecisionTables(database))
        people = DatabaseStore(database, EngagementPeople(policy.names_in), SubjectKeys(keyring))
        told = [one async for one in people.export([A])]
        assert [one.kind for one in told] == ["decision", "decision", "decision_report", "boundary"]
        assert told[0].value["read"] == [{"name": "declared.likes", "origin": "quiz"}]
        assert told[0].purposes == (policy.leaves[5],)
        assert told[3].value == {"closed": "complaint"}
        counts = await people.count([A])
        assert {name: counts[name] for name in ("decision", "decision_report", "boundary")} == {
            "decision": 2,
            "decision_report": 1,
            "boundary": 1,
        }
        await people.erase([A], "erasure-1", Phase.DATA)
        rest = await people.count([A])
        assert not any(rest.values())
        assert (await people.count([B]))["decision"] == 1


async def test_what_one_took_back_for_another_is_told_to_that_one_and_goes_with_either(
    tmp_path: Path, policy: Policy, keyring: KeyRing
) -> None:
    """Who took it back being erased, it stands again: nobody is left who said otherwise."""
    async with SqliteFile(tmp_path / "e.db", "engagement").opened() as database:
        store = DecisionTables(database)
        await kept(store)
        for number, by in ((3, A), (4, C)):
            await store.report(
                report(number, by, Outcome.RESUBSCRIBE, row(2).decision_id), row(2, B), [A, B, C]
            )
        people = DatabaseStore(database, EngagementPeople(policy.names_in), SubjectKeys(keyring))
        told = [one.value async for one in people.export([B]) if one.kind.startswith("boundary")]
        assert told == [{"closed": "EMAIL"}, {"opened": "EMAIL"}, {"opened": "EMAIL"}]
        for erased, left in ((A, 1), (B, 0)):
            await people.erase([erased], f"erasure-{erased[0]}", Phase.DATA)
            assert (await people.count([B])).get("boundary_lifted", 0) == left


async def test_decisions_run_out_and_lines_stay(tmp_path: Path, policy: Policy) -> None:
    """On the day after the last; whoever does not want to be reached is not forgotten to have said so."""
    days = policy.retention.records["decisions"]
    async with SqliteFile(tmp_path / "e.db", "engagement").opened() as database:
        store = DecisionTables(database)
        await kept(store)
        for later, left in ((days, 3), (days + 1, 0)):
            await Sweeper("engagement", database, policy, Clock(NOW + later * A_DAY_MS)).sweep()
            found = await database.read(
                lambda reader: [
                    reader.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our names
                    for table in ("decision", "boundary")
                ]
            )
            assert found == [left, 2]


def killed_in_the_middle(path: Path) -> list[int]:
    """The numbers of the decisions that a program was told of before it was killed."""
    command = [sys.executable, "-m", "tests.engagement.promise_program", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        told = [int(program.stdout.readline()) for _ in range(40)]
        program.kill()
        rest = program.stdout.read().splitlines(keepends=True)
    return told + [int(line) for line in rest if line.endswith("\n")]


async def test_after_a_kill_every_place_that_was_told_is_taken_and_is_given_back_once(tmp_path: Path) -> None:
    """Eight at once, SIGKILL in the middle: what was told stands, and can be reported on."""
    path = tmp_path / "e.db"
    told = killed_in_the_middle(path)
    async with SqliteFile(path, "engagement").opened() as database:
        store = DecisionTables(database)
        for number in told:
            decision = await store.decision(number.to_bytes(16, "big"))
            assert decision is not None
            assert (decision.became, decision.promises) == (Became.PROMISED, Promise.PLACE)
        who = SubjectId(decision.subject)
        another = decision._replace(decision_id=bytes(16))
        assert await store.promise([(another, room(who, cap=1))]) == [False]
        await store.report(report(1, who, Outcome.FAILED, decision.decision_id), decision, [who])
        assert await store.promise([(another, room(who, cap=1))]) == [True]
