"""A checkpoint is the old one or the new one, and never that of another import."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.importing.checkpoint import Checkpoint, CheckpointFile, Step, import_id_of
from services.importing.errors import CheckpointError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "import.checkpoint.json"


def test_what_was_saved_is_what_is_loaded(path: Path) -> None:
    saved = Checkpoint("one", Step.EVENTS, 7, {"events": {"recorded": 3}}, {"events": 1.5})
    CheckpointFile(path).save(saved)
    assert CheckpointFile(path).load("one") == saved


def test_a_folder_without_one_begins_at_the_beginning(path: Path) -> None:
    assert CheckpointFile(path).load("one") == Checkpoint("one", Step.CATALOGUE, 0)


def test_the_checkpoint_of_another_import_is_refused(path: Path) -> None:
    CheckpointFile(path).save(Checkpoint("one"))
    with pytest.raises(CheckpointError, match="other files, another mapping"):
        CheckpointFile(path).load("two")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"import_id": "one", "step": "lunch"}', '{"colour": 1}']
)
def test_what_is_no_checkpoint_is_said_so(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        CheckpointFile(path).load("one")


def test_a_save_that_does_not_end_leaves_the_checkpoint_before(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = CheckpointFile(path)
    checkpoints.save(Checkpoint("one", Step.CONSENTS, 5))

    def killed(_file: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(Checkpoint("one", Step.EVENTS, 6))
    assert checkpoints.load("one") == Checkpoint("one", Step.CONSENTS, 5)


def test_a_step_is_past_when_a_later_one_is_being_worked_on() -> None:
    assert [step for step in Step if Checkpoint("one", Step.EVENTS).is_past(step)] == [
        Step.CATALOGUE,
        Step.RESOLVE,
        Step.CONSENTS,
    ]


def test_other_files_or_other_settings_are_another_import(tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_bytes(b"a" * 200_000)
    settings = {"mapping": "m"}
    one = import_id_of([file], settings)
    assert import_id_of([file], settings) == one
    assert import_id_of([file], {"mapping": "n"}) != one
    for change in (b"b" + b"a" * 199_999, b"a" * 199_999 + b"b", b"a" * 200_001):
        file.write_bytes(change)
        assert import_id_of([file], settings) != one
