"""A deployment's configuration: one TOML file, secrets by path, unknown keys refused."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from consent.errors import ConsentError
from consent.policy import Policy
from identity.errors import KeyRingError, RulesError
from identity.keyring import KeyRing
from identity.quota import PER_HOUR_DEFAULT
from identity.rules import Rules, compile_rules
from services.consent import policy_file
from services.consent.policy_file import PolicyFileError
from services.gateway.edge import Edge, EdgeError, edge_of
from services.interceptors.call import BACKEND, CALLER_KINDS, OPERATOR, PHONE, Caller
from services.interceptors.gaps import INTERNAL_SCOPE
from services.login.provider import EXCHANGE_SCOPE, Provider
from services.login.settings import LOGIN_KEYS, LoginError, jwks_at, providers_of
from services.monitoring.port import public
from services.preferences.settings import SECTION, SettingsError, settings_of
from services.reflection import REFLECTION_SCOPE
from services.rights.proofs import Verifier, public_keys
from services.service_tokens import PREFIX
from services.storage.database import Location
from services.storage.locations import location_of
from services.stream.settings import PATHS, NatsSettings, NatsSettingsError, nats_settings
from services.tls.config import TlsConfig, ids_of

T = TypeVar("T")

SERVICES = ("identity", "consent", "recommender", "engagement")
#: Of these any number of processes serve at once where the tables allow it: what is right in them rests on
#: the database alone, or follows what other processes commit. Of the others one serves.
SHARED = frozenset({"engagement", "recommender"})
_PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_CALLER_KEYS = frozenset(
    {"scopes", "purposes", "new_identifiers_per_hour", "translates_to", "spiffe", "login", "kind"}
)
_TLS_KEYS = frozenset({"trust_domain", "certificate", "key", "ca"})
_KEYS = frozenset(
    {
        "tenant",
        "keyring",
        "policy",
        "policy_keys",
        "listen",
        "bind",
        "tokens",
        "callers",
        "verifiers",
        "providers",
        "gateway",
        "model_refresh_s",
        "drain_s",
        "stores",
        "nats",
        "tls",
        "monitoring",
        SECTION,
    }
)
_DRAIN_MOST_S = 600
#: Shorter than this a training of a middling catalogue does not take.
_REFRESH_LEAST_S = 60


#: Within so long, unless the deployment says otherwise, models in service carry nobody who withdrew.
MODEL_REFRESH_S = 600


class ConfigError(Exception):
    """The configuration can not be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class TokenConfig:
    """Whose tokens are taken.

    Attributes:
        issuer: the required ``iss``.
        audience: the required ``aud``.
        jwks: the issuer's key set (RFC 7517); empty where it is fetched.
        place: the file or the address it is had from.
    """

    issuer: str
    audience: str
    jwks: Mapping[str, Any]
    place: str = ""


@dataclass(frozen=True, slots=True)
class SuiteConfig:
    """Everything a process of the suite is told.

    Attributes:
        folder: where the stores are; the folder of the file.
        tenant: whose deployment it is; every caller belongs to it.
        keyring: the deployment's keys, as they were when the file was read.
        keyring_path: their file.
        policy: purposes, legal bases, views.
        rules: the shipped ones, with this deployment's verifiers; a ledger goes by those applied to it.
        listen: address of each service, "host:port", as the others call it.
        bind: where a service listens, if it is called by another address; see ``bound``.
        tokens: whose tokens are taken.
        callers: the allow-list by caller id.
        verifiers: who may attest that a person was authenticated.
        providers: where people log in whose devices call by themselves.
        own_policy: the policy is a file of the deployment's own, not the one in the package.
        model_refresh_s: within so long no model in service carries what was withdrawn from training.
        drain_s: how long a process that was told to stop serves on after saying that it does not.
        tls: the services' certificates; ``None``: connections show none and stay on loopback.
        postgresql: the database that holds the services' tables; empty: a file a service in the folder.
        nats: where engagement's news are announced; ``None``: the recommender follows them by itself.
        monitoring: where the process of each service is watched, "host:port"; one that has none is not.
        home: the folder of the configuration file, where the processes of a host that have the same one
            agree on what they share; ``None``: they share nothing.
        otlp: the collector that spans are sent to, its URL; empty: none are made.
        edge: what the gateway shows to callers.
    """

    folder: Path
    tenant: str
    keyring: KeyRing
    keyring_path: Path
    policy: Policy
    rules: Rules
    listen: Mapping[str, str]
    tokens: TokenConfig
    callers: Mapping[str, Caller]
    verifiers: tuple[Verifier, ...] = ()
    providers: tuple[Provider, ...] = ()
    own_policy: bool = False
    model_refresh_s: int = MODEL_REFRESH_S
    drain_s: float = 0.0
    postgresql: str = field(default="", repr=False)
    tls: TlsConfig | None = None
    nats: NatsSettings | None = None
    edge: Edge = field(default_factory=Edge)
    bind: Mapping[str, str] = field(default_factory=dict)
    monitoring: Mapping[str, str] = field(default_factory=dict)
    home: Path | None = None
    otlp: str = ""

    def bound(self, service: str) -> str:
        """Where a service listens, "host:port"."""
        return self.bind.get(service, self.listen[service])

    def shared(self, service: str) -> bool:
        """Whether several processes of a service serve at once; a file is one process's."""
        return bool(self.postgresql) and service in SHARED

    def store(self, service: str) -> Location:
        """Where a service's tables lie."""
        return location_of(service, self.folder, self.postgresql)


