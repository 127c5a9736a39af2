"""What a mapping of identities says: which columns are identifiers, and what joins those of a row.

A column holds values as people write them, which are normalised and hashed in this process, or
digests made elsewhere by the same rules. What joins two of them is evidence that somebody saw.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Content
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from services.importing.errors import MappingError, SourceError
from services.importing.mapping import Csv
from services.importing.mapping_file import csv_of, dataset_of
from services.importing.reading import SUFFIXES
from services.importing.toml_table import Table, content_of
from veilgraph import client
from veilgraph.identity.v1 import identity_pb2

_KIND, _EVIDENCE = "IDENTIFIER_KIND_", "EVIDENCE_"
#: kind, as the mapping names it -> what normalises and hashes a value of it.
NORMALISE: Content[str, Callable[..., identity_pb2.Identifier]] = {
    name: getattr(client, name)
    for name in (
        number.name.removeprefix(_KIND).lower()
        for number in identity_pb2.IdentifierKind.DESCRIPTOR.values
        if number.number
    )
}
_EVIDENCES = tuple(
    one.name.removeprefix(_EVIDENCE).lower() for one in identity_pb2.Evidence.DESCRIPTOR.values if one.number
)
_SOURCE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
RAW, HEX, BASE64 = FORMS = ("raw", "hex", "base64")


@dataclass(frozen=True, slots=True)
class Identifiers:
    """A column of identifiers.

    Attributes:
        column: its name in the files.
        kind: number in the contract.
        form: ``raw``: a value to be normalised and hashed here; ``hex`` or ``base64``: a SHA-256.
        normalise: makes the identifier of a raw value; raises ``ValueError`` if it is none.
    """

    column: str
    kind: int
    form: str
    normalise: Callable[[str], identity_pb2.Identifier]


@dataclass(frozen=True, slots=True)
class Told:
    """Something a column says row by row, or the mapping for all rows."""

    column: str
    constant: str

    def __bool__(self) -> bool:
        return bool(self.column or self.constant)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What joins two identifiers of one row.

    Attributes:
        one: name of the identifiers at one end.
        other: and at the other.
        evidence: number in the contract.
        source: the system that saw it.
        observed_at: when.
        valid_until: from when on it no longer holds; nothing if that is not said.
        confidence: from 0 to 1; nothing if the source is certain.
    """

    one: str
    other: str
    evidence: int
    source: Told
    observed_at: Told
    valid_until: Told
    confidence: Told

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it is read from."""
        told = (self.source, self.observed_at, self.valid_until, self.confidence)
        return tuple(one.column for one in told if one.column)


@dataclass(frozen=True, slots=True)
class IdentityMapping:
    """One data set of identities.

    Attributes:
        dataset: its name.
        absent: texts that stand for nothing, in any column.
        time_format: ``strptime`` pattern, ``unix``, ``unix_ms``, or empty for what the file
            declares (Parquet) or ISO 8601 (text).
        identifiers: the columns with identifiers, by the names the links call them.
        links: what joins them, by name.
        csv: how text files are written.
        digest: SHA-256 of the mapping's content but for ``about``, hexadecimal.
    """

    dataset: str
    absent: tuple[str, ...]
    time_format: str
    identifiers: Content[str, Identifiers]
    links: Content[str, Evidence]
    csv: Csv
    digest: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        named = [one.column for one in self.identifiers.values()]
        named += [column for link in self.links.values() for column in link.columns]
        return tuple(dict.fromkeys(named))


def load_identity_mapping(path: Path) -> IdentityMapping:
    """Reads a mapping file.

    Raises:
        MappingError: a key is unknown, missing or of the wrong type; not TOML.
        SourceError: there is no such file.
    """
    return parse_identity_mapping(content_of(path))


def parse_identity_mapping(content: Content[str, Any]) -> IdentityMapping:
    """Makes a mapping of the content of a mapping file; see ``load_identity_mapping``."""
    top = Table(content, "")
    top.text("about", "")
    dataset = dataset_of(top)
    identifiers = {name: _identifiers(table) for name, table in top.tables("identifiers").items()}
    links = top.tables("links") if "links" in content else {}
    mapping = IdentityMapping(
        dataset=dataset,
        absent=top.texts("absent"),
        time_format=top.text("time_format", ""),
        identifiers=identifiers,
        links={name: _link(table, tuple(identifiers)) for name, table in links.items()},
        csv=csv_of(top.table("csv", optional=True)),
        digest=hashlib.sha256(
            json.dumps({**content, "about": ""}, sort_keys=True, default=str).encode()
        ).hexdigest(),
    )
    top.close()
    return mapping


def files_of(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files to import, in the order they are given.

    Raises:
        SourceError: one is not there, or of a kind that can not be read.
    """
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            raise SourceError(f"{path.name}: none of {', '.join(sorted(SUFFIXES))}")
        if not path.is_file():
            raise SourceError(f"no file {path}")
    return tuple(paths)


def _identifiers(table: Table) -> Identifiers:
    kind = table.choice("kind", tuple(NORMALISE))
    form = table.choice("form", FORMS, RAW)
    region = table.text("region", "")
    if region and (kind, form) != ("phone", RAW):
        raise MappingError(table.at("region"), "only raw phone numbers are written by a country's rules")
    normalise = NORMALISE[kind]
    return Identifiers(
        column=table.text("column"),
        kind=identity_pb2.IdentifierKind.Value(_KIND + kind.upper()),
        form=form,
        normalise=(lambda number: normalise(number, region)) if region else normalise,
    )


def _link(table: Table, names: tuple[str, ...]) -> Evidence:
    _constants(table)
    link = Evidence(
        one=table.choice("one", names),
        other=table.choice("other", names),
        evidence=identity_pb2.Evidence.Value(_EVIDENCE + table.choice("evidence", _EVIDENCES).upper()),
        source=_told(table, "source"),
        observed_at=_told(table, "observed_at"),
        valid_until=_told(table, "valid_until", required=False),
        confidence=_told(table, "confidence", required=False),
    )
    if link.one == link.other:
        raise MappingError(table.at("other"), "an identifier is not linked to itself")
    if link.source.constant and not _SOURCE.fullmatch(link.source.constant):
        raise MappingError(
            table.at("source"), "lower-case letters, digits, dots, hyphens and underscores, at most 64"
        )
    return link


def _constants(table: Table) -> None:
    """What the mapping itself says of all rows is looked at before the first of them."""
    for key in ("observed_at", "valid_until"):
        instant = table.text(key, "")
        try:
            datetime.fromisoformat(instant or "2000-01-01")
        except ValueError:
            raise MappingError(table.at(key), "not a time by ISO 8601") from None
    sure = table.text("confidence", "1")
    if not re.fullmatch(r"1(\.0+)?|0?\.[0-9]*[1-9][0-9]*", sure):
        raise MappingError(table.at("confidence"), "a number above 0, at most 1, as a text")


def _told(table: Table, key: str, *, required: bool = True) -> Told:
    constant, column = table.text(key, ""), table.text(f"{key}_column", "")
    if constant and column:
        raise MappingError(table.at(key), f"either this or {key}_column")
    if required and not (constant or column):
        raise MappingError(table.at(key), f"this or {key}_column is needed")
    return Told(column, constant)
