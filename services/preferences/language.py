"""What the page says, in the reader's language.

A file of texts a language, all with the same keys; nothing a reader sees stands in a template or
in code. Numbers, dates and the plural of a count are the language's own (CLDR, by Babel). A text
is plain text: what is put into it is escaped with it, when it is shown.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib import resources
from typing import Any, Final

from babel import Locale, dates, numbers

#: tag -> its name for itself; the first is spoken where the browser asks for none of them.
LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "ru": "Русский", "uk": "Українська"}
DEFAULT: Final = next(iter(LANGUAGES))
_LISTED_MOST: Final = 20


@dataclass(frozen=True)
class Language:
    """One language: its texts and its ways of writing numbers and dates.

    Attributes:
        tag: BCP 47.
        texts: by key; a text that depends on a count has one for each of the language's plurals.
        version: of the texts, made of their file.
    """

    tag: str
    texts: Mapping[str, str | Mapping[str, str]]
    version: str

    @cached_property
    def _locale(self) -> Locale:
        return Locale.parse(self.tag)

    def text(self, key: str, /, **given: Any) -> str:
        """A text with what is given put in; counts are written as numbers are.

        Raises:
            KeyError: there is no such text.
        """
        found = self.texts[key]
        if not isinstance(found, str):
            found = found[self._locale.plural_form(given["count"])]
        shown = {name: self.number(one) if type(one) is int else one for name, one in given.items()}
        return found.format(**shown)

    def word(self, group: str, name: str) -> str:
        """What a name of the suite is called; the name itself where there is no word for it.

        Names that a deployment chose, and those of a newer suite, have none.
        """
        found = self.texts.get(f"{group}.{name}", name)
        return found if isinstance(found, str) else name

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self.texts

    def number(self, value: int) -> str:
        """A number."""
        return str(numbers.format_decimal(value, locale=self._locale))

    def day(self, at: datetime | None) -> str:
        """A day; empty where there is none."""
        return "" if at is None else str(dates.format_date(at, "long", locale=self._locale))

    def instant(self, at: datetime | None) -> str:
        """A day with the time of day, UTC; empty where there is none."""
        if at is None:
            return ""
        return str(dates.format_datetime(at, "medium", locale=self._locale)) + " UTC"


def load_languages() -> dict[str, Language]:
    """All languages, from the files of the package."""
    return {tag: _load(tag) for tag in LANGUAGES}


def negotiated(accepted: str) -> str:
    """The language for an ``Accept-Language`` header (RFC 9110, 12.5.4): the most wanted that is there."""
    wanted: list[tuple[float, int, str]] = []
    for place, element in enumerate(accepted.split(",")[:_LISTED_MOST]):
        tag, _, parameter = element.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        if weight > 0 and (primary in LANGUAGES or primary == "*"):
            wanted.append((-weight, place, DEFAULT if primary == "*" else primary))
    return min(wanted)[2] if wanted else DEFAULT


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if name.strip().lower() == "q" and 0 <= weight <= 1 else 0.0


def _load(tag: str) -> Language:
    content = (resources.files(__package__) / "texts" / f"{tag}.toml").read_bytes()
    version = hashlib.sha256(content).hexdigest()[:16]
    return Language(tag, _flat(tomllib.loads(content.decode())), version)


def _flat(tables: Mapping[str, Any], prefix: str = "") -> dict[str, str | Mapping[str, str]]:
    """Texts by dotted key; a table with a form for "other" is one text in its plurals."""
    texts: dict[str, str | Mapping[str, str]] = {}
    for name, one in tables.items():
        key = f"{prefix}{name}"
        if isinstance(one, str) or "other" in one:
            texts[key] = one
        else:
            texts |= _flat(one, f"{key}.")
    return texts
