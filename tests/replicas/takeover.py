"""Consent's process dies or is paused under load, and the one that stands by takes over.

Identity and consent are the real processes on one PostgreSQL; replicas follow consent as services
do and decide all the time. Connections go to whoever answers, as an address in front of both does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import grpc

from identity.pairwise import Pairwise
from services.deployment.processes import free_ports, start
from services.storage.consent import ConsentTables
from services.storage.postgres import PostgresSchema
from services.storage.subject_keys import SubjectKeys
from tests.consent.statements import entry, statement, subject
from tests.e2e.test_processes import until
from tests.faults.pairs import Pairs
from tests.replicas.authority import PURPOSE, boot_ns, wall_ms
from tests.replicas.driving import Process, started
from veilgraph.consent.v1 import consent_pb2, consent_pb2_grpc

CALLER = "shop"
CHUNK_BYTES = 1 << 16
#: A process that is there says something within so long of a greeting.
GREETED_S = 0.3
#: So many withdraw before and after each change.
WRITES = 3
_AGAIN_S = 0.02
_CALL_S = 2.0
_REST_S = 0.002
_PEOPLE = "SELECT decode(lpad(to_hex(n), 32, '0'), 'hex') FROM generate_series(1, $1::bigint - 1) n"
_RECORDS = """INSERT INTO records (subject, event_id, {copied})
    SELECT births.subject, decode(md5(births.number::text), 'hex'), {copied}
    FROM births, (SELECT * FROM records LIMIT 1) said WHERE births.number > 1"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one change of hands did.

    Attributes:
        restricts_s: from the end of the one to the return of a withdrawal.
        serves_s: until the other one said that it serves.
    """

    restricts_s: float
    serves_s: float


@dataclass(frozen=True, slots=True)
class Told:
    """What callers and replicas saw of all changes of hands.

    Attributes:
        taken: each of them, in order.
        decided: how often the replicas decided.
        denied: how often they denied everybody, for they had no lease.
        longest_ms: the longest time that one of them did.
        stale: how often they allowed somebody whose withdrawal had returned.
        lost: how many withdrawals that returned were in no table afterwards.
    """

    taken: Sequence[Taken]
    decided: int
    denied: int
    longest_ms: int
    stale: int
    lost: int


@dataclass
class Switch:
    """One address in front of several; a connection goes to the last to come that answers."""

    ports: list[int] = field(default_factory=list)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @asynccontextmanager
    async def listening(self, address: str) -> AsyncIterator[None]:
        """Carries connections while the block runs."""
        host, _, port = address.rpartition(":")
        server = await asyncio.start_server(self._connected, host, int(port))
        try:
            yield
        finally:
            server.close()
            for writer in self.writers:
                writer.close()
            await asyncio.sleep(0)
            await server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            await self._carry(reader, writer)
        finally:
            writer.close()
            self.writers.discard(writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            greeting = await reader.read(CHUNK_BYTES)
            for port in reversed(self.ports):
                with suppress(OSError, TimeoutError):
                    far, back = await asyncio.open_connection("127.0.0.1", port)
                    self.writers.add(back)
                    back.write(greeting)
                    answer = await asyncio.wait_for(far.read(CHUNK_BYTES), GREETED_S)
                    writer.write(answer)
                    await asyncio.gather(_pump(reader, back), _pump(far, writer))
                    return


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass  # an end that went away ends the other one
    finally:
        writer.close()


class Consents:
    """Processes of consent on one database, of which one serves; people who all granted.

    Attributes:
        returned_ns: when the withdrawal of each person returned.
        switch: the address in front of them.
    """

    def __init__(self, pairs: Pairs, people: int) -> None:
        self.returned_ns: dict[int, int] = {}
        self.people = people
        self.numbers = iter(range(people))
        self._pairs = pairs
        self.switch = Switch()
        self._ids = Pairwise(pairs.config.keyring, pairs.config.tenant, CALLER)
        self._count = 0

    @property
    def path(self) -> Path:
        """The configuration of everybody who calls consent."""
        return self._pairs.path

    @property
    def database(self) -> PostgresSchema:
        """Consent's tables."""
        location = self._pairs.config.store("consent")
        assert isinstance(location, PostgresSchema)
        return location

    async def fill(self) -> None:
        """Has everybody born, and grant one purpose."""
        await self.database.migrate()
        policy, keys = self._pairs.config.policy, SubjectKeys(self._pairs.config.keyring)
        connection = await self.database.connected()
        await connection.execute("INSERT INTO births (subject) VALUES ($1)", subject(0))
        await connection.execute(f"INSERT INTO births (subject) {_PEOPLE}", self.people)
        async with self.database.opened() as database:
            store = ConsentTables(database, policy, keys)
            await store.begin()
            await store.append([entry(policy, statement(subject(0), PURPOSE), now_ms=wall_ms())])
        columns = await connection.fetch(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'consent' AND table_name = 'records'"
        )
        copied = {name for (name,) in columns} - {"position", "subject", "event_id"}
        await connection.execute(_RECORDS.format(copied=", ".join(sorted(copied))))
        await connection.execute("ANALYZE")
        await connection.close()

    async def begin(self) -> None:
        """Identity and two processes of consent; the second holds what is committed."""
        await self._pairs.config.store("identity").migrate()
        place = self._pairs.place(1)
        self._pairs.running["identity", 1] = await start("identity", self.path, place)
        await self.another()
        await self._pairs.serving("consent", "identity")
        await self.another()
        await self.holds()

    async def another(self) -> None:
        """Starts one more process of consent, at an address of its own."""
        self._count += 1
        (port,) = free_ports(1)
        self.switch.ports.append(port)
        path = self.path.with_name(f"consent-{self._count}.toml")
        mine = self.path.read_text().replace(self._pairs.config.listen["consent"], f"127.0.0.1:{port}")
        path.write_text(mine)
        process = await start("consent", path, self._pairs.place(self._count))
        self._pairs.running["consent", self._count] = process

    async def holds(self) -> None:
        """Returns when the last one to come has loaded what there is."""
        await until(lambda: "holds what is committed" in self._pairs.log_of("consent", self._count))

    async def identity_dies(self) -> None:
        """Nobody takes its turn."""
        await self._pairs.kill("identity", 1)

    async def taken_over(self, how: signal.Signals) -> Taken:
        """Ends whoever serves, and has somebody withdraw until that returns."""
        os.kill(self._pairs.running["consent", self._count - 1].pid, how)
        begun = time.monotonic()
        serves = asyncio.create_task(
            until(lambda: "consent serves" in self._pairs.log_of("consent", self._count))
        )
        serves.add_done_callback(lambda _: told.append(time.monotonic() - begun))
        told: list[float] = []
        await self.withdraw()
        restricts_s = time.monotonic() - begun
        await serves
        return Taken(restricts_s, told[0])

    async def withdraw(self) -> None:
        """The next person withdraws; asked again until it has returned."""
        number = next(self.numbers)
        said = consent_pb2.Statement(
            subject=self._ids.seal(subject(number)),
            action=consent_pb2.ACTION_WITHDRAW,
            purposes=[PURPOSE],
            collected_via=consent_pb2.COLLECTED_VIA_WEB,
        )
        request = consent_pb2.RecordRequest(statements=[said], request_id=f"withdraw-{number}")
        token = (self.path.parent / "tokens" / CALLER).read_text()
        while True:
            async with grpc.aio.insecure_channel(self._pairs.config.listen["consent"]) as channel:
                stub = consent_pb2_grpc.ConsentServiceStub(channel)
                try:
                    metadata = (("authorization", f"Bearer {token}"),)
                    answer = await stub.Record(request, metadata=metadata, timeout=_CALL_S)
                except grpc.aio.AioRpcError as error:
                    unavailable = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
                    if error.code() not in unavailable:
                        raise
                    await asyncio.sleep(_AGAIN_S)
                    continue
            assert not answer.refused
            self.returned_ns[number] = boot_ns()
            return

    async def lost(self) -> int:
        """How many withdrawals that returned are in no table."""
        connection = await self.database.connected()
        rows = await connection.fetch("SELECT subject FROM records WHERE action = 'WITHDRAW'")
        await connection.close()
        return len({subject(number) for number in self.returned_ns} - {bytes(row[0]) for row in rows})

    async def told(self, taken: Sequence[Taken], replicas: Sequence[Process]) -> Told:
        """What is known when the replicas have ended."""
        for replica in replicas:
            await replica.end()
        return Told(
            taken,
            sum(replica.decided for replica in replicas),
            sum(replica.unready for replica in replicas),
            max(gap for replica in replicas for gap in (0, *replica.gaps_ms)),
            sum(replica.stale(self.returned_ns) for replica in replicas),
            await self.lost(),
        )

    async def replica(self, report: Path) -> Process:
        """A replica that decides about whoever withdraws next."""
        return await started(None, report, subjects=self.people, deployment=str(self.path), rest_s=_REST_S)