def load(path: Path) -> SuiteConfig:
    """Reads a configuration file and what it points to.

    Raises:
        ConfigError: a file is missing or a part is unknown, missing or wrong.
    """
    content = _toml(path)
    _only(content, _KEYS, path.name)
    folder = path.absolute().parent  # programs started for the suite may stand elsewhere
    tenant = _name(content.get("tenant"), "tenant")
    policy = _policy(content, folder, tenant)
    tokens = _tokens(content, folder)
    callers = _tables(content, "callers")
    verifiers = tuple(
        _verifier(name, entry, folder, content) for name, entry in _tables(content, "verifiers").items()
    )
    allowed = {
        name: _caller(name, entry, tenant, policy, frozenset(callers)) for name, entry in callers.items()
    }
    providers = _providers(content, callers, allowed, folder)
    _each_issuer_once(tokens, verifiers, providers)
    return SuiteConfig(
        folder=folder,
        tenant=tenant,
        keyring=_keyring(content, folder),
        keyring_path=folder / _string(content, "keyring"),
        policy=policy,
        own_policy="policy" in content,
        rules=replace(
            shipped_rules(policy), attesters={verifier.name: verifier.callers for verifier in verifiers}
        ),
        listen=_listen(content),
        bind=_bind(content),
        tokens=tokens,
        callers=allowed,
        verifiers=verifiers,
        providers=providers,
        model_refresh_s=_refresh_s(content),
        drain_s=_drain_s(content),
        postgresql=_postgresql(content),
        tls=_tls(content, folder, callers),
        nats=_nats(content, folder),
        monitoring=_monitoring(content),
        home=folder,
        otlp=_otlp(content),
        edge=_edge(content, folder),
    )


def problems(path: Path) -> list[str]:
    """Everything that keeps ``load`` from taking a file, each with its place; empty: it takes it.

    What can only be judged by something that is wrong itself is judged once that is right.
    """
    try:
        content = _toml(path)
    except ConfigError as error:
        return [str(error)]
    folder, found = path.absolute().parent, _Found()
    found.by(lambda: _only(content, _KEYS, path.name))
    tenant = found.by(lambda: _name(content.get("tenant"), "tenant"))
    policy = None if tenant is None else found.by(lambda: _policy(content, folder, tenant))
    for part in (_listen, _bind, _refresh_s, _drain_s, _postgresql, _monitoring, _otlp):
        found.by(partial(part, content))
    for part_of_folder in (_keyring, _tokens, _edge):
        found.by(partial(part_of_folder, content, folder))
    callers = found.by(lambda: _tables(content, "callers"))
    if callers is not None:
        found.by(partial(_tls, content, folder, callers))
    verifiers = found.by(lambda: _tables(content, "verifiers")) or {}
    if tenant is not None and policy is not None and callers is not None:
        for name, entry in callers.items():
            found.by(partial(_caller, name, entry, tenant, policy, frozenset(callers)))
    for name, entry in verifiers.items():
        found.by(partial(_verifier, name, entry, folder, content))
    found.by(partial(_page, content, folder))
    if not found.problems:
        found.by(lambda: load(path))  # which has the last word
    return found.problems


