"""The learned sums on disk, with what they were made of: one folder, there as a whole or not at all.

The sums, the folded events and whose they are lie side by side, so that what a person added
can be taken out again: it is made anew from their folded events. A folder is never changed.
Bringing the sums to other events writes the next one and then removes it; after a crash one
of the two is there. A folder that is not whole is removed, and the sums are folded anew;
whose events are in one is written before anything else, so that it says so at any time.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from recommender.errors import SnapshotUnusable
from recommender.events import EventTable, Ints
from recommender.folding import Folded, change_to, folded
from recommender.hazard import HazardSums
from recommender.parameters import Parameters
from recommender.products import Product
from recommender.sums import Counts, Plan, SumRows, Sums
from services.storage.durable import (
    digest_of,
    digest_of_file,
    manifest_at,
    remove_folder,
    remove_half_written,
    sync,
)
from services.storage.training_events import Grouping

FORMAT = 1
_MANIFEST = "manifest.json"
_NEW = ".new"
_WHOSE = ("subject", "person")
_ARRAYS = (*_WHOSE, "events", "head", "popularity", "begun", "exposed", "repurchased")


class FileRows:
    """A square sum in a file, read by rows; nothing of it stays mapped."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, rows: slice) -> Ints:
        start, end, _ = rows.indices(self._size)
        count, offset = max(end - start, 0) * self._size, start * self._size * 8
        read: Ints = np.fromfile(self._path, np.int64, count, offset=offset)
        return read.reshape(-1, self._size)


