"""How a caller reads on in the map of people: from a cursor of its own, waiting a little for news.

Told is what the guard table joins at this moment, and the end of what it joined at the cursor.
A cursor is sealed for one caller and one purpose: positions in the one sequence, shown as they
are, would tell two callers which of their ids are the same person's.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from consent.policy import Policy
from identity.cursors import NONCE_BYTES, VIEWS_BYTES, Cursors
from identity.errors import CursorTooOld
from identity.people_map import Change, among
from identity.people_news import News, Reading
from services.identity.people_map import PeopleMap
from services.interceptors.call import Call, StateChanged

#: An answer ends with the group of changes that brings it to as many.
CHANGES_MAX = 500
#: Whoever is behind by more changes, in all views, begins anew: every answer reads up to the newest.
BEHIND_MAX = 20_000
#: Changes taken in before others get their turn.
READ_AT_ONCE = 200
#: Kept back of a call's deadline to answer in.
MARGIN_S = 0.1


class Told(NamedTuple):
    """What one answer tells, and how far its reader has read then."""

    changes: Sequence[Change]
    reading: Reading


class Watching:
    """Reads the changes of a map for callers."""

    def __init__(self, people: PeopleMap, cursors: Cursors, random_bytes: Callable[[int], bytes]) -> None:
        """``random_bytes`` makes every cursor another."""
        self._people = people
        self._cursors = cursors
        self._random_bytes = random_bytes
        self._stopping = asyncio.Event()

    async def now(self, call: Call) -> str:
        """A cursor behind which nothing has happened yet."""
        await self._people.followed()
        return self._sealed(Reading.up_to(await self._people.feed.head()), call)

    async def after(self, cursor: str, wait_s: float, call: Call) -> tuple[Sequence[Change], str]:
        """What changed in the view of the call's purpose, as it may be told, and the next cursor.

        Args:
            cursor: from an answer before.
            wait_s: how long to wait for something that can be told.
            call: whose, and for which purpose. Whom the answer names was judged for it.

        Raises:
            CursorInvalid: the cursor is none of this caller's for this purpose.
            CursorTooOld: what is beyond it can not be told any more.
            StateChanged: the guard table was lost, or its lease ran out.
        """
        await self._people.followed()
        ends_at = asyncio.get_running_loop().time() + _within(wait_s, call)
        reading = self._cursors.open(cursor, _scope(call), _views(call))
        while True:
            head, news = await self._beyond(reading, call)
            told = _told(reading, news, head, call)
            if told is not None:
                reading = told.reading
                if told.changes:
                    return told.changes, self._sealed(reading, call)
            if not await self._moved(head, ends_at):
                return (), self._sealed(reading, call)

    def close(self) -> None:
        """Ends all waiting; for an orderly stop, before the server's."""
        self._stopping.set()

    async def _beyond(self, reading: Reading, call: Call) -> tuple[int, News]:
        """The newest change of all, and what happened beyond a reading in the view of the call's purpose."""
        newest, at = await self._people.feed.head(), reading.seq
        if not (reading.head <= newest <= at + BEHIND_MAX):
            raise CursorTooOld  # too much, or of a file that was put back to an older state
        view = call.guard.policy.view_of[call.purpose]
        news = News(reading)
        while at < newest and (read := await self._people.changes(at, READ_AT_ONCE)):
            for one in read:
                if view >= 0 and one.views >> view & 1:
                    news.take(one)
            at = read[-1].seq
            await asyncio.sleep(0)
        if reading.seq < await self._people.first_cursor():
            raise CursorTooOld  # swept away
        return at, news

    async def _moved(self, head: int, ends_at: float) -> bool:
        """Waits for a change beyond ``head``; false if none comes in time, or the service stops."""
        wait_s = ends_at - asyncio.get_running_loop().time()
        moving = asyncio.ensure_future(self._people.feed.beyond(head))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait(
                {moving, stopping}, timeout=max(wait_s, 0.0), return_when=asyncio.FIRST_COMPLETED
            )
            return moving.done() and not stopping.done() and wait_s > 0
        finally:
            moving.cancel()
            stopping.cancel()

    def _sealed(self, reading: Reading, call: Call) -> str:
        return self._cursors.seal(reading, _scope(call), _views(call), self._random_bytes(NONCE_BYTES))


def _told(reading: Reading, news: News, head: int, call: Call) -> Told | None:
    """As much as one answer tells; ``None`` while what is known of the map lags behind the guard table."""
    if not call.guard.ready:
        raise StateChanged  # nobody would permit anything, and be read past
    call.now_ms = call.clock_ms()  # it may have been a while
    told: list[Change] = []
    whole: list[Change] = []
    last = reading.told
    for group in news.groups():
        if len(told) >= CHANGES_MAX:
            reading = Reading(reading.seq, head, last)
            break
        for change in group.changes:
            permitting = {one for one in change.whole if call.permits(one, call.purpose, call.now_ms)}
            permitted = among(change, permitting)
            if permitted is None:
                continue
            if not _joined(permitted, call):
                return None  # what parted them is about to be read
            told.append(permitted)
            whole.append(change)
        last = group.first
    else:
        reading = Reading.up_to(head)
    call.judge({one for change in whole for one in change.whole})
    for change in told:
        for person in change.after:
            call.members(person[0])  # checked again before the answer leaves
    return Told(told, reading)


def _joined(change: Change, call: Call) -> bool:
    """Whether the guard table joins, at this moment, the persons a change says there are."""
    return all(
        set(person) <= set(call.members_at(person[0], call.purpose, call.now_ms)) for person in change.after
    )


def _scope(call: Call) -> list[bytes]:
    assert call.caller is not None  # noqa: S101 - authentication ran before every handler
    purpose = call.guard.policy.leaves[call.purpose]
    return [b"map of people", call.tenant.encode(), call.caller.id.encode(), purpose.encode()]


def _views(call: Call) -> bytes:
    """Stands for the views there are and which is the purpose's: with others, persons are others."""
    policy: Policy = call.guard.policy
    text = json.dumps([policy.views, policy.view_of[call.purpose]])
    return hashlib.sha256(text.encode()).digest()[:VIEWS_BYTES]


def _within(wait_s: float, call: Call) -> float:
    if call.deadline_at is None:
        return wait_s
    return max(min(wait_s, call.deadline_at - asyncio.get_running_loop().time() - MARGIN_S), 0.0)
