"""Which items may be in a list: criteria as masks over item numbers.

Every criterion narrows and none widens, so that an item in an answer passed all of them. What
only some may see is in no mask: it is added for those who are entitled to it, after the same
criteria. A mask is made once for its criteria and a state of the catalogue.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.category import lineage
from recommender.columns import Columns, Vocabularies, Vocabulary
from recommender.index import are_few

if TYPE_CHECKING:
    from collections.abc import Callable

    from recommender.catalogue import Catalogue

T = TypeVar("T")
Mask = NDArray[np.bool_]
Numbers = NDArray[np.int32]

NONE: Numbers = np.zeros(0, np.int32)
_NOT_ASKED: Mask = np.zeros(0, np.bool_)


@dataclass(frozen=True, slots=True)
class Criteria:
    """What an item has to be; what is empty or 0 allows all, but for ``age_years``.

    Attributes:
        categories: one of these or beneath them.
        brands: one of these.
        price_min_minor: at least this.
        price_max_minor: at most this; 0 means any.
        currency: priced in it.
        in_stock: it is not out of stock.
        place_cell: sold there.
        languages: in one of these or a variety of it (RFC 4647, basic filtering), or in none.
        age_years: suitable from this age on or an earlier one; 0 where no age is known.
    """

    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    price_min_minor: int = 0
    price_max_minor: int = 0
    currency: str = ""
    in_stock: bool = False
    place_cell: str = ""
    languages: tuple[str, ...] = ()
    age_years: int = 0


EVERYTHING = Criteria()


class Sieve:
    """Criteria over one state of the catalogue.

    Attributes:
        columns: that state.
        texts: what its codes mean.
    """

    def __init__(self, columns: Columns, texts: Vocabularies, criteria: Criteria) -> None:
        """Looks the criteria's texts up; reads no item yet."""
        self.columns = columns
        self.texts = texts
        self._criteria = criteria
        wanted = set(criteria.categories)
        ranges = tuple(language.lower() for language in criteria.languages)
        self._categories = _chosen(texts.category, wanted, lambda name: not wanted.isdisjoint(lineage(name)))
        self._brands = _chosen(texts.brand, criteria.brands, set(criteria.brands).__contains__)
        self._places = _chosen(
            texts.place_cells, criteria.place_cell, lambda cells: not cells or criteria.place_cell in cells
        )
        self._languages = _chosen(texts.languages, ranges, lambda tags: not tags or _speaks(tags, ranges))
        self._currency = texts.currency.codes((criteria.currency,))

    @cached_property
    def mask(self) -> Mask:
        """Per item number whether everybody may be shown it. Never written to."""
        mask: Mask = self.passes(slice(None)) & ~self.columns.exclusive
        mask.flags.writeable = False
        return mask

    @cached_property
    def few(self) -> Numbers | None:
        """The numbers everybody may be shown, ascending; ``None`` when there are many."""
        mask = self.mask
        few = are_few(int(np.count_nonzero(mask)), len(mask))
        return np.flatnonzero(mask).astype(np.int32) if few else None

    def passes(self, at: Numbers | slice) -> Mask:
        """Whether items pass the criteria, exclusive ones as well."""
        columns, criteria = self.columns, self._criteria
        passing: Mask = columns.listed[at] & (columns.age_min_years[at] <= criteria.age_years)
        if criteria.categories:
            passing &= _of(self._categories, columns.category[at])
        if criteria.brands:
            passing &= _of(self._brands, columns.brand[at])
        if criteria.place_cell:
            passing &= _of(self._places, columns.place_cells[at])
        if criteria.languages:
            passing &= _of(self._languages, columns.languages[at])
        if criteria.in_stock:
            passing &= ~columns.out_of_stock[at]
        if criteria.currency:
            passing &= np.isin(columns.currency[at], self._currency)
        if criteria.price_min_minor:
            passing &= columns.price_minor[at] >= criteria.price_min_minor
        if criteria.price_max_minor:
            passing &= columns.price_minor[at] <= criteria.price_max_minor
        return passing

    def open_to_all(self, numbers: Numbers) -> Mask:
        """Whether items are not exclusive."""
        return ~self.columns.exclusive[numbers]

    def within(self, numbers: Numbers) -> Mask:
        """Whether numbers are in this state of the catalogue."""
        return numbers < len(self.columns)


