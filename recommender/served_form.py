"""The model as it is served: trained, put into an index, and asked through the recipes.

The same functions as in the service, in the same order, so that what is judged is what a
caller would get; only the network, the store and consent are not there. Each depth is given
exactly what a call of that depth may use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from recommender.catalogue import Shelf
from recommender.columns import Columns, Vocabularies
from recommender.contenders import Known
from recommender.evaluation import LIST_LENGTH, Task
from recommender.events import Ints
from recommender.filters import EVERYTHING, Sieve
from recommender.history import EMPTY, History
from recommender.index import ServedIndex
from recommender.parameters import Parameters
from recommender.quality import NO_ITEM
from recommender.question import Depth, Question, Recipe
from recommender.recipes import answer
from recommender.training import train

_VERSION = "evaluated"
_NOT_PERMITTED = "NOT_PERMITTED"
_PROVENANCE = 1


def served_index(
    known: Known, parameters: Parameters, progress: Callable[[str], None] = lambda _: None
) -> ServedIndex:
    """Trains on what is known and puts the model into an index over what was sold.

    Raises:
        NothingToLearn: nobody bought anything.
    """
    model = train(known.events, known.categories, parameters, _VERSION, progress)
    codes: dict[str, int] = {}
    category = np.array([codes.setdefault(name, len(codes)) for name in known.categories], np.int32)
    return ServedIndex(model, Shelf(1, known.sold > 0, category, tuple(codes)))


def served_lists(
    index: ServedIndex, known: Known, people: Ints, task: Task, depth: Depth = Depth.INDIVIDUAL
) -> Ints:
    """The list of each person as FOR_YOU answers it, shape (people, 20).

    Args:
        index: made of ``known``.
        known: whose events a call may use: all of them, of CONTEXT the last item bought as the
            session's, of GENERAL nothing.
        people: person numbers, ascending.
        task: where repeats are allowed, what is known is asked for as well.
        depth: INDIVIDUAL, CONTEXT or GENERAL.
    """
    listed = replace(Columns.empty(len(known.sold)), listed=known.sold > 0)
    sieve = Sieve(listed, Vocabularies.empty(), EVERYTHING)
    found = np.full((len(people), LIST_LENGTH), NO_ITEM, np.int64)
    histories = histories_of(known, people)
    for row, history in enumerate(histories):
        given = answer(index, sieve, question_of(history, task, depth)).items
        found[row, : len(given)] = [recommended.item for recommended in given]
    return found


def question_of(history: History, task: Task, depth: Depth) -> Question:
    """What a call of some depth asks, and all that it may use."""
    individual = depth is Depth.INDIVIDUAL
    session = (int(history.item[-1]),) if depth is Depth.CONTEXT else ()
    return Question(
        recipe=Recipe.TRENDING if depth is Depth.GENERAL else Recipe.FOR_YOU,
        count=LIST_LENGTH,
        history=history if individual else EMPTY,
        not_personal="" if individual else _NOT_PERMITTED,
        session_items=session,
        include_known=task is Task.REPEATS,
    )


def histories_of(known: Known, people: Ints) -> Sequence[History]:
    """The events of each person in the order of their days, as the store would give them."""
    events = known.events
    order = np.lexsort((events.day, events.person))
    owner = events.person[order]
    starts, ends = np.searchsorted(owner, people), np.searchsorted(owner, people, side="right")
    columns = np.stack([events.item, events.day, events.kind, events.quantity])[:, order].astype(np.int32)
    columns = np.vstack([columns, np.full(columns.shape[1], _PROVENANCE, np.int32)])
    return [
        History(np.ascontiguousarray(columns[:, start:end]), None)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
