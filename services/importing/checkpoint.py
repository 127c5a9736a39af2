"""How far an import is, kept so that it can be killed at any instant.

A checkpoint says only what the suite has acknowledged without a gap. It replaces the one
before in one step (written aside, synced, renamed), so a reader finds the old or the new
one and never a part. Whatever was sent after it is sent again and recognised by its ids.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping as Content
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from services.importing.errors import CheckpointError

SAMPLE_BYTES = 65_536


class Step(StrEnum):
    """What an import does, in order."""

    CATALOGUE = "catalogue"
    RESOLVE = "resolve"
    CONSENTS = "consents"
    EVENTS = "events"
    LINKS = "links"
    TRAIN = "train"
    FINISHED = "finished"


ORDER = tuple(Step)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far an import is.

    Attributes:
        import_id: which import it is: files, mapping and options.
        step: the step being worked on; those before it are done.
        done: how far the step is, in its own unit (items, people, source rows).
        tallies: per step what was counted, e.g. ``{"events": {"recorded": 5}}``.
        seconds: per step the time spent, all runs together.
    """

    import_id: str
    step: Step = Step.CATALOGUE
    done: int = 0
    tallies: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def is_past(self, step: Step) -> bool:
        """The step is done."""
        return ORDER.index(self.step) > ORDER.index(step)


class CheckpointFile:
    """The checkpoint of the import that a folder belongs to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, import_id: str) -> Checkpoint:
        """The checkpoint left behind, or a new one.

        Raises:
            CheckpointError: it can not be read, or is that of another import.
        """
        try:
            content: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
            found = Checkpoint(**{**content, "step": Step(content["step"])})
        except FileNotFoundError:
            return Checkpoint(import_id)
        except (ValueError, TypeError, KeyError) as error:
            raise CheckpointError(f"{self._path} is not a checkpoint ({error})") from None
        if found.import_id != import_id:
            raise CheckpointError(
                f"{self._path.parent} holds the import of other files, another mapping or other options; "
                "give this one another data set name, or remove the folder with all its data"
            )
        return found

    def save(self, checkpoint: Checkpoint) -> None:
        """Replaces the checkpoint; it is durable on return."""
        replace_file(self._path, json.dumps(asdict(checkpoint), indent=1))


def replace_file(path: Path, text: str) -> None:
    """Puts a text in the place of a file, wholly or not at all; durable on return."""
    aside = path.with_name(path.name + ".new")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def import_id_of(files: Sequence[Path], settings: Content[str, Any]) -> str:
    """Tells one import from another: 16 hexadecimal digits.

    Of each file its name, size, beginning and end count (there Parquet keeps its footer),
    so that a restart does not read everything only to find that nothing is to be done.

    Args:
        files: the source files in their order.
        settings: everything else that decides what is sent, as JSON values.
    """
    state = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in files:
        size = path.stat().st_size
        with path.open("rb") as file:
            first = file.read(SAMPLE_BYTES)
            file.seek(max(0, size - SAMPLE_BYTES))
            last = file.read(SAMPLE_BYTES)
        for part in (path.name.encode(), str(size).encode(), first, last):
            state.update(len(part).to_bytes(8, "big") + part)
    return state.hexdigest()[:16]
