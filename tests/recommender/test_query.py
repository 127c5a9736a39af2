"""A question is a sum over the person's items, scaled so that its parts can be compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.events import Kind
from recommender.history import EMPTY
from recommender.interest import Interest, interest_of
from recommender.model import Model
from recommender.newcomers import ItemVectors
from recommender.query import Query, query_of
from tests.recommender.events import TODAY, history, shop, two_tastes_model

BOUGHT = history(*((item, TODAY - 30 * item, int(Kind.ORDER), 1) for item in (1, 2, 5)))


@pytest.fixture(scope="module")
def model() -> Model:
    return two_tastes_model()


def asked(model: Model, interest: Interest | None = None, **changed: float) -> Query:
    """The question of what was bought, to a model with other parameters."""
    changed_model = replace(model, parameters=replace(model.parameters, **changed))
    found = interest or interest_of(BOUGHT, (), TODAY, changed_model.parameters)
    return query_of(found, changed_model, ItemVectors(changed_model, shop().shelf()).taken(found.item))


def rms(model: Model, vector: np.ndarray) -> float:
    """Root mean square of a vector's scores over the head items."""
    return float(np.sqrt(np.square(model.vectors.given[model.head_numbers] @ vector).mean()))


def test_each_part_has_its_share_as_root_mean_square(model: Model) -> None:
    """Of what the dimensions hold of it, so that the trend's weight means the same for everybody."""
    symmetric, directional = model.kept
    alone = asked(model, directional_weight=0.0).vector[:-1]
    both = asked(model, directional_weight=0.5).vector[:-1]
    assert rms(model, alone) == pytest.approx(symmetric, rel=1e-3)
    assert rms(model, both - alone) == pytest.approx(0.5 * directional, rel=1e-3)


def test_the_parts_go_by_their_own_half_lives(model: Model) -> None:
    """The directional one remembers longer; each is the weighted sum of its own vectors."""
    interest = interest_of(BOUGHT, (), TODAY, model.parameters)
    assert (interest.lasting > interest.weight).all()
    after = interest.lasting @ model.vectors.directional[interest.item]
    alone, both = (asked(model, directional_weight=share).vector[:-1] for share in (0.0, 1.0))
    expected = model.kept.directional * after / rms(model, after)
    assert np.allclose(both - alone, expected, rtol=1e-3, atol=1e-5)


def test_the_rows_of_a_question_sum_to_it(model: Model) -> None:
    """One row an item of the interest."""
    query = asked(model)
    assert query.item.tolist() == [0, 1, 2]
    assert np.allclose(query.parts.sum(axis=0), query.vector[:-1], atol=1e-5)
    assert query.vector[-1] == np.float32(model.parameters.trend_weight)


def test_nobodys_question_is_the_trend_alone(model: Model) -> None:
    """Neither without events nor with events of items the model never saw is there a person."""
    unknown = interest_of(history((999, TODAY, int(Kind.ORDER), 1)), (), TODAY, model.parameters)
    for interest in (interest_of(EMPTY, (), TODAY, model.parameters), unknown):
        query = asked(model, interest)
        assert not query.has_person
        assert not query.vector[:-1].any()
