"""Rules as shipped, and variants of them: what a test changes of the file is all that it says."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping
from typing import Any

from identity.rules import Rules, compile_rules
from tests.conftest import ROOT

FILE = tomllib.loads((ROOT / "identity/rules.toml").read_text())
SHIPPED = compile_rules(FILE)


def variant(**changes: Any) -> Rules:
    """The shipped rules with parts of the file changed; tables are merged, other values replaced."""
    return compile_rules(merged(FILE, changes))


def merged(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a file with parts of it changed."""
    result = copy.deepcopy(dict(content))
    for key, value in changes.items():
        inner = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if inner else copy.deepcopy(value)
    return result
