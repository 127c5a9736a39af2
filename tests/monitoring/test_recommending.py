"""The model in service, the age of its index, and what waits for the next model are told as they are."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry

from recommender.errors import TrainingFailed
from services.monitoring.recommending import ModelInService
from tests.recommender.test_refreshing import Models, watching
from tests.recommender.test_serving import World, world

__all__ = ["Models", "watching", "world"]


class Idle:
    """A refresher with nothing to do."""

    waits_s = 0.0


async def test_the_model_in_service_is_told_by_its_version(world: World):
    registry, live = CollectorRegistry(), world.live
    ModelInService(registry, live, Idle())
    assert registry.get_sample_value("veilgraph_model_info", {"version": live.model.version or "none"}) == 1
    assert registry.get_sample_value("veilgraph_index_items") == len(live.index)


async def test_a_new_base_is_young(world: World, monkeypatch):
    registry, now_s = CollectorRegistry(), [1000.0]
    monkeypatch.setattr("services.recommender.serving.monotonic", lambda: now_s[0])
    ModelInService(registry, world.live, Idle())
    await world.live.serve(world.model)
    now_s[0] += 60
    assert registry.get_sample_value("veilgraph_index_age_seconds") == 60
    await world.live.serve(world.model)
    assert registry.get_sample_value("veilgraph_index_age_seconds") == 0


async def test_a_withdrawal_waits_until_a_model_is_without_it(watching):
    """Also through refreshes that fail."""
    refresher, models, _ = watching
    assert refresher.waits_s == 0
    models.fails = TrainingFailed()
    refresher.soon()
    async with asyncio.timeout(5):
        while models.looked < 2:
            models.news.clear()
            await models.news.wait()
        assert refresher.waits_s > 0
        models.fails = None
        while refresher.waits_s:
            models.news.clear()
            await models.news.wait()
            await asyncio.sleep(0)
