"""After an erasure the model is the one that would have been learned had the person never been there."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from consent.guard_table import GuardTable, GuardUpdate
from consent.policy import Policy
from identity.ids import SubjectId
from identity.keyring import KeyRing
from recommender.errors import TrainingFailed
from recommender.model import Model
from recommender.sums import plan_of
from services.recommender.learned import without_the_gone
from services.recommender.trainer import PURPOSE, people_to_learn_from
from services.storage.model_files import ModelFiles
from services.storage.personal import DatabaseStore
from services.storage.sqlite import SqliteFile
from services.storage.subject_keys import SubjectKeys
from services.storage.sums_files import SumsFiles
from services.storage.training_events import subjects_present, training_data
from services.stores import Phase, StoreDown
from tests.conftest import Clock
from tests.recommender.conftest import World, copied, left_by, opened, purchases_of_two_tastes, shop_items
from tests.recommender.events import SMALL, event, subject
from veilgraph.recommender.v1 import recommender_pb2

GONE = subject(107)
OTHERS = [subject(n) for n in range(100, 400) if n != 107]


async def filled(world: World, *, with_gone: bool = True) -> None:
    """Two tastes, everybody permitting; with one person more or less."""
    world.permit(*OTHERS, GONE)
    await world.put(shop_items())
    events = [one for one in purchases_of_two_tastes() if with_gone or one.subject != GONE]
    await world.tell(*events)


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory: pytest.TempPathFactory, policy: Policy) -> Path:
    """Of a filled world that trained."""

    async def train(world: World) -> None:
        await filled(world)
        await world.train("t1")

    return left_by(tmp_path_factory.mktemp("trained"), policy, train)


@pytest.fixture
async def trained(
    trained_folder: Path, tmp_path: Path, guard: GuardTable, clock: Clock
) -> AsyncIterator[World]:
    """A world started on a copy of that folder, everybody permitting."""
    async with copied(trained_folder, tmp_path / "trained", guard, clock) as world:
        world.permit(*OTHERS, GONE)
        yield world


def store_of(world: World, keyring: KeyRing) -> DatabaseStore:
    return DatabaseStore(world.database, world.recommender.people, SubjectKeys(keyring))


async def erase(
    world: World, keyring: KeyRing, *subjects: SubjectId, erasure_id: str = "e1"
) -> dict[str, int]:
    """Restricts as the authority does, then erases."""
    world.guard.apply(GuardUpdate(world.guard.epoch + 1, dict.fromkeys(subjects)))
    return dict((await store_of(world, keyring).erase(subjects, "e1", Phase.DATA)).counts)


async def sums_written(world: World) -> SumsFiles:
    """The sums as a training leaves them that dies between them and its model."""
    grouping = await people_to_learn_from(world.guard, world.store, world.clock())
    purpose = world.guard.policy.index(PURPOSE)
    read = partial(training_data, grouping, purpose, world.clock())
    data = SqliteFile(world.folder / "recommender.db", "recommender").read(read)
    files = SumsFiles(world.folder / "sums")
    plan = plan_of(data.events, len(data.categories), SMALL)
    files.brought_to(plan, data.projection, data.grouping, pytest.fail)
    return files


def sums(model: Model) -> list[object]:
    """Whatever a model keeps as integers."""
    return [
        model.reference_day,
        model.head_numbers.tolist(),
        model.people,
        model.events,
        model.hazard.exposed.tolist(),
        model.hazard.repurchased.tolist(),
    ]


async def test_the_model_equals_one_trained_without_the_person(
    trained: World, tmp_path: Path, policy: Policy, clock: Clock, keyring: KeyRing
) -> None:
    """Bit for bit where it keeps integers, and in every vector; before, it did not."""
    before = sums(trained.recommender.live.model)
    counts = await erase(trained, keyring, GONE)
    assert counts["model"] == counts["learned sums"] == 1
    assert counts["event"] > 0
    erased = trained.recommender.live.model
    guard = GuardTable(policy)
    guard.apply(GuardUpdate(1, {}))
    async with opened(tmp_path / "never there", guard, clock) as world:
        await filled(world, with_gone=False)
        await world.train()
        oracle = world.recommender.live.model
    assert before != sums(oracle)
    assert sums(erased) == sums(oracle)
    for ours, theirs in zip(erased.vectors.all(), oracle.vectors.all(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(erased.trend, oracle.trend)


async def test_no_file_is_left_that_was_learned_from_the_person(trained: World, keyring: KeyRing) -> None:
    """Every model of the folder is of those still there; the older ones are gone too."""
    await trained.train("t2")
    files = ModelFiles(trained.folder / "models")
    (number,) = await trained.store.subject_numbers([GONE])
    assert len(files.learned_from(np.array([number]))) == 2
    await erase(trained, keyring, GONE)
    assert files.learned_from(np.array([number])) == []
    assert not SumsFiles(trained.folder / "sums").learned_from(np.array([number]))
    assert (
        files.learned_from_others(
            SqliteFile(trained.folder / "recommender.db", "recommender").read(subjects_present)
        )
        == []
    )
    assert [path.name for path in (trained.folder / "models").iterdir()] == [
        trained.recommender.live.model.version
    ]
    assert not (trained.folder / "training").exists()


async def test_a_folder_that_nobody_serves_from_loses_what_was_learned_from_the_person(
    trained: World, keyring: KeyRing, tmp_path: Path
) -> None:
    """As that of a process which stands by: nobody tells it, so it looks who is still there."""
    beside = tmp_path / "beside"
    for name in ("models", "sums"):
        shutil.copytree(trained.folder / name, beside / name)
    (number,) = await trained.store.subject_numbers([GONE])
    gone = np.array([number])
    assert ModelFiles(beside / "models").learned_from(gone)
    assert SumsFiles(beside / "sums").learned_from(gone)
    await erase(trained, keyring, GONE)
    without_the_gone(SqliteFile(trained.folder / "recommender.db", "recommender"), beside)
    assert not ModelFiles(beside / "models").learned_from(gone)
    assert not SumsFiles(beside / "sums").learned_from(gone)


async def test_whoever_is_in_no_model_costs_no_training(trained: World, keyring: KeyRing) -> None:
    """The model in service stays the one it was."""
    late = subject(900)
    await trained.tell(event(5, 900, item_id="item-1"))
    version = trained.recommender.live.model.version
    assert await erase(trained, keyring, late) == {"event": 1}
    assert trained.recommender.live.model.version == version


async def test_the_last_person_leaves_popularity_of_nobody(trained: World, keyring: KeyRing) -> None:
    """When nothing is left to learn from there is no model, and no file of one."""
    await erase(trained, keyring, GONE, *OTHERS)
    assert trained.recommender.live.model.version == ""
    assert not trained.recommender.live.model.trend.any()
    assert list((trained.folder / "models").iterdir()) == []
    assert list((trained.folder / "sums").iterdir()) == []


async def test_before_the_first_training_popularity_forgets_too(world: World, keyring: KeyRing) -> None:
    """What only the erased bought is popular with nobody."""
    await filled(world)
    newest = max(one.day for one in purchases_of_two_tastes())
    await world.tell(event(77, 107, item_id="item-24", day=newest))
    await world.recommender.live.rebuild()
    before = world.recommender.live.model.trend.copy()
    await erase(world, keyring, GONE)
    after = world.recommender.live.model.trend
    number = 24  # in the order they were put in
    assert before[number] > 0
    assert after[number] == 0


async def test_a_training_that_was_running_serves_nobody_who_was_erased(
    world: World, keyring: KeyRing
) -> None:
    """It read their events before they went; its model is thrown away and learned again."""
    await filled(world)
    told = world.recommender.servicer.Train(recommender_pb2.TrainRequest(request_id="t1"), world.call())
    assert (await anext(aiter(told))).step
    (number,) = await world.store.subject_numbers([GONE])
    await erase(world, keyring, GONE)
    async for _ in told:
        pass
    assert world.recommender.live.model.version
    assert ModelFiles(world.folder / "models").learned_from(np.array([number])) == []


async def test_a_crash_before_the_model_was_replaced_never_serves_it(
    trained_folder: Path, tmp_path: Path, guard: GuardTable, clock: Clock
) -> None:
    """The next process finds a model of somebody who is gone, and removes it unseen."""
    async with copied(trained_folder, tmp_path / "crashed", guard, clock) as world:
        world.permit(*OTHERS, GONE)
        version = world.recommender.live.model.version
        assert version
        await world.store.erase([GONE])  # and nothing more: the process is gone
    async with opened(tmp_path / "crashed", guard, clock) as world:
        assert world.recommender.live.model.version != version
        assert list((world.folder / "models").iterdir()) == []
        assert list((world.folder / "sums").iterdir()) == []


async def _killed_while_it_wrote(world: World) -> Path:
    """Leaves what a training leaves that is killed while it writes the sums."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SumsFiles, "_publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        await sums_written(world)
    return world.folder / "sums/.new"