class _Found:
    """What is wrong with the parts of a file that were looked at."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def by(self, part: Callable[[], T]) -> T | None:
        """The part; ``None`` if something is wrong with it."""
        try:
            return part()
        except ConfigError as error:
            self.problems.append(str(error))
            return None


def _keyring(content: Mapping[str, Any], folder: Path) -> KeyRing:
    try:
        return KeyRing.from_json(_text(folder / _string(content, "keyring")))
    except KeyRingError as error:
        raise ConfigError(f"keyring: {error}") from None


def _listen(content: Mapping[str, Any]) -> dict[str, str]:
    listen = _section(content, "listen", frozenset(SERVICES))
    return {name: _string(listen, name) for name in SERVICES}


def _bind(content: Mapping[str, Any]) -> dict[str, str]:
    if "bind" not in content:
        return {}
    bind = _section(content, "bind", frozenset(SERVICES))
    for name in bind:
        host, _, port = _string(bind, name).rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
            raise ConfigError(f"bind.{name}: an address and a port that stays, as 0.0.0.0:7101")
    return dict(bind)


def _tokens(content: Mapping[str, Any], folder: Path) -> TokenConfig:
    tokens = _section(content, "tokens", frozenset({"issuer", "audience", "jwks"}))
    try:
        jwks, place = jwks_at(_string(tokens, "jwks"), folder, "tokens.jwks")
    except LoginError as error:
        raise ConfigError(str(error)) from None
    return TokenConfig(_string(tokens, "issuer"), _string(tokens, "audience"), jwks, place)


def _providers(
    content: Mapping[str, Any],
    entries: Mapping[str, Mapping[str, Any]],
    callers: Mapping[str, Caller],
    folder: Path,
) -> tuple[Provider, ...]:
    logins = {
        name: _section(entry, "login", LOGIN_KEYS) for name, entry in entries.items() if "login" in entry
    }
    try:
        return providers_of(_tables(content, "providers"), logins, callers, folder)
    except LoginError as error:
        raise ConfigError(str(error)) from None


def _each_issuer_once(
    tokens: TokenConfig, verifiers: Sequence[Verifier], providers: Sequence[Provider]
) -> None:
    issuers = [tokens.issuer, *(one.issuer for one in verifiers), *(one.issuer for one in providers)]
    if len(set(issuers)) < len(issuers):
        raise ConfigError(
            "verifiers, providers: each has an issuer of its own, and none is that of callers' tokens"
        )


def _tls(
    content: Mapping[str, Any], folder: Path, callers: Mapping[str, Mapping[str, Any]]
) -> TlsConfig | None:
    ids = {name: entry["spiffe"] for name, entry in callers.items() if "spiffe" in entry}
    if "tls" not in content:
        if ids:
            raise ConfigError(f"callers.{min(ids)}.spiffe: without [tls] nobody shows a certificate")
        return None
    section = _section(content, "tls", _TLS_KEYS)
    certificate, key, ca = (str(folder / _string(section, name)) for name in ("certificate", "key", "ca"))
    try:
        trust_domain = _string(section, "trust_domain")
        return TlsConfig(trust_domain, certificate, key, ca, ids_of(ids, trust_domain))
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _postgresql(content: Mapping[str, Any]) -> str:
    if "stores" not in content:
        return ""
    dsn = _string(_section(content, "stores", frozenset({"postgresql"})), "postgresql")
    parts = urlsplit(dsn)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ConfigError("stores.postgresql: a URI as libpq understands it is needed, postgresql://…")
    if parts.password or "password=" in parts.query:
        raise ConfigError("stores.postgresql: no password stands in here; name its file with ?passfile=")
    return dsn


def _nats(content: Mapping[str, Any], folder: Path) -> NatsSettings | None:
    if "nats" not in content:
        return None
    section = _section(content, "nats", frozenset({"url", *PATHS}))
    paths = {name: folder / _string(section, name) for name in PATHS if name in section}
    try:
        return nats_settings(_string(section, "url"), paths)
    except NatsSettingsError as error:
        raise ConfigError(f"nats.{error}") from None


def _monitoring(content: Mapping[str, Any]) -> dict[str, str]:
    if "monitoring" not in content:
        return {}
    section = _section(content, "monitoring", frozenset((*SERVICES, "otlp")))
    return {
        name: watched_at(_string(section, name), f"monitoring.{name}") for name in section if name in SERVICES
    }


def _otlp(content: Mapping[str, Any]) -> str:
    section = content.get("monitoring")
    if not isinstance(section, dict) or "otlp" not in section:
        return ""
    collector = _string(section, "otlp")
    parts = urlsplit(collector)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
        raise ConfigError("monitoring.otlp: the URL of a collector is needed, http://127.0.0.1:4318")
    if not (find_spec("opentelemetry") and find_spec("opentelemetry.exporter.otlp.proto.http")):
        raise ConfigError("monitoring.otlp: spans need the extra otel: pip install 'veilgraph-suite[otel]'")
    return collector


def watched_at(address: str, where: str) -> str:
    """An address at which a process may be watched.

    Raises:
        ConfigError: it is none, or one for everybody.
    """
    try:
        if public(address):
            raise ConfigError(f"{where}: metrics are for the cluster alone; {address} is a public address")
    except ValueError:
        raise ConfigError(f"{where}: an IP address and a port are needed, 127.0.0.1:9401") from None
    return address


def _edge(content: Mapping[str, Any], folder: Path) -> Edge:
    section = content.get("gateway", {})
    if not isinstance(section, dict):
        raise ConfigError("gateway: a section [gateway]")
    try:
        return edge_of(section, folder)
    except EdgeError as error:
        raise ConfigError(f"gateway: {error}") from None


def _page(content: Mapping[str, Any], folder: Path) -> None:
    """The section that the process of the person's page reads, and no service."""
    if SECTION in content:
        try:
            settings_of(content, folder)
        except SettingsError as error:
            raise ConfigError(str(error)) from None


