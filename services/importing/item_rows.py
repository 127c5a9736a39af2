"""Rows of a file as items of the catalogue, by a mapping of columns to fields.

What can not be read is named by row, field and reason, and its item is not sent: half an item,
say without its age limit, must not be shown. What the suite refuses it says itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from services.importing.columns import key_text
from services.importing.errors import MappingError
from services.importing.identity_rows import RowError
from services.importing.mapping import Csv
from services.importing.mapping_file import csv_of, dataset_of
from services.importing.reading import Lines
from services.importing.toml_table import Table, content_of
from veilgraph.recommender.v1 import recommender_pb2

_TEXTS = ("item_id", "title", "category", "brand", "currency", "description")
_LISTS = ("place_cells", "languages", "tags")
_FLAGS = ("out_of_stock", "exclusive")
_YES, _NO = frozenset({"1", "true", "yes", "y"}), frozenset({"0", "false", "no", "n"})
_FIELDS = (*_TEXTS, *_LISTS, *_FLAGS, "price_minor", "price", "age_min_years", "listed_since")


@dataclass(frozen=True, slots=True)
class ItemMapping:
    """What the columns of a file mean.

    Attributes:
        dataset: names the folder that errors and the report go to.
        columns: field of an item to the column it is read from.
        constants: field of an item to the text that holds for all rows.
        absent: texts that stand for nothing, in any column.
        list_separator: between the texts of a list.
        price_decimals: how many digits of ``price`` stand behind the point.
        csv: how text files are written.
    """

    dataset: str
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    absent: tuple[str, ...]
    list_separator: str
    price_decimals: int
    csv: Csv

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(dict.fromkeys(self.columns.values()))


def load_item_mapping(path: Path) -> ItemMapping:
    """Reads a mapping file.

    Raises:
        MappingError: a key is unknown, missing or of the wrong type; not TOML.
        SourceError: there is no such file.
    """
    return parse_item_mapping(content_of(path))


def parse_item_mapping(content: Mapping[str, Any]) -> ItemMapping:
    """Makes a mapping of the content of a mapping file; see ``load_item_mapping``."""
    top = Table(content, "")
    top.text("about", "")
    dataset = dataset_of(top)
    columns, constants = (
        _named(top.table(key, optional=key == "constants")) for key in ("columns", "constants")
    )
    decimals = top.choice("price_decimals", ("0", "1", "2", "3"), "2")
    mapping = ItemMapping(
        dataset=dataset,
        columns=columns,
        constants=constants,
        absent=top.texts("absent"),
        list_separator=top.text("list_separator", "|"),
        price_decimals=int(decimals),
        csv=csv_of(top.table("csv", optional=True)),
    )
    top.close()
    if "item_id" not in columns:
        raise MappingError("columns.item_id", "is missing")
    if {"price", "price_minor"} <= {*columns, *constants}:
        raise MappingError("columns.price_minor", "a price is said once")
    return mapping


def items_of(
    lines: Lines, mapping: ItemMapping
) -> tuple[list[tuple[int, recommender_pb2.Item]], list[RowError]]:
    """The items of some lines with their row numbers, and what could not be read."""
    errors = [RowError(row, "", "MALFORMED") for row in lines.malformed.tolist()]
    columns = {name: key_text(column, mapping.absent).to_pylist() for name, column in lines.columns.items()}
    items = []
    for at, row in enumerate(lines.rows.tolist()):
        said = dict(mapping.constants)
        said |= {
            field: text for field, name in mapping.columns.items() if (text := columns[name][at]) is not None
        }
        item, wrong = recommender_pb2.Item(), []
        for field, text in said.items():
            try:
                _PUT[field](item, field, text, mapping)
            except (ValueError, InvalidOperation):
                wrong.append(RowError(row, field, "UNREADABLE"))
        errors += wrong
        if not wrong:
            items.append((row, item))
    return items, errors


def _named(table: Table) -> dict[str, str]:
    found = {field: text for field in _FIELDS if (text := table.text(field, ""))}
    table.close()
    return found


Put = Callable[[recommender_pb2.Item, str, str, ItemMapping], None]


def _text(item: recommender_pb2.Item, field: str, text: str, _: ItemMapping) -> None:
    setattr(item, field, text)


def _list(item: recommender_pb2.Item, field: str, text: str, mapping: ItemMapping) -> None:
    getattr(item, field).extend(_parts(text, mapping.list_separator))


def _parts(text: str, separator: str) -> Iterator[str]:
    return (part.strip() for part in text.split(separator) if part.strip())


def _flag(item: recommender_pb2.Item, field: str, text: str, _: ItemMapping) -> None:
    if text.lower() not in _YES | _NO:
        raise ValueError
    setattr(item, field, text.lower() in _YES)


def _number(item: recommender_pb2.Item, field: str, text: str, _: ItemMapping) -> None:
    setattr(item, field, int(text))


def _price(item: recommender_pb2.Item, _field: str, text: str, mapping: ItemMapping) -> None:
    """A price in major units; one with more digits than the currency has is no price."""
    minor = Decimal(text.replace(mapping.csv.decimal_point, ".")).scaleb(mapping.price_decimals)
    if minor != minor.to_integral_value():
        raise ValueError
    item.price_minor = int(minor)


def _day(item: recommender_pb2.Item, _field: str, text: str, _: ItemMapping) -> None:
    said = datetime.fromisoformat(text)
    instant = said if said.tzinfo else said.replace(tzinfo=UTC)
    item.listed_since.seconds = int(instant.timestamp())


_PUT: Mapping[str, Put] = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(_LISTS, _list),
    **dict.fromkeys(_FLAGS, _flag),
    **dict.fromkeys(("price_minor", "age_min_years"), _number),
    "price": _price,
    "listed_since": _day,
}
