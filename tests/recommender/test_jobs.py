"""Jobs end, are followed and repeated; what is no better than popularity does not serve."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from consent.guard_table import GuardTable
from recommender.errors import JobBusy, StillPermitted, TooFewToAsk
from recommender.verdict import Check, Verdict
from services.deployment.config import shipped_policy
from services.recommender import training
from services.recommender.evaluating import STEPS
from services.recommender.followed import Followed, Step
from services.recommender.trainer import people_to_learn_from
from services.storage.evaluations import KEPT, Evaluations, KeptEvaluation
from services.storage.model_files import ModelFiles
from services.storage.sqlite import SqliteFile
from services.storage.training_events import Grouping
from services.storage.training_job import Job
from tests.conftest import Clock
from tests.recommender.conftest import ALL_PURPOSES, World, opened, purchases_of_two_tastes, shop_items
from tests.recommender.events import NOW_MS, SMALL, subject, two_tastes_model
from veilgraph.recommender.v1 import jobs_pb2, recommender_pb2

PEOPLE = [subject(person + 100) for person in range(60)]
REFUSED = Check(Verdict.NOT_BETTER, 0.1, 0.2, 137)
BEATS = Check(Verdict.BEATS_POPULARITY, 0.3, 0.2, 137)


@pytest.fixture
async def shop(world: World) -> World:
    """A world with a catalogue and purchases of people who permit everything."""
    await world.put(shop_items())
    await world.tell(*purchases_of_two_tastes())
    world.permit(*PEOPLE)
    return world


async def evaluated(world: World, request_id: str = "e1") -> list[jobs_pb2.EvaluateResponse]:
    """Everything the caller was told."""
    request = jobs_pb2.EvaluateRequest(request_id=request_id)
    return [told async for told in world.recommender.jobs.Evaluate(request, world.call())]


async def newest(world: World) -> jobs_pb2.GetEvaluationResponse:
    """The newest evaluation."""
    return await world.recommender.jobs.GetEvaluation(jobs_pb2.GetEvaluationRequest(), world.call())


def judged_as(world: World, monkeypatch: pytest.MonkeyPatch, *checks: Check) -> None:
    """Has trainings end with models of these checks, one after the other."""
    trainer, left = world.recommender.trainer, list(checks)

    async def trained(_now_ms: int, _say: object) -> str:
        files = ModelFiles(world.folder / "models")
        model = replace(two_tastes_model(version=files.next_version()), check=left.pop(0))
        people = await people_to_learn_from(world.guard, world.store, NOW_MS)
        files.write(model, trainer._projection, people)
        return model.version

    monkeypatch.setattr(trainer, "_trained", trained)


async def test_an_evaluation_tells_its_steps_and_what_it_found(shop: World) -> None:
    """Of the served model and of what it has to beat; the answer is kept for everybody who asks."""
    assert not (await newest(shop)).HasField("evaluation")
    told = await evaluated(shop)
    assert [message.step for message in told] == [*STEPS, "found"]
    found = told[-1].evaluation
    assert found == (await newest(shop)).evaluation
    models = {(score.model, score.task) for score in found.scores}
    new, repeats = jobs_pb2.EVALUATION_TASK_NEW, jobs_pb2.EVALUATION_TASK_REPEATS
    assert models >= {(m, t) for m in ("served", "decayed-popularity", "popularity") for t in (new, repeats)}
    assert {score.depth for score in found.scores if score.model == "served"} == {
        recommender_pb2.DEPTH_INDIVIDUAL,
        recommender_pb2.DEPTH_CONTEXT,
        recommender_pb2.DEPTH_GENERAL,
    }
    assert all(score.people % 10 == 0 for score in found.scores)
    assert {one.verdict for one in found.comparisons} <= {"better", "equal", "worse"}
    assert found.made_at.ToMilliseconds() == NOW_MS
    assert found.cut.seconds % 86_400 == 0
    assert not (shop.folder / "evaluation").exists()


async def test_a_repeated_evaluation_is_the_same_also_after_a_restart(
    tmp_path: Path, guard: GuardTable, clock: Clock
) -> None:
    """It is not made again: what is known meanwhile does not change it."""
    async with opened(tmp_path, guard, clock) as world:
        await world.put(shop_items())
        await world.tell(*purchases_of_two_tastes())
        world.permit(*PEOPLE)
        first = (await evaluated(world))[-1].evaluation
    async with opened(tmp_path, guard, clock) as world:
        guard_says_no_more(world)
        again = await evaluated(world)
        assert [message.step for message in again] == ["found"]
        assert again[-1].evaluation == first


def guard_says_no_more(world: World) -> None:
    """Nobody permits anything any more."""
    world.permit(*PEOPLE, purposes=())


async def test_of_people_who_do_not_permit_training_nothing_is_evaluated(shop: World) -> None:
    """Their purchases tell nothing, not even as a test."""
    shop.permit(*PEOPLE, purposes=["personalise.recommend"])
    with pytest.raises(TooFewToAsk):
        await evaluated(shop)
    assert not (await newest(shop)).HasField("evaluation")


async def test_a_rebuild_ends_when_the_new_index_serves(shop: World) -> None:
    """And tells what serves."""
    before = shop.recommender.live.index
    request = jobs_pb2.RebuildRequest(request_id="r1")
    told = [message async for message in shop.recommender.jobs.Rebuild(request, shop.call())]
    assert [message.step for message in told] == ["building", "serving"]
    assert told[-1].model.items == 24
    assert shop.recommender.live.index is not before


async def test_only_who_withdrew_is_forgotten(shop: World) -> None:
    """Who still permits training would be learned from again; afterwards no model is of the person."""
    await shop.train()
    gone = PEOPLE[0]

    async def forget() -> jobs_pb2.ForgetResponse:
        call = shop.call()
        call.subjects = {"subject": [gone]}
        return await shop.recommender.jobs.Forget(jobs_pb2.ForgetRequest(request_id="f1"), call)

    with pytest.raises(StillPermitted):
        await forget()
    shop.permit(gone, purposes=[ALL_PURPOSES[0]])
    answer = await forget()
    assert answer.model.version == "000002"
    number = np.array(await shop.store.subject_numbers([gone]))
    assert ModelFiles(shop.folder / "models").learned_from(number) == []
    assert (await forget()).model.version == "000002"


async def test_a_model_no_better_than_popularity_does_not_serve(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Popularity serves on; the answer, the model's description and the log say why."""
    judged_as(shop, monkeypatch, REFUSED)
    last = (await shop.train())[-1]
    assert last.model.version == (await shop.model()).version == ""
    assert last.promotion == (await shop.model()).newest
    assert last.promotion == recommender_pb2.Promotion(
        version="000001",
        verdict=recommender_pb2.PROMOTION_VERDICT_NOT_BETTER,
        model_ndcg=0.1,
        popularity_ndcg=0.2,
        people=130,
    )
    assert shop.logged == ["a model is not promoted: 000001: it does not beat decayed popularity\n"]


