"""The catalogue in memory: item numbers, and what is shown of an item.

Numbers are given by the store and never reused. An item that is only known from events has
a number and no texts; it is not listed and never recommended, but what was done to it
counts. A deleted item is unlisted and its texts are gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Item(NamedTuple):
    """One item as it is shown.

    Attributes:
        item_id: its id in the tenant's catalogue.
        title: its title.
        category: most general part first, parts separated by " / "; may be empty.
        brand: may be empty.
    """

    item_id: str
    title: str
    category: str
    brand: str


class StoredItem(NamedTuple):
    """An item with its number; an unlisted one has no texts."""

    number: int
    item_id: str
    title: str
    category: str
    listed: bool


@dataclass(frozen=True, slots=True)
class Shelf:
    """What an index is built over: a copy of the catalogue's state at one moment.

    Attributes:
        version: grows with every change of the catalogue.
        listed: per item number whether it may be recommended.
        category: per item number a position in ``categories``.
        categories: the distinct categories.
    """

    version: int
    listed: NDArray[np.bool_]
    category: NDArray[np.int32]
    categories: tuple[str, ...]


class Catalogue:
    """All items by number. Item number 0 is nobody's."""

    def __init__(self, items: Iterable[StoredItem] = ()) -> None:
        self.version = 0
        self._numbers: dict[str, int] = {}
        self._ids: list[str] = []
        self._titles: list[str] = []
        self._category: list[int] = []
        self._listed = bytearray()
        self._categories: dict[str, int] = {"": 0}
        self._names = [""]
        self._texts: dict[str, str] = {}
        self.put(items)

    def put(self, items: Iterable[StoredItem]) -> None:
        """Adds items or replaces what is known of them."""
        for item in items:
            self._grow(item.number)
            self._numbers[item.item_id] = item.number
            self._ids[item.number] = item.item_id
            # Titles repeat a lot in some catalogues: one copy of each is kept.
            self._titles[item.number] = self._texts.setdefault(item.title, item.title)
            self._category[item.number] = self._code(item.category)
            self._listed[item.number] = item.listed
        self.version += 1

    def number(self, item_id: str) -> int | None:
        """The number of an item, listed or not."""
        return self._numbers.get(item_id)

    def is_listed(self, number: int) -> bool:
        """Whether an item may be recommended now."""
        return bool(number < len(self._listed) and self._listed[number])

    def shown(self, number: int) -> tuple[str, str, str]:
        """Id, title and category of an item; the texts of an unlisted one are empty."""
        if number >= len(self._ids):
            return "", "", ""
        return self._ids[number], self._titles[number], self._names[self._category[number]]

    def numbers(self, item_ids: Sequence[str]) -> list[int]:
        """The numbers of the ids that are known."""
        return [number for item_id in item_ids if (number := self._numbers.get(item_id)) is not None]

    def listed(self) -> NDArray[np.bool_]:
        """Per item number whether it may be recommended now; a copy."""
        return np.frombuffer(bytes(self._listed), np.bool_)

    def shelf(self) -> Shelf:
        """The state an index is built over."""
        return Shelf(
            self.version,
            self.listed(),
            np.array(self._category, np.int32),
            tuple(self._names),
        )

    def _code(self, category: str) -> int:
        code = self._categories.setdefault(category, len(self._names))
        if code == len(self._names):
            self._names.append(category)
        return code

    def _grow(self, number: int) -> None:
        missing = number + 1 - len(self._ids)
        if missing > 0:
            self._ids += [""] * missing
            self._titles += [""] * missing
            self._category += [0] * missing
            self._listed += bytes(missing)
