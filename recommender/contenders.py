"""Models side by side, each a sum of the same kinds of part.

Every model is a person's own part (one or two, each scaled to root mean square 1 over the
items), plus a weight times a trend, plus a weight times what the person already has. So
models differ in what they claim to differ in, and all get the same trend and the same own
term where it is theirs to have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from recommender.decay import FRESH, FULL
from recommender.evaluation import Task, kept_items
from recommender.events import EventTable, Ints, reference_day
from recommender.hazard import cells, hazard_sums
from recommender.holdings import decayed_orders, first_purchases, head_items, holdings, purchases
from recommender.parameters import DEFAULTS
from recommender.vectors import Floats

#: What a fit is given; names as in ``Parameters`` where it is one of them.
Setting = Mapping[str, Any]
#: Parts of the scores of some people, each of shape (people, items); a part may be missing.
Parts = Callable[[Ints], Sequence[Floats]]
_SMALLEST = np.float32(1e-6)


class Trend(StrEnum):
    """What a trend counts."""

    NONE = "none"
    LINES = "lines"
    FIRST = "first purchases"


class Own(StrEnum):
    """What says how likely a person buys again what they have."""

    NONE = "none"
    COUNTS = "own decayed counts"
    HAZARD = "hazard table and what is held"


class Mix(NamedTuple):
    """How parts are put together; nothing of it needs a new fit.

    Attributes:
        second: weight of the second part beside the first.
        trend: weight of the trend, standardised over the items.
        trend_days: half-life of the trend; infinite counts all lines alike.
        own: weight of what says how likely the person buys again what they have: own counts, or the
            chance in the hazard table; used when repeats are asked for.
        own_days: half-life of own counts and of what is held.
        held: weight of what the person holds of an item; likewise.
    """

    second: float = 0.0
    trend: float = 0.0
    trend_days: float = np.inf
    own: float = 0.0
    own_days: float = 240.0
    held: float = 0.0


class Known:
    """What a model may learn from, with what several models make of it."""

    def __init__(
        self, events: EventTable, categories: Sequence[str], head_items_max: int = DEFAULTS.head_items_max
    ) -> None:
        """Keeps what happened before a cut.

        Args:
            events: some of them purchases; person numbers are small.
            categories: of each item by number; item numbers are below its length.
            head_items_max: so many of the most bought items get weights for one another.
        """
        self.head_items_max = head_items_max
        self.events = events
        self.bought = purchases(events)
        self.items = len(categories)
        self.categories = categories
        self.people = int(events.person.max(initial=-1)) + 1
        self.pairs = np.unique(self.bought.person << 32 | self.bought.item)
        self.reference = reference_day(events.day)
        self.sold = np.bincount(self.bought.item, minlength=self.items)
        self.trend = cache(self._trend)
        self.held = cache(self._held)
        self.rates = cache(self._rates)

    def head(self) -> Ints:
        """The most bought items, ascending numbers."""
        return head_items(self.bought, self.head_items_max)

    def _held(self, half_life_days: float) -> sparse.csr_matrix:
        """What each person holds of each item, a fresh purchase being 1; shape (people, items)."""
        held = holdings(self.events, self.reference, half_life_days)
        weight = (held.weight / FULL).astype(np.float32)
        return sparse.csr_matrix((weight, (held.person, held.item)), shape=(self.people, self.items))

    def lines(self) -> sparse.csr_matrix:
        """Lines of each person and item; shape (people, items)."""
        ones = np.ones(len(self.bought), np.float32)
        return sparse.csr_matrix((ones, (self.bought.person, self.bought.item)), (self.people, self.items))

    def _trend(self, kind: Trend, half_life_days: float) -> Floats:
        """Decayed counts with mean 0 and deviation 1 over the items sold; the least for all others."""
        if np.isinf(half_life_days):
            counts = self.sold.astype(np.float64)
        elif kind is Trend.FIRST:
            counts = first_purchases(self.bought, self.reference, half_life_days, self.items) / FRESH
        else:
            counts = decayed_orders(self.bought, self.reference, half_life_days, self.items) / FRESH
        inside = counts[self.sold > 0]
        deviation = float(inside.std()) or 1.0
        trend: Floats = ((counts - inside.mean()) / deviation).astype(np.float32)
        return trend

    def _rates(self) -> tuple[Ints, Floats]:
        """Each pair bought and the chance that it is bought again."""
        table = hazard_sums(self.bought, self.reference, DEFAULTS).rates(DEFAULTS.repurchase_prior)
        days = np.unique(
            np.column_stack([self.bought.person << 32 | self.bought.item, self.bought.day]), axis=0
        )
        ends = np.flatnonzero(np.append(days[1:, 0] != days[:-1, 0], values=True))
        counts = np.diff(np.append(-1, ends))
        recency = np.maximum(self.reference - days[ends, 1], 0)
        return days[ends, 0], table[cells(recency, counts)].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Contender:
    """A model that can be fitted, asked and compared.

    Attributes:
        name: one word, as in files.
        title: as in a table.
        trend: what its trend counts.
        own: what its own term is.
        fit: learns from what is known, with a setting.
        fits: settings to choose from.
        mixes: mixes to choose from, for items new to the person.
        repeats: mixes to choose from where repeats are allowed; empty when it takes no part.
    """

    name: str
    title: str
    trend: Trend
    own: Own
    fit: Callable[[Known, Setting], Parts]
    fits: tuple[Setting, ...] = field(default=({},))
    mixes: tuple[Mix, ...] = field(default=(Mix(),))
    repeats: tuple[Mix, ...] = field(default=())

    @property
    def same_for_all(self) -> bool:
        """Whether everybody is shown one order of items."""
        return self.fit is no_parts and self.own is Own.NONE

    def grid(self, task: Task) -> tuple[Mix, ...]:
        """The mixes to choose from for a task."""
        return self.mixes if task is Task.NEW else self.repeats


class Fitted(NamedTuple):
    """A model that has learned."""

    contender: Contender
    known: Known
    parts: Parts


def no_parts(_known: Known, _setting: Setting) -> Parts:
    """A model without a person's part."""
    return lambda _people: ()


