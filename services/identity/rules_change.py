"""Brings other rules into force: previewed first, for the past as well, and never half.

Every edge of which what it counts for changes is held: it joins nobody and carries refusals. Once
that is known everywhere the rules change, for all at one moment, and the edges go on to what they
are to be. A change that was begun is finished, by this process or by the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from identity.columns import Columns
from identity.ledger import Saved
from identity.preview import Preview, preview
from identity.replay import Plan, plan, replay
from identity.rules import Rules
from identity.store import IdentityStore
from services.errors import Refusal, TooLate, Unavailable
from services.identity.confirming import RETRY_MAX_S, RETRY_S, TRY_S, Barrier
from services.identity.ledger_writer import LedgerWriter
from services.identity.rule_book import RuleBook
from services.storage.rules import Change, Phase, RulesJournal


@dataclass(frozen=True, slots=True)
class Proposal:
    """Rules that somebody proposes: as their file was written, and as it is understood."""

    content: str
    rules: Rules


class RulesChange:
    """Previews and applies the rules of one ledger; used from one event loop."""

    def __init__(
        self,
        *,
        journal: RulesJournal,
        store: IdentityStore,
        ledger: LedgerWriter,
        book: RuleBook,
        read: Callable[[str], Rules],
        barrier: Barrier,
        clock: Callable[[], int],
        report: Callable[[str], object],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Makes it; nothing runs yet.

        Args:
            journal: keeps the rules, and a change of them.
            store: the ledger.
            ledger: its writer.
            book: the rules in force.
            read: understands a rules file.
            barrier: see ``Barrier``.
            clock: the present instant, milliseconds since the epoch.
            report: takes one line per try that failed.
            pause: waits for a number of seconds, between such tries.
        """
        self._journal = journal
        self._store = store
        self._ledger = ledger
        self._book = book
        self._read = read
        self._barrier = barrier
        self._clock = clock
        self._report = report
        self._pause = pause
        #: The last rules that were previewed, by their digest, and the digest of what they change.
        self._previewed = ("", "")
        self._one_at_a_time = asyncio.Lock()
        self._task: asyncio.Task[int] | None = None
        self._stopping = False

    async def preview(self, proposed: Proposal, now_ms: int, some_max: int) -> Preview:
        """What the ledger would be under other rules; nothing changes.

        Raises:
            Refusal: other rules are coming into force, or these are not newer.
        """
        async with self._one_at_a_time:
            self._check(proposed)
            blocked = await self._book.blocked_under(proposed.rules, self._store)
            before = self._book.rules

            def replayed() -> Preview:
                ledger = self._journal.read_ledger()
                return preview(ledger, before, proposed.rules, blocked, now_ms=now_ms, some_max=some_max)

            seen = await asyncio.to_thread(replayed)
            self._previewed = (proposed.rules.digest, seen.plan.digest)
            return seen

    async def begin(self, proposed: Proposal, digest: str, caller: str) -> Awaitable[int]:
        """Begins to bring rules into force, as they were previewed; it is finished whatever happens.

        A repeat of what is in force, or on its way, is answered like the first time.

        Returns:
            What gives the consent epoch at which they are in effect everywhere, once they are.

        Raises:
            Refusal: the ledger has come to be another one than was previewed, other rules are
                coming into force, or these are not newer.
        """
        async with self._one_at_a_time:
            if not await self._under_way(proposed):
                if self._book.rules.digest == proposed.rules.digest:
                    return self._known_everywhere()
                self._check(proposed)
                await self._begin(proposed, digest, caller)
            assert self._task is not None  # noqa: S101 - begun just now, or under way
            return asyncio.shield(self._task)

    async def take_up(self) -> None:
        """Knows of a change that an earlier process began; call before anybody can ask."""
        if await self._journal.change() is not None:
            self._book.changing = True
            self._ledger.follow(await self._journal.held())

    def resume(self) -> None:
        """Goes on with what was taken up."""
        if self._book.changing:
            self._go_on()

    async def stop(self) -> None:
        """Ends between two steps; the rest is the next process's."""
        self._stopping = True
        if self._task is not None:
            await asyncio.wait([self._task])

    def _check(self, proposed: Proposal) -> None:
        if self._book.changing:
            raise Unavailable("RULES_CHANGING", retry_after_s=RETRY_MAX_S)
        if proposed.rules.version <= self._book.rules.version:
            raise Refusal("RULES_NOT_NEWER", field="rules.version")

    async def _under_way(self, proposed: Proposal) -> bool:
        change = await self._journal.change()
        if change is None:
            return False
        return (await asyncio.to_thread(self._read, change.content)).digest == proposed.rules.digest

    async def _begin(self, proposed: Proposal, digest: str, caller: str) -> None:
        if self._previewed != (proposed.rules.digest, digest):
            await self._planned(proposed, digest)  # linking does not stop for a digest that is made up
        self._previewed = ("", "")
        begun = False
        self._book.changing = True
        try:
            async with self._ledger.alone():
                pass  # what was being linked is in the ledger now
            ledger, planned = await self._planned(proposed, digest)
            version, now_ms = proposed.rules.version, self._clock()
            change = Change(version, proposed.content, digest, now_ms, caller, phase=Phase.HOLDING)
            await self._journal.begin(change, ledger, planned)
            begun = True
        finally:
            self._book.changing = begun
        self._go_on()

    async def _planned(self, proposed: Proposal, digest: str) -> tuple[Columns, Plan]:
        """The ledger as it is and what has to change in it.

        Raises:
            Refusal: that is not what was previewed.
        """
        blocked = await self._book.blocked_under(proposed.rules, self._store)
        before, after = self._book.rules, proposed.rules
        ledger = await asyncio.to_thread(self._journal.read_ledger)
        now_ms = self._clock()
        planned = await asyncio.to_thread(
            lambda: plan(ledger, before, after, replay(ledger, after, blocked, now_ms))
        )
        if planned.digest != digest:
            raise Refusal("PREVIEW_OUTDATED")
        return ledger, planned

    def _go_on(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(_heard)

    async def _run(self) -> int:
        """Takes step after step until the change is done; tries again where one fails."""
        retry_s = RETRY_S
        while True:
            try:
                return await self._brought_about()
            except Exception as error:
                if self._stopping:
                    raise
                self._report(f"identity: other rules are not in force yet: {type(error).__name__}\n")
                await self._pause(retry_s)
                retry_s = min(2 * retry_s, RETRY_MAX_S)

    async def _brought_about(self) -> int:
        change = await self._journal.change()
        assert change is not None  # noqa: S101 - this runs only while there is one
        rules = await asyncio.to_thread(self._read, change.content)
        if change.phase is Phase.HOLDING:
            while await self._moved(self._journal.hold):
                pass
            await self._known_everywhere()
        async with self._ledger.alone():
            if change.phase is Phase.HOLDING:
                await self._journal.put_in_force(change, self._clock())
            await self._book.take(rules, await self._store.shared())
        while await self._moved(lambda: self._journal.settle(self._clock())):
            pass
        # Only now: what the rules before let be born is in the ledger, since there were writes after it.
        await self._book.find_blocked(self._store)
        epoch = await self._known_everywhere()
        await self._journal.finish()
        self._book.changing = False
        return epoch

    async def _moved(self, step: Callable[[], Awaitable[Saved]]) -> bool:
        """Takes one portion a step further; whether there was one."""
        if self._stopping:
            raise TooLate("WITHDRAWAL_PENDING")
        async with self._ledger.alone():
            saved = await step()
            self._ledger.follow(saved.edges)
        return saved.seq > 0

    async def _known_everywhere(self) -> int:
        async with asyncio.timeout(TRY_S):
            return await self._barrier(await self._store.last_seq())


def _heard(task: asyncio.Task[int]) -> None:
    """Nobody may be waiting any more; what failed was reported."""
    if not task.cancelled():
        task.exception()
