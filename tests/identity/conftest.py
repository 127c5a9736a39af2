"""The rules as shipped, and a desk: the real servicer over a real ledger and a real guard table."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consent.policy import Policy
from identity.rules import Rules, compile_rules
from tests.conftest import ROOT, Clock
from tests.identity.desk import Desk


@pytest.fixture(scope="session")
def rules_file() -> dict[str, Any]:
    return tomllib.loads((ROOT / "identity/rules.toml").read_text())


@pytest.fixture(scope="session")
def rules(rules_file: dict[str, Any]) -> Rules:
    return compile_rules(rules_file)


@pytest.fixture
def desk(tmp_path: Path, policy: Policy, rules: Rules, clock: Clock) -> Iterator[Desk]:
    desk = Desk(tmp_path, policy, rules, clock)
    yield desk
    desk.close()
