"""Two whole recommenders over the same tables, each with a folder of its own; one has the duties."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from consent.guard_table import GuardTable, GuardUpdate
from consent.policy import Policy
from identity.keyring import KeyRing
from recommender.errors import NothingToLearn, TrainingBusy
from services.errors import Unavailable
from services.recommender.followed import Step
from services.recommender.trainer import people_to_learn_from
from services.storage.model_files import ModelFiles
from services.storage.stored_models import StoredModels
from services.storage.sums_files import SumsFiles
from services.stores import Phase
from tests.conftest import Clock
from tests.recommender.conftest import World, copied, left_by, opened
from tests.recommender.events import NOW_MS, subject
from tests.recommender.test_erasure import GONE, OTHERS, filled, store_of
from veilgraph.recommender.v1 import jobs_pb2

ME = subject(101)


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory: pytest.TempPathFactory, policy: Policy) -> Path:
    """Of a filled world that trained, alone."""

    async def train(world: World) -> None:
        await filled(world)
        await world.train("t1")

    return left_by(tmp_path_factory.mktemp("trained"), policy, train)


@asynccontextmanager
async def two(trained_folder: Path, folder: Path, guard: GuardTable) -> AsyncIterator[tuple[World, World]]:
    """One on the trained folder, and one that has nothing but the tables; everybody permits."""
    clock = Clock(NOW_MS)
    async with copied(trained_folder, folder / "one", guard, clock, several=True) as one:
        one.permit(*OTHERS, GONE)
        async with opened(folder / "other", guard, clock, several=True, tables=folder / "one") as other:
            yield one, other


async def agreed(one: World) -> None:
    """Returns when all others serve what is to serve."""
    await one.recommender.people._others.unlearn(await one.recommender.people._news.last())


async def test_the_model_goes_through_the_tables(
    trained_folder: Path, tmp_path: Path, guard: GuardTable
) -> None:
    """A process with an empty folder answers as the one that trained; both say the same of the model."""
    async with two(trained_folder, tmp_path, guard) as (one, other):
        assert other.recommender.live.model.version == ""
        async with one.recommender.duties(0):
            await agreed(one)
            assert await other.model() == await one.model()
            assert (await other.recommend(ME)).items == (await one.recommend(ME)).items
            assert other.recommender.live.model.version == "000001"
            assert [item.name for item in (tmp_path / "other" / "models").iterdir()] == ["000001"]


async def test_a_deletion_and_an_exclusive_item_hold_in_every_process_when_they_return(
    trained_folder: Path, tmp_path: Path, guard: GuardTable
) -> None:
    """The very next answer of the other process names neither."""
    async with two(trained_folder, tmp_path, guard) as (one, other):
        first, second, *_ = [item.item_id for item in (await other.recommend(ME)).items]
        await one.delete(first)
        assert first not in {item.item_id for item in (await other.recommend(ME)).items}
        item = await one.store.item(second)
        await one.put([item._replace(exclusive=True)], "hidden")
        assert second not in {item.item_id for item in (await other.recommend(ME)).items}


async def test_a_receipt_waits_until_no_process_holds_what_it_learned(
    trained_folder: Path, tmp_path: Path, guard: GuardTable, keyring: KeyRing
) -> None:
    """Asked of one without the duties; while nobody has them, whoever serves the old model holds it up."""
    async with two(trained_folder, tmp_path, guard) as (one, other):
        (number,) = await one.store.subject_numbers([GONE])
        async with one.recommender.duties(0):
            await agreed(one)
        guard.apply(GuardUpdate(guard.epoch + 1, {GONE: None}))
        erasing = asyncio.create_task(store_of(other, keyring).erase([GONE], "e1", Phase.DATA))
        await asyncio.wait([erasing], timeout=0.3)
        assert not erasing.done()
        async with one.recommender.duties(0):
            await erasing
        for world in (one, other):
            assert world.recommender.live.model.version == "000002"
            assert not ModelFiles(world.folder / "models").learned_from(np.array([number]))
            assert not SumsFiles(world.folder / "sums").learned_from(np.array([number]))
        stored = await one.database.look(
            lambda reader: reader.execute("SELECT version FROM model_in_service").fetchall()
        )
        assert stored == [("000002",)]


async def test_who_has_no_duties_decides_nothing(
    trained_folder: Path, tmp_path: Path, guard: GuardTable
) -> None:
    """Neither before it had them nor after."""
    async with two(trained_folder, tmp_path, guard) as (one, _other):
        async with one.recommender.duties(0):
            pass
        with pytest.raises(Unavailable, match="NOT_ON_DUTY"):
            await one.recommender.trainer._service.serve_popularity()
        assert one.recommender.live.model.version == "000001"


async def test_a_training_is_asked_for_and_followed_through_any_process(
    trained_folder: Path, tmp_path: Path, guard: GuardTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is done once, by whoever has the duties; when it is over its model serves in both."""
    async with two(trained_folder, tmp_path, guard) as (one, other):
        done: list[str] = []

        async def trained(_now_ms: int, say: Callable[[Step], None]) -> str:
            say(Step("sums", 0, 2))
            files = ModelFiles(one.folder / "models")
            model = replace(one.recommender.live.model, version="000005")
            people = await people_to_learn_from(guard, one.store, NOW_MS)
            say(Step("files", 1, 2))
            files.write(model, one.recommender.trainer._projection, people)
            done.append(model.version)
            return model.version

        monkeypatch.setattr(one.recommender.trainer, "_trained", trained)
        asking = asyncio.create_task(other.train("t9"))
        await asyncio.wait([asking], timeout=0.3)
        assert not asking.done()  # nobody has the duties
        with pytest.raises(TrainingBusy):
            await one.train("another")
        async with one.recommender.duties(0):
            told = await asking
            assert [message.step for message in told] == ["sums", "files", "serving"]
            assert await one.train("t9") == told
        assert done == ["000005"]
        assert await one.model() == await other.model() == told[-1].model


