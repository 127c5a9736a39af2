"""What links do to what people allow, by example."""

from __future__ import annotations

from consent.component import EdgeFact, EdgeState
from consent.fold import fold
from consent.guard_table import NEVER_MS, GuardEntry
from consent.policy import Policy, compile_policy
from consent.projection import Projection
from consent.record import Action, Age, Said
from identity.ids import SubjectId
from tests.consent.statements import NOW_MS, SHIPPED, edge, said, subject

CARD, EMAIL, COOKIE = subject(1), subject(2), subject(3)
PROVEN, LIKELY = "identity.link.deterministic", "identity.link.probabilistic"
STRICT, WIDE = 0, 1


def entries(
    policy: Policy, words: dict[SubjectId, list[Said]], *edges: EdgeFact, now_ms: int = NOW_MS
) -> dict[SubjectId, GuardEntry]:
    projection = Projection(policy)
    own = {who: fold(policy, statements) for who, statements in words.items()}
    projection.change(now_ms, (CARD, EMAIL, COOKIE), edges, own)
    return projection.entries


def allows(policy: Policy, entry: GuardEntry, purpose: str) -> bool:
    return bool(entry.allow & policy.mask(purpose))


def test_a_newborn_may_be_served_and_nothing_else(policy: Policy):
    """Purposes whose basis is not consent need no record; the others need one."""
    assert entries(policy, {})[CARD] == GuardEntry(policy.bases_mask, 0, NEVER_MS, None)


def test_a_grant_travels_over_proof(policy: Policy):
    """Given at the till, it holds for the e-mail address the card was proven to belong to."""
    words = {CARD: [said(PROVEN), said("loyalty")], EMAIL: [said(PROVEN)]}
    found = entries(policy, words, edge(policy, 1, CARD, EMAIL))
    assert allows(policy, found[EMAIL], "loyalty")
    assert found[EMAIL].members == ((CARD, EMAIL), (CARD, EMAIL))
    assert found[CARD] is found[EMAIL]


def test_a_grant_does_not_travel_over_likelihood(policy: Policy):
    """A likely match joins people in the wide view, but gives neither the other's grants."""
    words = {CARD: [said(LIKELY), said("personalise")], COOKIE: [said(LIKELY)]}
    found = entries(policy, words, edge(policy, 1, CARD, COOKIE, deterministic=False))
    assert found[COOKIE].members == ((COOKIE,), (CARD, COOKIE))
    assert not allows(policy, found[COOKIE], "personalise.recommend")
    assert allows(policy, found[CARD], "personalise.recommend")


def test_a_grant_of_one_alone_links_nobody(policy: Policy):
    """Linking needs its legal basis at both ends."""
    words = {CARD: [said(PROVEN), said("loyalty")]}
    found = entries(policy, words, edge(policy, 1, CARD, EMAIL))
    assert found[CARD].members is None
    assert not allows(policy, found[EMAIL], "loyalty")


def test_a_refusal_travels_over_any_link(policy: Policy):
    """Proven, likely, refusal-only or run out; not over one declared wrong."""
    words = {CARD: [said("loyalty")], COOKIE: [said("loyalty", Action.REFUSE)]}
    for link in (
        edge(policy, 1, CARD, COOKIE),
        edge(policy, 1, CARD, COOKIE, deterministic=False),
        edge(policy, 1, CARD, COOKIE, state=EdgeState.REFUSAL_ONLY),
        edge(policy, 1, CARD, COOKIE, valid_until_ms=NOW_MS),
    ):
        assert not allows(policy, entries(policy, words, link)[CARD], "loyalty")
    wrong = edge(policy, 1, CARD, COOKIE, state=EdgeState.WRONG)
    assert allows(policy, entries(policy, words, wrong)[CARD], "loyalty")


def test_refusing_to_be_linked_does_not_free_from_the_refusals_of_the_linked(policy: Policy):
    """The order of the text: refusals first, over every edge; links after."""
    words = {
        CARD: [said(PROVEN), said("loyalty"), said("share")],
        EMAIL: [said(PROVEN), said("loyalty", Action.REFUSE)],
        COOKIE: [said("identity", Action.REFUSE)],
    }
    found = entries(policy, words, edge(policy, 1, CARD, EMAIL), edge(policy, 2, EMAIL, COOKIE))
    assert found[CARD].members is None
    assert not allows(policy, found[CARD], "loyalty")
    assert allows(policy, found[CARD], "share.sale")
    assert found[CARD].refuse == policy.mask("loyalty") | policy.mask("identity")


def test_a_view_joins_only_over_edges_it_includes(policy: Policy):
    """Behind a likely link the strict view sees nobody, however proven the rest is."""
    words = {who: [said("identity")] for who in (CARD, EMAIL, COOKIE)}
    found = entries(
        policy, words, edge(policy, 1, CARD, EMAIL), edge(policy, 2, EMAIL, COOKIE, deterministic=False)
    )
    assert found[CARD].members == ((CARD, EMAIL), (CARD, EMAIL, COOKIE))
    assert found[COOKIE].members == ((COOKIE,), (CARD, EMAIL, COOKIE))


def test_a_purpose_without_a_view_is_about_the_identifier_alone(policy: Policy):
    """Exact places granted on the phone are not granted on the card."""
    words = {CARD: [said(PROVEN)], EMAIL: [said(PROVEN), said("location_precise")]}
    found = entries(policy, words, edge(policy, 1, CARD, EMAIL))
    assert allows(policy, found[EMAIL], "location_precise")
    assert not allows(policy, found[CARD], "location_precise")


