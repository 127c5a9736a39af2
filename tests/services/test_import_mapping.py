"""A mapping file is read into values that can not be wrong, or refused with the place that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.importing.errors import MappingError, SourceError
from services.importing.mapping_file import load_mapping, parse_mapping
from tests.services.import_world import LINES, MAPPING, mapping_of

EXAMPLES = Path(__file__).parents[2] / "docs/examples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lines.csv").write_text(LINES)
    return tmp_path


def changed(path: str, value: Any) -> dict[str, Any]:
    """The shop's mapping with one key set, or taken out where the value is ``None``."""
    content = {key: dict(v) if isinstance(v, dict) else v for key, v in MAPPING.items()}
    *tables, key = path.split(".")
    table = content
    for name in tables:
        table[name] = dict(table.get(name, {}))
        table = table[name]
    table[key] = value
    if value is None:
        del table[key]
    return content


def test_the_default_mapping_finds_the_installed_files_without_running_their_package() -> None:
    mapping = load_mapping()
    assert mapping.dataset == "complete-journey"
    assert [file.name for file in mapping.files] == ["transactions.parquet"]
    assert mapping.items is not None
    assert mapping.items.texts.title == ("product_type", "package_size")


def test_files_are_looked_up_beside_the_mapping_or_in_the_folder_named(folder: Path, tmp_path: Path) -> None:
    example = (EXAMPLES / "online_retail_ii.toml").read_text()
    (tmp_path / "mapping.toml").write_text(example)
    with pytest.raises(SourceError, match="no file"):
        load_mapping(tmp_path / "mapping.toml")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("online_retail_II.part2.parquet", "online_retail_II.part1.parquet"):
        (elsewhere / name).touch()
    mapping = load_mapping(tmp_path / "mapping.toml", folder=elsewhere)
    assert [file.name for file in mapping.files] == [
        "online_retail_II.part1.parquet",
        "online_retail_II.part2.parquet",
    ]


def test_an_absolute_file_name_is_taken_as_it_is(folder: Path) -> None:
    mapping = parse_mapping(changed("purchases.files", [str(folder / "lines.csv")]), Path("/nowhere"))
    assert mapping.files == (folder / "lines.csv",)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("colour", "red"),
        ("purchases.persona", "who"),
        ("purchases.amount.per_piece", True),
        ("bad_rows.zero_quantitty", True),
        ("items.titel", "name"),
        ("csv.separator", ";"),
    ],
)
def test_an_unknown_key_is_refused_where_it_stands(folder: Path, path: str, value: object) -> None:
    content = changed(path, value)
    if path.startswith("items"):
        content["items"] |= {"files": ["lines.csv"], "item": "code"}
    with pytest.raises(MappingError, match="unknown key") as caught:
        parse_mapping(content, folder)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("path", "value", "at"),
    [
        ("dataset", None, "dataset"),
        ("dataset", "Corner Shop", "dataset"),
        ("dataset", "../etc", "dataset"),
        ("purchases.person", None, "purchases.person"),
        ("purchases.person", "", "purchases.person"),
        ("purchases.item", 7, "purchases.item"),
        ("purchases.files", [], "purchases.files"),
        ("purchases.files", ["lines.csv", ""], "purchases.files[1]"),
        ("purchases.title", ["name", 3], "purchases.title[1]"),
        ("purchases.upper_case_items", "yes", "purchases.upper_case_items"),
        ("purchases.amount.currency", "euro", "purchases.amount.currency"),
        ("purchases.amount.per", "kilo", "purchases.amount.per"),
        ("purchases.amount.unit", "cents", "purchases.amount.unit"),
        ("purchases.amount.column", True, "purchases.amount.column"),
        ("bad_rows.item_pattern", "[", "bad_rows.item_pattern"),
        ("csv.delimiter", "::", "csv.delimiter"),
        ("csv.encoding", "klingon", "csv.encoding"),
        ("csv.decimal_point", ";", "csv.decimal_point"),
        ("package", "no_such_package", "package"),
        ("purchases", "lines.csv", "purchases"),
    ],
)
def test_a_wrong_value_is_refused_where_it_stands(folder: Path, path: str, value: object, at: str) -> None:
    with pytest.raises(MappingError) as caught:
        parse_mapping(changed(path, value), folder)
    assert caught.value.path == at


def test_a_file_that_is_neither_csv_nor_parquet_is_refused(folder: Path) -> None:
    (folder / "lines.xlsx").touch()
    with pytest.raises(SourceError, match=r"lines\.xlsx"):
        parse_mapping(changed("purchases.files", ["lines.xlsx"]), folder)


@pytest.mark.parametrize("text", ["dataset = ", "\x00"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mapping.toml").write_text(text)
    with pytest.raises(MappingError, match="not TOML"):
        load_mapping(tmp_path / "mapping.toml")


def test_a_missing_mapping_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nothing\.toml"):
        load_mapping(tmp_path / "nothing.toml")


def test_the_digest_depends_on_the_content_and_not_on_what_is_said_about_it(folder: Path) -> None:
    digest = mapping_of(folder).digest
    assert mapping_of(folder, about="A shop on a corner").digest == digest
    assert mapping_of(folder, bad_rows={"zero_quantity": False}).digest != digest
