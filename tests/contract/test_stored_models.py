"""The model in service travels through the tables as it is, and is decided by whoever has the duties."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recommender.errors import SnapshotUnusable
from recommender.verdict import Check, Verdict
from services.storage.numbers import give
from services.storage.stored_models import PART_BYTES, DutiesOver, StoredModels, contents_of
from tests.contract.engines import ENGINES, tables

pytestmark = pytest.mark.parametrize("engine", ENGINES)
LARGE = bytes(range(256)) * (PART_BYTES // 256) + b"and more"
JUDGED = "000007", Check(Verdict.NOT_BETTER, 0.1, 0.2, 30)


def stored_in(folder: Path) -> list[Path]:
    """Models in a folder, half-written ones, too."""
    return sorted(path for path in folder.iterdir() if path.is_dir())


@pytest.fixture
async def stored(engine: str, tmp_path: Path) -> AsyncIterator[StoredModels]:
    async with tables(engine, tmp_path, "recommender") as database:
        yield StoredModels(database)


async def test_files_arrive_as_they_were(stored: StoredModels, tmp_path: Path) -> None:
    """Of several parts, of one, and empty ones; folders beneath stay."""
    (tmp_path / "made" / "index-000001").mkdir(parents=True)
    for name, content in (("large.npy", LARGE), ("small.npy", b"x")):
        (tmp_path / "made" / name).write_bytes(content)
    await stored.put("000003", contents_of(tmp_path / "made"), JUDGED, 0)
    assert await stored.served() == ("000003", JUDGED)
    await stored.fetch("000003", tmp_path)
    assert contents_of(tmp_path / "000003") == {"large.npy": LARGE, "small.npy": b"x"}


async def test_there_is_one_at_a_time(stored: StoredModels, tmp_path: Path) -> None:
    """What was in service before can not be fetched any more, and leaves nothing half-written."""
    assert (await stored.served()).version is None
    await stored.put("000001", {"old.npy": b"x"}, None, 0)
    await stored.put("000002", {"new.npy": b"y"}, None, 0)
    with pytest.raises(SnapshotUnusable):
        await stored.fetch("000001", tmp_path)
    assert [path.name for path in stored_in(tmp_path)] == []
    await stored.fetch("000002", tmp_path)
    assert contents_of(tmp_path / "000002") == {"new.npy": b"y"}
    await stored.put("", {}, None, 0)
    assert await stored.served() == ("", None)


async def test_what_is_decided_under_earlier_duties_is_refused(stored: StoredModels) -> None:
    """Nothing of it is kept."""
    await stored.put("000001", {"a": b"x"}, None, 0)
    await stored._database.write(lambda connection: give(connection, "duties"))
    with pytest.raises(DutiesOver):
        await stored.put("000002", {"a": b"y"}, JUDGED, 0)
    assert await stored.served() == ("000001", None)


async def test_a_version_is_given_once(stored: StoredModels) -> None:
    """Beyond all that were given, and all that a process has."""
    assert await stored.next_version("000001") == "000001"
    assert await stored.next_version("000001") == "000002"
    assert await stored.next_version("000009") == "000009"
    assert await stored.next_version("000003") == "000010"
