"""Erasing people across every store of the deployment, journalled and signed.

The order is fixed and each step is durable before the next begins: restrict everywhere,
take the data away store by store, destroy the keys, tell the recipients, sign the receipt.
Whoever asks waits for nothing but the restriction; the rest goes on, and on again after a
crash, until every store has answered. A store that is down is asked again and again, and
meanwhile the erasure says what it waits for.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from consent.erasure import ACTOR, Asked, Progress, Stage, Todo, receipt_body, todo
from consent.errors import ErasureUnknown
from consent.guard_table import NEVER_MS
from consent.record import Action, CollectedVia
from consent.statement import LedgerEntry, Origin, Statement, ledger_entry
from consent.store import ConsentStore
from identity.ids import SubjectId
from services.consent.authority import ConsentAuthority
from services.deployment.config import SERVICES
from services.signing import Signer
from services.storage.database import StoreUnusable
from services.storage.erasure_journal import ErasureJournal, KeptReceipt
from services.storage.tombstones import tag_of
from services.stores import PersonalStore, Phase, StoreDown

#: A store that is down is asked again after this long.
RETRY_S: Final = 1.0
#: Every store of a deployment; an erasure is not finished while one of them has not answered.
_DAY_MS: Final = 86_400_000
_PHASES: Final = {Stage.SUPPRESS: Phase.SUPPRESS, Stage.DATA: Phase.DATA, Stage.KEYS: Phase.KEYS}
#: Whose file the journal lies in.
_OWN_STORE: Final = "consent"


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """What remains of an erasure for the person.

    Attributes:
        body: the receipt as canonical JSON (sorted keys, no spaces, UTF-8); names no person.
        signature: Ed25519 over ``body``, 64 bytes, by the key for erasure receipts.
        key_version: version of the "signing" key it was made with.
    """

    body: bytes
    signature: bytes
    key_version: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an erasure needs of the deployment besides its stores.

    Attributes:
        signer: of the kind ``ERASURE_RECEIPT``.
        tenant: whose deployment it is.
        clock: the present instant, milliseconds since the epoch.
        report: takes a line when an erasure has to wait, or stops.
        notify: tells the registered recipients of an erasure; gives their names.
        evidence: notes an erasure and the digest of its receipt in the sealed audit log; its place there.
        pause: waits so many seconds.
    """

    signer: Signer
    tenant: str
    clock: Callable[[], int]
    report: Callable[[str], object]
    notify: Callable[[Asked], Awaitable[Sequence[str]]]
    evidence: Callable[[Asked, bytes], Awaitable[Mapping[str, Any]]]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep


async def nobody_to_tell(_asked: Asked) -> Sequence[str]:
    """For a deployment that has no channel to recipients; the receipt says so."""
    return ()


