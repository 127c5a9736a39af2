"""Who weighs what is left: the one step that learning may replace.

A chooser says how much it prefers each candidate, and nothing else: it sees what the guards before it
have left, can add nothing, and does not draw. How likely each becomes, with a floor below which no
option of an exploring chooser falls, is worked out once for all choosers (``engagement.guards.drawing``).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Protocol

from engagement.decision import Candidate, Held, Situation
from engagement.guards.drawing import is_certain
from engagement.guards.left import Guard, Left

#: Of so many thousandths of all answers any option may be the one, each as likely as the others.
EXPLORED_PERMILLE = 100


class Chooser(Protocol):
    """Prefers one candidate to another."""

    def weigh(self, situation: Situation, candidates: Sequence[Candidate]) -> Sequence[float]:
        """How much each candidate is preferred to the others.

        Args:
            situation: what is known.
            candidates: of one play, as many as are left; not empty.

        Returns:
            As many numbers; what is not above 0, or is no number, is held irrelevant and is not given.
        """


class ByRule:
    """What fits closest, which is the deepest; of equals each alike; and any, a tenth of the time.

    The general option is explored with the others, so that what personal ones are worth can be told from
    what was logged.
    """

    def weigh(self, _situation: Situation, candidates: Sequence[Candidate]) -> Sequence[float]:
        """The same for all options, and more for the deepest."""
        depths = {one.option.option_id: one.option.depth for one in candidates}
        deepest = max(depths.values())
        closest = sum(depth == deepest for depth in depths.values())
        explored = EXPLORED_PERMILLE / 1000
        least, more = explored / len(depths), (1 - explored) / closest
        return [least + more if one.option.depth == deepest else least for one in candidates]


BY_RULE = ByRule()


def learner(chooser: Chooser) -> Guard:
    """The step at which a chooser weighs what is left."""

    def weigh(left: Left, situation: Situation) -> None:
        left.weigh(chooser.weigh(situation, left.candidates))

    return Guard("learner", weigh)


def relevance_floor(left: Left, situation: Situation) -> None:
    """What is held irrelevant, or weighed by no number, is not given, unless it is certain."""
    fields = situation.facts.fields
    left.keep(lambda one: _counts(left.weight(one)) or is_certain(one.option, fields), Held.NOT_ELIGIBLE)


def _counts(weight: float) -> bool:
    return weight > 0 and isfinite(weight)
