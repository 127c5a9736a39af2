"""A chooser weighs what is left; what a person declared wins."""

from __future__ import annotations

import pytest

from engagement.guards import PIPELINE, decide, pipeline
from engagement.play import Depth
from tests.engagement.guards.moments import LAST, Prefers, one
from tests.engagement.worlds import known, option, play, situation


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({"general": 1.0, "own": 3.0}, {"general": 0.25, "own": 0.75}),
        ({"general": 1e-300, "own": 1e300}, {"general": 0.01, "own": 0.99}),
        ({"general": 0.0, "own": 5.0}, {"own": 1.0}),
        ({"general": float("nan"), "own": 5.0}, {"own": 1.0}),
        ({"general": 5.0, "own": float("inf")}, {"general": 1.0}),
        ({"general": 5.0, "own": -1.0}, {"general": 1.0}),
    ],
)
def test_a_chooser_weighs_and_the_floor_is_one_percent(weights, expected):
    """What has no weight is irrelevant; what has little is explored all the same."""
    outcome = decide([play()], situation(), 0.5, pipeline(Prefers(**weights)))
    assert {chance.option_id: chance.probability for chance in outcome.alternatives} == pytest.approx(
        expected
    )


def test_an_interface_that_was_declared_wins_over_any_order():
    """Whoever chose the compact page has it, however a chooser weighs; nothing is explored."""
    options = (
        option(),
        option("compact", Depth.CONTEXT, interface_choice="layout:compact"),
        option("wide", Depth.SEGMENT, interface_choice="layout:wide"),
    )
    chose = situation(fields=known(interface__layout="compact"))
    for guards in (PIPELINE, pipeline(Prefers(general=1.0, compact=0.0, wide=9.0))):
        outcome = decide([play(options=options)], chose, LAST, guards)
        assert (outcome.candidate.option.option_id, outcome.propensity) == ("compact", 1.0)
        assert outcome.read == ("interface.layout",)
    assert one(play(options=options)).candidate.option.option_id == "wide"


def test_nobody_declares_what_somebody_else_pays_for():
    """A paid layout keeps to its share although the person's choice has its name."""
    options = (option(), option("compact", sponsored=True, interface_choice="layout:compact"))
    outcome = one(play(options=options), situation(fields=known(interface__layout="compact")))
    assert outcome.propensity == pytest.approx(0.2)
