"""What an evaluation has finished, so that the next one need not do it again.

A file of lines, each a key and what was found under it; a key names the data, the model, its
grid and the form of the computation. A line that was not written to its end is as if it were
not there. The lists it holds name people and items by number only; it stays in the folder of
whoever evaluates.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import recommender

FILE = "finished.jsonl"
#: Changes when what is computed under a key changes its meaning.
FORM = 1


class Kept(Protocol):
    """Finished results by key."""

    def get(self, key: str) -> Any | None:
        """What was found under a key, or ``None``."""

    def put(self, key: str, value: Any) -> None:
        """Keeps what was found."""


class NotKept:
    """Keeps nothing: for whom lists of people may not be written down."""

    def get(self, key: str) -> None:
        """Nothing."""

    def put(self, key: str, value: Any) -> None:
        """Forgets it."""


class Journal:
    """Finished results in a file; implements ``Kept``."""

    def __init__(self, folder: Path) -> None:
        """Reads what is there; makes the folder when it is not."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / FILE
        self._found: dict[str, Any] = {}
        text = self._path.read_text() if self._path.exists() else ""
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                self._found[entry["key"]] = entry["value"]
            except (ValueError, KeyError, TypeError):
                continue  # broken off while it was written
        self._broken = bool(text) and not text.endswith("\n")

    def get(self, key: str) -> Any | None:
        """What was found under a key, or ``None``."""
        return self._found.get(key)

    def put(self, key: str, value: Any) -> None:
        """Keeps what was found; it is read as it was written."""
        line = json.dumps({"key": key, "value": value})
        with self._path.open("a") as file:
            file.write(("\n" if self._broken else "") + line + "\n")
        self._broken = False
        self._found[key] = json.loads(line)["value"]


@cache
def code_digest() -> str:
    """SHA-256 of the domain's sources, hexadecimal: of our own models the code is the form."""
    digest = hashlib.sha256()
    for source in sorted(Path(recommender.__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def key_of(*parts: object) -> str:
    """A key of everything a result depends on."""
    return hashlib.sha256(repr((FORM, *parts)).encode()).hexdigest()
