"""Whose turn it is to serve a schema: one process's at a time, and what an earlier turn writes is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from services.storage.database import SchemaTooOld, StoreUnusable, TurnTaken
from services.storage.postgres import PostgresSchema
from services.storage.postgres_turn import DUTIES
from tests.contract.engines import location

_END = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name LIKE 'veilgraph engagement%' AND pid <> pg_backend_pid()"""


async def schema(tmp_path: Path) -> PostgresSchema:
    where = location("postgresql", tmp_path, "engagement")
    assert isinstance(where, PostgresSchema)
    await where.migrate()
    return where


async def test_a_second_turn_waits_for_the_end_of_the_first(tmp_path: Path) -> None:
    """It says once that it waits, and its number is the next one."""
    where, told = await schema(tmp_path), []
    async with where.turn(None) as first:
        with pytest.raises(TurnTaken):
            async with where.turn(None):
                pytest.fail("two had the turn")
        waiting = asyncio.create_task(taken(where, told))
        while not told:  # noqa: ASYNC110 - it asks the database again and again
            await asyncio.sleep(0.01)
        assert not waiting.done()
    assert await asyncio.wait_for(waiting, 10) == first.number + 1
    assert told == ["waits"]


async def taken(where: PostgresSchema, told: list[str]) -> int:
    async with where.turn(lambda: told.append("waits")) as turn:
        return turn.number


async def test_what_an_earlier_turn_writes_is_refused(tmp_path: Path) -> None:
    """Whatever it still believes; the next turn's writes are taken."""
    where = await schema(tmp_path)
    async with where.turn(None) as first, where.opened(first) as overtaken:
        await overtaken.write(lambda connection: connection.execute("DELETE FROM event"))
        connection = await where.connected()
        await connection.execute("UPDATE turn SET number = number + 1")
        await connection.close()
        with pytest.raises(StoreUnusable, match="another process"):
            await overtaken.write(lambda connection: connection.execute("DELETE FROM event"))
        await asyncio.wait_for(asyncio.wait([first.lost]), 10)


async def test_a_shared_turn_is_had_by_many_and_by_nobody_alone(tmp_path: Path) -> None:
    """Who wants it alone waits for the last of them; who wants to share waits for that one."""
    where, told = await schema(tmp_path), []
    async with where.turn(None, shared=True) as one, where.turn(None, shared=True) as other:
        assert one.number == other.number
        with pytest.raises(TurnTaken):
            async with where.turn(None):
                pytest.fail("somebody had it alone")
    async with where.turn(None) as alone:
        assert alone.number == one.number + 1
        sharing = asyncio.create_task(shared(where, told))
        while not told:  # noqa: ASYNC110 - it asks the database again and again
            await asyncio.sleep(0.01)
        assert not sharing.done()
    assert await asyncio.wait_for(sharing, 10) == alone.number


async def shared(where: PostgresSchema, told: list[str]) -> int:
    async with where.turn(lambda: told.append("waits"), shared=True) as turn:
        return turn.number


async def test_who_shared_writes_nothing_after_somebody_had_the_turn_alone(tmp_path: Path) -> None:
    """As one does that was paused, while a restore gave the schema other tables."""
    where = await schema(tmp_path)
    async with where.turn(None, shared=True) as turn:
        pass  # the database ended its session, and it does not know
    async with where.opened(turn) as overtaken:
        await overtaken.write(lambda connection: connection.execute("DELETE FROM event"))
        async with where.turn(None):
            pass
        with pytest.raises(StoreUnusable, match="another process"):
            await overtaken.write(lambda connection: connection.execute("DELETE FROM event"))


async def test_of_those_who_share_one_has_the_duties(tmp_path: Path) -> None:
    """The next one has them when it ends, under the next number; a session that ended loses them to it."""
    where = await schema(tmp_path)
    async with where.turn(None, shared=True), where.duties() as first:
        waiting = asyncio.create_task(on_duty(where))
        await asyncio.sleep(0)
        connection = await where.connected()
        assert not await connection.fetchval(DUTIES.take)
        await connection.execute(_END)  # the waiting one's, too: it is told that the store is unusable
        await connection.close()
        with pytest.raises(StoreUnusable):
            await asyncio.wait_for(waiting, 10)
        assert await asyncio.wait_for(on_duty(where), 10) == first.number + 1
        await asyncio.wait_for(asyncio.wait([first.lost]), 10)


class _Midway:
    """A session that ended while a question is on its way, as asyncpg tells it."""

    async def fetchval(self, *_asked: object) -> object:
        raise asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress")

    async def close(self, **_within: float) -> None:
        """It is."""


class EndedMidway(PostgresSchema):
    """A schema whose sessions end so."""

    async def connected(self, **_settings: str) -> _Midway:
        return _Midway()


async def test_a_session_that_ends_while_it_is_asked_makes_the_store_unusable(tmp_path: Path) -> None:
    """Whoever waits for duties asks again; an error of another kind would end what must run."""
    where = await schema(tmp_path)
    ended = EndedMidway(where.dsn, where.domain, where.schema)
    with pytest.raises(StoreUnusable, match="InternalClientError"):
        async with ended.turn(None):
            raise AssertionError("it has a turn")


async def on_duty(where: PostgresSchema) -> int:
    async with where.duties() as turn:
        return turn.number


async def test_a_session_that_the_database_ended_takes_its_turn_up_again(tmp_path: Path) -> None:
    """As when a database is restarted: nobody else had the turn meanwhile, so it is the same one."""
    where = await schema(tmp_path)
    async with where.turn(None) as turn, where.opened(turn) as database:
        connection = await asyncpg.connect(where.dsn)
        await connection.execute(_END)
        await connection.close()
        async with asyncio.timeout(10):
            while not await can_write(database):  # noqa: ASYNC110 - it asks the database again and again
                await asyncio.sleep(0.05)
            while await free(where):  # noqa: ASYNC110 - likewise
                await asyncio.sleep(0.05)
        assert not turn.lost.done()


async def can_write(database: object) -> bool:
    try:
        await database.write(lambda connection: connection.execute("DELETE FROM event"))  # type: ignore[attr-defined]
    except StoreUnusable:
        return False
    return True


async def free(where: PostgresSchema) -> bool:
    """Whether nobody holds the turn's lock."""
    connection = await where.connected()
    try:
        query = "SELECT pg_try_advisory_lock(hashtextextended('veilgraph turn of ' || current_schema(), 0))"
        return bool(await connection.fetchval(query))
    finally:
        await connection.close()


async def test_tables_that_nobody_made_are_served_by_nobody(tmp_path: Path) -> None:
    """The refusal says what to do."""
    where = location("postgresql", tmp_path / "empty", "engagement")
    with pytest.raises(SchemaTooOld, match="migrate"):
        async with where.turn(None):
            pytest.fail("it was served")
