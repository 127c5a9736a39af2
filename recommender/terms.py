"""The terms of a catalogue by number: a word's own, those it begins, those it may have been meant as.

A term keeps its number for ever. For slips of the pen every term is filed under its hash and
under those of what is left when one letter is left out: two words within one edit share such an
entry (Garbe's symmetric deletion). What is found by hash is looked at once more, so that a chance
collision corrects nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

#: Shorter words are one letter away from too many others.
WORD_MIN = 4
_WORD_MAX = 24


class Terms:
    """Numbers for words; only ever grows. What was looked up before it grew is still right."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}
        self._sorted: list[str] = []
        self._table: tuple[NDArray[np.int64], NDArray[np.int32]] = (
            np.zeros(0, np.int64),
            np.zeros(0, np.int32),
        )

    def __len__(self) -> int:
        return len(self.words)

    def number(self, word: str) -> int:
        """The word's number; a new word gets one."""
        number = self._numbers.setdefault(word, len(self.words))
        if number == len(self.words):
            self.words.append(word)
        return number

    def settled(self) -> Terms:
        """Has beginnings and slips of all words found; to be called when words were added."""
        fresh = range(len(self._sorted), len(self.words))
        if fresh:
            pairs = [(hash(left), at) for at in fresh for left in _left(self.words[at])]
            filed = np.array(pairs, np.int64).reshape(-1, 2)
            hashes = np.concatenate([self._table[0], filed[:, 0]])
            numbers = np.concatenate([self._table[1], filed[:, 1].astype(np.int32)])
            order = np.argsort(hashes, kind="stable")
            self._table = hashes[order], numbers[order]  # one reference: another thread may be reading
            # Sorted but for its end: one pass, during which no other thread runs.
            self._sorted = sorted([*self._sorted, *sorted(self.words[len(self._sorted) :])])
        return self

    def exactly(self, word: str) -> list[int]:
        """The word's own number, if it has one."""
        number = self._numbers.get(word)
        return [] if number is None else [number]

    def beginning_with(self, beginning: str) -> list[int]:
        """The numbers of the words that begin so and are longer."""
        words = self._sorted
        first, last = bisect_right(words, beginning), bisect_left(words, beginning + "\U0010ffff")
        return [self._numbers[word] for word in words[first:last]]

    def near(self, word: str) -> list[int]:
        """The numbers of the words one edit away, in the order of the words."""
        if not WORD_MIN <= len(word) <= _WORD_MAX:
            return []
        hashes, filed = self._table
        found: set[int] = set()
        for left in _left(word):
            first, last = (int(np.searchsorted(hashes, hash(left), side)) for side in ("left", "right"))
            found.update(filed[first:last].tolist())
        return sorted(
            (at for at in found if within_one_edit(word, self.words[at])), key=self.words.__getitem__
        )


def within_one_edit(one: str, other: str) -> bool:
    """Whether one letter put in, left out, replaced or swapped with its neighbour makes them the same."""
    if abs(len(one) - len(other)) > 1:
        return False
    shorter, longer = sorted((one, other), key=len)
    at = next((at for at, letter in enumerate(shorter) if letter != longer[at]), len(shorter))
    if len(one) != len(other):
        return longer[at + 1 :] == shorter[at:]
    swapped = longer[at : at + 2] == shorter[at : at + 2][::-1]
    return shorter[at + 1 :] == longer[at + 1 :] or (swapped and shorter[at + 2 :] == longer[at + 2 :])


def _left(word: str) -> Iterator[str]:
    """The word, and what is left of it without one letter; nothing of one too short or too long."""
    if WORD_MIN <= len(word) <= _WORD_MAX:
        yield word
        for at in range(len(word)):
            yield word[:at] + word[at + 1 :]
