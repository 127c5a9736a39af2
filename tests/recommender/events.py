"""Events, shops and models to test with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from identity.ids import SubjectId
from recommender.catalogue import Catalogue, StoredItem
from recommender.events import EventTable, Kind
from recommender.history import History
from recommender.model import Model
from recommender.parameters import Parameters
from recommender.projection import ProjectedEvent
from recommender.training import train

TODAY = 15_000
NOW_MS = TODAY * 86_400_000
EVERY_USE = (1 << 40) - 1
SMALL = Parameters(head_items_max=40, rank=8, ridge=1.0)
Row = tuple[int, int, int, int, int]


def subject(number: int) -> SubjectId:
    """The birth subject of a number."""
    return SubjectId(number.to_bytes(16, "big"))


def event(key: int, who: int = 1, **changed: Any) -> ProjectedEvent:
    """An ordinary purchase of today, allowed for every purpose."""
    bought = ProjectedEvent(
        event_key=key.to_bytes(16, "big"),
        subject=subject(who),
        item_id="tea",
        day=TODAY,
        kind=Kind.ORDER,
        quantity=1,
        uses=EVERY_USE,
        party=2,
        origin="till",
        expires_at_ms=None,
        recorded_day=TODAY,
    )
    return bought._replace(**changed)


def table(rows: Sequence[Row]) -> EventTable:
    """Events of rows of person, item, day, kind, quantity."""
    return EventTable.of_columns(np.array(rows, np.int64).reshape(-1, 5))


def history(*rows: tuple[int, int, int, int], expires: Sequence[int] | None = None) -> History:
    """A history of rows of item, day, kind, quantity, all of provenance 1."""
    columns = np.array([(*row, 1) for row in rows], np.int32).reshape(-1, 5).T
    return History(np.ascontiguousarray(columns), None if expires is None else np.array(expires, np.int64))


def rows(people: int = 5, items: int = 6, days: int = 400) -> st.SearchStrategy[list[Row]]:
    """Any events of a few people."""
    return st.lists(
        st.tuples(
            st.integers(0, people - 1),
            st.integers(1, items),
            st.integers(TODAY - days, TODAY + 3),
            st.sampled_from([int(kind) for kind in Kind]),
            st.integers(1, 3),
        ),
        max_size=60,
    )


def two_tastes(people: int = 60, each: int = 10) -> list[Row]:
    """Half the people buy of items 1 to ``each``, half of the next; deterministic."""
    random = np.random.default_rng(7)
    bought: list[Row] = []
    for person in range(people):
        first = 1 + each * (person % 2)
        for item in random.choice(each, size=each // 2, replace=False):
            day = TODAY - int(random.integers(0, 60))
            bought.append((person, first + int(item), day, int(Kind.ORDER), 1))
    return bought


def shop(items: int = 24, category: str = "food") -> Catalogue:
    """A catalogue of items numbered from 1, the even ones in a category of their own."""
    return Catalogue(
        StoredItem(number, f"item-{number}", f"Item {number}", _category(number, category), listed=True)
        for number in range(1, items + 1)
    )


def two_tastes_model(items: int = 24, version: str = "000001") -> Model:
    """A model of ``two_tastes`` over a shop."""
    shelf = shop(items).shelf()
    categories = [shelf.categories[code] for code in shelf.category]
    return train(table(two_tastes()), categories, SMALL, version)


def _category(number: int, category: str) -> str:
    return f"{category} / even" if number % 2 == 0 else category
