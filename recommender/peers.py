"""Peers from PyPI's ``implicit``: alternating least squares and item neighbours.

They are asked as their authors ship them; what is added from outside (decay, a trend) is
named in the model's title. A development library: where it is absent, they are left out and
the report says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from recommender.contenders import Known, Parts, Setting, scaled
from recommender.events import Ints
from recommender.vectors import Floats

_ITERATIONS = 15
_SEED = 7
_BM25_K1 = 100


def als(known: Known, setting: Setting) -> Parts:
    """Implicit alternating least squares (Hu, Koren & Volinsky 2008) of BM25-weighted holdings.

    Args:
        known: what it may learn from.
        setting: ``half_life_days`` (0: lines, not decayed), ``factors``, ``ridge``, ``alpha``, ``b``.
    """
    from implicit.cpu.als import AlternatingLeastSquares  # noqa: PLC0415 - a development library
    from implicit.nearest_neighbours import bm25_weight  # noqa: PLC0415

    days = setting["half_life_days"]
    held = known.held(days) if days else known.lines()
    if setting["b"]:
        held = bm25_weight(held.T, K1=_BM25_K1, B=setting["b"]).T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the speed of BLAS and of conversions
        model = AlternatingLeastSquares(
            factors=int(setting["factors"]),
            regularization=setting["ridge"],
            alpha=setting["alpha"],
            iterations=_ITERATIONS,
            random_state=_SEED,
            num_threads=1,
        )
        model.fit(sparse.csr_matrix(held, dtype=np.float32), show_progress=False)
    taken, given = model.user_factors, model.item_factors
    return lambda people: (scaled(taken[people] @ given.T),)


def item_neighbours(known: Known, setting: Setting) -> Parts:
    """Item-item neighbours under BM25.

    Args:
        known: what it may learn from.
        setting: ``neighbours`` kept an item, ``half_life_days`` (0: lines, not decayed).
    """
    from implicit.nearest_neighbours import BM25Recommender  # noqa: PLC0415 - a development library

    days = setting["half_life_days"]
    held = known.held(days) if days else known.lines()
    model = BM25Recommender(K=int(setting["neighbours"]), num_threads=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(held, show_progress=False)
    return _products(held, model.similarity)


def _products(held: Any, similarity: Any) -> Parts:
    def parts(people: Ints) -> tuple[Floats]:
        return (scaled(np.asarray((held[people] @ similarity).todense(), np.float32)),)

    return parts


def available() -> bool:
    """Whether the library is installed."""
    try:
        import implicit  # noqa: F401, PLC0415 - a development library
    except ImportError:
        return False
    return True


PEERS: tuple[Callable[[Known, Setting], Parts], ...] = (als, item_neighbours)
