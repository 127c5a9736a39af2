"""Regimes and legal bases of a policy file."""

from __future__ import annotations

import pytest

from consent.errors import PolicyError
from consent.policy import Policy, compile_policy
from consent.regimes import BASES, Regime, strictest
from tests.consent.statements import SHIPPED


def with_regimes(tenant: str = "", **tables: dict) -> Policy:
    return compile_policy(SHIPPED | tables, tenant)


def basis(policy: Policy, regimes: int, leaf: str) -> str:
    return policy.under(regimes).basis[policy.index(leaf)]


def test_the_shipped_regimes_differ_where_the_file_says(policy: Policy):
    """The United Kingdom is like the Union; California counts visits until somebody opts out."""
    eu, uk, california = (policy.regime_mask(name) for name in ("EU_GDPR", "UK_GDPR", "US_CA"))
    assert policy.under(uk).basis == policy.under(eu).basis
    assert basis(policy, california, "analytics.reporting") == "opt_out"
    assert policy.under(california).free == policy.under(eu).free | policy.mask("analytics.reporting")


def test_nobody_is_freer_under_an_unknown_regime_than_under_any(policy: Policy):
    """UNKNOWN is the strictest of all there are, and so is a name the policy does not have."""
    assert policy.regime_mask("MOON") == policy.regime_mask("UNKNOWN") == 0
    for place in range(len(policy.regimes)):
        assert policy.under(0).free & ~policy.under(1 << place).free == 0
    assert policy.under(0).basis == policy.basis
    assert basis(policy, 0, "analytics.reporting") == "consent"


def test_several_regimes_at_once_are_the_strictest_basis_of_each_purpose():
    """Purpose by purpose, so that the whole may be stricter than any of them."""
    one = Regime("A", ("opt_out", "forbidden", "contract"))
    other = Regime("B", ("consent", "none", "vital_interest"))
    both = strictest([one, other])
    assert both.basis == ("consent", "forbidden", "contract")
    assert (both.free, both.forbidden, both.binding) == (0b100, 0b010, 0)


def test_each_basis_is_on_its_side_of_every_line():
    """Free of grants, beyond objection, forbidden: by the order of strictness alone."""
    every = Regime("A", BASES)
    named = {
        line: {basis for index, basis in enumerate(BASES) if mask >> index & 1}
        for line, mask in {"free": every.free, "forbidden": every.forbidden, "binding": every.binding}.items()
    }
    assert named == {
        "free": set(BASES) - {"consent", "forbidden"},
        "forbidden": {"forbidden"},
        "binding": {"none", "legal_obligation", "vital_interest"},
    }


def test_the_closest_word_about_a_purpose_counts():
    """A leaf's before its node's, whichever stands first; and a regime's before the one it is like."""
    policy = with_regimes(
        regimes={
            "US": {"marketing.ads.third_party": "forbidden", "marketing": "opt_out", "loyalty": "opt_out"},
            "US_CA": {"like": "US", "loyalty": "consent"},
        }
    )
    us, california = policy.regime_mask("US"), policy.regime_mask("US_CA")
    assert basis(policy, us, "marketing.ads.third_party") == "forbidden"
    assert basis(policy, us, "marketing.ads.first_party") == basis(policy, us, "marketing.email") == "opt_out"
    assert (basis(policy, us, "loyalty"), basis(policy, california, "loyalty")) == ("opt_out", "consent")
    assert basis(policy, california, "marketing.ads.third_party") == "forbidden"


def test_a_tenants_tables_count_for_that_tenant_alone():
    """Its changes reach the regimes that are like the one it changes, the first one's included."""
    tables = {
        "tenants": {
            "acme": {"regimes": {"EU_GDPR": {"loyalty": "contract"}, "US_NY": {"like": "US_CA"}}},
            "other": {"regimes": {"US_CA": {"share": "forbidden"}}},
        }
    }
    acme, other, nobody = (with_regimes(tenant, **tables) for tenant in ("acme", "other", "nobody"))
    assert basis(acme, acme.regime_mask("UK_GDPR"), "loyalty") == "contract"
    assert basis(acme, acme.regime_mask("US_NY"), "analytics.reporting") == "opt_out"
    assert basis(other, other.regime_mask("US_CA"), "share.sale") == "forbidden"
    assert basis(other, other.regime_mask("EU_GDPR"), "loyalty") == "consent"
    assert nobody.regimes == compile_policy(SHIPPED).regimes


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"regimes": {"A": {"like": "B"}, "B": {"like": "A"}}}, "A like B like A"),
        ({"regimes": {"A": {"like": "A"}}}, "circle"),
        ({"regimes": {"A": {"like": "B"}}}, "'B', which is no regime"),
        ({"regimes": {"EU_GDPR": {}}}, r"\[purposes\] is the table"),
        ({"regimes": {"UNKNOWN": {}}}, "no name of a regime"),
        ({"regimes": {"eu": {}}}, "no name of a regime"),
        ({"regimes": {"A": {"sweets": "consent"}}}, "unknown purpose 'sweets'"),
        ({"regimes": {"A": {"loyalty": "habit"}}}, "unknown basis 'habit'"),
        ({"regimes": {"A": {"loyalty": "none"}}}, "unknown basis 'none'"),
        ({"regimes": {"A": {"rights": "consent"}}}, "'rights' has the same basis everywhere"),
        ({"regimes": {"A": "consent"}}, "is no table"),
        ({"regimes": "A"}, "is no table"),
        ({"regimes": {f"A{number}": {} for number in range(64)}}, "at most 64"),
        ({"tenants": {"acme": {"purposes": {}}}}, "tenants.acme"),
        ({"tenants": {"acme": {"regimes": {"A": {"like": "B"}}}}}, "'B', which is no regime"),
        ({"tenants": {"acme": {"regimes": {"EU_GDPR": {"like": "US_CA"}}}}}, "is like no other"),
        ({"regime": "UNKNOWN"}, "no name of a regime"),
    ],
)
def test_a_table_with_a_stranger_or_a_circle_in_it_is_no_policy(tables: dict, words: str):
    """The text says which; another tenant's fault is a fault, too."""
    with pytest.raises(PolicyError, match=words):
        with_regimes(**tables)
