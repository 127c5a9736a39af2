"""A snapshot is whole and of its model, or the one before is used and it is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender.catalogue import Catalogue, StoredItem
from recommender.index import ServedIndex
from recommender.model import Model
from services.storage.index_files import SNAPSHOTS_KEPT, IndexFiles
from services.storage.model_files import ModelFiles
from services.storage.training_events import Grouping
from tests.recommender.events import shop, two_tastes_model

OURS = "projection-1"
FROM = Grouping(np.array([1], np.int64), np.array([1], np.int64))


class Kept:
    """A model's folder with snapshots in it."""

    def __init__(self, folder: Path) -> None:
        self.models = ModelFiles(folder)
        self.model: Model = two_tastes_model()
        self.models.write(self.model, OURS, FROM)
        self.files = IndexFiles(folder, OURS)
        self.folder = folder / self.model.version
        self.said: list[str] = []

    def write(self, catalogue: Catalogue) -> ServedIndex:
        index = ServedIndex(self.model, catalogue.shelf())
        self.files.write(index)
        return index

    def newest(self, catalogue: Catalogue) -> ServedIndex | None:
        return self.files.newest(self.model, catalogue.shelf(), lambda bad: self.said.append(str(bad)))


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "models")


def _best(index: ServedIndex) -> list[int]:
    vector = np.linspace(-1, 1, index.model.rank + 1, dtype=np.float32)
    return index.search(vector, 100).numbers.tolist()


def test_an_index_is_resumed_without_making_a_row(kept: Kept) -> None:
    """Its arrays are the files', mapped; it answers what it answered before."""
    written = kept.write(shop())
    index = kept.newest(shop())
    assert index is not None
    assert not index.base.vectors.flags.owndata
    assert not index.base.vectors.flags.writeable
    assert not len(index.delta)
    assert _best(index) == _best(written)
    assert not kept.said


def test_what_changed_since_is_made_anew_and_nothing_else(kept: Kept) -> None:
    """An item that came, one that went, one that was moved to another category."""
    kept.write(shop(30))
    catalogue = shop(31)
    catalogue.put([StoredItem(7, "item-7", "", "", listed=False)])
    catalogue.put([StoredItem(30, "item-30", "", "food", listed=True)])
    index = kept.newest(catalogue)
    assert index is not None
    assert index.delta.number.tolist() == [30, 31]
    assert _best(index) == _best(ServedIndex(kept.model, catalogue.shelf()))


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _of_another_model(path: Path) -> None:
    manifest = json.loads((path.parent / "manifest.json").read_text())
    manifest["model"] = "000009"
    (path.parent / "manifest.json").write_text(json.dumps(manifest))


def _of_no_object(path: Path) -> None:
    (path.parent / "manifest.json").write_text("null")


@pytest.mark.parametrize(
    "damage", [_of_no_object, _flip, _of_another_model, Path.unlink, lambda path: path.write_bytes(b"")]
)
@pytest.mark.parametrize("name", ["vectors", "number", "row_of"])
def test_a_damaged_snapshot_is_refused_and_the_one_before_is_used(
    kept: Kept, damage: Callable[[Path], None], name: str
) -> None:
    """Its catalogue was another one; what differs is made anew, so the answers are today's."""
    kept.write(shop(20))
    kept.write(shop())
    damage(kept.folder / f"index-000002/{name}.npy")
    index = kept.newest(shop())
    assert index is not None
    assert len(index.base) == 20
    assert _best(index) == _best(ServedIndex(kept.model, shop().shelf()))
    assert len(kept.said) == 1
    assert "000001/index-000002" in kept.said[0]


def test_when_all_are_damaged_there_is_none(kept: Kept) -> None:
    """Each is said; whoever asked builds one."""
    for _ in range(SNAPSHOTS_KEPT):
        kept.write(shop())
    for snapshot in kept.folder.glob("index-*"):
        _flip(snapshot / "number.npy")
    assert kept.newest(shop()) is None
    assert len(kept.said) == SNAPSHOTS_KEPT


def test_snapshots_of_another_projection_are_not_used(kept: Kept) -> None:
    """Their item numbers mean something else."""
    IndexFiles(kept.folder.parent, "projection-2").write(ServedIndex(kept.model, shop().shelf()))
    assert kept.newest(shop()) is None
    assert len(kept.said) == 1


def test_a_crash_while_writing_leaves_the_one_before(kept: Kept) -> None:
    """What was half written has no name, and the next one takes its place."""
    kept.write(shop(20))
    shutil.copytree(kept.folder / "index-000001", kept.folder / ".index")
    (kept.folder / ".index/manifest.json").unlink()
    index = kept.newest(shop())
    assert index is not None
    assert len(index.base) == 20
    kept.write(shop())
    assert sorted(path.name for path in kept.folder.glob("*index*")) == ["index-000001", "index-000002"]


def test_the_oldest_go(kept: Kept) -> None:
    """So many are kept as it takes to have one before the last."""
    for _ in range(SNAPSHOTS_KEPT + 2):
        kept.write(shop())
    names = sorted(path.name for path in kept.folder.glob("index-*"))
    assert names == ["index-000003", "index-000004"]


def test_no_snapshot_outlives_its_model(kept: Kept, tmp_path: Path) -> None:
    """Whoever removes a model after an erasure removes all that was made of it; nor is one written after."""
    index = kept.write(shop())
    kept.models.remove([kept.model.version])
    with pytest.raises(FileNotFoundError):
        kept.files.write(index)
    assert not list((tmp_path / "models").rglob("*.npy"))


def test_models_whose_snapshots_are_still_written_can_be_removed(kept: Kept, tmp_path: Path) -> None:
    """The newer models push the old one out, with whatever lies in its folder."""
    kept.write(shop())
    (kept.folder / ".index").mkdir()
    for version in ("000002", "000003"):
        kept.models.write(replace(kept.model, version=version), OURS, FROM)
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["000002", "000003"]
