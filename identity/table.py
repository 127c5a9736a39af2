"""One table of a rules file, read with types.

Every key is asked for by its type; what is of another type, out of bounds, missing, or never
asked for is a ``RulesError`` that says where it stands (``kinds.email.per_person_max``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from identity.errors import RulesError

_REQUIRED = object()


class Table:
    """Hands out the keys of one table by type, and refuses what nobody asked for.

    Attributes:
        path: where the table stands in the file; empty for the file itself.
    """

    def __init__(self, content: Mapping[str, Any], path: str = "") -> None:
        self.path = path
        self._content = content
        self._asked: set[str] = set()
        self._inner: list[Table] = []

    def at(self, key: str) -> str:
        """Where a key of this table stands."""
        return f"{self.path}.{key}" if self.path else key

    def whole(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number within bounds; without a default it must be there."""
        value = self._take(key, default)
        if type(value) is not int or not least <= value <= most:
            raise RulesError(self.at(key), f"a whole number from {least} to {most}")
        return value

    def flag(self, key: str) -> bool:
        """True or false; it must be there."""
        value = self._take(key)
        if not isinstance(value, bool):
            raise RulesError(self.at(key), "true or false")
        return value

    def choice(self, key: str, choices: Collection[str]) -> str:
        """One of a few texts; it must be there."""
        value = self._take(key)
        if value not in choices:
            raise RulesError(self.at(key), f"one of {', '.join(choices)}")
        return str(value)

    def texts(self, key: str, among: Collection[str] | None = None) -> tuple[str, ...]:
        """A list of texts, each from ``among`` if that is given; it must be there."""
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise RulesError(self.at(key), "a list of texts")
        for one in value:
            if among is not None and one not in among:
                raise RulesError(self.at(key), f"{one!r} is none of {', '.join(among)}")
        return tuple(value)

    def table(self, key: str, *, optional: bool = False) -> Table:
        """A table within; an optional one that is absent is empty."""
        value = self._take(key, {} if optional else _REQUIRED)
        if not isinstance(value, dict):
            raise RulesError(self.at(key), "a table")
        table = Table(value, self.at(key))
        self._inner.append(table)
        return table

    def tables(self, key: str, names: Collection[str]) -> Iterator[tuple[str, Table]]:
        """The tables within a table, which has exactly one for each name."""
        outer = self.table(key)
        for name in outer.names():
            if name not in names:
                raise RulesError(outer.at(name), f"none of {', '.join(names)}")
        for name in names:
            yield name, outer.table(name)

    def names(self) -> tuple[str, ...]:
        """The keys there are."""
        return tuple(self._content)

    def close(self) -> None:
        """Refuses the keys that nobody asked for, here and within.

        Raises:
            RulesError: there is one.
        """
        for key in self._content:
            if key not in self._asked:
                raise RulesError(self.at(key), "not a key of a rules file")
        for table in self._inner:
            table.close()

    def _take(self, key: str, default: object = _REQUIRED) -> Any:
        self._asked.add(key)
        value = self._content.get(key, default)
        if value is _REQUIRED or value is None:
            raise RulesError(self.at(key), "is missing")
        return value
