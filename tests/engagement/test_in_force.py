"""The definitions that decide, as every process has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from engagement.definition import Author, Version
from engagement.play import Limits, State
from services.engagement.definition_messages import definition_of
from services.engagement.definition_versions import kept_of
from services.engagement.in_force import HOLDS_S, InForce
from services.storage.database import StoreUnusable
from services.storage.definitions import Change, DefinitionRequest, DefinitionsBehind, DefinitionTables
from tests.contract.engines import tables
from tests.engagement.declared_definitions import (
    EQUAL,
    Definition,
    compared,
    condition,
    limits,
    play,
    programme,
    segment,
    template,
)


class Tables(DefinitionTables):
    """A store that can be asked to fail, and counts who reads all of it."""

    reads = 0
    fails = False

    async def revision(self) -> int:
        if self.fails:
            raise StoreUnusable
        return await super().revision()

    async def current(self):
        self.reads += 1
        return await super().current()

    async def put(
        self, *definitions: Definition, state: State = State.LIVE, number: int = 1, in_force: int = 1
    ) -> None:
        """Keeps versions as they are."""
        placed = [
            kept_of(
                Version(definition_of(one), number, state, Author("ann", 1), Author("bob", 2)),
                one.SerializeToString(),
                in_force,
            )
            for one in definitions
        ]
        revision = await self.revision()
        key = str(revision).encode().ljust(16)
        await self.keep(DefinitionRequest(key, b"", 1), Change(revision, placed, b""))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Tables]:
    async with tables("sqlite", tmp_path, "engagement") as database:
        yield Tables(database)


async def test_a_slots_plays_come_by_priority_and_then_by_id(store: Tables) -> None:
    """Each with its version and state; what is triggered stands apart."""
    await store.put(
        play(play_id="b", priority=1),
        play(play_id="a", priority=1),
        play(play_id="c", priority=2),
        play(play_id="d", slot="other"),
        play(play_id="e", slot="", lapse={"kinds": [4], "days": 60}),
    )
    in_force = InForce(store, print)
    await in_force.refresh()
    assert [one.play_id for one in in_force.plays("home.banner")] == ["c", "a", "b"]
    assert [one.play_id for one in in_force.triggered] == ["e"]
    assert in_force.plays("nowhere") == ()
    found = in_force.play("d")
    assert found is not None
    assert (found.version, found.state) == (1, State.LIVE)


async def test_a_programme_is_read_while_something_in_force_reads_a_field_of_it(store: Tables) -> None:
    """Nobody's ledger is read for a programme by which nothing is decided."""
    in_force = InForce(store, print)
    await store.put(programme())
    await in_force.refresh()
    (name,) = in_force.programmes
    assert not in_force.programmes_read
    of_another = condition(compared("loyalty.another.status", EQUAL, text="friend"))
    await store.put(play(play_id="other", condition=of_another))
    await in_force.refresh()
    assert not in_force.programmes_read
    await store.put(play(condition=condition(compared(f"loyalty.{name}.status", EQUAL, text="friend"))))
    await in_force.refresh()
    assert set(in_force.programmes_read) == {name}


async def test_only_what_is_in_force_decides(store: Tables) -> None:
    """A draft beside it does not, and without limits the suite's own hold."""
    in_force = InForce(store, print)
    await in_force.refresh()
    assert in_force.limits == Limits()
    await store.put(limits(), segment(), programme(), template(text="old"))
    await store.put(template(text="new"), state=State.DRAFT, number=2, in_force=1)
    await store.put(play(), state=State.RETIRED, in_force=0)
    await in_force.refresh()
    assert in_force.templates["roses"].variants[0].parts[0].text == "old"
    assert in_force.segments["gardeners"].version == 1
    assert in_force.limits.zone == "Europe/Amsterdam"
    assert in_force.programmes["guests"].tiers[0].status == "honoured"
    assert in_force.play("banner") is None


async def test_the_store_is_followed_and_read_whole_only_when_it_moved(store: Tables) -> None:
    """While it can not be read what is held stays, and is caught up with after."""
    turns: asyncio.Queue[None] = asyncio.Queue()
    waits: asyncio.Queue[float] = asyncio.Queue()

    async def pause(seconds: float) -> None:
        waits.put_nowait(seconds)
        await turns.get()

    async def a_turn() -> None:
        turns.put_nowait(None)
        await waits.get()

    in_force = InForce(store, print, pause=pause)
    following = asyncio.create_task(in_force.follow())
    assert await waits.get() <= 0.5
    await store.put(play())
    await a_turn()
    assert in_force.play("banner") is not None
    for _ in range(3):
        await a_turn()
    assert store.reads == 1
    store.fails = True
    await a_turn()
    assert in_force.play("banner") is not None
    store.fails = False
    await store.put(play(), state=State.RETIRED, in_force=0)
    await a_turn()
    assert in_force.play("banner") is None
    following.cancel()


async def test_what_may_be_retired_by_now_decides_nothing(store: Tables) -> None:
    """From ten seconds after the store last said what is in force; with its next word all of it is."""
    now_s = 100.0
    in_force = InForce(store, print, clock_s=lambda: now_s)
    await store.put(play())
    await in_force.refresh()
    store.fails = True
    asked: list[Callable[[], object]] = [
        lambda: in_force.plays("home.banner"),
        lambda: in_force.play("banner"),
        *(
            partial(getattr, in_force, name)
            for name in ("triggered", "segments", "templates", "programmes", "programmes_read", "limits")
        ),
    ]
    now_s += HOLDS_S - 0.01
    for one in asked:
        one()
    with pytest.raises(StoreUnusable):
        await in_force.refresh()
    now_s += 0.01
    for one in asked:
        with pytest.raises(DefinitionsBehind):
            one()
    store.fails = False
    await in_force.refresh()
    assert in_force.play("banner") is not None
    now_s += HOLDS_S - 0.01
    await in_force.refresh()  # nothing moved, and that was asked
    now_s += HOLDS_S - 0.01
    assert in_force.play("banner") is not None


async def test_a_store_that_does_not_answer_is_not_waited_for(store: Tables) -> None:
    """What it would have said counts from when it was asked."""
    now_s = 100.0
    in_force = InForce(store, print, clock_s=lambda: now_s)
    await store.put(play())
    await in_force.refresh()
    answers = asyncio.Event()
    revision = store.revision

    async def slow() -> int:
        await answers.wait()
        return await revision()

    store.revision = slow  # type: ignore[method-assign]
    looking = asyncio.create_task(in_force.refresh())
    await asyncio.sleep(0)
    now_s += HOLDS_S
    answers.set()
    await looking
    with pytest.raises(DefinitionsBehind):
        in_force.play("banner")


async def test_what_can_not_be_understood_decides_nothing_and_is_told_of(store: Tables) -> None:
    """The others decide."""
    broken = play(play_id="broken")
    await store.put(play(), broken)
    newer = play(play_id="broken")
    newer.play.condition.nodes.add()
    log: list[str] = []
    revision = await store.revision()
    kept = kept_of(
        Version(definition_of(broken), 2, State.LIVE, Author("ann", 1), None), newer.SerializeToString(), 2
    )
    await store.keep(DefinitionRequest(b"x".ljust(16), b"", 1), Change(revision, [kept], b""))
    in_force = InForce(store, log.append)
    await in_force.refresh()
    assert in_force.play("banner") is not None
    assert in_force.play("broken") is None
    assert len(log) == 1
