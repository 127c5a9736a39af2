"""Some rows of a file as identifiers and the evidence between them.

What a row says that can not be read is named by row, field and reason, never repeated; the rest of
the row counts. Raw values end here: what leaves is a digest.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
import pyarrow as pa

from services.importing.columns import key_text, numbers, times
from services.importing.identity_mapping import HEX, RAW, Evidence, Identifiers, IdentityMapping, Told
from services.importing.reading import Lines
from veilgraph.identity.v1 import identity_pb2

DIGEST_BYTES = 32
CERTAIN_PERMILLE = 1000
_NOBODY = -1


class RowError(NamedTuple):
    """What of a row was not taken: its number over all files, the field, the reason."""

    row: int
    field: str
    reason: str


class Seen(NamedTuple):
    """Evidence of one row between two identifiers, named by their positions; instants in milliseconds.

    Attributes:
        row: the row's number over all files.
        name: of the link in the mapping.
        one, other: positions of the identifiers.
        source: who saw it.
        observed_at_ms: when.
        valid_until_ms: from when on it no longer holds; ``None`` if that is not said.
        confidence_permille: how sure the source is; 1000 is certain.
    """

    row: int
    name: str
    one: int
    other: int
    source: str
    observed_at_ms: int
    valid_until_ms: int | None
    confidence_permille: int


@dataclass(frozen=True, slots=True)
class Portion:
    """What some consecutive rows say.

    Attributes:
        first_row: number of the first of them over all files.
        last_row: of the last.
        rows: how many there are.
        identifiers: every identifier once, in the order they come.
        holders: for each of them, the row and the field it first stands in.
        seen: the evidence between them.
        errors: what could not be read, in the order of rows.
    """

    first_row: int
    last_row: int
    rows: int
    identifiers: Sequence[identity_pb2.Identifier]
    holders: Sequence[tuple[int, str]]
    seen: Sequence[Seen]
    errors: Sequence[RowError]


def portion_of(lines: Lines, mapping: IdentityMapping) -> Portion:
    """Reads some lines.

    Raises:
        SourceError: a column has a type that can not hold what the mapping says.
    """
    reader = _Reader(lines, mapping)
    places = {name: reader.identifiers(name, one) for name, one in mapping.identifiers.items()}
    seen = [
        one
        for name, link in mapping.links.items()
        for one in reader.links(name, link, places[link.one], places[link.other])
    ]
    seen.sort(key=lambda one: one.row)
    numbered = [*lines.rows.tolist(), *lines.malformed.tolist()]
    reader.errors += [RowError(row, "", "MALFORMED") for row in lines.malformed.tolist()]
    return Portion(
        min(numbered, default=0),
        max(numbered, default=0),
        len(numbered),
        reader.found,
        reader.holders,
        seen,
        sorted(reader.errors),
    )


class _Reader:
    def __init__(self, lines: Lines, mapping: IdentityMapping) -> None:
        self._lines = lines
        self._mapping = mapping
        self._rows = lines.rows.tolist()
        self._known: dict[tuple[int, bytes], int] = {}
        self.found: list[identity_pb2.Identifier] = []
        self.holders: list[tuple[int, str]] = []
        self.errors: list[RowError] = []

    def identifiers(self, name: str, column: Identifiers) -> list[int]:
        """For each row the position of its identifier among those found, or none."""
        texts = key_text(self._lines.columns[column.column], self._mapping.absent).to_pylist()
        places = []
        for row, text in zip(self._rows, texts, strict=True):
            place = _NOBODY
            if text is not None:
                identifier = _identifier(column, text)
                if identifier is None:
                    reason = "NOT_AN_IDENTIFIER" if column.form == RAW else "NOT_A_DIGEST"
                    self.errors.append(RowError(row, name, reason))
                else:
                    place = self._place(identifier, row, name)
            places.append(place)
        return places

    def links(self, name: str, link: Evidence, one: Sequence[int], other: Sequence[int]) -> list[Seen]:
        """The evidence of the rows that have both identifiers and say enough about it."""
        both = (np.asarray(one, np.int64) != _NOBODY) & (np.asarray(other, np.int64) != _NOBODY)
        sources = self._texts(link.source)
        observed, unseen, _ = self._instants(link.observed_at)
        until, unread, endless = self._instants(link.valid_until)
        sure, unsure = self._permille(link.confidence)
        seen = []
        for at in np.flatnonzero(both).tolist():
            row, source = self._rows[at], sources[at]
            faults = [
                (source is None, "source", "SOURCE_MISSING"),
                (unseen[at], "observed_at", "TIME_UNREADABLE"),
                (unread[at] and not endless[at], "valid_until", "TIME_UNREADABLE"),
                (unsure[at], "confidence", "CONFIDENCE_OUT_OF_RANGE"),
            ]
            wrong = [RowError(row, f"{name}.{field}", why) for fault, field, why in faults if fault]
            if wrong or source is None:
                self.errors += wrong
                continue
            ends = None if endless[at] else until[at]
            seen.append(Seen(row, name, one[at], other[at], source, observed[at], ends, sure[at]))
        return seen

    def _place(self, identifier: identity_pb2.Identifier, row: int, name: str) -> int:
        key = identifier.kind, identifier.sha256
        place = self._known.get(key)
        if place is None:
            place = self._known[key] = len(self.found)
            self.found.append(identifier)
            self.holders.append((row, name))
        return place

    def _texts(self, told: Told) -> list[str | None]:
        if not told.column:
            return [told.constant] * len(self._rows)
        texts: list[str | None] = key_text(self._lines.columns[told.column], self._mapping.absent).to_pylist()
        return texts

    def _instants(self, told: Told) -> tuple[list[int], list[bool], list[bool]]:
        """Milliseconds since the epoch, where there are none, and where nothing is said at all."""
        count = len(self._rows)
        if not told:
            return [0] * count, [True] * count, [True] * count
        if told.column:
            column, time_format = self._lines.columns[told.column], self._mapping.time_format
        else:
            column, time_format = pa.array([told.constant] * count, pa.string()), ""
        said_by = key_text(column, self._mapping.absent) if pa.types.is_string(column.type) else column
        instants, absent = times(column, time_format)
        return instants.tolist(), absent.tolist(), said_by.is_null().to_pylist()

    def _permille(self, told: Told) -> tuple[list[int], list[bool]]:
        """Thousandths, and where what stands there is no sureness: 0 would mean certain on the wire."""
        if not told:
            return [CERTAIN_PERMILLE] * len(self._rows), [False] * len(self._rows)
        if told.column:
            sure = numbers(self._lines.columns[told.column], ".")
        else:
            sure = numbers(pa.array([told.constant] * len(self._rows), pa.string()), ".")
        permille = (
            np.nan_to_num(sure * CERTAIN_PERMILLE, nan=0.0, posinf=0.0, neginf=0.0).round().astype(np.int64)
        )
        return permille.tolist(), ((permille < 1) | (permille > CERTAIN_PERMILLE)).tolist()


def _identifier(column: Identifiers, text: str) -> identity_pb2.Identifier | None:
    """The identifier a text stands for; none if it does not stand for one."""
    if column.form == RAW:
        try:
            return column.normalise(text)
        except ValueError:
            return None
    try:
        digest = bytes.fromhex(text) if column.form == HEX else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    if len(digest) != DIGEST_BYTES:
        return None
    return identity_pb2.Identifier(kind=cast("identity_pb2.IdentifierKind", column.kind), sha256=digest)
