"""A deployment that was set up and never started, for faults to be planted in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from services.deployment.config import SERVICES, SuiteConfig, load
from services.deployment.development import prepare
from services.doctor.finding import Finding
from services.storage.sqlite import SqliteFile
from tests.given import NOW_MS

CONFIG = "suite.toml"
_TABLES: dict[str, bytes] = {}


def deployment(folder: Path, **ports: int) -> SuiteConfig:
    """Its configuration."""
    return load(prepare(folder, NOW_MS // 1000, dict.fromkeys(SERVICES, 0) | ports))


async def migrated(config: SuiteConfig) -> SuiteConfig:
    """The same with all its tables; they are made once, for it takes its time."""
    for service in SERVICES:
        store = config.store(service)
        if not isinstance(store, SqliteFile):
            await store.migrate()
            continue
        path = store.path
        if service not in _TABLES:
            await store.migrate()
            _TABLES[service] = path.read_bytes()
        else:
            path.touch(mode=0o600)
            path.write_bytes(_TABLES[service])
    return config


def lines(findings: Iterable[Finding]) -> list[str]:
    """The findings as an operator reads them."""
    return [finding.line() for finding in findings]
