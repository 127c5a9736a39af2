"""An import survives kill -9 and ends as if nothing had happened; a tour then finds every promise kept."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from services.importing.dealing import deal
from services.tour import desk_of, tour
from services.tour.callers import NAMES, Callers
from services.tour.household import SERVICE, origins_of, portrait, resolve
from tests.conftest import NOW_MS, ROOT, Clock
from tests.e2e.conftest import suite_in
from veilgraph.client import Veilgraph, connect
from veilgraph.client.suite import SERVICES
from veilgraph.consent.v1 import consent_pb2

PEOPLE, BASKETS, ITEMS = 30, 18, 40
MAPPING = """
dataset = "corner-shop"
[purchases]
files = ["lines.csv"]
person = "who"
item = "code"
order = "basket"
time = "at"
quantity = "pieces"
title = "name"
category = "shelf"
amount = { column = "price", per = "piece", currency = "EUR" }
"""


def write_lines(folder: Path) -> None:
    """Thirty people with eighteen baskets of two lines each, and a row of nobody's now and then."""
    lines = ["who,basket,code,name,shelf,pieces,price,at"]
    for n in range(PEOPLE * BASKETS * 2):
        who, basket = n % PEOPLE, n // PEOPLE // 2
        item = (who * 5 + n * 7 + n // 11) % ITEMS
        day = f"2023-{1 + basket // 2:02d}-{1 + (who + basket * 13) % 28:02d}"
        lines.append(f"{who},{who}-{basket},{item},Cup {item},Cups {item % 3},{1 + n % 2},1.50,{day}")
        if n % 100 == 0:
            lines.append(f",x,{item},Cup {item},Cups,1,1.50,{day}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lines.csv").write_text("\n".join(lines) + "\n")
    (folder / "mapping.toml").write_text(MAPPING)


async def import_into(folder: Path, addresses: dict[str, str], kill_at: int | None = None) -> bool:
    """Runs the importer, killing it before it sends its n-th batch of events; whether it finished."""
    importer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.e2e.import_program", str(folder), json.dumps(addresses)),
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'protos'}", "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert importer.stdout is not None
    sent, finished = 0, False
    async for line in importer.stdout:
        sent += line == b"sending\n"
        finished = finished or line == b"finished\n"
        if sent == kill_at:
            importer.kill()
    await importer.wait()
    return finished


@asynccontextmanager
async def shop_in(folder: Path, clock: Clock) -> AsyncIterator[dict[str, str]]:
    """A suite in a folder with the shop's files beside it; the addresses by the client's names."""
    write_lines(folder)
    async with suite_in(folder, clock, io.StringIO()) as suite:
        yield {name: suite.addresses[service] for name, service in SERVICES.items()}


def caller(folder: Path, addresses: dict[str, str], name: str) -> Veilgraph:
    return connect(addresses, token=(folder / "tokens" / name).read_text(), timeout_s=20)


def everything(folder: Path, addresses: dict[str, str]) -> list[Any]:
    """What the suite tells of everybody: their events by origin, their consent, who is one person."""
    told: list[Any] = []
    with caller(folder, addresses, "shop") as client:
        for ordinal in range(1, PEOPLE + 1):
            results = resolve(client, deal("corner-shop", ordinal))
            assert not any(result.created for result in results)
            people = [result.person for result in results]
            told.append([people.index(person) for person in people])
            for result in results:
                page = portrait(client, result.subject, SERVICE)
                state = client.consent.GetState(consent_pb2.GetStateRequest(subject=result.subject))
                told.append((page.total_events, origins_of(page)))
                told.append([(one.purpose, one.own, one.allowed) for one in state.purposes])
    return told


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shop imported without a break; tests that write go on from a copy."""
    folder, clock = tmp_path_factory.mktemp("whole"), Clock(NOW_MS)

    async def make() -> None:
        async with shop_in(folder, clock) as addresses:
            assert await import_into(folder, addresses)

    asyncio.run(make())
    return folder


async def test_killed_again_and_again_an_import_ends_as_one_that_was_not(
    whole: Path, tmp_path: Path, clock: Clock
) -> None:
    async with shop_in(whole, clock) as addresses:
        unbroken = await asyncio.to_thread(everything, whole, addresses)
    folder = tmp_path / "killed"
    async with shop_in(folder, clock) as addresses:
        for kill_at in (1, 9, 12, 3):
            assert not await import_into(folder, addresses, kill_at)
        assert await import_into(folder, addresses)
        assert await asyncio.to_thread(everything, folder, addresses) == unbroken
    report = json.loads((folder / "import.json").read_text())
    counted = report["tallies"]["events"]
    assert counted["recorded"] + counted["duplicates"] == PEOPLE * BASKETS * 2 == report["rows_good"]
    assert report["rows_refused"] == {"NO_PERSON": 11}


async def going(clock: Clock) -> None:
    """Has the clock go as one does, so that of two answers one is the later."""
    while True:
        await asyncio.sleep(0.01)
        clock.now_ms += 10


async def test_the_tour_holds_twice_in_a_row_on_what_was_imported(
    whole: Path, tmp_path: Path, clock: Clock
) -> None:
    folder = shutil.copytree(whole, tmp_path / "toured")
    async with shop_in(folder, clock) as addresses:
        before = await asyncio.to_thread(everything, folder, addresses)

        def now_ms() -> int:
            clock.now_ms += 1  # what is linked again was seen after it had been declared wrong
            return clock.now_ms

        def walk() -> tuple[int, str]:
            shown = io.StringIO()
            with ExitStack() as stack:
                clients = [stack.enter_context(caller(folder, addresses, name)) for name in NAMES]
                console = Console(file=shown, width=160)
                desk = desk_of(folder, now_ms)
                return tour(Callers(*clients), "corner-shop", console, desk), shown.getvalue()

        async with asyncio.TaskGroup() as running:
            time_goes_by = running.create_task(going(clock))
            for _ in range(2):
                code, shown = await asyncio.to_thread(walk)
                assert code == 0, shown
                assert "✗" not in shown
            time_goes_by.cancel()
        page = folder / "access.html"
        assert page.stat().st_mode & 0o077 == 0 and "<h1>What is kept about you</h1>" in page.read_text()
        assert await asyncio.to_thread(everything, folder, addresses) == before
