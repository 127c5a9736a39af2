"""The recipes: from a question to an ordered list, with how personal it is and why.

A question holds only what may be used for it; so the same code answers everybody, and less
permission simply means less in the question. Answers name items by number; texts are put on
by the caller, who also drops what was deleted meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.events import Kind
from recommender.explain import Reason, own_purchases, reasons_of
from recommender.hazard import cells
from recommender.history import History
from recommender.index import ServedIndex
from recommender.interest import Interest, interest_of
from recommender.vectors import Floats

NO_EVENTS = "NO_EVENTS"
NO_MODEL = "NO_MODEL"
SAME_FOR_ALL = "SAME_FOR_ALL"


class Recipe(IntEnum):
    """Kinds of list; numbers as in the contract."""

    FOR_YOU = 1
    BUY_AGAIN = 2
    TRENDING = 3


class Depth(IntEnum):
    """How personal an answer is; numbers as in the contract."""

    GENERAL = 1
    CONTEXT = 2
    INDIVIDUAL = 4


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for, and all that may be used to answer it.

    Attributes:
        recipe: kind of list.
        count: how many items.
        history: the person's events that may be used; empty for guests and denials.
        not_personal: why the answer must not be personal; empty if it may be.
        session_items: item numbers of this call.
        categories: only items of these and beneath them; empty means all.
        include_known: FOR_YOU: also what the person has bought before.
        explain: give reasons.
    """

    recipe: Recipe
    count: int
    history: History
    not_personal: str
    session_items: tuple[int, ...] = ()
    categories: tuple[str, ...] = ()
    include_known: bool = False
    explain: bool = False


class Recommended(NamedTuple):
    """One item of an answer.

    Attributes:
        item: its number.
        score: what it was ordered by.
        reasons: strongest first.
        trend_share: the part of the score that comes from what everybody buys.
    """

    item: int
    score: float
    reasons: tuple[Reason, ...] = ()
    trend_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An ordered list, how personal it is, and why not more."""

    items: list[Recommended]
    depth: Depth
    depth_reason: str


def answer(index: ServedIndex, question: Question) -> Answer:
    """Answers a question from one index. Touches nothing shared; runs in any thread."""
    model = index.model
    interest = interest_of(question.history, question.session_items, model.reference_day, model.parameters)
    if question.recipe is Recipe.TRENDING:
        return _general(index, question, question.not_personal or _untrained(index) or SAME_FOR_ALL)
    if question.recipe is Recipe.BUY_AGAIN:
        if len(interest.bought):
            return _buy_again(index, question, interest)
        return _general(index, question, question.not_personal or NO_EVENTS)
    return _for_you(index, question, interest)


def _untrained(index: ServedIndex) -> str:
    return "" if index.model.version else NO_MODEL


def _for_you(index: ServedIndex, question: Question, interest: Interest) -> Answer:
    query = index.query(interest)
    if not query.has_person:
        return _general(index, question, question.not_personal or _untrained(index) or NO_EVENTS)
    without = np.asarray(question.session_items, np.int32)
    if not question.include_known:
        without = np.concatenate([without, interest.bought])
    allowed = index.allowed(without, question.categories)
    numbers, scores = index.search(query.vector, question.count, allowed)
    if question.explain:
        explained = reasons_of(interest, query, *index.explained(query, numbers))
        items = [
            Recommended(number, score, reasons, trend_share)
            for number, score, (reasons, trend_share) in zip(
                numbers.tolist(), scores.tolist(), explained, strict=True
            )
        ]
    else:
        items = [
            Recommended(number, score)
            for number, score in zip(numbers.tolist(), scores.tolist(), strict=True)
        ]
    if interest.own[query.item].any():
        return Answer(items, Depth.INDIVIDUAL, "")
    return Answer(items, Depth.CONTEXT, question.not_personal or NO_EVENTS)


def _buy_again(index: ServedIndex, question: Question, interest: Interest) -> Answer:
    """The person's own purchases by the chance that they are due; ties by own weight."""
    items, chance = next_purchases(index, question.history, interest)
    position = np.searchsorted(interest.item, items)
    weight = interest.weight[position]
    without = np.asarray(question.session_items, np.int32)
    allowed = index.allowed(without, question.categories)
    chosen = np.flatnonzero(allowed[items])
    order = chosen[np.lexsort((-weight[chosen], -chance[chosen]))][: question.count]
    reasons = [(reason,) for reason in own_purchases(interest, position[order])] if question.explain else []
    found = [
        Recommended(number, score, reasons[rank] if reasons else ())
        for rank, (number, score) in enumerate(
            zip(items[order].tolist(), chance[order].tolist(), strict=True)
        )
    ]
    return Answer(found, Depth.INDIVIDUAL, "")


def next_purchases(index: ServedIndex, history: History, interest: Interest) -> tuple[NDArray[Any], Floats]:
    """What was bought and kept, and the chance of each that it is bought again.

    Returns:
        Item numbers, ascending, and chances; the interest's own weights before there is a table.
    """
    items, last, counts = _purchases(history)
    kept = np.isin(items, interest.bought) & (items < len(index.alive))
    items, last, counts = items[kept], last[kept], counts[kept]
    weight = interest.weight[np.searchsorted(interest.item, items)]
    return items, _chance(index, last, counts, weight)


def _purchases(history: History) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The items of a person's orders, the last day of each and on how many days it was ordered."""
    ordered = history.kind == Kind.ORDER
    days = np.unique(history.item[ordered].astype(np.int64) << 32 | history.day[ordered])
    items, starts, counts = np.unique(days >> 32, return_index=True, return_counts=True)
    return items, days[starts + counts - 1] & 0xFFFFFFFF, counts


def _chance(index: ServedIndex, last: NDArray[Any], counts: NDArray[Any], weight: Floats) -> Floats:
    """The chance of a repurchase; the own weight before there is a table."""
    model = index.model
    if not model.hazard.exposed.any():
        return weight
    recency = np.maximum(model.reference_day - last, 0)
    rates = model.hazard.rates(model.parameters.repurchase_prior)
    return rates[cells(recency, counts)].astype(np.float32)


def _general(index: ServedIndex, question: Question, reason: str) -> Answer:
    """What everybody begins to buy."""
    vector = np.zeros(index.model.rank + 1, np.float32)
    vector[-1] = 1.0
    allowed = index.allowed(np.asarray(question.session_items, np.int32), question.categories)
    numbers, scores = index.search(vector, question.count, allowed)
    items = [
        Recommended(number, score, trend_share=1.0 if question.explain else 0.0)
        for number, score in zip(numbers.tolist(), scores.tolist(), strict=True)
    ]
    return Answer(items, Depth.GENERAL, reason)
