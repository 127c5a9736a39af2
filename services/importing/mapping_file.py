"""Reads a mapping file.

A mapping is parsed at the edge into types that can not be wrong: every key is known, has
its type, and says where it stands when it does not; every file it names is there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping as Content
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from services.importing.errors import MappingError, SourceError
from services.importing.mapping import Amount, BadRows, Csv, Items, Mapping, Texts
from services.importing.reading import SUFFIXES
from services.importing.toml_table import Table, content_of

#: The mapping of the data set that is imported when none is named.
COMPLETE_JOURNEY = Path(__file__).with_name("complete_journey.toml")
#: A data set's name is a folder under ``var`` and a label of the synthetic e-mail domain.
DATASET_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def load_mapping(path: Path = COMPLETE_JOURNEY, *, folder: Path | None = None) -> Mapping:
    """Reads a mapping file.

    Args:
        path: the TOML file.
        folder: where relative file names are looked up; otherwise beside the mapping, or in
            the installed package that the mapping names.

    Raises:
        MappingError: a key is unknown, missing or of the wrong type; not TOML.
        SourceError: a file it names does not exist.
    """
    return parse_mapping(content_of(path), folder or path.parent, package_wins=folder is None)


def parse_mapping(content: Content[str, Any], folder: Path, *, package_wins: bool = True) -> Mapping:
    """Makes a mapping of the content of a mapping file; see ``load_mapping``."""
    top = Table(content, "")
    dataset = dataset_of(top)
    package = top.text("package", "")
    base = _package_folder(package) if package and package_wins else folder
    lines = top.table("purchases")
    items = top.table("items", optional=True)
    mapping = Mapping(
        dataset=dataset,
        about=top.text("about", ""),
        absent=top.texts("absent"),
        files=_files(lines, base),
        person=lines.text("person"),
        item=lines.text("item"),
        order=lines.text("order", ""),
        time=lines.text("time"),
        time_format=lines.text("time_format", ""),
        quantity=lines.text("quantity", ""),
        amount=_amount(lines.table("amount", optional=True)),
        texts=_texts(lines),
        items=Items(_files(items, base), items.text("item"), _texts(items)) if items else None,
        upper_case_items=lines.flag("upper_case_items", default=False),
        csv=csv_of(top.table("csv", optional=True)),
        bad=_bad_rows(top.table("bad_rows", optional=True)),
        digest=hashlib.sha256(
            json.dumps({**content, "about": ""}, sort_keys=True, default=str).encode()
        ).hexdigest(),
    )
    top.close()
    return mapping


def _texts(table: Table) -> Texts:
    return Texts(table.texts("title"), table.texts("category"), table.texts("brand"))


def _amount(table: Table) -> Amount | None:
    if not table:
        return None
    currency = table.text("currency")
    if not re.fullmatch("[A-Z]{3}", currency):
        raise MappingError(table.at("currency"), "an ISO 4217 code of three capital letters")
    return Amount(
        column=table.text("column"),
        per_piece=table.choice("per", ("line", "piece"), "line") == "piece",
        minor=table.choice("unit", ("major", "minor"), "major") == "minor",
        currency=currency,
    )


def dataset_of(top: Table) -> str:
    """The name of the data set, as a mapping says it."""
    dataset = top.text("dataset")
    if not DATASET_NAME.fullmatch(dataset):
        raise MappingError("dataset", "lower-case letters, digits and hyphens, at most 40")
    return dataset


def csv_of(table: Table) -> Csv:
    """How text files are written, as a mapping says it."""
    csv = Csv(
        delimiter=table.text("delimiter", ","),
        encoding=table.text("encoding", "utf-8"),
        decimal_point=table.choice("decimal_point", (".", ","), "."),
    )
    if len(csv.delimiter) != 1:
        raise MappingError(table.at("delimiter"), "one character")
    try:
        "".encode(csv.encoding)
    except LookupError:
        raise MappingError(table.at("encoding"), f"unknown encoding {csv.encoding!r}") from None
    return csv


def _bad_rows(table: Table) -> BadRows:
    pattern = table.text("item_pattern", "")
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        raise MappingError(table.at("item_pattern"), f"not an RE2 pattern: {error}") from None
    return BadRows(
        nobody=table.texts("nobody"),
        item_pattern=pattern,
        zero_quantity=table.flag("zero_quantity", default=True),
        price_not_positive=table.flag("price_not_positive", default=False),
    )


def _package_folder(package: str) -> Path:
    # find_spec of a top-level package looks it up and does not run it
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or spec.origin is None:
        raise MappingError("package", f"{package!r} is not installed")
    return Path(spec.origin).parent


def _files(table: Table, base: Path) -> tuple[Path, ...]:
    found: list[Path] = []
    for position, pattern in enumerate(table.texts("files", None)):
        path = Path(pattern)
        root, relative = (
            (Path(path.anchor), path.relative_to(path.anchor)) if path.is_absolute() else (base, path)
        )
        matches = sorted(root.glob(str(relative)))
        if not matches:
            raise SourceError(f"{table.at('files')}[{position}]: no file {pattern!r} in {root}")
        found += [match for match in matches if match not in found]
    for file in found:
        if file.suffix.lower() not in SUFFIXES:
            raise SourceError(f"{file.name}: none of {', '.join(sorted(SUFFIXES))}")
    if not found:
        raise MappingError(table.at("files"), "names no file")
    return tuple(found)
