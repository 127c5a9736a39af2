"""What holds for this call only: the weather, when somebody arrives, what they hold, who is with them.

None of it is about a person and none of it is stored. What suits a situation is not guessed: the
operator says so of an item by tags, and an item gains a fixed amount for every tag that holds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.columns import Columns, Vocabularies

Mask = NDArray[np.bool_]

#: What one tag that holds adds to a score, whose personal part has root mean square 1.
LIFT = 0.5


def suits(tag: str, columns: Columns, texts: Vocabularies) -> Mask:
    """Per item number whether it suits what a tag says, and may be listed."""
    chosen = np.array([*(tag in suited for suited in texts.suits.values[:]), False], np.bool_)
    found: Mask = chosen.take(columns.suits, mode="clip") & columns.listed
    return found
