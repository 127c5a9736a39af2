"""What people's statuses open to them, told to the recommender: asked anew for every answer.

Nobody keeps a list of whom an item is open to. So what a return, a link or an unlink takes away is
gone from the next answer, and an erasure has one place less to go to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from time import monotonic

import grpc

from engagement.loyalty.account import standing_by
from engagement.loyalty.known import exclusive_item_ids
from engagement.loyalty.programme import Programme
from engagement.loyalty.store import Loyalty, LoyaltyStore
from identity.ids import SubjectId
from services.engagement.programmes import Programmes
from services.interceptors.call import Call
from services.parts.links import OpenItems
from services.peers import Peers
from services.remote_stores import subjects_of
from veilgraph.internal.v1 import access_pb2, access_pb2_grpc

#: Whoever does not answer by then opens nothing.
_ANSWER_S = 0.5
#: So long is believed that no status opens anything; it says nothing of anybody.
_BELIEVED_S = 0.25


class Opening:
    """The items that the ledger's statuses open; an ``OpenItems`` of this process."""

    def __init__(
        self, store: LoyaltyStore, programmes: Programmes, purpose: int, clock: Callable[[], int]
    ) -> None:
        """Opens what the programmes in force do.

        Args:
            store: the ledger.
            programmes: those in force.
            purpose: bit position of loyalty.
            clock: the present instant, milliseconds since the epoch.
        """
        self._store = store
        self._programmes = programmes
        self._purpose = purpose
        self._clock = clock

    @property
    def programmes(self) -> list[Programme]:
        """Those in force of which a status opens anything."""
        in_force = self._programmes().values()
        return [one for one in in_force if any(tier.exclusive_item_ids for tier in one.tiers)]

    async def __call__(self, subjects: Collection[SubjectId]) -> Collection[str]:
        """See ``OpenItems``."""
        opening = self.programmes
        if not opening:
            return ()
        now_ms = self._clock()
        recorded = await self._store.recorded(Loyalty(list(subjects), opening, self._purpose, now_ms))
        return exclusive_item_ids(standing_by(programme, recorded, now_ms) for programme in opening)


class AccessServicer(access_pb2_grpc.AccessServiceServicer):
    """``veilgraph.internal.v1.AccessService``."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    async def OpenItems(
        self,
        request: access_pb2.OpenItemsRequest,
        call: Call,  # noqa: ARG002 - the guard has judged the caller
    ) -> access_pb2.OpenItemsResponse:
        """What is open to a person."""
        return access_pb2.OpenItemsResponse(
            item_ids=await self._opening(subjects_of(request.subjects)),
            nothing_opens=not self._opening.programmes,
        )


def remote_open_items(
    peers: Peers, log: Callable[[str], object], monotonic_s: Callable[[], float] = monotonic
) -> OpenItems:
    """What engagement tells the recommender from another process; nothing while it does not answer."""
    silent, believed_until_s = False, 0.0

    async def open_items(subjects: Collection[SubjectId]) -> Collection[str]:
        nonlocal silent, believed_until_s
        asked_s = monotonic_s()
        if asked_s < believed_until_s:
            return ()
        stub = peers.stub("engagement", "recommender", access_pb2_grpc.AccessServiceStub)
        request = access_pb2.OpenItemsRequest(subjects=subjects)
        try:
            response = await stub.OpenItems(
                request, metadata=peers.metadata("recommender"), timeout=_ANSWER_S
            )
        except grpc.aio.AioRpcError as error:
            if not silent:
                log(f"engagement does not say what statuses open; nothing is: {error.code().name}\n")
            silent = True
            return ()
        if silent:
            log("engagement says again what statuses open\n")
        silent = False
        if response.nothing_opens:
            believed_until_s = asked_s + _BELIEVED_S
        return tuple(response.item_ids)

    return open_items
