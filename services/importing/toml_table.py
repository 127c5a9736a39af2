"""A mapping file's TOML, read with types.

Every key is asked for by its type; what is of another type, missing, or never asked for is
a ``MappingError`` that says where it stands (``purchases.amount.per``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Content
from pathlib import Path
from typing import Any

from services.importing.errors import MappingError, SourceError


def content_of(path: Path) -> Content[str, Any]:
    """What a mapping file says.

    Raises:
        MappingError: it is not TOML.
        SourceError: there is no such file.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceError(f"no mapping file {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(path.name, f"not TOML: {error}") from None


class Table:
    """One table of the file: hands out its keys by type and refuses what nobody asked for."""

    def __init__(self, content: Content[str, Any], path: str) -> None:
        self.path = path
        self._content = content
        self._asked: list[str] = []
        self._inner: list[Table] = []

    def text(self, key: str, default: str | None = None) -> str:
        """A text; without a default it must be there and not be empty."""
        value = self._take(key, str, "a text", default)
        if value == "" and default is None:
            raise MappingError(self.at(key), "must not be empty")
        return str(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        return bool(self._take(key, bool, "true or false", default))

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of a few texts."""
        value = self.text(key, default)
        if value not in choices:
            raise MappingError(self.at(key), f"one of {', '.join(choices)}, not {value!r}")
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = ()) -> tuple[str, ...]:
        """A list of texts, none empty; one text alone stands for a list of it. No default means required."""
        value = self._take(key, (list, str, tuple), "a list of texts", default)
        values = (value,) if isinstance(value, str) else tuple(value)
        for position, entry in enumerate(values):
            if not isinstance(entry, str) or not entry:
                raise MappingError(f"{self.at(key)}[{position}]", "a text that is not empty")
        return values

    def table(self, key: str, *, optional: bool = False) -> Table:
        """A table within; an optional one that is absent is empty, and false."""
        value = self._take(key, dict, "a table", {} if optional else None)
        table = Table(value, self.at(key))
        self._inner.append(table)
        return table

    def tables(self, key: str) -> dict[str, Table]:
        """The tables within a table, by the names they were given; at least one."""
        outer = self.table(key)
        found = {name: outer.table(name) for name in self._content.get(key, ())}
        if not found:
            raise MappingError(self.at(key), "names nothing")
        return found

    def close(self) -> None:
        """Raises MappingError if the table or one within holds a key nobody asked for."""
        for key in self._content:
            if key not in self._asked:
                raise MappingError(self.at(key), f"unknown key; known here: {', '.join(sorted(self._asked))}")
        for table in self._inner:
            if table:
                table.close()

    def at(self, key: str) -> str:
        """Where a key stands, e.g. ``purchases.amount.per``."""
        return f"{self.path}.{key}" if self.path else key

    def __bool__(self) -> bool:
        return bool(self._content)

    def _take(self, key: str, kind: type | tuple[type, ...], kind_name: str, default: Any) -> Any:
        self._asked.append(key)
        value = self._content.get(key, default)
        if value is None:
            raise MappingError(self.at(key), "is missing")
        if not isinstance(value, kind):
            raise MappingError(self.at(key), f"must be {kind_name}, not {type(value).__name__}")
        return value