def _refresh_s(content: Mapping[str, Any]) -> int:
    refresh_s = content.get("model_refresh_s", MODEL_REFRESH_S)
    if type(refresh_s) is not int or refresh_s < _REFRESH_LEAST_S:
        raise ConfigError(f"model_refresh_s: a whole number of seconds from {_REFRESH_LEAST_S}")
    return refresh_s


def _drain_s(content: Mapping[str, Any]) -> float:
    drain_s = content.get("drain_s", 0)
    if type(drain_s) not in {int, float} or not 0 <= drain_s <= _DRAIN_MOST_S:
        raise ConfigError(f"drain_s: a number of seconds from 0 to {_DRAIN_MOST_S}")
    return float(drain_s)


def _caller(
    name: str, entry: Mapping[str, Any], tenant: str, policy: Policy, callers: frozenset[str]
) -> Caller:
    _only(entry, _CALLER_KEYS, f"callers.{name}")
    purposes = 0
    for node in entry.get("purposes", ()):
        try:
            purposes |= policy.mask(node)
        except ConsentError as error:
            raise ConfigError(f"callers.{name}.purposes: {error}") from None
    kind = entry.get("kind", PHONE if "login" in entry else BACKEND)
    if kind not in CALLER_KINDS:
        raise ConfigError(f"callers.{name}.kind: one of {', '.join(CALLER_KINDS)}")
    scopes = _scopes(name, entry, kind)
    if "login" in entry and "spiffe" in entry:
        raise ConfigError(f"callers.{name}: an app calls by its users' logins, not by a certificate")
    if name.startswith(PREFIX):
        raise ConfigError(f"callers.{name}: names that begin with {PREFIX} are the suite's own services'")
    per_hour = entry.get("new_identifiers_per_hour", PER_HOUR_DEFAULT)
    if type(per_hour) is not int or per_hour < 0:
        raise ConfigError(f"callers.{name}.new_identifiers_per_hour: a whole number from 0")
    translates_to = frozenset(entry.get("translates_to", ()))
    if unknown := sorted(translates_to - callers | translates_to & {name}):
        raise ConfigError(f"callers.{name}.translates_to: no other callers are called {unknown}")
    app = "login" in entry
    name = _name(name, "callers")
    return Caller(name, tenant, scopes, purposes, per_hour, translates_to, app, kind)


