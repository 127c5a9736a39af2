"""Random histories of consent's tables, read on from random places: it comes to what loading gives."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consent.component import EdgeFact, EdgeState, GraphStep
from consent.erasure import Asked
from consent.errors import SubjectUnknown
from consent.guard_table import NEVER_MS
from consent.record import Action, CollectedVia, Said
from consent.statement import Origin, Refusal, Statement, ledger_entry
from identity.ids import SubjectId
from services.consent.following import Followed
from services.storage.consent import ConsentTables
from services.storage.consent_people import ConsentPeople
from services.storage.database import Database
from services.storage.erasure_journal import ErasureJournal, KeptReceipt
from services.storage.personal import DatabaseStore
from services.storage.postgres import PostgresSchema
from services.stores import Phase
from tests import postgres_server
from tests.conftest import Clock
from tests.consent.statements import KEYS, edge
from tests.property.consent_worlds import POLICIES, SUBJECTS, TIME_MAX, edges_between, statements, subjects
from tests.property.test_consent_authority import NOTICE

POLICY = POLICIES["legitimate_interest"]
FOLLOW, FINISH, RESTORE = "follow", "finish", "restore"
Step = tuple[SubjectId, Said] | EdgeFact | SubjectId | int | str

steps = st.one_of(
    st.tuples(subjects, statements()),
    st.tuples(subjects, statements((Action.GRANT, Action.REFUSE, Action.WITHDRAW))),
    st.integers(0, 3).flatmap(lambda number: edges_between(POLICY, number)),
    subjects,  # is erased
    st.sampled_from([FOLLOW, FOLLOW, FINISH, RESTORE]),
    st.integers(1, TIME_MAX),
)


class History:
    """Tables that are written to, and somebody who reads on in them now and then."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock(0)
        self.store = ConsentTables(database, POLICY, KEYS)
        self.followed = Followed(POLICY, self.clock)
        self.numbers: Iterator[int] = count(1)
        self.refusals: dict[bytes, Refusal] = {}
        self.edges: dict[int, EdgeFact] = {}
        self.open: dict[str, SubjectId] = {}
        self.gone: set[SubjectId] = set()
        self.people = DatabaseStore(database, ConsentPeople(self.clock, 1, KEYS), KEYS)

    async def take(self, step: Step) -> None:
        """One committed change, or one reading."""
        number = next(self.numbers)
        if isinstance(step, int):
            self.clock.now_ms += step
        elif isinstance(step, EdgeFact):
            old = self.edges.get(step.edge_id, step)
            self.edges[step.edge_id] = changed = step._replace(a=old.a, b=old.b)
            await self.store.project([GraphStep(number, (changed.a, changed.b), (changed,))])
        elif isinstance(step, bytes):
            await self.erase(step, number)
        elif isinstance(step, tuple):
            await self.say(*step, number)
        elif step == FINISH:
            for erasure_id, subject in self.open.items():
                await self.people.erase([subject], erasure_id, Phase.DATA)
                await ErasureJournal(self.database).finish(erasure_id, KeptReceipt(b"r", b"s", 1))
            self.open.clear()
        elif step == RESTORE:
            await self.database.write(lambda writer: [writer.execute(text) for text in _RESTORED])
        else:
            await self.compare()

    async def say(self, who: SubjectId, said: Said, number: int) -> None:
        """A grant answers every refusal there is, whoever's."""
        named = tuple(self.refusals) if said.action is Action.GRANT else ()
        await self.store.project([GraphStep(next(self.numbers), (who,), ())])
        one = Statement(
            who,
            said.action,
            (said.node,),
            CollectedVia.WEB,
            said.effective_at_ms,
            said.valid_until_ms,
            NOTICE,
            said.regime,
            age=said.age,
            supersedes=named[-2:],
        )
        entry = ledger_entry(one, Origin("t", "c", "r", number), POLICY, 0, self.refusals)
        try:
            await self.store.append([entry])
        except SubjectUnknown:
            assert who in self.gone
            return
        if said.action in (Action.REFUSE, Action.WITHDRAW):
            self.refusals[entry.records[0].event_id] = Refusal(who, entry.records[0].said)

    async def erase(self, who: SubjectId, number: int) -> None:
        """Begins an erasure; ``FINISH`` has its rows go."""
        if who in self.followed.projection and who not in self.gone:
            self.gone.add(who)
            erasure_id = f"{number:032x}"
            self.open[erasure_id] = who
            await self.store.begin_erasure(
                Asked(erasure_id, (who,), suppress=False, requested_by="desk", requested_at_ms=0, epoch=0), []
            )

    async def compare(self) -> None:
        """What was read on is what a process that begins now loads."""
        await self.followed.catch_up(self.store)
        cold = Followed(POLICY, self.clock)
        await cold.catch_up(self.store)
        read, loaded = self.followed.projection, cold.projection
        assert read.entries == loaded.entries
        assert (self.followed.graph_cursor, self.followed.epoch) == (cold.graph_cursor, cold.epoch)
        assert read.next_change_ms() == loaded.next_change_ms()
        for subject in SUBJECTS:
            assert {*read.edges_at(subject)} == {*loaded.edges_at(subject)}
            assert (subject in read) == (subject in loaded)
            assert subject not in self.gone or subject not in read
            if subject in read:
                now_ms = self.clock()
                assert read.proven(subject, now_ms) == loaded.proven(subject, now_ms)
                assert read.left_by([subject], now_ms) == loaded.left_by([subject], now_ms)


