"""Who logs in on a phone is asked about from there, and nobody else; and nobody learns the login."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest

from services.key_sets import RENEW_LEAST_MS
from services.login.access_tokens import TTL_S
from services.rights.proofs import PROOF_MAX_S
from tests.conftest import Clock
from tests.e2e.conftest import Shop, quartet_in, suite_in
from tests.services.conftest import reason_of, refused
from tests.services.provider import CLIENT, PROVIDER, LoginProvider, serving
from veilgraph.client import account_id
from veilgraph.consent.v1 import consent_pb2, rights_pb2, rights_pb2_grpc
from veilgraph.identity.v1 import identity_pb2, tokens_pb2, tokens_pb2_grpc
from veilgraph.recommender.v1 import recommender_pb2

SCOPES = '["recommend", "consent.record", "consent.read", "profile.portrait", "identity.resolve"]'
APP = """
[providers.accounts]
issuer = "{issuer}"
jwks = "{address}/jwks.json"
algorithms = ["ES256"]

[callers.phone]
scopes = {scopes}
purposes = ["service", "personalise", "analytics.profiling", "rights", "identity.link"]

[callers.phone.login]
provider = "accounts"
audience = "{client}"
"""


class Phones(Shop):
    """The shop, and the phones of its customers."""

    provider: LoginProvider

    async def exchange(self, login: str, request_id: str = "", **fields: Any) -> Any:
        request = tokens_pb2.ExchangeTokenRequest(
            request_id=request_id or f"exchange-{id(fields):016}", **fields
        )
        stub = tokens_pb2_grpc.TokenServiceStub(self.channels["identity"])
        return await stub.ExchangeToken(request, metadata=bearer(login))

    def rights(self) -> Any:
        return rights_pb2_grpc.RightsServiceStub(self.channels["consent"])

    def login(self, sub: str, **changed: Any) -> str:
        self.provider.now_s = self.clock() // 1000
        return self.provider.token(sub=sub, **changed)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


@pytest.fixture
async def phones(request, tmp_path: Path, clock: Clock) -> AsyncIterator[Phones]:
    log, provider = io.StringIO(), LoginProvider(clock() // 1000)
    with serving(provider) as address:
        more = APP.format(issuer=PROVIDER, address=address, client=CLIENT, scopes=SCOPES)
        async with getattr(request, "param", suite_in)(tmp_path, clock, log, more) as suite:
            phones = Phones(suite, clock, tmp_path, log, "shop")
            phones.provider = provider
            yield phones
            await phones.close()


def state(subject: str) -> consent_pb2.GetStateRequest:
    return consent_pb2.GetStateRequest(subject=subject)


@pytest.mark.parametrize("phones", [suite_in, quartet_in], ids=["one process", "four"], indirect=True)
async def test_a_phone_asks_about_its_own_person_and_nobody_else(phones):
    """Of whatever service; what is not about one person it can not ask at all."""
    jane = await phones.exchange(phones.login("jane"))
    ben = await phones.exchange(phones.login("ben"))
    again = await phones.exchange(phones.login("jane", nonce="another"))
    assert (jane.token_type, jane.expires_in, again.subject == jane.subject) == ("Bearer", TTL_S, True)
    assert ben.subject != jane.subject
    own = bearer(jane.access_token)

    assert (await phones.consent.GetState(state(jane.subject), metadata=own)).consent_epoch
    error = await refused(phones.consent.GetState(state(ben.subject), metadata=own))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.PERMISSION_DENIED, "SUBJECT_NOT_OF_TOKEN")
    about = recommender_pb2.RecommendRequest(
        subject=ben.subject, recipe=recommender_pb2.RECIPE_FOR_YOU, page_size=1
    )
    assert (
        reason_of(await refused(phones.recommender.Recommend(about, metadata=own))) == "SUBJECT_NOT_OF_TOKEN"
    )
    resolve = identity_pb2.ResolveRequest(identifiers=[account_id(f"{PROVIDER}#ben")])
    error = await refused(phones.identity.Resolve(resolve, metadata=own))
    assert reason_of(error) == "METHOD_NOT_FOR_ONE_PERSON"
    unheld = identity_pb2.ExplainRequest(subject=jane.subject, other=jane.subject, for_purpose=6)
    error = await refused(phones.identity.Explain(unheld, metadata=own))
    assert reason_of(error) == "SCOPE_NOT_GRANTED_TO_CALLER"


async def test_what_the_person_says_on_the_phone_holds_for_the_shop_that_knows_the_account(phones):
    """The back end makes the same digest of the account, under another id, and links it as it likes."""
    jane = await phones.exchange(phones.login("jane"))
    request = identity_pb2.ResolveRequest(identifiers=[account_id(f"{PROVIDER}#jane")])
    (found,) = (await phones.identity.Resolve(request, metadata=phones.metadata)).results
    assert not found.created
    assert found.subject != jane.subject
    before = await phones.consent.GetState(state(found.subject), metadata=phones.metadata)
    statement = consent_pb2.Statement(
        subject=jane.subject,
        action=consent_pb2.ACTION_GRANT,
        purposes=["personalise.recommend"],
        collected_via=consent_pb2.COLLECTED_VIA_WEB,
        notice={"id": "privacy", "version": "1"},
    )
    record = consent_pb2.RecordRequest(statements=[statement], request_id="by-phone")
    answer = await phones.consent.Record(record, metadata=bearer(jane.access_token))
    assert not answer.refused
    after = await phones.consent.GetState(state(found.subject), metadata=phones.metadata)
    assert before.SerializeToString() != after.SerializeToString()


async def test_a_login_serves_one_request(phones):
    """Which may come again, because phones lose answers; a stolen login that was used is worth nothing."""
    login = phones.login("jane")
    first = await phones.exchange(login, "a-request-of-jane")
    repeated = await phones.exchange(login, "a-request-of-jane")
    assert (repeated.subject, repeated.scopes) == (first.subject, first.scopes)
    error = await refused(phones.exchange(login, "a-request-of-mallory"))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAUTHENTICATED, "LOGIN_REUSED")
    error = await refused(phones.exchange(login, "a-request-of-jane", scopes=["recommend"]))
    assert reason_of(error) == "LOGIN_REUSED"


async def test_a_login_is_good_for_nothing_but_being_exchanged(phones):
    """No service takes it for a caller's token, and a caller's token is no login."""
    login = phones.login("jane")
    for call in (
        phones.consent.GetState(state("vs_x"), metadata=bearer(login)),
        phones.recommender.GetItem(recommender_pb2.GetItemRequest(item_id="1"), metadata=bearer(login)),
    ):
        assert (await refused(call)).code() is grpc.StatusCode.UNAUTHENTICATED
    resolve = identity_pb2.ResolveRequest(identifiers=[account_id("a")])
    error = await refused(phones.identity.Resolve(resolve, metadata=bearer(login)))
    assert reason_of(error) == "SCOPE_NOT_GRANTED_TO_CALLER"
    token = dict(phones.metadata)["authorization"].removeprefix("Bearer ")
    assert reason_of(await refused(phones.exchange(token))) == "SCOPE_NOT_GRANTED_TO_CALLER"


async def test_a_token_holds_the_scopes_that_were_asked_for(phones):
    """Of those the app has; and no longer than it lives."""
    error = await refused(phones.exchange(phones.login("jane"), scopes=["recommender.train"]))
    assert reason_of(error) == "SCOPE_NOT_GRANTED_TO_CALLER"
    jane = await phones.exchange(phones.login("jane", nonce="2"), scopes=["consent.read"])
    assert list(jane.scopes) == ["consent.read"]
    own = bearer(jane.access_token)
    await phones.consent.GetState(state(jane.subject), metadata=own)
    about = recommender_pb2.RecommendRequest(subject=jane.subject, recipe=recommender_pb2.RECIPE_FOR_YOU)
    error = await refused(phones.recommender.Recommend(about, metadata=own))
    assert reason_of(error) == "SCOPE_NOT_GRANTED_TO_CALLER"
    phones.clock.now_ms += TTL_S * 1000
    error = await refused(phones.consent.GetState(state(jane.subject), metadata=own))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_the_providers_keys_change_in_the_middle_of_traffic(phones):
    """A login under the new key is taken at once, one under the key before no more."""
    old = phones.login("jane")
    phones.provider.rotate("two")
    assert (await phones.exchange(phones.login("jane"))).subject
    assert (await refused(phones.exchange(old))).code() is grpc.StatusCode.UNAUTHENTICATED
    phones.clock.now_ms += RENEW_LEAST_MS
    assert (await refused(phones.exchange(old))).code() is grpc.StatusCode.UNAUTHENTICATED


async def test_nobody_learns_what_the_provider_calls_a_person(phones):
    """Not the stores, not the log, not the token, in clear or as the digest it becomes."""
    sub = "auth0|4711-jane-canary"
    jane = await phones.exchange(phones.login(sub))
    await phones.consent.GetState(state(jane.subject), metadata=bearer(jane.access_token))
    secret = (sub.encode(), account_id(f"{PROVIDER}#{sub}").sha256, b"jane@example.com")
    kept = [path.read_bytes() for path in phones.folder.glob("*.db*")]
    assert len(kept) >= 4
    for one in secret:
        assert not any(one in content for content in kept)
        assert one not in jane.SerializeToString()
    assert "canary" not in phones.log.getvalue()
    assert "vs_" not in phones.log.getvalue()


PROVING = APP + 'proves = "app_login"\n'
RIGHTS = '["recommend", "rights.access", "rights.erase", "rights.restrict"]'


@pytest.fixture
async def owners(tmp_path: Path, clock: Clock) -> AsyncIterator[Phones]:
    """Phones whose logins prove who asks."""
    log, provider = io.StringIO(), LoginProvider(clock() // 1000)
    with serving(provider) as address:
        more = PROVING.format(issuer=PROVIDER, address=address, client=CLIENT, scopes=RIGHTS)
        async with suite_in(tmp_path, clock, log, more) as suite:
            phones = Phones(suite, clock, tmp_path, log, "shop")
            phones.provider = provider
            yield phones
            await phones.close()


async def everything(phones: Phones, subject: str, token: str, request_id: str = "access-0000000001") -> Any:
    request = rights_pb2.AccessRequest(subject=subject, request_id=request_id, format=rights_pb2.FORMAT_JSON)
    return [part async for part in phones.rights().Access(request, metadata=bearer(token))]


async def test_whoever_just_logged_in_needs_no_other_proof_of_who_they_are(owners):
    """The login says when the provider saw them; access and erasure are theirs, by a proof each."""
    jane = await owners.exchange(owners.login("jane", auth_time=owners.clock() // 1000))
    (first, *_) = await everything(owners, jane.subject, jane.access_token)
    (identity,) = first.identities
    assert (identity.subject, identity.verifier, identity.method) == (jane.subject, "accounts", "app_login")
    await everything(owners, jane.subject, jane.access_token, "access-0000000002")
    erase = rights_pb2.EraseRequest(subject=jane.subject, request_id="erase-000000000001")
    erased = await owners.rights().Erase(erase, metadata=bearer(jane.access_token))
    assert erased.identities == 1
    receipt = rights_pb2.GetReceiptRequest(erasure_id=erased.erasure_id)
    assert await owners.rights().GetReceipt(receipt, metadata=bearer(jane.access_token))


async def test_a_login_proves_nothing_of_anybody_else(owners):
    jane = await owners.exchange(owners.login("jane", auth_time=owners.clock() // 1000))
    ben = await owners.exchange(owners.login("ben", auth_time=owners.clock() // 1000))
    error = await refused(everything(owners, ben.subject, jane.access_token))
    assert reason_of(error) == "SUBJECT_NOT_OF_TOKEN"


async def test_a_login_that_does_not_say_when_somebody_was_there_proves_nothing(owners):
    """A token is renewed for hours while a phone lies on a table."""
    for number, auth_time in enumerate((None, "now", True, 1 << 60)):
        who = await owners.exchange(owners.login(f"jane-{number}", auth_time=auth_time))
        assert reason_of(await refused(everything(owners, who.subject, who.access_token))) == "PROOF_MISSING"


async def test_a_login_proves_for_as_long_as_any_proof(owners):
    """Fifteen minutes after the provider saw the person, however new the token is."""
    seen_s = owners.clock() // 1000 - PROOF_MAX_S + 60
    jane = await owners.exchange(owners.login("jane", auth_time=seen_s))
    assert await everything(owners, jane.subject, jane.access_token)
    owners.clock.now_ms += 60_000
    error = await refused(everything(owners, jane.subject, jane.access_token, "access-0000000004"))
    assert reason_of(error) == "PROOF_EXPIRED"


async def test_a_login_is_no_proof_where_the_deployment_does_not_say_so(phones):
    """It is the deployment that knows how people log in at its provider."""
    jane = await phones.exchange(phones.login("jane", auth_time=phones.clock() // 1000))
    claims = jwt.decode(jane.access_token, options={"verify_signature": False})
    assert not {"auth_time", "amr", "provider"} & set(claims)