def _scopes(name: str, entry: Mapping[str, Any], kind: str) -> frozenset[str]:
    scopes = frozenset(entry.get("scopes", ()))
    if any(scope.startswith(INTERNAL_SCOPE) for scope in scopes):
        raise ConfigError(
            f"callers.{name}.scopes: the suite's own services alone hold {INTERNAL_SCOPE}* scopes"
        )
    if EXCHANGE_SCOPE in scopes:
        raise ConfigError(f"callers.{name}.scopes: {EXCHANGE_SCOPE} is what a login has, and nobody else")
    if REFLECTION_SCOPE in scopes and kind != OPERATOR:
        raise ConfigError(f"callers.{name}.scopes: {REFLECTION_SCOPE} is for callers of kind {OPERATOR}")
    return scopes


def _verifier(name: str, entry: Mapping[str, Any], folder: Path, content: Mapping[str, Any]) -> Verifier:
    where = f"verifiers.{name}"
    _only(entry, frozenset({"issuer", "jwks", "methods", "callers"}), where)
    callers = frozenset(entry.get("callers", ()))
    if unknown := sorted(callers - set(content.get("callers", {}))):
        raise ConfigError(f"{where}.callers: no callers are called {unknown}")
    if not entry.get("methods"):
        raise ConfigError(f"{where}.methods: a verifier attests at least one method")
    try:
        keys = public_keys(_json(folder / _string(entry, "jwks")))
    except ValueError as error:
        raise ConfigError(f"{where}.jwks: {error}") from None
    methods = frozenset(_name(method, f"{where}.methods") for method in entry["methods"])
    return Verifier(_name(name, "verifiers"), _string(entry, "issuer"), keys, methods, callers)


def shipped_policy() -> Policy:
    """The policy file that comes with the suite."""
    return policy_file.shipped()


def _policy(content: Mapping[str, Any], folder: Path, tenant: str) -> Policy:
    try:
        if "policy" not in content:
            if "policy_keys" in content:
                raise ConfigError("policy_keys: there is no policy of the deployment's own to be signed")
            return policy_file.shipped(tenant)
        path = folder / _string(content, "policy")
        return policy_file.read_signed(path, _policy_keys(content), tenant)
    except PolicyFileError as error:
        raise ConfigError(f"policy: {error}") from None


def _policy_keys(content: Mapping[str, Any]) -> frozenset[bytes]:
    keys = content.get("policy_keys")
    if not isinstance(keys, list) or not keys:
        raise ConfigError(
            "policy_keys: a policy of the deployment's own is signed (python -m services sign-policy);"
            " list the public keys that may"
        )
    if not all(isinstance(key, str) and _PUBLIC_KEY.fullmatch(key) for key in keys):
        raise ConfigError("policy_keys: each is an Ed25519 public key, 64 hexadecimal digits")
    return frozenset(bytes.fromhex(key) for key in keys)


def shipped_rules_file() -> str:
    """The rules file that comes with the suite, as it is written."""
    return (resources.files("identity") / "rules.toml").read_text()


def shipped_rules(policy: Policy) -> Rules:
    """The rules file that comes with the suite, for the views of a policy."""
    try:
        rules = compile_rules(tomllib.loads(shipped_rules_file()))
    except (RulesError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"rules: {error}") from None
    if rules.views != policy.views:
        raise ConfigError("rules and policy name different views")
    return rules


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None


def _json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    return content


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def _only(content: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    unknown = sorted(set(content) - known)
    if unknown:
        raise ConfigError(f"{where}: unknown keys {unknown}")


def _section(content: Mapping[str, Any], name: str, known: frozenset[str]) -> Mapping[str, Any]:
    section = content.get(name)
    if not isinstance(section, dict):
        raise ConfigError(f"the section [{name}] is missing")
    _only(section, known, name)
    return section


def _tables(content: Mapping[str, Any], name: str) -> Mapping[str, Mapping[str, Any]]:
    """The sections ``[name.…]``, of which there may be none."""
    tables = content.get(name, {})
    if not isinstance(tables, dict) or not all(isinstance(entry, dict) for entry in tables.values()):
        raise ConfigError(f"{name}: each is a section [{name}.…] of its own")
    return tables


def _string(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{key}: a text is needed")
    return value


def _name(value: object, where: str) -> str:
    """A name that may stand in logs and metric labels."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ConfigError(f"{where}: a name of lower-case letters, digits, '.', '_' and '-' is needed")
    return value
