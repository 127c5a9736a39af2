"""What a record says, and what is wrong with it.

Each record gets a set of defects (a bit mask); it is a purchase exactly when it has none,
and the reason it is refused for is the first in the order of ``Defect``. Whatever can not
be read is a defect, never a default value.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.importing.columns import MAGNITUDE_MAX, Bools, Floats, Ints, bools, key_text, numbers, times
from services.importing.mapping import Amount, Mapping, minor_digits
from services.importing.reading import Lines

#: What the contract takes: characters of an id, pieces of a line.
ID_CHARACTERS_MAX = 64
QUANTITY_MAX = 1_000_000
#: A price is read with this many more decimals than its currency has, so that a price per
#: piece below the smallest coin still counts.
EXTRA_DIGITS = 2


class Defect(IntFlag):
    """Why a record is no purchase, in the order of precedence."""

    MALFORMED = 1
    NO_PERSON = 2
    NO_ITEM = 4
    ITEM_PATTERN = 8
    ITEM_TOO_LONG = 16
    ORDER_TOO_LONG = 32
    TIME_UNREADABLE = 64
    QUANTITY_UNREADABLE = 128
    QUANTITY_ZERO = 256
    QUANTITY_TOO_LARGE = 512
    AMOUNT_UNREADABLE = 1024
    PRICE_NOT_POSITIVE = 2048


#: A record with no other defects still names a product that is on sale.
NAMES_A_PRODUCT = Defect.NO_PERSON | Defect.QUANTITY_ZERO


@dataclass(frozen=True, slots=True)
class Judged:
    """Records as typed columns of one length; where a record has defects, values may be void.

    Attributes:
        person, item, order: keys as text, null where absent.
        time_ms: milliseconds since the epoch.
        quantity: pieces, at least 1.
        refund: the line takes something back.
        amount_minor: money of the line in minor units, not negative for a good record
            unless the mapping lets prices below zero pass.
        defects: bit mask of ``Defect``.
    """

    person: pa.Array
    item: pa.Array
    order: pa.Array
    time_ms: Ints
    quantity: Ints
    refund: Bools
    amount_minor: Ints
    defects: Ints


def judge(lines: Lines, mapping: Mapping) -> Judged:
    """Reads every record of a batch and notes its defects.

    Raises:
        SourceError: a column has a type nothing can be read from.
    """
    columns, bad, count = lines.columns, mapping.bad, len(lines.rows)
    defects = np.zeros(count, np.int64)

    def note(defect: Defect, where: Bools) -> None:
        defects[where] |= int(defect)

    person = key_text(columns[mapping.person], mapping.absent)
    nobody = pc.is_null(person)
    if bad.nobody:
        nobody = pc.or_(nobody, pc.is_in(person, pa.array(bad.nobody)))
    note(Defect.NO_PERSON, bools(nobody))
    item = item_text(columns[mapping.item], mapping)
    note(Defect.NO_ITEM, bools(pc.is_null(item)))
    if bad.item_pattern:
        fits = pc.match_substring_regex(item, f"^(?:{bad.item_pattern})$")
        note(Defect.ITEM_PATTERN, ~bools(pc.fill_null(fits, fill_value=True)))
    note(Defect.ITEM_TOO_LONG, _too_long(item))
    order = (
        key_text(columns[mapping.order], mapping.absent) if mapping.order else pa.nulls(count, pa.string())
    )
    note(Defect.ORDER_TOO_LONG, _too_long(order))
    time_ms, unreadable = times(columns[mapping.time], mapping.time_format)
    note(Defect.TIME_UNREADABLE, unreadable)
    pieces = (
        numbers(columns[mapping.quantity], mapping.csv.decimal_point) if mapping.quantity else np.ones(count)
    )
    note(Defect.QUANTITY_UNREADABLE, ~np.isfinite(pieces))
    pieces = np.nan_to_num(pieces, posinf=0, neginf=0)
    if bad.zero_quantity:
        note(Defect.QUANTITY_ZERO, pieces == 0)
    note(Defect.QUANTITY_TOO_LARGE, np.abs(pieces) > QUANTITY_MAX)
    amount_minor = np.zeros(count, np.int64)
    if mapping.amount:
        money = numbers(columns[mapping.amount.column], mapping.csv.decimal_point)
        note(Defect.AMOUNT_UNREADABLE, ~(np.abs(money) < MAGNITUDE_MAX))
        money = np.where(np.abs(money) < MAGNITUDE_MAX, money, 0)
        if bad.price_not_positive:
            # of a line's amount the sign follows the pieces: a refund's price is positive
            price = money if mapping.amount.per_piece else money * np.where(pieces < 0, np.sign(money), 1)
            note(Defect.PRICE_NOT_POSITIVE, price <= 0)
        amount_minor = line_amount(money, pieces, mapping.amount)
    return Judged(
        person=person,
        item=item,
        order=order,
        time_ms=time_ms,
        # something weighed counts as started pieces
        quantity=np.clip(np.ceil(np.abs(pieces)), 1, QUANTITY_MAX).astype(np.int64),
        refund=pieces < 0,
        amount_minor=amount_minor,
        defects=defects,
    )


def line_amount(money: Floats, pieces: Floats, amount: Amount) -> Ints:
    """Money of each line in minor units; a refund's is what was paid back.

    The price is rounded before it is multiplied: a price stored as a 32-bit float carries
    an error that grows with the pieces.
    """
    scale = 1 if amount.minor else 10 ** minor_digits(amount.currency)
    if amount.per_piece:
        fine = np.rint(money * scale * 10**EXTRA_DIGITS)
        minor = np.clip(fine * np.abs(pieces), -MAGNITUDE_MAX, MAGNITUDE_MAX) / 10**EXTRA_DIGITS
    else:
        minor = np.where(pieces < 0, np.abs(money), money) * scale
    return np.asarray(np.rint(minor), np.int64)


def item_text(column: pa.Array, mapping: Mapping) -> pa.Array:
    """A column of item codes in the form the catalogue uses."""
    text = key_text(column, mapping.absent)
    return pc.utf8_upper(text) if mapping.upper_case_items else text


def _too_long(text: pa.Array) -> Bools:
    return bools(pc.fill_null(pc.greater(pc.utf8_length(text), ID_CHARACTERS_MAX), fill_value=False))
