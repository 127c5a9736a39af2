"""Every bench can be loaded, and those that measure in one process do, on sizes that take no time.

That a rename breaks none of the others is mypy's to say: it reads `tests/bench` with the rest.
"""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tests.bench import decide, growth, identity_graph
from tests.bench.__main__ import BENCHES

#: Asked so often, beside a size of some hundreds.
FEW = 20
ASKED = [growth, identity_graph, decide]
MEASURES: dict[str, Any] = {
    "the walk": lambda: growth.measure("identity_walk", 90),
    "the guard table": lambda: growth.measure("guard_decision", 90),
    "the graph": lambda: identity_graph.graph(200),
    "people": lambda: identity_graph.people(200),
    "all people": lambda: identity_graph.partition(200),
    "decisions": lambda: decide.measure(300),
}


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_that_is_named_has_figures(name):
    assert callable(importlib.import_module(f"tests.bench.{name}").figures)


@pytest.mark.parametrize("what", MEASURES)
def test_a_bench_of_one_process_measures_something(what, monkeypatch):
    for bench in ASKED:
        monkeypatch.setattr(bench, "ASKED", FEW)
    told = MEASURES[what]()
    assert told
    assert all(isinstance(value, float | int) for value in told.values())
