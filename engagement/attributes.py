"""What is known of a person besides what they did: values of a closed list, each with where it is from.

A value hangs for ever on the birth subject it was recorded for, once for each party. Read as one
person's, what they said themselves counts before what the tenant observed, that before a partner's and
anything before a conclusion; of one party the latest; expired is absent. A correction never expires: it
beats everything else until the person takes it back, and an empty one says that what is known is wrong.
What a person looks after (a pet, a room) has an id and values of its own, and is never a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from enum import IntEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engagement.condition import Scalar
from engagement.detail import is_cell
from engagement.event import Party
from engagement.fields import FIELDS, Field, Kind
from identity.ids import SubjectId

#: Values of one birth subject, over all its dependents.
VALUES_MAX = 500
#: Texts of one value.
_TEXTS_MAX = 10
_HOUSEHOLD_MAX = 20
_DAY = re.compile(r"\d\d-\d\d")
_LANGUAGE = re.compile("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_POSTCODE = re.compile("[A-Z0-9]{1,4}")  # an area; a whole one can tell a house
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_CHOICE = re.compile("[a-z0-9][a-z0-9_-]{0,63}")


class Attribute(IntEnum):
    """The closed list; numbers as in the contract."""

    BIRTHDAY = 1
    OCCASION = 2
    LANGUAGE = 3
    TIME_ZONE = 4
    HOME_CELL = 5
    HOUSEHOLD_SIZE = 6
    SEX = 7
    INCOME_BAND = 8
    POSTCODE = 9
    DIET = 10
    ALLERGIES = 11
    TEMPERATURE = 12
    MUSIC = 13
    SILENCE = 14
    INTERFACE_LAYOUT = 15
    INTERFACE_TEXT_SIZE = 16
    INTERFACE_CONTRAST = 17
    INTERFACE_MOTION = 18
    INTERFACE_THEME = 19
    DEPENDENT_KIND = 20
    DEPENDENT_SPECIES = 21
    DEPENDENT_BREED = 22
    DEPENDENT_NAME = 23
    DEPENDENT_BIRTHDAY = 24
    DEPENDENT_ROOM = 25
    DEPENDENT_DIET = 26
    DEPENDENT_HEALTH = 27
    INTERFACE_BLOCK_ORDER = 28


class DependentKind(IntEnum):
    """What somebody looks after. No person: people speak for themselves."""

    PET = 1
    ROOM = 2
    GARDEN = 3
    VEHICLE = 4
    APPLIANCE = 5


_CHOICES = {
    Attribute.SEX: ("FEMALE", "MALE", "DIVERSE"),
    Attribute.INCOME_BAND: ("LOW", "MIDDLE", "HIGH"),
    Attribute.DEPENDENT_KIND: tuple(kind.name for kind in DependentKind),
}
_PATTERNS = {Attribute.LANGUAGE: _LANGUAGE, Attribute.POSTCODE: _POSTCODE}
_GROUPS = ("interface", "dependent")
_NAMED = {field.name: field for field in FIELDS}


class About(NamedTuple):
    """What is said once by each party: of the person (an empty id) or of a dependent, and what."""

    dependent: str
    attribute: int


class Value(NamedTuple):
    """One value; a tuple in the order of the store's columns.

    Attributes:
        subject: the birth subject it was recorded for.
        dependent: id of the dependent it is of; empty: of the person.
        attribute: an ``Attribute``.
        party: a ``Party``.
        value: in the form of ``read``; empty in a correction: there is none.
        corrected: the person said so against what was known.
        origin: the system it comes from.
        agreement: the agreement a partner's data comes under, or empty.
        observed_at_ms: when it was observed or said.
        expires_at_ms: from when on it is absent; ``None``: it does not expire.
        recorded_at_ms: when the suite recorded it.
        uses: mask of the purposes it may be used for.
    """

    subject: SubjectId
    dependent: str
    attribute: int
    party: int
    value: str
    corrected: int
    origin: str
    agreement: str
    observed_at_ms: int
    expires_at_ms: int | None
    recorded_at_ms: int
    uses: int

    def __repr__(self) -> str:
        return "Value(…)"

    @property
    def about(self) -> About:
        """What it says."""
        return About(self.dependent, self.attribute)


def name_of(attribute: int) -> str:
    """The attribute's name as conditions write it, e.g. ``dependent.species``."""
    group, _, name = Attribute(attribute).name.lower().partition("_")
    return f"{group}.{name}" if group in _GROUPS else f"attribute.{Attribute(attribute).name.lower()}"


