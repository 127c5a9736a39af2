"""A connection to NATS and the stream that engagement's news are announced in.

The stream holds the newest announcement of each partition and no other, for as long as the policy
says, and is made by whoever comes first. Nothing that must not be lost lies in it. A connection is
not mended: whoever used it makes a new one, and then asks what it missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from consent.retention import Retention
from services.stream.settings import NatsSettings

#: What there may be of a server that is away, or comes back; all of it is tried again.
FAULTS = (nats.errors.Error, OSError, asyncio.TimeoutError)
#: An answer that takes longer does not come.
ANSWER_S = 2.0
#: An announcement that comes again within this time is dropped by the server.
_DUPLICATES_S = 120.0
_DAY_S = 86_400
#: A peer that has gone without a word is missed after two of these.
_PING_S = 5
#: A connection that is not closed after so long is left to end by itself.
_CLOSED_S = 0.5
#: A task that has not ended so long after it was cancelled has missed it.
_NOTICED_S = 0.2


class ConnectionEnded(nats.errors.Error):
    """The connection is over."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One deployment's stream.

    Attributes:
        tenant: whose it is.
        max_age_s: how long an announcement stays; 0: until a newer one takes its place.
    """

    tenant: str
    max_age_s: float

    @property
    def name(self) -> str:
        """Its name at the server; a tenant's name may hold dots, a stream's may not."""
        return f"veilgraph-{self._token}"

    def subject(self, partition: int | str) -> str:
        """What a partition is announced under; ``*``: any."""
        return f"events.{self._token}.{partition}"

    @property
    def _token(self) -> str:
        return self.tenant.replace(".", "=")

    def config(self, found: StreamConfig) -> StreamConfig:
        """What it is like; how many servers keep it, and where, is as it was found."""
        return replace(
            found,
            name=self.name,
            subjects=[self.subject("*")],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            max_msgs_per_subject=1,
            max_age=self.max_age_s,
            duplicate_window=min(_DUPLICATES_S, self.max_age_s or _DUPLICATES_S),
        )


def stream_of(tenant: str, retention: Retention) -> Stream:
    """A deployment's stream under its policy file."""
    return Stream(tenant, (retention.records["announcements"] or 0) * _DAY_S)


@dataclass(frozen=True, slots=True)
class Joined:
    """A connection to a stream that is there.

    Attributes:
        jetstream: the connection.
        lost: set when it is over.
    """

    jetstream: JetStreamContext
    lost: asyncio.Event


#: Makes a connection, for as long as the block runs; one of ``FAULTS`` if that fails.
Join = Callable[[], AbstractAsyncContextManager[Joined]]


def joining(settings: NatsSettings, stream: Stream) -> Join:
    """Connections to a stream under a deployment's settings."""

    @asynccontextmanager
    async def joined() -> AsyncIterator[Joined]:
        lost = asyncio.Event()

        async def over() -> None:
            lost.set()

        async def quiet(_error: Exception) -> None:
            """Whoever uses the connection meets the error as well, and tells of it."""

        user, password = settings.login() or (None, None)
        client = Client()
        try:
            async with asyncio.timeout(2 * ANSWER_S):  # its own limit does not cover all that it waits for
                await client.connect(
                    settings.url,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,  # else the first connection is tried for minutes
                    reconnect_time_wait=0,
                    closed_cb=over,
                    error_cb=quiet,
                    connect_timeout=int(ANSWER_S),
                    ping_interval=_PING_S,
                    tls=settings.tls(),
                    user=user,
                    password=password,
                )
            jetstream = client.jetstream(timeout=ANSWER_S)
            await _ensure(jetstream, stream)
            yield Joined(jetstream, lost)
        finally:
            with suppress(TimeoutError):  # it waits for a handshake that failed to end in order
                async with asyncio.timeout(_CLOSED_S):
                    await client.close()

    return joined


async def _ensure(jetstream: JetStreamContext, stream: Stream) -> None:
    """Has the stream be there as it should."""
    try:
        found = (await jetstream.stream_info(stream.name)).config
    except NotFoundError:
        await jetstream.add_stream(stream.config(StreamConfig()))
        return
    wanted = stream.config(found)
    if wanted != found:
        await jetstream.update_stream(wanted)


async def ended(task: asyncio.Task[None]) -> None:
    """Cancels a task until it has ended; ``asyncio.wait_for`` of Python 3.11 may lose a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_NOTICED_S)
    await asyncio.gather(task, return_exceptions=True)
