"""What somebody pays for: few of it, always with something unpaid beside it, and by the call alone.

How often a paid option is shown is bounded where its chance is worked out; the chances of the unpaid ones
keep their proportions, so what is paid never changes who comes first among them.
"""

from __future__ import annotations

from engagement.decision import Candidate, Held, Situation
from engagement.guards.drawing import FLOOR_PERMILLE
from engagement.guards.left import Left
from engagement.guards.reading import conditions_of, is_of_call
from engagement.play import Depth

FIRST_PARTY_ADS = "marketing.ads.first_party"
_WHOLE = 1000  # permille


def paid_placement(left: Left, situation: Situation) -> None:
    """Paid options by what is known of a person only with their permission, and never alone."""
    if not any(one.option.sponsored for one in left.candidates):
        return
    if not situation.permits(FIRST_PARTY_ADS):
        left.keep(lambda one: not one.option.sponsored or _by_call(one, situation), Held.NOT_PERMITTED)
    share = situation.limits.sponsored_permille
    paid = [option.option_id for option in left.play.options if option.sponsored][: share // FLOOR_PERMILLE]
    left.keep(lambda one: not one.option.sponsored or one.option.option_id in paid, Held.NOT_ELIGIBLE)
    if share < _WHOLE and all(one.option.sponsored for one in left.candidates):
        left.clear(Held.NOT_ELIGIBLE)


def _by_call(candidate: Candidate, situation: Situation) -> bool:
    """Whether nothing but the call says whether it is given."""
    conditions = conditions_of(candidate.play, candidate.option, situation.segments)
    return candidate.option.depth <= Depth.CONTEXT and all(map(is_of_call, conditions))
