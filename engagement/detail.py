"""What few events have: where a visit came from, how long it took, on what, where, for whom.

All of it is one text, a JSON object of the fields that were said, so that the many events without
cost a column that is empty. A place is an H3 cell. A cell of resolution 7 is some five square
kilometres; a finer one can tell a house, and is kept and shown only of people who permit that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import IntEnum

import h3

#: The finest cell that tells nobody's address.
RESOLUTION_COARSE = 7
#: The purpose of a finer one.
LOCATION_PRECISE = "location_precise"


class Device(IntEnum):
    """What class of device it was done on; numbers as in the contract."""

    DESKTOP = 1
    PHONE = 2
    TABLET = 3
    TELEVISION = 4
    SPEAKER = 5
    KIOSK = 6
    CAR = 7


@dataclass(frozen=True, slots=True)
class Detail:
    """What stood beside an event.

    Attributes:
        dwell_ms: how long it took; 0: not said.
        entry_source: where the visit came from, e.g. "newsletter"; or empty.
        campaign: what campaign brought it; or empty.
        device: a ``Device``; 0: not said.
        place_cell: the H3 cell it happened in; or empty.
        dependent: id of the dependent of the person that it was done for; or empty.
        topic: what was searched for, asked or complained about, in a few words; or empty.
        machine: a machine did it, as mail programs fetch pictures; it is no action of the person.
    """

    dwell_ms: int = 0
    entry_source: str = ""
    campaign: str = ""
    device: int = 0
    place_cell: str = ""
    dependent: str = ""
    topic: str = ""
    machine: bool = False


NOTHING = Detail()
_NAMES = Detail.__slots__


def packed(detail: Detail) -> str:
    """A detail as it is kept; empty when nothing was said."""
    said = {name: value for name in _NAMES if (value := getattr(detail, name))}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) if said else ""


def unpacked(text: str) -> Detail:
    """The detail that is kept as a text of ``packed``."""
    return Detail(**json.loads(text)) if text else NOTHING


def is_cell(text: str) -> bool:
    """Whether a text is an H3 cell, written as H3 writes it."""
    return bool(h3.is_valid_cell(text)) and text == h3.int_to_str(h3.str_to_int(text))


def is_precise(cell: str) -> bool:
    """Whether a cell is finer than ``RESOLUTION_COARSE``."""
    return bool(cell) and int(h3.get_resolution(cell)) > RESOLUTION_COARSE


def coarse(cell: str) -> str:
    """The cell of ``RESOLUTION_COARSE`` around a finer one; another cell as it is."""
    return str(h3.cell_to_parent(cell, RESOLUTION_COARSE)) if is_precise(cell) else cell


def has_precise_place(text: str) -> bool:
    """Whether a packed detail has a place that is precise."""
    return "place_cell" in text and is_precise(unpacked(text).place_cell)


def coarsened(text: str) -> str:
    """A packed detail without a precise place: it has the coarse cell around it instead."""
    if not has_precise_place(text):
        return text
    detail = unpacked(text)
    return packed(replace(detail, place_cell=coarse(detail.place_cell)))
