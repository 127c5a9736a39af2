"""A token that speaks for one person names nobody else, in whatever kind of call, and finds nobody."""

from __future__ import annotations

import itertools

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.contract import public_services
from services.errors import Unauthenticated
from services.interceptors.authentication import verifier
from services.interceptors.call import Caller
from services.interceptors.plan import compile_service
from services.key_sets import fixed
from services.login.access_tokens import ISSUER as PEOPLE
from services.login.access_tokens import TTL_S, AccessTokens, accepting_people, jwks
from services.service_tokens import SKEW_S
from services.signing import Signed, signer
from tests.conftest import AUDIENCE, ISSUER, set_state
from tests.probe.v1 import probe_pb2
from tests.services.conftest import ANNA, BEN, RECOMMEND, reason_of, refused, stream_refused
from veilgraph.privacy.v1 import privacy_pb2

PHONE = Caller("phone", "acme", frozenset({"recommend", "consent.read"}), 1, app=True)


@pytest.fixture
def own(suite, monkeypatch):
    """The shop's token speaks for Anna alone: its verified credentials say so."""
    for who in (ANNA, BEN):
        set_state(suite.guard, who, RECOMMEND)
    (authentication,) = [layer for layer in suite.server.chain.layers if layer.name == "authentication"]
    begin = authentication.begin

    def bound(call):
        begin(call)
        call.own = suite.pairwise().seal(ANNA)

    entered = suite.server.chain._entered
    entered[entered.index(authentication)] = type(authentication)("authentication", begin=bound)
    return suite


def elements(suite, *people):
    seal = suite.pairwise().seal
    return [{"subject": seal(who), "purpose": privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND} for who in people]


async def test_of_oneself_everything_can_be_asked(own):
    """As by any other token of the app, and as a guest."""
    metadata, seal = own.auth(), own.pairwise().seal
    assert (await own.stub.Ask(own.ask(ANNA), metadata=metadata)).subject
    assert (await own.stub.Degrade(probe_pb2.DegradeRequest(subject=seal(ANNA)), metadata=metadata)).parts
    assert [answer async for answer in own.stub.Watch(own.ask(ANNA), metadata=metadata)]
    assert [answer async for answer in own.stub.Chat(iter([own.ask(ANNA)]), metadata=metadata)]
    answer = await own.stub.Batch(
        probe_pb2.BatchRequest(elements=elements(own, ANNA, ANNA)), metadata=metadata
    )
    assert len(answer.subjects) == 2


@pytest.mark.parametrize("rpc", ["Ask", "Degrade", "Watch", "Gather", "Chat", "Batch"])
async def test_another_person_is_refused_and_the_handler_never_runs(own, rpc):
    """Even one whom the app knows and who permits it; one such element refuses the whole batch."""
    metadata, seal, message = own.auth(), own.pairwise().seal, own.ask(BEN)
    if rpc == "Ask":
        error = await refused(own.stub.Ask(message, metadata=metadata))
    elif rpc == "Degrade":
        error = await refused(
            own.stub.Degrade(probe_pb2.DegradeRequest(subject=seal(BEN)), metadata=metadata)
        )
    elif rpc == "Watch":
        error = await stream_refused(own.stub.Watch(message, metadata=metadata))
    elif rpc == "Gather":
        answer = await own.stub.Gather(iter([own.ask(ANNA), message]), metadata=metadata)
        assert answer.reason == "ok,SUBJECT_NOT_OF_TOKEN"
        return
    elif rpc == "Chat":
        answers = [answer.reason async for answer in own.stub.Chat(iter([message]), metadata=metadata)]
        assert answers == ["SUBJECT_NOT_OF_TOKEN"]
        return
    else:
        request = probe_pb2.BatchRequest(elements=elements(own, ANNA, BEN))
        error = await refused(own.stub.Batch(request, metadata=metadata))
    assert (error.code().name, reason_of(error)) == ("PERMISSION_DENIED", "SUBJECT_NOT_OF_TOKEN")
    assert not own.probe.calls


async def test_an_id_that_is_none_tells_nothing_more(own):
    """Nobody can try out ids with a token of one's own."""
    request = own.ask(ANNA, subject=own.pairwise("partner").seal(ANNA))
    assert reason_of(await refused(own.stub.Ask(request, metadata=own.auth()))) == "SUBJECT_REF_MALFORMED"


def test_a_method_that_finds_people_is_not_for_one_person(policy):
    """Those whose requests name no subject, and which take identifiers or tell about somebody."""
    plans = [plan for one in public_services().values() for plan in compile_service(one, policy).values()]
    finding = {plan.name.rsplit("/", 1)[1] for plan in plans if plan.finds_people}
    assert finding == {"Resolve", "Watch", "PreviewRules", "ExchangeToken", "Due", "ListAudience"}


