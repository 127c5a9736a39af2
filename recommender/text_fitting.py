"""Learns what words of a catalogue mean from how they stand together; for the training program only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import svd
from scipy.sparse.linalg import LinearOperator, eigsh

from recommender.text import TextModel

DIMENSIONS = 64
#: A word of fewer items says nothing about how words stand together.
_ITEMS_MIN = 2
_TERMS_MAX = 30_000
#: Up to so many words or items all directions are worked out at once.
_FEW = 200
_SEED = 20_240_229


def fit_text(texts: Sequence[Sequence[str]], dimensions: int = DIMENSIONS) -> TextModel:
    """Learns from the words of the items; nothing, where there is too little to learn from.

    A word weighs its damped count, 1 + ln(count), times its rarity, 1 + ln((1 + items) / (1 + items of the
    word)), and every item as much as another (Salton and Buckley 1988). The directions are the right
    singular vectors of the largest singular values.

    Args:
        texts: the words of each item.
        dimensions: wanted; less than there are words, and than there are items.
    """
    terms, rarity = _terms_of(texts)
    wanted = min(dimensions, len(terms) - 1, len(texts) - 1)
    if wanted < 1:
        return TextModel.none()
    directions = _directions(_weighed(texts, terms, rarity), wanted)
    return TextModel(terms, rarity.astype(np.float32), np.ascontiguousarray(directions.T, np.float32))


def _terms_of(texts: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The words that are learned of, in alphabetical order, and how rare each is."""
    items = Counter(chain.from_iterable(set(text) for text in texts))
    counts = Counter(word for text in texts for word in text if items[word] >= _ITEMS_MIN)
    terms = tuple(sorted(sorted(counts, key=lambda word: (-counts[word], word))[:_TERMS_MAX]))
    having = np.array([items[term] for term in terms], np.float64)
    return terms, 1 + np.log((1 + len(texts)) / (1 + having))


def _weighed(
    texts: Sequence[Sequence[str]], terms: Sequence[str], rarity: NDArray[np.float64]
) -> sparse.csr_matrix:
    """What each word weighs in each item: shape (items, words), rows of length 1 or 0."""
    column = {term: at for at, term in enumerate(terms)}
    pairs = [(row, column[word]) for row, text in enumerate(texts) for word in text if word in column]
    rows, columns = np.array(pairs, np.int64).reshape(-1, 2).T
    shape = len(texts), len(terms)
    weighed = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    weighed.data = ((1 + np.log(weighed.data)) * rarity[weighed.indices]).astype(np.float32)
    lengths = np.sqrt(weighed.multiply(weighed).sum(axis=1)).A1
    weighed.data /= np.repeat(lengths, np.diff(weighed.indptr))
    return weighed


def _directions(weighed: sparse.csr_matrix, wanted: int) -> NDArray[np.floating]:
    """The directions in which the items differ most, largest first: shape (wanted, words)."""
    if min(weighed.shape) <= _FEW:
        found = svd(weighed.toarray(), full_matrices=False)[2][:wanted]
    else:
        found = _by_steps(weighed, wanted)
    largest = np.take_along_axis(found, np.abs(found).argmax(axis=1, keepdims=True), axis=1)
    return np.asarray(found * np.sign(largest))


def _by_steps(weighed: sparse.csr_matrix, wanted: int) -> NDArray[np.floating]:
    """The same of many: the eigenvectors of what the words of all items have in common.

    Begun at the same place each time, and begun anew at the same ones where items repeat one another and
    there are no steps left, so that the same items give the same model.
    """
    words = weighed.shape[1]
    across = weighed.T.tocsr()
    common = LinearOperator((words, words), matvec=lambda of: across @ (weighed @ of), dtype=np.float32)
    start = np.ones(words, np.float32)
    found = eigsh(common, wanted, v0=start, rng=np.random.default_rng(_SEED))[1]
    return np.asarray(found.T[::-1])
