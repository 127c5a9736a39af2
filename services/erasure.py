"""Erasing people across every store of the deployment, journalled and signed.

The order is fixed and each step is durable before the next begins: restrict everywhere,
take the data away store by store, destroy the keys, tell the recipients, sign the receipt.
Whoever asks waits for nothing but the restriction; the rest goes on, and on again after a
crash, until every store has answered.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from identity.ids import SubjectId


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


class Erasures(Protocol):
    """What rights asks of the deployment's erasures."""

    async def begin(self, subjects: Collection[SubjectId], suppress: bool, requested_by: str) -> str:
        """Begins to erase birth subjects; they are restricted everywhere when it returns.

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

    async def receipt(self, erasure_id: str) -> SignedReceipt | None:
        """The receipt of a finished erasure; ``None`` while it is open.

        Raises:
            ErasureUnknown: there is no erasure of that id.
        """

    async def finished(self, erasure_id: str) -> SignedReceipt:
        """Waits until an erasure is finished.

        Raises:
            ErasureUnknown: there is no erasure of that id.
        """
