"""What keeps a suite from starting says so, and leaves nothing half-done."""

from __future__ import annotations

import io
import socket
import subprocess
import sys

import pytest

from identity import rotation
from services.deployment.config import SERVICES, ConfigError, load
from services.deployment.development import prepare
from services.deployment.suite import running_suite
from services.server import AddressTaken
from services.storage.folder import FolderInUse
from tests.conftest import Clock
from tests.e2e.conftest import suite_in

NOW_S = 1_700_000_000


async def test_two_suites_do_not_share_a_folder(tmp_path, clock):
    """The second one is refused; after the first has stopped it starts."""
    async with suite_in(tmp_path, clock, io.StringIO()):
        with pytest.raises(FolderInUse):
            async with suite_in(tmp_path, clock, io.StringIO()):
                pass
    async with suite_in(tmp_path, clock, io.StringIO()) as suite:
        assert suite.guard.ready


async def test_an_address_that_is_taken_is_named(tmp_path, clock: Clock):
    """The error says which service wanted which address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = load(prepare(tmp_path, NOW_S, dict.fromkeys(SERVICES, 0) | {"consent": port}))
        with pytest.raises(AddressTaken, match=f"ConsentService.*{port}"):
            async with running_suite(config, clock, lambda _: None):
                pass


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[listen]", 'colour = "blue"\n[listen]', r"unknown keys \['colour'\]"),
        ('tenant = "demo"', 'tenant = "De mo"', "tenant: a name"),
        ("[tokens]", '[bind]\nconsent = "0.0.0.0:0"\n[tokens]', "bind.consent: an address and a port"),
        ("[tokens]", '[bind]\ncensus = "0.0.0.0:1"\n[tokens]', r"bind: unknown keys \['census'\]"),
        ('keyring = "keys/keyring.json"', 'keyring = "keys/other.json"', "other.json: No such file"),
        ('"recommend"', '"recommend"]\nhobbies = ["chess"', r"callers.*unknown keys \['hobbies'\]"),
        ('"loyalty"', '"joy"', "callers.shop.purposes: unknown purpose 'joy'"),
        ('"recommend"', '"internal.feed"', r"suite's own services alone hold internal\.\*"),
        ("methods = [", 'methods = ["No Such"]\n# [', r"verifiers.*methods: a name"),
        ("methods = [", "methods = []\n# [", "attests at least one method"),
        ("callers = []", 'callers = ["nobody"]', r"no callers are called \['nobody'\]"),
        ("https://verifier.", "https://issuer.", "has an issuer of its own"),
        ("keys/verifier-jwks.json", "suite.toml", "suite.toml: Expecting value"),
        ("[callers.shop]", '[callers."service.identity"]', "the suite's own services'"),
        ("new_identifiers_per_hour = 1", "new_identifiers_per_hour = -1", "whole number from 0"),
        ('["partner"]', '["nobody"]', r"translates_to: no other callers are called \['nobody'\]"),
        ('["partner"]', '["shop"]', r"translates_to: no other callers are called \['shop'\]"),
        ("[listen]", "model_refresh_s = 59\n[listen]", "model_refresh_s: a whole number of seconds from 60"),
        ("[tokens]", "[token]", r"unknown keys \['token'\]"),
    ],
)
def test_a_wrong_configuration_says_where(tmp_path, old, new, message):
    """Unknown keys, bad names, missing files and unknown purposes are refused, with their place."""
    path = prepare(tmp_path, NOW_S, dict.fromkeys(SERVICES, 0))
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=message):
        load(path)


def test_identity_starts_without_what_only_a_suspicious_person_needs():
    """Half of a start's imports, and 59 MiB for as long as it runs, were networkx and scipy."""
    asked = "import sys, services.parts.identity; print({'networkx', 'scipy'} & {*sys.modules})"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"


async def test_who_comes_to_serve_later_holds_the_ring_of_now(tmp_path, clock):
    """Keys may have rotated while a process stood by; identity would write the ring of before over them."""
    config = load(prepare(tmp_path, NOW_S, dict.fromkeys(SERVICES, 0)))
    rotated = rotation.activate(rotation.begin(config.keyring, "pairwise", bytes(32), 0), "pairwise")
    config.keyring_path.write_text(rotated.to_json())
    async with running_suite(config, clock, lambda _: None) as suite:
        assert suite.process.keys.ring.revision == rotated.revision > config.keyring.revision
    config.keyring_path.write_text("{}")
    with pytest.raises(ConfigError, match="keyring: "):
        async with running_suite(config, clock, lambda _: None):
            pass
