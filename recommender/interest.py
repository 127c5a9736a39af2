"""What a person's permitted events say: two weights per item, made anew for every question.

The same fold as ``holdings.holdings``, in floating point because nothing is subtracted from
it: the square root of the decayed weights' sum, each kind's part in the ratio of the pieces
that were not taken back; once with the half-life of each part of the model. There is no
stored vector of a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.decay import ORDERS_MAX, SIXTEENTHS, UNDOES
from recommender.events import Kind
from recommender.history import History
from recommender.parameters import Parameters
from recommender.vectors import Floats

Columns = NDArray[np.int32]
Flags = NDArray[np.bool_]

#: Provenance code of an item of the session: it is in this call only.
SESSION = -1
_KIND_WEIGHTS = np.zeros(max(Kind) + 1, np.float32)
for _kind, _sixteenths in SIXTEENTHS.items():
    _KIND_WEIGHTS[_kind] = _sixteenths / 16
_UNDOING = np.zeros(max(Kind) + 1, np.bool_)
_UNDOING[list(UNDOES)] = True
#: A session item counts like a fresh order: it is what the person is looking for now.
_SESSION_WEIGHT = 1.0
#: The oldest events still tell themselves from nothing in 32-bit floating point.
_HALF_LIVES_MAX = 60


@dataclass(frozen=True, slots=True)
class Interest:
    """A person's weight for each item; columns of one length but for the last.

    Attributes:
        item: item numbers, ascending.
        weight: a fresh order is 1; for the symmetric part.
        lasting: the same with the longer half-life of the directional part.
        kind: kind of the item's strongest event; 0 for an item of the session.
        day: its day.
        provenance: its provenance code, or ``SESSION``.
        own: whether any of it is from the person's own events, not from this session.
        bought: numbers of the items of which pieces were bought and kept.
    """

    item: Columns
    weight: Floats
    lasting: Floats
    kind: Columns
    day: Columns
    provenance: Columns
    own: Flags
    bought: Columns


_NONE = np.zeros(0, np.int32)
_NO_FLAGS = np.zeros(0, np.bool_)
_NO_WEIGHTS = np.zeros(0, np.float32)
_NOTHING = Interest(_NONE, _NO_WEIGHTS, _NO_WEIGHTS, _NONE, _NONE, _NONE, _NO_FLAGS, _NONE)


def interest_of(
    history: History, session_items: Sequence[int], reference_day: int, parameters: Parameters
) -> Interest:
    """Folds permitted events and the items of this session.

    Args:
        history: events that may be used for the purpose.
        session_items: item numbers of this call.
        reference_day: events of this day or later have age 0.
        parameters: half-lives.
    """
    half_lives = (parameters.half_life_days, parameters.lasting_half_life_days)
    age = (reference_day - history.day).astype(np.float32) / np.array(half_lives, np.float32)[:, None]
    weights = _KIND_WEIGHTS[history.kind] * np.exp2(-np.clip(age, 0, _HALF_LIVES_MAX))
    bought = history.kind == Kind.ORDER
    if _UNDOING[history.kind].any():
        weights, bought = _taken_back(history, weights, bought)
    columns, own = history.columns, weights[0] > 0
    if session_items:
        columns, weights, own, bought = _with_session(columns, weights, own, bought, session_items)
    if not own.any() and not session_items:
        return _NOTHING
    order = np.lexsort((weights[0], columns[0]))
    columns, weights = columns[:, order], weights[:, order]
    last = np.ones(len(order), np.bool_)
    np.not_equal(columns[0, 1:], columns[0, :-1], out=last[:-1])
    ends = np.flatnonzero(last)
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1] + 1
    total = np.add.reduceat(weights, starts, axis=1)
    some = total[0] > 0
    strongest = columns[:, ends[some]]
    weight, lasting = np.sqrt(np.minimum(total[:, some], np.float32(ORDERS_MAX)))
    return Interest(
        item=strongest[0],
        weight=weight,
        lasting=lasting,
        kind=strongest[2],
        day=strongest[1],
        provenance=strongest[4],
        own=np.logical_or.reduceat(own[order], starts)[some],
        bought=strongest[0][np.logical_or.reduceat(bought[order], starts)[some]],
    )


def _taken_back(history: History, weights: Floats, bought: Flags) -> tuple[Floats, Flags]:
    """Weights, shape (2, events), and purchases after removals and returns."""
    items, position = np.unique(history.item, return_inverse=True)
    for undo, done in UNDOES.items():
        of_kind = history.kind == done
        gross = np.bincount(position[of_kind], history.quantity[of_kind], len(items))
        of_undo = history.kind == undo
        back = np.bincount(position[of_undo], history.quantity[of_undo], len(items))
        ratio = np.maximum(gross - back, 0) / np.maximum(gross, 1)
        # A kind's part saturates before the ratio is taken, as in the sums.
        for weight in weights:
            part = np.bincount(position[of_kind], weight[of_kind], len(items))
            left = ratio / np.maximum(part / ORDERS_MAX, 1)
            weight[of_kind] *= left[position[of_kind]].astype(np.float32)
        if done is Kind.ORDER:
            bought = bought & (gross > back)[position]
    return weights, bought


def _with_session(
    columns: Columns, weights: Floats, own: Flags, bought: Flags, session_items: Sequence[int]
) -> tuple[Columns, Floats, Flags, Flags]:
    session = np.zeros((5, len(session_items)), np.int32)
    session[0], session[4] = session_items, SESSION
    added = np.full((len(weights), len(session_items)), _SESSION_WEIGHT, np.float32)
    no = np.zeros(len(session_items), np.bool_)
    return (
        np.concatenate([columns, session], axis=1),
        np.concatenate([weights, added], axis=1),
        np.concatenate([own, no]),
        np.concatenate([bought, no]),
    )
