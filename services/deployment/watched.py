"""The port at which a process is watched, where the deployment names one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from services.deployment.config import SuiteConfig
from services.monitoring.port import watched_port
from services.parts.part import Log


@asynccontextmanager
async def watched_process(
    config: SuiteConfig, here: Sequence[str], registry: CollectorRegistry, ready: asyncio.Event, log: Log
) -> AsyncIterator[str]:
    """Opens the port at which the process is watched: that of the first of its services with one."""
    address = next((config.monitoring[name] for name in here if name in config.monitoring), "")
    async with watched_port(address, here[0], registry, ready.is_set, log) as listens:
        yield listens
