"""Four processes are the suite that one is: what is acknowledged stays, whoever is killed when."""

from __future__ import annotations

import asyncio
import io
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.contract import home_of, public_services
from services.deployment.config import SERVICES, load
from services.deployment.development import prepare
from services.deployment.processes import free_ports, serving, start
from tests.e2e.conftest import Shop
from tests.services.conftest import reason_of
from veilgraph.consent.v1 import consent_pb2
from veilgraph.recommender.v1 import recommender_pb2

PATIENCE_S = 60
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class WallClock:
    """The clock of the processes, as a test's clock is read."""

    @property
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class Deployment:
    """A folder, and a process a service on it."""

    def __init__(self, folder: Path) -> None:
        ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        self.path = prepare(folder, int(time.time()), ports)
        self.folder = folder
        self.listen = load(self.path).listen
        self.addresses = {name: self.listen[home_of(name)] for name in public_services()}
        self.running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, *names: str) -> None:
        for name in names:
            self.running[name] = await start(name, self.path)

    async def serving(self, *names: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(serving(self.listen[name]) for name in names))

    async def kill(self, name: str) -> None:
        """As nothing orderly happens: SIGKILL."""
        self.running[name].kill()
        await self.running.pop(name).wait()

    async def stop(self) -> list[int]:
        for process in self.running.values():
            process.terminate()
        return [await process.wait() for process in self.running.values()]

    def log_of(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def counted(self, service: str, table: str) -> int:
        with closing(sqlite3.connect(f"file:{self.folder}/{service}.db?mode=ro", uri=True)) as connection:
            return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608

    async def health(self, name: str) -> int:
        async with grpc.aio.insecure_channel(self.listen[name]) as channel:
            request = health_pb2.HealthCheckRequest()
            return (await health_pb2_grpc.HealthStub(channel).Check(request, wait_for_ready=True)).status


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Waits for something that must come."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
async def deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    deployment = Deployment(tmp_path)
    yield deployment
    for name, process in list(deployment.running.items()):
        if process.returncode is None:
            await deployment.kill(name)


def shop_of(deployment: Deployment, caller: str = "shop") -> Shop:
    suite = SimpleNamespace(addresses=deployment.addresses)
    return Shop(suite, WallClock(), deployment.folder, io.StringIO(), caller)


async def test_a_service_alone_waits_and_the_order_of_starting_does_not_matter(deployment):
    """It listens, is not ready and says so; when the last one is there all serve, and stop in order."""
    await deployment.start("recommender")
    await until(lambda: "UNAVAILABLE" in deployment.log_of("recommender"))
    assert await deployment.health("recommender") == NOT_SERVING
    await deployment.start("engagement", "consent")
    await until(lambda: "consent waits for identity's graph: UNAVAILABLE" in deployment.log_of("consent"))
    await deployment.start("identity")
    await deployment.serving(*SERVICES)
    second = await start("identity", deployment.path)
    assert await second.wait() == 1
    assert "another process runs identity" in deployment.log_of("identity")
    assert await deployment.stop() == [0, 0, 0, 0]


class Killing:
    """Writes to a service until it is killed in the middle of them, and has it come back."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.shop, self.importer = shop_of(deployment), shop_of(deployment, "importer")
        self.one = self.other = ""
        self.events = 0

    async def begin(self) -> None:
        """Two of a person's identifiers, linked and granted."""
        await self.deployment.start(*SERVICES)
        await self.deployment.serving(*SERVICES)
        self.one, self.other = await self.shop.subject("one"), await self.shop.subject("other")
        for subject in (self.one, self.other):
            await self.shop.grant(subject)
        assert (await self.shop.link(self.one, self.other)).linked

    async def kill(self, service: str, write: Callable[[int], Awaitable[None]]) -> int:
        """Writes on and on; gives how many writes were acknowledged before the kill was felt."""
        acknowledged, killing = 0, None
        with pytest.raises(grpc.aio.AioRpcError):
            while True:
                await write(acknowledged)
                acknowledged += 1
                if acknowledged == 5:
                    killing = asyncio.create_task(self.deployment.kill(service))
        await killing
        return acknowledged

    async def back(self, service: str) -> None:
        """Has a service come back; all serve, the others by themselves."""
        await self.deployment.start(service)
        await self.deployment.serving(*SERVICES)
        for caller in (self.shop, self.importer):
            await caller.channels[service].channel_ready()

    async def identity(self) -> list[str]:
        """Whoever was given a subject has it still; a link holds."""
        given: dict[str, str] = {}

        async def resolve(number: int) -> None:
            given[f"person {number}"] = await self.shop.subject(f"person {number}")

        assert await self.kill("identity", resolve) == len(given)
        await self.back("identity")
        known = await self.shop.resolve(*given)
        assert [result.subject for result in known] == list(given.values())
        assert not any(result.created for result in known)
        assert await self.shop.person("one") == await self.shop.person("other")
        return list(given.values())

    async def consent(self, people: list[str]) -> None:
        """What was said last and acknowledged is in effect; without the authority nobody decides."""
        said: dict[str, int] = {}

        async def say(number: int) -> None:
            subject = people[number % len(people)]
            if said.get(subject) == consent_pb2.STATE_GRANTED:
                await self.shop.withdraw(subject, "loyalty")
                said[subject] = consent_pb2.STATE_WITHDRAWN
            else:
                await self.shop.grant(subject, "loyalty")
                said[subject] = consent_pb2.STATE_GRANTED

        acknowledged = await self.kill("consent", say)
        del said[people[acknowledged % len(people)]]  # spoken of in the write that was not answered
        await until(lambda: self.tells("engagement", NOT_SERVING))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.shop.portrait(self.one)
        assert reason_of(caught.value) == "CONSENT_LEASE_EXPIRED"
        await self.back("consent")
        for subject, state in said.items():
            request = consent_pb2.GetStateRequest(subject=subject)
            answer = await self.shop.consent.GetState(request, metadata=self.shop.metadata)
            assert [one.own for one in answer.purposes if one.purpose == "loyalty"] == [state]

    async def engagement(self) -> None:
        """Every acknowledged event is there, once, and the recommender gets it."""

        async def track(number: int) -> None:
            assert (await self.shop.track(self.shop.event(str(number), self.one, "tea"))).recorded == 1

        acknowledged = await self.kill("engagement", track)
        await self.back("engagement")
        self.events = (await self.shop.portrait(self.other)).total_events
        assert acknowledged <= self.events <= acknowledged + 1
        assert self.deployment.counted("engagement", "event") == self.events
        await until(lambda: self.deployment.counted("recommender", "event") == self.events)

    async def recommender(self) -> None:
        """Items that were taken are there; events are read on from where it was."""

        async def put(number: int) -> None:
            item = {"item_id": f"item-{number}", "title": f"Item {number}", "category": "food"}
            request_id = self.importer.request_id()
            request = recommender_pb2.UpsertItemsRequest(items=[item], request_id=request_id)
            await self.importer.recommender.UpsertItems(request, metadata=self.importer.metadata)

        acknowledged = await self.kill("recommender", put)
        await self.shop.track(self.shop.event("later", self.one, "item-0"))
        await self.back("recommender")
        for number in range(acknowledged):
            request = recommender_pb2.GetItemRequest(item_id=f"item-{number}")
            item = await self.shop.recommender.GetItem(request, metadata=self.shop.metadata)
            assert item.title == f"Item {number}"
        await until(lambda: self.deployment.counted("recommender", "event") == self.events + 1)

    async def recommends(self) -> recommender_pb2.RecommendResponse:
        """An answer for the person."""
        asked = recommender_pb2.RecommendRequest(subject=self.one, recipe=recommender_pb2.RECIPE_FOR_YOU)
        return await self.shop.recommender.Recommend(asked, metadata=self.shop.metadata)

    async def tells(self, service: str, status: int) -> bool:
        """Whether a service says this of its health now."""
        return await self.deployment.health(service) == status


async def test_killed_one_after_the_other_they_lose_nothing_they_acknowledged(deployment):
    """With SIGKILL in the middle of writing; each is back by itself, and the others with it."""
    killing = Killing(deployment)
    await killing.begin()
    people = await killing.identity()
    await killing.consent(people)
    await killing.engagement()
    await killing.recommender()
    assert (await killing.recommends()).depth_reason != "NOT_PERMITTED"
    await killing.shop.withdraw(killing.one, "personalise.recommend")
    assert (await killing.recommends()).depth_reason == "NOT_PERMITTED"
    for caller in (killing.shop, killing.importer):
        await caller.close()
