"""What a model has to beat, and the grids parameters are chosen from; fixed beforehand.

Decayed popularity, its half-life tuned, is the floor of every report. EASE with decay is our
symmetric part alone; own decayed counts are the floor where repeats are allowed.
"""

from __future__ import annotations

from recommender import peers
from recommender.contenders import Contender, Known, Mix, Own, Parts, Setting, Trend, no_parts
from recommender.dense import dense, scored, symmetric

_TREND_DAYS = (0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 14.0, 30.0, 60.0)
_TRENDS = tuple(
    Mix(trend=weight, trend_days=days) for weight in (0.5, 0.25, 1.0) for days in (3.0, 7.0, 14.0)
)
#: Weights of what a person holds and of the hazard table, where repeats are allowed.
_OWN = ((30.0, 0.0), (10.0, 0.0), (100.0, 0.0), (0.0, 300.0), (0.0, 1000.0), (10.0, 300.0), (30.0, 1000.0))


def own_mixes(mixes: tuple[Mix, ...]) -> tuple[Mix, ...]:
    """Mixes with every own term added."""
    return tuple(mix._replace(held=held, own=own) for mix in mixes for held, own in _OWN)


def ease(known: Known, setting: Setting) -> Parts:
    """EASE of decayed holdings over the most bought items, nothing for the others.

    Args:
        known: what it may learn from.
        setting: ``half_life_days``, ``ridge``.
    """
    head = known.head()
    days = setting["half_life_days"]
    weights = symmetric(known, days, setting["ridge"])
    held = known.held(days)[:, head]

    return lambda people: (scored(weights, held[people].toarray(), head, known.items),)


POPULARITY = Contender(
    "popularity",
    "popularity",
    Trend.LINES,
    Own.NONE,
    no_parts,
    mixes=(Mix(trend=1.0),),
    repeats=(Mix(trend=1.0),),
)
DECAYED = Contender(
    "decayed-popularity",
    "decayed popularity",
    Trend.LINES,
    Own.NONE,
    no_parts,
    mixes=tuple(Mix(trend=1.0, trend_days=days) for days in _TREND_DAYS),
    repeats=tuple(Mix(trend=1.0, trend_days=days) for days in _TREND_DAYS),
)
OWN_COUNTS = Contender(
    "own-counts",
    "own decayed counts",
    Trend.LINES,
    Own.COUNTS,
    no_parts,
    mixes=(),
    repeats=tuple(
        Mix(trend=0.001, trend_days=trend_days, own=1.0, own_days=own_days)
        for trend_days in (7.0, 30.0)
        for own_days in (30.0, 60.0, 120.0, 240.0, 480.0)
    ),
)
ITEM_KNN = Contender(
    "item-knn",
    "item-kNN (BM25, implicit)",
    Trend.NONE,
    Own.NONE,
    peers.item_neighbours,
    fits=tuple(
        {"neighbours": neighbours, "half_life_days": days}
        for days in (0.0, 60.0)
        for neighbours in (100.0, 400.0, 1600.0)
    ),
    repeats=(Mix(),),
)
_ALS = tuple(
    {"half_life_days": 0.0, "factors": 128.0, "ridge": ridge, "alpha": alpha, "b": b}
    for ridge, alpha, b in ((10.0, 0.3, 0.75), (10.0, 1.0, 0.0))
)
ALS = Contender(
    "als",
    "ALS (implicit)",
    Trend.NONE,
    Own.NONE,
    peers.als,
    fits=_ALS,
    repeats=(Mix(),),
)
_ALS_DECAYED = tuple({**fit, "half_life_days": days} for days in (45.0, 90.0) for fit in _ALS)
ALS_TREND = Contender(
    "als-trend",
    "ALS + decay + popularity trend",
    Trend.LINES,
    Own.NONE,
    peers.als,
    fits=_ALS_DECAYED,
    mixes=_TRENDS,
    repeats=_TRENDS,
)
ALS_FIRST = Contender(
    "als-first",
    "ALS + decay + first-purchase trend",
    Trend.FIRST,
    Own.HAZARD,
    peers.als,
    fits=_ALS_DECAYED,
    mixes=_TRENDS,
    repeats=own_mixes(_TRENDS[:3]),
)
EASE = Contender(
    "ease",
    "EASE + decay + popularity trend",
    Trend.LINES,
    Own.NONE,
    ease,
    fits=tuple(
        {"half_life_days": days, "ridge": ridge}
        for days, ridge in ((60.0, 300.0), (60.0, 100.0), (30.0, 100.0))
    ),
    mixes=(*_TRENDS, Mix()),
    repeats=(*_TRENDS, Mix()),
)
#: One constant of a fit is changed at a time: all combinations would take hours.
_FITS: tuple[Setting, ...] = (
    {},
    {"ridge": 100.0},
    {"lasting_half_life_days": 120.0},
    {"gap_half_life_days": 14.0},
    {"directional_ridge": 100.0},
)
_OUR_MIXES = tuple(
    Mix(second=second, trend=trend, trend_days=days)
    for second in (0.5, 0.75)
    for trend in (0.5, 0.35, 0.75)
    for days in (3.0, 2.0, 5.0)
)
OURS = Contender(
    "dense",
    "ours, dense",
    Trend.FIRST,
    Own.HAZARD,
    dense,
    fits=_FITS,
    mixes=_OUR_MIXES,
    repeats=own_mixes(_OUR_MIXES[:3]),
)

#: In the order of a report.
BASELINES = (POPULARITY, DECAYED, OWN_COUNTS, ITEM_KNN, ALS, ALS_TREND, ALS_FIRST, EASE)
