"""Models as folders of NumPy files under a manifest with their digests.

A folder appears as a whole, by one rename, and is never changed. A folder whose files are
not those of its manifest, or whose item numbers belong to another projection, is refused;
the newest one that is whole is used. A model says whom it was learned from, as which people,
by numbers that are never used twice, and before it holds anything else; it goes when one of
them has gone.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from recommender.category import CategoryVectors
from recommender.described import Described
from recommender.errors import SnapshotUnusable
from recommender.events import Ints
from recommender.hazard import HazardSums
from recommender.model import Model
from recommender.parameters import Parameters
from recommender.segments import Segments
from recommender.text import TextModel
from recommender.vectors import Kept, Vectors
from recommender.verdict import Check, Verdict
from services.storage.durable import (
    digest_of,
    digest_of_file,
    manifest_at,
    remove_folder,
    remove_half_written,
    sync,
)
from services.storage.training_events import Grouping

FORMAT = 5
MODELS_KEPT = 2
_MANIFEST = "manifest.json"
_LEARNED_FROM = "learned_from.npy"
_ARRAYS = (
    "head_numbers",
    "symmetric",
    "directional",
    "given",
    "trend",
    "category_symmetric",
    "category_directional",
    "category_given",
    "hazard_exposed",
    "hazard_repurchased",
    "segment_ends",
    "segment_item",
    "segment_trend",
    "text_terms",
    "text_rarity",
    "text_directions",
    "text_vectors",
    "text_popularity",
)


class ModelFiles:
    """The models of one recommender, in one folder."""

    def __init__(self, folder: Path) -> None:
        """Opens the folder; makes it when it is not there."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def next_version(self) -> str:
        """A version that sorts behind all there are."""
        numbers = [int(path.name) for path in self._whole()]
        return f"{max(numbers, default=0) + 1:06d}"

    def write(self, model: Model, projection: str, learned_from: Grouping) -> None:
        """Keeps a model under its version and removes the oldest ones, but for the one that may serve.

        Args:
            model: an untaken version.
            projection: names the projection its item numbers belong to.
            learned_from: the subjects whose events or age bands it may have been learned from, as the
                people they were.
        """
        temporary = self._folder / f".{model.version}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(mode=0o700)
        np.save(temporary / _LEARNED_FROM, np.stack([learned_from.subject, learned_from.person]))
        sync(temporary / _LEARNED_FROM)
        for name, array in _arrays(model).items():
            np.save(temporary / f"{name}.npy", array)
            sync(temporary / f"{name}.npy")
        manifest = {
            "format": FORMAT,
            "projection": projection,
            "version": model.version,
            "parameters": asdict(model.parameters),
            "reference_day": model.reference_day,
            "people": model.people,
            "events": model.events,
            "kept": list(model.kept),
            "trend_unsold": model.trend_unsold,
            "check": asdict(model.check),
            "categories": list(model.categories.paths),
            "sha256": {name: digest_of_file(temporary / f"{name}.npy") for name in _ARRAYS},
            "learned_from_sha256": digest_of_file(temporary / _LEARNED_FROM),
        }
        manifest["digest"] = digest_of(manifest)
        (temporary / _MANIFEST).write_text(json.dumps(manifest, indent=1))
        sync(temporary / _MANIFEST)
        temporary.rename(self._folder / model.version)
        sync(self._folder)
        self.remove_oldest()

    def remove_oldest(self) -> None:
        """Removes the oldest models, but for the newest that may serve."""
        whole = self._whole()
        serves = next((folder for folder in reversed(whole) if _check_of(folder).promotes), None)
        for old in whole[:-MODELS_KEPT]:
            if old != serves:
                remove_folder(old)

    def read(self, version: str, projection: str) -> Model:
        """Reads a model; its large arrays are mapped, not copied.

        Raises:
            SnapshotUnusable: a file is missing, changed or of another projection.
        """
        folder = self._folder / version
        try:
            manifest = manifest_at(folder / _MANIFEST)
            if manifest is None:
                raise SnapshotUnusable(f"{version}: the manifest was changed")
            if (manifest["format"], manifest["version"]) != (FORMAT, version):
                raise SnapshotUnusable(f"{version}: another format or version")
            if manifest["projection"] != projection:
                raise SnapshotUnusable(f"{version}: of another projection")
            for name in _ARRAYS:
                if digest_of_file(folder / f"{name}.npy") != manifest["sha256"][name]:
                    raise SnapshotUnusable(f"{version}: {name} was changed")
            if digest_of_file(folder / _LEARNED_FROM) != manifest["learned_from_sha256"]:
                raise SnapshotUnusable(f"{version}: whom it was learned from was changed")
            arrays = {name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in _ARRAYS}
            return _model(manifest, arrays)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SnapshotUnusable(f"{version}: {type(error).__name__}") from error

    def newest(self, projection: str, refused: Callable[[SnapshotUnusable], object]) -> Model | None:
        """The newest model that can be used and may serve; tells of those that can not or may not."""
        for folder in reversed(self._whole()):
            try:
                model = self.read(folder.name, projection)
                if model.check.promotes:
                    return model
                refused(SnapshotUnusable(f"{folder.name}: it does not beat decayed popularity"))
            except SnapshotUnusable as unusable:
                refused(unusable)
        return None

    def judged(self) -> tuple[str, Check] | None:
        """The version of the newest model and what its check came to; ``None`` where there is none."""
        whole = self._whole()
        return (whole[-1].name, _check_of(whole[-1])) if whole else None

    def versions(self) -> list[str]:
        """All there are, the oldest first."""
        return [folder.name for folder in self._whole()]

    def learned_from(self, numbers: Ints) -> list[str]:
        """The versions that were, or may be, learned from any of some subjects, half-written ones too."""
        return [folder.name for folder in sorted(self._folder.iterdir()) if _may_be_of(folder, numbers)]

    def learned_from_others(self, present: Ints) -> list[str]:
        """The versions that were learned from anybody but those present, or do not say from whom."""
        return [
            folder.name
            for folder in self._whole()
            if (people := _people_of(folder)) is None or not np.isin(people.subject, present).all()
        ]

    def unlike(self, now: Grouping) -> list[str]:
        """The versions learned from somebody who is not there now, or as other people than they are now."""
        return [
            folder.name
            for folder in self._whole()
            if (people := _people_of(folder)) is None or people.differs_from(now)
        ]

    def remove(self, versions: Iterable[str]) -> None:
        """Removes models."""
        for version in versions:
            remove_folder(self._folder / version)
        sync(self._folder)

    def remove_half_written(self) -> None:
        """Removes what a killed training left. Must not be called while one writes.

        Raises:
            OSError: something of it is left.
        """
        remove_half_written(self._folder)

    def _whole(self) -> list[Path]:
        return sorted(path for path in self._folder.iterdir() if path.name.isdigit())


