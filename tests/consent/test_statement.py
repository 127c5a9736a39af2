"""Statements as callers report them: faults, ids, records."""

from __future__ import annotations

import pytest

from consent.policy import Policy
from consent.record import Action
from consent.statement import CLOCK_SKEW_MS, Fault, Statement, fault_in, said_at_ms
from tests.consent.statements import NOTICE, NOW_MS, entry, statement, subject

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
