"""Source files, read batch by batch as columns of text and numbers.

A row keeps its number: 1 for the first record of the first file, counted on through all
files, records that could not be taken apart included. Nothing here decides whether a row
is good; one file is never held in memory as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from services.importing.errors import SourceError
from services.importing.mapping import Csv

BATCH_ROWS = 65_536
CSV_BLOCK_BYTES = 8 << 20

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lines:
    """Some consecutive records.

    Attributes:
        columns: the columns asked for, all of one length.
        rows: number of each record over all files, counted from 1.
        malformed: numbers of the records among them that could not be taken apart.
        file: name of the file they stand in.
        rows_before_file: records of the files before it.
    """

    columns: dict[str, pa.Array]
    rows: Rows
    malformed: Rows
    file: str
    rows_before_file: int


def read_lines(files: Sequence[Path], columns: Sequence[str], csv: Csv) -> Iterator[Lines]:
    """Reads the records of all files in order.

    Args:
        files: CSV, JSON lines or Parquet, told apart by their suffix.
        columns: names of the columns wanted.
        csv: how text files are written.

    Raises:
        SourceError: a file lacks a column or can not be read.
    """
    before = 0
    for file in files:
        last = before
        try:
            for batch, rows, malformed in _READERS[file.suffix.lower()](file, columns, csv):
                yield Lines(
                    dict(zip(columns, (batch.column(name) for name in columns), strict=True)),
                    rows + before,
                    malformed + before,
                    file.name,
                    before,
                )
                last = max(last, *(int(n[-1]) + before for n in (rows, malformed) if len(n)))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise SourceError(f"{file.name}: {error}") from error
        before = last


Records = Iterator[tuple[pa.RecordBatch, Rows, Rows]]


def _read_parquet(file: Path, columns: Sequence[str], _csv: Csv) -> Records:
    with pa_parquet.ParquetFile(file) as source:
        _need(file, columns, source.schema_arrow.names)
        read = 0
        for batch in source.iter_batches(BATCH_ROWS, columns=list(columns)):
            yield batch, np.arange(read + 1, read + 1 + batch.num_rows), np.empty(0, np.int64)
            read += batch.num_rows


@dataclass
class _Malformed:
    """Collects what Arrow could not split into fields; numbers count the header as 1."""

    rows: list[int] = field(default_factory=list)

    def __call__(self, row: pa_csv.InvalidRow) -> str:
        self.rows.append(row.number - 1)
        return "skip"


def _read_csv(file: Path, columns: Sequence[str], csv: Csv) -> Records:
    if file.stat().st_size == 0:
        raise SourceError(f"{file.name}: is empty")
    malformed = _Malformed()
    # one thread: only then does Arrow tell the numbers of malformed records
    read_options = pa_csv.ReadOptions(use_threads=False, block_size=CSV_BLOCK_BYTES, encoding=csv.encoding)
    parse_options = pa_csv.ParseOptions(
        delimiter=csv.delimiter, newlines_in_values=True, invalid_row_handler=malformed
    )
    with pa_csv.open_csv(file, read_options=read_options, parse_options=parse_options) as source:
        _need(file, columns, source.schema.names)
    malformed.rows.clear()
    # every column as text: a code such as 00123 must stay what it is
    convert_options = pa_csv.ConvertOptions(
        include_columns=list(columns),
        column_types=dict.fromkeys(columns, pa.string()),
        strings_can_be_null=True,
        null_values=[""],
    )
    next_row, given = 1, 0
    with pa_csv.open_csv(file, read_options, parse_options, convert_options) as source:
        for batch in source:
            skipped = np.array(malformed.rows[given:], np.int64)
            numbers = np.arange(next_row, next_row + batch.num_rows + len(skipped))
            rows = numbers[~np.isin(numbers, skipped)][: batch.num_rows]
            next_row = int(rows[-1]) + 1 if len(rows) else next_row
            passed = skipped[skipped < next_row]
            given += len(passed)
            yield batch, rows, passed
        if given < len(malformed.rows):
            empty = pa.RecordBatch.from_pydict({name: pa.array([], pa.string()) for name in columns})
            yield empty, np.empty(0, np.int64), np.array(malformed.rows[given:], np.int64)


def _read_jsonl(file: Path, columns: Sequence[str], csv: Csv) -> Records:
    """An object a line; every value as text, a key that is not there or null as nothing."""
    with file.open(encoding=csv.encoding) as source:
        read = 0
        while lines := list(islice(source, BATCH_ROWS)):
            records = [_record(line, columns) for line in lines]
            numbers = np.arange(read + 1, read + 1 + len(lines))
            good = np.array([record is not None for record in records], np.bool_)
            kept = [record for record in records if record is not None]
            if not read:
                _need(file, columns, {key for record in kept for key in record})
            batch = pa.RecordBatch.from_pydict(
                {name: pa.array([record.get(name) for record in kept], pa.string()) for name in columns}
            )
            yield batch, numbers[good], numbers[~good]
            read += len(lines)


def _record(line: str, columns: Sequence[str]) -> dict[str, Any] | None:
    """The object of a line, the columns wanted as text; ``None`` if it can not be taken apart."""
    try:
        record = json.loads(line)
        if not isinstance(record, dict):
            return None
        for name in columns:
            if name in record:
                record[name] = _text(record[name])
    except (ValueError, RecursionError):  # brackets in brackets without end
        return None
    return record


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    text.encode()  # an escaped half of a character is no text: UnicodeEncodeError, a ValueError
    return text


_READERS: dict[str, Callable[[Path, Sequence[str], Csv], Records]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".jsonl": _read_jsonl,
}
SUFFIXES = frozenset(_READERS)


def _need(file: Path, columns: Sequence[str], present: Collection[str]) -> None:
    """Names what is missing, never what is there: without a header, that is somebody's row."""
    missing = [name for name in columns if name not in present]
    if missing:
        raise SourceError(f"{file.name}: no column {missing[0]!r} among its {len(present)}")
