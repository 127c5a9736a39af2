"""Gives out what is due: judged by the whole person now, decided now, and once.

What is due is claimed, so that no two processes work at it; judged again, for much may have happened since
it was set off; put off while it is night where the person is; decided under an id of its own, so that
deciding again after a crash takes no second place under the cap; and leased. Until it is reported it comes
again under the same decision. Whoever does not permit the play's purpose is given nothing, then or later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from engagement.decision import Held, Outcome
from engagement.decision_store import Became
from engagement.evaluate import zone_of
from engagement.facts import Facts
from engagement.firing import in_time
from engagement.guards.quiet import next_allowed_ms
from engagement.play import OUTBOUND, Limits, Play, State
from engagement.release import Dropped, verdict
from identity.ids import SubjectId
from services.engagement.decided import Asked, Decided
from services.engagement.decision_messages import shown_of
from services.engagement.released import Offered, Released, Wanted, decision_id_of, question_of
from services.interceptors.call import Call
from services.storage.firings import FiringTables, Lease, Row

#: What one process works at comes again after so long, should the process die.
CLAIM_MS = 30_000
#: How long what is given out is its caller's.
LEASE_MS = 120_000
#: Worked at together: their writes share commits.
AT_ONCE = 50
#: What this call can not give out is left to others for so long.
PUT_BACK_MS = 200
#: How often it is looked whether something is due, where another process may have set it off.
POLL_S = 0.2
#: Kept back of a call's deadline to answer in.
MARGIN_S = 0.1
T = TypeVar("T")


class Decides(Protocol):
    """Decides and keeps; ``services.engagement.deciding.Decider`` does."""

    async def each(self, call: Call, asked: Sequence[Asked]) -> list[Decided | None]:
        """Decisions in the order of the questions; ``None``: the id was used for another question."""


class Knows(Protocol):
    """Makes facts of people; ``services.engagement.knowing.Knowing`` does."""

    async def facts(self, call: Call, subject: SubjectId | None, purpose: str, limits_zone: str) -> Facts:
        """What is known of one person."""


class Decisions(Protocol):
    """The store of decisions; ``services.storage.decisions.DecisionTables`` is one."""

    async def give_back(self, decision_ids: Sequence[bytes]) -> None:
        """Frees the places that decisions took."""

    async def flush(self) -> None:
        """Writes what is only taken down yet."""


class InForce(Protocol):
    """The definitions in force."""

    @property
    def triggered(self) -> Iterable[Play]:
        """The plays that something sets off."""

    @property
    def limits(self) -> Limits:
        """The tenant's."""


