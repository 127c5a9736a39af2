"""What workers are told, and where several may not be."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from services.deployment.config import SERVICES, ConfigError, load
from services.deployment.development import prepare
from services.deployment.workers import Workers, serve_workers
from tests.services.typed import typed


def test_each_worker_has_a_folder_and_ports_of_its_own():
    """What listens for others than callers is shared by nobody."""
    ports = {"--monitoring": "127.0.0.1:9101", "--other": "[::1]:0"}
    workers = Workers("engagement", 3, Path("suite.toml"), Path("here"), ports)
    told = [workers.arguments(number) for number in (1, 2, 3)]
    assert [one[3] for one in told] == ["here/worker-1", "here/worker-2", "here/worker-3"]
    assert [one[5] for one in told] == ["127.0.0.1:9101", "127.0.0.1:9102", "127.0.0.1:9103"]
    assert {one[7] for one in told} == {"[::1]:0"}
    assert Workers("engagement", 2, Path("c"), Path("f"), {"--monitoring": ""}).arguments(1)[4:] == []


@pytest.mark.parametrize(("service", "postgresql"), [("engagement", ""), ("consent", "postgresql://db/x")])
async def test_where_one_serves_there_are_no_workers(tmp_path, service, postgresql):
    """They would stand by, or hold each other's file; the error says so before anything starts."""
    config = load(prepare(tmp_path, int(time.time()), dict.fromkeys(SERVICES, 0)))
    workers = Workers(service, 2, tmp_path / "suite.toml", tmp_path)
    with pytest.raises(ConfigError, match=f"one process serves {service}"):
        await serve_workers(replace(config, postgresql=postgresql), workers, str)


async def test_an_address_that_is_none_is_told_before_anything_starts(tmp_path):
    """Not by each worker, again and again."""
    config = load(prepare(tmp_path, int(time.time()), dict.fromkeys(SERVICES, 0), "postgresql://db/x"))
    workers = Workers("engagement", 2, tmp_path / "suite.toml", tmp_path, {"--monitoring": "here"})
    with pytest.raises(ConfigError, match="here: an address and a port"):
        await serve_workers(config, workers, str)


def test_no_number_of_workers_is_none(tmp_path):
    """The command line says how many there may be."""
    with pytest.raises(SystemExit):
        typed("engagement", "--config", tmp_path / "suite.toml", "--workers", "0")
