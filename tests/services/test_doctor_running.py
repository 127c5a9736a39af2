"""The doctor's look at processes: who runs, who does not answer, who does not serve."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import socket
import time
from dataclasses import replace

import pytest

from services.deployment.config import SERVICES, load
from services.doctor import work
from services.doctor.running import of_processes, serving
from services.storage.folder import sole_user
from tests.e2e.conftest import Shop, quartet_in
from tests.services.doctored import CONFIG, deployment, lines
from tests.services.typed import typed


def test_a_deployment_that_is_stopped_is_no_fault(tmp_path):
    config = deployment(tmp_path)
    assert serving(config) == []
    assert lines(of_processes(config, [])) == [
        "note    services: none runs; only files and stores were looked at"
    ]


def test_a_service_that_does_not_run_beside_others_is_a_fault(tmp_path):
    config = deployment(tmp_path)
    with contextlib.ExitStack() as stack:
        for service in SERVICES[1:]:
            stack.enter_context(sole_user(tmp_path, service))
        found = lines(of_processes(config, serving(config)))
    assert found[0] == "error   service identity: it does not run, and others do -> start it"
    assert {line[:7] for line in found[1:]} == {"note   "}


def test_a_service_that_holds_its_files_and_does_not_answer_is_a_fault(tmp_path):
    """It listens, perhaps, and takes no call."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        config = deployment(tmp_path, consent=deaf.getsockname()[1])
        with sole_user(tmp_path, "consent"):
            found = lines(of_processes(config, serving(config)))
    assert any(
        line.startswith(f"error   service consent (process {os.getpid()}): it runs and does not answer")
        for line in found
    )


def test_a_service_that_would_be_asked_in_the_clear_over_a_network_is_not_asked(tmp_path):
    """Without certificates it does not listen there, either: the next start ends."""
    config = deployment(tmp_path)
    config = replace(config, listen={**config.listen, "consent": "10.0.0.7:7102"})
    found = lines(of_processes(config, ["consent"]))
    assert any("service consent" in line and "without [tls]" in line for line in found)


async def test_services_that_serve_have_no_fault_and_one_that_does_not_is_named(tmp_path, clock):
    async with quartet_in(tmp_path, clock, io.StringIO()) as suite:
        config = load(tmp_path / CONFIG)
        running = await asyncio.to_thread(serving, config)
        assert running == list(SERVICES)
        assert await asyncio.to_thread(lambda: lines(of_processes(config, running))) == []
        suite.process.guard.lose()  # engagement's lease
        found = []
        async with asyncio.timeout(20):
            while not found:
                found = await asyncio.to_thread(lambda: lines(of_processes(config, running)))
    assert [line.split(" (")[0] for line in found] == ["error   service engagement"]
    assert "its guard table has no lease" in found[0]


async def test_a_suite_that_is_used_is_whole_while_it_runs_and_when_it_is_stopped(tmp_path, clock):
    """Births, a link, statements and an event go through every feed that is looked at."""
    clock.now_ms = int(time.time() * 1000)
    path = tmp_path / CONFIG
    async with quartet_in(tmp_path, clock, io.StringIO()) as suite:
        shop = Shop(suite, clock, tmp_path, io.StringIO(), "shop")
        anna, card = [await shop.subject(one) for one in ("anna@shop.example", "card 7")]
        for one in (anna, card):
            await shop.grant(one)
        await shop.link(anna, card)
        await shop.track(shop.event("1", anna, "tea"))
        await shop.close()
        code, said = await asyncio.to_thread(typed, "doctor", path)
        assert code < 2, said
    told = {feed.name: feed.told for feed in await asyncio.to_thread(lambda: list(work._feeds(load(path))))}
    assert sorted(told) == [
        "consent's audit to the log",
        "engagement's audit to the log",
        "engagement's events to the recommender",
        "identity's audit to the log",
        "identity's graph to consent",
        "recommender's audit to the log",
    ]
    used = {name: last for name, last in told.items() if not name.startswith("recommender")}
    assert all(used.values()), told
    code, said = await asyncio.to_thread(typed, "doctor", path)
    assert code < 2, said
    (tmp_path / "keys/keyring.json").chmod(0o666)
    code, said = await asyncio.to_thread(typed, "doctor", path)
    assert code == 2
    assert "error   " in said


@pytest.mark.parametrize("fault", ["keyring", "nothing"])
def test_as_json_it_says_the_same(tmp_path, capsys, fault):
    deployment(tmp_path)
    if fault == "keyring":
        (tmp_path / "keys/keyring.json").unlink()
    code, _ = typed("doctor", tmp_path / CONFIG, "--json")
    found = json.loads(capsys.readouterr().out)
    assert max(one["severity"] == "error" for one in found) == (code == 2) == (fault == "keyring")
    assert all(set(one) == {"severity", "where", "what", "do"} for one in found)
