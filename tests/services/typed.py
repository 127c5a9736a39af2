"""A command as it is typed, carried out in this process: its exit code and what it said."""

from __future__ import annotations

import io

from rich.console import Console

from services.__main__ import _parser


def typed(*words: object) -> tuple[int, str]:
    """Runs a command; the process's own start-up is the tests' of ``test_commands``."""
    arguments = _parser().parse_args([str(word) for word in words])
    said = io.StringIO()
    return arguments.command(arguments, Console(file=said, width=200)), said.getvalue()
