"""Sets up a suite for one machine: keys, an issuer, callers with their tokens, a configuration.

Made once per folder and kept; secrets are files only their owner can read. Nothing of it is
for production, where keys come from a secret store and tokens from an identity provider.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from identity.keyring import KeyRing
from services.deployment import dev_ca
from services.deployment.config import SERVICES
from services.deployment.issuer import AUDIENCE, DEV_ISSUER, JWKS_FILE, open_issuer, save_token
from services.key_file import make_private, write_private
from services.preferences import keys as page_keys
from services.reflection import REFLECTION_SCOPE
from services.rights.verifier import DEV_METHODS, DEV_VERIFIER, DEV_VERIFIER_ISSUER, open_verifier
from services.rights.verifier import JWKS_FILE as VERIFIER_JWKS_FILE
from services.tls.config import PLACE

TENANT = "demo"
TOKEN_DAYS = 30
CONFIG_FILE = "suite.toml"
TRUST_DOMAIN = "veilgraph.localhost"
TLS_FOLDER = "tls"

_READING = (
    "identity.resolve",
    "recommend",
    "search",
    "catalogue.read",
    "recommender.read",
    "profile.portrait",
)
_CONSENT = ("consent.record", "consent.read")
_RIGHTS = ("rights.access", "rights.restrict", "rights.object", "rights.lift", "rights.erase")
_DECIDING = ("decision.decide", "decision.report", "decision.why", "decision.due")
_PERSONAL = ("service", "personalise", "analytics.profiling", "loyalty", "rights", "operate")
#: What needs a yes of its own beside the purpose it is used for.
_PROTECTED = ("special_category", "location_precise", "inferred_demographics")
#: caller -> (scopes, purposes): what an importer, a shop's back end, an operator and a partner
#: need, and no more.
CALLERS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "importer": (
        (
            *("identity.resolve", "identity.link", "consent.record", "profile.track"),
            *("catalogue.write", "recommender.train", "recommender.read"),
        ),
        ("service", "identity.link", "rights", "operate", "analytics.profiling"),
    ),
    "shop": (
        (
            *_READING,
            *_CONSENT,
            *_RIGHTS,
            "identity.link",
            "identity.unlink",
            "identity.explain",
            "identity.watch",
            "identity.translate",
            "profile.track",
            "profile.declare",
            "profile.record",
            "audience.count",
            "audience.list",
            "entitlement.write",
            *_DECIDING,
        ),
        (*_PERSONAL, *_PROTECTED, "identity.link", "share.partner", "marketing", "analytics.reporting"),
    ),
    "operator": (
        (
            *("identity.resolve", "identity.people", "identity.explain", "identity.unlink"),
            *("identity.rules", "identity.keys", "definition.write", "definition.read"),
            *("decision.why", "decision.audit", "decision.review"),
            *("recommender.train", "recommender.jobs", "recommender.read", REFLECTION_SCOPE),
        ),
        ("service", "rights", "personalise", "marketing", "loyalty", "operate"),
    ),
    # Who approves what the operator applied; nobody approves their own.
    "approver": (("definition.approve", "definition.read"), ("operate",)),
    "preferences": (
        (
            *("identity.resolve", "recommend", "catalogue.read", "profile.portrait"),
            *(*_CONSENT, *_RIGHTS),
        ),
        ("service", "personalise.recommend", "rights", "operate"),
    ),
    "partner": (
        ("identity.resolve", "recommend", "catalogue.read"),
        ("service", "personalise.recommend", "operate"),
    ),
}

_TLS = (
    "",
    "# Both sides of a connection show a certificate; {service} stands for the name of each service.",
    "[tls]",
    f'trust_domain = "{TRUST_DOMAIN}"',
    f'certificate = "{TLS_FOLDER}/service/{PLACE}.pem"',
    f'key = "{TLS_FOLDER}/service/{PLACE}.key"',
    f'ca = "{TLS_FOLDER}/ca.pem"',
)
#: The person's page: its name among the callers and the verifiers, and how it says people were seen.
PAGE = "preferences"
PAGE_ISSUER = "https://preferences.veilgraph.localhost"
PAGE_METHOD = "sign_in"
CLIENT_SECRET = "preferences-client-secret"  # noqa: S105 - the name of a file


class PageAddresses(NamedTuple):
    """Where the person's page is, where people sign in for it, and where it asks; each "host:port"."""

    page: str
    provider: str
    gateway: str


#: What a caller may bring an hour that nobody has seen before, where it is not the suite's default.
NEW_IDENTIFIERS_PER_HOUR = {"importer": 1_000_000_000}
#: Whose ids a caller may be given, of people who permit it.
TRANSLATES_TO = {"shop": ("partner",)}
#: What kind of caller it is, where it is no back end.
KINDS = {"operator": "operator", "approver": "operator", "partner": "partner"}