@asynccontextmanager
async def consents(folder: Path, dsn: str, people: int) -> AsyncIterator[Consents]:
    """Two processes of consent, one serving and one that holds what is committed."""
    name = f"takeover_{os.getpid()}_{time.monotonic_ns()}"
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    async with AsyncExitStack() as stack:
        pairs = Pairs(folder, dsn.replace("/postgres?", f"/{name}?"))
        stack.push_async_callback(pairs.end)
        running = Consents(pairs, people)
        await running.fill()
        await stack.enter_async_context(running.switch.listening(pairs.config.listen["consent"]))
        await running.begin()
        yield running


async def changes_of_hands(
    folder: Path, dsn: str, people: int, replicas: int, *, identity_dies: bool = False
) -> Told:
    """Who serves is killed, and whoever serves then is paused, as people withdraw and replicas decide.

    Args:
        folder: takes the files of the processes.
        dsn: a server's database.
        people: so many are known, and have granted.
        replicas: so many follow.
        identity_dies: with the first; nobody takes its turn.
    """
    taken = []
    async with consents(folder, dsn, people) as running:
        following = [await running.replica(folder / f"report-{number}") for number in range(replicas)]
        for how in (signal.SIGKILL, signal.SIGSTOP):
            if taken:
                await running.another()
                await running.holds()
            for _ in range(WRITES):
                await running.withdraw()
            if identity_dies and not taken:
                await running.identity_dies()
            taken.append(await running.taken_over(how))
            for _ in range(WRITES):
                await running.withdraw()
        return await running.told(taken, following)
