"""What a decision costs: against an echo, against a durable commit, many at once, and at a till.

What promises nothing is held against a bare echo of as many bytes; what is durable when it is answered
against the echo and one commit of the same row to a file on the same disk; a campaign by the processor
time it takes a person; a till by whether 16 at once are answered within their 50 ms, and how many of
them by what is for everybody.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import grpc

from engagement.decision import Chance, Step
from engagement.decision_store import Became, Promise, Room, Row, Whose, Windows
from engagement.grounds import Grounds, packed
from engagement.play import Channel, Depth
from identity.ids import SubjectId
from services.storage.decisions import DecisionTables
from services.storage.sqlite import SqliteFile, connect, migrate
from tests.bench.measure import PAIRS, Figure, cpu_s, p50_us, paired
from veilgraph.engagement.v1 import decision_pb2, offer_pb2
from veilgraph.privacy.v1 import privacy_pb2

CALLS = 400
BATCH = 500
TILL_CALLS, TILL_S, IN_FLIGHT = 2_000, 0.05, 16
ADDED_US, COMMITS = 500.0, 1.5
_METHOD = "/veilgraph.engagement.v1.DecisionService/Decide"
_CONTENT = privacy_pb2.PURPOSE_PERSONALISE_CONTENT


def figures() -> list[Figure]:
    """All lines."""
    command = [sys.executable, "-m", "tests.bench.decide_offer_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        desk = Desk(json.loads(server.stdout.readline()))
        anonymous = desk.asking(slot="home")
        context = desk.asking(slot="home", context=[{"name": "weather", "text": "rain"}])
        held = desk.asking(desk.people[0], play_id="letter")
        found = [
            _against_echo("anonymous", desk, anonymous),
            _against_echo("context", desk, context),
            _against_echo("hold", desk, held),
            _reserved(desk),
            _batch(desk, server.pid),
            *_till(desk),
        ]
        server.stdin.close()
    return [*found, *asyncio.run(_state())]


class Desk:
    """Asks the bench server."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.people: list[str] = told["people"]
        self._fresh = iter(self.people[BATCH:])
        self._ids = count()
        self._metadata = (("authorization", f"Bearer {told['token']}"),)
        self._ours = grpc.insecure_channel(told["ours"])
        self._decide = self._ours.unary_unary(_METHOD)
        self._batch = self._ours.unary_unary(f"{_METHOD}Batch")
        self._echo = grpc.insecure_channel(told["bare"]).unary_unary("/bench/Echo")

    def request(self, subject: str = "", **fields: Any) -> decision_pb2.DecideRequest:
        who: dict[str, Any] = {"subject": subject} if subject else {"anonymous": {}}
        return decision_pb2.DecideRequest(
            **who,
            for_purpose=_CONTENT,
            channel=offer_pb2.CHANNEL_UNSPECIFIED if "play_id" in fields else offer_pb2.CHANNEL_WEB,
            request_id=f"bench-{next(self._ids)}",
            **fields,
        )

    def asking(self, subject: str = "", **fields: Any) -> Callable[[], bytes]:
        """A call of one question, each time under an id of its own."""
        return lambda: self.decide(self.request(subject, **fields))

    def decide(self, request: decision_pb2.DecideRequest, timeout_s: float = 5) -> bytes:
        answer: bytes = self._decide(request.SerializeToString(), metadata=self._metadata, timeout=timeout_s)
        return answer

    def offer(self) -> bytes:
        """An offer that binds for somebody who has none yet."""
        return self.decide(self.request(next(self._fresh), slot="offer"))

    def echo_of(self, answer: bytes) -> Callable[[], bytes]:
        return lambda: self._echo(answer, timeout=5)

    def campaign(self, play_id: str) -> bytes:
        request = decision_pb2.DecideBatchRequest(
            items=[{"subject": next(self._fresh)} for _ in range(BATCH)],
            for_purpose=_CONTENT,
            play_id=play_id,
            channel=offer_pb2.CHANNEL_WEB,
            request_id=f"campaign-{next(self._ids)}",
        )
        answer: bytes = self._batch(request.SerializeToString(), metadata=self._metadata, timeout=60)
        assert len(decision_pb2.DecideBatchResponse.FromString(answer).decisions) == BATCH
        return answer


def _against_echo(name: str, desk: Desk, ask: Callable[[], bytes]) -> Figure:
    echo = desk.echo_of(ask())
    for call in (ask, echo):
        p50_us(call, 100)
    return paired(
        f"engagement.decide_p50_{name}",
        lambda: p50_us(ask, CALLS),
        lambda: p50_us(echo, CALLS),
        "us",
        CALLS,
        "<=3",
    )


