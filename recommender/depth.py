"""How personal a list is: from the person, from people like them, from this call, or for everybody.

A question holds only what may be used, and every depth needs something of its own to be there:
own events or answers for INDIVIDUAL, a told age band with a trend for SEGMENT, something of this
call for CONTEXT. So whoever takes something out of a question never makes its list deeper.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from recommender.candidates import Listed, Searched, Source, WithOwn
from recommender.explain import Grounds
from recommender.filters import Mask, Sieve
from recommender.index import ServedIndex
from recommender.interest import Interest, interest_of
from recommender.lifted import Lift, lifted
from recommender.model import Model
from recommender.own_items import next_purchases
from recommender.query import Query
from recommender.question import NO_EVENTS, NO_MODEL, Depth, Question
from recommender.situation import LIFT, suits
from recommender.taste import Tastes, both, without_disliked

#: Before a training there is no personal part to measure by: a lift of 1 is so many standard
#: deviations of the popularity.
_POPULARITY_DEVIATIONS = 3.0


def for_you(index: ServedIndex, sieve: Sieve, question: Question) -> Source:
    """What goes with the person's events and answers, people like them, and this call."""
    model, tastes = index.model, Tastes(question.tastes, sieve.columns, sieve.texts)
    disliked = tastes.disliked
    did = interest_of(
        without_disliked(question.history, disliked),
        question.session_items,
        model.reference_day,
        model.parameters,
    )
    interest = both(did, tastes.events(model.trend, disliked)) if question.tastes else did
    query = index.query(interest)
    lifts = [
        *_liked(tastes, disliked, model),
        *_of_segment(question, model),
        *_suiting(question, sieve, model),
    ]
    never = tastes.never
    own = len(never) or interest.own[query.item].any()
    depth = _depth({lift.what for lift in lifts}, own=bool(own), session=query.has_person)
    reason = "" if depth is Depth.INDIVIDUAL else _reason(question, model)
    known = did.bought[:0] if question.include_known else did.bought
    source: Source = replace(general(index, reason), without=known)
    if query.has_person:
        found = Searched(index, query.vector, depth, reason, without=known, query=query, interest=interest)
        source = _with_own(found, query, did, question) if question.include_known else found
    return lifted(source, lifts, never, depth=depth, depth_reason=reason)


def _with_own(searched: Searched, query: Query, did: Interest, question: Question) -> Source:
    """The same search, with what the person has lifted by how likely it is bought again."""
    own, chance = next_purchases(searched.index, question.history, did)
    asked = np.isin(own, did.item[query.item[query.item < len(did.item)]])
    own, chance = own[asked], chance[asked]
    held = did.lasting[np.searchsorted(did.item, own)]
    parameters = searched.index.model.parameters
    lift = np.float32(parameters.own_weight) * chance + np.float32(parameters.held_weight) * held
    assert searched.interest is not None  # noqa: S101 - a search of a person has one
    return WithOwn(searched, query, searched.interest, own.astype(np.int32), lift)


def less_disliked(source: Listed, sieve: Sieve, question: Question) -> Listed:
    """A list of the person's own things without what they dislike, or with that behind the rest."""
    tastes = Tastes([taste for taste in question.tastes if taste.value < 0], sieve.columns, sieve.texts)
    if not tastes.tastes:
        return source
    given = source.given.astype(np.float32)
    inside = source.numbers < len(sieve.columns)
    for _, by in tastes.liftings(1.0, tastes.disliked):
        given[inside] += by[source.numbers[inside]]
    kept = np.flatnonzero(~np.isin(source.numbers, tastes.never))
    order = kept[np.argsort(-given[kept], kind="stable")]
    return replace(source, numbers=source.numbers[order], given=given[order])


def general(index: ServedIndex, reason: str) -> Searched:
    """What everybody begins to buy, as an answer to what can not be answered more personally."""
    vector = np.zeros(index.model.rank + 1, np.float32)
    vector[-1] = 1.0
    return Searched(index, vector, Depth.GENERAL, reason)


def _depth(lifted_by: Collection[Grounds], *, own: bool, session: bool) -> Depth:
    if own or Grounds.ANSWER in lifted_by:
        return Depth.INDIVIDUAL
    if Grounds.SEGMENT in lifted_by:
        return Depth.SEGMENT
    if session or Grounds.SITUATION in lifted_by:
        return Depth.CONTEXT
    return Depth.GENERAL


def _reason(question: Question, model: Model) -> str:
    return question.not_personal or ("" if model.version else NO_MODEL) or NO_EVENTS


def _unit(model: Model) -> float:
    """The score that a lift of 1 is: the root mean square of a person's part."""
    if model.rank:
        return 1.0
    return _POPULARITY_DEVIATIONS * float(model.trend.std()) or 1.0


def _liked(tastes: Tastes, disliked: Mask, model: Model) -> Iterator[Lift]:
    for at, by in tastes.liftings(_unit(model), disliked):
        yield Lift(Grounds.ANSWER, at, by)


def _of_segment(question: Question, model: Model) -> Iterator[Lift]:
    trend = model.segments.of_band(question.age_band, len(model.trend))
    if trend is not None:
        yield Lift(Grounds.SEGMENT, question.age_band, trend * np.float32(_unit(model)))


def _suiting(question: Question, sieve: Sieve, model: Model) -> Iterator[Lift]:
    for at, tag in enumerate(question.situation):
        suited = suits(tag, sieve.columns, sieve.texts)
        if suited.any():
            yield Lift(Grounds.SITUATION, at, suited * np.float32(LIFT * _unit(model)))
