"""A process that is killed at any write of a change of rules or of keys leaves what the next one finishes.

The child is forked, does its work over a real file and is killed by SIGKILL within its n-th
transaction, before it is committed; n runs over all there are.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from consent.policy import Policy
from identity.ids import SubjectId
from identity.ledger import EdgeState
from identity.tokens import IdentifierKind
from services.identity import rekeying
from services.storage import rules as storage_of_rules
from services.storage.sqlite import SqliteDatabase
from tests.conftest import NOW_MS, Clock
from tests.identity.desk import Desk
from tests.identity.rulebook import SHIPPED
from tests.identity.test_rekeying import ROTATED, names, rekeyed, versions
from tests.identity.test_rules_change import TILLS_LET_BE, Office, file_of

Work = Callable[[Desk], Awaitable[None]]
CUSTOMERS = [f"customer {number}" for number in range(4)]
TILL = "till"
LAX = file_of(2, TILLS_LET_BE, ("anchored_parts_max = 2", "anchored_parts_max = 9"))
#: More writes than any work here takes.
WRITES_MAX = 60


@contextmanager
def desk_in(folder: Path, policy: Policy) -> Iterator[Desk]:
    desk = Desk(folder, policy, SHIPPED, Clock(NOW_MS))
    try:
        yield desk
    finally:
        desk.close()


def _work(folder: Path, policy: Policy, work: Work, deadly: int) -> None:
    """Works, and is killed within one of its writes."""
    write, count = SqliteDatabase.write, 0

    async def counted(self: SqliteDatabase, change: Any) -> Any:
        nonlocal count
        count += 1
        return await write(self, _killed(change) if count == deadly else change)

    SqliteDatabase.write = counted  # type: ignore[method-assign]
    with desk_in(folder, policy) as desk:
        asyncio.run(work(desk))
    os._exit(0)


def _killed(change: Any) -> Any:
    def within(connection: Any) -> None:
        change(connection)
        os.kill(os.getpid(), signal.SIGKILL)

    return within


def killed_at_each_write(prepared: Path, policy: Policy, work: Work) -> Iterator[Path]:
    """The folder as each child left it, the last one's not killed but finished."""
    for deadly in range(1, WRITES_MAX):
        folder = prepared.with_name(f"{prepared.name}-{deadly}")
        shutil.copytree(prepared, folder)
        child = get_context("fork").Process(target=_work, args=(folder, policy, work, deadly))
        child.start()
        child.join()
        yield folder
        if child.exitcode == 0:
            return
        assert child.exitcode == -signal.SIGKILL
    pytest.fail("the work takes more writes than were tried")


class State(NamedTuple):
    """All that a change of rules changes."""

    version: int
    states: tuple[EdgeState, ...]
    shared: frozenset[SubjectId]
    people: tuple[frozenset[SubjectId], ...]
    allowed: tuple[bool, ...]


async def everybody(desk: Desk) -> list[SubjectId]:
    """The till and its customers; all allow everything but the first, who refuses loyalty."""
    till = await desk.subjects(TILL, kind=IdentifierKind.DEVICE_ID)
    customers = await desk.subjects(*CUSTOMERS, kind=IdentifierKind.ACCOUNT_ID)
    await desk.follow()
    desk.say_yes(*till, *customers)
    desk.say_yes(customers[0], but=["loyalty"])
    return till + customers


async def state_of(desk: Desk, office: Office) -> State:
    await desk.follow()
    till, *customers = born = await everybody(desk)
    kept = await office.journal.in_force()
    assert kept is not None
    loyalty = desk.policy.index("loyalty")
    return State(
        kept.version,
        tuple([one.edge.state for one in await desk.store.between([(till, one) for one in customers])]),
        frozenset(await desk.store.shared()),
        tuple([frozenset(desk.members(one)) for one in born]),
        tuple([desk.guard.allows(one, loyalty, desk.clock()) for one in born]),
    )


async def _till_with_customers(desk: Desk) -> None:
    till, *customers = await everybody(desk)
    await desk.send(*[desk.link(till, one) for one in customers])
    await desk.all_confirmed()
    await Office(desk).open()


