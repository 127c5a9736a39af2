"""Search: the items that go with some words, in an order that is the person's where it may be.

How well an item goes with the words decides; what the person, this call and everybody say of it
moves it by at most a fixed part of that. Their share is one factor for all items of a question,
so the score is still a sum of its grounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recommender.candidates import Source, Why
from recommender.explain import TEXT, Ground
from recommender.filters import NONE, Admission, Criteria, Mask, Numbers, Sieves
from recommender.question import Depth, Question
from recommender.text_index import TextIndex
from recommender.vectors import Floats

NO_WORDS = "NO_WORDS"
NOTHING_FOUND = "NOTHING_FOUND"

#: The most that anything but the words adds to a score, or takes from it; the words give 0 to 1.
ORDER_SHARE = 0.3
#: What the likeness of meaning counts beside the words themselves.
_ALIKE_SHARE = 0.25
#: With fewer items that have a word of the query, those are looked at that mean the same.
_ENOUGH = 50
#: Less alike than this is not what was searched for.
_ALIKE_MIN = 0.5
#: So few of the best by their words are compared by meaning.
_COMPARED_MAX = 2_000
#: An item that is put behind all others by so much says nothing of how scores spread.
_PUT_BEHIND = -100.0


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found by words.

    Attributes:
        numbers: item numbers, ascending.
        scores: how well each goes with the words, 0 to 1.
        reason: why there are none; empty if there are some.
    """

    numbers: Numbers
    scores: Floats
    reason: str


def visible(sieves: Sieves, question: Question) -> Mask:
    """Per item number whether the asker may see it, whatever they narrow the question to."""
    sieve = sieves.of(Criteria(age_years=question.criteria.age_years))
    return Admission(sieve, NONE, None, np.array(question.entitled, np.int32)).mask()


def hits(index: TextIndex, words: Sequence[str], may_see: Mask) -> Hits:
    """The items that go with some words, by the words themselves and by their meaning.

    Args:
        index: of the catalogue's words.
        words: of the query.
        may_see: per item number, see ``visible``; no other item is in any figure or in the reason.
    """
    if not words:
        return Hits(NONE, np.zeros(0, np.float32), NO_WORDS)
    seen = index.seen(may_see)
    matched = index.match(words, seen)
    scores = np.zeros(len(index), np.float32)
    scores[matched.rows] = (1 - _ALIKE_SHARE) * matched.scores
    if len(matched.rows) < _ENOUGH:
        alike = index.alike(words, slice(None), seen)
        near = np.flatnonzero((alike >= _ALIKE_MIN) & seen.rows)
        rows = index.in_order(np.union1d(matched.rows, near))
    else:
        rows = matched.rows[np.argsort(-matched.scores, kind="stable")[:_COMPARED_MAX]]
        alike = np.zeros(len(index), np.float32)
        alike[rows] = index.alike(words, rows, seen)
        rows = matched.rows
    scores[rows] += _ALIKE_SHARE * np.maximum(alike[rows], 0)
    return Hits(index.numbers[rows], scores[rows], "" if len(rows) else NOTHING_FOUND)


@dataclass(frozen=True, slots=True)
class Worded:
    """See ``candidates.Source``: what was found by words, ordered by them and by a source beneath.

    Attributes:
        beneath: says what the person, this call and everybody make of items.
        found: by the words.
        factor: what a score of the source beneath counts.
    """

    beneath: Source
    found: Hits
    factor: float

    @property
    def depth(self) -> Depth:
        """See ``Source``: the words are of this call, so it is never the same for everybody."""
        return max(self.beneath.depth, Depth.CONTEXT)

    @property
    def depth_reason(self) -> str:
        """See ``Source``."""
        return self.beneath.depth_reason

    @property
    def without(self) -> Numbers:
        """See ``Source``."""
        return self.beneath.without

    def top(self, count: int, admission: Admission) -> tuple[Numbers, Floats]:
        """See ``Source``; nothing that the words did not find."""
        numbers = self.found.numbers[admission.of(self.found.numbers)]
        scores = self.scores(numbers)
        best = np.argsort(-scores, kind="stable")[:count]
        return numbers[best], scores[best]

    def scores(self, numbers: Numbers) -> Floats:
        """See ``Source``."""
        scores: Floats = self._by_words(numbers) + np.float32(self.factor) * self.beneath.scores(numbers)
        return scores

    def why(self, numbers: Numbers) -> Sequence[Why]:
        """See ``Source``: the words first."""
        return [
            Why(
                why.reasons,
                why.trend_share,
                (
                    Ground(TEXT, gave),
                    *(Ground(cause, part * self.factor) for cause, part in why.grounds),
                ),
            )
            for why, gave in zip(self.beneath.why(numbers), self._by_words(numbers).tolist(), strict=True)
        ]

    def _by_words(self, numbers: Numbers) -> Floats:
        at = np.searchsorted(self.found.numbers, numbers)
        inside = at < len(self.found.numbers)
        inside[inside] = self.found.numbers[at[inside]] == numbers[inside]
        scores = np.zeros(len(numbers), np.float32)
        scores[inside] = self.found.scores[at[inside]]
        return scores


def worded(beneath: Source, found: Hits) -> Worded:
    """What was found, with the say that the source beneath has in its order."""
    scores = beneath.scores(found.numbers)
    ordinary = np.abs(scores[scores > _PUT_BEHIND])
    most = float(ordinary.max(initial=0.0))
    return Worded(beneath, found, ORDER_SHARE / most if most > 0 else 0.0)
