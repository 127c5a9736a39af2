"""Random histories through the authority and its file: what is pushed, kept and loaded is one state."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.component import EdgeFact, EdgeState, GraphStep
from consent.guard_table import GuardTable
from consent.record import CollectedVia, Notice, Said
from consent.statement import LedgerEntry, Origin, Statement, ledger_entry
from identity.ids import SubjectId
from services.consent.authority import ConsentAuthority
from services.storage.consent import ConsentTables
from services.storage.sqlite import SqliteDatabase
from tests.conftest import Clock
from tests.consent.statements import KEYS
from tests.property.consent_worlds import (
    POLICIES,
    SUBJECTS,
    TIME_MAX,
    World,
    edges_between,
    entries_of,
    statements,
    subjects,
)

POLICY = POLICIES["consent"]
NOTICE = Notice("n", "1", "")

steps = st.one_of(
    st.tuples(subjects, statements()),
    st.integers(0, 3).flatmap(lambda number: edges_between(POLICY, number)),
    st.integers(1, TIME_MAX),
    st.just("restart"),
)
Step = tuple[SubjectId, Said] | EdgeFact | int | str


def entry(who: SubjectId, said: Said, number: int) -> LedgerEntry:
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
    )
    return ledger_entry(one, Origin("t", "c", "r", number), POLICY, 0)


class History:
    """An authority on a file, a table it feeds, and the world as it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock(0)
        self.world = World(POLICY, (), ())
        self.edges: dict[int, EdgeFact] = {}
        self.epochs: list[int] = []
        self.seq = 1
        self.numbers = iter(range(1000))

    async def begin(self) -> None:
        self.database = SqliteDatabase(self.folder / "consent.db", "consent")
        self.authority = ConsentAuthority(ConsentTables(self.database, POLICY, KEYS), POLICY, self.clock)
        await self.authority.start()
        self.table = GuardTable(POLICY)
        self.authority.subscribe(self.table)

    async def end(self) -> None:
        await self.authority.stop()
        self.database.close()

    async def take(self, group: Sequence[Step]) -> None:
        """Several at once, as from several callers; edges of one feed stay in their order."""
        waiting = []
        for step in group:
            if isinstance(step, int):
                self.clock.now_ms += step
                waiting.append(self.authority.due())
            elif isinstance(step, EdgeFact):
                old = self.edges.get(step.edge_id, step)
                self.edges[step.edge_id] = edge = step._replace(a=old.a, b=old.b)
                self.seq += 1
                waiting.append(self.authority.apply_graph([GraphStep(self.seq, (), (edge,))]))
            elif isinstance(step, tuple):
                one = entry(*step, next(self.numbers))
                self.world = self.world.saying(step[0], one.records[0].said)
                waiting.append(self.authority.record([one]))
        await asyncio.gather(*waiting)
        if "restart" in group:
            await self.end()
            await self.begin()
        edges = tuple(edge for edge in self.edges.values() if edge.state is not EdgeState.WRONG)
        self.world = replace(self.world, edges=edges)
        self.epochs.append(self.table.epoch)


@settings(max_examples=30)
@given(st.lists(st.lists(steps, min_size=1, max_size=4), max_size=6))
def test_the_table_holds_what_folding_everything_from_scratch_gives(groups: list[list[Step]]):
    """After each group of concurrent changes, restarts included; and epochs never go back."""

    async def run() -> None:
        with TemporaryDirectory() as folder:
            history = History(Path(folder))
            await history.begin()
            await history.authority.apply_graph([GraphStep(1, SUBJECTS, ())])
            for group in groups:
                await history.take(group)
                expected = entries_of(history.world, history.clock())
                assert {subject: history.table.entry(subject) for subject in SUBJECTS} == expected
            assert history.epochs == sorted(history.epochs)
            await history.end()

    asyncio.run(run())
