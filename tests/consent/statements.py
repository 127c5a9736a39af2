"""Statements, records and edges for tests, each with what matters there and defaults elsewhere."""

from __future__ import annotations

import secrets
import tomllib
from typing import Any

from consent.component import EdgeFact, EdgeState
from consent.guard_table import NEVER_MS
from consent.policy import Policy
from consent.record import Action, CollectedVia, Notice, Said
from consent.statement import NO_REFUSALS, LedgerEntry, Origin, Refusals, Statement, ledger_entry
from identity.ids import SubjectId
from identity.keyring import KeyRing
from services.storage.subject_keys import SubjectKeys
from tests.given import ROOT

SHIPPED = tomllib.loads((ROOT / "consent/policy.toml").read_text())
RULES = tomllib.loads((ROOT / "identity/rules.toml").read_text())
NOW_MS = 1_700_000_000_000
#: What raw signals are sealed under.
KEYS = SubjectKeys(KeyRing.create(secrets.token_bytes, 0))
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
    **more: Any,
) -> Said:
    return Said(node, action, taxonomy_version, at_ms, until_ms, **more)


def statement(
    who: SubjectId,
    *nodes: str,
    action: Action = Action.GRANT,
    effective_at_ms: int | None = None,
    valid_until_ms: int = NEVER_MS,
    notice: Notice | None = NOTICE,
    **more: Any,
) -> Statement:
    return Statement(who, action, nodes, CollectedVia.WEB, effective_at_ms, valid_until_ms, notice, **more)


def entry(
    policy: Policy,
    one: Statement,
    *,
    caller: str = "shop",
    request_id: str = "r1",
    position: int = 0,
    now_ms: int = NOW_MS,
    refusals: Refusals = NO_REFUSALS,
) -> LedgerEntry:
    return ledger_entry(one, Origin("tenant", caller, request_id, position), policy, now_ms, refusals)


def edge(
    policy: Policy,
    number: int,
    a: SubjectId,
    b: SubjectId,
    *,
    deterministic: bool = True,
    state: EdgeState = EdgeState.ACTIVE,
    valid_until_ms: int = NEVER_MS,
    attested_by: str = "",
) -> EdgeFact:
    purpose = "identity.link.deterministic" if deterministic else "identity.link.probabilistic"
    views = 0b11 if deterministic else 0b10
    return EdgeFact(
        number, a, b, policy.index(purpose), deterministic, views, state, valid_until_ms, attested_by
    )
