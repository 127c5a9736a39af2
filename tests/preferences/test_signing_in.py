"""Signing in: who comes back from the provider as they went is let in, and nobody else."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from services.preferences.session import ATTEMPT_S, VISIT_S
from tests.preferences.browsing import Browser, query
from tests.preferences.conftest import World
from tests.preferences.fake_provider import ISSUER

ANNA = "anna@shop.example"


async def refused(world: World, browser: Browser, back: dict[str, str]) -> bool:
    answer = await world.returned(browser, back)
    return answer.status != 200 and "__Host-visit" not in browser.cookies


async def test_whoever_signs_in_is_there_until_they_sign_out(world: World):
    """And then not, nor is a copy of their cookie."""
    browser = await world.signed_in()
    kept = dict(browser.cookies)
    page = await browser.get("/")
    assert page.said().startswith("Overview")
    await browser.send(page.form("/sign-out"))
    assert (await browser.get("/known")).status == 403
    browser.cookies = kept
    assert (await browser.get("/known")).status == 403


async def test_what_is_asked_of_the_provider_proves_who_asked(world: World):
    """A state, a nonce and a challenge of its own each time; the challenge hides its verifier (RFC 7636)."""
    seen = [query(await world.begun(Browser(world.app))) for _ in range(3)]
    for name in ("state", "nonce", "code_challenge"):
        assert len({one[name] for one in seen}) == 3
    assert {one["code_challenge_method"] for one in seen} == {"S256"}
    assert {one["response_type"] for one in seen} == {"code"}
    assert all(len(one["state"]) >= 43 for one in seen)


async def test_another_state_is_refused(world: World):
    browser = Browser(world.app)
    back = world.provider.comes_back(await world.begun(browser), ANNA)
    assert await refused(world, browser, back | {"state": back["state"][:-1] + "-"})


async def test_an_answer_to_somebody_elses_attempt_is_refused(world: World):
    """What an attacker began in their browser signs nobody in elsewhere (login CSRF)."""
    mallory, victim = Browser(world.app), Browser(world.app)
    back = world.provider.comes_back(await world.begun(mallory), "mallory@shop.example")
    await world.begun(victim)
    assert await refused(world, victim, back)
    assert await refused(world, Browser(world.app), back)


async def test_an_answer_serves_once(world: World):
    """Not again in the same browser, and not with a copy of its cookie."""
    browser = Browser(world.app)
    back = world.provider.comes_back(await world.begun(browser), ANNA)
    kept = dict(browser.cookies)
    assert not await refused(world, browser, back)
    browser.cookies = kept
    assert await refused(world, browser, back)


async def test_an_attempt_does_not_wait_for_ever(world: World):
    browser = Browser(world.app)
    back = world.provider.comes_back(await world.begun(browser), ANNA)
    world.clock.now_ms += ATTEMPT_S * 1000
    assert await refused(world, browser, back)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody-else"},
        {"aud": ["page", "other"], "azp": "other"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1_600_000_000},
        {"iat": 1_900_000_000},
        {"auth_time": 1_600_000_000},
        {"auth_time": 1_900_000_000},
        {"auth_time": None},
        {"auth_time": "1700000000"},
        {"exp": True},
        {"sub": None},
    ],
    ids=str,
)
async def test_a_token_that_says_anything_else_is_refused(world: World, claims: dict[str, object]):
    browser = Browser(world.app)
    back = world.provider.comes_back(await world.begun(browser), ANNA, **claims)
    assert await refused(world, browser, back)
    assert not world.suite.calls("identity.Resolve")


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email": None}, {"email_verified": "true"}])
async def test_an_address_the_provider_has_not_checked_names_nobody(world: World, claims: dict[str, object]):
    """Else whoever writes somebody's address into a form at the provider is them."""
    browser = Browser(world.app)
    back = world.provider.comes_back(await world.begun(browser), ANNA, **claims)
    assert await refused(world, browser, back)
    assert not world.suite.calls("identity.Resolve")


async def test_a_token_of_another_key_is_refused(world: World):
    """Under a known key's name, and under one that is not published."""
    for signing in ("one", "unpublished"):
        browser = Browser(world.app)
        back = world.provider.comes_back(await world.begun(browser), ANNA)
        genuine = dict(world.provider.keys)
        published = world.provider._public
        world.provider.keys[signing] = ec.generate_private_key(ec.SECP256R1())
        world.provider.signing = signing
        keys = {"keys": [published("one")]} if signing == "unpublished" else None
        world.provider._public = lambda kid, was=genuine["one"]: _public_of(was, kid)  # type: ignore[method-assign]
        assert await refused(world, browser, back), keys
        world.provider.keys, world.provider.signing = genuine, "one"
        world.provider._public = published  # type: ignore[method-assign]