def _reserved(desk: Desk) -> Figure:
    """Ours against what the project allows: the echo, half a millisecond, and one and a half commits."""
    answer = desk.offer()
    assert decision_pb2.DecideResponse.FromString(answer).given.HasField("expires_at")
    echo = desk.echo_of(answer)
    with tempfile.TemporaryDirectory() as name, Commits(Path(name)) as commit:
        return paired(
            "engagement.decide_reserved_p50",
            lambda: p50_us(desk.offer, CALLS),
            lambda: p50_us(echo, CALLS) + ADDED_US + COMMITS * p50_us(commit, CALLS),
            "us",
            CALLS,
            "<=1",
        )


class Commits:
    """Commits one row of a decision to a file of its own."""

    def __init__(self, folder: Path) -> None:
        self._connection = connect(folder / "bare.db")
        migrate(self._connection, "decisions")
        self._rows = (row(number, number.to_bytes(16, "big")) for number in count())

    def __enter__(self) -> Callable[[], None]:
        return self._commit

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _commit(self) -> None:
        marks = ", ".join("?" * len(Row._fields))
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(f"INSERT INTO decision VALUES ({marks})", next(self._rows))  # noqa: S608
        self._connection.execute("COMMIT")


def _batch(desk: Desk, pid: int) -> Figure:
    """Processor time a person of a campaign whose every decision takes a place."""

    def cpu_us() -> float:
        before = cpu_s(pid)
        desk.campaign("offer")
        return (cpu_s(pid) - before) / BATCH * 1e6

    return paired("engagement.decide_batch_cpu", cpu_us, lambda: 150.0, "us", BATCH * PAIRS, "<=1")


def _till(desk: Desk) -> Iterator[Figure]:
    """16 tills at once, each with 50 ms."""

    def ask(_number: int) -> tuple[float, str]:
        request = desk.request(desk.people[_number % BATCH], slot="home")
        begun = perf_counter()
        try:
            answer = decision_pb2.DecideResponse.FromString(desk.decide(request, TILL_S))
        except grpc.RpcError:
            return perf_counter() - begun, "failed"
        late = "OUT_OF_TIME" in answer.given.reasons
        return perf_counter() - begun, "fallback" if late else "own"

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(ask, range(IN_FLIGHT * 10)))
        told = list(pool.map(ask, range(TILL_CALLS)))
    p99_ms = statistics.quantiles([took for took, _ in told], n=100)[-1] * 1000
    yield Figure("engagement.till_p99", p99_ms, TILL_S * 1000, p99_ms / 50, "ms", TILL_CALLS, "<=1")
    for what, limit in (("fallback", ""), ("failed", "<=0.01")):
        share = sum(how == what for _, how in told) / TILL_CALLS
        yield Figure(f"engagement.till_{what}_share", share, 1.0, share, "", TILL_CALLS, limit)


def row(number: int, subject: bytes, **fields: Any) -> Row:
    """A decision as an ordinary one is kept."""
    steps = tuple(Step(f"some_guard_{n}", 2, Depth.INDIVIDUAL) for n in range(18))
    values: dict[str, Any] = {
        "decision_id": number.to_bytes(16, "big"),
        "subject": subject,
        "digest": bytes(16),
        "purpose": 5,
        "decided_at_ms": 1_700_000_000_000 + number,
        "play_id": "autumn-offer",
        "version": 3,
        "option_id": "ten-percent",
        "channel": Channel.WEB,
        "slot": "home.banner",
        "depth": Depth.INDIVIDUAL,
        "held": "",
        "send_at_ms": 1_700_000_000_000 + number,
        "price_minor": 900,
        "full_price_minor": 1000,
        "currency": "EUR",
        "personalised": 1,
        "propensity": 1 / 3,
        "binds_until_ms": 0,
        "promises": Promise.NOTHING,
        "became": Became.SHOWN,
        "honours": b"",
        "grounds": packed(Grounds(steps, (Chance("ten-percent", 1 / 3), Chance("everybody", 2 / 3)))),
        "item_id": "",
        "turn": number,
    }
    return Row(**(values | fields))


async def _state(people: int = 2_000, each: int = 10) -> list[Figure]:
    """Bytes on disk a person of ten decisions, one of which takes a place."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "state.db")
        async with SqliteFile(path, "engagement").opened() as database:
            store = DecisionTables(database)
            numbers = count()
            for start in range(people):
                subject = SubjectId(start.to_bytes(16, "big"))
                room = Room(Whose((subject,), (subject,)), 2, 1, Windows(1_700_000_000_000, 1, 1))
                for place in range(each - 1):
                    store.note(row(next(numbers), subject, slot=f"slot-{place % 3}"))
                if not start % 500:
                    await store.flush()
                placed = row(next(numbers), subject, promises=Promise.PLACE, became=Became.PROMISED)
                await store.promise([(placed, room)])
            await store.flush()
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (pages,), (size,) = (
                connection.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size")
            )
    a_person = pages * size / people
    name = f"engagement.state_per_person_of_{each}_decisions"
    return [Figure(name, a_person, a_person, 1.0, "B", people)]


if __name__ == "__main__":
    for figure in figures():
        print(figure)
