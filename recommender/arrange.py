"""The order of a list: pins, buried items, caps, diversity and exploration, place by place.

Each place is filled once: by its pin, or by the best candidate that is left and open under the
caps, or by one drawn at random. What is drawn from, and with which chances, depends on the
places above alone, so the propensity of every item is exact. Nothing is placed that was not
among the candidates or an admitted pin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.candidates import Source, directions
from recommender.columns import Columns
from recommender.filters import Admission, Mask, Numbers
from recommender.index import ServedIndex
from recommender.question import Exploration, Placement, Question, Recommended, Rules
from recommender.vectors import Floats

_POOL_LEAST = 200
_POOL_PER_PLACE = 4
#: The part of the last place's usual score that an item of the tail has to reach.
_TAIL_RELEVANCE = 0.5
#: The code that says nothing: no cap counts it.
NOTHING_SAID = 0


@dataclass(frozen=True, slots=True)
class Pool:
    """The candidates, best first; columns of one length.

    Attributes:
        numbers: item numbers.
        scores: what they are ordered by.
        buried: they come after all others.
        brand: codes.
        category: codes.
        directions: see ``candidates.directions``; of no columns where diversity is not asked for.
    """

    numbers: Numbers
    scores: Floats
    buried: Mask
    brand: NDArray[np.int32]
    category: NDArray[np.int32]
    directions: Floats


def arranged(
    index: ServedIndex, source: Source, admission: Admission, question: Question
) -> tuple[list[Recommended], bool]:
    """The items of a question in the order its rules want, and whether any are left for another page.

    Candidates are taken until there are enough of them for the caps, whatever is drawn, so that
    what is drawn has no say in what is drawn from.
    """
    rules = question.rules
    pins = {} if question.shown else _admitted_pins(rules, admission)
    placements = dict.fromkeys(pins, Placement.PINNED)
    if rules.tail_place and question.count not in pins:
        tail = _of_the_tail(index, source, admission, question, pins)
        if tail is not None:
            pins[question.count], placements[question.count] = tail, Placement.TAIL
    apart = np.array([*pins.values(), *rules.buried], np.int32)
    others = replace(admission, without=np.concatenate([admission.without, apart]))
    wanted = max(_POOL_LEAST, _POOL_PER_PLACE * question.count)
    if question.exploration is not None:
        wanted += question.exploration.drawn_from
    pinned = np.array(list(pins.values()), np.int32)
    while True:
        numbers, scores = source.top(wanted, others)
        everything = len(numbers) < wanted
        buried = np.zeros(len(numbers), np.bool_)
        if everything and rules.buried:
            numbers, scores, buried = _with_buried(source, admission, rules, numbers, scores)
        columns = admission.sieve.columns
        held = np.concatenate([numbers, pinned])
        pool = Pool(
            held,
            np.concatenate([scores, source.scores(pinned)]),
            np.concatenate([buried, np.zeros(len(pinned), np.bool_)]),
            columns.brand[held],
            columns.category[held],
            directions(index, held) if question.diversity else np.zeros((len(held), 0), np.float32),
        )
        at = {place: len(numbers) + rank for rank, place in enumerate(pins)}
        if question.exploration is None:
            placed = arrange(pool, at, question, placements)
            enough = len(placed) == question.count
        else:
            enough = _least_open(pool, question) >= question.exploration.drawn_from
        if everything or enough:
            break
        wanted *= _POOL_PER_PLACE
    if question.exploration is not None:
        placed = arrange(pool, at, question, placements)
    return placed, not everything or len(placed) < len(pool.numbers)


def arrange(
    pool: Pool, pins: dict[int, int], question: Question, placements: Mapping[int, Placement] | None = None
) -> list[Recommended]:
    """Fills places from the first to the last.

    Diversity is maximal marginal relevance (Carbonell and Goldstein, 1998): 0 orders by score alone,
    towards 1 by how unlike those above an item is; scores are scaled to 0 … 1, likeness is the largest
    cosine.

    Args:
        pool: the candidates.
        pins: place, from 1 on, to position in the pool; those of places not reached come at the end.
        question: how many places, the caps, diversity and exploration.
        placements: what the items at the places of ``pins`` are there for; pinned unless said.
    """
    rules, diversity, exploration = question.rules, question.diversity, question.exploration
    random = np.random.default_rng(None if exploration is None else exploration.seed)
    left = np.ones(len(pool.numbers), np.bool_)
    left[list(pins.values())] = False
    value, relevance = pool.scores, _scaled(pool.scores)
    likeness = np.zeros(len(pool.numbers), np.float32)
    placed: list[Recommended] = []
    counts: dict[tuple[int, int], int] = {}
    for at in pins.values():  # they stay, and leave the less room for others
        _close(pool, at, rules, counts, left)
    for place in range(1, question.count + 1):
        if place in pins:
            at, propensity = pins[place], 1.0
            placement = (placements or {}).get(place, Placement.PINNED)
        else:
            open_ = left & ~pool.buried if (left & ~pool.buried).any() else left
            if not open_.any():
                continue
            if diversity:
                value = (1 - diversity) * relevance - diversity * likeness
            explored = exploration if exploration and place > exploration.first_places else None
            at, propensity, best = _chosen(np.where(open_, value, -np.inf), explored, random)
            placement = Placement.ORGANIC if best else Placement.EXPLORED
            left[at] = False
            _close(pool, at, rules, counts, left)
        if diversity:
            likeness = np.maximum(likeness, pool.directions @ pool.directions[at])
        placed.append(
            Recommended(
                int(pool.numbers[at]),
                float(pool.scores[at]),
                placement=placement,
                propensity=propensity if exploration else 0.0,
            )
        )
    return placed


def floor_of(score: float, part: float) -> float:
    """What an item that is not there by its score has to score where one of ``score`` would be.

    Scores can be negative: the floor lies beneath the score by the rest of its size.
    """
    return score - (1 - part) * abs(score)


def _chosen(
    value: Floats, exploration: Exploration | None, random: np.random.Generator
) -> tuple[int, float, bool]:
    """A position, the chance that it was chosen, and whether it is the best."""
    best = int(np.argmax(value))
    if exploration is None:
        return best, 1.0, True
    drawn_from = np.argsort(-value, kind="stable")[: exploration.drawn_from]
    drawn_from = drawn_from[value[drawn_from] > -np.inf]
    at = best
    if random.random() < exploration.chance:
        at = int(drawn_from[random.integers(len(drawn_from))])
    propensity = exploration.chance / len(drawn_from) + (1 - exploration.chance) * (at == best)
    return at, propensity, at == best


def _close(pool: Pool, at: int, rules: Rules, counts: dict[tuple[int, int], int], left: Mask) -> None:
    """Counts a placed item, and takes out of what is left what would break a cap after it."""
    for which, (codes, most) in enumerate(capped(pool, rules)):
        code = int(codes[at])
        if code != NOTHING_SAID:
            counts[which, code] = counts.get((which, code), 0) + 1
            if counts[which, code] >= most:
                left &= codes != code


def _least_open(pool: Pool, question: Question) -> int:
    """How many candidates are open at the last place at the least, whatever stands above it."""
    above = question.count - 1
    closed = above
    for codes, most in capped(pool, question.rules):
        sizes = np.bincount(codes)[NOTHING_SAID + 1 :]
        closed += int(np.sort(sizes)[::-1][: above // most].sum())
    return len(pool.numbers) - closed


def capped(held: Pool | Columns, rules: Rules) -> list[tuple[NDArray[np.int32], int]]:
    """The codes that a cap counts, and the cap."""
    caps = ((held.brand, rules.per_brand_max), (held.category, rules.per_category_max))
    return [(codes, most) for codes, most in caps if most]


def _scaled(scores: Floats) -> Floats:
    least, most = float(scores.min(initial=np.inf)), float(scores.max(initial=-np.inf))
    scaled: Floats = (scores - least) / (most - least) if most > least else np.zeros_like(scores)
    return scaled


def _of_the_tail(
    index: ServedIndex, source: Source, admission: Admission, question: Question, pins: Mapping[int, int]
) -> int | None:
    """The best item outside the model's head, if it is relevant beside what the last place would hold.

    It does not depend on what is drawn, so the chances of the places above stay exact.
    """
    mask = admission.mask()
    head = index.model.head_numbers
    mask[head[head < len(mask)]] = False
    taken = (*pins.values(), *question.rules.buried)
    mask[[number for number in taken if number < len(mask)]] = False
    pinned = np.array(list(pins.values()), np.int32)
    for codes, most in capped(admission.sieve.columns, question.rules):
        full, counts = np.unique(codes[pinned], return_counts=True)
        mask &= ~np.isin(codes[: len(mask)], full[(counts >= most) & (full != NOTHING_SAID)])
    best, scores = source.top(1, replace(admission, among=np.flatnonzero(mask).astype(np.int32)))
    _, usual = source.top(question.count, admission)
    if not len(best) or float(scores[0]) < floor_of(float(usual[-1]), _TAIL_RELEVANCE):
        return None
    return int(best[0])


def _admitted_pins(rules: Rules, admission: Admission) -> dict[int, int]:
    """The pins whose items may be in the list, by place."""
    places = sorted(rules.pins)
    numbers = np.array([rules.pins[place] for place in places], np.int32)
    return {
        place: int(number)
        for place, number, may in zip(places, numbers, admission.of(numbers), strict=True)
        if may
    }


def _with_buried(
    source: Source, admission: Admission, rules: Rules, numbers: Numbers, scores: Floats
) -> tuple[Numbers, Floats, Mask]:
    """The candidates and, after them, the buried items that would be among them."""
    below = set(rules.buried) - set(rules.pins.values())
    if admission.among is not None:
        below &= set(admission.among.tolist())
    only = replace(admission, among=np.array(sorted(below), np.int32))
    of_below, below_scores = source.top(len(below), only) if below else (numbers[:0], scores[:0])
    buried = np.zeros(len(numbers) + len(of_below), np.bool_)
    buried[len(numbers) :] = True
    return np.concatenate([numbers, of_below]), np.concatenate([scores, below_scores]), buried
