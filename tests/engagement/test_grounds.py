"""What a decision rested on comes back as it was kept."""

from __future__ import annotations

import pytest

from engagement.decision import Chance, Step
from engagement.grounds import Grounds, Source, packed, unpacked
from engagement.play import Depth

STEPS = (Step("consent", 3, Depth.INDIVIDUAL), Step("cap", 1, Depth.GENERAL))
SOURCES = (Source("declared.likes", 1, "quiz", 17), Source("events.ORDER"))


@pytest.mark.parametrize("sources", [(), SOURCES])
@pytest.mark.parametrize("retry_at_ms", [0, 1_700_000_000_000])
@pytest.mark.parametrize("steps", [(), STEPS])
def test_grounds_are_what_they_were_when_they_were_packed(
    steps: tuple[Step, ...], retry_at_ms: int, sources: tuple[Source, ...]
) -> None:
    """Also those of a decision that read nothing."""
    grounds = Grounds(steps, (Chance("hello", 1.0),), sources, retry_at_ms)
    assert unpacked(packed(grounds)) == grounds