class Erasures:
    """The erasures of a deployment; lives where the consent authority does, in one event loop."""

    def __init__(
        self,
        *,
        authority: ConsentAuthority,
        store: ConsentStore,
        journal: ErasureJournal,
        stores: Mapping[str, PersonalStore],
        around: Surroundings,
    ) -> None:
        """Makes the coordinator; ``resume`` takes up what an earlier process left open.

        Args:
            authority: makes subjects unknown everywhere.
            store: where the authority's state is kept; the journal lies in the same file.
            journal: what is durable of every erasure.
            stores: the stores by name; looked up when they are asked.
            around: the rest.
        """
        self._authority = authority
        self._store = store
        self._journal = journal
        self._stores = stores
        self._around = around
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._done: dict[str, asyncio.Event] = {}
        self._beginning = asyncio.Lock()

    async def begin(self, subjects: Collection[SubjectId], suppress: bool, requested_by: str) -> str:
        """Begins to erase birth subjects; they are unknown everywhere when it returns.

        Args:
            subjects: whom to erase; all of them, or none.
            suppress: keep refusals of marketing and sharing for their identifiers, so that the
                next import of one of them begins with these.
            requested_by: who proved the request, by the name of the verifier; never a person.

        Returns:
            The id of the erasure; of one that is open for the same subjects already, its id.

        Raises:
            SubjectUnknown: one of them is not known, or was erased.
        """
        async with self._beginning:
            open_one = await self._journal.of_subjects(subjects)
            if open_one is not None:
                return open_one
            asked = Asked(
                secrets.token_hex(16),
                tuple(sorted(set(subjects))),
                suppress,
                requested_by,
                self._around.clock(),
                epoch=0,
            )
            beginning = asyncio.create_task(self._restrict(asked))
            # Shielded: an erasure that is durable goes on, whoever waits for it.
            await asyncio.shield(beginning)
        return asked.erasure_id

    async def receipt(self, erasure_id: str) -> SignedReceipt | None:
        """The receipt of a finished erasure; ``None`` while it is open.

        Raises:
            ErasureUnknown: there is no erasure of that id.
        """
        kept = await self._journal.receipt(erasure_id)
        if kept is None and not await self._journal.has(erasure_id):
            raise ErasureUnknown
        return None if kept is None else SignedReceipt(kept.body, kept.signature, kept.key_version)

    async def finished(self, erasure_id: str) -> SignedReceipt:
        """Waits until an erasure is finished.

        Raises:
            ErasureUnknown: there is no erasure of that id.
        """
        while (receipt := await self.receipt(erasure_id)) is None:
            await self._done.setdefault(erasure_id, asyncio.Event()).wait()
        return receipt

    async def waits_for(self, erasure_id: str) -> Todo:
        """What an open erasure is to do next, and the stores that have not answered.

        Raises:
            ErasureUnknown: there is no erasure of that id.
        """
        if await self._journal.receipt(erasure_id) is not None:
            return Todo(Stage.DONE)
        if not await self._journal.has(erasure_id):
            raise ErasureUnknown
        return self._todo(await self._journal.progress(erasure_id))

    async def resume(self) -> None:
        """Takes up every erasure that an earlier process left open."""
        for erasure_id in await self._journal.open():
            self._go_on(erasure_id)

    async def stop(self) -> None:
        """Stops between two steps; what is open is taken up by the next process."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _restrict(self, asked: Asked) -> None:
        def keep(left: Mapping[SubjectId, int]) -> Awaitable[int]:
            return self._store.begin_erasure(asked, self._left_to_others(asked, left))

        await self._authority.erase(asked.subjects, keep)
        self._go_on(asked.erasure_id)

    def _left_to_others(self, asked: Asked, left: Mapping[SubjectId, int]) -> list[LedgerEntry]:
        """What others may not because of the erased, as refusals of their own.

        Whatever it came from: refusals, objections, restrictions and ages alike. Each has a random
        request id, for the erasure's id would join a living person to what is kept of the erased;
        the moment is all they share.
        """
        policy = self._authority.policy
        return [
            ledger_entry(
                Statement(
                    subject=subject,
                    action=Action.REFUSE,
                    nodes=policy.names_in(mask),
                    collected_via=CollectedVia.PARTNER,  # told by neither of them; the actor says by whom
                    effective_at_ms=None,
                    valid_until_ms=NEVER_MS,
                    notice=None,
                ),
                Origin(self._around.tenant, ACTOR, secrets.token_hex(16), 0),
                policy,
                asked.requested_at_ms,
            )
            for subject, mask in left.items()
        ]

    def _go_on(self, erasure_id: str) -> None:
        task = asyncio.create_task(self._run(erasure_id))
        self._tasks[erasure_id] = task
        task.add_done_callback(lambda task: self._ended(erasure_id, task))

    def _ended(self, erasure_id: str, task: asyncio.Task[None]) -> None:
        del self._tasks[erasure_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._around.report(
                f"erasure {erasure_id} stopped: {type(error).__name__}; it stays restricted\n"
            )

    def _todo(self, progress: Progress) -> Todo:
        return todo(progress, SERVICES)

    async def _run(self, erasure_id: str) -> None:
        said = ""
        while await self._journal.receipt(erasure_id) is None:
            try:
                down = await self._step(erasure_id)
            except StoreUnusable:  # the file of the journal and of the sealed log
                down = [_OWN_STORE]
            if down:
                line = f"erasure {erasure_id} is open and restricted: {', '.join(down)} did not answer\n"
                if line != said:
                    self._around.report(line)
                    said = line
                await self._around.pause(RETRY_S)
        self._done.setdefault(erasure_id, asyncio.Event()).set()

    async def _step(self, erasure_id: str) -> list[str]:
        """Does what is to be done next; the names of the stores that are down."""
        if await self._journal.signed(erasure_id):
            await self._journal.cut_log(erasure_id)
            return []
        progress = await self._journal.progress(erasure_id)
        following = self._todo(progress)
        if following.stage in _PHASES:
            return [name for name in await self._ask(progress.asked, following) if name]
        if progress.recipients is None:
            await self._journal.told(erasure_id, await self._around.notify(progress.asked))
        else:
            await self._sign(progress)
        return []

    async def _ask(self, asked: Asked, following: Todo) -> list[str]:
        """Asks stores side by side; the names of those that are down, once each."""
        names = (self._ask_one(asked, following.stage, name) for name in following.stores)
        return sorted(set(await asyncio.gather(*names)))

    async def _ask_one(self, asked: Asked, stage: Stage, name: str) -> str:
        try:
            if name not in self._stores:  # not there yet; without it nothing is finished
                return name
            erased = await self._stores[name].erase(asked.subjects, asked.erasure_id, _PHASES[stage])
        except StoreDown:
            return name
        try:
            await self._journal.answered(asked.erasure_id, stage, name, asdict(erased))
        except StoreUnusable:  # the store is asked again, and answers the same
            return _OWN_STORE
        return ""

    async def _sign(self, progress: Progress) -> None:
        now_ms = self._around.clock()
        body_with = partial(
            receipt_body,
            progress,
            tags=tuple(tag_of(subject).hex() for subject in progress.asked.subjects),
            key_version=self._around.signer.key_version,
            finished_at_ms=now_ms,
            backups_until_ms=now_ms + self._authority.policy.backup_days * _DAY_MS,
        )
        digest = hashlib.sha256(body_with(log={})).digest()  # the log's part can not contain itself
        body = body_with(log=await self._around.evidence(progress.asked, digest))
        signature = self._around.signer.sign(body)
        await self._journal.finish(
            progress.asked.erasure_id, KeptReceipt(body, signature, self._around.signer.key_version)
        )