async def test_an_error_of_a_job_is_told_where_it_was_asked_for(
    trained_folder: Path, tmp_path: Path, guard: GuardTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the error it is."""
    async with two(trained_folder, tmp_path, guard) as (one, other):

        async def fails(_now_ms: int, _say: object) -> str:
            raise NothingToLearn

        monkeypatch.setattr(one.recommender.trainer, "_trained", fails)
        async with one.recommender.duties(0):
            with pytest.raises(NothingToLearn):
                await other.train("t9")


async def test_who_withdrew_is_forgotten_in_every_process_and_folder_when_it_was_asked_of_any(
    trained_folder: Path, tmp_path: Path, guard: GuardTable
) -> None:
    """Nobody is left to learn from: popularity serves, and who trained before keeps no sums of them."""
    async with two(trained_folder, tmp_path, guard) as (one, other):
        async with one.recommender.duties(0):
            await agreed(one)
        async with other.recommender.duties(0):
            one.permit(*OTHERS, GONE, purposes=())
            call = one.call()
            call.subjects = {"subject": [GONE]}
            await one.recommender.jobs.Forget(jobs_pb2.ForgetRequest(request_id="f1"), call)
            for world in (one, other):
                assert world.recommender.live.model.version == ""
                assert ModelFiles(world.folder / "models").versions() == []
                assert SumsFiles(world.folder / "sums").grouping() is None


async def test_a_model_in_service_that_nobody_can_use_is_replaced_by_whoever_takes_the_duties(
    trained_folder: Path, tmp_path: Path, guard: GuardTable
) -> None:
    """By its own; until then everybody goes on with what it has."""
    async with two(trained_folder, tmp_path, guard) as (one, other):
        await StoredModels(one.database).put("000009", {"manifest.json": b"{}"}, None, 0)
        async with one.recommender.duties(0):
            await agreed(one)
            for world in (one, other):
                assert world.recommender.live.model.version == "000001"
        assert any("the model in service is not used: 000009" in line for line in one.logged)
