"""A rules file becomes its content, and no text that can be sent costs more than its size.

The parser recurses into what is nested and keeps every prefix of a dotted key, so how deep and
how long those may be is looked at first, in one pass over the text without its strings.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from identity.errors import RulesError

#: Ten times the file that is shipped.
TEXT_MAX = 65_536
#: A rules file needs three: a table within a table, and a list or a table in it.
NESTING_MAX = 8
KEY_PARTS_MAX = 8
#: Of a number, or of a key without quotes; the longest name of a source has as many.
WORD_MAX = 64
_STRINGS_AND_COMMENTS = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)
_WORD = re.compile(rf"[\w+-]{{{WORD_MAX + 1},}}")
_BETWEEN_KEYS = re.compile(r"[=,\[\]{}]")


def parse(text: str) -> dict[str, Any]:
    """The content of a rules file.

    Raises:
        RulesError: it is no TOML, or of a shape that no rules file has; the text says where.
    """
    if len(text) > TEXT_MAX:
        raise RulesError("the text", f"at most {TEXT_MAX} characters")
    _check_shape(_STRINGS_AND_COMMENTS.sub(_only_its_lines, text))
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and what its parser lets through
        at = re.search(r"line \d+", str(error))
        raise RulesError(at[0] if at else "the end", "not TOML") from None


def _only_its_lines(found: re.Match[str]) -> str:
    return "_" + "\n" * found[0].count("\n")


def _check_shape(bare: str) -> None:
    depth = 0
    for number, line in enumerate(bare.split("\n"), start=1):
        where = f"line {number}"
        if _WORD.search(line):
            raise RulesError(where, f"no number or name is longer than {WORD_MAX} characters")
        if any(part.count(".") >= KEY_PARTS_MAX for part in _BETWEEN_KEYS.split(line)):
            raise RulesError(where, f"a key has at most {KEY_PARTS_MAX} parts")
        for character in line:
            if character in "[{":
                depth += 1
                if depth > NESTING_MAX:
                    raise RulesError(where, f"nothing is nested more than {NESTING_MAX} deep")
            elif character in "]}":
                depth -= 1
