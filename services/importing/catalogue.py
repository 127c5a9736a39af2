"""The items a data set names, each with one title, category and brand.

Texts come from separate item files, or from the purchase lines themselves, where one code
may be told differently from line to line: then the telling counts that most lines carry.
The result depends on the rows alone, not on how they were cut into batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.importing.columns import key_text
from services.importing.judging import NAMES_A_PRODUCT, Judged, item_text
from services.importing.mapping import Mapping, Texts
from services.importing.reading import Lines, read_lines

#: What the contract takes, in characters.
TITLE_MAX, CATEGORY_MAX, BRAND_MAX = 500, 128, 128
#: Tellings are folded when so many have come together.
TELLINGS_MAX = 500_000
TEXT_KEYS = ["item", "title", "category", "brand"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The items, in the order of their codes; four columns of one length.

    Attributes:
        ids: item codes.
        titles: never empty; an item the source does not name goes by its category, and
            without one by its code.
        categories: most general part first, parts separated by " / "; may be empty.
        brands: may be empty.
        unnamed: how many items the source does not name.
    """

    ids: pa.Array
    titles: pa.Array
    categories: pa.Array
    brands: pa.Array
    unnamed: int


class Tellings:
    """Gathers what the lines say about items, batch by batch."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._parts: list[pa.Table] = []
        self._rows = 0

    def add(self, lines: Lines, judged: Judged) -> None:
        """Counts the tellings of one batch; a line of nobody's is still a sale."""
        names = (judged.defects & ~int(NAMES_A_PRODUCT)) == 0
        told = pa.table(
            {
                "item": judged.item,
                **_texts(lines, self._mapping.texts, self._mapping.absent),
                "lines": np.ones(len(names), np.int64),
            }
        ).filter(pa.array(names))
        self._parts.append(_folded(told))
        self._rows += self._parts[-1].num_rows
        if self._rows > TELLINGS_MAX:
            self._parts = [_folded(pa.concat_tables(self._parts))]
            self._rows = self._parts[0].num_rows

    def catalogue(self) -> Catalogue:
        """The catalogue of everything gathered.

        Raises:
            SourceError: an item file can not be read.
        """
        told = _most_told(_folded(pa.concat_tables(self._parts))) if self._parts else _no_tellings()
        ids = told["item"].combine_chunks()
        texts = [told[key].combine_chunks() for key in TEXT_KEYS[1:]]
        if self._mapping.items:
            listed = _item_files(self._mapping)
            position = pc.index_in(ids, value_set=listed["item"].combine_chunks())
            found = [pc.take(listed[key].combine_chunks(), position) for key in TEXT_KEYS[1:]]
            texts = [pc.coalesce(mine, line) for mine, line in zip(found, texts, strict=True)]
        titles, categories, brands = texts
        return Catalogue(
            ids=ids,
            titles=pc.coalesce(titles, pc.utf8_slice_codeunits(categories, 0, TITLE_MAX), ids),
            categories=pc.fill_null(categories, ""),
            brands=pc.fill_null(brands, ""),
            unnamed=titles.null_count,
        )


def _item_files(mapping: Mapping) -> pa.Table:
    """All rows of the item files as one table; the first row of a code counts."""
    source = mapping.items
    if source is None:
        return _no_tellings()
    columns = tuple(dict.fromkeys((source.item, *source.texts.columns)))
    parts = [
        pa.table(
            {
                "item": item_text(lines.columns[source.item], mapping),
                **_texts(lines, source.texts, mapping.absent),
            }
        )
        for lines in read_lines(source.files, columns, mapping.csv)
    ]
    return pa.concat_tables(parts) if parts else _no_tellings()


def _texts(lines: Lines, texts: Texts, absent: Sequence[str]) -> dict[str, pa.Array]:
    def joined(names: Sequence[str], between: str, characters_max: int) -> pa.Array:
        """The parts that are there, blanks folded, cut at the contract's limit; null if none is."""
        text = pa.nulls(len(lines.rows), pa.string())
        for name in names:
            part = pc.replace_substring_regex(key_text(lines.columns[name], absent), r"\s+", " ")
            # pairwise: binary_join_element_wise(null_handling="skip") drops rows of nothing but nulls
            text = pc.coalesce(pc.binary_join_element_wise(text, part, between), text, part)
        return pc.utf8_slice_codeunits(text, 0, characters_max)

    return {
        "title": joined(texts.title, " ", TITLE_MAX),
        "category": joined(texts.category, " / ", CATEGORY_MAX),
        "brand": joined(texts.brand, " ", BRAND_MAX),
    }


def _folded(told: pa.Table) -> pa.Table:
    counted = told.group_by(TEXT_KEYS).aggregate([("lines", "sum")])
    return counted.rename_columns({"lines_sum": "lines"})


def _most_told(told: pa.Table) -> pa.Table:
    """One row an item: named before unnamed, then by lines, then by the texts themselves."""
    named = pc.cast(pc.is_valid(told["title"]), pa.int8())
    told = told.append_column("named", named).sort_by(
        [
            ("item", "ascending"),
            ("named", "descending"),
            ("lines", "descending"),
            *((key, "ascending") for key in TEXT_KEYS[1:]),
        ]
    )
    items = told["item"].combine_chunks()
    if len(items) == 0:
        return told
    first = np.concatenate(
        [[True], np.asarray(pc.not_equal(items[1:], items[:-1]).to_numpy(zero_copy_only=False))]
    )
    return told.filter(pa.array(first))


def _no_tellings() -> pa.Table:
    return pa.table({key: pa.array([], pa.string()) for key in TEXT_KEYS})
