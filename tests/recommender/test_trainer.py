"""A training learns from whom it may, one at a time, and ends with the model in service or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from consent.guard_table import GuardTable
from recommender.errors import NothingToLearn, TrainingBusy, TrainingFailed
from recommender.model import STEPS
from tests.conftest import Clock, set_state
from tests.recommender.conftest import (
    ME,
    PEOPLE,
    World,
    furnished,
    opened,
    purchases_of_two_tastes,
    shop_items,
)
from tests.recommender.events import NOW_MS, TODAY
from veilgraph.recommender.v1 import recommender_pb2


async def test_training_reports_every_step_and_ends_with_the_model(world: World) -> None:
    """In order, and the model serves when the last message comes."""
    await furnished(world)
    told = await world.train()
    assert [message.step for message in told] == [*STEPS, "serving"]
    assert [message.done for message in told] == [*range(len(STEPS)), len(STEPS) + 1]
    model = told[-1].model
    assert model.version == "000001"
    assert model == await world.model()
    assert (model.head_items, model.items, model.people, model.events) == (20, 24, 60, 300)
    assert model.reference_day.seconds == TODAY * 86_400


async def test_people_and_events_are_told_in_tens(world: World) -> None:
    """One more or less does not show."""
    await world.put(shop_items())
    await world.tell(*purchases_of_two_tastes())
    world.permit(*PEOPLE[:17])
    model = (await world.train())[-1].model
    assert (model.people, model.events) == (10, 80)


async def test_only_people_who_permit_training_are_learned_from(world: World) -> None:
    """Their permission for recommendations alone is not enough, nor is silence."""
    await furnished(world)
    world.permit(*PEOPLE[:20], purposes=["personalise.recommend"])
    model = (await world.train())[-1].model
    assert (model.people, model.events) == (40, 200)


async def test_events_that_must_not_be_learned_from_are_left_out(world: World) -> None:
    """By use and by end, though their people permit training."""
    purpose = world.guard.policy.index("train_model")
    await world.put(shop_items())
    told = purchases_of_two_tastes()
    await world.tell(
        *(e._replace(uses=~(1 << purpose)) for e in told[:100]),
        *(e._replace(expires_at_ms=NOW_MS) for e in told[100:150]),
        *told[150:],
    )
    world.permit(*PEOPLE)
    assert (await world.train())[-1].model.events == 150


async def test_a_linked_person_is_learned_from_once(world: World) -> None:
    """The unit is the person, so that what they bought on two channels counts together."""
    await furnished(world)
    pairs = [(PEOPLE[n], PEOPLE[n + 1]) for n in range(0, 40, 2)]
    for pair in pairs:
        for who in pair:
            set_state(world.guard, who, "train_model", members=pair)
    assert (await world.train())[-1].model.people == 40


async def test_nothing_to_learn_is_said(world: World) -> None:
    """And what served before goes on serving."""
    await world.put(shop_items(3))
    with pytest.raises(NothingToLearn):
        await world.train()
    assert len((await world.recommend(None)).items) == 3


async def test_a_training_is_repeated_by_its_request_id_only(trained: World) -> None:
    """The same id gives the same model again; a new one trains."""
    assert (await trained.train("t2"))[-1].model.version == "000002"
    assert (await trained.train("t2"))[-1].model.version == "000002"


async def test_two_trainings_at_once_are_refused_but_one_can_be_followed_twice(world: World) -> None:
    """Also by a caller whose connection broke."""
    await furnished(world)
    servicer = world.recommender.servicer
    first = servicer.Train(recommender_pb2.TrainRequest(request_id="t"), world.call())
    assert (await anext(first)).step == "events"
    with pytest.raises(TrainingBusy):
        await world.train("other")
    await first.aclose()
    told = await world.train("t")
    assert [message.step for message in told] == [*STEPS, "serving"]


async def test_a_job_is_private_and_gone_afterwards(world: World) -> None:
    """It says which subjects are one person."""
    await furnished(world)
    training = world.recommender.servicer.Train(recommender_pb2.TrainRequest(request_id="t"), world.call())
    await anext(training)
    job = world.folder / "training"
    assert job.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in job.iterdir()} == {0o600}
    async for _ in training:
        pass
    assert not job.exists()


async def test_a_training_that_dies_leaves_the_model_in_service(trained: World) -> None:
    """It is called failed, its job is gone, and the next one may begin."""
    models = trained.folder / "models"
    models.rename(trained.folder / "aside")
    models.touch()
    with pytest.raises(TrainingFailed):
        await trained.train("t2")
    assert not (trained.folder / "training").exists()
    assert (await trained.recommend(ME)).model_version == "000001"
    models.unlink()
    (trained.folder / "aside").rename(models)
    assert (await trained.train("t3"))[-1].model.version == "000002"


async def test_a_suite_that_stops_ends_its_training(tmp_path: Path, guard: GuardTable, clock: Clock) -> None:
    """The program is ended, and nobody waits for it."""
    async with opened(tmp_path, guard, clock) as world:
        await furnished(world)
        request = recommender_pb2.TrainRequest(request_id="t")
        training = world.recommender.servicer.Train(request, world.call())
        await anext(training)
        await training.aclose()
    assert not (tmp_path / "training").exists()
    assert not list((tmp_path / "models").glob("0*"))