class SumsFiles:
    """The sums of one recommender."""

    def __init__(self, folder: Path) -> None:
        """Opens the folder; makes it when it is not there."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def brought_to(
        self, plan: Plan, projection: str, grouping: Grouping, refused: Callable[[SnapshotUnusable], object]
    ) -> Sums:
        """The sums of a plan, made from those there are where that is less work, and kept.

        Args:
            plan: what is wanted.
            projection: names the projection its item numbers belong to.
            grouping: whose the events are.
            refused: told why the sums there are can not be used.
        """
        try:
            was = self.read(projection)
        except SnapshotUnusable as unusable:
            refused(unusable)
            was = None
        change = change_to(plan, was)
        if was is not None and change.is_none and _same(self.grouping(), grouping):
            return was.sums
        new = self._folder / _NEW
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        _save(new, _whose(grouping))
        sums = folded(change, lambda kind, total: _written(new, kind, total))
        _save(new, _arrays(plan, sums.counts))
        name = self._publish(new, plan, projection, sums)
        return Sums(_rows(self._folder / name, len(plan.head)), sums.bounds, sums.counts)

    def read(self, projection: str) -> Folded | None:
        """The sums there are, and what they were made of.

        Raises:
            SnapshotUnusable: a file is missing, changed or of another projection.
        """
        folder = self._newest()
        if folder is None:
            return None
        try:
            manifest = manifest_at(folder / _MANIFEST)
            if manifest is None:
                raise SnapshotUnusable("sums: the manifest was changed")
            if (manifest["format"], manifest["projection"]) != (FORMAT, projection):
                raise SnapshotUnusable("sums: of another format or projection")
            for name, digest in manifest["sha256"].items():
                if digest_of_file(folder / name) != digest:
                    raise SnapshotUnusable(f"sums: {name} was changed")
            arrays = {name: np.load(folder / f"{name}.npy") for name in _ARRAYS}
            return _folded(folder, manifest, arrays)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SnapshotUnusable(f"sums: {type(error).__name__}") from error

    def grouping(self) -> Grouping | None:
        """Whose events are in the sums; ``None`` when there are none or they do not say."""
        folder = self._newest()
        return None if folder is None else _grouping_of(folder)

    def learned_from(self, numbers: Ints) -> bool:
        """Whether any of some subjects is, or may be, in the sums, also in half-written ones."""
        return any(_may_be_of(folder, numbers) for folder in self._folder.iterdir())

    def keep_only_of(self, present: Ints) -> None:
        """Removes the sums unless all who are in them are present; they can be folded anew."""
        grouping = self.grouping()
        whole = grouping is not None and np.isin(grouping.subject, present).all()
        for folder in self._whole()[: -1 if whole else None]:
            remove_folder(folder)
        sync(self._folder)

    def remove_half_written(self) -> None:
        """Removes what a killed process left. Must not be called while one writes.

        Raises:
            OSError: something of it is left.
        """
        remove_half_written(self._folder)

    def remove(self) -> None:
        """Removes the sums."""
        self.keep_only_of(np.zeros(0, np.int64))

    def _publish(self, new: Path, plan: Plan, projection: str, sums: Sums) -> str:
        files = sorted(new.iterdir())
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "projection": projection,
            "parameters": asdict(plan.parameters),
            "reference_day": plan.reference,
            "items": plan.items,
            "bounds": dict(sums.bounds),
            "sha256": {path.name: digest_of_file(path) for path in files},
        }
        manifest["digest"] = digest_of(manifest)
        (new / _MANIFEST).write_text(json.dumps(manifest, indent=1))
        for path in (*files, new / _MANIFEST, new):
            sync(path)
        old = self._whole()
        name = f"{int(old[-1].name) + 1 if old else 1:06d}"
        _renamed(new, self._folder / name)
        for folder in old:
            remove_folder(folder)
        return name

    def _newest(self) -> Path | None:
        return next(reversed(self._whole()), None)

    def _whole(self) -> list[Path]:
        return sorted(path for path in self._folder.iterdir() if path.name.isdigit())


def _grouping_of(folder: Path) -> Grouping | None:
    try:
        return Grouping(*(np.load(folder / f"{name}.npy") for name in _WHOSE))
    except (OSError, ValueError, EOFError):
        return None


def _may_be_of(folder: Path, numbers: Ints) -> bool:
    """Whether sums are of any of some subjects; what does not say may be of anybody."""
    grouping = _grouping_of(folder)
    if grouping is None:
        return bool(len(numbers)) and any(folder.glob("*"))
    return bool(np.isin(numbers, grouping.subject).any())


def _save(folder: Path, arrays: Mapping[str, Ints]) -> None:
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def _written(folder: Path, kind: Product, total: Ints) -> SumRows:
    total.tofile(folder / f"{kind}.i64")
    return FileRows(folder / f"{kind}.i64", len(total))


def _renamed(new: Path, folder: Path) -> None:
    """From here on these are the sums."""
    new.rename(folder)
    sync(folder.parent)


def _rows(folder: Path, head: int) -> dict[Product, SumRows]:
    return {kind: FileRows(folder / f"{kind}.i64", head) for kind in Product}


def _whose(grouping: Grouping) -> dict[str, Ints]:
    return {"subject": grouping.subject, "person": grouping.person}


def _arrays(plan: Plan, counts: Counts) -> dict[str, Ints]:
    return {
        "events": np.stack(plan.events.columns(), axis=1),
        "head": plan.head,
        "popularity": counts.popularity,
        "begun": counts.begun,
        "exposed": counts.hazard.exposed,
        "repurchased": counts.hazard.repurchased,
    }


def _folded(folder: Path, manifest: dict[str, Any], arrays: dict[str, Ints]) -> Folded:
    plan = Plan(
        EventTable.of_columns(arrays["events"]),
        manifest["items"],
        arrays["head"],
        manifest["reference_day"],
        Parameters(**manifest["parameters"]),
    )
    hazard = HazardSums(arrays["exposed"], arrays["repurchased"])
    counts = Counts(arrays["popularity"], arrays["begun"], hazard)
    bounds = {Product(kind): bound for kind, bound in manifest["bounds"].items()}
    return Folded(plan, Sums(_rows(folder, len(plan.head)), bounds, counts))


def _same(one: Grouping | None, other: Grouping) -> bool:
    return (
        one is not None
        and np.array_equal(one.subject, other.subject)
        and np.array_equal(one.person, other.person)
    )
