"""What the page is told is whole and safe, or it does not start."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.deployment.config import problems
from services.deployment.development import PageAddresses, prepare
from services.preferences.development_provider import DevelopmentProvider, households
from services.preferences.keys import provide
from services.preferences.sealing import KEY_BYTES, NotSealed, Sealer, keys_of
from services.preferences.settings import SettingsError, read_settings, secret_of, settings_of
from tests.conftest import ROOT

GOOD: dict[str, Any] = {
    "name": "Corner shop",
    "listen": "127.0.0.1:8090",
    "public_url": "https://my.shop.example",
    "gateway": "gateway.example:443",
    "gateway_ca": "ca.pem",
    "caller": "preferences",
    "token": "token",
    "issuer": "https://login.shop.example",
    "client_id": "page",
    "client_secret": "secret",
    "identifier": "email",
    "session_key": "session.key",
    "verifier_key": "verifier.pem",
    "verifier_issuer": "https://preferences.shop.example",
    "method": "sign_in",
}


def test_good_settings_are_taken_and_their_paths_start_from_the_files_folder():
    settings = settings_of({"preferences": GOOD}, Path("/etc/page"))
    assert settings.token == Path("/etc/page/token") and settings.address == ("127.0.0.1", 8090)


@pytest.mark.parametrize(
    "changed",
    [
        {"listen": "0.0.0.0:8090"},
        {"listen": "10.0.0.1:8090", "certificate": "page.pem"},
        {"listen": "127.0.0.1"},
        {"listen": "127.0.0.1:0"},
        {"public_url": "http://my.shop.example"},
        {"public_url": "https://my.shop.example/"},
        {"public_url": "https://my.shop.example/me"},
        {"public_url": "https://u:p@my.shop.example"},
        {"public_url": "https:///"},
        {"issuer": "http://login.shop.example"},
        {"issuer": "http://127.0.0.1:8091"},
        {"issuer": "https://login.shop.example/?x=1"},
        {"gateway": "gateway.example:443", "gateway_ca": None},
        {"identifier": "cookie"},
        {"name": " "},
        {"client_secret": None},
        {"client_secret": 7},
        {"listne": "127.0.0.1:1"},
        {"monitoring": "8.8.8.8:9401"},
        {"monitoring": "somewhere"},
    ],
    ids=str,
)
def test_what_is_missing_unknown_or_would_go_out_unencrypted_is_refused(changed: dict[str, Any]):
    section = {name: one for name, one in (GOOD | changed).items() if one is not None}
    with pytest.raises(SettingsError):
        settings_of({"preferences": section}, Path("/etc/page"))


def test_a_secret_that_others_can_read_is_refused_and_not_repeated(tmp_path: Path):
    path = tmp_path / "secret"
    path.write_text("hunter2")
    path.chmod(0o640)
    with pytest.raises(SettingsError) as refused:
        secret_of(path)
    assert "hunter2" not in str(refused.value)
    path.chmod(0o600)
    assert secret_of(path) == "hunter2"


def test_the_pages_keys_are_made_once_for_their_owner_alone(tmp_path: Path):
    session, verifier, public = provide(tmp_path)
    before = session.read_text(), verifier.read_text(), public.read_text()
    assert provide(tmp_path) == [session, verifier, public]
    assert (session.read_text(), verifier.read_text(), public.read_text()) == before
    assert {path.stat().st_mode & 0o077 for path in (session, verifier)} == {0}
    assert "d" not in json.loads(public.read_text())["keys"][0]


def test_the_commands_say_what_to_write_where_and_what_is_wrong(tmp_path: Path):
    """Names of sections come out whole, and a page that can not run ends with 1."""

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "services", *arguments]
        environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'protos'}"}
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        return ended.returncode, ended.stdout

    code, said = run("preferences-keys", str(tmp_path / "keys"))
    assert code == 0 and "[verifiers]" in said
    (tmp_path / "page.toml").write_text("")
    code, said = run("preferences", str(tmp_path / "page.toml"))
    assert code == 1 and "no section [preferences]" in said


def test_a_seal_opens_with_its_key_for_its_use_and_until_its_end_only():
    old, new = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES)
    sealed = Sealer([old]).seal("visit", {"a": 1}, until_s=100)
    assert Sealer([new, old]).open("visit", sealed, 99.9) == {"a": 1}
    for keys, use, now_s in (([new], "visit", 99), ([old], "attempt", 99), ([old], "visit", 100)):
        with pytest.raises(NotSealed):
            Sealer(keys).open(use, sealed, now_s)
    assert keys_of(f"{new.hex()}\n{old.hex()}\n") == [new, old]
    for keys in ([], [b"short"]):
        with pytest.raises(ValueError, match="keys of 64 bytes"):
            Sealer(keys)


def test_the_development_suite_has_a_page_that_can_be_run(tmp_path: Path):
    """Its section is good, and so is the file for the services; without a page there is no section."""
    addresses = PageAddresses(*(f"127.0.0.1:{port}" for port in range(1, 5)))
    path = prepare(
        tmp_path,
        1_700_000_000,
        dict.fromkeys(("identity", "consent", "recommender", "engagement"), 0),
        page=addresses,
    )
    assert problems(path) == []
    settings = read_settings(path)
    for secret in (settings.token, settings.client_secret, settings.session_key, settings.verifier_key):
        assert secret_of(secret)
    path.write_text(path.read_text().replace('identifier = "email"', 'identifier = "shoe size"'))
    assert any("preferences.identifier" in problem for problem in problems(path))


def test_the_development_provider_serves_a_page_of_this_machine_alone():
    """Not one that is reached over https, not over http elsewhere, and nobody whose address could be real."""
    local = {"public_url": "http://127.0.0.1:1", "issuer": "http://127.0.0.1:2"}
    development = settings_of({"preferences": GOOD | local}, Path("/x"))
    assert DevelopmentProvider(development, households("corner-shop"))
    with pytest.raises(SettingsError):
        DevelopmentProvider(settings_of({"preferences": GOOD}, Path("/x")), households("corner-shop"))
    with pytest.raises(SettingsError):
        DevelopmentProvider(development, {"jane@gmail.com": ""})
