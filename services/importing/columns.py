"""Columns as files hold them, read as keys, numbers and times.

Text and typed columns of the same content give the same values. What can not be read is
null, NaN or named in a mask, never a default.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from services.importing.errors import SourceError

NUMBER = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,2})?$"
#: Times and money beyond this are not read: 64 bits would not hold what is made of them.
MAGNITUDE_MAX = 1e15

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def key_text(column: pa.Array, absent: Sequence[str] = ()) -> pa.Array:
    """A column of keys as trimmed text, null where it is empty or one of ``absent``.

    Raises:
        SourceError: the column is neither text nor numbers.
    """
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    kind = column.type
    if pa.types.is_floating(kind):
        # pandas writes whole numbers with a gap as floats
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
        if not pc.all(pc.equal(pc.floor(column), column)).as_py() and len(column) != column.null_count:
            raise SourceError(f"a key column holds fractions ({kind})")
        column = pc.cast(column, pa.int64())
    elif not (pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise SourceError(f"a key column must hold texts or whole numbers, not {kind}")
    text = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
    nothing = pc.is_in(text, pa.array(["", *absent]))
    return pc.if_else(nothing, pa.scalar(None, pa.string()), text)


def numbers(column: pa.Array, decimal_point: str) -> Floats:
    """A column of numbers; NaN where none can be read."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        text = pc.utf8_trim_whitespace(column)
        if decimal_point != ".":
            text = pc.replace_substring(text, decimal_point, ".")
        readable = pc.match_substring_regex(text, NUMBER)
        column = pc.if_else(readable, text, pa.scalar(None, text.type))
    try:
        return np.asarray(
            pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64
        )
    except pa.ArrowException as error:
        raise SourceError(f"numbers can not be read from a column of {column.type}") from error


def times(column: pa.Array, time_format: str) -> tuple[Ints, Bools]:
    """A column of times as milliseconds since the epoch, and where none can be read.

    A time without a zone is UTC.

    Raises:
        SourceError: the column's type is no time and the mapping does not say how to read it.
    """
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        stamps = pc.cast(
            column, pa.timestamp("ms", kind.tz if pa.types.is_timestamp(kind) else None), safe=False
        )
        millis = pc.cast(stamps, pa.int64())
    elif time_format in {"unix", "unix_ms"}:
        seconds = numbers(column, ".") * (1000 if time_format == "unix" else 1)
        absent = ~(np.abs(seconds) < MAGNITUDE_MAX)
        return np.where(absent, 0, seconds).astype(np.int64), absent
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        millis = _parsed(column, _reader(time_format))
    else:
        raise SourceError(f"a time can not be read from a column of {kind}; say purchases.time_format")
    return np.asarray(pc.fill_null(millis, 0), np.int64), bools(pc.is_null(millis))


def _parsed(column: pa.Array, read: Callable[[str], datetime]) -> pa.Array:
    """Each distinct text is read once: the lines of an order share theirs."""
    encoded = column.dictionary_encode()
    found: list[int | None] = []
    for text in encoded.dictionary.to_pylist():
        try:
            moment = read(text.strip())
        except ValueError:
            found.append(None)
            continue
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        found.append(round(moment.timestamp() * 1000))
    return pc.take(pa.array(found, pa.int64()), encoded.indices)


def _reader(time_format: str) -> Callable[[str], datetime]:
    if not time_format:
        return datetime.fromisoformat
    return lambda text: datetime.strptime(text, time_format)  # noqa: DTZ007 - the zone is set by the caller


def bools(mask: pa.Array) -> Bools:
    """A mask without nulls as a numpy array."""
    return np.asarray(mask.to_numpy(zero_copy_only=False), np.bool_)
