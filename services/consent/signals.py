"""Signals that people's own software sends: a refusal, written down once, before it is acted on.

``Sec-GPC: 1`` (Global Privacy Control, W3C) says that a person's data shall not be sold or
shared. It is recorded as what it is, a refusal of exactly these purposes by the subject of the
call, through the authority like every other: durable, and in effect everywhere when ``refuse``
returns. Who refuses all of them already is not written down again; a later grant is answered
by the next signal, which is later still. That no signal comes says nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from consent.guard_table import NEVER_MS
from consent.policy import Policy
from consent.record import Action, CollectedVia, Evidence
from consent.statement import LedgerEntry, Origin, Statement, ledger_entry
from identity.ids import SubjectId
from services.consent.authority import ConsentAuthority

#: What the signal refuses: nodes of the purpose tree, as far as a deployment's tree has them.
GPC_NODES = ("share", "marketing.ads.third_party")
#: How the refusal was expressed, in the record's evidence.
METHOD = "sec-gpc"
_ID_BYTES = 16


class Signals(Protocol):
    """Where signals are recorded: the authority, or a way to it."""

    async def refuse(self, caller: str, subjects: Collection[SubjectId]) -> None:
        """Has subjects refuse ``GPC_NODES``; in effect everywhere when it returns.

        Args:
            caller: id of the caller whose call carried the signal.
            subjects: whom the call is about; those nobody knows are passed over.
        """


def gpc_nodes(policy: Policy) -> tuple[str, ...]:
    """The nodes the signal refuses under a policy."""
    return tuple(node for node in GPC_NODES if policy.has(node))


def gpc_mask(policy: Policy) -> int:
    """The purposes the signal refuses under a policy."""
    mask = 0
    for node in gpc_nodes(policy):
        mask |= policy.mask(node)
    return mask


class RecordedSignals:
    """Records through the authority of this process."""

    def __init__(
        self,
        authority: ConsentAuthority,
        tenant: str,
        clock: Callable[[], int],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        """Makes the port.

        Args:
            authority: appends the refusals.
            tenant: whose deployment it is.
            clock: the present instant, milliseconds since the epoch.
            random_bytes: where the ids of statements come from.
        """
        self._authority = authority
        self._tenant = tenant
        self._clock = clock
        self._random_bytes = random_bytes
        self._mask = gpc_mask(authority.policy)
        self._nodes = gpc_nodes(authority.policy)
        self._writing: dict[SubjectId, asyncio.Task[None]] = {}

    async def refuse(self, caller: str, subjects: Collection[SubjectId]) -> None:
        """See the port. Calls about one subject at the same time share one record."""
        if not self._nodes:
            return
        under_way = {self._writing[subject] for subject in subjects if subject in self._writing}
        fresh = [subject for subject in dict.fromkeys(subjects) if subject not in self._writing]
        if fresh:
            task = asyncio.create_task(self._write(caller, fresh))
            under_way.add(task)
            self._writing.update(dict.fromkeys(fresh, task))
            task.add_done_callback(lambda _done: self._written(fresh))
        # Shielded: what others wait for does not end with the one who began it.
        await asyncio.gather(*(asyncio.shield(task) for task in under_way))

    async def _write(self, caller: str, subjects: Sequence[SubjectId]) -> None:
        owed = await self._authority.not_refusing(subjects, self._mask)
        request_id = f"sec-gpc:{self._random_bytes(_ID_BYTES).hex()}"
        # Also where nobody is left: how long it takes does not tell who is known.
        await self._authority.record(
            [
                self._entry(Origin(self._tenant, caller, request_id, place), subject)
                for place, subject in enumerate(owed)
            ]
        )

    def _entry(self, origin: Origin, subject: SubjectId) -> LedgerEntry:
        statement = Statement(
            subject=subject,
            action=Action.REFUSE,
            nodes=self._nodes,
            collected_via=CollectedVia.WEB,
            effective_at_ms=None,
            valid_until_ms=NEVER_MS,
            notice=None,
            evidence=Evidence(method=METHOD, raw_signal=b"1"),
        )
        return ledger_entry(statement, origin, self._authority.policy, self._clock())

    def _written(self, subjects: Sequence[SubjectId]) -> None:
        for subject in subjects:
            del self._writing[subject]
