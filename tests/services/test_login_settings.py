"""A deployment says where people log in, and for which app; what would be unsafe is refused by name."""

from __future__ import annotations

import json
import time

import pytest

from services.deployment.config import SERVICES, ConfigError, load, problems
from services.deployment.development import prepare
from services.deployment.issuer import DEV_ISSUER
from services.rights.verifier import DEV_VERIFIER, DEV_VERIFIER_ISSUER
from tests.services.provider import CLIENT, PROVIDER, LoginProvider

PROVIDERS = f"""
[providers.accounts]
issuer = "{PROVIDER}"
jwks = "accounts.json"
"""
APP = f"""
[callers.phone]
scopes = ["recommend", "consent.read"]
purposes = ["rights"]
[callers.phone.login]
provider = "accounts"
audience = "{CLIENT}"
"""


@pytest.fixture
def written(tmp_path):
    """Writes a configuration with more lines; gives its path."""
    path = prepare(tmp_path, int(time.time()), dict.fromkeys(SERVICES, 0))
    (tmp_path / "accounts.json").write_text(json.dumps(LoginProvider(1).jwks))
    (tmp_path / "empty.json").write_text('{"keys": []}')
    begun = path.read_text()

    def write(more: str, **changed: str):
        text = begun
        for old, new in changed.items():
            text = text.replace(old, new)
        path.write_text(text + more)
        return path

    return write


def test_an_app_is_a_caller_whose_users_log_in_at_a_provider(written):
    """Its client id is the audience and the client, unless it says otherwise."""
    config = load(written(PROVIDERS + APP))
    ((app,),) = [provider.apps for provider in config.providers]
    assert (app.caller, app.audience, app.client, app.scopes) == (
        config.callers["phone"],
        CLIENT,
        CLIENT,
        None,
    )
    assert [name for name, caller in config.callers.items() if caller.app] == ["phone"]
    assert config.callers["phone"].kind == "phone"  # as the metrics tell it


def test_an_app_may_be_of_another_kind(written):
    """A web app has logins, too."""
    config = load(written(PROVIDERS + APP.replace("[callers.phone]", '[callers.phone]\nkind = "browser"', 1)))
    assert config.callers["phone"].kind == "browser"


@pytest.mark.parametrize("kind", ['"jane"', '"service"', "1"])
def test_a_kind_is_of_a_short_list(written, kind):
    """And the suite's own services' is given to nobody."""
    with pytest.raises(ConfigError, match=r"callers.phone.kind: one of backend, operator"):
        load(written(PROVIDERS + APP.replace("[callers.phone]", f"[callers.phone]\nkind = {kind}", 1)))


def test_a_providers_scopes_open_some_of_the_apps(written):
    """By the name the provider has for them."""
    more = 'client = "app"\nscopes = {"shop:offers" = ["recommend"]}\n'
    ((app,),) = [provider.apps for provider in load(written(PROVIDERS + APP + more)).providers]
    assert (app.client, app.scopes) == ("app", {"shop:offers": frozenset({"recommend"})})


def test_keys_at_an_address_are_fetched_by_who_runs_and_not_by_who_reads(written):
    """A configuration can be checked where the issuer can not be reached."""
    path = written("", **{'"keys/jwks.json"': '"https://issuer.test/jwks.json"'})
    tokens = load(path).tokens
    assert (tokens.jwks, tokens.place) == ({}, "https://issuer.test/jwks.json")


UNSAFE = {
    "no provider": (APP, "no provider of that name"),
    "shared secret": (PROVIDERS + 'algorithms = ["HS256"]\n' + APP, "providers.accounts.algorithms"),
    "algorithm that is no list": (PROVIDERS + 'algorithms = "ES256"\n' + APP, "accounts.algorithms"),
    "client that is no text": (PROVIDERS + APP + "client = 5\n", "client: a text is needed"),
    "scopes that are no table": (PROVIDERS + APP + 'scopes = ["recommend"]\n', "login.scopes"),
    "scope that opens no list": (PROVIDERS + APP + 'scopes = {"x" = "recommend"}\n', "login.scopes"),
    "no algorithm": (PROVIDERS + "algorithms = []\n" + APP, "providers.accounts.algorithms"),
    "keys of another kind": (PROVIDERS + 'algorithms = ["RS256"]\n' + APP, "holds no key for RS256"),
    "no keys": (PROVIDERS.replace("accounts.json", "empty.json") + APP, "holds no key"),
    "no file": (PROVIDERS.replace("accounts.json", "missing.json") + APP, "missing.json"),
    "keys in the clear": (PROVIDERS.replace("accounts.json", "http://a.test/jwks") + APP, "over https only"),
    "issuer of callers": (PROVIDERS.replace(PROVIDER, DEV_ISSUER) + APP, "an issuer of its own"),
    "issuer of a verifier": (
        PROVIDERS.replace(PROVIDER, DEV_VERIFIER_ISSUER) + APP,
        f"providers.accounts.issuer: is that of verifiers.{DEV_VERIFIER}",
    ),
    "name of a verifier": (
        PROVIDERS.replace("accounts]", f"{DEV_VERIFIER}]") + APP.replace('"accounts"', f'"{DEV_VERIFIER}"'),
        f"providers.{DEV_VERIFIER}: is the name of a verifier",
    ),
    "ambiguous digest": (PROVIDERS.replace(PROVIDER, PROVIDER + "#x") + APP, "has no #"),
    "unknown setting": (PROVIDERS + 'secret = "x"\n' + APP, "unknown keys"),
    "unknown login setting": (PROVIDERS + APP + "secret = 1\n", "unknown keys"),
    "no audience": (PROVIDERS + APP.replace("audience", "client"), "audience: a text is needed"),
    "no method": (PROVIDERS + APP + 'proves = "a login!"\n', "login.proves: the name of a method"),
    "proves nothing": (PROVIDERS + APP + 'proves = ""\n', "login.proves: a text is needed"),
    "widened": (PROVIDERS + APP + 'scopes = {"x" = ["identity.resolve"]}\n', "does not hold"),
    "two alike": (
        PROVIDERS + APP + APP.replace("callers.phone", "callers.tablet"),
        "can not be told apart",
    ),
    "exchanging": (
        PROVIDERS + APP.replace('"consent.read"', '"login.exchange"'),
        "login.exchange is what a login has",
    ),
    "edge in the clear": ('[gateway]\nlisten = "0.0.0.0:80"\n', "gateway: listen: without TLS"),
    "any origin": ('[gateway]\norigins = ["*"]\n', "is no origin"),
}


@pytest.mark.parametrize("kind", UNSAFE)
def test_what_would_be_unsafe_is_refused_by_name(written, kind):
    """By the program that starts and by `check-config` alike."""
    more, why = UNSAFE[kind]
    path = written(more)
    with pytest.raises(ConfigError, match=why.replace(".", r"\.")):
        load(path)
    assert any(why in problem for problem in problems(path))


def test_an_app_has_no_certificate(tmp_path):
    """It would be the app without anybody logged in, and could name everybody."""
    path = prepare(tmp_path, int(time.time()), dict.fromkeys(SERVICES, 0), tls=True)
    (tmp_path / "accounts.json").write_text(json.dumps(LoginProvider(1).jwks))
    spiffe = 'purposes = ["rights"]\nspiffe = "spiffe://veilgraph.localhost/caller/phone"'
    path.write_text(path.read_text() + PROVIDERS + APP.replace('purposes = ["rights"]', spiffe))
    with pytest.raises(ConfigError, match="not by a certificate"):
        load(path)
