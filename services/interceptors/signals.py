"""Heeds ``Sec-GPC: 1`` on a call about people, whichever service it is for.

The refusal is recorded before the call is decided, so the decision, the answer and every later
call are made under it; and in this very call the purposes it names are denied whatever the
records say. Any other value, and no header, is no signal (Global Privacy Control, W3C, "The
Sec-GPC header field"); of several headers one that says "1" is enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from consent.guard_table import GuardTable
from identity.ids import SubjectId
from services.consent.signals import Signals, gpc_mask
from services.interceptors.call import Call, NotYet
from services.interceptors.layer import Layer

HEADER = "sec-gpc"
#: Subjects remembered as recorded; who is forgotten is asked about once more at the authority.
_REMEMBERED_MAX = 100_000


def signals(port: Signals) -> Layer:
    """Records through ``port`` and sets ``call.refused_now``."""
    heeded = Heeded(port)

    def incoming(call: Call, _message: Any) -> None:
        if HEADER in call.metadata and call.plan.about_people and (HEADER, "1") in call.headers:
            call.refused_now = gpc_mask(call.guard.policy)
            call.heed = partial(heeded.heed, call)
            call.heed({one for column in call.subjects.values() for one in column if one is not None})

    return Layer("signals", incoming=incoming)


class Heeded:
    """Whose signal is on record, as far as this process remembers.

    A browser sends the signal with everything; a call whose subjects are all known to be on
    record, and refuse in the guard table, costs a look-up each.
    """

    def __init__(self, port: Signals) -> None:
        self._port = port
        self._recorded: dict[SubjectId, None] = {}

    def heed(self, call: Call, subjects: Iterable[SubjectId]) -> None:
        """Lets the call go on when the signal of every subject is on record.

        Raises:
            NotYet: somebody's is to be recorded first.
        """
        owed = [
            subject
            for subject in subjects
            if subject not in call.heeded
            and not (subject in self._recorded and _refuses(call.guard, subject, call.refused_now))
        ]
        if owed:
            raise NotYet(partial(self._record, call, owed))

    async def _record(self, call: Call, subjects: list[SubjectId]) -> None:
        assert call.caller is not None  # noqa: S101 - authentication stands before
        await self._port.refuse(call.caller.id, subjects)
        call.heeded.update(subjects)
        if len(self._recorded) + len(subjects) > _REMEMBERED_MAX:
            self._recorded.clear()
        self._recorded.update(dict.fromkeys(subjects))


def _refuses(guard: GuardTable, subject: SubjectId, mask: int) -> bool:
    """Whether nothing is left to refuse; of somebody nobody knows nothing is."""
    entry = guard.entry(subject)
    return entry is None or not mask & ~entry.refuse
