"""The recipes: from a question to an ordered list, with how personal it is and why.

A recipe names a source of candidates; what may be in a list, its order and its paid places
are the same matter for all. Nothing here is shared, so that any thread can answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from recommender.arrange import arranged
from recommender.candidates import Listed, Newest, Searched, Similar, Source
from recommender.depth import for_you, general, less_disliked
from recommender.filters import Admission, Sieve
from recommender.history import EMPTY
from recommender.index import ServedIndex
from recommender.interest import interest_of
from recommender.own_items import next_purchases, unfinished
from recommender.question import (
    NO_EVENTS,
    NO_MODEL,
    SAME_FOR_ALL,
    Answer,
    Depth,
    Question,
    Recipe,
    Recommended,
)
from recommender.sponsored import with_sponsored


def answer(index: ServedIndex, sieve: Sieve, question: Question) -> Answer:
    """Answers a question from one index.

    Args:
        index: is searched.
        sieve: of the question's criteria.
        question: what is asked.
    """
    return answered(index, sieve, question, RECIPES[question.recipe](index, sieve, question))


def answered(index: ServedIndex, sieve: Sieve, question: Question, source: Source) -> Answer:
    """The list a source gives for a question."""
    admission = admitted(sieve, question, source)
    if question.by_score_alone:
        numbers, scores = source.top(question.count, admission)
        items = [
            Recommended(number, score)
            for number, score in zip(numbers.tolist(), scores.tolist(), strict=True)
        ]
        more = len(items) == question.count
    else:
        items, more = arranged(index, source, admission, question)
    if question.explain:
        why = source.why(np.array([item.item for item in items], np.int32))
        items = [
            Recommended(item, score, *of_item, placement, propensity, sponsor)
            for (item, score, *_, placement, propensity, sponsor), of_item in zip(items, why, strict=True)
        ]
    found = Answer(items, source.depth, source.depth_reason, more=more)
    if question.sponsorship is None:
        return found
    return with_sponsored(index, sieve, question, found)


def admitted(sieve: Sieve, question: Question, source: Source) -> Admission:
    """What gets into the list of a question."""
    return Admission(
        sieve=sieve,
        without=np.concatenate([np.array(question.kept_out, np.int32), source.without]),
        among=None if question.among is None else np.array(question.among, np.int32),
        entitled=np.array(question.entitled, np.int32),
    )


def buy_again(index: ServedIndex, sieve: Sieve, question: Question) -> Source:
    """The person's own purchases by the chance that they are due; ties by own weight."""
    model = index.model
    interest = interest_of(question.history, (), model.reference_day, model.parameters)
    if not len(interest.bought):
        return general(index, question.not_personal or NO_EVENTS)
    items, chance = next_purchases(index, question.history, interest)
    weight = interest.weight[np.searchsorted(interest.item, items)]
    order = np.lexsort((-weight, -chance))
    found = Listed(items[order].astype(np.int32), chance[order], Depth.INDIVIDUAL, "", interest=interest)
    return less_disliked(found, sieve, question)


def continue_(index: ServedIndex, sieve: Sieve, question: Question) -> Source:
    """What the person began and did not order, what was done most and last first."""
    begun = unfinished(index, question.history)
    if not len(begun.item):
        return general(index, question.not_personal or NO_EVENTS)
    order = np.argsort(-begun.weight, kind="stable")
    found = Listed(begun.item[order], begun.weight[order], Depth.INDIVIDUAL, "", interest=begun)
    return less_disliked(found, sieve, question)


def similar(index: ServedIndex, _sieve: Sieve, question: Question) -> Source:
    """What could stand in for an item; what everybody begins to buy while nothing is learned of it."""
    item = np.array([question.item], np.int32)
    if not index.vectors(item)[0, :-1].any():
        source = general(index, question.not_personal or _untrained(index) or NO_EVENTS)
        return replace(source, without=item)
    return Similar(index, question.item, question.not_personal or SAME_FOR_ALL)


def together(index: ServedIndex, _sieve: Sieve, question: Question) -> Source:
    """What those buy who buy an item, or the session's: what an event of each adds, the trend left out."""
    model = index.model
    basket = (*question.session_items, question.item) if question.item else question.session_items
    items = np.array(basket, np.int32)
    interest = interest_of(EMPTY, basket, model.reference_day, model.parameters)
    query = index.query(interest)
    if not query.has_person:
        source = general(index, question.not_personal or _untrained(index) or NO_EVENTS)
        return replace(source, without=items)
    vector = query.vector.copy()
    vector[-1] = 0
    return Searched(
        index,
        vector,
        Depth.CONTEXT,
        question.not_personal or SAME_FOR_ALL,
        without=items,
        query=replace(query, vector=vector),
        interest=interest,
    )


def for_everybody(index: ServedIndex, question: Question, source: Listed | Searched) -> Listed | Searched:
    """What stands in for a recipe; of new items, too, it holds none that the person is known to have."""
    if question.recipe is not Recipe.FOR_YOU or question.include_known:
        return source
    model = index.model
    interest = interest_of(question.history, (), model.reference_day, model.parameters)
    return replace(source, without=interest.bought)


def trending(index: ServedIndex, _sieve: Sieve, question: Question) -> Source:
    """What everybody begins to buy."""
    return general(index, question.not_personal or _untrained(index) or SAME_FOR_ALL)


def new(index: ServedIndex, sieve: Sieve, question: Question) -> Source:
    """What was offered last."""
    return Newest(general(index, question.not_personal or SAME_FOR_ALL), sieve.columns.since_day)


def _untrained(index: ServedIndex) -> str:
    return "" if index.model.version else NO_MODEL


RECIPES: dict[Recipe, Callable[[ServedIndex, Sieve, Question], Source]] = {
    Recipe.FOR_YOU: for_you,
    Recipe.BUY_AGAIN: buy_again,
    Recipe.TRENDING: trending,
    Recipe.CONTINUE: continue_,
    Recipe.SIMILAR: similar,
    Recipe.TOGETHER: together,
    Recipe.NEW: new,
}
