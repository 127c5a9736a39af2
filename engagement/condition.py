"""What has to hold: a typed tree over what is known of a person and of the moment.

There is no text to be parsed. Which fields a condition reads follows from its form alone, before
anybody is asked about, and so does what it costs. Nothing is concluded from what is not known: a
leaf whose field has no value does not hold, and neither does its negation.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from engagement.event import EventKind

#: Nodes of one condition, and how deep it goes.
NODES_MAX, DEPTH_MAX = 64, 8

#: A text, a whole number or a yes.
Scalar = str | int | bool


class Comparison(IntEnum):
    """How a value is compared; numbers as in the contract."""

    EQUAL = 1
    NOT_EQUAL = 2
    LESS = 3
    AT_MOST = 4
    MORE = 5
    AT_LEAST = 6
    HAS = 7  # one of a list of texts is this one


@dataclass(frozen=True, slots=True)
class Compare:
    """A field's value compared with a constant of the field's kind."""

    field: str
    comparison: Comparison
    value: Scalar


@dataclass(frozen=True, slots=True)
class Count:
    """How many events of some kinds there were in the days before, compared.

    Attributes:
        kinds: of events; not empty.
        window_days: how many times 24 hours back.
        comparison: how; not ``HAS``.
        number: with what.
        item_ids: only events of these items; empty: of all.
    """

    kinds: frozenset[EventKind]
    window_days: int
    comparison: Comparison
    number: int
    item_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sum:
    """The amounts of events of some kinds in the days before, compared; refunds count negative.

    Attributes:
        kinds: of events; not empty.
        window_days: how many times 24 hours back.
        currency: only amounts in it, ISO 4217.
        comparison: how; not ``HAS``.
        amount_minor: with what, minor units of the currency.
    """

    kinds: frozenset[EventKind]
    window_days: int
    currency: str
    comparison: Comparison
    amount_minor: int


@dataclass(frozen=True, slots=True)
class DaysSince:
    """Whole days (24 hours) since the latest event of some kinds, compared; never: does not hold."""

    kinds: frozenset[EventKind]
    comparison: Comparison
    days: int


@dataclass(frozen=True, slots=True)
class YearlyWithin:
    """A yearly date (a field of the form "MM-DD") comes within some days, counted in the zone of the person.

    The 29th of February is kept on the 28th in a year that has none.
    """

    field: str
    days: int


@dataclass(frozen=True, slots=True)
class Near:
    """A place (a field that holds an H3 cell) is within a distance of one of some places.

    Attributes:
        field: of the person or of the call.
        cells: H3 cells; not empty.
        distance_m: between the centres of the cells, metres along the surface.
    """

    field: str
    cells: tuple[str, ...]
    distance_m: int


@dataclass(frozen=True, slots=True)
class All:
    """Every one of them holds; not empty."""

    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """One of them holds; not empty."""

    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """It is known that it does not hold."""

    of: Condition


Leaf = Compare | Count | Sum | DaysSince | YearlyWithin | Near
Condition = Leaf | All | Any | Not
