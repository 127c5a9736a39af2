"""GuardService: the authority's ordered stream, as replicas follow it.

Steps are packed once and kept for a while, so that a replica that was away reads on where it
left off; one that was away too long, or under another term, gets the whole state. A lease is
told after every step that was pushed before it was given, so whoever holds it has them; but one
that goes on from an earlier term is told at once, for the whole state takes its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from weakref import ref

from consent.guard_table import GuardUpdate
from consent.packing import packed
from services.consent.authority import ConsentAuthority
from services.consent.rounds import AuthorityStopped
from services.errors import InvalidRequest, Refusal, Unavailable
from services.interceptors.call import Unreadable
from services.storage.database import StoreUnusable
from veilgraph.internal.v1 import guard_pb2, guard_pb2_grpc

#: Steps kept for replicas that were away, at most so many bytes.
KEPT_BYTES_MAX = 32 << 20
#: What a kept step takes beside its entries.
STEP_BYTES = 256
_RETRY_S = 0.2
Requests = AsyncIterator[guard_pb2.FollowRequest | Unreadable]


@dataclass(frozen=True, slots=True)
class _Step:
    """One step as it is sent: the epoch before it, its own, and its packed batches."""

    before: int
    epoch: int
    batches: tuple[bytes, ...]

    @property
    def size(self) -> int:
        return STEP_BYTES + sum(map(len, self.batches))


class _State:
    """The whole state as it is sent; packed as far as the fastest of its readers has come."""

    def __init__(self, snapshot: GuardUpdate) -> None:
        self.epoch = snapshot.epoch
        self._packed: list[bytes] = []
        self._rest = packed(snapshot.entries)

    def batches(self) -> Iterator[bytes]:
        for at in count():
            if at == len(self._packed):
                batch = next(self._rest, None)
                if batch is None:
                    return
                self._packed.append(batch)
            yield self._packed[at]


@dataclass(slots=True, eq=False)
class _Follower:
    """One stream: who it is, what it has been sent, what it has applied, which lease it gets next."""

    replica: bytes
    sent: int = 0
    applied: int = 0
    lease: guard_pb2.Lease | None = None
    goes_on: guard_pb2.Lease | None = None
    renewal: asyncio.Task[None] | None = None
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class GuardServicer(guard_pb2_grpc.GuardServiceServicer):
    """``veilgraph.internal.v1.GuardService``, and the one subscriber behind all replicas."""

    def __init__(self, authority: ConsentAuthority) -> None:
        """Serves the steps of an authority that runs, from now on."""
        self._authority = authority
        self._barrier = authority.barrier
        self._steps: dict[int, _Step] = {}  # by the epoch they lead on from
        self._kept_bytes = 0
        self._epoch = 0
        self._followers: set[_Follower] = set()
        self._told_state: Callable[[], _State | None] = lambda: None
        self._over = False
        authority.subscribe(self)

    def apply(self, update: GuardUpdate) -> None:
        """Takes a step of the authority's; the first one is the whole state, which nobody missed."""
        if self._epoch:
            step = _Step(self._epoch, update.epoch, tuple(packed(update.entries)))
            self._steps[step.before] = step
            self._kept_bytes += step.size
            while self._kept_bytes > KEPT_BYTES_MAX:
                self._kept_bytes -= self._steps.pop(next(iter(self._steps))).size
        self._epoch = update.epoch
        self._wake()

    def lose(self) -> None:
        """The authority has stopped: every stream ends."""
        self.close()

    def close(self) -> None:
        """Ends every stream; for an orderly stop, before the server's."""
        self._over = True
        self._wake()

    async def Follow(self, requests: Requests, call: Any) -> AsyncIterator[guard_pb2.FollowResponse]:
        """Tells steps and leases until the replica goes away or the authority stops."""
        del call  # the chain has judged who calls; nobody is spoken of
        hello = await self._hello(requests)
        follower = _Follower(hello.replica)
        if hello.term == self._authority.term and self._reaches(hello.epoch):
            follower.sent = hello.epoch
            yield self._told(guard_pb2.Part(epoch=hello.epoch, entries=next(packed({}))))
        listening = asyncio.create_task(self._listen(requests, follower))
        listening.add_done_callback(lambda _: follower.woken.set())
        self._followers.add(follower)
        try:
            while not listening.done():
                follower.woken.clear()
                self._must_run()
                lease, follower.lease = follower.lease, None  # everything before it is told first
                for part in self._news(follower):
                    yield self._told(part)
                    for early in self._early(follower):
                        yield early
                for given in (*self._early(follower), *self._given(lease)):
                    yield given
                await follower.woken.wait()
            listening.result()
        finally:
            self._followers.discard(follower)
            listening.cancel()
            if follower.renewal is not None:
                follower.renewal.cancel()

    async def _hello(self, requests: Requests) -> guard_pb2.Hello:
        self._must_run()
        first = await anext(aiter(requests), None)
        if not isinstance(first, guard_pb2.FollowRequest) or not first.HasField("hello"):
            raise InvalidRequest("FIELD_REQUIRED", field="hello")
        if first.hello.policy_digest != self._authority.policy.digest:
            raise Refusal("POLICY_DIFFERS")
        return first.hello

    def _must_run(self) -> None:
        if self._over:
            raise Unavailable("CONSENT_NOT_READY", retry_after_s=_RETRY_S)

    def _reaches(self, epoch: int) -> bool:
        """Whether the steps kept lead on from an epoch."""
        return epoch == self._epoch or epoch in self._steps

    def _told(self, part: guard_pb2.Part) -> guard_pb2.FollowResponse:
        part.keys_revision = self._authority.keys_revision
        return guard_pb2.FollowResponse(term=self._authority.term, part=part)

    def _early(self, follower: _Follower) -> Iterator[guard_pb2.FollowResponse]:
        lease, follower.goes_on = follower.goes_on, None
        return self._given(lease)

    def _given(self, lease: guard_pb2.Lease | None) -> Iterator[guard_pb2.FollowResponse]:
        if lease is not None:
            yield guard_pb2.FollowResponse(term=self._authority.term, lease=lease)

    def _news(self, follower: _Follower) -> Iterator[guard_pb2.Part]:
        """What the follower was not sent yet, part by part."""
        while follower.sent != self._epoch:
            step = self._steps.get(follower.sent)
            if step is not None:
                epoch, whole, batches = step.epoch, False, iter(step.batches)
            else:
                # Told before the state is read: whoever hears of a new term asks for its lease at once.
                yield guard_pb2.Part(epoch=self._epoch, whole=True, more=True, entries=next(packed({})))
                state = self._state()
                epoch, whole, batches = state.epoch, True, state.batches()
            for batch, more in _marked(batches):
                yield guard_pb2.Part(epoch=epoch, whole=whole, more=more, entries=batch)
            follower.sent = epoch

    def _state(self) -> _State:
        """The whole state, packed once for all who are told it at a time, if the steps lead on from it."""
        told = self._told_state()
        if told is None or not self._reaches(told.epoch):
            told = _State(self._authority.snapshot())
            self._told_state = ref(told)
        return told

    async def _listen(self, requests: Requests, follower: _Follower) -> None:
        async for request in requests:
            received_ms = self._barrier.clock_ms()
            if isinstance(request, Unreadable):
                raise InvalidRequest(request.reason, field=request.field)
            if request.released:
                self._barrier.release(follower.replica)
                return
            if request.applied_epoch > follower.applied:
                follower.applied = min(request.applied_epoch, self._epoch)
                self._barrier.acknowledge(follower.replica, follower.applied)
            if request.HasField("lease_sent_at_ms") and _over(follower.renewal):
                renewal = self._renew(follower, request.lease_sent_at_ms, received_ms)
                follower.renewal = asyncio.create_task(renewal)

    async def _renew(self, follower: _Follower, sent_at_ms: int, received_ms: int) -> None:
        try:
            goes_on = await self._authority.grant_lease(
                follower.replica, received_ms, lambda: follower.applied
            )
        except AuthorityStopped:
            self.close()
            return
        except StoreUnusable:
            return  # not confirmed, so no lease; the replica asks again
        lease = guard_pb2.Lease(sent_at_ms=sent_at_ms, ttl_ms=self._barrier.ttl_ms)
        if goes_on:
            follower.goes_on = lease
        else:
            follower.lease = lease
        follower.woken.set()

    def _wake(self) -> None:
        for follower in self._followers:
            follower.woken.set()


def _over(task: asyncio.Task[None] | None) -> bool:
    return task is None or task.done()


def _marked(batches: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each batch, and whether another one follows."""
    held = next(batches)
    for batch in batches:
        yield held, True
        held = batch
    yield held, False
