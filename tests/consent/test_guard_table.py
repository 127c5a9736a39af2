"""One replica's table: it applies in order and denies what it does not know."""

from __future__ import annotations

from dataclasses import replace

from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from consent.policy import Policy
from consent.why import Why
from tests.consent.statements import NOW_MS, subject

ANNA, BERT, STRANGER = subject(1), subject(2), subject(3)


def entry(
    policy: Policy, *purposes: str, changes_at_ms: int = NEVER_MS, members: tuple | None = None
) -> GuardEntry:
    allow = policy.unrefusable_mask
    for purpose in purposes:
        allow |= policy.mask(purpose)
    return GuardEntry(allow, 0, changes_at_ms, members)


def test_a_table_without_a_snapshot_denies_everything(policy: Policy):
    """Even what nobody can refuse, for it does not know whether the subject exists."""
    table = GuardTable(policy)
    assert not table.ready
    assert not table.allows(ANNA, policy.index("rights"), NOW_MS)


def test_a_stranger_is_denied_everything(policy: Policy):
    """Unknown means no."""
    table = GuardTable(policy)
    table.apply(GuardUpdate(1, {ANNA: entry(policy, "loyalty")}))
    assert table.allows(ANNA, policy.index("loyalty"), NOW_MS)
    assert not any(table.allows(STRANGER, index, NOW_MS) for index in range(len(policy.leaves)))
    assert table.members(STRANGER, policy.index("rights"), NOW_MS) == ()


def test_an_older_step_changes_nothing(policy: Policy):
    """A step that was overtaken, or comes again, is not applied."""
    table = GuardTable(policy)
    table.apply(GuardUpdate(2, {ANNA: entry(policy)}))
    for epoch in (1, 2):
        table.apply(GuardUpdate(epoch, {ANNA: entry(policy, "loyalty")}))
    assert (table.epoch, table.entry(ANNA)) == (2, entry(policy))


def test_an_entry_past_its_change_allows_only_what_nobody_can_refuse(policy: Policy):
    """Up to the instant it holds, from it on it does not."""
    table = GuardTable(policy)
    table.apply(GuardUpdate(1, {ANNA: entry(policy, "service", changes_at_ms=NOW_MS)}))
    service, rights = policy.index("service"), policy.index("rights")
    assert table.allows(ANNA, service, NOW_MS - 1)
    assert not table.allows(ANNA, service, NOW_MS)
    assert table.allows(ANNA, rights, NOW_MS)


def test_members_are_read_in_the_purposes_view_and_only_where_they_allow_it(policy: Policy):
    """Strict and wide differ; who does not allow the purpose is left out; no view means alone."""
    members = ((ANNA,), (ANNA, BERT))
    table = GuardTable(policy)
    every = "personalise.recommend", "loyalty", "location_precise"
    table.apply(
        GuardUpdate(
            1,
            {ANNA: entry(policy, *every, members=members), BERT: entry(policy, *every, members=members)},
        )
    )
    wide, strict, alone = (policy.index(purpose) for purpose in every)
    assert table.members(ANNA, wide, NOW_MS) == (ANNA, BERT)
    assert table.members(ANNA, strict, NOW_MS) == table.members(ANNA, alone, NOW_MS) == (ANNA,)
    table.apply(GuardUpdate(2, {BERT: entry(policy, members=members)}))
    assert table.members(ANNA, wide, NOW_MS) == (ANNA,)
    assert table.members(BERT, wide, NOW_MS) == ()


def test_who_is_linked_does_not_hang_on_what_they_allow(policy: Policy):
    """By the purpose's view; a stranger is nobody, and no view means alone."""
    members = ((ANNA,), (ANNA, BERT))
    table = GuardTable(policy)
    table.apply(GuardUpdate(1, {one: entry(policy, members=members) for one in (ANNA, BERT)}))
    wide, strict, alone = (
        policy.index(purpose) for purpose in ("personalise.recommend", "loyalty", "location_precise")
    )
    assert table.linked(ANNA, wide) == table.linked(BERT, wide) == (ANNA, BERT)
    assert table.linked(ANNA, strict) == table.linked(ANNA, alone) == (ANNA,)
    assert table.linked(STRANGER, wide) == ()


def test_an_entry_that_is_taken_away_leaves_a_stranger(policy: Policy):
    """A step can end a subject."""
    table = GuardTable(policy)
    table.apply(GuardUpdate(1, {ANNA: entry(policy, "loyalty"), BERT: entry(policy)}))
    table.apply(GuardUpdate(2, {ANNA: None}))
    assert ANNA not in table
    assert list(table.subjects()) == [BERT]
    assert len(table) == 1


def test_a_table_whose_stream_ended_denies_until_the_next_snapshot(policy: Policy):
    """Whatever the epoch of the snapshot is."""
    table = GuardTable(policy)
    table.apply(GuardUpdate(5, {ANNA: entry(policy, "loyalty")}))
    table.lose()
    assert (table.ready, len(table)) == (False, 0)
    table.apply(GuardUpdate(5, {ANNA: entry(policy, "loyalty")}))
    assert table.allows(ANNA, policy.index("loyalty"), NOW_MS)


def test_a_denial_has_the_first_reason_that_stands(policy: Policy):
    """In the order of the decision semantics; what was never asked about is unknown."""
    loyalty, share = policy.index("loyalty"), policy.index("share.sale")
    order = (
        "PROCESSING_RESTRICTED",
        "OBJECTED",
        "MINOR_PROTECTED",
        "CONSENT_WITHDRAWN",
        "CONSENT_REFUSED",
        "REGIME_FORBIDS",
        "CONSENT_EXPIRED",
    )
    for place, reason in enumerate(order):
        why = Why(*([0] * place + [1 << loyalty] * (len(order) - place)))
        table = GuardTable(policy)
        table.apply(GuardUpdate(1, {ANNA: replace(entry(policy), why=why)}))
        assert table.reason(ANNA, loyalty, NOW_MS) == reason
        assert table.reason(ANNA, share, NOW_MS) == "CONSENT_UNKNOWN"


def test_only_a_denial_has_a_reason(policy: Policy):
    """None while it is allowed; run out after its end; a stranger is as if erased."""
    table = GuardTable(policy)
    loyalty = policy.index("loyalty")
    table.apply(GuardUpdate(1, {ANNA: entry(policy, "loyalty", changes_at_ms=NOW_MS)}))
    assert table.reason(ANNA, loyalty, NOW_MS - 1) == ""
    assert table.reason(ANNA, loyalty, NOW_MS) == "CONSENT_EXPIRED"
    assert table.reason(STRANGER, loyalty, NOW_MS) == "SUBJECT_ERASED"