@pytest.fixture(scope="module")
def tables() -> Iterator[tuple[asyncio.Runner, Database]]:
    """PostgreSQL's, open for all histories: numbers are not given twice there, and somebody stands by."""
    where = PostgresSchema(postgres_server.dsn(), "consent", f"following_{os.getpid()}")
    opened = where.opened()
    with asyncio.Runner() as runner:
        runner.run(where.migrate())
        yield runner, runner.run(opened.__aenter__())
        runner.run(opened.__aexit__(None, None, None))


async def _run(database: Database, history: list[Step]) -> None:
    await database.write(lambda writer: [writer.execute(text) for text in _EMPTY])
    world = History(database)
    await world.store.begin()
    for step in (FOLLOW, *history, FOLLOW):
        await world.take(step)


_EMPTY = (
    "TRUNCATE births, edges, records, statements, answered, erasure_run, erasure_subject, tombstone, erasure",
    "UPDATE authority SET graph_cursor = 0, history = ''",
)
#: Of older tables; their epoch may be any.
_RESTORED = ("DELETE FROM edges", "UPDATE authority SET history = history || '*'")
_A, _B = SUBJECTS[:2]
_REFUSED = (_A, Said("mail", Action.REFUSE, 2, 0, NEVER_MS))
_GRANTED = (_B, Said("mail", Action.GRANT, 2, 1, NEVER_MS))
_LINK = edge(POLICY, 1, _A, _B, attested_by="desk")


@settings(max_examples=25)
@given(st.lists(steps, max_size=14))
@example([_REFUSED, _LINK, FOLLOW, _LINK._replace(state=EdgeState.WRONG), FOLLOW])
@example([_REFUSED, FOLLOW, _GRANTED, FOLLOW, _LINK])  # who is answered said nothing new
@example([_REFUSED, _LINK, FOLLOW, _A, FINISH, FOLLOW])  # began and finished between two readings
@example([_REFUSED, _LINK, FOLLOW, _A, FOLLOW, FINISH, _GRANTED])
@example([_REFUSED, _LINK, FOLLOW, RESTORE])
def test_what_is_read_on_is_what_is_loaded(
    tables: tuple[asyncio.Runner, Database], history: list[Step]
) -> None:
    """Entries, ends, links and what an erasure would leave, after any changes and at any places."""
    runner, database = tables
    runner.run(_run(database, history))
