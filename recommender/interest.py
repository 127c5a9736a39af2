"""What a person's permitted events say: one weight per item, made anew for every question.

The same fold as ``sums.holdings``, in floating point because nothing is subtracted from it:
the square root of the decayed weights' sum, each kind's part in the ratio of the pieces that
were not taken back. There is no stored vector of a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.decay import ORDERS_MAX, SIXTEENTHS, UNDOES
from recommender.events import Kind
from recommender.history import History
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
        weight: a fresh order is 1.
        kind: kind of the item's strongest event; 0 for an item of the session.
        day: its day.
        provenance: its provenance code, or ``SESSION``.
        own: whether any of it is from the person's own events, not from this session.
        bought: numbers of the items of which pieces were bought and kept.
    """

    item: Columns
    weight: Floats
    kind: Columns
    day: Columns
    provenance: Columns
    own: Flags
    bought: Columns


_NONE = np.zeros(0, np.int32)
_NO_FLAGS = np.zeros(0, np.bool_)
_NOTHING = Interest(_NONE, np.zeros(0, np.float32), _NONE, _NONE, _NONE, _NO_FLAGS, _NONE)


def interest_of(
    history: History, session_items: Sequence[int], reference_day: int, half_life_days: float
) -> Interest:
    """Folds permitted events and the items of this session.

    Args:
        history: events that may be used for the purpose.
        session_items: item numbers of this call.
        reference_day: events of this day or later have age 0.
        half_life_days: a weight halves in so many days.
    """
    half_lives = (reference_day - history.day).astype(np.float32) / np.float32(half_life_days)
    weight = _KIND_WEIGHTS[history.kind] * np.exp2(-np.clip(half_lives, 0, _HALF_LIVES_MAX))
    bought = history.kind == Kind.ORDER
    if _UNDOING[history.kind].any():
        weight, bought = _taken_back(history, weight, bought)
    columns, own = history.columns, weight > 0
    if session_items:
        columns, weight, own, bought = _with_session(columns, weight, own, bought, session_items)
    if not own.any() and not session_items:
        return _NOTHING
    order = np.lexsort((weight, columns[0]))
    columns, weight = columns[:, order], weight[order]
    last = np.ones(len(order), np.bool_)
    np.not_equal(columns[0, 1:], columns[0, :-1], out=last[:-1])
    ends = np.flatnonzero(last)
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1] + 1
    total = np.add.reduceat(weight, starts)
    some = total > 0
    strongest = columns[:, ends[some]]
    return Interest(
        item=strongest[0],
        weight=np.sqrt(np.minimum(total[some], np.float32(ORDERS_MAX))),
        kind=strongest[2],
        day=strongest[1],
        provenance=strongest[4],
        own=np.logical_or.reduceat(own[order], starts)[some],
        bought=strongest[0][np.logical_or.reduceat(bought[order], starts)[some]],
    )


def _taken_back(history: History, weight: Floats, bought: Flags) -> tuple[Floats, Flags]:
    """Weights and purchases after removals and returns."""
    items, position = np.unique(history.item, return_inverse=True)
    for undo, done in UNDOES.items():
        of_kind = history.kind == done
        gross = np.bincount(position[of_kind], history.quantity[of_kind], len(items))
        of_undo = history.kind == undo
        back = np.bincount(position[of_undo], history.quantity[of_undo], len(items))
        ratio = np.maximum(gross - back, 0) / np.maximum(gross, 1)
        # A kind's part saturates before the ratio is taken, as in the sums.
        part = np.bincount(position[of_kind], weight[of_kind], len(items))
        ratio /= np.maximum(part / ORDERS_MAX, 1)
        weight = np.where(of_kind, weight * ratio[position], weight).astype(np.float32)
        if done is Kind.ORDER:
            bought = bought & (gross > back)[position]
    return weight, bought


def _with_session(
    columns: Columns, weight: Floats, own: Flags, bought: Flags, session_items: Sequence[int]
) -> tuple[Columns, Floats, Flags, Flags]:
    session = np.zeros((5, len(session_items)), np.int32)
    session[0], session[4] = session_items, SESSION
    added = np.full(len(session_items), _SESSION_WEIGHT, np.float32)
    no = np.zeros(len(session_items), np.bool_)
    return (
        np.concatenate([columns, session], axis=1),
        np.concatenate([weight, added]),
        np.concatenate([own, no]),
        np.concatenate([bought, no]),
    )
