"""The catalogue in memory: item numbers, what is shown of an item, and what filters ask.

Numbers are given by the store and never reused. An item that is only known from events has
a number and no texts; it is not listed and never recommended, but what was done to it
counts. A deleted item is unlisted and its texts are gone.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.columns import NO_PRICE, Columns, Vocabularies

_FIRST_ITEMS = 1024
#: So many items are put at once.
_AT_ONCE = 65_536


class Item(NamedTuple):
    """One item as it is told.

    Attributes:
        item_id: its id in the tenant's catalogue.
        title: its title.
        category: most general part first, parts separated by " / "; may be empty.
        brand: may be empty.
        price_minor: in minor units of ``currency``.
        currency: ISO 4217; empty: it has no price.
        out_of_stock: it can not be had now.
        place_cells: where it is sold; empty means everywhere.
        languages: BCP 47; empty: it is of none.
        age_min_years: it may be shown from this age on.
        description: a text to search.
        tags: words to search.
        since_day: since when it is offered, days since 1970-01-01; ``None``: since it came first.
        exclusive: shown only to those who are entitled to it.
        suits: tags of the situations it suits, see ``situation``.
    """

    item_id: str
    title: str
    category: str = ""
    brand: str = ""
    price_minor: int = 0
    currency: str = ""
    out_of_stock: bool = False
    place_cells: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    age_min_years: int = 0
    description: str = ""
    tags: tuple[str, ...] = ()
    since_day: int | None = None
    exclusive: bool = False
    suits: tuple[str, ...] = ()


class StoredItem(NamedTuple):
    """What is in memory of an item with its number; an unlisted one has no texts."""

    number: int
    item_id: str
    title: str
    category: str
    listed: bool
    brand: str = ""
    price_minor: int = 0
    currency: str = ""
    out_of_stock: bool = False
    place_cells: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    age_min_years: int = 0
    since_day: int = 0
    exclusive: bool = False
    suits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shelf:
    """What an index is built over: a copy of the catalogue's state at one moment.

    Attributes:
        version: grows with every change of what may be recommended.
        listed: per item number whether it may be recommended.
        category: per item number a position in ``categories``.
        categories: the distinct categories.
    """

    version: int
    listed: NDArray[np.bool_]
    category: NDArray[np.int32]
    categories: tuple[str, ...]


class Catalogue:
    """All items by number. Item number 0 is nobody's.

    Attributes:
        version: grows with every change of a listed item, and when one is listed no more.
        columns: what filters ask, at least as long as there are numbers.
        texts: what the codes in the columns mean.
        has_exclusive: there is, or was, an item that only some may see.
        followed: what the store's news up to this number are about is as it was then, or newer; -1 where
            nobody follows them.
    """

    def __init__(self, items: Iterable[StoredItem] = ()) -> None:
        self.version = 0
        self.followed = -1
        self.columns = Columns.empty(_FIRST_ITEMS)
        self.texts = Vocabularies.empty()
        self.has_exclusive = False
        self._numbers: dict[str, int] = {}
        self._ids: list[str] = []
        self._titles: list[str] = []
        self._one_of: dict[str, str] = {}
        self.put(items)

    def put(self, items: Iterable[StoredItem]) -> None:
        """Adds items or replaces what is known of them."""
        told = list(items)
        for start in range(0, len(told), _AT_ONCE):
            self._put(told[start : start + _AT_ONCE])

    def put_as_of(self, items: Iterable[StoredItem], news: int) -> None:
        """Puts items as the store had them at the news of a number; what is here already is newer."""
        if news > self.followed:
            self.put(items)

    def _put(self, items: Sequence[StoredItem]) -> None:
        at = np.array([item.number for item in items])
        self._grow(int(at.max()))
        for item in items:
            self._numbers[item.item_id] = item.number
            self._ids[item.number] = item.item_id
            # Titles repeat a lot in some catalogues: one copy of each is kept.
            self._titles[item.number] = self._one_of.setdefault(item.title, item.title)
        were_listed = self.columns.listed[at].any()
        self._fill(at, dict(zip(StoredItem._fields, zip(*items, strict=True), strict=True)))
        self.version += bool(were_listed or self.columns.listed[at].any())

    def number(self, item_id: str) -> int | None:
        """The number of an item, listed or not."""
        return self._numbers.get(item_id)

    def is_listed(self, number: int) -> bool:
        """Whether an item may be recommended now."""
        return number < len(self.columns) and self.columns.listed.item(number)

    def is_hidden(self, number: int, entitled: Container[int], age_years: int) -> bool:
        """Whether a person must not see an item, listed or not.

        Args:
            number: the item's.
            entitled: the exclusive items the person may see.
            age_years: the person is known to be at least so old; 0 when that is not known.
        """
        if number >= len(self.columns):
            return False
        hidden = self.columns.exclusive.item(number) and number not in entitled
        return hidden or self.columns.age_min_years.item(number) > age_years

    def shown(self, number: int) -> tuple[str, str, str]:
        """Id, title and category of an item; the texts of an unlisted one are empty."""
        if number >= len(self._ids):
            return "", "", ""
        category = self.texts.category.values[self.columns.category[number]]
        return self._ids[number], self._titles[number], category

    def numbers(self, item_ids: Sequence[str]) -> list[int]:
        """The numbers of the ids that are known."""
        return [number for item_id in item_ids if (number := self._numbers.get(item_id)) is not None]

    def listed(self) -> NDArray[np.bool_]:
        """Per item number whether it may be recommended now; a copy."""
        return self.columns.listed[: len(self._ids)].copy()

    def shelf(self) -> Shelf:
        """The state an index is built over."""
        items = len(self._ids)
        return Shelf(
            self.version,
            self.listed(),
            self.columns.category[:items].copy(),
            tuple(self.texts.category.values),
        )

    def _fill(self, at: NDArray[np.int64], told: Mapping[str, Sequence[Any]]) -> None:
        """Fills the columns; a column at a time takes a fraction of the time an item at a time does.

        Args:
            at: item numbers.
            told: by the names of ``StoredItem`` the values of each.
        """
        columns, texts = self.columns, self.texts
        for name in ("category", "brand", "currency", "place_cells", "languages", "suits"):
            getattr(columns, name)[at] = getattr(texts, name).coded(told[name])
        priced = zip(told["price_minor"], told["currency"], strict=True)
        columns.price_minor[at] = [price if currency else NO_PRICE for price, currency in priced]
        self.has_exclusive = self.has_exclusive or any(told["exclusive"])
        for name in ("out_of_stock", "age_min_years", "since_day", "exclusive", "listed"):  # listed last
            getattr(columns, name)[at] = told[name]

    def _grow(self, number: int) -> None:
        missing = number + 1 - len(self._ids)
        if missing > 0:
            self._ids += [""] * missing
            self._titles += [""] * missing
        if number >= len(self.columns):
            self.columns = self.columns.grown(max(number + 1, 2 * len(self.columns)))
