"""What a mapping file says: which columns of which files are a purchase.

The values here can not be wrong: ``services.importing.mapping_file`` makes them at the
edge. What a bad row is, is part of a mapping; its digest tells one import from another.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: Currencies whose major unit has not two decimals (ISO 4217), by their number.
_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}


def minor_digits(currency: str) -> int:
    """Decimals of a currency's major unit."""
    return next((digits for digits, codes in _DECIMALS.items() if currency in codes.split()), 2)


@dataclass(frozen=True, slots=True)
class Csv:
    """How CSV files are written."""

    delimiter: str = ","
    encoding: str = "utf-8"
    decimal_point: str = "."


@dataclass(frozen=True, slots=True)
class Amount:
    """The column of the money and how to read it.

    Attributes:
        column: the column.
        per_piece: it is the price of one piece; otherwise the amount of the whole line.
        minor: it is in minor units (cents); otherwise in major units with decimals.
        currency: ISO 4217 code.
    """

    column: str
    per_piece: bool
    minor: bool
    currency: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The columns an item's texts are put together from."""

    title: tuple[str, ...]
    category: tuple[str, ...]
    brand: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys((*self.title, *self.category, *self.brand)))


@dataclass(frozen=True, slots=True)
class Items:
    """Separate files with one row an item, joined on ``item``."""

    files: tuple[Path, ...]
    item: str
    texts: Texts


@dataclass(frozen=True, slots=True)
class BadRows:
    """What makes a row bad, beyond what can not be read at all.

    Attributes:
        nobody: texts of the person column that mean "no person".
        item_pattern: RE2 pattern the whole item code must match; empty for any.
        zero_quantity: a line of no pieces is bad; otherwise it counts as one piece.
        price_not_positive: a line without a price above zero is bad.
    """

    nobody: tuple[str, ...]
    item_pattern: str
    zero_quantity: bool
    price_not_positive: bool


@dataclass(frozen=True, slots=True)
class Mapping:
    """One data set of purchases.

    Attributes:
        dataset: its name.
        about: what it is, in a sentence to print.
        absent: texts that stand for nothing, in any column of keys or texts.
        files: the files with the purchase lines, in the order they are read.
        person: column of the person's key.
        item: column of the item's code.
        order: column of the basket or order; empty makes a basket of a person's day.
        time: column of the time; a time without a zone is UTC.
        time_format: ``strptime`` pattern, ``unix``, ``unix_ms``, or empty for what the file
            declares (Parquet) or ISO 8601 (text).
        quantity: column of the pieces, negative for a return; empty means one.
        amount: the money; ``None`` when there is none.
        texts: columns of the item's texts in the purchase lines.
        items: separate item files, or ``None``.
        upper_case_items: item codes are upper-cased.
        csv: how CSV files are written.
        bad: what makes a row bad.
        digest: SHA-256 of the mapping's content but for ``about``, hexadecimal.
    """

    dataset: str
    about: str
    absent: tuple[str, ...]
    files: tuple[Path, ...]
    person: str
    item: str
    order: str
    time: str
    time_format: str
    quantity: str
    amount: Amount | None
    texts: Texts
    items: Items | None
    upper_case_items: bool
    csv: Csv
    bad: BadRows
    digest: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the purchase lines that are read."""
        money = (self.amount.column,) if self.amount else ()
        named = (self.person, self.item, self.order, self.time, self.quantity, *money, *self.texts.columns)
        return tuple(dict.fromkeys(name for name in named if name))
