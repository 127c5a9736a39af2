"""Bases of served indexes as mapped files under a manifest, for a quick start.

A snapshot lies in the folder of the model whose vectors it holds: whoever removes a model
removes all that was made of it, and no snapshot outlives an erasure. It holds vectors of items
and nothing about a person. It appears as a whole, by one rename, and is never changed; one
that is not as its manifest says is refused, and the one before is used.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from recommender.catalogue import Shelf
from recommender.errors import SnapshotUnusable
from recommender.index import ServedIndex, resumed
from recommender.model import Model
from recommender.rows import Reach, Rows
from services.storage.durable import digest_of, digest_of_file, manifest_at, sync

FORMAT = 1
SNAPSHOTS_KEPT = 2
_PREFIX = "index-"
_HALF = ".index"
_MANIFEST = "manifest.json"
_ROWS = ("vectors", "number", "row_of")


class IndexFiles:
    """The snapshots of one recommender's indexes, beneath its models.

    Attributes:
        projection: names the projection the item numbers belong to.
    """

    def __init__(self, models: Path, projection: str) -> None:
        """Opens the snapshots.

        Args:
            models: the folder of the models, one folder a version.
            projection: names the projection the item numbers belong to.
        """
        self._models = models
        self.projection = projection

    def write(self, index: ServedIndex) -> None:
        """Keeps the base of an index and removes the oldest of its model.

        Raises:
            OSError: it can not be written; its model may have been removed meanwhile.
        """
        folder = self._models / index.model.version
        taken = _snapshots(folder)
        epoch = int(taken[-1].name.removeprefix(_PREFIX)) + 1 if taken else 1
        half = folder / _HALF
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        for name in _ROWS:
            np.save(half / f"{name}.npy", getattr(index.base, name))
            sync(half / f"{name}.npy")
        manifest = {
            "format": FORMAT,
            "projection": self.projection,
            "model": index.model.version,
            "epoch": epoch,
            "reach": index.base.reach,
            "sha256": {name: digest_of_file(half / f"{name}.npy") for name in _ROWS},
        }
        manifest["digest"] = digest_of(manifest)
        (half / _MANIFEST).write_text(json.dumps(manifest, indent=1))
        sync(half / _MANIFEST)
        half.rename(folder / f"{_PREFIX}{epoch:06d}")
        sync(folder)
        for old in _snapshots(folder)[:-SNAPSHOTS_KEPT]:
            shutil.rmtree(old)

    def newest(
        self, model: Model, shelf: Shelf, refused: Callable[[SnapshotUnusable], object]
    ) -> ServedIndex | None:
        """An index over the newest snapshot of a model that can be used; tells of those that can not.

        Args:
            model: what is to serve.
            shelf: the catalogue as it is now; what differs from the snapshot is made anew.
            refused: takes the reason of each snapshot that is not used.
        """
        for folder in reversed(_snapshots(self._models / model.version)):
            try:
                return resumed(model, shelf, self._read(folder, model))
            except SnapshotUnusable as unusable:
                refused(SnapshotUnusable(f"{model.version}/{folder.name}: {unusable}"))
        return None

    def _read(self, folder: Path, model: Model) -> Rows:
        """Maps the arrays of a snapshot."""
        try:
            manifest = manifest_at(folder / _MANIFEST)
            if manifest is None:
                raise SnapshotUnusable("the manifest was changed")
            if manifest["format"] != FORMAT or manifest["model"] != model.version:
                raise SnapshotUnusable("another format or model")
            if manifest["projection"] != self.projection:
                raise SnapshotUnusable("of another projection")
            for name in _ROWS:
                if digest_of_file(folder / f"{name}.npy") != manifest["sha256"][name]:
                    raise SnapshotUnusable(f"{name} was changed")
            arrays = {name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in _ROWS}
            return Rows(**arrays, reach=tuple(Reach(*block) for block in manifest["reach"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SnapshotUnusable(type(error).__name__) from error


def _snapshots(folder: Path) -> list[Path]:
    """Whole ones, the oldest first."""
    return sorted(folder.glob(f"{_PREFIX}[0-9]*"))
