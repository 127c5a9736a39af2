"""The table of threats in ``docs/privacy.md``: none is missing, and every test it names is there."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT

_HEADING = "## Threats, and the tests that show their defence"
_NOT_MET = "not met by this suite yet: "

#: Every threat of the design, in its order.
THREATS = (
    "an undeclared method or field",
    "unknown wire fields, `Any`, maps, a `oneof` used to smuggle",
    "a server on which the chain was forgotten",
    "a kind of call that is not wrapped",
    "a stale replica",
    "a clock that jumps, a machine that sleeps",
    "the authority is down",
    "a storm of withdrawals",
    "a merge that races with a refusal and gives back what was refused",
    "an attacker who links their own identity to a victim's",
    "a source that crowds an identifier to free what was refused for it",
    "a message stream that is read, forged, repeated or wiped",
    "an operator who edits the log",
    "a dictionary attack on a stolen database",
    "two callers who join their exports",
    "an error's text or its time as an oracle",
    "differences of counts over small cohorts",
    "vectors of a person who withdrew are still found",
    "secrets or identifiers in logs, metrics, errors, metadata",
    "a rotation of keys that loses or merges people",
    "ciphertext swapped between subjects or fields",
    "a caller who picks a friendlier purpose",
    "a forged or replayed signal",
    "a pathological consent string",
    "an incomplete erasure",
    "a caller who guesses identifiers",
    "a workload of the network that passes for a service, or a stolen token",
)
#: Those the suite can not meet yet. One that is met leaves this list; none joins it unnoticed.
UNMET = (
    "differences of counts over small cohorts",
    "a pathological consent string",
)


class Row(NamedTuple):
    """One line of the table."""

    threat: str
    defence: str
    tests: tuple[str, ...]


def rows(text: str) -> list[Row]:
    """The lines of the table in a document."""
    section = text.partition(_HEADING)[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [
        Row(threat, defence, tuple(name.strip("`") for name in tests.split("<br>") if name))
        for threat, defence, tests in cells
    ]


TABLE = rows((ROOT / "docs/privacy.md").read_text())
NAMED = sorted({test for row in TABLE for test in row.tests})


@cache
def collected(path: Path) -> frozenset[str]:
    """The tests pytest collects from a file: functions of the module and methods of its classes."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            methods = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
            found.update(f"{node.name}::{one.name}" for one in methods)
    return frozenset(name for name in found if name.rpartition("::")[2].startswith("test_"))


def test_every_threat_stands_in_the_table_once_and_no_other():
    assert tuple(row.threat for row in TABLE) == THREATS


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.threat)
def test_a_threat_names_its_tests_or_why_it_has_none(row):
    """A reason is a sentence, not a word."""
    if row.threat in UNMET:
        assert not row.tests
        assert row.defence.startswith(_NOT_MET)
        assert len(row.defence.removeprefix(_NOT_MET).split()) > 5
    else:
        assert row.tests
        assert not row.defence.startswith(_NOT_MET)


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_is_named_is_collected(named):
    """Its file is one pytest looks into, and the name is that of a test in it."""
    path, _, name = named.partition("::")
    assert Path(path).name.startswith("test_")
    assert path.startswith("tests/")
    assert name in collected(ROOT / path)


def test_a_name_that_is_no_test_would_be_found(tmp_path):
    """A helper, a test within a function, a method of no test class, a test that was renamed."""
    (tmp_path / "test_x.py").write_text(
        "def helper(): ...\n"
        "def test_one():\n    def test_inner(): ...\n"
        "class Desk:\n    def test_of_no_class(self): ...\n"
        "class TestDesk:\n    async def test_two(self): ...\n"
    )
    assert collected(tmp_path / "test_x.py") == {"test_one", "TestDesk::test_two"}


def test_a_row_is_read_with_all_its_tests():
    table = "| threat | defence | tests |\n|---|---|---|\n| a | b | `x::y`<br>`z::w` |\n| c | d |  |\n"
    text = f"{_HEADING}\nwords\n\n{table}## Next\n| e | f | `g` |\n"
    assert rows(text) == [Row("a", "b", ("x::y", "z::w")), Row("c", "d", ())]