def test_the_entry_ends_with_the_first_grant_or_edge_that_does(policy: Policy):
    """Anybody's in the component; what has run out already ends nothing."""
    link = edge(policy, 1, CARD, EMAIL, valid_until_ms=NOW_MS + 50)
    words = {
        CARD: [said(PROVEN, until_ms=NOW_MS + 30)],
        EMAIL: [said(PROVEN), said("loyalty", until_ms=NOW_MS)],
    }
    assert entries(policy, words, link)[EMAIL].changes_at_ms == NOW_MS + 30
    later = entries(policy, words, link, now_ms=NOW_MS + 30)[EMAIL]
    assert (later.changes_at_ms, later.members) == (NOW_MS + 50, None)


def test_what_nobody_can_refuse_stays_allowed_whatever_the_records_say(policy: Policy):
    """Even if a record about it were there."""
    found = entries(policy, {CARD: [said("rights", Action.REFUSE), said("operate", Action.WITHDRAW)]})
    assert allows(policy, found[CARD], "rights")
    assert allows(policy, found[CARD], "operate")
    assert found[CARD].refuse == 0


def test_members_are_listed_oldest_first(policy: Policy):
    """In the order identity announced them, from whichever end one looks."""
    words = {who: [said(PROVEN)] for who in (CARD, EMAIL, COOKIE)}
    found = entries(policy, words, edge(policy, 1, COOKIE, EMAIL), edge(policy, 2, COOKIE, CARD))
    assert {found[who].members[STRICT] for who in (CARD, EMAIL, COOKIE)} == {(CARD, EMAIL, COOKIE)}


def test_an_objection_beats_every_basis_but_an_obligation_and_a_vital_interest():
    """Anybody's in the component; and the reason says which of the two it was."""
    purposes = {
        name: SHIPPED["purposes"][name] | {"basis": basis}
        for name, basis in (("security", "legal_obligation"), ("loyalty", "vital_interest"))
    }
    policy = compile_policy(SHIPPED | {"purposes": SHIPPED["purposes"] | purposes})
    nodes = ("service", "security", "loyalty", "share")
    for action, reason in ((Action.OBJECT, "OBJECTED"), (Action.RESTRICT, "PROCESSING_RESTRICTED")):
        words = {CARD: [said("share")], EMAIL: [said(node, action) for node in nodes]}
        found = entries(policy, words, edge(policy, 1, CARD, EMAIL))[CARD]
        assert [allows(policy, found, node) for node in nodes] == [False, True, True, False]
        assert found.why is not None
        assert found.why.reason(policy.index("service")) == reason


def test_a_minor_is_protected_on_every_identity(policy: Policy):
    """One of them known for a child's protects all, whatever they grant."""
    words = {CARD: [said("marketing"), said("analytics")], COOKIE: [said("loyalty", age=Age.CHILD)]}
    found = entries(policy, words, edge(policy, 1, CARD, COOKIE, deterministic=False))[CARD]
    assert allows(policy, found, "marketing.email") and allows(policy, found, "analytics.reporting")
    assert not found.allow & policy.child_mask
    assert found.why is not None
    assert found.why.reason(policy.index("analytics.profiling")) == "MINOR_PROTECTED"


def test_an_opt_out_regime_allows_until_somebody_refuses(policy: Policy):
    """The person alone, or linked with others of that regime; one of another or none is stricter."""
    here = said("service", Action.REQUEST, regime="US_CA")
    counted = "analytics.reporting"
    link = edge(policy, 1, CARD, COOKIE, deterministic=False)
    assert allows(policy, entries(policy, {CARD: [here]})[CARD], counted)
    assert allows(policy, entries(policy, {CARD: [here], COOKIE: [here]}, link)[CARD], counted)
    elsewhere = here._replace(regime="EU_GDPR")
    for other in ([], [elsewhere], [here, said(counted, Action.REFUSE, 1)]):
        assert not allows(policy, entries(policy, {CARD: [here], COOKIE: other}, link)[CARD], counted)


def test_what_a_regime_forbids_no_grant_permits():
    """Wherever in the component it holds; and that is the reason."""
    policy = compile_policy(SHIPPED | {"regimes": {"US_CA": {"share.sale": "forbidden"}}})
    sale = policy.index("share.sale")
    there = [said("share", regime="US_CA")]
    found = entries(policy, {CARD: there})[CARD]
    assert not found.allow >> sale & 1
    assert found.why is not None and found.why.reason(sale) == "REGIME_FORBIDS"
    assert not entries(policy, {CARD: [said("share")]})[CARD].allow >> sale & 1  # regime not known
    here = [said("share", regime="EU_GDPR")]
    assert entries(policy, {CARD: here})[CARD].allow >> sale & 1
    linked = entries(policy, {CARD: here, EMAIL: there}, edge(policy, 1, CARD, EMAIL))
    assert not linked[CARD].allow >> sale & 1


def test_equal_reasons_are_one_object(policy: Policy):
    """A million who refused the same cost one reason."""
    words = {
        who: [said("share", Action.REFUSE), said("loyalty", until_ms=NOW_MS + n)]
        for n, who in enumerate((CARD, EMAIL), 1)
    }
    found = entries(policy, words)
    assert found[CARD] is not found[EMAIL]
    assert found[CARD].why is found[EMAIL].why is not None
