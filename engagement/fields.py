"""What conditions, templates and prices may read: a closed list of fields, and what for.

A field that is not here does not exist: no definition can name it. Each says what its values are, what
class of data they are and which purposes may read them; so whether a definition reads too much is
known before it decides anything. Prices have features of their own that they never have: whatever
tells sex, age, income or address, or stands in for one of them. Diet and health never serve advertising.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from engagement.declared import AgeBand
from engagement.event import OF_A_BODY, EventKind


class Kind(StrEnum):
    """What the values of a field are."""

    TEXT = "text"
    NUMBER = "whole number"
    YES = "yes or no"
    TEXTS = "several texts"
    DAY = "yearly date MM-DD"
    CELL = "H3 cell"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Field:
    """One field, or all that are named alike.

    Attributes:
        name: as conditions write it; ``*`` stands for one word.
        kind: of its values.
        data_class: as the contract has it, without ``DATA_CLASS_``.
        purposes: nodes of the purpose tree that may read it, each for all beneath it.
        never: nodes that may not, whatever ``purposes`` says.
        choices: the only values there are, from the least to the greatest; empty: any of the kind.
    """

    name: str
    kind: Kind
    data_class: str
    purposes: tuple[str, ...]
    never: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    def may_be_read_for(self, purpose: str) -> bool:
        """Whether a leaf of the purpose tree may read it."""
        return _covers(self.purposes, purpose) and not _covers(self.never, purpose)

    @property
    def of_call(self) -> bool:
        """Said by the call itself: known of nobody, and of everybody who asks."""
        return self.name.startswith(CALL_PREFIX)


#: What the call says; everything else is about a person.
CALL_PREFIX = "context."
EVENTS_PREFIX = "events."
TIME_ZONE = "attribute.time_zone"
#: The language of whoever asks for none.
LANGUAGE = "attribute.language"
#: The blocks that a person wants first on a page, in their order.
BLOCK_ORDER = "interface.block_order"
PRICING = "personalise.pricing"

_ALL = ("service", "analytics", "personalise", "marketing", "loyalty", "rights")
_SPECIAL = ("service", "personalise.content", "personalise.recommend", "rights")
_ADS = ("marketing.ads",)
_PRICE = (PRICING,)


def _declared(name: str, kind: Kind, never: tuple[str, ...] = ()) -> Field:
    return Field(name, kind, "DECLARED", _ALL, never)


def _demographic(name: str, kind: Kind, choices: tuple[str, ...] = ()) -> Field:
    return Field(name, kind, "DEMOGRAPHIC", _ALL, _PRICE, choices)


def _said(name: str, kind: Kind, never: tuple[str, ...] = ()) -> Field:
    return Field(CALL_PREFIX + name, kind, "CONTEXTUAL", _ALL, never)


def _events(kind: EventKind) -> Field:
    """Events; what tells of a body serves the purpose it is collected under, and no play."""
    name = EVENTS_PREFIX + kind.name
    if kind in OF_A_BODY:
        return Field(name, Kind.EVENTS, "SPECIAL", ("special_category.profile", "rights"))
    return Field(name, Kind.EVENTS, "BEHAVIOURAL", _ALL)


#: What a person asked a service to remember; it goes back to whoever serves, and nowhere else.
_REMEMBERED = tuple(
    Field(f"attribute.{name}", Kind.TEXT, "DECLARED", ("service", "rights"))
    for name in ("temperature", "music", "silence")
)
#: The whole list.
FIELDS = (
    _demographic("declared.age_band", Kind.TEXT, tuple(band.name for band in AgeBand)),
    _declared("declared.likes", Kind.TEXTS),
    _declared("declared.dislikes", Kind.TEXTS),
    _declared("attribute.birthday", Kind.DAY),  # a day without a year tells no age
    _declared("attribute.occasion", Kind.DAY),
    _declared(LANGUAGE, Kind.TEXT),
    _declared(TIME_ZONE, Kind.TEXT, _PRICE),
    _declared("attribute.home_cell", Kind.CELL, _PRICE),  # an address by another name
    _demographic("attribute.sex", Kind.TEXT),
    _demographic("attribute.postcode", Kind.TEXT),
    _demographic("attribute.income_band", Kind.TEXT),
    _demographic("attribute.household_size", Kind.NUMBER),
    Field("attribute.diet", Kind.TEXTS, "SPECIAL", _SPECIAL),
    Field("attribute.allergies", Kind.TEXTS, "SPECIAL", _SPECIAL),
    *_REMEMBERED,
    _declared("dependent.kind", Kind.TEXTS),
    _declared("dependent.species", Kind.TEXTS),
    _declared("dependent.breed", Kind.TEXTS),
    _declared("dependent.name", Kind.TEXTS),
    _declared("dependent.birthday", Kind.DAY),
    _declared("dependent.room", Kind.TEXTS),
    _declared("dependent.diet", Kind.TEXTS, (*_ADS, *_PRICE)),
    _declared("dependent.health", Kind.TEXTS, (*_ADS, *_PRICE)),
    Field(BLOCK_ORDER, Kind.TEXTS, "DECLARED", _ALL, (*_ADS, *_PRICE)),
    Field("interface.*", Kind.TEXT, "DECLARED", _ALL, (*_ADS, *_PRICE)),
    _said("weather", Kind.TEXT),
    _said("temperature_c", Kind.NUMBER),
    _said("place_cell", Kind.CELL, _PRICE),  # an address by another name
    _said("device", Kind.TEXT, _PRICE),  # it tells what it cost
    _said("device_price_minor", Kind.NUMBER, _PRICE),
    _said("daypart", Kind.TEXT),
    _said("competitor_price_minor", Kind.NUMBER),
    _said("mood", Kind.TEXT, _PRICE),
    _said("companion", Kind.TEXT, _PRICE),
    _said("basket_size", Kind.NUMBER),
    _said("basket_minor", Kind.NUMBER),
    _said("search", Kind.TEXT),
    _said("item", Kind.TEXT),
    _said("category", Kind.TEXT),
    Field("loyalty.*.points", Kind.NUMBER, "BEHAVIOURAL", _ALL),
    Field("loyalty.*.progress_permille", Kind.NUMBER, "BEHAVIOURAL", _ALL),
    Field("loyalty.*.remaining_minor", Kind.NUMBER, "BEHAVIOURAL", _ALL),
    Field("loyalty.*.status", Kind.TEXT, "BEHAVIOURAL", _ALL),
    *(_events(kind) for kind in EventKind),
)

_NAMED = {field.name: field for field in FIELDS if "*" not in field.name}
_ALIKE = tuple(
    (re.compile(re.escape(field.name).replace(r"\*", "[a-z0-9][a-z0-9_-]{0,63}")), field)
    for field in FIELDS
    if "*" in field.name
)


def field_of(name: str) -> Field | None:
    """The field of a name; ``None``: there is none."""
    named = _NAMED.get(name)
    if named is not None:
        return named
    return next((field for pattern, field in _ALIKE if pattern.fullmatch(name)), None)


def may_read(name: str, purpose: str) -> bool:
    """Whether a leaf of the purpose tree may read a field; nothing may read what does not exist."""
    field = field_of(name)
    return field is not None and field.may_be_read_for(purpose)


def _covers(nodes: tuple[str, ...], purpose: str) -> bool:
    return any(purpose == node or purpose.startswith(f"{node}.") for node in nodes)
