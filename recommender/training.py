"""From the events of people who permit it to a model.

The order is fixed: the sums first, which hold all that is learned; then what is derived
from them and thrown away with the next model. Nothing here reads a clock: ages are counted
from the newest ordinary day of the events themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.additive import directional_weights, symmetric_weights
from recommender.category import CategoryVectors, category_vectors, fill_from_category
from recommender.described import Described, described
from recommender.events import EventTable, Ints
from recommender.folding import sums_of
from recommender.holdings import holdings, purchases
from recommender.model import Model
from recommender.parameters import Parameters
from recommender.products import ROW_PRODUCTS, Product
from recommender.reduction import Part, people_of, reduced
from recommender.segments import segment_sums, segments_of
from recommender.sums import Plan, Sums, plan_of
from recommender.text import TextModel
from recommender.vectors import Floats, Vectors


@dataclass(frozen=True, slots=True)
class Told:
    """What is known besides events.

    Attributes:
        words: of every item by number; empty without a text model.
        text: makes vectors of words; one of no dimensions for none.
        bands: the declared age band of each person, 0 for none; persons beyond its end have none.
    """

    words: list[list[str]]
    text: TextModel
    bands: Ints


NOTHING_TOLD = Told([], TextModel.none(), np.zeros(0, np.int64))


def train(
    events: EventTable,
    categories: Sequence[str],
    parameters: Parameters,
    version: str,
    progress: Callable[[str], None] = lambda _: None,
) -> Model:
    """Learns a model from the events of people who permit it.

    Args:
        events: their events, ``person`` being the training person.
        categories: of every item by number; item numbers are below its length.
        parameters: what to train with.
        version: names the model.
        progress: told the name of each step of ``STEPS`` as it begins.

    Raises:
        NothingToLearn: nobody bought anything.
    """
    plan = plan_of(events, len(categories), parameters)
    progress("sums")
    return model_of(plan, sums_of(plan), categories, version, progress)


def model_of(
    plan: Plan,
    sums: Sums,
    categories: Sequence[str],
    version: str,
    progress: Callable[[str], None],
    *,
    told: Told = NOTHING_TOLD,
) -> Model:
    """Derives a model from sums.

    Args:
        plan: of the sums.
        sums: of all people of the plan.
        categories: of every item by number.
        version: names the model.
        progress: told the name of each step as it begins.
        told: what is known besides of items and people.
    """
    head, parameters = plan.head, plan.parameters
    progress("inverse")
    parts = _parts(plan, sums)
    progress("vectors")
    vectors, kept = reduced(*parts, parameters.rank)
    progress("tail")
    popularity = sums.counts.popularity
    by_category = category_vectors(vectors, popularity[head], [categories[item] for item in head])
    spread = Vectors(*(_spread(rows, head, len(categories)) for rows in vectors.all()))
    tail = np.ones(len(categories), bool)
    tail[head] = False
    fill_from_category(spread, by_category, np.flatnonzero(tail), categories, popularity)
    text = described(told.text, told.words, head, popularity)
    if text.text.dimensions:
        uncategorised = _uncategorised(by_category, categories, np.flatnonzero(tail))
        fill_from_texts(spread, text, vectors, uncategorised, words=told.words, popularity=popularity)
    bands = segment_sums(
        purchases(plan.events), told.bands, plan.reference, parameters.trend_half_life_days, len(categories)
    )
    trend, unsold = standardised(sums.counts.begun, head)
    return Model(
        version=version,
        parameters=parameters,
        reference_day=plan.reference,
        head_numbers=head,
        people=len(np.unique(plan.events.person)),
        events=len(plan.events),
        vectors=spread,
        kept=kept,
        trend=trend,
        trend_unsold=unsold,
        categories=by_category,
        hazard=sums.counts.hazard,
        segments=segments_of(bands, head),
        described=text,
    )


def fill_from_texts(
    vectors: Vectors,
    text: Described,
    head: Vectors,
    items: Ints,
    *,
    words: list[list[str]],
    popularity: Ints,
) -> None:
    """Writes the vectors that their texts predict of some items into ``vectors``, in place."""
    predicted, told = text.per_unit(text.text.vectors([words[item] for item in items.tolist()]), head)
    scale = popularity[items[told]].astype(np.float32)[:, None]
    for filled, of_texts in zip(vectors.all(), predicted.all(), strict=True):
        filled[items[told]] = of_texts[told] * scale


def _uncategorised(by_category: CategoryVectors, categories: Sequence[str], items: Ints) -> Ints:
    """Those of some items that are in no category with head items: only their texts tell of them."""
    whole = by_category.paths.index("")
    nearest = by_category.rows_for([categories[item] for item in items.tolist()])
    found: Ints = items[nearest == whole]
    return found


def _parts(plan: Plan, sums: Sums) -> tuple[Part, Part]:
    """The symmetric and the directional part, from the sums and what everybody holds."""
    parameters = plan.parameters
    symmetric = symmetric_weights(sums.products[Product.HELD], parameters.ridge)
    before, after = (sums.products[kind] for kind in ROW_PRODUCTS)
    directional = directional_weights(before, after, parameters.directional_ridge)
    people = np.unique(plan.events.person)
    now, lasting = (
        people_of(holdings(plan.events, plan.reference, half_life_days), plan.head, people)
        for half_life_days in (parameters.half_life_days, parameters.lasting_half_life_days)
    )
    return Part(symmetric, now, 1.0), Part(directional, lasting, parameters.directional_weight)


def standardised(begun: Ints, head: Ints) -> tuple[Floats, float]:
    """First purchases with mean 0 and deviation 1 over the head items.

    Returns:
        The trend per item number, and that of an item nobody began to buy.
    """
    mean, deviation = float(begun[head].mean()), float(begun[head].std())
    scale = 1.0 / deviation if deviation > 0 else 0.0
    return ((begun - mean) * scale).astype(np.float32), -mean * scale


def _spread(rows: Floats, head: Ints, items: int) -> Floats:
    spread = np.zeros((items, rows.shape[1]), np.float32)
    spread[head] = rows
    return spread
