"""Who splits and who merges when the edges that join people change: all people of a view at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from identity.columns import Columns, Effects
from identity.partition import Labels, parts


class Moved(NamedTuple):
    """People who are divided differently.

    Attributes:
        people: how many people are.
        some: a few of them, each as one subject of every part there is (of a split) or was (of a merge),
            by its number, the oldest part first.
    """

    people: int
    some: list[list[int]]


class Repartition(NamedTuple):
    """The people of a view before and after; somebody alone is not counted.

    Attributes:
        people_before: how many there were.
        people_after: how many there are.
        splits: who is no longer together.
        merges: who was not together.
    """

    people_before: int
    people_after: int
    splits: Moved
    merges: Moved


def repartition(before: Labels, after: Labels, some_max: int) -> Repartition:
    """Compares two partitions of the same subjects.

    Args:
        before: number of each subject's part.
        after: the same, afterwards.
        some_max: so many splits are told, and so many merges.
    """
    return Repartition(
        _people(before), _people(after), _moved(before, after, some_max), _moved(after, before, some_max)
    )


def people_in(ledger: Columns, stands: NDArray[np.bool_], effects: Effects, view: int, now_ms: int) -> Labels:
    """The people of a view at an instant.

    Args:
        ledger: all of it.
        stands: for each row whether it stands.
        effects: what rows count for while they stand.
        view: position in the rules' views.
        now_ms: the instant.
    """
    joins = stands & (effects.views >> view & 1 == 1) & (now_ms < effects.ends_ms)
    return parts(len(ledger.subjects), ledger.a[joins], ledger.b[joins])


def _people(labels: Labels) -> int:
    return int(np.count_nonzero(np.bincount(labels) > 1)) if len(labels) else 0


def _moved(whole: Labels, divided: Labels, some_max: int) -> Moved:
    """The parts of one partition that the other one divides."""
    if not len(whole):
        return Moved(0, [])
    pairs = whole.astype(np.int64) * (int(divided.max()) + 1) + divided
    _, first = np.unique(pairs, return_index=True)  # one subject, the oldest, of each piece
    pieces = np.bincount(whole[first])
    torn = np.flatnonzero(pieces > 1)
    told = set(torn[:some_max].tolist())
    some: dict[int, list[int]] = {part: [] for part in torn[:some_max].tolist()}
    for subject in np.sort(first[np.isin(whole[first], list(told))]).tolist():
        some[int(whole[subject])].append(subject)
    return Moved(len(torn), list(some.values()))
