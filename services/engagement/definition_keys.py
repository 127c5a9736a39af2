"""The keys of one place of a definition's file: each is known, has its type, or says where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class DefinitionFileError(ValueError):
    """Something in a definition's file is wrong.

    Attributes:
        where: the path within the document, e.g. "options[1].depth".
        text: what is wrong.
    """

    def __init__(self, where: str, text: str) -> None:
        super().__init__(f"{where}: {text}" if where else text)
        self.where = where
        self.text = text


class Keys:
    """Takes the keys of one mapping, each once; what nobody took is refused."""

    def __init__(self, content: object, where: str) -> None:
        """Begins.

        Raises:
            DefinitionFileError: it is no mapping, or a key of it no text.
        """
        if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
            raise DefinitionFileError(where, "keys are needed here")
        self._left: dict[str, Any] = dict(content)
        self.where = where

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._left))

    def at(self, key: str) -> str:
        """The path of a key."""
        return f"{self.where}.{key}" if self.where else key

    def text(self, key: str, default: str | None = None) -> str:
        """A text."""
        return str(self._typed(key, str, "a text is needed; put it in quotes", default))

    def number(self, key: str, default: int | None = None) -> int:
        """A whole number."""
        return int(self._typed(key, int, "a whole number is needed", default))

    def flag(self, key: str) -> bool:
        """A yes or no; no unless it is said."""
        return bool(self._typed(key, bool, "true or false is needed", default=False))

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> list[str]:
        """A list of texts."""
        found = self._typed(key, list, "a list is needed", default)
        for index, one in enumerate(found):
            if not isinstance(one, str):
                raise DefinitionFileError(f"{self.at(key)}[{index}]", "a text is needed; put it in quotes")
        return list(found)

    def entries(self, key: str) -> list[tuple[object, str]]:
        """The elements of a list, each with its path; none where the key is missing."""
        found = self._typed(key, list, "a list is needed", ())
        return [(one, f"{self.at(key)}[{index}]") for index, one in enumerate(found)]

    def keys(self, key: str) -> Keys:
        """A mapping."""
        return Keys(self.any(key), self.at(key))

    def any(self, key: str) -> Any:
        """Whatever it is."""
        if key not in self._left:
            raise DefinitionFileError(self.at(key), "it is missing")
        return self._left.pop(key)

    def name(self, key: str, numbers: Mapping[str, int], default: str | None = None) -> int:
        """A name of a list of names, as its number."""
        found = self.text(key, default)
        if found not in numbers:
            raise DefinitionFileError(self.at(key), f"one of {', '.join(numbers)} is needed")
        return numbers[found]

    def names(
        self, key: str, numbers: Mapping[str, int], default: tuple[str, ...] | None = None
    ) -> list[Any]:
        """Some names of a list of names, as their numbers."""
        found = self.texts(key, default)
        for index, one in enumerate(found):
            if one not in numbers:
                raise DefinitionFileError(
                    f"{self.at(key)}[{index}]", f"one of {', '.join(numbers)} is needed"
                )
        return [numbers[one] for one in found]

    def done(self) -> None:
        """Ends.

        Raises:
            DefinitionFileError: a key is left that nobody knows.
        """
        for key in self._left:
            raise DefinitionFileError(self.at(key), "there is no such key")

    def _typed(self, key: str, kind: type, needed: str, default: object) -> Any:
        if key not in self._left and default is not None:
            return default
        found = self.any(key)
        if type(found) is not kind:
            raise DefinitionFileError(self.at(key), needed)
        return found
