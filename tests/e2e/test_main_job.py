"""The main job as processes: one folder, imported by one that is killed, then by four, then found done."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.conftest import ROOT

PEOPLE, LINES = 60, 12_000
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
[purchases.amount]
column = "price"
per = "piece"
currency = "EUR"
"""
READY = "Veilgraph is ready"
#: What a provider is told of an attempt and its form says again.
SAID_ON = {"state", "nonce", "code_challenge"}
PATIENCE_S = 90


def asked(address: str, method: str, path: str, body: str = "", **headers: str) -> tuple[int, Any, str]:
    """One request, no redirect followed; status, headers, and the body."""
    with closing(http.client.HTTPConnection(address, timeout=PATIENCE_S)) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        joined = {name: "; ".join(answer.headers.get_all(name)) for name in map(str.lower, answer.headers)}
        return answer.status, joined, answer.read().decode()


def shop_in(folder: Path, lines: int = LINES) -> Path:
    """A mapping and its made-up purchases."""
    chance = random.Random(7)
    rows = ["who,basket,code,name,pieces,price,at"]
    for line in range(lines):
        item = chance.randrange(200)
        day, minute = 1 + line * 28 // lines, line % 60
        at = f"2024-03-{day:02} 10:{minute:02}:00"
        rows.append(f"{chance.randrange(PEOPLE)},B{line // 5},{item:03},Item {item},1,1.50,{at}")
    (folder / "lines.csv").write_text("\n".join(rows))
    mapping = folder / "mapping.toml"
    mapping.write_text(MAPPING)
    return mapping


class MainJob:
    """`python -m services run` as a process of its own."""

    def __init__(self, mapping: Path, *options: str) -> None:
        self._mapping = mapping
        self.folder = mapping.parent / "var" / "corner-shop"
        self._log = mapping.parent / "out.log"
        command = [sys.executable, "-m", "services", "run", "--data", str(mapping), "--port", "0"]
        self.gateway = f"127.0.0.1:{_free_port()}"
        self._where = ["--gateway", self.gateway, "--var", str(mapping.parent / "var")]
        command += [*self._where, *options]
        with self._log.open("w") as output:
            environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'protos'}"}
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits for something that must come."""
        give_up = monotonic() + PATIENCE_S
        while not condition():
            assert self.process.poll() is None, self._log.read_text()[-2000:]
            assert monotonic() < give_up, self._log.read_text()[-2000:]
            sleep(0.01)

    def output(self) -> str:
        return self._log.read_text()

    def is_ready(self) -> bool:
        return READY in self.output()

    def tour(self) -> subprocess.CompletedProcess[str]:
        """`python -m services tour` through its gateway."""
        command = [sys.executable, "-m", "services", "tour", "--data", str(self._mapping), *self._where]
        environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'protos'}"}
        return subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def page(self, path: str) -> str:
        """What the person's page answers; a redirect is followed to where one signs in."""
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+(?=/$)", self.output(), re.MULTILINE)
        with urllib.request.urlopen(address + path, timeout=PATIENCE_S) as answer:  # noqa: S310 - our own
            return answer.read().decode()

    def signed_in(self, who: str) -> str:
        """The first page of somebody who signed in, as a browser comes to it: cookies, forms, redirects."""
        (page,) = re.findall(r"http://(127\.0\.0\.1:\d+)/$", self.output(), re.MULTILINE)
        status, headers, _ = asked(page, "GET", "/sign-in")
        attempt, provider = headers["set-cookie"].partition(";")[0], urlsplit(headers["location"])
        said = {name: value for name, value in parse_qsl(provider.query) if name in SAID_ON} | {"who": who}
        form = {"content-type": "application/x-www-form-urlencoded"}
        _, headers, _ = asked(provider.netloc, "POST", "/authorize", urlencode(said), **form)
        back = urlsplit(headers["location"])
        assert back.netloc == page
        status, headers, _ = asked(page, "GET", f"{back.path}?{back.query}", cookie=attempt)
        visit = re.search(r"__Host-visit=[^;]+", headers["set-cookie"])
        assert status == 303 and visit is not None
        return asked(page, "GET", "/", cookie=visit[0])[2]

    def services(self) -> dict[str, int]:
        """The process of each service that has one of its own."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_text().split("\0") for pid in children}
        return {words[3]: pid for pid, words in commands.items() if words[1:3] == ["-m", "services"]}

    def kept(self) -> int:
        """Events that are durable now."""
        try:
            return counted(self.folder, "engagement", "event")
        except sqlite3.OperationalError:
            return 0  # not even the table is there

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def counted(folder: Path, database: str, table: str) -> int:
    """Rows of a table."""
    with closing(sqlite3.connect(f"file:{folder}/{database}.db?mode=ro", uri=True)) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608


class Story(NamedTuple):
    """What was seen of one folder: killed while it imported, then finished by four processes.

    Attributes:
        folder: what is there at the end.
        half: events that were durable when the first was killed.
        toured: a tour through the four.
        services: their processes.
        output: what they said.
        code: how the main job ended when one of the four had been killed.
    """

    folder: Path
    half: int
    toured: subprocess.CompletedProcess[str]
    services: dict[str, int]
    output: str
    code: int


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mapping of a shop of its own."""
    return shop_in(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def story(shop: Path) -> Story:
    with MainJob(shop) as job:
        job.until(lambda: job.kept() > 0)
        job.kill()
        half = job.kept()
    with MainJob(shop, "--processes", "4") as job:
        job.until(job.is_ready)
        toured, services = job.tour(), job.services()
        os.kill(services["engagement"], signal.SIGKILL)
        code = job.process.wait(PATIENCE_S)
        return Story(job.folder, half, toured, services, job.output(), code)


def test_killed_in_the_middle_of_an_import_it_ends_where_it_would_have_ended(story: Story):
    """With kill -9 while events go in, the next start goes on, nothing is lost and nothing is there twice."""
    assert 0 < story.half < LINES
    assert counted(story.folder, "engagement", "event") == LINES
    assert counted(story.folder, "recommender", "event") == LINES
    report = json.loads((story.folder / "import.json").read_text())
    assert report["people"] == PEOPLE


def test_as_four_processes_it_is_the_same_suite_and_ends_with_any_of_them(story: Story):
    """The page is one more. Every claim of the tour holds; when one is killed the others stop in order."""
    assert story.toured.returncode == 0, story.toured.stdout
    assert sorted(story.services) == ["consent", "engagement", "identity", "preferences", "recommender"]
    assert story.code == 1
    assert "engagement ended" in story.output
    assert not any(Path(f"/proc/{pid}").exists() for pid in story.services.values())


def test_started_again_it_imports_nothing_twice(story: Story, shop: Path):
    """A finished import is found finished; the page is there; secrets are readable by their owner only."""
    with MainJob(shop) as job:
        job.until(job.is_ready)
        assert job.page("/healthz") == "ok\n"
        assert "person-000001@corner-shop.example" in job.page("/sign-in")
        assert "<h1>Overview</h1>" in job.signed_in("person-000001@corner-shop.example")
        assert job.stop() == 0
    assert counted(job.folder, "engagement", "event") == LINES
    secrets = [job.folder / "keys" / "keyring.json", job.folder / "keys" / "issuer.pem"]
    secrets += (job.folder / "tokens").iterdir()
    secrets += [path for path in (job.folder / "keys").iterdir() if "jwks" not in path.name]
    assert {path.stat().st_mode & 0o077 for path in secrets} == {0}
