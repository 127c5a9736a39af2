"""The policy file, compiled."""

from __future__ import annotations

import pytest

from consent.errors import PolicyError, UnknownPurpose
from consent.policy import UNREFUSABLE, Policy, compile_policy
from tests.consent.statements import SHIPPED


def shipped_with(name: str, **rule: object) -> dict:
    return SHIPPED | {"purposes": SHIPPED["purposes"] | {name: rule}}


def names(policy: Policy, mask: int) -> set[str]:
    return {leaf for index, leaf in enumerate(policy.leaves) if mask >> index & 1}


def test_every_leaf_owns_the_bit_of_its_place_in_the_file(policy: Policy):
    """Masks of leaves are single bits, in the file's order."""
    assert [policy.mask(leaf) for leaf in SHIPPED["purposes"]] == [1 << bit for bit in range(28)]
    assert [policy.index(leaf) for leaf in SHIPPED["purposes"]] == list(range(28))


def test_a_node_stands_for_the_leaves_beneath_it(policy: Policy):
    """At every depth, and never for a name that merely begins alike."""
    assert names(policy, policy.mask("marketing.ads")) == {
        "marketing.ads.first_party",
        "marketing.ads.third_party",
    }
    assert policy.has("identity")
    assert not policy.has("market")
    for name in ("market", "", "marketing."):
        with pytest.raises(UnknownPurpose):
            policy.mask(name)


def test_a_node_is_no_leaf(policy: Policy):
    """Only leaves have a bit position."""
    with pytest.raises(UnknownPurpose):
        policy.index("marketing")


def test_an_older_version_of_the_tree_lacks_what_came_later():
    """And a version this policy does not know yet has all that this policy knows."""
    newer = compile_policy(
        shipped_with("marketing.letter", basis="consent", view="strict", since=2) | {"taxonomy_version": 2}
    )
    letter = newer.mask("marketing.letter")
    assert newer.mask_at("marketing", 1) == newer.mask("marketing") & ~letter
    assert newer.mask_at("marketing", 2) == newer.mask_at("marketing", 3) == newer.mask("marketing")
    assert newer.mask_at("marketing", 0) == 0


def test_views_and_the_viewless_part_the_purposes(policy: Policy):
    """Each purpose is in exactly one."""
    parts = [*policy.view_masks, policy.viewless_mask]
    assert sum(parts) == (1 << len(policy.leaves)) - 1
    assert "personalise.recommend" in names(policy, policy.view_masks[policy.views.index("wide")])
    assert "location_precise" in names(policy, policy.viewless_mask)


def test_the_shipped_bases_are_those_of_the_design(policy: Policy):
    """A new cookie can be resolved and its first answer recorded; all else needs a grant."""
    assert names(policy, policy.bases_mask) == {"service", "security", "rights", "operate"}
    assert names(policy, policy.unrefusable_mask) == set(UNREFUSABLE)
    assert set(policy.consent_nodes) == set(policy.leaves) - {"service", "security", "rights", "operate"}


def test_the_digest_changes_with_the_content_and_not_with_its_spelling(policy: Policy):
    """It names what was in force."""
    assert compile_policy(dict(reversed(list(SHIPPED.items())))).digest == policy.digest
    assert compile_policy(SHIPPED | {"version": 2}).digest != policy.digest


@pytest.mark.parametrize(
    "content",
    [
        SHIPPED | {"extra": 1},
        SHIPPED | {"version": 0},
        SHIPPED | {"taxonomy_version": "1"},
        {key: value for key, value in SHIPPED.items() if key != "regime"},
        SHIPPED | {"minors": {"ADULT": []}},
        SHIPPED | {"minors": {"CHILD": ["sweets"]}},
        SHIPPED | {"minors": {"MINOR": ["rights"]}},
        SHIPPED | {"purposes": {}},
        SHIPPED | {"views": []},
        SHIPPED | {"views": ["a", "b", "c", "d", "strict", "wide"]},
        SHIPPED | {"purposes": {n: r for n, r in SHIPPED["purposes"].items() if n != "rights"}},
        shipped_with("new", basis="consent", view="strict"),
        shipped_with("new", basis="habit", view="strict", since=1),
        shipped_with("new", basis="consent", view="broad", since=1),
        shipped_with("new", basis="consent", view="strict", since=2),
        shipped_with("marketing", basis="consent", view="strict", since=1),
        SHIPPED
        | {
            "purposes": SHIPPED["purposes"]
            | {f"p{n}": {"basis": "consent", "view": "strict", "since": 1} for n in range(37)}
        },
    ],
)
def test_a_file_with_a_gap_or_a_stranger_in_it_is_no_policy(content: dict):
    """Nothing is guessed: it does not compile."""
    with pytest.raises(PolicyError):
        compile_policy(content)


def test_a_child_is_protected_whatever_the_file_says(policy: Policy):
    """From profiling, pricing, advertising and sale; a file can add to it and not take away."""
    bare = compile_policy({key: value for key, value in SHIPPED.items() if key != "minors"})
    assert names(bare, bare.child_mask) == {
        "analytics.profiling",
        "personalise.pricing",
        "marketing.ads.first_party",
        "marketing.ads.third_party",
        "share.sale",
    }
    more = compile_policy(SHIPPED | {"minors": {"CHILD": [], "MINOR": ["loyalty"]}})
    assert more.child_mask == bare.child_mask | more.mask("loyalty")
    assert more.minor_mask == more.mask("loyalty")
    assert policy.minor_mask & ~policy.child_mask == 0


def test_the_retention_of_a_file_is_compiled_with_it():
    """A limit that is none is refused with the whole file."""
    tables = {"events": {"VIEW": 5}}
    assert compile_policy(SHIPPED | {"retention": tables}).retention.events == {"VIEW": 5}
    with pytest.raises(PolicyError, match="retention"):
        compile_policy(SHIPPED | {"retention": {"events": {"VIEW": "long"}}})