def _public_of(key: ec.EllipticCurvePrivateKey, kid: str) -> dict[str, str]:
    from services.deployment.issuer import public_jwk

    return public_jwk(key.public_key()) | {"kid": "one" if kid == "one" else "none"}


async def test_an_unsigned_token_and_one_signed_with_the_password_are_refused(world: World):
    """The algorithm is the published key's."""
    import jwt

    from tests.preferences.fake_provider import CLIENT_ID, SECRET

    for key, algorithm in (("", "none"), (SECRET.ljust(32, "x"), "HS256")):
        browser = Browser(world.app)
        back = world.provider.comes_back(await world.begun(browser), ANNA)
        world.provider.signed = (  # type: ignore[method-assign]
            lambda claims, key=key, algorithm=algorithm: jwt.encode(
                dict(claims) | {"aud": CLIENT_ID}, key, algorithm=algorithm, headers={"kid": "one"}
            )
        )
        assert await refused(world, browser, back)


async def test_a_new_key_of_the_provider_is_fetched_once_a_minute_at_most(world: World):
    """A rotation in mid-traffic is followed; names of keys that are not there make no storm."""
    await world.signed_in()
    world.provider.keys["two"] = ec.generate_private_key(ec.SECP256R1())
    world.provider.signing = "two"
    browser = Browser(world.app)
    assert await refused(world, browser, world.provider.comes_back(await world.begun(browser), ANNA))
    world.clock.now_ms += 61_000
    await world.signed_in()
    assert world.provider.asked.count(f"{ISSUER}/keys") == 2


async def test_a_provider_that_is_away_or_names_others_signs_nobody_in(world: World):
    world.provider.is_up = False
    assert (await Browser(world.app).get("/sign-in", follow=False)).status == 502
    world.provider.is_up = True
    world.provider.metadata["token_endpoint"] = "http://login.shop.example/token"
    assert (await Browser(world.app).get("/sign-in", follow=False)).status == 502
    world.provider.metadata |= {"token_endpoint": f"{ISSUER}/token", "issuer": "https://elsewhere.example"}
    assert (await Browser(world.app).get("/sign-in", follow=False)).status == 502
    world.provider.metadata["issuer"] = ISSUER
    await world.signed_in()


async def test_a_visit_ends_before_the_proofs_of_its_sign_in_do(world: World):
    """By the provider's time, so a person it saw a while ago has less."""
    browser = Browser(world.app)
    seen_s = world.provider.now_s - 200
    await world.returned(
        browser, world.provider.comes_back(await world.begun(browser), ANNA, auth_time=seen_s)
    )
    world.clock.now_ms = (seen_s + VISIT_S) * 1000 - 1
    assert (await browser.get("/known")).status == 200
    world.clock.now_ms += 1
    assert (await browser.get("/known")).status == 403
    assert VISIT_S < 900


async def test_a_changed_cookie_and_one_for_another_use_open_nothing(world: World):
    browser = await world.signed_in()
    genuine = browser.cookies["__Host-visit"]
    await world.begun(browser)
    for forged in (
        genuine[:-2] + "AA",
        genuine[2:],
        "",
        "é" * 9,
        "A" * 5000,
        browser.cookies["__Host-attempt"],
    ):
        browser.cookies["__Host-visit"] = forged
        assert (await browser.get("/known")).status == 403
    browser.cookies["__Host-visit"] = genuine
    assert (await browser.get("/known")).status == 200


async def test_neither_cookie_nor_log_nor_address_says_who_was_there(world: World):
    """Not the address, not the subject id, not the query that came back."""
    browser = await world.signed_in()
    for path in ("/", "/known?page=2", "/told", "/choices", "/why", "/erase", f"/nowhere/{ANNA}?x={ANNA}"):
        await browser.get(path)
    await browser.post("/choices", {"token": ANNA})
    traces = world.log.getvalue() + "".join(browser.cookies.values())
    assert "vs_of_somebody" not in traces and "anna" not in traces and "state" not in traces
    assert '"page": "/known"' in world.log.getvalue() and '"page": "unknown"' in world.log.getvalue()
