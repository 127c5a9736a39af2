"""A visit asks as often as a person reads; what it asks beyond that reaches nobody."""

from __future__ import annotations

from services.preferences.pacing import AT_ONCE, PER_SECOND, Pace
from tests.conftest import Clock
from tests.preferences.browsing import Browser
from tests.preferences.conftest import World


async def test_a_visit_that_asks_too_often_is_told_so_and_the_suite_is_not_asked(world: World) -> None:
    """In the reader's language, with the time to come back; the others and who is nobody go on."""
    hasty, calm = await world.signed_in(), await world.signed_in("ben@shop.example")
    answers = [await hasty.get("/told") for _ in range(int(AT_ONCE) + 5)]
    refused = [one for one in answers if one.status == 429]
    assert len(refused) >= 5
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].said()
    assert len(world.suite.calls("rights.Recipients")) == len(answers) - len(refused)
    assert (await calm.get("/told")).status == 200
    assert (await Browser(world.app).get("/")).status == 200
    world.clock.now_ms += 1000
    assert [(await hasty.get("/told")).status for _ in range(3)] == [200, 200, 429]
    assert "too often" in world.log.getvalue()


def test_what_is_counted_does_not_grow_without_end(clock: Clock) -> None:
    """The one that was silent longest is forgotten first."""
    pace = Pace(clock, counted_most=2)
    assert all(pace.keeps("hasty") for _ in range(int(AT_ONCE)))
    assert pace.keeps("another") and not pace.keeps("hasty")
    assert pace.keeps("a third") and not pace.keeps("hasty")
    assert pace.keeps("another") and pace.keeps("a fourth")
    assert pace.keeps("hasty")


def test_a_clock_that_goes_back_gives_nothing(clock: Clock) -> None:
    """And takes nothing."""
    pace = Pace(clock)
    assert all(pace.keeps("hasty") for _ in range(int(AT_ONCE)))
    clock.now_ms -= 10_000
    assert not pace.keeps("hasty")
    clock.now_ms += int(1000 / PER_SECOND)
    assert pace.keeps("hasty")
