"""A guard table kept from elsewhere: follows the authority's stream and decides only under a lease.

A lease's life counts from the instant its request was sent, by a clock that runs while the
machine sleeps; when it is over, or before the first, the table denies. The stream may break at
any time: the table stays what it was for as long as its lease lives, and the replica follows
again. What comes from a lower term than it has seen is refused, and so is a state that is for
processes with a later key ring than its own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing

import grpc

from consent.errors import BatchMalformed
from consent.guard_table import GuardEntry, GuardTable, GuardUpdate
from consent.leases import RENEWALS_A_TTL, TTL_MS
from consent.packing import unpacked
from consent.policy import Policy
from identity.ids import SubjectId
from services.consent.barrier import boot_ms
from veilgraph.client.errors import from_rpc
from veilgraph.internal.v1 import guard_pb2, guard_pb2_grpc

Follow = Callable[[AsyncIterator[guard_pb2.FollowRequest]], AsyncGenerator[guard_pb2.FollowResponse, None]]
Metadata = Callable[[], Sequence[tuple[str, str]]]
#: Between attempts that reach nobody.
_BACKOFF_S = (0.02, 0.05, 0.1, 0.2, 0.5)
_RELEASE_S = 0.5
_NAME_BYTES = 16


class StreamBroken(ConnectionError):  # noqa: N818 - named after what it says
    """The stream ended; the reason is the service's, or the status if it gave none."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def over(channel: Callable[[], grpc.aio.Channel], metadata: Metadata) -> Follow:
    """Follows over gRPC; ``channel`` and ``metadata`` give those of each attempt."""

    async def follow(
        requests: AsyncIterator[guard_pb2.FollowRequest],
    ) -> AsyncGenerator[guard_pb2.FollowResponse, None]:
        stub = guard_pb2_grpc.GuardServiceStub(channel())  # type: ignore[no-untyped-call]
        # It begins when somebody listens again, and not when a pause between two attempts is over.
        call = stub.Follow(requests, metadata=metadata(), wait_for_ready=True)
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            raise StreamBroken(from_rpc(error).reason) from None
        finally:
            call.cancel()

    return follow


