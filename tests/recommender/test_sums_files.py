"""The learned sums on disk are whole and those of what they were made of, or they are made anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender.errors import SnapshotUnusable
from recommender.folding import sums_of
from recommender.products import Product
from recommender.sums import Plan, Sums, plan_of
from services.storage import sums_files
from services.storage.sums_files import FileRows, SumsFiles
from services.storage.training_events import Grouping
from tests.recommender.events import SMALL, table, two_tastes
from tests.recommender.test_folding import same

OURS = "projection-1"
EVENTS = table(two_tastes())


def plan(*without: int) -> Plan:
    """Of two tastes, without some people."""
    return plan_of(EVENTS.where(~np.isin(EVENTS.person, without)), 25, SMALL)


def grouping(wanted: Plan) -> Grouping:
    """Everybody alone."""
    people = np.unique(wanted.events.person)
    return Grouping(people, people)


def brought(
    files: SumsFiles, *without: int, refused: Callable[[SnapshotUnusable], object] = pytest.fail
) -> Sums:
    """Brings the files to two tastes without some people."""
    return files.brought_to(plan(*without), OURS, grouping(plan(*without)), refused)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sums"


@pytest.fixture
def files(folder: Path) -> SumsFiles:
    return SumsFiles(folder)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_person_is_taken_out_across_a_restart(
    files: SumsFiles, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process finds the sums, folds that one person again and nobody else."""
    assert same(brought(files), sums_of(plan()))
    folded_again: list[Sequence[int]] = []
    of = sums_files.change_to

    def seen(*asked):
        folded_again.append(of(*asked).out.tolist())
        return of(*asked)

    monkeypatch.setattr(sums_files, "change_to", seen)
    assert same(brought(SumsFiles(folder), 7), sums_of(plan(7)))
    assert folded_again == [[7]]
    assert names(folder) == ["000002"]


def test_nothing_of_the_person_is_left_in_the_folder(files: SumsFiles, folder: Path) -> None:
    """Every file is the one of sums that never knew them."""
    brought(files)
    brought(files, 7)
    never = SumsFiles(folder.parent / "never")
    brought(never, 7)
    for path in (folder / "000002").iterdir():
        if path.name != "manifest.json":
            assert path.read_bytes() == (folder.parent / "never/000001" / path.name).read_bytes(), path.name
    assert not files.learned_from(np.array([7]))
    assert files.learned_from(np.array([8]))


def test_what_has_not_changed_is_not_written_again(files: SumsFiles, folder: Path) -> None:
    """The same events and people: the same folder. The same events of other subjects: another."""
    brought(files)
    brought(files)
    assert names(folder) == ["000001"]
    two = grouping(plan())
    files.brought_to(
        plan(), OURS, Grouping(np.append(two.subject, 900), np.append(two.person, 3)), pytest.fail
    )
    assert files.learned_from(np.array([900]))


@pytest.mark.parametrize("at", ["held.i64", "after.i64", "head.npy", "manifest.json", "rename"])
def test_a_crash_leaves_the_sums_as_they_were(
    files: SumsFiles, folder: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Whatever was being written; the next attempt succeeds."""
    brought(files)

    def crash(path: Path, *_: object) -> None:
        if at in {path.name, "rename"}:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(sums_files, "sync" if at != "rename" else "_renamed", crash)
        brought(files, 7)
    assert same(_read(SumsFiles(folder)), sums_of(plan()))
    assert same(brought(SumsFiles(folder), 7), sums_of(plan(7)))
    assert names(folder) == ["000002"]


def test_a_crash_before_the_old_sums_went_uses_the_new_ones(
    files: SumsFiles, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are there for a moment; the next time the older one goes."""
    brought(files)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(sums_files, "remove_folder", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        brought(files, 7)
    assert names(folder) == ["000001", "000002"]
    restarted = SumsFiles(folder)
    assert same(_read(restarted), sums_of(plan(7)))
    restarted.keep_only_of(grouping(plan(7)).subject)
    assert names(folder) == ["000002"]


def _flip(folder: Path) -> None:
    content = bytearray((folder / "before.i64").read_bytes())
    content[100] ^= 1
    (folder / "before.i64").write_bytes(content)


def _claim(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["reference_day"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "damage",
    [
        _flip,
        _claim,
        lambda f: (f / "events.npy").unlink(),
        lambda f: (f / "manifest.json").write_text(""),
        lambda f: (f / "manifest.json").write_text("[]"),
    ],
    ids=["a bit", "the day", "a file", "the manifest", "a manifest that is no object"],
)
def test_damaged_sums_are_refused_and_folded_anew(
    files: SumsFiles, folder: Path, damage: Callable[[Path], object]
) -> None:
    """And it is said."""
    brought(files)
    damage(folder / "000001")
    said: list[SnapshotUnusable] = []
    assert same(brought(files, 7, refused=said.append), sums_of(plan(7)))
    assert len(said) == 1


def test_sums_of_another_projection_are_refused(files: SumsFiles) -> None:
    """Item numbers mean something else."""
    brought(files)
    with pytest.raises(SnapshotUnusable):
        files.read("projection-2")


def test_sums_of_somebody_who_is_gone_are_removed(files: SumsFiles, folder: Path) -> None:
    """Whatever they would be good for."""
    brought(files)
    everybody = grouping(plan()).subject
    files.keep_only_of(everybody)
    assert names(folder) == ["000001"]
    files.keep_only_of(everybody[:-1])
    assert names(folder) == []
    assert files.read(OURS) is None
    (folder / ".new").mkdir()
    files.remove_half_written()
    assert names(folder) == []


def test_rows_are_read_from_the_file(tmp_path: Path) -> None:
    """Any span, also one that reaches beyond the end."""
    total = np.arange(25).reshape(5, 5)
    total.tofile(tmp_path / "rows")
    rows = FileRows(tmp_path / "rows", 5)
    for start, end in ((0, 5), (1, 3), (4, 9), (2, 2), (7, 9)):
        assert np.array_equal(rows[start:end], total[start:end])


def test_whose_component_changed_is_told_from_whose_did_not() -> None:
    """A merge, a split, somebody who is not there; not somebody who came."""
    folded = Grouping.of_components(np.array([5, 3, 9]), np.array([0, 1, 1]))
    assert (folded.subject.tolist(), folded.person.tolist()) == ([3, 5, 9], [3, 5, 3])
    came = Grouping.of_components(np.array([3, 9, 5, 2]), np.array([0, 0, 1, 0]))
    assert not folded.differs_from(folded)
    assert not folded.differs_from(came)
    for components in ([0, 0, 0], [0, 1, 2], [0, 0, 1]):
        assert folded.differs_from(Grouping.of_components(np.array([3, 5, 9]), np.array(components)))
    assert folded.differs_from(Grouping.of_components(np.array([3, 9]), np.array([0, 0])))
    nobody = folded.where(np.zeros(3, np.bool_))
    assert folded.differs_from(nobody)
    assert not nobody.differs_from(folded)


def _read(files: SumsFiles) -> Sums:
    read = files.read(OURS)
    assert read is not None
    return replace(read.sums, products={kind: read.sums.products[kind] for kind in Product})
