"""From a text to words, the same for what is searched and what is searched for.

Case, accents and punctuation do not tell two words apart; a plural "s" of English does not
either. Nothing is known of languages beyond that: a word is whatever letters and digits stand
together, and writing without spaces is taken two characters at a time.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile("([぀-ヿ㐀-䶿一-鿿가-힣]+)")
#: Longer runs are no words of any language; what is behind is not looked at.
_WORD_MAX = 40
_STEM_MIN = 4


def words(text: str) -> list[str]:
    """The words of a text, in their order; a word said twice is there twice."""
    if text.isascii():
        return [_stem(run[:_WORD_MAX]) for run in _WORD.findall(text.lower())]
    folded = "".join(
        character
        for character in unicodedata.normalize("NFKD", text).casefold()
        if not unicodedata.combining(character)
    )
    found: list[str] = []
    for run in _WORD.findall(unicodedata.normalize("NFKC", folded)):
        for part in _UNSPACED.split(run):
            if part and _UNSPACED.fullmatch(part):
                found += [part[at : at + 2] for at in range(max(len(part) - 1, 1))]
            elif part:
                found.append(_stem(part[:_WORD_MAX]))
    return found


def _stem(word: str) -> str:
    """Without the "s" of a plural; "glass" keeps its own."""
    if len(word) >= _STEM_MIN and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
