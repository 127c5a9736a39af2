"""EntitlementService: who may see exclusive items.

A place is given to the subject that is named and taken from all subjects of its person, since
what one of them is entitled to, all are. Of two changes of one place the last counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from operator import attrgetter

from identity.ids import SubjectId
from recommender.catalogue import Catalogue
from recommender.entitlements import Entitlement, Entitlements, Place
from recommender.store import WriteRequest
from services.begun import Begun
from services.interceptors.call import Call
from services.recommender.following import Others
from services.recommender.service import request_key
from services.storage.entitlements import EntitlementTables
from veilgraph.recommender.v1 import entitlement_pb2, entitlement_pb2_grpc


class EntitlementServicer(entitlement_pb2_grpc.EntitlementServiceServicer):
    """``veilgraph.recommender.v1.EntitlementService``."""

    def __init__(
        self, store: EntitlementTables, entitlements: Entitlements, catalogue: Catalogue, others: Others
    ) -> None:
        self._store = store
        self._others = others
        self._entitlements = entitlements
        self._catalogue = catalogue
        self._begun = Begun()

    async def SetEntitlement(
        self, request: entitlement_pb2.SetEntitlementRequest, call: Call
    ) -> entitlement_pb2.SetEntitlementResponse:
        """Changes the lists; the next answer heeds what is taken away, whichever process gives it."""
        places: dict[Place, Entitlement | None] = {}
        digest = hashlib.sha256(b"SetEntitlement")
        subjects = call.subjects["entitlements.subject"]
        numbers = await self._numbers({message.item_id for message in request.entitlements})
        for index, message, subject in zip(call.accepted, request.entitlements, subjects, strict=True):
            assert subject is not None  # noqa: S101 - denials refuse, and there are no guests
            digest.update(_asked(message, subject))
            item = numbers.get(message.item_id)
            if item is None:
                call.refuse_item(index, "ITEM_UNKNOWN", f"entitlements[{index}].item_id")
            elif message.withdrawn:
                places |= {Place(member, item): None for member in (subject, *call.members(subject))}
            else:
                places[Place(subject, item)] = Entitlement(subject, item, _until_ms(message))
        write = WriteRequest(request_key(request.request_id, call), digest.digest(), call.now_ms)
        changed = await self._begun.to_the_end(self._change(write, places))
        if any(place is None or place.until_ms is not None for place in places.values()):
            await self._others.follow()
        return entitlement_pb2.SetEntitlementResponse(
            changed=changed,
            refused=[refusal.message() for refusal in sorted(call.refused, key=attrgetter("index"))],
        )

    async def drained(self) -> None:
        """Returns when nothing that was begun is unfinished; for an orderly stop."""
        await self._begun.drained()

    async def _numbers(self, item_ids: Collection[str]) -> dict[str, int]:
        """The numbers of items; another process may have put them just now."""
        known = {one: number for one in item_ids if (number := self._catalogue.number(one)) is not None}
        unknown = sorted(set(item_ids) - known.keys())
        return known | await self._store.item_numbers(unknown) if unknown else known

    async def _change(self, write: WriteRequest, places: Mapping[Place, Entitlement | None]) -> int:
        changed = await self._store.change(write, places)
        # As the store has it: a repeated request changed nothing.
        await self._store.tell(self._entitlements, {place.subject for place in places})
        return changed


def _asked(message: entitlement_pb2.Entitlement, subject: SubjectId) -> bytes:
    """A change as it is asked for, for the request's digest.

    The item is as the caller names it: a repeat is one, too, when the item came meanwhile. The
    caller's own id of the subject is no part of it: it changes with the caller's key.
    """
    content = entitlement_pb2.Entitlement()
    content.CopyFrom(message)
    content.ClearField("subject")
    asked = content.SerializeToString(deterministic=True)
    return b"%b%d;%b" % (subject, len(asked), asked)


def _until_ms(message: entitlement_pb2.Entitlement) -> int | None:
    if not message.HasField("valid_until"):
        return None
    instant = message.valid_until
    return instant.seconds * 1000 + instant.nanos // 1_000_000
