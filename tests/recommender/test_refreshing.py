"""What was learned from somebody goes with their permission: in the background, within a stated time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from consent.policy import Policy
from consent.retention import DAY_MS
from recommender.errors import TrainingFailed
from services.errors import Unavailable
from services.recommender.refreshing import Refresher
from services.retention.running import Sweeper
from services.storage.model_files import ModelFiles
from services.storage.sqlite import SqliteFile
from services.storage.sums_files import SumsFiles
from services.storage.training_events import subjects_present
from tests.conftest import Clock
from tests.recommender.conftest import ALL_PURPOSES, World, copied, opened
from tests.recommender.events import subject
from tests.recommender.test_erasure import GONE, OTHERS, filled, sums, sums_written, trained, trained_folder
from tests.services.test_retention import with_limits

__all__ = ["trained", "trained_folder"]
A, B = subject(1), subject(2)


class Models:
    """A trainer that is told when to look, and can fail."""

    teaches = True

    def __init__(self) -> None:
        self.looked = 0
        self.fails: Exception | None = None
        self.news = asyncio.Event()

    async def without_the_withdrawn(self, _now_ms: int) -> None:
        self.looked += 1
        self.news.set()
        if self.fails is not None:
            raise self.fails


def entry(policy: Policy, *members: bytes, permitted: bool = True) -> GuardEntry:
    """Of somebody who permits everything, or nothing, with whom they are one person."""
    views = tuple(members for _ in policy.views) if members else None
    return GuardEntry((1 << len(policy.leaves)) - 1 if permitted else 0, 0, NEVER_MS, views)


@pytest.fixture
async def watching(guard: GuardTable, clock: Clock) -> AsyncIterator[tuple[Refresher, Models, list[str]]]:
    models, said = Models(), []
    refresher = Refresher(guard=guard, trainer=models, clock=clock, log=said.append, refresh_s=0.001)
    yield refresher, models, said
    await refresher.close()


async def test_steps_that_take_something_from_a_model_are_followed(
    watching: tuple[Refresher, Models, list[str]], guard: GuardTable, policy: Policy
) -> None:
    """A withdrawal, a merge, a split, an erasure; not a grant, nor what changes nothing for training."""
    refresher, models, _ = watching
    steps = [
        ({A: entry(policy)}, False),
        ({B: entry(policy)}, False),
        ({A: entry(policy)}, False),
        ({A: entry(policy, A, B), B: entry(policy, A, B)}, True),
        ({A: entry(policy), B: entry(policy)}, True),
        ({A: entry(policy, permitted=False)}, True),
        ({A: entry(policy)}, False),
        ({B: None}, True),
        ({B: entry(policy, permitted=False)}, False),
    ]
    for number, (entries, followed) in enumerate(steps, start=1):
        models.news.clear()
        guard.apply(GuardUpdate(guard.epoch + 1, entries))
        assert refresher.due == followed, number
        if followed:
            async with asyncio.timeout(10):
                await models.news.wait()
            assert not refresher.due
    assert models.looked == 4


async def test_many_steps_share_one_look(
    watching: tuple[Refresher, Models, list[str]], guard: GuardTable, policy: Policy
) -> None:
    """Whoever withdraws while one is waited for is in it."""
    _, models, _ = watching
    people = [subject(number) for number in range(10, 40)]
    guard.apply(GuardUpdate(guard.epoch + 1, {one: entry(policy) for one in people}))
    for one in people:
        guard.apply(GuardUpdate(guard.epoch + 1, {one: None}))
    async with asyncio.timeout(10):
        await models.news.wait()
    assert models.looked == 1


async def test_a_replaced_guard_table_is_followed(
    watching: tuple[Refresher, Models, list[str]], guard: GuardTable
) -> None:
    """Nobody can say what it changed."""
    refresher, _, _ = watching
    guard.replace(GuardUpdate(guard.epoch + 1, {}))
    assert refresher.due


@pytest.mark.parametrize("failure", [TrainingFailed(), OSError(28, "No space left on device")])
async def test_a_refresh_that_failed_is_tried_again_and_said(
    watching: tuple[Refresher, Models, list[str]], failure: Exception
) -> None:
    """Until it succeeds; what it was late with is said, too. A full disk is told by its type."""
    refresher, models, said = watching
    models.fails = failure
    refresher.soon()
    async with asyncio.timeout(10):
        while models.looked < 3:
            models.news.clear()
            await models.news.wait()
        models.fails = None
        while refresher.due:
            models.news.clear()
            await models.news.wait()
    assert any(f"refreshed later: {type(failure).__name__}\n" in line for line in said)
    assert any("model_refresh_s is too short" in line for line in said)
    assert not refresher.broken.done()


async def test_an_error_nobody_foresaw_is_not_lost(watching: tuple[Refresher, Models, list[str]]) -> None:
    """Whoever serves hears of it and stops; before, the model stayed as it was and nobody knew."""
    refresher, models, _ = watching
    models.fails = ZeroDivisionError()
    refresher.soon()
    async with asyncio.timeout(10):
        with pytest.raises(ZeroDivisionError):
            await refresher.broken


async def test_a_withdrawal_leaves_the_model_that_would_have_been_learned_without_it(
    trained: World, tmp_path: Path, policy: Policy, clock: Clock
) -> None:
    """In service and in the files; the events stay, as other purposes permit them."""
    assert trained.recommender.refresher.due is False
    trained.permit(GONE, purposes=ALL_PURPOSES[:1])
    assert trained.recommender.refresher.due
    before = trained.recommender.live.model
    await trained.recommender.trainer.without_the_withdrawn(clock())
    after = trained.recommender.live.model
    (number,) = await trained.store.subject_numbers([GONE])
    assert ModelFiles(trained.folder / "models").learned_from(np.array([number])) == []
    assert not SumsFiles(trained.folder / "sums").learned_from(np.array([number]))
    assert len(await trained.recommender.projection.everything(GONE))
    guard = GuardTable(policy)
    guard.apply(GuardUpdate(1, {}))
    async with opened(tmp_path / "never there", guard, clock) as world:
        await filled(world, with_gone=False)
        await world.train()
        oracle = world.recommender.live.model
    assert sums(after) == sums(oracle) != sums(before)
    for ours, theirs in zip(after.vectors.all(), oracle.vectors.all(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


async def test_people_who_came_together_are_learned_from_as_one(trained: World, policy: Policy) -> None:
    """Their merge makes a new model, their split the old one again."""
    pair = (subject(101), subject(102))
    people = trained.recommender.live.model.people
    before = sums(trained.recommender.live.model)
    for merged in (True, False):
        members = pair if merged else ()
        trained.guard.apply(
            GuardUpdate(trained.guard.epoch + 1, dict.fromkeys(pair, entry(policy, *members)))
        )
        await trained.recommender.trainer.without_the_withdrawn(trained.clock())
        assert trained.recommender.live.model.people == people - merged
    assert sums(trained.recommender.live.model) == before


async def test_a_merge_whose_first_refresh_died_is_in_the_model_of_the_second(
    trained: World, policy: Policy
) -> None:
    """Between the sums and the model; before, the sums had the merge already, so nothing was missing."""
    pair = (subject(101), subject(102))
    people = trained.recommender.live.model.people
    trained.guard.apply(GuardUpdate(trained.guard.epoch + 1, dict.fromkeys(pair, entry(policy, *pair))))
    await sums_written(trained)
    await trained.recommender.trainer.without_the_withdrawn(trained.clock())
    assert trained.recommender.live.model.people == people - 1


async def test_sums_of_somebody_who_withdrew_go_also_before_the_first_model(world: World) -> None:
    """A training that died after the sums left them."""
    await filled(world)
    files = await sums_written(world)
    await world.recommender.trainer.without_the_withdrawn(world.clock())
    assert files.learned_from(np.array(await world.store.subject_numbers([GONE])))
    world.permit(GONE, purposes=ALL_PURPOSES[:1])
    await world.recommender.trainer.without_the_withdrawn(world.clock())
    assert list((world.folder / "sums").iterdir()) == []


async def test_what_was_swept_leaves_the_model_although_the_first_try_failed(
    trained: World, policy: Policy
) -> None:
    """The guard's state was lost when the model was to be made; the events had gone by then."""
    now_ms = trained.clock() + 130 * DAY_MS
    sweeper = Sweeper(
        "recommender",
        trained.database,
        with_limits(policy),
        lambda: now_ms,
        trained.recommender.people.forget,
    )
    files, database = (
        ModelFiles(trained.folder / "models"),
        SqliteFile(trained.folder / "recommender.db", "recommender"),
    )
    trained.guard.lose()
    with pytest.raises(Unavailable):
        await sweeper.sweep()
    assert files.learned_from_others(database.read(subjects_present))
    trained.guard.apply(GuardUpdate(1, {}))
    trained.permit(*OTHERS, GONE)
    await sweeper.sweep()
    assert files.learned_from_others(database.read(subjects_present)) == []


async def test_what_withdrew_while_nothing_ran_is_noticed(
    trained_folder: Path, tmp_path: Path, guard: GuardTable, clock: Clock
) -> None:
    """The next process looks once it knows who permits what."""
    async with copied(trained_folder, tmp_path / "restarted", guard, clock) as world:
        world.permit(*OTHERS)
        version = world.recommender.live.model.version
        await world.recommender.trainer.without_the_withdrawn(clock())
        assert world.recommender.live.model.version not in {"", version}
        again = world.recommender.live.model.version
        await world.recommender.trainer.without_the_withdrawn(clock())
        assert world.recommender.live.model.version == again


async def test_when_nobody_is_left_popularity_serves(trained: World) -> None:
    """And no file is left of those who withdrew."""
    trained.permit(*OTHERS, GONE, purposes=())
    await trained.recommender.trainer.without_the_withdrawn(trained.clock())
    assert trained.recommender.live.model.version == ""
    assert not trained.recommender.live.model.trend.any()
    assert list((trained.folder / "sums").iterdir()) == []
    assert list((trained.folder / "models").iterdir()) == []
