"""What four processes of a suite export once they were called, read from their ports."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from prometheus_client.parser import text_string_to_metric_families

from services.deployment.config import SERVICES
from services.deployment.processes import free_ports
from tests.conftest import Clock
from tests.e2e.conftest import Shop, quartet_in
from tests.monitoring.test_port import ask
from veilgraph.recommender.v1 import recommender_pb2


class Exported:
    """Metrics by name, each with the labels that its samples had.

    Attributes:
        names: as a scrape names them, without the suffixes of histograms.
        labels: label names by metric.
        values: label values by metric and label.
    """

    def __init__(self) -> None:
        self.labels: dict[str, set[str]] = {}
        self.values: dict[tuple[str, str], set[str]] = {}

    def take(self, told: str) -> None:
        """Adds one scrape."""
        for family in text_string_to_metric_families(told):
            name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
            self.labels.setdefault(name, set())
            for sample in family.samples:
                for label in sample.labels.keys() - {"le"}:
                    self.labels[name].add(label)
                    self.values.setdefault((name, label), set()).add(sample.labels[label])

    def metric(self, name: str) -> str:
        """The metric a series belongs to: a histogram has several."""
        for suffix in ("_bucket", "_sum", "_count"):
            if name.endswith(suffix) and name.removesuffix(suffix) in self.labels:
                return name.removesuffix(suffix)
        return name


async def called(shop: Shop) -> None:
    """Some calls, of which some are refused."""
    anna, ben = await shop.subject("anna"), await shop.subject("ben")
    await shop.grant(anna)
    await shop.link(anna, ben)
    await shop.track(shop.event("e1", anna, "tea"))
    for subject in (anna, ben):
        request = recommender_pb2.RecommendRequest(
            subject=subject, recipe=recommender_pb2.RECIPE_FOR_YOU, page_size=3
        )
        await shop.recommender.Recommend(request, metadata=shop.metadata)
    await shop.withdraw(anna)
    for metadata in ((), shop.metadata_of("importer")):
        try:
            await shop.recommender.GetModel(recommender_pb2.GetModelRequest(), metadata=metadata)
        except grpc.aio.AioRpcError as refused:
            assert refused.code() is grpc.StatusCode.UNAUTHENTICATED


@asynccontextmanager
async def watched(folder: Path, clock: Clock, **more: Any) -> AsyncIterator[tuple[Shop, dict[str, str]]]:
    """Four processes with a shop that calls them, and where each is watched."""
    ports = free_ports(len(SERVICES))
    listens = {name: f"127.0.0.1:{port}" for name, port in zip(SERVICES, ports, strict=True)}
    section = "\n[monitoring]\n" + "\n".join(f'{name} = "{at}"' for name, at in listens.items()) + "\n"
    log = io.StringIO()
    async with quartet_in(folder, clock, log, section, **more) as suite:
        shop = Shop(suite, clock, folder, log, "shop")
        yield shop, listens
        await shop.close()


async def exported(folder: Path, clock: Clock) -> Exported:
    """What a suite exports that was called a little."""
    found = Exported()
    async with watched(folder, clock) as (shop, listens):
        await called(shop)
        for address in listens.values():
            found.take((await ask(address, "/metrics"))[1])
    return found
