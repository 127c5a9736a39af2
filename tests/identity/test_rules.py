"""The rules file: what counts as evidence, and what is no identifier."""

import copy
import hashlib
from dataclasses import replace

import pytest

from identity.errors import RulesError
from identity.keyring import KeyRing
from identity.ledger import Evidence
from identity.rotation import activate, begin
from identity.rules import blocked_tokens, compile_rules
from identity.tokens import IdentifierKind, Tokeniser
from services.interceptors.declared import purpose_of
from tests.identity.rulebook import variant
from tests.identity.test_keyring import counting
from veilgraph.client import identifiers
from veilgraph.identity.v1 import identity_pb2

NORMALISE = {
    IdentifierKind.EMAIL: identifiers.email,
    IdentifierKind.PHONE: identifiers.phone,
    IdentifierKind.LOYALTY_CARD: identifiers.loyalty_card,
    IdentifierKind.ACCOUNT_ID: identifiers.account_id,
    IdentifierKind.DEVICE_ID: identifiers.device_id,
    IdentifierKind.COOKIE: identifiers.cookie,
    IdentifierKind.CRM_ID: identifiers.crm_id,
    IdentifierKind.ORDER_REF: identifiers.order_ref,
    IdentifierKind.MESSENGER: identifiers.messenger,
}


def test_both_ends_are_attested_by_a_registered_verifier_that_saw_a_login_and_by_nothing_else(rules):
    registered = replace(rules, attesters={"idp": frozenset()})
    told = {
        (evidence, source): registered.attester(evidence, source)
        for evidence in Evidence
        for source in ("idp", "web")
    }
    assert {key for key, name in told.items() if name} == {(Evidence.LOGIN, "idp")}
    assert told[Evidence.LOGIN, "idp"] == "idp"
    assert not rules.attester(Evidence.LOGIN, "idp")


def test_a_registered_verifier_is_spoken_for_by_its_callers_and_any_other_source_by_everybody(rules):
    registered = replace(rules, attesters={"idp": frozenset({"desk"})})
    assert registered.may_speak("desk", "idp")
    assert not registered.may_speak("shop", "idp")
    assert registered.may_speak("shop", "web")


def test_a_source_with_callers_of_its_own_is_spoken_for_by_no_other():
    """Else anybody's word would pass for it. A registered verifier's callers are the deployment's."""
    crm = {"status": "active", "evidence": ["login"], "callers": ["crm-gateway"]}
    rules = variant(sources={"named": {"crm": crm, "idp": crm, "shut": crm | {"callers": []}}})
    assert rules.may_speak("crm-gateway", "crm")
    assert not rules.may_speak("shop", "crm")
    assert not rules.may_speak("crm-gateway", "shut")
    registered = replace(rules, attesters={"idp": frozenset({"desk"})})
    assert (registered.may_speak("desk", "idp"), registered.may_speak("crm-gateway", "idp")) == (True, False)


def test_rules_and_contract_agree_on_evidence_and_on_the_purpose_each_is_linked_under(rules):
    contract = {
        value.name: (value.number, purpose_of(value))
        for value in identity_pb2.Evidence.DESCRIPTOR.values
        if value.number
    }
    assert contract == {
        f"EVIDENCE_{evidence.name}": (evidence.value, rules.link_purpose(evidence)) for evidence in Evidence
    }


