"""The first reading: who bought, what is sold, and which rows are bad.

It fixes everything that needs the whole source (the people's ordinals, the catalogue,
the counts), so that the second reading can go batch by batch and begin anywhere. A bad row is
written down by file, number and reason, never by person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.importing.catalogue import Catalogue, Tellings
from services.importing.columns import Ints
from services.importing.judging import Defect, judge
from services.importing.mapping import Mapping
from services.importing.reading import Lines, Rows, read_lines


@dataclass(frozen=True, slots=True)
class Survey:
    """What the first reading found.

    Attributes:
        people: keys of the people with a good row, sorted; ordinal = position + 1.
        catalogue: the items on sale: those of good rows, and of rows that lack but a person
            or pieces.
        rows_read: records in the files.
        rows_good: records that are purchases or refunds.
        refused: records refused, by reason.
        first_ms: time of the earliest good row, milliseconds since the epoch; 0 without one.
    """

    people: pa.Array
    catalogue: Catalogue
    rows_read: int
    rows_good: int
    refused: dict[str, int]
    first_ms: int


def take_survey(
    mapping: Mapping, bad_rows: TextIO, advanced: Callable[[int], None] = lambda _rows: None
) -> Survey:
    """Reads the whole source once.

    Args:
        mapping: the data set.
        bad_rows: gets one line ``file,row,reason`` per refused record; the row is counted
            from 1 within its file, without the header.
        advanced: told after each batch how many records it held.

    Raises:
        SourceError: a file can not be read.
    """
    refused: Counter[str] = Counter()
    people = [pa.array([], pa.string())]
    tellings = Tellings(mapping)
    rows_read = rows_good = 0
    earliest: list[int] = []
    bad_rows.write("file,row,reason\n")
    for lines in read_lines(mapping.files, mapping.columns, mapping.csv):
        judged = judge(lines, mapping)
        good = judged.defects == 0
        rows_read += len(lines.rows) + len(lines.malformed)
        rows_good += int(good.sum())
        people.append(pc.unique(judged.person.filter(pa.array(good))))
        tellings.add(lines, judged)
        earliest += [int(judged.time_ms[good].min())] if good.any() else []
        refused.update(_write_bad_rows(lines, judged.defects, bad_rows))
        advanced(len(lines.rows) + len(lines.malformed))
    known = pc.unique(pa.concat_arrays(people))
    return Survey(
        people=known.take(pc.array_sort_indices(known)),
        catalogue=tellings.catalogue(),
        rows_read=rows_read,
        rows_good=rows_good,
        refused=dict(refused.most_common()),
        first_ms=min(earliest, default=0),
    )


def _write_bad_rows(lines: Lines, defects: Ints, bad_rows: TextIO) -> Counter[str]:
    where = np.flatnonzero(defects)
    rows: Rows = np.concatenate([lines.rows[where], lines.malformed])
    found = np.concatenate([defects[where], np.full(len(lines.malformed), int(Defect.MALFORMED))])
    first = found & -found  # the lowest bit: the reason that goes before the others
    names = {int(bit): Defect(int(bit)).name or "" for bit in np.unique(first)}
    reasons = [names[bit] for bit in first.tolist()]
    in_file = (rows - lines.rows_before_file).tolist()
    bad_rows.writelines(f"{lines.file},{row},{why}\n" for row, why in zip(in_file, reasons, strict=True))
    return Counter(reasons)
