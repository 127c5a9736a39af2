"""What a denial costs does not tell why it was denied: the guard takes the same steps."""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from consent.guard_table import NEVER_MS, GuardEntry, GuardUpdate
from identity.ids import SubjectId
from tests.conftest import ROOT, set_state
from tests.services.conftest import refused
from tests.services.test_denials import RECOMMEND, states

#: What decides about a person; a difference here would be a difference in time.
_JUDGES = tuple(str(ROOT / part) for part in ("consent/", "services/interceptors/", "identity/pairwise.py"))
REFUSED, ALLOWED = SubjectId(b"she refused this"), SubjectId(b"she allowed this")


class Steps:
    """The functions that judge, in the order in which they are called."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(_JUDGES):
            self.called.append(f"{Path(code.co_filename).name}:{code.co_name}")


async def steps_of(suite: Any, who: SubjectId, *, denied: bool) -> list[str]:
    """What a call about somebody has the guard do; nothing else runs meanwhile."""
    request, metadata = suite.ask(who), suite.auth()
    for _ in range(2):  # warm: nothing is made for the first time
        call = suite.stub.Ask(request, metadata=metadata)
        steps = Steps()
        sys.setprofile(steps)
        try:
            await (refused(call) if denied else call)
        finally:
            sys.setprofile(None)
    return steps.called


@pytest.fixture
def denied(suite) -> list[SubjectId]:
    """Unknown, never asked, run out, refused."""
    everybody = [*states(suite), REFUSED]
    mask = 1 << suite.guard.policy.index(RECOMMEND)
    entry = GuardEntry(0, mask, NEVER_MS, None)
    suite.guard.apply(GuardUpdate(suite.guard.epoch + 1, {REFUSED: entry}))
    return everybody


async def test_a_denial_takes_the_same_steps_whoever_is_asked_about_and_why(suite, denied):
    """Unknown, never asked, run out and refused differ in nothing that could be timed."""
    traces = [await steps_of(suite, who, denied=True) for who in denied]
    assert any("consent.py" in step for step in traces[0])
    assert all(one == other for one, other in combinations(traces, 2))


async def test_a_call_that_is_allowed_takes_others(suite, denied):
    """So a difference would be seen."""
    set_state(suite.guard, ALLOWED, RECOMMEND)
    allowed = await steps_of(suite, ALLOWED, denied=False)
    assert allowed != await steps_of(suite, denied[0], denied=True)
