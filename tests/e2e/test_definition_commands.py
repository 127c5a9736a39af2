"""The commands for definitions against a suite that runs."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from services.__main__ import _parser
from services.commands.definition_desk import DefinitionDesk
from services.commands.definitions import DONE, WOULD_CHANGE, WRONG
from tests.e2e.conftest import suite_in
from tests.given import ROOT

EXAMPLES = ROOT / "docs" / "examples" / "plays"
# Definitions are engagement's own affair; how its processes agree is ``tests.engagement.test_in_force``'s.
pytestmark = pytest.mark.parametrize("shop", [suite_in], indirect=True, ids=["one process"])
Typed = Callable[..., Any]


@pytest.fixture
def typed(shop: Any) -> Typed:
    """Types a command; its exit code and what it said."""
    address = shop.suite.addresses["veilgraph.engagement.v1.DefinitionService"]

    def run(*words: object) -> tuple[int, str]:
        arguments = _parser().parse_args([*map(str, words), "--folder", str(shop.folder)])
        token = (shop.folder / "tokens" / arguments.caller).read_text()
        said = io.StringIO()
        with closing(DefinitionDesk(address, token)) as desk:
            return arguments.deed(arguments, desk, Console(file=said, width=250)), said.getvalue()

    async def beside(*words: object) -> tuple[int, str]:
        return await asyncio.to_thread(run, *words)

    return beside


async def test_the_examples_are_applied_approved_and_shown(typed: Typed) -> None:
    """A dry run says what would change and changes nothing; done twice nothing would."""
    code, said = await typed("apply", EXAMPLES, "--dry-run")
    assert code == WOULD_CHANGE
    assert "26 of 26 would change" in said
    assert '+    "play_id": "florist-reminder",' in said
    assert (await typed("describe"))[1] == "nothing is kept\n"
    code, said = await typed("apply", EXAMPLES)
    assert code == DONE
    assert said.count("DRAFT, LIVE once approved") == 26
    code, said = await typed("apply", EXAMPLES, "--dry-run")
    assert (code, "nothing would change" in said) == (DONE, True)
    code, said = await typed("approve", "template", "birthday", 1)
    assert (code, said) == (DONE, "template birthday version 1 is approved, and LIVE\n")
    code, said = await typed("describe", "template", "birthday")
    assert code == DONE
    assert "yes       operator    approver" in said
    assert '"language": "de",' in said


async def test_what_is_wrong_is_shown_in_the_file_and_nothing_is_kept(typed: Typed, tmp_path: Path) -> None:
    """By the contract's limits, by what is judged, and by what can not be read."""
    good = (EXAMPLES / "birthday.yaml").read_text()
    for old, new, where in (
        (
            "attribute.birthday",
            "attribute.language",
            "wrong.yaml: trigger.field: attribute.language is a text",
        ),
        ("play: birthday", "play: Birth Day", "wrong.yaml: play: "),
        ("template: birthday\nstate", "templates: birthday\nstate", "wrong.yaml: one of play, segment, "),
    ):
        (tmp_path / "wrong.yaml").write_text(good.replace(old, new))
        code, said = await typed("apply", tmp_path)
        assert code == WRONG
        assert where in said
    assert (await typed("describe"))[1] == "nothing is kept\n"