def scaled(part: Floats) -> Floats:
    """Rows of root mean square 1; a row of nothing stays one."""
    size = np.sqrt(np.square(part).mean(axis=1, keepdims=True))
    rows: Floats = part / np.maximum(size, _SMALLEST)
    return rows


def mixed(fitted: Fitted, parts: Sequence[Floats], people: Ints, mix: Mix, task: Task) -> Floats:
    """The scores of some people; what can not be listed is minus infinity.

    Args:
        fitted: whose parts they are.
        parts: of these people, scaled.
        people: person numbers, ascending.
        mix: how to put them together.
        task: for new items what a person has is left out; repeats get the own term.
    """
    contender, known, _ = fitted
    scores = np.zeros((len(people), known.items), np.float32)
    for part, weight in zip(parts, (1.0, mix.second), strict=False):
        scores += np.float32(weight) * part
    if contender.trend is not Trend.NONE:
        scores += np.float32(mix.trend) * known.trend(contender.trend, mix.trend_days)
    if task is Task.NEW:
        scores[kept_items(known.pairs, people)] = -np.inf
    elif mix.own or mix.held:
        _add_own(contender.own, known, people, mix, scores)
    scores[:, known.sold == 0] = -np.inf
    return scores


def _add_own(own: Own, known: Known, people: Ints, mix: Mix, scores: Floats) -> None:
    if own is Own.COUNTS:
        _add_rows(scores, own_counts(known, mix.own_days)[people], mix.own)
    elif own is Own.HAZARD:
        pairs, rates = known.rates()
        chosen = np.isin(pairs >> 32, people)
        scores[kept_items(pairs, people)] += np.float32(mix.own) * rates[chosen]
        _add_rows(scores, known.held(mix.own_days)[people], mix.held)


def _add_rows(scores: Floats, rows: sparse.csr_matrix, weight: float) -> None:
    """Adds sparse rows, each item once a row, to scores, in place."""
    row = np.repeat(np.arange(len(scores)), np.diff(rows.indptr))
    scores[row, rows.indices] += np.float32(weight) * rows.data


def own_counts(known: Known, half_life_days: float) -> sparse.csr_matrix:
    """Decayed lines of each person and item; shape (people, items)."""
    weight = np.exp2(-(known.reference - known.bought.day) / half_life_days).astype(np.float32)
    shape = known.people, known.items
    return sparse.csr_matrix((weight, (known.bought.person, known.bought.item)), shape)