async def _apply(desk: Desk) -> None:
    office = Office(desk)
    await office.restart()
    await office.apply(LAX)


async def _restarted(desk: Desk) -> tuple[State, State]:
    """What the next process finds, and what it has made of it."""
    office = Office(desk)
    found = await state_of(desk, office)
    await office.restart()
    if office.change._task is not None:
        await office.change._task
    await desk.all_confirmed()
    assert await office.journal.change() is None
    assert not desk.book.changing
    return found, await state_of(desk, office)


def test_rules_that_are_applied_are_in_force_as_a_whole_or_not_at_all_whenever_the_process_is_killed(
    tmp_path, policy, monkeypatch
):
    """What the next process finds joins and allows nobody who is not so before or afterwards."""
    monkeypatch.setattr(storage_of_rules, "PORTION", 2)
    prepared = tmp_path / "till"
    prepared.mkdir()
    with desk_in(prepared, policy) as desk:
        asyncio.run(_till_with_customers(desk))
        before = asyncio.run(state_of(desk, Office(desk)))
    ends = []
    for folder in killed_at_each_write(prepared, policy, _apply):
        with desk_in(folder, policy) as desk:
            found, end = asyncio.run(_restarted(desk))
        ends.append(end)
        assert any(
            all(some <= all_of for some, all_of in zip(found.people, whole.people, strict=True))
            for whole in (before, end)
        )
        assert all(
            now <= max(one) for now, *one in zip(found.allowed, before.allowed, end.allowed, strict=True)
        )
    after = ends[-1]
    assert set(ends) == {before, after}
    assert ends.index(after) == ends.count(before), "once begun it is finished"
    assert (before.version, after.version) == (1, 2)
    assert len(ends) > len(CUSTOMERS)
    assert after.states == (EdgeState.ACTIVE,) * len(CUSTOMERS)
    assert after.people[0] == set().union(*after.people)


OLD = names(20)


async def _rotate(desk: Desk) -> None:
    """Seals anew while others are looked up and born; says who was."""
    desk.hold(ROTATED)
    job = desk.rekeying()
    job.go_on()
    with (desk.database.path.parent / "acknowledged").open("a", buffering=1) as said:
        for number in range(3):
            name = f"new {number}"
            (subject,) = await desk.subjects(name)
            assert await desk.subjects(*OLD)
            said.write(f"{name}={subject.hex()}\n")
    await job.finished()


async def _rotated(desk: Desk) -> dict[str, SubjectId]:
    """Everybody's subject after the next process has finished the change of keys."""
    desk.hold(ROTATED)
    in_between = await desk.subjects(*OLD)
    await rekeyed(desk)
    assert set(versions(desk)) == {2}
    found = await desk.subjects(*OLD)
    assert found == in_between
    path = desk.database.path.parent / "acknowledged"
    told = dict(line.split("=") for line in path.read_text().splitlines()) if path.exists() else {}
    for name, subject in told.items():
        assert (await desk.subjects(name))[0].hex() == subject
    kept = desk.database.reader.execute("SELECT count(*), count(DISTINCT subject) FROM identifier")
    count, distinct = kept.fetchone()
    assert len(OLD) + len(told) <= count == distinct <= len(OLD) + 3
    return dict(zip(OLD, found, strict=True))


def test_a_change_of_keys_loses_nobody_and_makes_nobody_twice_whenever_the_process_is_killed(
    tmp_path, policy, monkeypatch
):
    monkeypatch.setattr(rekeying, "PORTION_ROWS", 7)
    prepared = tmp_path / "shelf"
    prepared.mkdir()
    with desk_in(prepared, policy) as desk:
        before = dict(zip(OLD, asyncio.run(desk.subjects(*OLD)), strict=True))
    folders = 0
    for folder in killed_at_each_write(prepared, policy, _rotate):
        with desk_in(folder, policy) as desk:
            assert asyncio.run(_rotated(desk)) == before
        folders += 1
    assert folders > 5
