"""Protocol A on the real invoices of *Online Retail II*.

Loads and cleans the purchases as the protocol says, asks ``recommend`` for every test
person, and puts the figures beside decayed popularity. Who answers is the caller's affair:
the suite through gRPC, or the domain directly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recommender.evaluation import (
    BASELINE_HALF_LIFE_DAYS,
    Purchases,
    Quality,
    Split,
    popularity_lists,
    quality,
)

#: NDCG@10 that FOR_YOU has to reach.
NDCG_MIN = 0.095
_COLUMNS = ["StockCode", "Quantity", "ts", "Price", "CustomerID"]
_US_PER_DAY = 86_400_000_000
_NEVER_BOUGHT = -1  # an item of returns only: it can be listed and is never a hit

#: Gives a person's list of item ids, best first, new items only.
Recommend = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Retail:
    """Cleaned purchases with their names.

    Attributes:
        purchases: the lines; ``at`` in microseconds since the epoch.
        people: customer ids by number.
        items: item codes by number.
    """

    purchases: Purchases
    people: list[str]
    items: list[str]


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found."""

    model: Quality
    popularity: Quality

    @property
    def passed(self) -> bool:
        """Whether the model is good enough and better than popularity."""
        return self.model.ndcg >= NDCG_MIN and self.model.ndcg > self.popularity.ndcg

    def lines(self) -> list[str]:
        """The report as text."""
        rows = [
            ("FOR_YOU, items new to the person", self.model),
            (f"decayed popularity, {BASELINE_HALF_LIFE_DAYS:.0f}-day half-life", self.popularity),
        ]
        return [
            f"{'':<40}{'NDCG@10':>9}{'± error':>9}{'R@20':>8}{'HR@10':>8}{'people':>8}",
            *(
                f"{name:<40}{found.ndcg:>9.4f}{found.ndcg_error:>9.4f}"
                f"{found.recall:>8.4f}{found.hit_rate:>8.4f}{found.people:>8}"
                for name, found in rows
            ),
        ]


def load_retail(files: Sequence[Path]) -> Retail:
    """Reads and cleans the invoices.

    Kept are lines of a known customer (not null, not 0) with a quantity and a price above 0
    and a code of five digits with or without letters, upper-cased.

    Args:
        files: the parts in their order.
    """
    lines = pa.concat_tables([pq.read_table(file, columns=_COLUMNS) for file in files])
    code = pc.utf8_upper(lines["StockCode"])
    customer = lines["CustomerID"]
    conditions = [
        pc.is_valid(customer),
        pc.not_equal(customer, 0),
        pc.greater(lines["Quantity"], 0),
        pc.greater(lines["Price"], 0),
        pc.match_substring_regex(code, "^[0-9]{5}[A-Z]*$"),
    ]
    good = conditions[0]
    for condition in conditions[1:]:
        good = pc.and_kleene(good, condition)
    lines = lines.append_column("code", code).filter(pc.fill_null(good, fill_value=False))
    person = lines["CustomerID"].combine_chunks().dictionary_encode()
    item = lines["code"].combine_chunks().dictionary_encode()
    at = lines["ts"].cast(pa.int64()).to_numpy()
    numbers = item.indices.to_numpy().astype(np.int64)
    purchases = Purchases(person.indices.to_numpy().astype(np.int64), numbers, at, at // _US_PER_DAY)
    return Retail(purchases, [str(p) for p in person.dictionary.to_pylist()], item.dictionary.to_pylist())


def evaluate(
    retail: Retail, parts: Split, recommend: Recommend, progress: Callable[[int, int], None] = lambda *_: None
) -> Report:
    """Asks for every test person and scores the lists.

    Args:
        retail: the cleaned purchases.
        parts: ``split(retail.purchases)``; the recommender has seen ``parts.known`` only.
        recommend: gives a customer's list.
        progress: told how many people of how many are done.
    """
    numbers = {item: number for number, item in enumerate(retail.items)}
    lists: dict[int, list[int]] = {}
    for done, person in enumerate(parts.wanted, start=1):
        found = recommend(retail.people[person])
        lists[person] = [numbers.get(item, _NEVER_BOUGHT) for item in found]
        progress(done, len(parts.wanted))
    baseline: Mapping[int, Sequence[int]] = popularity_lists(parts, BASELINE_HALF_LIFE_DAYS)
    return Report(quality(lists, parts.wanted), quality(baseline, parts.wanted))