async def test_the_model_before_serves_on_also_after_a_restart(
    tmp_path: Path, guard: GuardTable, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many refused ones come after it."""
    async with opened(tmp_path, guard, clock) as world:
        await world.put(shop_items())
        await world.tell(*purchases_of_two_tastes())
        world.permit(*PEOPLE)
        judged_as(world, monkeypatch, BEATS, REFUSED, REFUSED, REFUSED)
        for number in range(4):
            await world.train(f"t{number}")
        assert (await world.model()).version == "000001"
    async with opened(tmp_path, guard, clock) as world:
        model = await world.model()
        assert (model.version, model.newest.version) == ("000001", "000004")
        assert model.newest.verdict == recommender_pb2.PROMOTION_VERDICT_NOT_BETTER


async def test_a_refused_model_keeps_nobody_in_service(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody withdraws, the model without them is refused: popularity serves, not the model before."""
    judged_as(shop, monkeypatch, BEATS, REFUSED)
    await shop.train()
    assert (await shop.model()).version == "000001"
    shop.permit(PEOPLE[0], purposes=())
    await shop.recommender.trainer.without_the_withdrawn(NOW_MS)
    assert (await shop.model()).version == ""


def test_a_refused_model_is_kept_and_not_found_to_serve(tmp_path: Path) -> None:
    """Its verdict stands with it; who asks for what may serve is told why it may not."""
    files = ModelFiles(tmp_path / "models")
    files.write(replace(two_tastes_model(), check=REFUSED), "p", Grouping(np.array([1]), np.array([1])))
    assert files.read("000001", "p").check == REFUSED
    assert files.judged() == ("000001", REFUSED)
    refused: list[str] = []
    assert files.newest("p", lambda unusable: refused.append(str(unusable))) is None
    assert refused == ["000001: it does not beat decayed popularity"]


async def test_evaluations_beyond_those_kept_go(world: World) -> None:
    """The oldest first."""
    evaluations = Evaluations(world.database)
    for number in range(KEPT + 2):
        await evaluations.keep(f"k{number}", KeptEvaluation(number, "", {"n": number}))
    assert await evaluations.of("k1") is None
    assert await evaluations.of("k2") is not None
    assert await evaluations.newest() == KeptEvaluation(KEPT + 1, "", {"n": KEPT + 1})


class Slow:
    """Work that waits to be told."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.runs = 0

    async def __call__(self, say) -> str:
        self.runs += 1
        say(Step("one", 0, 2))
        await self.go.wait()
        say(Step("two", 1, 2))
        return "done"


async def steps_of(found: AsyncIterator[Step]) -> list[str]:
    """The names of the steps."""
    return [step.step async for step in found]


async def test_a_job_goes_on_when_its_follower_leaves() -> None:
    """Whoever comes with its key hears all of it; another key is refused while it runs."""
    jobs, work = Followed[str](), Slow()
    follower = asyncio.create_task(steps_of(jobs.follow("a", work)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    follower.cancel()
    await asyncio.gather(follower, return_exceptions=True)
    with pytest.raises(JobBusy):
        await steps_of(jobs.follow("b", work))
    again = asyncio.create_task(steps_of(jobs.follow("a", work)))
    work.go.set()
    assert await again == ["one", "two"]
    assert await steps_of(jobs.follow("a", work)) == ["one", "two"]
    assert (jobs.result("a"), jobs.result("b"), work.runs) == ("done", None, 1)
    assert await steps_of(jobs.follow("b", work)) == ["one", "two"]
    assert work.runs == 2
    await jobs.close()


async def test_a_job_that_failed_says_so_to_all_who_follow() -> None:
    """And its key does not begin it anew by itself."""

    async def fails(_say) -> None:
        raise TooFewToAsk

    jobs: Followed[None] = Followed()
    for _ in range(2):
        with pytest.raises(TooFewToAsk):
            await steps_of(jobs.follow("a", fails))


def test_a_training_writes_the_verdict_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the check of its own events came to stands in the model's manifest."""
    world_database = tmp_path / "left" / "recommender.db"

    async def fill() -> tuple[Grouping, int]:
        guard = GuardTable(shipped_policy())
        async with opened(world_database.parent, guard, Clock(NOW_MS)) as world:
            await world.put(shop_items())
            await world.tell(*purchases_of_two_tastes())
            numbers = np.array(await world.store.subject_numbers(PEOPLE), np.int64)
            return Grouping(numbers, numbers), guard.policy.index("train_model")

    grouping, purpose = asyncio.run(fill())
    monkeypatch.setattr(training, "check", lambda *_: REFUSED)
    models = tmp_path / "models"
    job = Job(SqliteFile(world_database, "recommender"), models, tmp_path / "sums", purpose, NOW_MS, SMALL)
    training.run(job, grouping, lambda _: None)
    judged = ModelFiles(models).judged()
    assert judged == ("000001", REFUSED)
