"""One command's evaluation of any data set: finished, stopped and gone on with, or refused with a reason."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from recommender import peers
from recommender.baselines import DECAYED, ITEM_KNN, OURS, OWN_COUNTS, POPULARITY
from services.importing.errors import ImportStopped
from services.recommender import comparing, evaluate, plots
from services.recommender.evaluate import REPORT, Wanted, run_evaluation
from services.recommender.journal import FILE, Journal
from services.recommender.plots import write_plots

MAPPING = """
dataset = "two-tastes"
[purchases]
files = ["lines.csv"]
person = "who"
item = "what"
time = "at"
title = "what"
category = "kind"
"""
PEOPLE, ITEMS, DAYS = 60, 24, 50


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """People of two tastes, some of whose rows are bad."""
    random = np.random.default_rng(5)
    rows = ["who,what,kind,at"]
    for day in range(DAYS):
        for person in random.choice(PEOPLE, 20, replace=False).tolist():
            item = 2 * int(random.integers(ITEMS // 2)) + person % 2
            rows.append(f"p{person},i{item},k{item % 2},2024-0{1 + day // 28}-{1 + day % 28:02}")
    rows += [",i1,k1,2024-01-01", "p1,i1,k1,yesterday"]
    (tmp_path / "lines.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "mapping.toml").write_text(MAPPING)
    return tmp_path / "mapping.toml"


@pytest.fixture(autouse=True)
def few_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models with small grids, and no plots, which take most of the time."""
    monkeypatch.setattr(evaluate, "BASELINES", (POPULARITY, DECAYED, OWN_COUNTS, ITEM_KNN))
    small = replace(OURS, fits=OURS.fits[:1], mixes=OURS.mixes[:1], repeats=OURS.repeats[:1])
    monkeypatch.setattr(evaluate, "OURS", small)
    monkeypatch.setattr(evaluate, "write_plots", lambda _report, _folder: [])


def evaluated(mapping: Path) -> tuple[dict, str]:
    """The report and what was printed."""
    console = Console(record=True, width=200, file=io.StringIO())
    out = mapping.parent / "out"
    run_evaluation(Wanted(mapping, out=out), console)
    return json.loads((out / REPORT).read_text()), console.export_text()


def numbers(content) -> list[float]:
    """Every number in a piece of JSON."""
    if isinstance(content, dict):
        return [number for value in content.values() for number in numbers(value)]
    if isinstance(content, list):
        return [number for value in content for number in numbers(value)]
    return [content] if isinstance(content, int | float) else []


def test_a_report_has_every_model_for_every_task_with_intervals(mapping: Path) -> None:
    """As a table and as JSON, bad rows counted, nobody named; and tastes are told apart in it."""
    report, printed = evaluated(mapping)
    assert report["format"] == 1
    assert report["dataset"] == "two-tastes"
    models = {(row["model"], row["task"]) for row in report["rows"]}
    both = {"popularity", "decayed-popularity", "dense", "served"} | (
        {"item-knn"} if peers.available() else set()
    )
    assert models == {(name, task) for name in both for task in ("new", "repeats")} | {
        ("own-counts", "repeats")
    }
    for row in report["rows"]:
        assert row["ndcg"]["low"] <= row["ndcg"]["mean"] <= row["ndcg"]["high"]
        assert 0 <= row["recall"] <= 1 and 0 <= row["hit_rate"] <= 1 and row["people"] >= 20
        assert all(0 <= share <= 1 for share in row["breadth"].values())
    chosen = next(r for r in report["rows"] if r["model"] == "decayed-popularity" and r["task"] == "new")
    assert chosen["constants"]["trend_days"] > 0
    assert len(chosen["windows"]) == 3
    assert {one["verdict"] for one in report["comparisons"]} <= {"better", "equal", "worse"}
    assert {row["depth"] for row in report["depths"]} == {"INDIVIDUAL", "CONTEXT", "GENERAL"}
    assert all(math.isfinite(number) for number in numbers(report))
    assert "1 NO_PERSON, 1 TIME_UNREADABLE" in printed
    assert '"p1"' not in json.dumps(report)
    figures = {row["model"]: row["ndcg"]["mean"] for row in report["rows"] if row["task"] == "new"}
    assert figures["served"] > figures["decayed-popularity"]


