"""What somebody pays for: few of it, always with something unpaid beside it, and by the call alone.

How often a paid option is shown is bounded where its chance is worked out; the chances of the unpaid ones
keep their proportions, so what is paid never changes who comes first among them.
"""

from __future__ import annotations

from engagement.decision import Candidate, Held, Situation
from engagement.fields import CALL_PREFIX
from engagement.guards.drawing import FLOOR_PERMILLE
from engagement.guards.left import Left
from engagement.guards.prices import reads
from engagement.play import Depth, Option, Play

FIRST_PARTY_ADS = "marketing.ads.first_party"
_WHOLE = 1000  # permille


def paid_placement(left: Left, situation: Situation) -> None:
    """Paid options by what is known of a person only with their permission, and never alone."""
    if not any(one.option.sponsored for one in left.candidates):
        return
    if not situation.permits(FIRST_PARTY_ADS):
        left.keep(lambda one: not one.option.sponsored or _by_call(one, situation), Held.NOT_PERMITTED)
    room = situation.limits.sponsored_permille // FLOOR_PERMILLE
    left.keep(
        lambda one: not one.option.sponsored or _has_room(one.play, one.option, room), Held.NOT_ELIGIBLE
    )
    if situation.limits.sponsored_permille < _WHOLE:
        unpaid = {one.play.play_id for one in left.candidates if not one.option.sponsored}
        left.keep(lambda one: one.play.play_id in unpaid, Held.NOT_ELIGIBLE)


def _by_call(candidate: Candidate, situation: Situation) -> bool:
    """Whether nothing but the call says whether it is given."""
    fields = reads(candidate.play, candidate.option, situation.segments)
    return candidate.option.depth <= Depth.CONTEXT and all(name.startswith(CALL_PREFIX) for name in fields)


def _has_room(play: Play, option: Option, room: int) -> bool:
    """The first paid options of a play, as many as can have the least chance within their share."""
    paid = [one.option_id for one in play.options if one.sponsored]
    return option.option_id in paid[:room]
