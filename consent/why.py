"""Why a purpose is denied, for those few who may know.

One mask a reason, folded like the decision itself: reason r stands at bit p when r denies p
or, for what ran out, when a grant of p that ran out is all there was. The reasons are
looked at in the order of the decision semantics; the first that stands is the answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple


class Why(NamedTuple):
    """One mask of purposes a reason, in the order they are looked at.

    Attributes:
        restricted: somebody in the refusal component had the processing restricted.
        objected: somebody there objects.
        minor: somebody there is a minor.
        withdrawn: somebody there took a grant back.
        refused: somebody there refused.
        regime: the regimes of those there forbid it.
        expired: a grant was there and ran out.
    """

    restricted: int = 0
    objected: int = 0
    minor: int = 0
    withdrawn: int = 0
    refused: int = 0
    regime: int = 0
    expired: int = 0

    def reason(self, purpose_index: int) -> str:
        """The first reason that stands for a purpose; ``CONSENT_UNKNOWN`` if none does."""
        for mask, reason in zip(self, _REASONS, strict=True):
            if mask >> purpose_index & 1:
                return reason
        return "CONSENT_UNKNOWN"


_REASONS = (
    "PROCESSING_RESTRICTED",
    "OBJECTED",
    "MINOR_PROTECTED",
    "CONSENT_WITHDRAWN",
    "CONSENT_REFUSED",
    "REGIME_FORBIDS",
    "CONSENT_EXPIRED",
)
NOTHING = Why()


@lru_cache(maxsize=65_536)
def shared(why: Why) -> Why | None:
    """The one object that stands for equal reasons; ``None`` for none. People say few different things."""
    return None if why == NOTHING else why
