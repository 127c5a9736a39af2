"""An import of items puts what can be put and names the rest by row, field and reason."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from rich.console import Console

from services.importing import item_run
from services.importing.errors import MappingError, SendingError, SourceError
from services.importing.item_rows import load_item_mapping, parse_item_mapping
from services.importing.item_run import ERRORS_FILE, REPORT_FILE, Report, import_items
from tests.conftest import ROOT
from veilgraph.client import Unavailable
from veilgraph.client.testing import FakeVeilgraph
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2

MAPPING = ROOT / "docs" / "examples" / "items.toml"
Row = dict[str, str | None]


class Shop:
    """What a suite took; it refuses items without a title."""

    def __init__(self) -> None:
        self.items: dict[str, recommender_pb2.Item] = {}
        self.request_ids: list[str] = []

    def upsert(self, request: recommender_pb2.UpsertItemsRequest) -> recommender_pb2.UpsertItemsResponse:
        self.request_ids.append(request.request_id)
        refused = []
        for index, item in enumerate(request.items):
            if item.title:
                self.items[item.item_id] = item
            else:
                field = f"items[{index}].title"
                refused.append(privacy_pb2.ItemError(index=index, reason="FIELD_REQUIRED", field=field))
        put = len(request.items) - len(refused)
        return recommender_pb2.UpsertItemsResponse(upserted=put, refused=refused)


def row(number: int, **changed: str | None) -> Row:
    """A good row."""
    said: Row = {
        "sku": f"sku-{number}",
        "name": f"Tea {number}",
        "path": "food / tea",
        "brand": "Own",
        "price": "9.95",
        "sold_out": "no",
        "cells": "8a1 | 8a2",
        "languages": "de",
        "age": None,
        "text": "Black tea.",
        "tags": "tea|black",
        "since": "2026-03-01",
        "members_only": "0",
    }
    return said | changed


def write(folder: Path, suffix: str, rows: list[Row]) -> Path:
    """The rows as a file of a kind."""
    path = folder / f"items{suffix}"
    if suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    else:
        pa_parquet.write_table(
            pa.Table.from_pylist(rows, schema=pa.schema([(k, pa.string()) for k in rows[0]])), path
        )
    return path


def run(path: Path, shop: Shop, handler: Any = None) -> Report:
    """Imports a file."""
    client = FakeVeilgraph({"recommender.UpsertItems": handler or shop.upsert})
    console = Console(file=io.StringIO(), width=120)
    return import_items([path], load_item_mapping(MAPPING), client, path.parent / "import", console)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_every_kind_of_file_puts_the_same_items(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In requests of their own ids."""
    monkeypatch.setattr(item_run, "ITEMS_A_REQUEST", 2)
    shop = Shop()
    report = run(write(tmp_path, suffix, [row(number) for number in range(5)]), shop)
    assert (report.rows, report.put, report.errors) == (5, 5, [])
    assert len(set(shop.request_ids)) == 3
    assert shop.items["sku-3"] == recommender_pb2.Item(
        item_id="sku-3",
        title="Tea 3",
        category="food / tea",
        brand="Own",
        price_minor=995,
        currency="EUR",
        place_cells=["8a1", "8a2"],
        languages=["de"],
        description="Black tea.",
        tags=["tea", "black"],
        listed_since={"seconds": 1_772_323_200},  # type: ignore[arg-type]
    )


def test_bad_rows_are_named_and_the_others_put(tmp_path: Path) -> None:
    """By the importer and by the suite alike; the file of errors never holds a value."""
    rows = [
        row(1),
        row(2, price="cheap"),
        row(3, price="9.999", sold_out="perhaps"),
        row(4, name=None),
        row(5, age="18"),
        row(6, age="old"),
        row(7, since="yesterday"),
    ]
    shop = Shop()
    path = write(tmp_path, ".jsonl", rows)
    path.write_text(path.read_text() + "not an object\n")
    report = run(path, shop)
    assert set(shop.items) == {"sku-1", "sku-5"}
    assert shop.items["sku-5"].age_min_years == 18
    assert (tmp_path / "import" / ERRORS_FILE).read_text().splitlines() == [
        "row,field,reason",
        "2,price,UNREADABLE",
        "3,out_of_stock,UNREADABLE",
        "3,price,UNREADABLE",
        "4,title,FIELD_REQUIRED",
        "6,age_min_years,UNREADABLE",
        "7,listed_since,UNREADABLE",
        "8,,MALFORMED",
    ]
    said = json.loads((tmp_path / "import" / REPORT_FILE).read_text())
    assert said == {"rows": 8, "put": 2, "reasons": report.reasons}


def test_an_import_made_again_puts_what_changed_back(tmp_path: Path) -> None:
    """Its requests are new ones: an answer kept from before would change nothing."""
    shop = Shop()
    path = write(tmp_path, ".csv", [row(1)])
    run(path, shop)
    shop.items.clear()
    assert run(path, shop).put == 1
    assert "sku-1" in shop.items
    assert len(set(shop.request_ids)) == 2


def test_a_suite_that_does_not_answer_stops_the_import(tmp_path: Path) -> None:
    """With the suite's reason."""

    def down(_request: object) -> object:
        raise Unavailable("STORE_UNAVAILABLE")

    with pytest.raises(SendingError):
        run(write(tmp_path, ".csv", [row(1)]), Shop(), down)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"columns": {"item_id": "a"}}, "dataset"),
        ({"dataset": "d", "columns": {"title": "a"}}, "columns.item_id"),
        ({"dataset": "d", "columns": {"item_id": "a", "colour": "b"}}, "columns.colour"),
        (
            {"dataset": "d", "columns": {"item_id": "a", "price": "b", "price_minor": "c"}},
            "columns.price_minor",
        ),
        ({"dataset": "d", "columns": {"item_id": "a"}, "more": 1}, "more"),
        ({"dataset": "Not A Name", "columns": {"item_id": "a"}}, "dataset"),
    ],
)
def test_a_mapping_that_says_what_nobody_knows_is_refused(content: dict[str, Any], field: str) -> None:
    """By the place of the key."""
    with pytest.raises(MappingError, match=field):
        parse_item_mapping(content)


def test_a_mapping_is_a_file(tmp_path: Path) -> None:
    """That is there and is TOML."""
    with pytest.raises(SourceError):
        load_item_mapping(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("= 1")
    with pytest.raises(MappingError):
        load_item_mapping(broken)
