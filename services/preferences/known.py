"""What the suite answered about a person, as the page shows it: plain values, no messages.

A value's content is whatever a store exports, so it is shown field by field as it came; every
text of it is somebody else's and is only ever text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, NamedTuple

#: Of a value so many characters are shown; all of them stand in the download.
SHOWN_CHARACTERS: Final = 100
SHOWN_FIELDS: Final = 8
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})


@dataclass(frozen=True)
class Kept:
    """One thing that is kept, or was concluded.

    Attributes:
        store: the store it is in.
        kind: what it is.
        value_json: what it says.
        source: the system it came from.
        party: whose data it is; empty if it is the deployment's own.
        at: when it happened, or else was recorded.
        inferred: it was concluded.
    """

    store: str
    kind: str
    value_json: str
    source: str
    party: str
    at: datetime | None
    inferred: bool

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """What it says, by name; read only of what is shown."""
        return fields_of(self.value_json)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where things of one kind came from: what they are, where kept, how many, from when to when."""

    source: str
    party: str
    store: str
    kind: str
    count: int
    first: datetime | None
    last: datetime | None


class Recipient(NamedTuple):
    """A system that asked: its name, what for, how often it was answered and refused, and when last."""

    name: str
    purpose: str
    answered: int
    refused: int
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that is kept about a person.

    Attributes:
        values: the newest first.
        origins: the most first.
        ask_for: kinds of linked identities that are not in it.
    """

    values: Sequence[Kept] = ()
    origins: Sequence[Origin] = ()
    ask_for: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Declared:
    """Something the person said of themselves: a liking, or their age band; of an item by its id."""

    thing: str
    item_id: str
    stance: str
    strength: str
    age_band: str
    at: datetime | None
    origin: str


@dataclass(frozen=True, slots=True)
class Overview:
    """What a person's own events come to.

    Attributes:
        events: how many.
        origins: how many by the system that saw them.
        declared: what they said of themselves.
    """

    events: int
    origins: Mapping[str, int]
    declared: Sequence[Declared]


@dataclass(frozen=True, slots=True)
class Ground:
    """One part of why an item was shown; ``share`` in hundredths of what spoke for it.

    Where the person said something of an item, ``item_id`` is that item's.
    """

    kind: str
    share: int
    against: bool
    title: str = ""
    did: str = ""
    at: datetime | None = None
    origin: str = ""
    stance: str = ""
    age_band: str = ""
    situation: str = ""
    purpose: str = ""
    basis: str = ""
    item_id: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """An item of a list, and why it is there."""

    title: str
    category: str
    grounds: Sequence[Ground]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """A list as the person would be shown it.

    Attributes:
        depth: how personal it is: GENERAL, CONTEXT, SEGMENT, INDIVIDUAL.
        depth_reason: why it is not more personal; empty if it is as personal as can be.
        items: the list.
    """

    depth: str
    depth_reason: str
    items: Sequence[Shown] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure and its receipt, as JSON, once that is there; how many identities, and which kinds not."""

    erasure_id: str
    receipt: str = field(default="", repr=False)
    identities: int = 0
    ask_for: Sequence[str] = ()


def fields_of(value_json: str) -> dict[str, str]:
    """What a value says, as short texts: the fields that say something, the first of them."""
    value = json.loads(value_json)
    if not isinstance(value, dict):
        return {"": shortened(_said("", value))}
    told = [(name, _said(name, one)) for name, one in value.items() if one not in _EMPTY]
    return {shortened(name.removesuffix("_ms")): shortened(text) for name, text in told[:SHOWN_FIELDS]}


def shortened(text: str) -> str:
    """A text of a bounded length; what is left out is marked."""
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def _said(name: str, one: Any) -> str:
    if name.endswith("_ms") and type(one) is int:
        return _instant(one)
    if isinstance(one, dict):
        return "; ".join(f"{key}: {_said(key, each)}" for key, each in one.items() if each not in _EMPTY)
    if isinstance(one, list):
        return ", ".join(_said(name, each) for each in one)
    return {True: "yes", False: "no"}[one] if isinstance(one, bool) else str(one)


def _instant(at_ms: int) -> str:
    try:
        return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return str(at_ms)  # beyond what a calendar holds; said as it is kept
