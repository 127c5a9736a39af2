"""Heeds ``Sec-GPC: 1`` on a call about people, whichever service it is for.

The refusal is recorded before the call is decided, so the decision, the answer and every later
call are made under it; and in this very call the purposes it names are denied whatever the
records say. Any other value, and no header, is no signal (Global Privacy Control, W3C, "The
Sec-GPC header field"); of several headers one that says "1" is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Sequence
from functools import partial
from typing import Any

from consent.guard_table import GuardTable, GuardUpdate
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
            heeded.follow(call.guard)
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
        self._guard: GuardTable | None = None
        self._generation = 0
        self._recorded: dict[SubjectId, None] = {}

    @property
    def remembered(self) -> KeysView[SubjectId]:
        """Whose signals need not be recorded again; nobody of whom the guard table does not know."""
        return self._recorded.keys()

    def follow(self, guard: GuardTable) -> None:
        """Has whoever leaves the process's guard table be forgotten; an erasure is heard of so."""
        if self._guard is None:
            self._guard, self._generation = guard, guard.generation
            guard.watch(self._forget)

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

    async def record(self, guard: GuardTable, caller: str, subjects: Sequence[SubjectId]) -> None:
        """Has signals that came with a caller recorded, and remembers those of whom the guard knows."""
        await self._port.refuse(caller, subjects)
        known = [subject for subject in subjects if subject in guard]
        if len(self._recorded) + len(known) > _REMEMBERED_MAX:
            self._recorded.clear()
        self._recorded.update(dict.fromkeys(known))

    async def _record(self, call: Call, subjects: list[SubjectId]) -> None:
        assert call.caller is not None  # noqa: S101 - authentication stands before
        await self.record(call.guard, call.caller.id, subjects)
        call.heeded.update(subjects)

    def _forget(self, update: GuardUpdate) -> None:
        assert self._guard is not None  # noqa: S101 - it tells
        if self._guard.generation != self._generation:  # the whole state was replaced
            self._generation = self._guard.generation
            self._recorded = {subject: None for subject in self._recorded if subject in self._guard}
        for subject, entry in update.entries.items():
            if entry is None:
                self._recorded.pop(subject, None)


def _refuses(guard: GuardTable, subject: SubjectId, mask: int) -> bool:
    """Whether nothing is left to refuse; of somebody nobody knows nothing is."""
    entry = guard.entry(subject)
    return entry is None or not mask & ~entry.refuse