def test_rules_and_policy_name_the_same_views(rules, policy):
    assert rules.views == policy.views


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda c: c.pop("blocked"), "blocked"),
        (lambda c: c.pop("version"), "version"),
        (lambda c: c.update(version=0), "version"),
        (lambda c: c.update(other=1), "other"),
        (lambda c: c.update(views=[]), "views"),
        (lambda c: c.update(views=["strict", "strict"]), "views"),
        (lambda c: c.update(views=["a", "b", "c", "d", "e"]), "views"),
        (lambda c: c.update(views="strict"), "views"),
        (lambda c: c.update(members_max=0), "members_max"),
        (lambda c: c.update(members_max=True), "members_max"),
        (lambda c: c.update(weak_below_permille=1001), "weak_below_permille"),
        (lambda c: c.update(anchored_parts_max=0), "anchored_parts_max"),
        (lambda c: c["evidence"].pop("login"), "evidence.login"),
        (lambda c: c["evidence"].update(hearsay={}), "evidence.hearsay"),
        (lambda c: c["evidence"]["login"].update(views=["widest"]), "evidence.login.views"),
        (lambda c: c["evidence"]["login"].pop("deterministic"), "evidence.login.deterministic"),
        (lambda c: c["evidence"]["login"].update(deterministic="yes"), "evidence.login.deterministic"),
        (lambda c: c["evidence"]["login"].pop("both_ends"), "evidence.login.both_ends"),
        (lambda c: c["evidence"]["similarity"].update(both_ends=True), "evidence.similarity.both_ends"),
        (
            lambda c: c["evidence"]["similarity"].update(deterministic=True),
            "evidence.similarity.deterministic",
        ),
        (lambda c: c["evidence"]["login"].update(expires_after_days=-1), "evidence.login.expires_after_days"),
        (
            lambda c: c["evidence"]["similarity"].update(confidence_min_permille={"strict": 5}),
            "evidence.similarity.confidence_min_permille.strict",
        ),
        (
            lambda c: c["evidence"]["login"].update(confidence_min_permille={"strict": 1001}),
            "evidence.login.confidence_min_permille.strict",
        ),
        (lambda c: c["kinds"].pop("email"), "kinds.email"),
        (lambda c: c["kinds"].update(fax={}), "kinds.fax"),
        (lambda c: c["kinds"]["email"].update(strength="strong"), "kinds.email.strength"),
        (lambda c: c["kinds"]["email"].update(per_person_max=0), "kinds.email.per_person_max"),
        (lambda c: c["kinds"]["email"].update(per_person="x"), "kinds.email.per_person"),
        (lambda c: c["kinds"]["email"].update(shared_above={"fax": 1}), "kinds.email.shared_above.fax"),
        (
            lambda c: c["kinds"]["email"].update(shared_above={"cookie": 0}),
            "kinds.email.shared_above.cookie",
        ),
        (lambda c: c.pop("sources"), "sources"),
        (lambda c: c["sources"].update(unknown="perhaps"), "sources.unknown"),
        (lambda c: c["sources"].update(trust_permille=1001), "sources.trust_permille"),
        (
            lambda c: c["sources"].update(named={"till": {"status": "gone", "evidence": []}}),
            "sources.named.till.status",
        ),
        (
            lambda c: c["sources"].update(named={"till": {"status": "active", "evidence": ["hearsay"]}}),
            "sources.named.till.evidence",
        ),
        (lambda c: c["blocked"].pop("email"), "blocked.email"),
        (lambda c: c["blocked"].update(fax=[]), "blocked.fax"),
        (lambda c: c["blocked"]["email"].append(5), "blocked.email"),
    ],
)
def test_a_rules_file_that_leaves_something_open_is_refused_and_told_where(rules_file, change, where):
    content = copy.deepcopy(rules_file)
    change(content)
    with pytest.raises(RulesError) as refused:
        compile_rules(content)
    assert refused.value.field == f"rules.{where}"
    assert str(refused.value).startswith(f"{where}: ")


def test_two_files_that_say_the_same_have_one_digest(rules_file):
    again = dict(reversed(copy.deepcopy(rules_file).items()))
    assert compile_rules(again).digest == compile_rules(rules_file).digest
    assert compile_rules(again | {"version": 2}).digest != compile_rules(rules_file).digest


def test_a_source_counts_as_the_file_names_it_and_else_as_the_others(rules):
    named = variant(
        sources={"unknown": "refuse", "named": {"old": {"status": "retired", "evidence": ["login"]}}}
    )
    assert rules.source("anybody").counts(Evidence.LOGIN)
    assert not named.source("anybody").known
    assert (named.source("old").known, named.source("old").counts(Evidence.LOGIN)) == (True, False)


def test_a_registered_verifier_is_a_source_that_no_file_needs_to_name():
    strict = replace(variant(sources={"unknown": "refuse"}), attesters={"idp": frozenset()})
    assert strict.source("idp").counts(Evidence.LOGIN)


@pytest.mark.parametrize("kind", list(IdentifierKind))
def test_every_kind_blocks_empty_zeros_and_its_own_junk(rules, kind):
    tokeniser = Tokeniser(KeyRing.create(counting(), 0), "acme")
    blocked = blocked_tokens(rules, tokeniser)
    for junk in ("", "0000", "null", "unknown"):
        assert tokeniser.token(kind, hashlib.sha256(junk.encode()).digest()) in blocked
    assert tokeniser.token(kind, bytes(32)) in blocked
    assert tokeniser.token(kind, hashlib.sha256(b"ada@shop.example").digest()) not in blocked


@pytest.mark.parametrize("kind", list(IdentifierKind))
def test_a_blocked_value_is_blocked_in_the_form_the_client_gives_it(rules, kind):
    """Normalising a listed value leads to nothing that is not listed."""
    listed = {hashlib.sha256(value.encode()).digest() for one, value in rules.blocked if one is kind}
    for value in (value for one, value in rules.blocked if one is kind):
        try:
            digest = NORMALISE[kind](value).sha256
        except ValueError:
            continue  # the client does not even hash it; another one might
        assert digest in listed, value


def test_what_one_tenant_blocks_is_no_token_of_another(rules):
    ring = KeyRing.create(counting(), 0)
    assert not blocked_tokens(rules, Tokeniser(ring, "acme")) & blocked_tokens(rules, Tokeniser(ring, "apex"))


def test_a_blocked_value_is_blocked_under_every_key_that_opens(rules):
    """A call that was tokenised before a rotation is answered after it."""
    ring = KeyRing.create(counting(), 0)
    rotated = activate(begin(ring, "identifier", b"r" * 32, 0), "identifier")
    old, new = (blocked_tokens(rules, Tokeniser(one, "acme")) for one in (ring, rotated))
    assert old < new
    assert len(new) == 2 * len(old)
