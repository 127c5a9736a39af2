"""How a caller reads on in the map of people: from a cursor of its own, waiting a little for news.

A cursor is sealed for one caller and one purpose: positions in the one sequence, shown as they
are, would tell two callers which of their ids are the same person's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from consent.errors import PageTokenInvalid
from consent.history import HistoryTokens
from identity.people_map import MapChange
from services.errors import InvalidRequest, Refusal
from services.interceptors.call import Call
from services.people_map import PeopleMap

CHANGES_MAX = 100
#: Kept back of a call's deadline to answer in.
MARGIN_S = 0.1


class Watching:
    """Reads the changes of a map for callers."""

    def __init__(self, people: PeopleMap, tokens: HistoryTokens) -> None:
        """``tokens`` seals cursors."""
        self._people = people
        self._tokens = tokens
        self._stopping = asyncio.Event()

    async def now(self, call: Call) -> str:
        """A cursor behind which nothing has happened yet."""
        await self._people.followed()
        return self._sealed(self._people.feed.last_seq, call)

    async def after(self, cursor: str, wait_s: float, call: Call) -> tuple[Sequence[MapChange], str]:
        """The next changes in the view of the call's purpose, and the cursor beyond them.

        Args:
            cursor: from an answer before.
            wait_s: how long to wait for a change in any view.
            call: whose, and for which purpose.

        Raises:
            InvalidRequest: the cursor is none of this caller's for this purpose.
            Refusal: what is beyond it is not kept any more.
        """
        await self._people.followed()
        position = self._opened(cursor, call)
        news = (await self._news(position, _within(wait_s, call)))[:CHANGES_MAX]
        if position < self._people.first_cursor():
            raise Refusal("CURSOR_TOO_OLD", field="cursor")
        view = call.guard.policy.view_of[call.purpose]
        in_view = [one for one in news if view >= 0 and one.views >> view & 1]
        return in_view, self._sealed(news[-1].seq, call) if news else cursor

    def close(self) -> None:
        """Ends all waiting; for an orderly stop, before the server's."""
        self._stopping.set()

    async def _news(self, position: int, wait_s: float) -> Sequence[MapChange]:
        """What is beyond a position; nothing if nothing comes in time, or the service stops."""
        reading = asyncio.ensure_future(self._people.feed.after(position))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({reading, stopping}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else ()
        finally:
            reading.cancel()
            stopping.cancel()

    def _sealed(self, position: int, call: Call) -> str:
        return self._tokens.seal(position, _scope(call))

    def _opened(self, cursor: str, call: Call) -> int:
        try:
            position = self._tokens.open(cursor, _scope(call))
        except PageTokenInvalid:
            raise InvalidRequest("CURSOR_INVALID", field="cursor") from None
        if not self._people.first_cursor() <= position <= self._people.feed.last_seq:
            # Swept away, or of a file that was put back to an older state.
            raise Refusal("CURSOR_TOO_OLD", field="cursor")
        return position


def _scope(call: Call) -> list[bytes]:
    assert call.caller is not None  # noqa: S101 - authentication ran before every handler
    return [b"map of people", call.tenant.encode(), call.caller.id.encode(), bytes([call.purpose])]


def _within(wait_s: float, call: Call) -> float:
    if call.deadline_at is None:
        return wait_s
    return max(min(wait_s, call.deadline_at - asyncio.get_running_loop().time() - MARGIN_S), 0.0)
