"""The quickstarts do what they say: all commands and programs on them run, against the main job, small."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.test_main_job import MAPPING, MainJob, shop_in

FOLDER = ROOT / "docs" / "quickstart"
BLOCK = re.compile(r"^```(sh|sh stopped|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: What a reader does once for all pages, and the fixture does here.
GIVEN = re.compile(r"^(git clone .*|make run|\. \.venv/bin/activate)$", re.MULTILINE)
COMMANDS_MAX = 5


def blocks(page: str, kind: str) -> list[str]:
    """What a page has a reader run, in order."""
    return [text for found, text in BLOCK.findall((FOLDER / page).read_text()) if found == kind]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, MainJob]]:
    """A checkout's folder with a suite that runs in it; data of the demonstration's name, but small."""
    folder = tmp_path_factory.mktemp("desk")
    mapping = shop_in(folder, lines=2000)
    mapping.write_text(MAPPING.replace("corner-shop", "complete-journey"))
    for name in ("docs", "protos", "services"):
        (folder / name).symlink_to(ROOT / name)
    first = _free_ports_in_a_row(6)
    page = f"127.0.0.1:{first + 4}"  # one signs in at the next
    with MainJob(mapping, "--port", str(first), "--page", page) as job:
        job.until(job.is_ready)
        yield folder, job


def _free_ports_in_a_row(count: int) -> int:
    """The first of so many ports that nobody listens at."""
    with ExitStack() as held:
        for first in range(20_000, 32_000, count):
            with suppress(OSError):
                for port in range(first, first + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
                return first
            held.close()
    raise RuntimeError("no free ports")


def ran(folder: Path, command: list[str], job: MainJob) -> str:
    """What a program wrote that runs as on the page."""
    token = (folder / "var" / "complete-journey" / "tokens" / "shop").read_text().strip()
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'protos'}",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "VEILGRAPH": job.gateway,
        "VEILGRAPH_TOKEN": token,
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def in_shell(folder: Path, block: str, job: MainJob) -> str:
    """What a block of commands wrote; ``doctor`` alone may warn, of what a development suite is."""
    warned = re.sub(r"^(python -m services doctor .*)$", r"\1 || test $? = 1", block, flags=re.MULTILINE)
    return ran(folder, ["bash", "-euo", "pipefail", "-c", GIVEN.sub("", warned)], job)


def test_a_newcomer_has_a_first_personal_answer_after_at_most_five_commands(
    desk: tuple[Path, MainJob],
) -> None:
    """The last one prints titles from the catalogue."""
    (block,) = blocks("backend.md", "sh")
    assert len(block.strip().splitlines()) <= COMMANDS_MAX
    assert re.fullmatch(r"(Item \d+\n){5}", in_shell(desk[0], block, desk[1]))


def test_a_page_has_a_first_personal_answer_over_plain_http(desk: tuple[Path, MainJob]) -> None:
    """With what every machine has; the answer says that it is personal."""
    (block,) = blocks("web.md", "sh")
    assert len(block.strip().splitlines()) <= COMMANDS_MAX
    block = block.replace("127.0.0.1:8080", desk[1].gateway)
    answer = json.loads(in_shell(desk[0], block, desk[1]))
    assert answer["depth"] == "DEPTH_INDIVIDUAL"
    assert len(answer["items"]) == 5


def test_what_a_person_did_is_seen_with_its_source(desk: tuple[Path, MainJob]) -> None:
    """The page's program: its own order beside those of the channels that were imported."""
    (program,) = blocks("backend.md", "python")
    origins = ran(desk[0], [sys.executable, "-c", program], desk[1]).splitlines()
    assert "1 events from quickstart" in origins
    assert len(origins) > 1


def test_a_data_protection_officer_sees_records_that_hold(desk: tuple[Path, MainJob]) -> None:
    """The record of processing names purposes, the log verifies, and a row that was touched is named."""
    (block,) = blocks("data-protection.md", "sh")
    in_shell(desk[0], block, desk[1])
    assert "personalise.recommend" in (desk[0] / "record-of-processing.md").read_text()
    log = desk[0] / "audit.jsonl"
    rows = log.read_text().splitlines()
    row = json.loads(rows[2])
    row["leaf"]["caller"] = "nobody"
    log.write_text("\n".join([*rows[:2], json.dumps(row), *rows[3:]]) + "\n")
    with pytest.raises(AssertionError, match=rf"row {row['index']}\b"):
        in_shell(desk[0], "python -m services verify-audit audit.jsonl --keys keys.json", desk[1])


def test_an_operator_looks_at_it_and_saves_it(desk: tuple[Path, MainJob]) -> None:
    """While it runs, and when it was stopped; the backup is complete and says so. The last test of these."""
    (running,), (stopped,) = blocks("operations.md", "sh"), blocks("operations.md", "sh stopped")
    assert "identifier" in in_shell(desk[0], running, desk[1])
    assert desk[1].stop() == 0
    in_shell(desk[0], stopped, desk[1])
    assert (desk[0] / "saved" / "backup.json").is_file()
