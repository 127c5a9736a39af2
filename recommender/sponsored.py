"""Paid places: labelled, few, relevant, and on top of a list whose own order they never change.

Taking the paid items out of an answer leaves exactly the answer that would have been without
them. An offer is measured by what this call says, and by the person's events only where the
person permits advertising; whether it is relevant enough is told by the same measure.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from recommender.arrange import NOTHING_SAID, capped, floor_of
from recommender.columns import Columns
from recommender.filters import Admission, Sieve
from recommender.history import EMPTY
from recommender.index import ServedIndex
from recommender.interest import interest_of
from recommender.question import Answer, Depth, Placement, Question, Recommended, Rules, Sponsorship
from recommender.vectors import Floats


def with_sponsored(index: ServedIndex, sieve: Sieve, question: Question, found: Answer) -> Answer:
    """An answer with the paid places its question allows."""
    sponsorship = question.sponsorship
    assert sponsorship is not None  # noqa: S101 - asked by the caller
    vector, depth = _measure(index, question, sponsorship)
    listed = {item.item for item in found.items}
    offers = [
        offer
        for offer in {offer.item: offer for offer in reversed(sponsorship.offers)}.values()
        if offer.item not in listed
    ][::-1]
    numbers = np.array([offer.item for offer in offers], np.int32)
    admission = Admission(
        sieve=sieve,
        without=np.array(question.kept_out, np.int32),
        among=None if question.among is None else np.array(question.among, np.int32),
        entitled=np.array(question.entitled, np.int32),
    )
    scores = index.scores(vector, numbers)
    _, best = index.search(vector, max(question.count, 1), admission.mask())
    least = floor_of(float(best[-1]), sponsorship.relevance_floor) if len(best) else np.inf
    relevant = np.flatnonzero(admission.of(numbers) & (scores >= least)).tolist()
    paid = [
        Recommended(
            offers[at].item,
            float(scores[at]),
            placement=Placement.SPONSORED,
            propensity=1.0 if question.exploration else 0.0,
            sponsor=offers[at].sponsor,
        )
        for at in relevant
    ]
    paid = _within_caps(sieve.columns, question.rules, found.items, paid)
    items = interleaved(found.items, paid, sponsorship.share_max_permille)
    shown = len(items) > len(found.items)
    return replace(found, items=items, sponsored_depth=depth if shown else Depth.UNSPECIFIED)


def interleaved(
    organic: list[Recommended], paid: list[Recommended], share_max_permille: int
) -> list[Recommended]:
    """Puts paid items where, from the top to any place, they are at most a part of the list.

    Args:
        organic: in their order, which stays.
        paid: in their order; those for whom there is no room are left out.
        share_max_permille: the part; the first place is never paid.
    """
    items: list[Recommended] = []
    waiting = iter(paid)
    shown = 0
    for item in organic:
        items.append(item)
        if 1000 * (shown + 1) <= share_max_permille * (len(items) + 1):
            offer = next(waiting, None)
            if offer is not None:
                items.append(offer)
                shown += 1
    return items


def _within_caps(
    columns: Columns, rules: Rules, organic: list[Recommended], paid: list[Recommended]
) -> list[Recommended]:
    """The paid items for which the caps leave room beside the whole list and the paid ones before them."""
    caps = capped(columns, rules)
    held = [Counter(int(codes[item.item]) for item in organic) for codes, _ in caps]
    kept = []
    for item in paid:
        kinds = [int(codes[item.item]) for codes, _ in caps]
        if all(
            kind == NOTHING_SAID or of_kind[kind] < most
            for kind, of_kind, (_, most) in zip(kinds, held, caps, strict=True)
        ):
            kept.append(item)
            for kind, of_kind in zip(kinds, held, strict=True):
                of_kind[kind] += 1
    return kept


def _measure(index: ServedIndex, question: Question, sponsorship: Sponsorship) -> tuple[Floats, Depth]:
    """What offers are scored with: the person's permitted events, else this call, else the trend."""
    model = index.model
    now = (*question.session_items, question.item) if question.item else question.session_items
    for history in (sponsorship.history, EMPTY):
        interest = interest_of(history, now, model.reference_day, model.parameters)
        query = index.query(interest)
        if query.has_person:
            own = bool(interest.own[query.item].any())
            return query.vector, Depth.INDIVIDUAL if own else Depth.CONTEXT
    vector = np.zeros(model.rank + 1, np.float32)
    vector[-1] = 1.0
    return vector, Depth.GENERAL
