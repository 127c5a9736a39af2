"""Keys are those the issuer has now: new ones are found, old ones go, and nobody has them fetched at will."""

from __future__ import annotations

import asyncio
import json

import pytest

from services.interceptors.call import NotYet
from services.key_sets import RENEW_LEAST_MS, KeySet, fixed, is_address, usable
from tests.services.provider import LoginProvider, serving

DAY_MS = 24 * 3_600_000


class Source:
    """Gives the provider's keys, or fails; counts how often it was asked."""

    def __init__(self, provider: LoginProvider) -> None:
        self.provider, self.asked, self.down = provider, 0, False

    async def __call__(self):
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            raise ConnectionRefusedError
        return self.provider.jwks


@pytest.fixture
def source(clock) -> Source:
    return Source(LoginProvider(clock() // 1000))


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def keys(source, clock, lines) -> KeySet:
    return KeySet("a test", source.provider.jwks, "jwks.json", clock_ms=clock, log=lines.append, fetch=source)


async def found(keys: KeySet, kid: str) -> bool:
    """Whether a call with a token under a key id is let on, waiting for what it has to wait for."""
    try:
        keys.key(kid)
    except KeyError:
        return False
    except NotYet as not_yet:
        await not_yet.first()
        try:
            keys.key(kid)
        except KeyError:
            return False
    return True


async def test_an_unknown_key_is_fetched_and_the_one_before_is_gone(keys, source):
    """In the middle of traffic, by the first call that shows a token under it."""
    source.provider.rotate("two")
    assert await found(keys, "one")
    assert await found(keys, "two")
    assert not await found(keys, "one")
    assert keys.generation == 1


async def test_strangers_can_not_have_keys_fetched_at_will(keys, source, clock):
    """However many key ids they make up; and a fetch that is under way serves everybody."""
    assert not any(await asyncio.gather(*(found(keys, f"made-up-{n}") for n in range(50))))
    assert source.asked == 1
    clock.now_ms += RENEW_LEAST_MS - 1
    assert not await found(keys, "another")
    assert source.asked == 1
    clock.now_ms += 1
    assert not await found(keys, "another")
    assert source.asked == 2


async def test_a_key_that_was_revoked_goes_without_anybody_asking(keys, source, clock):
    """By the look that is due; what has not changed is the same generation."""
    await keys.look()
    assert (source.asked, keys.generation) == (1, 0)
    source.provider.rotate("two")
    await keys.look()
    assert source.asked == 1
    clock.now_ms += RENEW_LEAST_MS
    await keys.look()
    assert (source.asked, keys.generation) == (2, 1)
    assert not await found(keys, "one")


async def test_what_nobody_vouches_for_any_more_verifies_nothing(keys, source, clock, lines):
    """An issuer that is away for a day may have revoked everything; until then its keys hold."""
    source.down = True
    clock.now_ms += DAY_MS
    await keys.look()
    assert await found(keys, "one")
    clock.now_ms += 1
    await keys.look()
    assert not await found(keys, "one")
    assert lines[0] == "the keys of a test can not be had: ConnectionRefusedError\n"
    source.down = False
    clock.now_ms += RENEW_LEAST_MS
    assert await found(keys, "one")


async def test_an_address_and_a_file_are_read_as_they_are_now(tmp_path, clock, lines):
    """Over HTTP from this machine in a test, over HTTPS from everywhere else."""
    provider = LoginProvider(clock() // 1000)
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(provider.jwks))
    with serving(provider) as address:
        places = [f"{address}/jwks.json", str(path)]
        sets = [KeySet("a test", {}, place, clock_ms=clock, log=lines.append) for place in places]
        assert all([await found(one, "one") for one in sets])
        elsewhere = KeySet("a test", {}, f"{address}/elsewhere", clock_ms=clock, log=lines.append)
        assert not await found(elsewhere, "one")  # a redirect is followed nowhere
    path.write_text("[" * 100_000)
    clock.now_ms += RENEW_LEAST_MS
    await sets[1].renew()
    assert await found(sets[1], "one")
    assert lines == [
        "the keys of a test can not be had: HTTPError\n",
        "the keys of a test can not be had: ValueError\n",
    ]


@pytest.mark.parametrize("place", ["http://accounts.test/jwks", "https://a:b@x/jwks", "https://x/j?key=1"])
def test_keys_are_not_fetched_in_the_clear_nor_with_a_secret(place):
    """Whoever could answer in the issuer's place could sign in it, too."""
    with pytest.raises(ValueError, match=r"https|secret"):
        is_address(place)
    assert is_address("https://accounts.test/jwks")
    assert not is_address("keys/jwks.json")


def test_only_keys_that_can_verify_are_taken(clock):
    """A shared secret, a key for encryption and one without an id verify nothing; the rest does."""
    good = LoginProvider(clock() // 1000).jwks["keys"][0]
    secret = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "s", "alg": "HS256"}
    nameless = {name: value for name, value in good.items() if name != "kid"}
    jwks = {"keys": [secret, {**good, "kid": "e", "use": "enc"}, nameless, good]}
    assert set(usable(jwks)) == {"one"}
    assert usable(jwks, {"RS256"}) == {}
    for wrong in ({}, {"keys": 1}, {"keys": [1]}, []):
        with pytest.raises(ValueError, match="not a set"):
            usable(wrong)
    with pytest.raises(KeyError):
        fixed(jwks).key(["one"])
