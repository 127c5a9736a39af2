"""What an edge counts for under rules."""

from dataclasses import replace

import pytest

from identity.effect import admits, effect, weak
from identity.errors import RulesError
from identity.ledger import NEVER_MS, Evidence
from identity.rules import DAY_MS, DETERMINISTIC, PROBABILISTIC
from tests.identity.graphs import NOW_MS, PEOPLE, edge
from tests.identity.rulebook import SHIPPED, variant

A, B = PEOPLE[:2]
STRICT, WIDE = 0b01, 0b10


def login(**fields):
    return edge(1, A, B, **fields)


@pytest.mark.parametrize("evidence", list(Evidence))
def test_proof_counts_in_both_views_and_guesses_in_the_wide_one_alone(evidence):
    counts = effect(login(evidence=evidence), SHIPPED)
    proof = evidence not in {Evidence.PARTNER_MATCH, Evidence.SIMILARITY}
    assert counts.deterministic == proof
    assert counts.views == (STRICT | WIDE if proof else WIDE)
    assert counts.link_purpose == (DETERMINISTIC if proof else PROBABILISTIC)


def test_an_edge_joins_people_until_the_instant_it_runs_out():
    assert admits(SHIPPED, "wide", 999)(login(valid_until_ms=1000))
    assert not admits(SHIPPED, "wide", 1000)(login(valid_until_ms=1000))


def test_evidence_runs_out_some_days_after_it_was_seen_or_when_its_source_says_if_that_is_sooner():
    rules = variant(evidence={"login": {"expires_after_days": 10}})
    assert effect(login(), rules).ends_ms == NOW_MS + 10 * DAY_MS
    assert effect(login(valid_until_ms=NOW_MS + 5), rules).ends_ms == NOW_MS + 5
    assert effect(login(), SHIPPED).ends_ms == NEVER_MS
    assert admits(rules, "wide", NOW_MS + 10 * DAY_MS - 1)(login())
    assert not admits(rules, "wide", NOW_MS + 10 * DAY_MS)(login())


def test_a_view_may_want_surer_evidence_than_another():
    rules = variant(evidence={"login": {"confidence_min_permille": {"strict": 900}}})
    assert effect(login(confidence_permille=899), rules).views == WIDE
    assert effect(login(confidence_permille=900), rules).views == STRICT | WIDE


@pytest.mark.parametrize(
    "named", [{"status": "retired", "evidence": ["login"]}, {"status": "active", "evidence": []}]
)
def test_what_a_source_whose_word_does_not_count_said_carries_refusals_only(named):
    counts = effect(login(), variant(sources={"named": {"web": named}}))
    assert counts.refusal_only
    assert not counts.deterministic


def test_an_unknown_source_joins_nobody_where_the_rules_refuse_such():
    assert effect(login(), variant(sources={"unknown": "refuse"})).refusal_only


def test_nobody_is_attested_by_a_verifier_whose_word_does_not_count():
    verified = replace(SHIPPED, attesters={"web": frozenset()})
    retired = variant(sources={"named": {"web": {"status": "retired", "evidence": []}}})
    assert effect(login(), verified).attested_by == "web"
    assert effect(login(), replace(retired, attesters={"web": frozenset()})).attested_by == ""


def test_trust_makes_proof_a_guess_that_carries_no_grants():
    """However sure the source is of itself."""
    named = {"web": {"status": "active", "evidence": ["login"], "trust_permille": 299}}
    doubted = variant(sources={"named": named})
    assert weak(login(), doubted)
    assert not effect(login(), doubted).deterministic
    assert effect(login(), doubted).views == STRICT | WIDE
    assert not weak(login(), SHIPPED)
    assert weak(login(confidence_permille=299), SHIPPED)


def test_an_unknown_view_is_refused():
    with pytest.raises(RulesError):
        admits(SHIPPED, "widest", 0)
