"""Births: each identifier gets its subject when it is first seen.

A birth is answered for only after the barrier: when the guard tables have taken it in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from consent.guard_table import GuardTable
from identity.ids import SUBJECT_BYTES, IdentifierToken, SubjectId
from identity.ledger import Births, Newborn
from identity.store import IdentityStore
from services.begun import Begun
from services.identity.confirming import Barrier
from services.identity.identifier_keys import IdentifierKeys
from services.identity.quotas import Quotas
from services.interceptors.call import Caller


class BirthRegister:
    """Knows the subject of every identifier, and gives one to those it does not know."""

    def __init__(
        self,
        store: IdentityStore,
        identifiers: IdentifierKeys,
        barrier: Barrier,
        *,
        random_bytes: Callable[[int], bytes],
        begun: Begun,
        quotas: Quotas,
    ) -> None:
        """Makes the register.

        Args:
            store: the ledger.
            identifiers: by which tokens an identifier is known, and which stand for none.
            barrier: see ``Barrier``.
            random_bytes: where birth subjects come from; cryptographically random.
            begun: keeps what is being written from ending with whoever asked for it.
            quotas: what each caller may bring that nobody has seen.
        """
        self._store = store
        self._identifiers = identifiers
        self._barrier = barrier
        self._random_bytes = random_bytes
        self._begun = begun
        self._quotas = quotas

    async def births(
        self, identifiers: Mapping[IdentifierToken, int], caller: Caller, guard: GuardTable, now_ms: int
    ) -> tuple[Births, int]:
        """The birth subject of each identifier but those that stand for none.

        Args:
            identifiers: tokens and the kind of each.
            caller: who asks; what is new counts towards its quota.
            guard: the table that the answer is to be decided by.
            now_ms: when those first seen are born.

        Returns:
            The births, and the consent epoch they came with; 0 if all were known.

        Raises:
            QuotaExceeded: more of them are new than the caller may bring now; nobody is born.
        """
        blocked = self._identifiers.blocked
        kinds = {token: kind for token, kind in identifiers.items() if token not in blocked}
        known = await self._known(kinds)
        new = [token for token in kinds if token not in known]
        self._quotas.take(caller, len(known), len(new), now_ms)
        if not new and all(subject in guard for subject in known.values()):
            return Births(known, frozenset(), 0), 0
        random = self._random_bytes(SUBJECT_BYTES * len(new))
        newborns = [
            Newborn(token, kinds[token], SubjectId(random[start : start + SUBJECT_BYTES]))
            for token, start in zip(new, range(0, len(random), SUBJECT_BYTES), strict=True)
        ]
        births, epoch = await self._begun.to_the_end(self._bear(newborns, caller, now_ms))
        return births._replace(subjects=known | births.subjects), epoch

    async def _known(self, kinds: Mapping[IdentifierToken, int]) -> dict[IdentifierToken, SubjectId]:
        """Those seen before, kept under whichever key.

        One that is sealed anew between two look-ups moves to the key of now, under which is looked
        last; if that changes meanwhile, too, it is found when it is to be born.
        """
        before = self._identifiers.recognition()
        known = await self._store.subjects(kinds)
        for tokens in (self._identifiers.others, self._identifiers.renewed):
            missing = {token: kinds[token] for token in kinds if token not in known}
            if before.only_as(missing) and self._identifiers.recognition().only_as(missing):
                break
            asked = tokens(missing)
            kept = await self._store.subjects(asked)
            known.update((asked[token], subject) for token, subject in kept.items())
        return known

    async def _bear(self, newborns: Sequence[Newborn], caller: Caller, now_ms: int) -> tuple[Births, int]:
        """Bears those that still stand for somebody: other rules may have come since they were looked up.

        Nothing comes between this look and the writer's queue, so whatever is let through by the
        rules before is in the ledger once anything was written after they changed.
        """
        blocked = self._identifiers.blocked
        births = await self._store.bear([one for one in newborns if one.token not in blocked], now_ms)
        self._quotas.give_back(caller, len(newborns) - len(births.created))
        return births, await self._barrier(births.seq)
