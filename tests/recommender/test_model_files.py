"""A model's files are whole and its own, or they are not used."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from recommender.category import CategoryVectors
from recommender.described import Described
from recommender.errors import SnapshotUnusable
from recommender.hazard import HazardSums
from recommender.model import Model
from recommender.segments import Segments
from recommender.text import TextModel
from recommender.vectors import Vectors
from services.storage.model_files import MODELS_KEPT, ModelFiles
from services.storage.training_events import Grouping
from tests.recommender.events import two_tastes_model

OURS = "projection-1"
FROM = Grouping(np.array([1, 2, 3], np.int64), np.array([1, 1, 3], np.int64))


def same(left: object, right: object) -> bool:
    """Whether two models, or parts of them, hold the same."""
    if isinstance(left, np.ndarray):
        return np.array_equal(left, right)
    if isinstance(left, Model | CategoryVectors | HazardSums | Vectors | Segments | Described | TextModel):
        return all(same(getattr(left, f.name), getattr(right, f.name)) for f in fields(left))
    return left == right


@pytest.fixture
def files(tmp_path: Path) -> ModelFiles:
    return ModelFiles(tmp_path / "models")


def test_a_model_is_read_as_it_was_written(files: ModelFiles) -> None:
    """Every array and every number."""
    model = two_tastes_model()
    files.write(model, OURS, FROM)
    assert same(files.read(model.version, OURS), model)


def test_versions_go_on(files: ModelFiles) -> None:
    """Each sorts behind the one before; the oldest are removed."""
    model = two_tastes_model()
    versions = []
    for _ in range(MODELS_KEPT + 1):
        versions.append(files.next_version())
        files.write(replace(model, version=versions[-1]), OURS, FROM)
    assert versions == sorted(set(versions))
    with pytest.raises(SnapshotUnusable):
        files.read(versions[0], OURS)
    newest = files.newest(OURS, pytest.fail)
    assert newest is not None
    assert newest.version == versions[-1]


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _rewrite(path: Path) -> None:
    manifest = json.loads((path.parent / "manifest.json").read_text())
    manifest["people"] += 1
    (path.parent / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("manifest", ["null", "5", "[]", '"digest"', "{}"])
def test_a_manifest_that_is_no_object_is_passed_over(
    files: ModelFiles, tmp_path: Path, manifest: str
) -> None:
    """It is valid JSON and says nothing; that is said, and the next model can be written."""
    files.write(two_tastes_model(), OURS, FROM)
    (tmp_path / "models/000001/manifest.json").write_text(manifest)
    said: list[str] = []
    assert files.newest(OURS, lambda unusable: said.append(str(unusable))) is None
    assert said == ["000001: the manifest was changed"]
    files.write(two_tastes_model(version=files.next_version()), OURS, FROM)
    assert files.newest(OURS, pytest.fail) is not None


@pytest.mark.parametrize("damage", [_flip, _rewrite, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_damaged_model_is_refused_and_the_one_before_is_used(
    files: ModelFiles, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """A changed byte, a changed count, a lost file, an emptied one; and it is said."""
    model = two_tastes_model()
    for version in ("000001", "000002"):
        files.write(replace(model, version=version), OURS, FROM)
    damage(tmp_path / "models/000002/symmetric.npy")
    said: list[str] = []
    used = files.newest(OURS, lambda unusable: said.append(str(unusable)))
    assert used is not None
    assert used.version == "000001"
    assert len(said) == 1
    assert "000002" in said[0]


def test_a_model_of_another_projection_is_refused(files: ModelFiles) -> None:
    """Its item numbers mean something else."""
    files.write(two_tastes_model(), "projection-2", FROM)
    said: list[object] = []
    assert files.newest(OURS, said.append) is None
    assert len(said) == 1


def test_a_model_goes_when_its_people_are_not_those_of_now(files: ModelFiles) -> None:
    """Somebody left, two came together, two parted; not when somebody came. One that does not say goes."""
    files.write(two_tastes_model(), OURS, FROM)
    came, left = np.arange(1, 5), np.array([1, 2])
    assert files.unlike(Grouping(came, np.array([1, 1, 3, 4]))) == []
    for now in (
        Grouping(left, np.array([1, 1])),
        Grouping(came, np.array([1, 1, 1, 4])),
        Grouping(came, came),
    ):
        assert files.unlike(now) == ["000001"]


def test_a_model_half_written_is_not_seen(files: ModelFiles, tmp_path: Path) -> None:
    """It has not got its name yet; the next one takes its place."""
    (tmp_path / "models/.000001").mkdir()
    assert files.newest(OURS, pytest.fail) is None
    model = two_tastes_model(version=files.next_version())
    files.write(model, OURS, FROM)
    assert files.newest(OURS, pytest.fail) is not None
