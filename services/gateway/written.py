"""What callers over JSON read, made of the program: the OpenAPI document and the page of errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from services.gateway.config import OPENAPI
from services.gateway.errors_page import page
from services.gateway.openapi import document

ERRORS: Final = OPENAPI.with_name("errors.md")


def pages(words: Mapping[str, str]) -> Mapping[Path, str]:
    """Where each page lies, and what it says.

    Args:
        words: the contract's comments, see ``services.contract.comments``.
    """
    said = json.dumps(document(words), indent=1, ensure_ascii=False)
    return {OPENAPI: said + "\n", ERRORS: page()}


def outdated(made: Mapping[Path, str]) -> list[Path]:
    """The pages that do not say what they would be written to say."""
    return [path for path, text in made.items() if not path.exists() or path.read_text() != text]


def write(made: Mapping[Path, str]) -> None:
    """Writes them all."""
    for path, text in made.items():
        path.write_text(text)
