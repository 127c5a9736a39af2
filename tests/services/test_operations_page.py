"""The page for operators names commands that there are, with arguments that they take."""

from __future__ import annotations

import re
import shlex

import pytest

from services.__main__ import _parser
from tests.given import ROOT

PAGES = ("operations.md", "keys.md")
LINE = re.compile(r"^\s*python -m services (.+?)(?: > \S+)?$", re.MULTILINE)


def commands() -> list[str]:
    return sorted({line for page in PAGES for line in LINE.findall((ROOT / "docs" / page).read_text())})


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_page_is_one(line):
    """A renamed option shows here before it shows at night."""
    assert callable(_parser().parse_args(shlex.split(line)).command)


def test_the_page_has_commands():
    """Else the test above would say nothing."""
    assert len(commands()) > 15
