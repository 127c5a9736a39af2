"""Learns what words of a catalogue mean from how they stand together; for the training program only.

The one module that imports scikit-learn: a process that serves must never import it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from recommender.text import TextModel

DIMENSIONS = 64
#: A word of fewer items says nothing about how words stand together.
_ITEMS_MIN = 2
_TERMS_MAX = 30_000
_SEED = 20_240_229


def fit_text(texts: Sequence[Sequence[str]], dimensions: int = DIMENSIONS) -> TextModel:
    """Learns from the words of the items; nothing, where there is too little to learn from.

    Args:
        texts: the words of each item.
        dimensions: wanted; no more than one less than there are words.
    """
    weigher = TfidfVectorizer(
        analyzer=list, min_df=_ITEMS_MIN, max_features=_TERMS_MAX, sublinear_tf=True, dtype=np.float32
    )
    try:
        weighed = weigher.fit_transform(texts)
    except ValueError:  # no word stands in as many items
        return TextModel.none()
    wanted = min(dimensions, weighed.shape[1] - 1)
    if wanted < 1:
        return TextModel.none()
    reduction = TruncatedSVD(wanted, random_state=_SEED).fit(weighed)
    return TextModel(
        tuple(weigher.get_feature_names_out().tolist()),
        weigher.idf_.astype(np.float32),
        np.ascontiguousarray(reduction.components_.T.astype(np.float32)),
    )
