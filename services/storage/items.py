"""The catalogue's rows: items as they are told, and what of them is kept in memory.

A row never goes away, because its number stands in events; an item taken out of the catalogue
is a row without texts. Lists of texts stand in one column, separated by line feeds.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from recommender.catalogue import Item, StoredItem
from recommender.text import item_words
from services.storage.database import Connection

T = TypeVar("T")

_ROWS_PER_STATEMENT = 128
_LISTS = frozenset({"place_cells", "languages", "suits", "tags"})
_FLAGS = frozenset({"out_of_stock", "exclusive"})
_COLUMNS = ", ".join(Item._fields)
_IN_MEMORY = ", ".join(StoredItem._fields)
_REPLACED = ", ".join(f"{name} = excluded.{name}" for name in Item._fields[1:])
#: What taking an item out leaves: its id and number, and from whom it is hidden, as long as events name it.
_EMPTIED = ", ".join(
    f"{name} = " + ("''" if isinstance(empty, str | tuple) else "0")
    for name, empty in (("title", ""), *Item._field_defaults.items())
    if name not in {"exclusive", "age_min_years"}
)


def put_items(connection: Connection, items: Sequence[Item], today: int) -> None:
    """Adds items or replaces them.

    Args:
        connection: inside its transaction.
        items: of distinct ids.
        today: since when an item is offered that is new here and does not say.
    """
    for part in parts(items):
        query = f"SELECT item_id, number, listed, since_day FROM item WHERE item_id IN ({marks(part)})"  # noqa: S608
        known = {row[0]: row[1:] for row in connection.execute(query, [item.item_id for item in part])}
        numbers = itertools.count(last_item(connection) + 1)
        values: list[Any] = []
        for item in part:
            number, listed, since = known.get(item.item_id) or (next(numbers), 0, today)
            values += (number, *_row(item._replace(since_day=_since(item, since if listed else today))))
        row = f"(?, {marks(Item._fields)}, 1)"
        connection.execute(
            f"INSERT INTO item (number, {_COLUMNS}, listed) VALUES {', '.join([row] * len(part))}"  # noqa: S608
            f" ON CONFLICT (item_id) DO UPDATE SET {_REPLACED}, listed = 1",
            values,
        )


def last_item(connection: Connection) -> int:
    """The highest number an item has; numbers stand for places in arrays, so none may be left out."""
    (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM item").fetchone()
    return int(last)


def _since(item: Item, otherwise: int) -> int:
    return otherwise if item.since_day is None else item.since_day


def take_out(connection: Connection, item_ids: Sequence[str]) -> int:
    """Empties the rows of listed items; returns how many there were."""
    return sum(
        connection.execute(
            f"UPDATE item SET listed = 0, {_EMPTIED} WHERE listed = 1 AND item_id IN ({marks(part)})",  # noqa: S608
            part,
        ).rowcount
        for part in parts(item_ids)
    )


def item_told(connection: Connection, item_id: str) -> Item | None:
    """A listed item as it was told."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM item WHERE item_id = ? AND listed = 1",  # noqa: S608
        (item_id,),
    ).fetchone()
    return None if row is None else Item(*_told(row))


def stored_items(connection: Connection, item_ids: Sequence[str]) -> list[StoredItem]:
    """What is in memory of some items, listed or not."""
    found: list[StoredItem] = []
    for part in parts(item_ids):
        rows = connection.execute(
            f"SELECT {_IN_MEMORY} FROM item WHERE item_id IN ({marks(part)})",  # noqa: S608
            part,
        )
        found += [_stored(row) for row in rows.fetchall()]
    return found


def numbered_items(connection: Connection, numbers: Sequence[int]) -> list[StoredItem]:
    """The same of items by their numbers."""
    query = f"SELECT {_IN_MEMORY} FROM item WHERE number"  # noqa: S608 - our own names
    return [
        _stored(row)
        for part in parts(numbers)
        for row in connection.execute(f"{query} IN ({marks(part)})", part).fetchall()
    ]


def all_items(connection: Connection) -> list[StoredItem]:
    """What is in memory of all items with a number."""
    rows = connection.execute(f"SELECT {_IN_MEMORY} FROM item")  # noqa: S608 - our own names
    return [_stored(row) for row in rows]


def item_words_in(
    connection: Connection, numbers: Sequence[int] | None = None
) -> Iterator[tuple[int, list[str]]]:
    """The numbers of listed items with their words, read as they are asked for.

    Args:
        connection: reads the recommender's tables.
        numbers: only these; ``None``: all.
    """
    query = "SELECT number, title, category, brand, tags, description FROM item WHERE listed = 1"
    if numbers is None:
        for number, *texts in connection.execute(query):
            yield number, item_words(*texts)
        return
    for part in parts(numbers):
        for number, *texts in connection.execute(f"{query} AND number IN ({marks(part)})", part):
            yield number, item_words(*texts)


def parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Rows in as many as one statement takes."""
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        yield rows[start : start + _ROWS_PER_STATEMENT]


def marks(values: Sequence[Any]) -> str:
    """A mark for each value."""
    return ", ".join("?" * len(values))


def _row(item: Item) -> Iterator[Any]:
    for value in item:
        yield "\n".join(value) if isinstance(value, tuple) else value


def _stored(row: Sequence[Any]) -> StoredItem:
    """Written out, because it runs once an item at every start."""
    (
        number,
        item_id,
        title,
        category,
        listed,
        brand,
        price,
        currency,
        out,
        places,
        languages,
        age,
        since,
        exclusive,
        suited,
    ) = row
    return StoredItem(
        number,
        item_id,
        title,
        category,
        bool(listed),
        brand,
        price,
        currency,
        bool(out),
        tuple(places.split("\n")) if places else (),
        tuple(languages.split("\n")) if languages else (),
        age,
        since,
        bool(exclusive),
        tuple(suited.split("\n")) if suited else (),
    )


def _told(row: Sequence[Any]) -> Iterator[Any]:
    for name, value in zip(Item._fields, row, strict=True):
        if name in _LISTS:
            yield tuple(value.split("\n")) if value else ()
        else:
            yield bool(value) if name in _FLAGS else value
