"""Statements as callers report them: faults, ids, records."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from consent.guard_table import NEVER_MS
from consent.policy import Policy, compile_policy
from consent.record import Action, Age, Evidence, Notice
from consent.statement import CLOCK_SKEW_MS, Fault, Refusal, Statement, fault_in, said_at_ms
from tests.consent.statements import NOTICE, NOW_MS, SHIPPED, entry, statement, subject

ANNA, BERT = subject(1), subject(2)


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        (statement(ANNA, "marketing", "loyalty"), None),
        (statement(ANNA, "loyalty", effective_at_ms=NOW_MS, valid_until_ms=NOW_MS + 1), None),
        (statement(ANNA, "loyalty", action=Action.WITHDRAW, notice=None), None),
        (statement(ANNA, "service", action=Action.REFUSE, notice=None), None),
        (statement(ANNA, "marketing", "nothing"), Fault("UNKNOWN_PURPOSE", "purposes")),
        (statement(ANNA, ""), Fault("UNKNOWN_PURPOSE", "purposes")),
        (statement(ANNA, "operate"), Fault("PURPOSE_UNREFUSABLE", "purposes")),
        (
            statement(ANNA, "loyalty", effective_at_ms=NOW_MS + CLOCK_SKEW_MS + 1),
            Fault("EFFECTIVE_IN_FUTURE", "effective_at"),
        ),
        (statement(ANNA, "loyalty", valid_until_ms=NOW_MS), Fault("VALID_UNTIL_INVALID", "valid_until")),
        (
            statement(ANNA, "loyalty", effective_at_ms=5, valid_until_ms=4),
            Fault("VALID_UNTIL_INVALID", "valid_until"),
        ),
        (
            statement(ANNA, "loyalty", action=Action.REFUSE, valid_until_ms=NOW_MS + 1),
            Fault("VALID_UNTIL_INVALID", "valid_until"),
        ),
        (statement(ANNA, "loyalty", notice=None), Fault("NOTICE_MISSING", "notice")),
    ],
)
def test_a_statement_has_the_fault_that_is_named(policy: Policy, one: Statement, fault: Fault | None):
    """The first one, with the field to look at."""
    assert fault_in(one, policy, NOW_MS) == fault


def test_a_statement_becomes_one_record_a_node(policy: Policy):
    """A node named twice is one; each record has its own id and the whole evidence."""
    made = entry(policy, statement(ANNA, "loyalty", "marketing", "loyalty", effective_at_ms=7))
    assert [record.said.node for record in made.records] == ["loyalty", "marketing"]
    assert len({record.event_id for record in made.records}) == 2
    for record in made.records:
        assert (record.said.effective_at_ms, record.recorded_at_ms) == (7, NOW_MS)
        assert (record.notice, record.actor, record.request_id) == (NOTICE, "shop", "r1")
        assert record.said.taxonomy_version == policy.taxonomy_version


@pytest.mark.parametrize(
    ("action", "behind_ms", "counts_as_now"),
    [
        (Action.WITHDRAW, 0, True),
        (Action.WITHDRAW, CLOCK_SKEW_MS, True),
        (Action.REFUSE, CLOCK_SKEW_MS, True),
        (Action.WITHDRAW, CLOCK_SKEW_MS + 1, False),
        (Action.GRANT, 1, False),
        (Action.GRANT, -CLOCK_SKEW_MS, True),
        (Action.WITHDRAW, -CLOCK_SKEW_MS, True),
    ],
)
def test_a_restriction_is_not_overtaken_by_a_difference_of_clocks(action, behind_ms, counts_as_now):
    """What restricts counts as said now if its instant is no further behind than clocks may differ."""
    one = statement(ANNA, "loyalty", action=action, effective_at_ms=NOW_MS - behind_ms)
    assert said_at_ms(one, NOW_MS) == (NOW_MS if counts_as_now else NOW_MS - behind_ms)


def test_an_unset_time_means_now(policy: Policy):
    """The instant of the call, not of the store."""
    (record,) = entry(policy, statement(ANNA, "loyalty")).records
    assert record.said.effective_at_ms == record.recorded_at_ms == NOW_MS


def test_a_repeat_has_the_same_ids_and_the_same_digest(policy: Policy):
    """Whenever it comes, in whatever order its purposes stand."""
    first = entry(policy, statement(ANNA, "loyalty", "marketing"))
    again = entry(policy, statement(ANNA, "marketing", "loyalty"), now_ms=NOW_MS + 1)
    assert (again.entry_id, again.digest) == (first.entry_id, first.digest)
    assert {one.event_id for one in again.records} == {one.event_id for one in first.records}


def test_another_origin_is_another_id(policy: Policy):
    """Caller, request id and place in the request, and no two of them run into each other."""
    one = statement(ANNA, "loyalty")
    made = [
        entry(policy, one),
        entry(policy, one, caller="till"),
        entry(policy, one, request_id="r2"),
        entry(policy, one, position=1),
        entry(policy, one, caller="shopr", request_id="1"),
    ]
    assert len({each.entry_id for each in made}) == len(made)
    assert len({each.digest for each in made}) == 1


def test_other_words_are_another_digest(policy: Policy):
    """Whatever differs in what was said."""
    words = [
        statement(ANNA, "loyalty"),
        statement(BERT, "loyalty"),
        statement(ANNA, "marketing"),
        statement(ANNA, "loyalty", action=Action.WITHDRAW),
        statement(ANNA, "loyalty", effective_at_ms=NOW_MS),
        statement(ANNA, "loyalty", valid_until_ms=NOW_MS + 1),
        statement(ANNA, "loyalty", notice=None),
    ]
    assert len({entry(policy, one).digest for one in words}) == len(words)


REFUSAL = entry(
    # The earlier refusal a grant of Bert's may answer.
    compile_policy(SHIPPED),
    statement(ANNA, "marketing", action=Action.REFUSE, effective_at_ms=NOW_MS - CLOCK_SKEW_MS - 9),
)
REFUSED = REFUSAL.records[0]
SHOWN = Notice("privacy", "8", "de-AT", b"n" * 32)


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        ({}, None),
        ({"nodes": ("loyalty",)}, Fault("SUPERSEDES_NOTHING", "supersedes")),
        ({"supersedes": (REFUSED.event_id, b"")}, Fault("SUPERSEDES_NOTHING", "supersedes")),
        ({"effective_at_ms": REFUSED.said.effective_at_ms - 1}, Fault("SUPERSEDES_NOTHING", "supersedes")),
        ({"action": Action.REFUSE}, Fault("SUPERSEDES_NOTHING", "supersedes")),
        ({"notice": NOTICE}, Fault("NOTICE_MISSING", "notice.sha256")),
        ({"notice": replace(SHOWN, sha256=b"n" * 31)}, Fault("FIELD_LENGTH", "notice.sha256")),
        ({"evidence": Evidence(ui_hash=b"u")}, Fault("FIELD_LENGTH", "evidence.ui_hash")),
        ({"regime": "MOON"}, Fault("UNKNOWN_REGIME", "regime")),
        ({"regime": "US_CA"}, None),
    ],
)
def test_an_answer_names_refusals_that_its_notice_can_have_shown(
    policy: Policy, one: dict, fault: Fault | None
):
    """Of the same purposes, from before, among those there are; and the notice can be proven."""
    made = statement(BERT, "marketing.email", notice=SHOWN, supersedes=(REFUSED.event_id,))
    refusals = {REFUSED.event_id: Refusal(ANNA, REFUSED.said)}
    assert fault_in(replace(made, **one), policy, NOW_MS, refusals) == fault


def test_the_legal_basis_is_the_policys_and_the_raw_signal_is_kept_once(policy: Policy):
    """Under the regime the statement names; a caller chooses none."""
    evidence = Evidence("cmp", "site", b"u" * 32, b"signal")
    made = entry(policy, statement(ANNA, "analytics", "loyalty", regime="US_CA", evidence=evidence))
    assert [record.legal_basis for record in made.records] == ["opt_out+consent", "consent"]
    assert [record.evidence.raw_signal for record in made.records] == [b"signal", b""]
    assert {record.evidence.ui_hash for record in made.records} == {b"u" * 32}


def test_a_sign_of_a_child_outweighs_what_is_said_of_the_age(policy: Policy):
    """The record keeps both."""
    (record,) = entry(policy, statement(ANNA, "loyalty", age=Age.ADULT, child_signal=True)).records
    assert (record.age, record.child_signal, record.said.age) == (Age.ADULT, True, Age.CHILD)


def test_what_was_added_to_statements_is_another_digest_where_it_is_said(policy: Policy):
    """And a statement that says none of it has the digest it had before there was any of it."""
    added = [
        {"regime": "US_CA"},
        {"jurisdiction": "US-CA"},
        {"age": Age.ADULT},
        {"child_signal": True},
        {"notice": SHOWN},
        {"evidence": Evidence(method="cmp")},
        {"evidence": Evidence(collector="cmp")},
        {"evidence": Evidence(ui_hash=b"u" * 32)},
        {"evidence": Evidence(raw_signal=b"signal")},
    ]
    plain = statement(ANNA, "loyalty", effective_at_ms=NOW_MS)
    digests = {entry(policy, replace(plain, **one)).digest for one in ({}, *added)}
    assert len(digests) == len(added) + 1
    parts = [ANNA.hex(), "GRANT", "loyalty", "WEB", NOW_MS, NEVER_MS, "privacy", "7", "de-AT"]
    assert entry(policy, plain).digest == hashlib.sha256(json.dumps(parts).encode()).digest()
