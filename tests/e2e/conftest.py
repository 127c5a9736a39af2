"""A whole suite in a folder of its own, its clock in the test's hand, and a shop that calls it."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.deployment.config import SERVICES, SuiteConfig, load
from services.deployment.development import prepare
from services.deployment.processes import free_ports
from services.deployment.suite import Suite, running_suite
from tests.conftest import Clock
from veilgraph.consent.v1 import consent_pb2, consent_pb2_grpc
from veilgraph.engagement.v1 import profile_pb2, profile_pb2_grpc
from veilgraph.identity.v1 import identity_pb2, identity_pb2_grpc
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2_grpc

STUBS = {
    "identity": identity_pb2_grpc.IdentityServiceStub,
    "consent": consent_pb2_grpc.ConsentServiceStub,
    "engagement": profile_pb2_grpc.ProfileServiceStub,
    "recommender": recommender_pb2_grpc.RecommenderServiceStub,
}
ALL = ("personalise", "analytics", "marketing", "identity.link", "train_model", "loyalty")
NOTICE = {"id": "privacy", "version": "1"}


class Shop:
    """A caller of the suite, with the few calls a test needs in one line each."""

    def __init__(self, suite: Suite, clock: Clock, folder: Path, log: io.StringIO, caller: str) -> None:
        self.suite, self.clock, self.folder, self.log = suite, clock, folder, log
        self._ids = itertools.count(1)
        self.metadata = self.metadata_of(caller)
        self.channels: dict[str, grpc.aio.Channel] = {}
        for name, stub in STUBS.items():
            package = {"engagement": "veilgraph.engagement"}.get(name, f"veilgraph.{name}")
            address = next(
                (a for service, a in suite.addresses.items() if service.startswith(package + ".")),
                "127.0.0.1:1",
            )
            self.channels[name] = grpc.aio.insecure_channel(address)
            setattr(self, name, stub(self.channels[name]))

    identity: Any
    consent: Any
    engagement: Any
    recommender: Any

    async def close(self) -> None:
        for channel in self.channels.values():
            await channel.close()

    def metadata_of(self, caller: str) -> tuple[tuple[str, str], ...]:
        token = (self.folder / "tokens" / caller).read_text()
        return (("authorization", f"Bearer {token}"),)

    def request_id(self) -> str:
        return f"test-{next(self._ids)}"

    def now(self) -> dict[str, int]:
        return {"seconds": self.clock.now_ms // 1000}

    @staticmethod
    def digest(value: str) -> bytes:
        return hashlib.sha256(value.encode()).digest()

    async def resolve(self, *values: str, for_purpose: int = 0) -> list[identity_pb2.ResolveResult]:
        identifiers = [
            {"kind": identity_pb2.IDENTIFIER_KIND_EMAIL, "sha256": self.digest(value)} for value in values
        ]
        request = identity_pb2.ResolveRequest(identifiers=identifiers, for_purpose=for_purpose)
        return list((await self.identity.Resolve(request, metadata=self.metadata)).results)

    async def subject(self, value: str) -> str:
        (result,) = await self.resolve(value)
        return result.subject

    async def person(self, value: str) -> str:
        (result,) = await self.resolve(value, for_purpose=privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND)
        return result.person

    async def say(self, action: int, subject: str, *purposes: str, **fields: Any) -> None:
        statement = consent_pb2.Statement(
            subject=subject,
            action=action,
            purposes=purposes or ALL,
            collected_via=consent_pb2.COLLECTED_VIA_WEB,
            notice=NOTICE if action == consent_pb2.ACTION_GRANT else None,
            **fields,
        )
        request = consent_pb2.RecordRequest(statements=[statement], request_id=self.request_id())
        answer = await self.consent.Record(request, metadata=self.metadata)
        assert not answer.refused, answer.refused

    async def grant(self, subject: str, *purposes: str) -> None:
        await self.say(consent_pb2.ACTION_GRANT, subject, *purposes)

    async def withdraw(self, subject: str, *purposes: str) -> None:
        await self.say(consent_pb2.ACTION_WITHDRAW, subject, *purposes)

    async def link(
        self, subject: str, other: str, observed_at: dict[str, int] | None = None
    ) -> identity_pb2.LinkResult:
        link = identity_pb2.Link(
            subject=subject,
            other=other,
            evidence=identity_pb2.EVIDENCE_LOGIN,
            source="web",
            observed_at=observed_at or self.now(),
        )
        request = identity_pb2.LinkRequest(links=[link], request_id=self.request_id())
        (result,) = (await self.identity.Link(request, metadata=self.metadata)).results
        return result

    async def unlink(self, subject: str, other: str) -> None:
        request = identity_pb2.UnlinkRequest(subject=subject, other=other, request_id=self.request_id())
        await self.identity.Unlink(request, metadata=self.metadata)

    def event(self, event_id: str, subject: str, item_id: str, **fields: Any) -> profile_pb2.Event:
        values = {
            "event_id": event_id,
            "subject": subject,
            "kind": profile_pb2.EVENT_KIND_ORDER,
            "item_id": item_id,
            "occurred_at": self.now(),
            "source": {"party": profile_pb2.PARTY_FIRST, "origin": "web"},
        }
        return profile_pb2.Event(**(values | fields))

    async def track(self, *events: profile_pb2.Event) -> profile_pb2.TrackBatchResponse:
        request = profile_pb2.TrackBatchRequest(events=events)
        return await self.engagement.TrackBatch(request, metadata=self.metadata)

    async def portrait(self, subject: str) -> profile_pb2.PortraitResponse:
        request = profile_pb2.PortraitRequest(
            subject=subject, for_purpose=privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND
        )
        return await self.engagement.Portrait(request, metadata=self.metadata)


def configured(folder: Path, ports: Mapping[str, int], more: str = "", *, tls: bool = False) -> SuiteConfig:
    """A deployment for this machine, with more lines in its configuration file."""
    path = prepare(folder, int(time.time()), ports, tls=tls)
    path.write_text(path.read_text() + more)
    return load(path)


@asynccontextmanager
async def suite_in(folder: Path, clock: Clock, log: io.StringIO, more: str = "") -> AsyncIterator[Suite]:
    """A suite on free ports in ``folder``."""
    config = configured(folder, dict.fromkeys(SERVICES, 0), more)
    async with running_suite(config, clock, log.write) as suite:
        yield suite


@asynccontextmanager
async def quartet_in(
    folder: Path, clock: Clock, log: io.StringIO, more: str = "", *, tls: bool = False
) -> AsyncIterator[Suite]:
    """Four suites of one service each, as four processes are, in one event loop.

    They share nothing but the folder, the clock and the log. What is yielded speaks for
    engagement's process where it speaks for one.
    """
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    config = configured(folder, ports, more, tls=tls)
    stop = asyncio.Event()

    async def serve(name: str, started: asyncio.Future[Suite]) -> None:
        async with running_suite(config, clock, log.write, (name,)) as suite:
            started.set_result(suite)
            await stop.wait()

    async with asyncio.TaskGroup() as tasks:
        started = {name: asyncio.get_running_loop().create_future() for name in SERVICES}
        for name in SERVICES:
            tasks.create_task(serve(name, started[name]))
        suites = {name: await suite for name, suite in started.items()}
        parts = {name: suite.parts[name] for name, suite in suites.items()}
        addresses = {name: address for suite in suites.values() for name, address in suite.addresses.items()}
        try:
            yield Suite(suites["engagement"].process, parts, addresses)
        finally:
            stop.set()


@pytest.fixture(params=[suite_in, quartet_in], ids=["one process", "four processes"])
async def shop(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Shop]:
    log = io.StringIO()
    async with request.param(tmp_path, clock, log) as suite:
        caller = Shop(suite, clock, tmp_path, log, "shop")
        yield caller
        await caller.close()