def _people_of(folder: Path) -> Grouping | None:
    try:
        subject, person = np.load(folder / _LEARNED_FROM)
    except (OSError, ValueError, EOFError):
        return None
    return Grouping(subject, person)


def _may_be_of(folder: Path, numbers: Ints) -> bool:
    """Whether a model is of any of some subjects; what does not say may be of anybody."""
    people = _people_of(folder)
    if people is None:
        return bool(len(numbers)) and any(folder.glob("*"))
    return bool(np.isin(numbers, people.subject).any())


def _check_of(folder: Path) -> Check:
    """What a model's check came to; one that does not say may not serve."""
    try:
        return _check(json.loads((folder / _MANIFEST).read_text())["check"])
    except (OSError, ValueError, KeyError, TypeError):
        return Check(Verdict.NOT_BETTER, 0.0, 0.0, 0)


def _check(content: dict[str, Any]) -> Check:
    return Check(**content | {"verdict": Verdict(content["verdict"])})


def _arrays(model: Model) -> dict[str, Any]:
    return {
        "head_numbers": model.head_numbers,
        "symmetric": model.vectors.symmetric,
        "directional": model.vectors.directional,
        "given": model.vectors.given,
        "trend": model.trend,
        "category_symmetric": model.categories.vectors.symmetric,
        "category_directional": model.categories.vectors.directional,
        "category_given": model.categories.vectors.given,
        "hazard_exposed": model.hazard.exposed,
        "hazard_repurchased": model.hazard.repurchased,
        "segment_ends": model.segments.ends,
        "segment_item": model.segments.item,
        "segment_trend": model.segments.trend,
        "text_terms": np.array(model.text.terms, np.str_),
        "text_rarity": model.text.rarity,
        "text_directions": model.text.directions,
        "text_vectors": model.described.vectors,
        "text_popularity": model.described.popularity,
    }


def _model(manifest: dict[str, Any], arrays: dict[str, Any]) -> Model:
    paths = tuple(manifest["categories"])
    return Model(
        version=manifest["version"],
        check=_check(manifest["check"]),
        parameters=Parameters(**manifest["parameters"]),
        reference_day=manifest["reference_day"],
        head_numbers=arrays["head_numbers"],
        people=manifest["people"],
        events=manifest["events"],
        vectors=_vectors(arrays, ""),
        kept=Kept(*manifest["kept"]),
        trend=arrays["trend"],
        trend_unsold=manifest["trend_unsold"],
        categories=CategoryVectors(paths, _vectors(arrays, "category_")),
        hazard=HazardSums(arrays["hazard_exposed"], arrays["hazard_repurchased"]),
        segments=Segments(arrays["segment_ends"], arrays["segment_item"], arrays["segment_trend"]),
        described=Described(
            TextModel(tuple(arrays["text_terms"].tolist()), arrays["text_rarity"], arrays["text_directions"]),
            arrays["text_vectors"],
            arrays["text_popularity"],
        ),
    )


def _vectors(arrays: dict[str, Any], prefix: str) -> Vectors:
    return Vectors(*(arrays[f"{prefix}{name}"] for name in ("symmetric", "directional", "given")))
