"""A deployment's configuration: one TOML file, secrets by path, unknown keys refused."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from consent.policy import Policy
from identity.errors import KeyRingError, RulesError
from identity.keyring import KeyRing
from identity.rules import Rules, compile_rules
from services.consent import policy_file
from services.consent.policy_file import PolicyFileError
from services.deployment.admitted import (
    TokenConfig,
    caller_of,
    each_party_once,
    providers_of,
    tokens_of,
    verifier_of,
)
from services.deployment.places import (
    SERVICES,
    bind_of,
    listen_of,
    monitoring_of,
    nats_of,
    otlp_of,
    page_of,
    postgresql_of,
    shown_at_the_edge,
    tls_of,
    watched_at,
)
from services.deployment.reading import ConfigError, name_of, only, string_of, tables_of, text_of, toml_of
from services.gateway.edge import Edge
from services.interceptors.call import Caller
from services.login.provider import Provider
from services.preferences.settings import SECTION
from services.rights.proofs import Verifier
from services.storage.database import Location
from services.storage.locations import location_of
from services.stream.settings import NatsSettings
from services.tls.config import TlsConfig

__all__ = [
    "MODEL_REFRESH_S",
    "SERVICES",
    "SHARED",
    "ConfigError",
    "SuiteConfig",
    "TokenConfig",
    "load",
    "problems",
    "shipped_policy",
    "shipped_rules",
    "shipped_rules_file",
    "watched_at",
]

T = TypeVar("T")

#: Of these any number of processes serve at once where the tables allow it: what is right in them rests on
#: the database alone, or follows what other processes commit. Of the others one serves.
SHARED = frozenset({"engagement", "recommender"})
_PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")
_KEYS = frozenset(
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
        "definitions_max",
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
#: So many definitions, unless the deployment says otherwise; every process holds them, and judges by all.
DEFINITIONS_MAX = 2_000
_DEFINITIONS_MOST = 20_000


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
        definitions_max: so many definitions that are not retired are kept.
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
    definitions_max: int = DEFINITIONS_MAX
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
    content = toml_of(path)
    only(content, _KEYS, path.name)
    folder = path.absolute().parent  # programs started for the suite may stand elsewhere
    tenant = name_of(content.get("tenant"), "tenant")
    policy = _policy(content, folder, tenant)
    tokens = tokens_of(content, folder)
    callers = tables_of(content, "callers")
    verifiers = tuple(
        verifier_of(name, entry, folder, content) for name, entry in tables_of(content, "verifiers").items()
    )
    allowed = {
        name: caller_of(name, entry, tenant, policy, frozenset(callers)) for name, entry in callers.items()
    }
    providers = providers_of(content, callers, allowed, folder)
    each_party_once(tokens, verifiers, providers)
    return SuiteConfig(
        folder=folder,
        tenant=tenant,
        keyring=_keyring(content, folder),
        keyring_path=folder / string_of(content, "keyring"),
        policy=policy,
        own_policy="policy" in content,
        rules=replace(
            shipped_rules(policy), attesters={verifier.name: verifier.callers for verifier in verifiers}
        ),
        listen=listen_of(content),
        bind=bind_of(content),
        tokens=tokens,
        callers=allowed,
        verifiers=verifiers,
        providers=providers,
        model_refresh_s=_refresh_s(content),
        drain_s=_drain_s(content),
        definitions_max=_definitions_max(content),
        postgresql=postgresql_of(content),
        tls=tls_of(content, folder, callers),
        nats=nats_of(content, folder),
        monitoring=monitoring_of(content),
        home=folder,
        otlp=otlp_of(content),
        edge=shown_at_the_edge(content, folder),
    )


def problems(path: Path) -> list[str]:
    """Everything that keeps ``load`` from taking a file, each with its place; empty: it takes it.

    What can only be judged by something that is wrong itself is judged once that is right.
    """
    try:
        content = toml_of(path)
    except ConfigError as error:
        return [str(error)]
    folder, found = path.absolute().parent, _Found()
    found.by(lambda: only(content, _KEYS, path.name))
    tenant = found.by(lambda: name_of(content.get("tenant"), "tenant"))
    policy = None if tenant is None else found.by(lambda: _policy(content, folder, tenant))
    plain = (
        listen_of,
        bind_of,
        _refresh_s,
        _drain_s,
        _definitions_max,
        postgresql_of,
        monitoring_of,
        otlp_of,
    )
    for part in plain:
        found.by(partial(part, content))
    for part_of_folder in (_keyring, tokens_of, shown_at_the_edge):
        found.by(partial(part_of_folder, content, folder))
    callers = found.by(lambda: tables_of(content, "callers"))
    if callers is not None:
        found.by(partial(tls_of, content, folder, callers))
    verifiers = found.by(lambda: tables_of(content, "verifiers")) or {}
    if tenant is not None and policy is not None and callers is not None:
        for name, entry in callers.items():
            found.by(partial(caller_of, name, entry, tenant, policy, frozenset(callers)))
    for name, entry in verifiers.items():
        found.by(partial(verifier_of, name, entry, folder, content))
    found.by(partial(page_of, content, folder))
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
        return KeyRing.from_json(text_of(folder / string_of(content, "keyring")))
    except KeyRingError as error:
        raise ConfigError(f"keyring: {error}") from None


def _refresh_s(content: Mapping[str, Any]) -> int:
    refresh_s = content.get("model_refresh_s", MODEL_REFRESH_S)
    if type(refresh_s) is not int or refresh_s < _REFRESH_LEAST_S:
        raise ConfigError(f"model_refresh_s: a whole number of seconds from {_REFRESH_LEAST_S}")
    return refresh_s


def _definitions_max(content: Mapping[str, Any]) -> int:
    most = content.get("definitions_max", DEFINITIONS_MAX)
    if type(most) is not int or not 1 <= most <= _DEFINITIONS_MOST:
        raise ConfigError(f"definitions_max: a whole number from 1 to {_DEFINITIONS_MOST}")
    return most


def _drain_s(content: Mapping[str, Any]) -> float:
    drain_s = content.get("drain_s", 0)
    if type(drain_s) not in {int, float} or not 0 <= drain_s <= _DRAIN_MOST_S:
        raise ConfigError(f"drain_s: a number of seconds from 0 to {_DRAIN_MOST_S}")
    return float(drain_s)


def shipped_policy() -> Policy:
    """The policy file that comes with the suite."""
    return policy_file.shipped()


def _policy(content: Mapping[str, Any], folder: Path, tenant: str) -> Policy:
    try:
        if "policy" not in content:
            if "policy_keys" in content:
                raise ConfigError("policy_keys: there is no policy of the deployment's own to be signed")
            return policy_file.shipped(tenant)
        path = folder / string_of(content, "policy")
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