@pytest.fixture
def tokens(keyring) -> AccessTokens:
    ids = itertools.count()
    return AccessTokens(signer(keyring, Signed.ACCESS_TOKEN), "acme", lambda: str(next(ids)))


@pytest.fixture
def verify(policy, keyring, issuer, clock):
    callers = {"phone": PHONE, "shop": Caller("shop", "acme", frozenset({"recommend"}), 1)}
    ordinary = verifier(fixed(issuer.jwks), ISSUER, AUDIENCE, callers, policy)
    return accepting_people(ordinary, keyring, callers, "acme", clock)


def test_a_token_says_which_app_which_person_and_what_it_may_do(verify, tokens, clock):
    """What the allow-list does not grant any more, the token does not grant either."""
    found = verify(tokens.mint("phone", "vs_anna", {"recommend", "identity.resolve"}, clock() // 1000))
    assert (found.caller.id, found.caller.scopes, found.own) == ("phone", {"recommend"}, "vs_anna")
    assert found.expire_ms == clock() + TTL_S * 1000


def test_an_app_is_nobody_without_the_login_of_a_user(verify, issuer):
    """A token of the callers' issuer in its name would speak for everybody."""
    verify(issuer.token("shop"))
    with pytest.raises(Unauthenticated):
        verify(issuer.token("phone"))


@pytest.mark.parametrize(
    "changed",
    [
        {"azp": "shop"},
        {"azp": "nobody"},
        {"sub": ""},
        {"sub": None},
        {"aud": "globex"},
        {"iss": ISSUER},
        {"exp": 4_000_000_000},
        {"scope": ["recommend"]},
        {"jti": None},
        {"iat": 4_000_000_000, "exp": 4_000_000_100},
    ],
    ids=str,
)
def test_what_the_suite_would_not_have_signed_is_refused(verify, tokens, keyring, clock, changed):
    """Even under its own key."""
    token = tokens.mint("phone", "vs_anna", {"recommend"}, clock() // 1000)
    said = {**jwt.decode(token, options={"verify_signature": False}), **changed}
    said = {name: value for name, value in said.items() if value is not None}
    key = signer(keyring, Signed.ACCESS_TOKEN).private_key
    headers = {"kid": jwt.get_unverified_header(token)["kid"], "typ": "at+jwt"}
    with pytest.raises(Unauthenticated):
        verify(jwt.encode(said, key, algorithm="EdDSA", headers=headers))


def test_a_signature_of_anything_else_is_none(verify, tokens, keyring, clock):
    """Of a service's token key, of another deployment's, or under another algorithm."""
    token = tokens.mint("phone", "vs_anna", {"recommend"}, clock() // 1000)
    said = jwt.decode(token, options={"verify_signature": False})
    headers = {"kid": jwt.get_unverified_header(token)["kid"]}
    for key in (signer(keyring, Signed.SERVICE_TOKEN).private_key, Ed25519PrivateKey.generate()):
        with pytest.raises(Unauthenticated):
            verify(jwt.encode(said, key, algorithm="EdDSA", headers=headers))
    with pytest.raises(Unauthenticated):
        verify(jwt.encode(said, jwks(keyring)["keys"][0]["x"], algorithm="HS256", headers=headers))
    with pytest.raises(Unauthenticated):
        verify(jwt.encode(said, None, algorithm="none", headers=headers))


def test_a_token_lives_for_a_quarter_of_an_hour(verify, tokens, clock):
    """By the process's clock."""
    token = tokens.mint("phone", "vs_anna", {"recommend"}, clock() // 1000)
    clock.now_ms += TTL_S * 1000 - 1000
    verify(token)
    clock.now_ms += 1000
    with pytest.raises(Unauthenticated):
        verify(token)
    with pytest.raises(Unauthenticated):
        verify(tokens.mint("phone", "vs_anna", (), clock() // 1000 + SKEW_S + 1))


def test_the_published_keys_verify_what_the_suite_signs(tokens, keyring, clock):
    """For a gateway; what is published signs nothing."""
    token = tokens.mint("phone", "vs_anna", {"recommend"}, clock() // 1000)
    (entry,) = jwks(keyring)["keys"]
    assert "d" not in entry
    key = jwt.PyJWK(entry)
    options = {"verify_exp": False, "verify_iat": False}
    assert jwt.decode(token, key, ["EdDSA"], options, audience="acme", issuer=PEOPLE)["sub"] == "vs_anna"
