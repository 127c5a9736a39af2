"""What filters ask of the catalogue: one compact column a property, addressed by item number.

Texts stand in vocabularies and columns hold their codes; whole sets of texts (places,
languages) are one code, because catalogues repeat few of them. Some forty bytes an item.
Columns are written on one thread while others read them: a value is whole at any moment,
and what is replaced when the columns grow stays as it was for whoever reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Codes = NDArray[np.int32]
Flags = NDArray[np.bool_]

#: No price: an item without one passes no filter by price.
NO_PRICE = -1
_TYPES = {
    "listed": np.bool_,
    "category": np.int32,
    "brand": np.int32,
    "price_minor": np.int64,
    "currency": np.int32,
    "out_of_stock": np.bool_,
    "place_cells": np.int32,
    "languages": np.int32,
    "age_min_years": np.uint8,
    "since_day": np.int32,
    "exclusive": np.bool_,
    "suits": np.int32,
}


class Vocabulary(Generic[T]):
    """Codes for values; only ever grows. Code 0 is the value that says nothing."""

    def __init__(self, nothing: T) -> None:
        self.values: list[T] = [nothing]
        self._codes: dict[T, int] = {nothing: 0}

    def code(self, value: T) -> int:
        """The value's code; a new value gets one."""
        code = self._codes.setdefault(value, len(self.values))
        if code == len(self.values):
            self.values.append(value)
        return code

    def coded(self, values: Iterable[T]) -> list[int]:
        """The code of each value; new values get one."""
        known = self._codes
        return [known[value] if value in known else self.code(value) for value in values]

    def codes(self, values: tuple[T, ...]) -> list[int]:
        """The codes of the values that have one."""
        return [code for value in values if (code := self._codes.get(value)) is not None]


@dataclass(frozen=True, slots=True)
class Columns:
    """One value an item number.

    Attributes:
        listed: it may be recommended.
        category: code.
        brand: code.
        price_minor: ``NO_PRICE`` when it has none.
        currency: code.
        out_of_stock: it can not be had now.
        place_cells: code of the set of cells where it is sold; 0 means everywhere.
        languages: code of the set of its languages; 0 means none.
        age_min_years: it may be shown from this age on.
        since_day: since when it is offered, days since 1970-01-01; 0 when that is not known.
        exclusive: shown only to those who are entitled to it.
        suits: code of the set of situations it suits, see ``situation``; 0 means none.
    """

    listed: Flags
    category: Codes
    brand: Codes
    price_minor: NDArray[np.int64]
    currency: Codes
    out_of_stock: Flags
    place_cells: Codes
    languages: Codes
    age_min_years: NDArray[np.uint8]
    since_day: Codes
    exclusive: Flags
    suits: Codes

    def __len__(self) -> int:
        return len(self.listed)

    @classmethod
    def empty(cls, items: int) -> Columns:
        """Columns of items nothing is known of."""
        return cls(**{name: np.zeros(items, kind) for name, kind in _TYPES.items()})

    def grown(self, items: int) -> Columns:
        """Longer columns with the same values; these stay as they are."""
        longer = Columns.empty(items)
        for column in fields(self):
            getattr(longer, column.name)[: len(self)] = getattr(self, column.name)
        return longer


@dataclass(frozen=True, slots=True)
class Vocabularies:
    """What the codes of the columns mean."""

    category: Vocabulary[str]
    brand: Vocabulary[str]
    currency: Vocabulary[str]
    place_cells: Vocabulary[tuple[str, ...]]
    languages: Vocabulary[tuple[str, ...]]
    suits: Vocabulary[tuple[str, ...]]

    @classmethod
    def empty(cls) -> Vocabularies:
        """Nothing is known but what says nothing."""
        return cls(
            Vocabulary(""), Vocabulary(""), Vocabulary(""), Vocabulary(()), Vocabulary(()), Vocabulary(())
        )
