"""Attacks on a whole suite that no other test makes; ``docs/privacy.md`` names them all."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io

import pytest

from identity.keyring import KeyRing
from identity.tokens import IdentifierKind, Tokeniser
from services.deployment.config import load
from tests.e2e.conftest import Shop, suite_in
from tests.e2e.test_consent_everywhere import refusal

STORM = 200
DICTIONARY = [f"person{number}@example.com" for number in range(200)]


async def test_of_a_storm_of_withdrawals_none_is_lost(tmp_path, clock):
    """Each is in effect when it returns, and still after a restart; nobody else loses anything."""
    log = io.StringIO()
    async with suite_in(tmp_path, clock, log) as suite:
        shop = Shop(suite, clock, tmp_path, log, "shop")
        subjects = [one.subject for one in await shop.resolve(*DICTIONARY[: STORM + 1])]
        await asyncio.gather(*(shop.grant(one, "personalise") for one in subjects))
        *withdrawn, kept = subjects

        async def withdraw(subject: str) -> str:
            await shop.withdraw(subject, "personalise")
            return await refusal(shop.portrait(subject))

        said = await asyncio.gather(*(withdraw(one) for one in withdrawn))
        assert set(said) == {"NOT_PERMITTED"}
        await shop.portrait(kept)
        await shop.close()
    async with suite_in(tmp_path, clock, log) as suite:
        shop = Shop(suite, clock, tmp_path, log, "shop")
        said = await asyncio.gather(*(refusal(shop.portrait(one)) for one in withdrawn))
        assert set(said) == {"NOT_PERMITTED"}
        await shop.portrait(kept)
        await shop.close()


def hashes(value: str) -> list[bytes]:
    """What a thief makes of a guess without the keys: every plain digest, in every length that is kept."""
    made = []
    for text in (value.encode(), hashlib.sha256(value.encode()).digest()):
        made += [hashlib.new(name, text).digest() for name in ("sha256", "sha1", "md5", "sha512", "sha3_256")]
        made += [hashlib.blake2b(text, digest_size=size).digest() for size in (16, 32, 64)]
        made += [hmac.digest(key, text, "sha256") for key in (b"", bytes(32), b"demo", b"veilgraph")]
    return made


async def test_a_dictionary_finds_nobody_in_a_stolen_database_without_the_keys(tmp_path, clock):
    """No plain hash of a value and no token of another ring is in a file; tokens of its own ring are."""
    log = io.StringIO()
    async with suite_in(tmp_path, clock, log) as suite:
        shop = Shop(suite, clock, tmp_path, log, "shop")
        (subject, *_) = [one.subject for one in await shop.resolve(*DICTIONARY)]
        await shop.grant(subject)
        await shop.track(shop.event("1", subject, "tea"))
        await shop.close()
    stolen = {path.name: path.read_bytes() for path in tmp_path.glob("*.db*")}
    assert len(stolen) >= 4
    thief = Tokeniser(KeyRing.create(lambda count: bytes(range(count)), 0), "demo")
    ours = Tokeniser(load(tmp_path / "suite.toml").keyring, "demo")
    found = 0
    for value in DICTIONARY:
        digest = hashlib.sha256(value.encode()).digest()
        guesses = [
            value.encode(),
            digest,
            *hashes(value),
            bytes(thief.token(IdentifierKind.EMAIL, digest))[:17],
        ]
        for name, content in stolen.items():
            assert not any(guess[:16] in content for guess in guesses), name
        found += bytes(ours.token(IdentifierKind.EMAIL, digest))[:17] in stolen["identity.db"]
    assert found == len(DICTIONARY)


@pytest.mark.parametrize("withdrawn_first", [True, False])
async def test_a_race_of_a_link_and_a_refusal_ends_with_the_refusal(shop, withdrawn_first):
    """Whichever is asked first: linking to somebody who refuses never gives back what was refused."""
    for number in range(12):
        mine, theirs = [one.subject for one in await shop.resolve(f"{number}mine@a", f"{number}theirs@a")]
        for one in (mine, theirs):
            await shop.grant(one)
        await shop.track(shop.event(f"e{number}", theirs, "tea"))
        race = [shop.withdraw(theirs, "personalise"), shop.link(mine, theirs)]
        await asyncio.gather(*(race if withdrawn_first else reversed(race)))
        for one in (mine, theirs):
            assert await refusal(shop.portrait(one)) == "NOT_PERMITTED"
