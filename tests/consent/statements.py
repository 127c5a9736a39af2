"""Statements, records and edges for tests, each with what matters there and defaults elsewhere."""

from __future__ import annotations

import tomllib

from consent.component import EdgeFact, EdgeState
from consent.guard_table import NEVER_MS
from consent.policy import Policy
from consent.record import Action, CollectedVia, Notice, Said
from consent.statement import LedgerEntry, Origin, Statement, ledger_entry
from identity.ids import SubjectId
from tests.conftest import ROOT

SHIPPED = tomllib.loads((ROOT / "consent/policy.toml").read_text())
RULES = tomllib.loads((ROOT / "identity/rules.toml").read_text())
NOW_MS = 1_700_000_000_000
NOTICE = Notice("privacy", "7", "de-AT")


def subject(number: int) -> SubjectId:
    return SubjectId(number.to_bytes(16, "big"))


def said(
    node: str,
    action: Action = Action.GRANT,
    at_ms: int = 0,
    *,
    until_ms: int = NEVER_MS,
    taxonomy_version: int = 1,
) -> Said:
    return Said(node, action, taxonomy_version, at_ms, until_ms)


def statement(
    who: SubjectId,
    *nodes: str,
    action: Action = Action.GRANT,
    effective_at_ms: int | None = None,
    valid_until_ms: int = NEVER_MS,
    notice: Notice | None = NOTICE,
) -> Statement:
    return Statement(who, action, nodes, CollectedVia.WEB, effective_at_ms, valid_until_ms, notice)


def entry(
    policy: Policy,
    one: Statement,
    *,
    caller: str = "shop",
    request_id: str = "r1",
    position: int = 0,
    now_ms: int = NOW_MS,
) -> LedgerEntry:
    return ledger_entry(one, Origin("tenant", caller, request_id, position), policy, now_ms)


def edge(
    policy: Policy,
    number: int,
    a: SubjectId,
    b: SubjectId,
    *,
    deterministic: bool = True,
    state: EdgeState = EdgeState.ACTIVE,
    valid_until_ms: int = NEVER_MS,
) -> EdgeFact:
    purpose = "identity.link.deterministic" if deterministic else "identity.link.probabilistic"
    views = 0b11 if deterministic else 0b10
    return EdgeFact(number, a, b, policy.index(purpose), deterministic, views, state, valid_until_ms)