def prepare(
    folder: Path,
    now_s: int,
    ports: Mapping[str, int],
    postgresql: str = "",
    *,
    tls: bool = False,
    nats: str = "",
    monitoring: Mapping[str, int] = MappingProxyType({}),
    page: PageAddresses | None = None,
) -> Path:
    """Makes whatever of a development suite is missing in a folder; mints fresh tokens and certificates.

    Args:
        folder: the data set's folder under ``var``.
        now_s: the present, seconds since the epoch.
        ports: port of each service; 0 takes a free one.
        postgresql: the database that holds the tables; empty: files in the folder.
        tls: connections to the services show certificates.
        nats: the server that announces news; empty: the services tell each other.
        monitoring: port at which the process of a service is watched; one without is not.
        page: where the person's page is; ``None``: there is none.

    Returns:
        The path of the configuration file.

    Raises:
        AuthorityUnusable: no certificates can be issued.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = folder / "keys"
    issuer = open_issuer(keys)
    open_verifier(keys)
    page_keys.provide(keys)
    if not (keys / CLIENT_SECRET).exists():
        make_private(keys / CLIENT_SECRET, secrets.token_urlsafe(32))
    keyring = keys / "keyring.json"
    kept = keyring.read_text() if keyring.exists() else "{}"
    write_private(keyring, KeyRing.completed(kept, secrets.token_bytes, now_s * 1000).to_json())
    tokens = folder / "tokens"
    tokens.mkdir(mode=0o700, exist_ok=True)
    for caller in CALLERS:
        token = issuer.mint(caller, AUDIENCE, TOKEN_DAYS * 86_400, now_s)
        save_token(tokens / caller, token)
    if tls:
        dev_ca.provide(folder / TLS_FOLDER, TRUST_DOMAIN, CALLERS, now_s, renew=True)
    config = folder / CONFIG_FILE
    write_private(config, _config(ports, postgresql, nats, monitoring, page, tls=tls))
    return config


def _config(
    ports: Mapping[str, int],
    postgresql: str,
    nats: str,
    monitoring: Mapping[str, int],
    page: PageAddresses | None,
    *,
    tls: bool,
) -> str:
    lines = [
        "# Written at every start of the development suite; copy it to begin a deployment of your own.",
        f'tenant = "{TENANT}"',
        'keyring = "keys/keyring.json"',
        "",
        "[listen]",
        *(f'{name} = "127.0.0.1:{ports[name]}"' for name in SERVICES),
        "",
        "[tokens]",
        f'issuer = "{DEV_ISSUER}"',
        f'audience = "{AUDIENCE}"',
        f'jwks = "keys/{JWKS_FILE}"',
        *(_TLS if tls else ()),
    ]
    if postgresql:
        lines += ["", "[stores]", f"postgresql = {json.dumps(postgresql)}"]
    if nats:
        lines += ["", "[nats]", f"url = {json.dumps(nats)}"]
    if monitoring:
        lines += ["", "[monitoring]"]
        lines += [f'{name} = "127.0.0.1:{port}"' for name, port in monitoring.items()]
    for caller, (scopes, purposes) in CALLERS.items():
        lines += [
            "",
            f"[callers.{caller}]",
            f"scopes = {json.dumps(scopes)}",
            f"purposes = {json.dumps(purposes)}",
            *_more(caller),
            *([f'spiffe = "{dev_ca.caller_id(TRUST_DOMAIN, caller)}"'] if tls else ()),
        ]
    lines += [
        "",
        "# Who may attest that a person was authenticated; `callers` may report the links it saw.",
        f"[verifiers.{DEV_VERIFIER}]",
        f'issuer = "{DEV_VERIFIER_ISSUER}"',
        f'jwks = "keys/{VERIFIER_JWKS_FILE}"',
        f"methods = {json.dumps(DEV_METHODS)}",
        "callers = []",
        "",
        f"[verifiers.{PAGE}]",
        f'issuer = "{PAGE_ISSUER}"',
        f'jwks = "keys/{page_keys.VERIFIER_JWKS}"',
        f"methods = {json.dumps([PAGE_METHOD])}",
        "callers = []",
        *(_page(page) if page is not None else ()),
    ]
    return "\n".join(lines) + "\n"


def _page(addresses: PageAddresses) -> list[str]:
    said = {
        "name": f"{TENANT.capitalize()} shop",
        "listen": addresses.page,
        "public_url": f"http://{addresses.page}",
        "gateway": addresses.gateway,
        "caller": PAGE,
        "token": f"tokens/{PAGE}",
        "issuer": f"http://{addresses.provider}",
        "client_id": PAGE,
        "client_secret": f"keys/{CLIENT_SECRET}",
        "identifier": "email",
        "session_key": f"keys/{page_keys.SESSION_KEY}",
        "verifier_key": f"keys/{page_keys.VERIFIER_KEY}",
        "verifier_issuer": PAGE_ISSUER,
        "method": PAGE_METHOD,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in said.items()]
    return ["", "# The person's page; people sign in at a provider of development.", "[preferences]", *lines]


def _more(caller: str) -> list[str]:
    lines = {
        "new_identifiers_per_hour": NEW_IDENTIFIERS_PER_HOUR.get(caller),
        "translates_to": TRANSLATES_TO.get(caller),
        "kind": KINDS.get(caller),
    }
    return [f"{name} = {json.dumps(value)}" for name, value in lines.items() if value is not None]
