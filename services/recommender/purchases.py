"""Purchases to evaluate on, of any data set with a mapping file.

Rows are judged as an import judges them, so that an evaluation sees what a suite would be
given: a bad row is left out and counted. Lines that take something back are left out, too:
protocol A asks what people buy.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recommender.evaluation import Purchases
from recommender.events import EventTable
from services.importing.errors import ImportStopped
from services.importing.mapping import Mapping
from services.importing.purchases import DAY_MS, read_purchases
from services.importing.survey import take_survey


class TooFew(ImportStopped):
    """The data set has too few purchases to cut them in two."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """Purchases with their names.

    Attributes:
        name: of the data set.
        about: what it is, in a sentence.
        purchases: the lines; ``at`` in milliseconds since the epoch.
        people: keys by number.
        items: codes by number.
        categories: of each item by number.
        rows_read: records in the files.
        refused: bad records, by reason.
        digest: SHA-256 of the lines, hexadecimal; tells one data set from another.
        events: all that is known of these people, where it is more than the lines; ``at`` then
            is the day.
    """

    name: str
    about: str
    purchases: Purchases
    people: list[str]
    items: list[str]
    categories: list[str]
    rows_read: int
    refused: dict[str, int]
    digest: str
    events: EventTable | None = None


def load_purchases(mapping: Mapping, advanced: Callable[[int], None] = lambda _rows: None) -> DataSet:
    """Reads all good lines that buy something.

    Args:
        mapping: the data set.
        advanced: told after each batch how many records it held.

    Raises:
        ImportStopped: a file can not be read.
    """
    survey = take_survey(mapping, io.StringIO(), advanced)
    ids = survey.catalogue.ids
    parts = []
    for batch in read_purchases(mapping, survey):
        item = pc.index_in(pa.array(batch.items, pa.string()), value_set=ids).to_numpy(zero_copy_only=False)
        columns = np.stack([batch.ordinals - 1, item.astype(np.int64), batch.time_ms])
        parts.append(columns[:, ~batch.refund])
    person, item, at = np.concatenate(parts, axis=1) if parts else np.zeros((3, 0), np.int64)
    purchases = Purchases(person, item, at, at // DAY_MS)
    digest = hashlib.sha256()
    for column in (person, item, at):
        digest.update(np.ascontiguousarray(column).tobytes())
    return DataSet(
        name=mapping.dataset,
        about=mapping.about,
        purchases=purchases,
        people=survey.people.to_pylist(),
        items=ids.to_pylist(),
        categories=survey.catalogue.categories.to_pylist(),
        rows_read=survey.rows_read,
        refused=survey.refused,
        digest=digest.hexdigest(),
    )
