"""Regular expressions (RE2) of header names: all that begin like some, save those.

RE2 can not say "not", so an expression follows the names letter by letter and says, at each, where
another one departs.
"""

from __future__ import annotations

import re


def all_but(*names: str, of: str = "") -> str:
    """A regular expression of every header name that begins like some, up to their first "-", save them.

    Args:
        names: which to leave out; one that ends in "-" stands for all that begin so.
        of: how they begin, where that is longer than up to the first "-".

    Raises:
        ValueError: they do not begin alike.
    """
    beginnings = {of if of and name.startswith(of) else name.partition("-")[0] + "-" for name in names}
    if len(beginnings) != 1:
        raise ValueError(f"{names} do not begin alike")
    return "|".join(_departing(beginnings.pop(), frozenset(names)))


def _departing(begun: str, names: frozenset[str]) -> list[str]:
    """The names that begin with ``begun`` and are none of these; Envoy takes no long expression."""
    if begun in names and begun.endswith("-"):
        return []
    letters = sorted({name[len(begun)] for name in names if name.startswith(begun) and name != begun})
    others = f"[^{''.join(map(re.escape, letters))}].*" if letters else ".+"
    here = re.escape(begun) + (others if begun in names else f"({others})?")
    return [here, *(one for letter in letters for one in _departing(begun + letter, names))]