class Sieves:
    """The sieves asked for most recently, within a limit of bytes; any thread may ask.

    A change of the catalogue makes them all void: the next question makes its own anew.
    """

    def __init__(self, catalogue: Catalogue, bytes_max: int = 64 << 20) -> None:
        self._catalogue = catalogue
        self._bytes_max = bytes_max
        self._lock = Lock()
        self._version = -1
        self._sieves: OrderedDict[Criteria, Sieve] = OrderedDict()

    def of(self, criteria: Criteria) -> Sieve:
        """The sieve of some criteria over the catalogue as it is now."""
        version = self._catalogue.version
        with self._lock:
            if version > self._version:
                self._sieves.clear()
                self._version = version
            sieve = self._sieves.get(criteria)
            if sieve is not None:
                self._sieves.move_to_end(criteria)
                return sieve
        sieve = Sieve(self._catalogue.columns, self._catalogue.texts, criteria)
        with self._lock:
            if version == self._version:  # else it may be older than the change
                self._sieves[criteria] = sieve
                most = max(self._bytes_max // max(len(sieve.columns), 1), 1)
                while len(self._sieves) > most:
                    self._sieves.popitem(last=False)
        return sieve


@dataclass(frozen=True, slots=True)
class Admission:
    """Who gets through for one question.

    Attributes:
        sieve: the criteria.
        without: items that must not.
        among: only these items; ``None`` means all.
        entitled: exclusive items that may.
    """

    sieve: Sieve
    without: Numbers
    among: Numbers | None
    entitled: Numbers

    def mask(self) -> Mask:
        """Per item number; a copy."""
        mask = self.sieve.mask.copy()
        if len(self.entitled):
            entitled = self.entitled[self.sieve.within(self.entitled)]
            mask[entitled] = self.sieve.passes(entitled)
        if self.among is not None:
            among = self.among[self.sieve.within(self.among)]
            kept = mask[among]
            mask[:] = False
            mask[among] = kept
        mask[self.without[self.sieve.within(self.without)]] = False
        return mask

    def few(self) -> Numbers | None:
        """The item numbers, ascending, when few pass the criteria; ``None`` otherwise.

        A short list is searched sooner than a mask of the whole catalogue is looked through.
        """
        if self.sieve.few is None or self.among is not None or len(self.entitled):
            return None
        few = self.sieve.few
        at = np.searchsorted(few, self.without)
        inside = at < len(few)
        at, without = at[inside], self.without[inside]
        stays = np.ones(len(few), np.bool_)
        stays[at[few[at] == without]] = False
        return few[stays]

    def of(self, numbers: Numbers) -> Mask:
        """Whether each of some items gets through; costs nothing that grows with the catalogue."""
        inside = self.sieve.within(numbers)
        numbers = np.where(inside, numbers, 0)  # number 0 is nobody's
        admitted = inside & self.sieve.passes(numbers)
        admitted &= self.sieve.open_to_all(numbers) | np.isin(numbers, self.entitled)
        if self.among is not None:
            admitted &= np.isin(numbers, self.among)
        admitted &= ~np.isin(numbers, self.without)
        return admitted


def _chosen(vocabulary: Vocabulary[T], asked: object, wanted: Callable[[T], Any]) -> Mask:
    """Per code whether its value is wanted; one more entry stands for codes that came later.

    Where nothing is asked for nothing is looked at.
    """
    if not asked:
        return _NOT_ASKED
    return np.array([bool(wanted(value)) for value in vocabulary.values[:]] + [False], np.bool_)


def _of(chosen: Mask, codes: Numbers) -> Mask:
    return chosen.take(codes, mode="clip")


def _speaks(tags: Sequence[str], ranges: Sequence[str]) -> bool:
    return any(
        tag.lower() == wanted or tag.lower().startswith(wanted + "-") for tag in tags for wanted in ranges
    )
