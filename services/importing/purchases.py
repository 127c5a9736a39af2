"""The second reading: good rows as purchases of numbered people.

Rows come in the order of the source, batch by batch, each with its number; reading may
begin after any row and may leave out everything from an instant on. The same row is the
same purchase in every reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from services.importing.columns import Bools, Ints
from services.importing.dealing import deal_channels
from services.importing.judging import Judged, judge
from services.importing.mapping import Mapping
from services.importing.reading import Lines, Rows, read_lines
from services.importing.survey import Survey

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Purchases:
    """Good rows, as columns of one length.

    Attributes:
        rows: number of the record in the source.
        last_row: number of the last record this batch was made from, good or bad.
        ordinals: the person, see ``services.importing.dealing``.
        items: item code.
        orders: the source's basket or order; empty where it names none.
        channels: the ``Channel`` dealt to the basket.
        time_ms: milliseconds since the epoch.
        quantity: pieces.
        refund: the line takes something back.
        amount_minor: money of the line in minor units.
    """

    rows: Rows
    last_row: int
    ordinals: Ints
    items: list[str]
    orders: list[str]
    channels: npt.NDArray[np.int8]
    time_ms: Ints
    quantity: Ints
    refund: Bools
    amount_minor: Ints

    def only(self, wanted: Bools) -> Purchases:
        """Some of the rows."""
        if wanted.all():
            return self
        where = np.flatnonzero(wanted).tolist()
        return Purchases(
            rows=self.rows[wanted],
            last_row=self.last_row,
            ordinals=self.ordinals[wanted],
            items=[self.items[row] for row in where],
            orders=[self.orders[row] for row in where],
            channels=self.channels[wanted],
            time_ms=self.time_ms[wanted],
            quantity=self.quantity[wanted],
            refund=self.refund[wanted],
            amount_minor=self.amount_minor[wanted],
        )


def read_purchases(
    mapping: Mapping, survey: Survey, *, after_row: int = 0, until_ms: int | None = None
) -> Iterator[Purchases]:
    """Reads the good rows again, in the order of the source.

    Args:
        mapping: the data set.
        survey: the first reading of the same files.
        after_row: leave out the records up to this one.
        until_ms: leave out purchases at this instant or later, milliseconds since the epoch.
    """
    for lines in read_lines(mapping.files, mapping.columns, mapping.csv):
        if len(lines.rows) == 0 or lines.rows[-1] <= after_row:
            continue
        judged = judge(lines, mapping)
        wanted = (judged.defects == 0) & (lines.rows > after_row)
        if until_ms is not None:
            wanted &= judged.time_ms < until_ms
        yield _purchases(mapping, survey, lines, judged, wanted)


def _purchases(mapping: Mapping, survey: Survey, lines: Lines, judged: Judged, wanted: Bools) -> Purchases:
    chosen = pa.array(wanted)
    ordinals = pc.index_in(judged.person.filter(chosen), value_set=survey.people).to_numpy() + np.int64(1)
    order = judged.order.filter(chosen)
    # a person's day is the basket of a line without one
    day = pc.cast(pa.array(judged.time_ms[wanted] // DAY_MS), pa.string())
    baskets = pc.coalesce(order, pc.binary_join_element_wise("day", day, " ")).dictionary_encode()
    return Purchases(
        rows=lines.rows[wanted],
        last_row=int(lines.rows[-1]),
        ordinals=ordinals,
        items=judged.item.filter(chosen).to_pylist(),
        orders=pc.fill_null(order, "").to_pylist(),
        channels=deal_channels(
            mapping.dataset,
            ordinals,
            baskets.dictionary.to_pylist(),
            baskets.indices.to_numpy().astype(np.int64),
        ),
        time_ms=judged.time_ms[wanted],
        quantity=judged.quantity[wanted],
        refund=judged.refund[wanted],
        amount_minor=judged.amount_minor[wanted],
    )