def field_of(attribute: int) -> Field:
    """What the values of an attribute are, and who may read them."""
    name = name_of(attribute)
    return _NAMED.get(name) or _NAMED["interface.*"]


def of_dependent(attribute: int) -> bool:
    """Whether it is said of a dependent, and of no person."""
    return name_of(attribute).startswith("dependent.")


def read(attribute: int, text: str) -> Scalar | tuple[str, ...] | None:
    """The value that a text is; ``None``: it is none of the attribute's.

    A number is written in digits; several texts are separated by commas; a yearly date is MM-DD; a time
    zone is a name of the IANA data base; a place is an H3 cell.
    """
    kind = field_of(attribute).kind
    if kind is Kind.NUMBER:
        number = int(text) if re.fullmatch("[0-9]{1,3}", text) else 0
        return number if 1 <= number <= _HOUSEHOLD_MAX else None
    if kind is Kind.TEXTS:
        texts = tuple(one.strip() for one in text.split(","))
        known = _CHOICES.get(Attribute(attribute), texts)
        return texts if len(texts) <= _TEXTS_MAX and all(one and one in known for one in texts) else None
    return text if _is_one(attribute, kind, text) else None


def needs(value: Value) -> str | None:
    """The purpose that the person has to permit besides for a value to be kept and read; mostly none."""
    data_class = field_of(value.attribute).data_class
    if data_class == "SPECIAL":
        return "special_category.profile"
    if value.party == Party.INFERRED and data_class == "DEMOGRAPHIC":
        return "inferred_demographics"
    return None


def of_person(values: Iterable[Value], now_ms: int) -> dict[About, Value]:
    """Of all that a person's birth subjects hold, the one value that counts of each thing."""
    best: dict[About, Value] = {}
    for value in values:
        if value.expires_at_ms is not None and value.expires_at_ms <= now_ms and not value.corrected:
            continue
        before = best.get(value.about)
        if before is None or _weight(value) > _weight(before):
            best[value.about] = value
    return {
        about: value
        for about, value in sorted(best.items())
        if read(about.attribute, value.value) is not None
    }


def by_name(values: Mapping[About, Value]) -> dict[str, tuple[Value, ...]]:
    """The values that count, by the names conditions write; of dependents one for each that has it."""
    named: dict[str, list[Value]] = {}
    for about, value in values.items():
        named.setdefault(name_of(about.attribute), []).append(value)
    return {name: tuple(found) for name, found in named.items()}


def _weight(value: Value) -> tuple[object, ...]:
    """The larger counts; what a person says last is what they say, as an answer or as a correction."""
    which = value.recorded_at_ms, value.value, value.origin, value.subject, value.expires_at_ms or 0
    return -value.party, value.observed_at_ms, value.corrected, *which


def _is_one(attribute: int, kind: Kind, text: str) -> bool:
    if kind is Kind.DAY:
        return _is_day(text)
    if kind is Kind.CELL:
        return is_cell(text)
    if attribute == Attribute.TIME_ZONE:
        return _is_zone(text)
    if attribute in _CHOICES:
        return text in _CHOICES[Attribute(attribute)]
    return _PATTERNS.get(Attribute(attribute), _CHOICE).fullmatch(text) is not None


def _is_day(text: str) -> bool:
    try:
        return _DAY.fullmatch(text) is not None and date.fromisoformat(f"2000-{text}").year > 0
    except ValueError:
        return False


def _is_zone(text: str) -> bool:
    try:
        return _ZONE.fullmatch(text) is not None and ZoneInfo(text).key == text
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
