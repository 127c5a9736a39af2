"""A restart serves what was whole, and says what was not."""

from __future__ import annotations

import shutil

from tests.recommender.conftest import ME, World, opened, shop_items
from veilgraph.recommender.v1 import recommender_pb2


async def test_a_restart_serves_the_newest_whole_model(trained: World) -> None:
    """A damaged one is named in the log and the one before it answers."""
    await trained.train("t2")
    before = await trained.recommend(ME)
    async with opened(trained.folder, trained.guard, trained.clock) as again:
        assert await again.recommend(ME) == before
    damaged = trained.folder / "models/000002/given.npy"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    async with opened(trained.folder, trained.guard, trained.clock) as again:
        answer = await again.recommend(ME)
        assert (answer.depth, answer.model_version) == (recommender_pb2.DEPTH_INDIVIDUAL, "000001")
        assert len(again.logged) == 1
        assert "000002" in again.logged[0]


async def test_a_restart_resumes_the_newest_whole_index(trained: World) -> None:
    """Nothing is computed anew; a damaged snapshot is named in the log, and the one before it answers."""
    await trained.put([*shop_items(), *shop_items(25)[24:]], "more")
    await trained.recommender.live.rebuild()
    before = await trained.recommend(None, page_size=100)
    async with opened(trained.folder, trained.guard, trained.clock) as again:
        base = again.recommender.live.index.base
        assert not base.vectors.flags.owndata  # mapped
        assert len(base) == 25
        assert await again.recommend(None, page_size=100) == before
        assert not again.logged
    newest = max(trained.folder.glob("models/000001/index-*"))
    damaged = newest / "vectors.npy"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    async with opened(trained.folder, trained.guard, trained.clock) as again:
        assert await again.recommend(None, page_size=100) == before
        assert again.logged == [f"an index is not used: 000001/{newest.name}: vectors was changed\n"]


async def test_an_index_that_can_not_be_kept_serves_and_it_is_said(trained: World) -> None:
    """The next start builds it."""
    shutil.rmtree(trained.folder / "models/000001")
    await trained.recommender.live.rebuild()
    assert len((await trained.recommend(ME)).items) == 5
    assert trained.logged == ["an index was not kept: 000001: FileNotFoundError\n"]
