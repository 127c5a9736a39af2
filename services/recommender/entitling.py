"""EntitlementService: who may see exclusive items."""

from __future__ import annotations

import hashlib
from operator import attrgetter

from identity.ids import SubjectId
from recommender.catalogue import Catalogue
from recommender.entitlements import Entitlement, Entitlements
from recommender.store import WriteRequest
from services.begun import Begun
from services.interceptors.call import Call
from services.recommender.service import request_key
from services.storage.entitlements import SqliteEntitlementStore
from veilgraph.recommender.v1 import entitlement_pb2, entitlement_pb2_grpc


class EntitlementServicer(entitlement_pb2_grpc.EntitlementServiceServicer):
    """``veilgraph.recommender.v1.EntitlementService``."""

    def __init__(
        self, store: SqliteEntitlementStore, entitlements: Entitlements, catalogue: Catalogue
    ) -> None:
        self._store = store
        self._entitlements = entitlements
        self._catalogue = catalogue
        self._begun = Begun()

    async def SetEntitlement(
        self, request: entitlement_pb2.SetEntitlementRequest, call: Call
    ) -> entitlement_pb2.SetEntitlementResponse:
        """Changes the lists; the next answer heeds it."""
        given: list[Entitlement] = []
        taken: list[tuple[SubjectId, int]] = []
        subjects = call.subjects["entitlements.subject"]
        for index, message, subject in zip(call.accepted, request.entitlements, subjects, strict=True):
            assert subject is not None  # noqa: S101 - denials refuse, and there are no guests
            item = self._catalogue.number(message.item_id)
            if item is None:
                call.refuse_item(index, "ITEM_UNKNOWN", f"entitlements[{index}].item_id")
            elif message.withdrawn:
                taken.append((subject, item))
            else:
                given.append(Entitlement(subject, item, _until_ms(message)))
        write = WriteRequest(request_key(request.request_id, call), _digest(given, taken), call.now_ms)
        changed = await self._begun.to_the_end(self._change(write, given, taken))
        return entitlement_pb2.SetEntitlementResponse(
            changed=changed,
            refused=[refusal.message() for refusal in sorted(call.refused, key=attrgetter("index"))],
        )

    async def drained(self) -> None:
        """Returns when nothing that was begun is unfinished; for an orderly stop."""
        await self._begun.drained()

    async def _change(
        self, write: WriteRequest, given: list[Entitlement], taken: list[tuple[SubjectId, int]]
    ) -> int:
        changed = await self._store.change(write, given, taken)
        # As the file has it: a repeated request changed nothing.
        concerned = {entitlement.subject for entitlement in given} | {subject for subject, _ in taken}
        self._entitlements.replace(concerned, self._store.of(concerned))
        return changed


def _digest(given: list[Entitlement], taken: list[tuple[SubjectId, int]]) -> bytes:
    """Of what is asked for; the subjects were opened, so that a change of keys changes nothing."""
    digest = hashlib.sha256(b"SetEntitlement")
    for subject, item, until_ms in given:
        digest.update(b"+%b%d/%d;" % (subject, item, until_ms or 0))
    for subject, item in taken:
        digest.update(b"-%b%d;" % (subject, item))
    return digest.digest()


def _until_ms(message: entitlement_pb2.Entitlement) -> int | None:
    if not message.HasField("valid_until"):
        return None
    instant = message.valid_until
    return instant.seconds * 1000 + instant.nanos // 1_000_000
