"""What one play gives at a moment, and the plays and moments of prices."""

from __future__ import annotations

from engagement.decision import Outcome, Situation
from engagement.guards import decide
from engagement.play import Depth, Discount, Play
from tests.engagement.worlds import history, known, option, play, situation

#: The draw that gives the last of the options, which stand from general to personal.
LAST = 0.999
TEA = known(declared__likes=("category:Tea",))


def one(a_play: Play, moment: Situation | None = None, draw: float = LAST) -> Outcome:
    """What comes out of one play."""
    return decide([a_play], moment or situation(), draw)


def discount_play(**changed) -> Play:
    """Nothing off for everybody, ten and twenty in a hundred off for a person; it binds for three days."""
    options = (
        option(),
        option("ten", Depth.SEGMENT, discount=Discount(permille=100)),
        option("twenty", Depth.INDIVIDUAL, discount=Discount(permille=200)),
    )
    return play("price", slot="", offer_days=3, options=options, **changed)


def at_price(price_minor: int | None = 1000, **changed) -> Situation:
    """A price in euros."""
    return situation(price_minor=price_minor, currency="EUR", **changed)


def given_offers(*offers) -> dict:
    return {"history": history(offers=offers)}


class Prefers:
    """Weighs by the option's id."""

    def __init__(self, **weights: float) -> None:
        self.weights = weights

    def weigh(self, _situation, candidates):
        return [self.weights[candidate.option.option_id] for candidate in candidates]