class Releasing:
    """Gives out what is due to callers of one process."""

    def __init__(
        self,
        *,
        firings: FiringTables,
        decides: Decides,
        knows: Knows,
        decisions: Decisions,
        in_force: InForce,
    ) -> None:
        self._firings = firings
        self._decides = decides
        self._knows = knows
        self._decisions = decisions
        self._in_force = in_force
        self._stopping = asyncio.Event()

    def close(self) -> None:
        """Ends all waiting; for an orderly stop, before the server's."""
        self._stopping.set()

    async def due(self, wanted: Wanted, call: Call) -> list[Released]:
        """What is due by now, or becomes due while the call waits; each is the caller's for a while.

        Raises:
            StateChanged: nobody can be decided about now. What was claimed comes again.
        """
        ends_at = asyncio.get_running_loop().time() + _within(wanted.wait_s, call)
        while True:
            call.now_ms = call.clock_ms()  # it may have been a while
            plays = self._plays(wanted)
            found = await (self._awaiting if wanted.awaiting_review else self._given_out)(wanted, plays, call)
            if found or not await self._woken(plays, ends_at, call):
                return found

    async def review(self, decision_id: bytes, now_ms: int, shown: bytes | None) -> bool:
        """A human's word; false: nothing waits for it under this decision.

        Args:
            decision_id: of what they were shown.
            now_ms: the instant.
            shown: ``shown_of`` what they say yes to; ``None``: they say no.
        """
        return await self._firings.review(decision_id, now_ms, shown)

    def _plays(self, wanted: Wanted) -> dict[str, Offered]:
        """The plays asked for, by id."""
        plays = {}
        for play in self._in_force.triggered:
            reaching = [one for one in play.channels if one in OUTBOUND] or play.channels
            asked = [one for one in reaching if not wanted.channels or one in wanted.channels]
            if play.purpose == wanted.purpose and play.state in {State.PILOT, State.LIVE} and asked:
                # A human approves what a play chooses, whoever asks.
                chooses = play.review or len(asked) == len(reaching)
                plays[play.play_id] = Offered(play, None if chooses else asked[0], asked)
        return plays

    async def _woken(self, plays: Mapping[str, Offered], ends_at: float, call: Call) -> bool:
        """Waits until something may be due; false if the time is over, or the service stops."""
        left_s = ends_at - asyncio.get_running_loop().time()
        if left_s <= 0 or self._stopping.is_set():
            return False
        next_at_ms = await self._firings.next_at_ms(list(plays))
        until_due_s = POLL_S if next_at_ms is None else max(next_at_ms - call.clock_ms(), 0) / 1000
        try:
            async with asyncio.timeout(min(left_s, POLL_S, max(until_due_s, 0.001))):
                await self._stopping.wait()
        except TimeoutError:
            return True
        return False

    async def _given_out(self, wanted: Wanted, plays: Mapping[str, Offered], call: Call) -> list[Released]:
        # The answer may have to be made anew; what it was to give out is this call's already.
        mine = [row for row in await self._firings.leased(call.evidence) if row.firing.play_id in plays]
        released = await self._worked(mine, plays, call, self._release)
        while len(released) < wanted.limit:
            limit = min(wanted.limit - len(released), AT_ONCE)
            rows = await self._firings.claim(list(plays), call.now_ms, call.now_ms + CLAIM_MS, limit)
            if not rows:
                break
            released += await self._worked(rows, plays, call, self._release)
        return released

    async def _awaiting(self, wanted: Wanted, plays: Mapping[str, Offered], call: Call) -> list[Released]:
        """Those that wait for a human; what is due and has to wait for one begins to."""
        reviewed = {play_id: one for play_id, one in plays.items() if one.play.review}
        rows = await self._firings.claim(
            list(reviewed), call.now_ms, call.now_ms + CLAIM_MS, min(wanted.limit, AT_ONCE)
        )
        await self._worked(rows, reviewed, call, self._put_before_a_human)
        waiting = await self._firings.awaiting(list(reviewed), wanted.limit)
        return await self._worked(waiting, reviewed, call, self._show)

    async def _worked(
        self, rows: Sequence[Row], plays: Mapping[str, Offered], call: Call, work: Work
    ) -> list[Released]:
        """Works at some firings: one person after another, each alone; the work of several at once.

        What belongs to one person is worked at in order, so the first of it goes out and closes the rest.
        """
        permitting = call.judge({row.firing.subject for row in rows})
        await self._drop(
            [(row, Dropped.NOT_PERMITTED) for row in rows if row.firing.subject not in permitting]
        )
        people: dict[tuple[SubjectId, ...], list[Row]] = {}
        for row in rows:
            if row.firing.subject in permitting:
                people.setdefault(call.members(row.firing.subject), []).append(row)

        async def of_one(members: Sequence[SubjectId], theirs: Sequence[Row]) -> list[Released]:
            done = []
            for row in theirs:
                one = await work(row, plays[row.firing.play_id], members, call)
                if one is not None:
                    done.append(one)
            return done

        working = [of_one(members, theirs) for members, theirs in people.items()]
        each = await _all_of(working)
        order = {row.firing.subject: place for place, row in enumerate(reversed(rows))}
        return sorted((one for some in each for one in some), key=lambda one: -order[one.subject])

    async def _release(
        self, row: Row, offered: Offered, members: Sequence[SubjectId], call: Call
    ) -> Released | None:
        """Gives one out, or puts it off, or drops it, or has it wait for a human."""
        play = offered.play
        siblings = await self._siblings(row, members)
        if not await self._may_go(row, play, siblings, call):
            return None
        if play.review and not row.approved:
            await self._firings.await_review(row, decision_id_of(row.firing))
            return None
        decided = await self._decided(row, offered, call, writes=True)
        if decided is None or not await self._goes_now(row, offered, decided, call):
            return None
        if play.review and shown_of(decided) != row.shown:
            await self._put_before_a_human_again(row, decided)
            return None
        if decided.row.became == Became.SHOWN:
            await self._decisions.flush()  # what is given out is known to whoever reports it
        lease = Lease(decided.row.decision_id, call.now_ms, call.now_ms + LEASE_MS)
        if await self._firings.give(row, lease, siblings):
            call.evidence.append(lease.decision_id)
            return Released(row.firing.subject, decided, lease.until_ms)
        await self._let_go(row, decided)  # what it was judged by has changed, and it is judged anew
        await self._firings.defer(row, call.now_ms)
        return None

    async def _put_before_a_human(
        self, row: Row, offered: Offered, members: Sequence[SubjectId], call: Call
    ) -> None:
        if row.approved:
            await self._firings.defer(row, call.now_ms + PUT_BACK_MS)  # for whoever sends
        elif await self._may_go(row, offered.play, await self._siblings(row, members), call):
            await self._firings.await_review(row, decision_id_of(row.firing))

    async def _put_before_a_human_again(self, row: Row, decided: Decided) -> None:
        """What would go out is not what was approved."""
        await self._let_go(row, decided)
        await self._firings.await_review(row, decided.row.decision_id)

    async def _let_go(self, row: Row, decided: Decided) -> None:
        """What does not go out now takes no place, unless it was given out before."""
        if row.given_at_ms is None:
            await self._decisions.give_back([decided.row.decision_id])

    async def _show(
        self, row: Row, offered: Offered, members: Sequence[SubjectId], call: Call
    ) -> Released | None:
        """What would go out by what is known now; nothing is written down."""
        siblings = [one.sibling for one in await self._siblings(row, members)]
        facts = await self._facts(row, offered.play, call)
        if verdict(offered.play, row.firing, siblings, facts).dropped is not None:
            return None
        decided = await self._decided(row, offered, call, writes=False)
        candidate = None if decided is None else decided.outcome.candidate
        if decided is None or candidate is None or candidate.channel not in offered.by:
            return None
        return Released(row.firing.subject, decided, None, row.shown is not None)

    async def _may_go(self, row: Row, play: Play, siblings: Sequence[Row], call: Call) -> bool:
        """Whether anything speaks against it now, but the guards; what does is written down."""
        facts = await self._facts(row, play, call)
        judged = verdict(play, row.firing, [one.sibling for one in siblings], facts)
        if judged.dropped is not None:
            await self._drop([(row, judged.dropped)])
            return False
        not_before_ms = judged.not_before_ms or self._quiet_until_ms(play, facts)
        if not_before_ms > call.now_ms:
            await self._firings.defer(row, not_before_ms)
            return False
        return True

    async def _goes_now(self, row: Row, offered: Offered, decided: Decided, call: Call) -> bool:
        """Whether the guards gave something for now; what they hold back comes again, if that helps."""
        outcome = decided.outcome
        if decided.again and outcome.candidate is not None:
            outcome = await self._guarded_again(row, offered, decided, call)
        if outcome.candidate is None:
            await self._put_off_or_drop(row, offered.play, outcome, call)
            return False
        if outcome.candidate.channel not in offered.by:
            await self._let_go(row, decided)
            await self._firings.defer(row, call.now_ms + PUT_BACK_MS)
            return False
        if outcome.candidate.send_at_ms > call.now_ms:
            await self._firings.defer(row, outcome.candidate.send_at_ms)
            return False
        return True

    async def _guarded_again(self, row: Row, offered: Offered, decided: Decided, call: Call) -> Outcome:
        """What was decided before, if all guards let it pass but those that count its own place."""
        now = await self._decided(row, offered, call, writes=False, decision_id=bytes(16))
        if now is None or now.outcome.held in {None, Held.CAP_REACHED, Held.ASKED_ENOUGH}:
            return decided.outcome
        return now.outcome

    async def _put_off_or_drop(self, row: Row, play: Play, outcome: Outcome, call: Call) -> None:
        later = outcome.retry_at_ms > call.now_ms
        if later and in_time(play, row.firing.due_at_ms, outcome.retry_at_ms):
            await self._firings.defer(row, outcome.retry_at_ms)
        else:
            permitted = outcome.held is not Held.NOT_PERMITTED
            await self._drop([(row, Dropped.HELD if permitted else Dropped.NOT_PERMITTED)])

    async def _decided(
        self, row: Row, offered: Offered, call: Call, *, writes: bool, decision_id: bytes = b""
    ) -> Decided | None:
        question = question_of(row.firing, offered, call.now_ms, writes=writes)
        if decision_id:
            question = replace(question, decision_id=decision_id)
        (decided,) = await self._decides.each(call, [Asked(row.firing.subject, question)])
        return decided

    async def _siblings(self, row: Row, members: Sequence[SubjectId]) -> list[Row]:
        found = await self._firings.siblings(row.firing.play_id, members)
        return [one for one in found if one.firing[:3] != row.firing[:3]]

    async def _facts(self, row: Row, play: Play, call: Call) -> Facts:
        zone = self._in_force.limits.zone
        return await self._knows.facts(call, row.firing.subject, play.purpose, zone)

    async def _drop(self, rows: Sequence[tuple[Row, Dropped]]) -> None:
        if rows:
            await self._firings.drop(rows)

    def _quiet_until_ms(self, play: Play, facts: Facts) -> int:
        """When the night ends where the person is; 0 where something may go out that wakes nobody."""
        limits, zone = self._in_force.limits, zone_of(facts.zone)
        if zone is None or not all(channel in OUTBOUND for channel in play.channels):
            return 0
        return next_allowed_ms(facts.now_ms, zone, limits.quiet_from_minute, limits.quiet_until_minute)


#: Works at a firing of a play, for a person with these birth subjects.
Work = Callable[[Row, Offered, Sequence[SubjectId], Call], Awaitable[Released | None]]


async def _all_of(working: Iterable[Awaitable[T]]) -> list[T]:
    """The results of all, once all have ended; raises what the first of them that failed did."""
    ended = await asyncio.gather(*working, return_exceptions=True)
    results: list[T] = []
    for one in ended:
        if isinstance(one, BaseException):
            raise one
        results.append(one)
    return results


def _within(wait_s: float, call: Call) -> float:
    if call.deadline_at is None:
        return wait_s
    return max(min(wait_s, call.deadline_at - asyncio.get_running_loop().time() - MARGIN_S), 0.0)
