"""The development issuer's tokens verify as a real provider's do, and its key stays its owner's."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from services.deployment.issuer import (
    ALGORITHM,
    AUDIENCE,
    DEV_ISSUER,
    JWKS_FILE,
    KEY_FILE,
    open_issuer,
    save_token,
)

NOW_S = 1_700_000_000


def _verify(token: str, folder, **options):
    keys = jwt.PyJWKSet.from_json((folder / JWKS_FILE).read_text())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(
        token, key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=DEV_ISSUER, options=options
    )


def test_a_token_verifies_against_the_written_key_set(tmp_path):
    """Issuer, audience, caller and times are what was asked for; the clock is the argument."""
    token = open_issuer(tmp_path).mint("shop", AUDIENCE, ttl_s=60, now_s=NOW_S)
    said = _verify(token, tmp_path, verify_exp=False)
    assert said["azp"] == said["sub"] == "shop"
    assert (said["iat"], said["exp"]) == (NOW_S, NOW_S + 60)
    with pytest.raises(jwt.ExpiredSignatureError):
        _verify(token, tmp_path)


def test_two_tokens_never_share_an_id(tmp_path):
    """A token can be told from another that says the same."""
    issuer = open_issuer(tmp_path)
    ids = {
        _verify(issuer.mint("shop", AUDIENCE, 60, NOW_S), tmp_path, verify_exp=False)["jti"] for _ in range(9)
    }
    assert len(ids) == 9


def test_a_token_of_another_key_does_not_verify(tmp_path):
    """A second issuer with the same name is not believed."""
    issuer, other = open_issuer(tmp_path / "a"), open_issuer(tmp_path / "b")
    forged = other.mint("shop", AUDIENCE, 60, NOW_S)
    assert issuer.jwks() != other.jwks()
    with pytest.raises(KeyError):
        _verify(forged, tmp_path / "a", verify_exp=False)


def test_a_key_outlives_the_process(tmp_path):
    """Tokens of yesterday's run verify today."""
    assert open_issuer(tmp_path).jwks() == open_issuer(tmp_path).jwks()


def test_the_key_is_its_owners_alone(tmp_path):
    """Mode 0600 in a folder of mode 0700; nothing else is left behind."""
    folder = tmp_path / "issuer"
    open_issuer(folder)
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name for path in folder.iterdir()} == {KEY_FILE, JWKS_FILE}


def test_a_key_others_can_read_is_refused(tmp_path):
    """A copied or restored folder with open modes does not go unnoticed."""
    open_issuer(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(PermissionError, match=KEY_FILE):
        open_issuer(tmp_path)


def test_the_key_set_holds_no_private_part(tmp_path):
    """``d`` is the private number of an EC key."""
    open_issuer(tmp_path)
    (public,) = json.loads((tmp_path / JWKS_FILE).read_text())["keys"]
    assert public.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}


def test_processes_that_start_together_agree_on_one_key(tmp_path):
    """Whoever is late takes the key that is there."""
    with ThreadPoolExecutor(8) as pool:
        sets = list(pool.map(lambda _: open_issuer(tmp_path).jwks(), range(8)))
    assert all(made == sets[0] for made in sets)


def test_a_saved_token_is_its_owners_alone(tmp_path):
    """Also when a file with open modes was there before."""
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o644)
    save_token(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("caller", "ttl_s"), [("", 60), ("shop", 0), ("shop", -1)])
def test_a_token_for_nobody_or_for_no_time_is_not_made(tmp_path, caller, ttl_s):
    """Such a token could only be refused."""
    with pytest.raises(ValueError, match="caller"):
        open_issuer(tmp_path).mint(caller, AUDIENCE, ttl_s, NOW_S)


def test_the_issuers_repr_shows_nothing_of_the_key(tmp_path):
    """Nor of its number."""
    issuer = open_issuer(tmp_path)
    assert str(issuer.key.private_numbers().private_value) not in repr(issuer)