class Replica:
    """Follows one authority; used from one event loop.

    Attributes:
        table: what is decided by.
        term: the highest term seen.
    """

    def __init__(
        self,
        follow: Follow,
        policy: Policy,
        log: Callable[[str], object],
        clock_ms: Callable[[], int] = boot_ms,
        ttl_ms: int = TTL_MS,
        *,
        holds_keys: Callable[[int], bool] = lambda revision: revision == 0,
    ) -> None:
        """Makes a replica that does not follow yet.

        Args:
            follow: opens the stream, see ``over``.
            policy: the policy file; under another than the authority's there is no lease.
            log: takes a line when following fails for another reason than before.
            clock_ms: the clock of leases.
            holds_keys: whether this process holds the key ring of a revision or a later one.
            ttl_ms: gives the rhythm of renewals and of giving up a silent stream; a lease itself
                lives as long as the authority says.
        """
        self.table = GuardTable(policy, live=self._live)
        self.term = 0
        self._name = os.urandom(_NAME_BYTES)
        self._follow = follow
        self._log = log
        self._clock_ms = clock_ms
        self._ttl_s = ttl_ms / 1000
        self._holds_keys = holds_keys
        self._lease_until_ms = 0
        self._lease_due = False
        self._released = False
        self._caught_up = False
        self._staged: dict[SubjectId, GuardEntry | None] = {}
        self._trouble = ""
        self._due = asyncio.Event()
        self._held = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Begins to follow; the task ends only by ``stop`` or by a fault."""
        self._task = asyncio.create_task(self._run())
        return self._task

    async def stop(self) -> None:
        """Decides nothing any more and says so, so that nobody waits for the lease to run out."""
        self._lease_until_ms, self._released = 0, True
        self._due.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=_RELEASE_S)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def ready(self) -> None:
        """Returns when the table holds the state and a lease for it."""
        while not self.table.ready:
            await self._held.wait()

    @property
    def lease_left_s(self) -> float:
        """For how long the lease still lives, seconds; 0 when it is over."""
        return max(0.0, (self._lease_until_ms - self._clock_ms()) / 1000)

    def renew(self) -> None:
        """Asks for a lease now; happens by itself often enough."""
        self._lease_due = True
        self._due.set()

    def _live(self) -> bool:
        return self._clock_ms() < self._lease_until_ms

    async def _run(self) -> None:
        failures = 0
        while not self._released:
            self._caught_up, self._staged = False, {}
            try:
                await self._follow_once()
                broken = "ended"
            except (StreamBroken, BatchMalformed, TimeoutError) as error:
                broken = error.reason if isinstance(error, StreamBroken) else type(error).__name__
            if self._released:
                return
            failures = 0 if self._caught_up else failures + 1
            if failures:  # a stream that breaks and goes on, as at the end of a token, is no trouble
                self._report(broken)
            await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])

    def _report(self, trouble: str) -> None:
        """Says why it does not follow, once and not at every attempt."""
        if trouble != self._trouble:
            self._log(f"guard stream broken: {trouble}; decisions end with the lease\n")
        self._trouble = trouble

    async def _follow_once(self) -> None:
        self._due = asyncio.Event()  # the stream before may still look at its own
        async with aclosing(self._follow(self._requests(self._due))) as responses:
            async with asyncio.timeout(self._ttl_s) as silence:
                async for response in responses:
                    silence.reschedule(asyncio.get_running_loop().time() + self._ttl_s)
                    self._hear(response)

    def _hear(self, response: guard_pb2.FollowResponse) -> None:
        if response.term < self.term:
            raise StreamBroken("TERM_OVER")
        if response.term > self.term and self._live():
            self.renew()  # asked after this term began, so its lease outlived the one before
        self.term = response.term
        if response.WhichOneof("told") == "part":
            self._take(response.part)
        else:
            self._hold(response.lease)

    def _take(self, part: guard_pb2.Part) -> None:
        if not self._holds_keys(part.keys_revision):
            raise StreamBroken("KEYS_BEHIND")  # not applied, not acknowledged, and no lease without it
        self._staged |= unpacked(part.entries)
        if part.more:
            return
        update, self._staged = GuardUpdate(part.epoch, self._staged), {}
        if part.whole:
            self.table.replace(update)
        else:
            self.table.apply(update)
        if self._caught_up:
            self._due.set()
        else:
            self._caught_up = True
            self.renew()

    def _hold(self, lease: guard_pb2.Lease) -> None:
        self._lease_until_ms = max(self._lease_until_ms, lease.sent_at_ms + lease.ttl_ms)
        self._trouble = ""
        self._held.set()
        self._held = asyncio.Event()

    async def _requests(self, due: asyncio.Event) -> AsyncIterator[guard_pb2.FollowRequest]:
        """Says hello; then acknowledges what is applied, and asks for a lease in the rhythm of renewals."""
        hello = guard_pb2.Hello(
            replica=self._name,
            term=self.term,
            epoch=self.table.epoch if self.table.loaded else 0,
            policy_digest=self.table.policy.digest,
        )
        yield guard_pb2.FollowRequest(hello=hello)
        now_s = asyncio.get_running_loop().time
        renewal_at = now_s() + self._ttl_s / RENEWALS_A_TTL
        while not self._released:
            try:
                async with asyncio.timeout_at(renewal_at):
                    await due.wait()
            except TimeoutError:
                self._lease_due = True
            due.clear()
            if self._lease_due:
                renewal_at = now_s() + self._ttl_s / RENEWALS_A_TTL
            if not self._released and (self._caught_up or (self._lease_due and self._live())):
                yield self._said()
        yield guard_pb2.FollowRequest(released=True)

    def _said(self) -> guard_pb2.FollowRequest:
        request = guard_pb2.FollowRequest(applied_epoch=self.table.epoch if self._caught_up else 0)
        if self._lease_due:
            self._lease_due = False
            request.lease_sent_at_ms = self._clock_ms()
        return request
