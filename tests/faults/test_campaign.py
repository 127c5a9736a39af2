"""The campaign runs what it says, and a broken promise is seen."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.faults.campaign import FAULTS, LONG, ROOT
from tests.faults.load import Told
from tests.faults.verdict import Broken, judge


def named_in(path: str) -> set[str]:
    """The tests of a module."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse((ROOT / path).read_text())
    return {one.name for one in tree.body if isinstance(one, functions) and one.name.startswith("test_")}


@pytest.mark.parametrize("fault", FAULTS + LONG, ids=lambda fault: fault.name)
def test_every_fault_happens_or_has_tests_that_exist(fault):
    """A row can not say of a test that is gone that it passed."""
    assert (fault.happens is None) == bool(fault.tests)
    for named in fault.tests:
        path, _, test = named.partition("::")
        assert named_in(path)
        assert not test or test in named_in(path)


def test_no_two_faults_have_one_name():
    """Whoever asks for one gets it."""
    assert max(Counter(fault.name for fault in FAULTS + LONG).values()) == 1


def seen(**changed) -> Told:
    """What callers saw when all went well, but for something."""
    return Told(
        **({"events": 10, "withdrawals": 2, "read_before": 2, "asked_after": 6, "lists": 9} | changed)
    )


@pytest.mark.parametrize("recorded", [10, 11])
def test_the_last_event_may_be_there_and_not_acknowledged(recorded):
    """Its caller was stopped."""
    judge(seen(), recorded, recorded, unsure=1)


@pytest.mark.parametrize(
    ("told", "recorded", "learned", "says"),
    [
        (seen(), 9, 9, "1 of 10 acknowledged events are lost"),
        (seen(), 12, 12, "2 events more"),
        (seen(), 10, 9, "the recommender has 9 of 10"),
        (seen(stale=1), 10, 10, "1 of 6 were read after"),
        (seen(failures=Counter({"INTERNAL oh": 2})), 10, 10, "2 times INTERNAL oh"),
        (seen(lists=0), 10, 10, "nothing was tried"),
        (seen(asked_after=0), 10, 10, "nothing was tried"),
    ],
)
def test_a_promise_that_was_broken_is_told(told, recorded, learned, says):
    """Each of them, by itself."""
    with pytest.raises(Broken, match=says):
        judge(told, recorded, learned, unsure=1)
