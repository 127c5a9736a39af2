"""All people of one view at once: what edges join, over numbers in place of subjects.

A walk answers for one; a change of the rules, a preview or a comparison asks for everybody, and
then a sparse matrix of the edges and one pass of ``scipy.sparse.csgraph`` is hundreds of times
faster than a graph of objects.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Labels: TypeAlias = NDArray[np.int32]


def parts(count: int, a: ArrayLike, b: ArrayLike) -> Labels:
    """The parts that edges make of nodes 0 to ``count - 1``.

    Args:
        count: how many nodes there are.
        a: one end of each edge.
        b: the other end of each; an edge may stand there often and in either direction.

    Returns:
        For each node the number of its part. Parts are numbered by their first node, from 0, so
        that equal partitions have equal labels.

    Raises:
        ValueError: an edge names a node that is not there, or the ends are not equally many.
    """
    starts, ends = np.asarray(a, np.int32), np.asarray(b, np.int32)
    joined = coo_array((np.ones(len(starts), np.bool_), (starts, ends)), shape=(count, count))
    found: Labels = connected_components(joined.tocsr(), directed=False)[1]
    return _by_first_node(found)


def _by_first_node(labels: Labels) -> Labels:
    """The same parts, numbered in the order in which their first nodes come."""
    if not len(labels):
        return labels.astype(np.int32)
    highest = np.maximum.accumulate(labels)
    if labels[0] == 0 and np.all(np.diff(highest) <= 1):
        return labels  # as csgraph numbers them today
    _, first, part = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[part]