async def test_what_a_killed_training_wrote_is_counted_and_goes(world: World, keyring: KeyRing) -> None:
    """Half-written sums, and a model that had lost its name; before, both outlived the receipt."""
    await filled(world)
    half = await _killed_while_it_wrote(world)
    model = world.folder / "models/.gone-000001"
    model.mkdir()
    (number,) = await world.store.subject_numbers([GONE])
    np.save(model / "learned_from.npy", np.array([[number], [number]]))
    assert number in np.load(half / "subject.npy")
    counts = await erase(world, keyring, GONE)
    assert counts["learned sums"] == counts["model"] == 1
    assert list(half.parent.iterdir()) == list(model.parent.iterdir()) == []


@pytest.mark.parametrize("name", ["subject.npy", "person.npy", "events.npy"])
async def test_sums_that_do_not_say_whose_they_are_may_be_of_anybody(
    world: World, keyring: KeyRing, name: str
) -> None:
    """As long as there is a file of them."""
    await filled(world)
    half = world.folder / "sums/.gone-000001"
    half.mkdir()
    (half / name).write_bytes(b"")
    assert (await erase(world, keyring, GONE))["learned sums"] == 1
    assert not half.exists()


async def test_what_can_not_be_removed_is_no_erasure(
    world: World, keyring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is asked again, and answers the same once it is gone."""
    await filled(world)
    half = await _killed_while_it_wrote(world)
    with monkeypatch.context() as patch, pytest.raises(StoreDown):
        patch.setattr("services.storage.durable.shutil.rmtree", lambda *_, **__: None)
        await erase(world, keyring, GONE)
    assert half.exists()
    assert (await erase(world, keyring, GONE))["learned sums"] == 1
    assert not half.exists()


async def test_a_training_that_failed_leaves_nothing_half_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its program died of; it is not the next training that tidies up."""
    await filled(world)

    async def dies(_say: object) -> str:
        await _killed_while_it_wrote(world)
        raise TrainingFailed

    monkeypatch.setattr(world.recommender.trainer, "_program", dies)
    with pytest.raises(TrainingFailed):
        await world.train()
    assert list((world.folder / "sums").iterdir()) == []


async def test_conclusions_are_exported_as_inferred(trained: World, keyring: KeyRing) -> None:
    """Interests, categories, next purchases, factors and the model, each named as such; events are not."""
    values = [value async for value in store_of(trained, keyring).export([GONE])]
    inferred = {value.kind for value in values if value.inferred}
    assert inferred >= {
        "interest",
        "category interest",
        "next purchase",
        "learned factors",
        "model",
        "learned sums",
    }
    assert {value.kind for value in values if not value.inferred} == {"event"}
    json.dumps([dict(value.value) for value in values])
    bought = {one.item_id for one in purchases_of_two_tastes() if one.subject == GONE}
    interests = [value.value for value in values if value.kind == "interest"]
    assert {interest["item_id"] for interest in interests} == bought
    assert all(0 < interest["weight"] <= interest["lasting_weight"] for interest in interests)


async def test_an_erased_history_is_not_in_memory(world: World, keyring: KeyRing) -> None:
    """A history asked for before the erasure is read anew after it, and is empty."""
    await filled(world)
    assert len(await world.recommender.projection.permitted([GONE], 0, world.clock()))
    await erase(world, keyring, GONE)
    assert not len(await world.recommender.projection.permitted([GONE], 0, world.clock()))
