"""The barrier of the key ring: when it has passed, nobody decides under an earlier ring any more.

A change of keys becomes a step of the guard stream. A replica takes a step only once it holds the
ring that goes with it, so one that does not is left without a lease and decides nothing.
"""

from __future__ import annotations

import grpc

from services.consent.authority import ConsentAuthority
from services.errors import Unavailable
from services.interceptors.call import Call
from services.key_file import Keys
from services.parts.links import KeyBarrier
from services.peers import Peers
from veilgraph.internal.v1 import feed_pb2, feed_pb2_grpc

_RETRY_S = 0.2
#: Longer than a lease lives: a replica that does not answer is waited for no longer than that.
_BARRIER_S = 15.0


class KeyBarrierServicer(feed_pb2_grpc.KeyBarrierServiceServicer):
    """``veilgraph.internal.v1.KeyBarrierService``."""

    def __init__(self, authority: ConsentAuthority, keys: Keys) -> None:
        """Waits at the barrier of ``authority``, whose process holds ``keys``."""
        self._authority = authority
        self._keys = keys

    async def held(self, revision: int) -> None:
        """Returns when every process that decides holds the ring of a revision or a later one.

        Raises:
            Unavailable: this process can not read that ring itself.
        """
        if not self._keys.reaches(revision):
            raise Unavailable("KEYS_BEHIND", retry_after_s=_RETRY_S)
        await self._authority.hold_keys(revision)

    async def AwaitKeys(
        self,
        request: feed_pb2.AwaitKeysRequest,
        call: Call,  # noqa: ARG002 - the guard has judged the caller
    ) -> feed_pb2.AwaitKeysResponse:
        """Answers once everybody holds it."""
        await self.held(request.revision)
        return feed_pb2.AwaitKeysResponse()


def remote_key_barrier(peers: Peers) -> KeyBarrier:
    """Consent's barrier as identity waits at it from another process."""

    async def held(revision: int) -> None:
        stub = peers.stub("consent", "identity", feed_pb2_grpc.KeyBarrierServiceStub)
        request = feed_pb2.AwaitKeysRequest(revision=revision)
        try:
            await stub.AwaitKeys(request, metadata=peers.metadata("identity"), timeout=_BARRIER_S)
        except grpc.aio.AioRpcError:
            raise Unavailable("CONSENT_NOT_READY", retry_after_s=_RETRY_S) from None

    return held