def test_an_evaluation_that_was_stopped_goes_on_where_it_was(
    mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finished models are not done again; the report is the same as without the stop."""
    whole, _ = evaluated(mapping)
    (mapping.parent / "out" / FILE).unlink()
    choose, asked = comparing.choose_mixes, []

    def stops(contender, *given):
        asked.append(contender.name)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return choose(contender, *given)

    monkeypatch.setattr(comparing, "choose_mixes", stops)
    with pytest.raises(KeyboardInterrupt):
        evaluated(mapping)
    again, _ = evaluated(mapping)
    assert again == whole
    assert asked[:3] == [POPULARITY.name, DECAYED.name, OWN_COUNTS.name]
    assert POPULARITY.name not in asked[3:] and DECAYED.name not in asked[3:]


def test_other_data_are_evaluated_anew(mapping: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is of the lines it was made of."""
    evaluated(mapping)
    lines = mapping.parent / "lines.csv"
    lines.write_text(lines.read_text() + "p1,i1,k1,2024-02-20\n")
    chosen = []
    choose = comparing.choose_mixes
    monkeypatch.setattr(
        comparing, "choose_mixes", lambda *given: chosen.append(given[0].name) or choose(*given)
    )
    evaluated(mapping)
    assert POPULARITY.name in chosen


def test_a_line_broken_off_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    """And does not spoil the one after it."""
    journal = Journal(tmp_path)
    journal.put("one", [1, 2])
    with (tmp_path / FILE).open("a") as file:
        file.write('{"key": "two", "val')
    again = Journal(tmp_path)
    assert (again.get("one"), again.get("two")) == ([1, 2], None)
    again.put("three", 3)
    last = Journal(tmp_path)
    assert (last.get("one"), last.get("two"), last.get("three")) == ([1, 2], None, 3)


def test_what_is_not_installed_is_left_out_visibly(mapping: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, in the table and in the report."""
    monkeypatch.setattr(peers, "available", lambda: False)

    def absent(*_: object) -> None:
        raise ImportError

    monkeypatch.setattr(evaluate, "write_plots", absent)
    report, printed = evaluated(mapping)
    assert report["left_out"] == ["item-kNN (BM25, implicit); implicit is not installed"]
    assert "Left out: item-kNN (BM25, implicit); implicit is not installed" in printed
    assert "Left out: the plots; matplotlib is not installed" in printed


def test_the_same_report_gives_the_same_plots(mapping: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a committed picture changes only with what it shows."""
    mpl = pytest.importorskip("matplotlib")
    monkeypatch.setattr(evaluate, "BASELINES", (DECAYED,))
    drawn = []
    monkeypatch.setattr(evaluate, "write_plots", lambda report, _folder: drawn.append(report) or [])
    evaluated(mapping)
    written = write_plots(drawn[0], mapping.parent)
    assert [path.name for path in written] == ["accuracy.svg", "breadth.svg", "depth.svg"]
    assert "ours, served" in written[0].read_text()
    with mpl.rc_context(plots.SETTINGS):
        again = plots.draw_depth(drawn[0], mapping.parent / "again.svg")
    assert again.read_bytes() == written[2].read_bytes()


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "holds too few purchases at different times"),
        (["p1,i1,k1,2024-01-01"] * 9, "holds too few purchases at different times"),
        (["p1,i1,k1,2024-01-01", "p2,i1,k1,2024-01-02"] * 9, "fewer than 20 people can be asked about"),
    ],
)
def test_too_little_to_evaluate_on_is_said(mapping: Path, rows: list[str], reason: str) -> None:
    """Not a figure from three people, and not a traceback."""
    (mapping.parent / "lines.csv").write_text("\n".join(["who,what,kind,at", *rows]) + "\n")
    with pytest.raises(ImportStopped, match=reason):
        evaluated(mapping)
