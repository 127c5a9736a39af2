"""The chain of layers of each server, put together for a deployment.

``services.interceptors`` holds the list; here stands whose tokens, certificates and logins a
deployment accepts, by which keys, and who records the calls.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from services.deployment.config import SERVICES, ConfigError, SuiteConfig
from services.interceptors import layers
from services.interceptors.audit import AuditLog
from services.interceptors.authentication import verifier
from services.interceptors.certified import Certified
from services.interceptors.layer import Layer
from services.interceptors.metrics import CallMetrics
from services.interceptors.pseudonymisation import Tokenise
from services.interceptors.spans import Tracer
from services.key_sets import ALGORITHMS, KeySet
from services.login.access_tokens import accepting_people
from services.login.provider import accepting_logins
from services.parts.links import Links
from services.parts.part import Process
from services.service_tokens import PREFIX, accepting_services, service_callers
from services.tls.spiffe import gateway_id

#: Makes the chain of one server.
ChainOf = Callable[[AuditLog, Tokenise | None], list[Layer]]


@asynccontextmanager
async def traced(config: SuiteConfig, here: Sequence[str]) -> AsyncIterator[Tracer | None]:
    """Who records the calls while the block runs; nobody where no collector is named."""
    if not config.otlp:
        yield None
        return
    from services.monitoring.otlp import sending  # noqa: PLC0415 - an extra, which nobody else needs

    async with sending(config.otlp, here[0] if len(here) == 1 else "veilgraph") as tracer:
        yield tracer


def key_sets(process: Process) -> dict[str, KeySet]:
    """The keys of the callers' issuer, under no name, and of each login provider by its name.

    Raises:
        ConfigError: what is in a file is no key set.
    """

    def of(whose: str, jwks: Mapping[str, Any], place: str, algorithms: frozenset[str]) -> KeySet:
        return KeySet(whose, jwks, place, clock_ms=process.clock, log=process.log, algorithms=algorithms)

    tokens = process.config.tokens
    try:
        return {"": of("the callers' issuer", tokens.jwks, tokens.place, ALGORITHMS)} | {
            one.name: of(f"the login provider {one.name}", one.jwks, one.place, one.algorithms)
            for one in process.config.providers
        }
    except ValueError as error:
        raise ConfigError(f"jwks: {error}") from None


def chain_of(process: Process, links: Links, keys: Mapping[str, KeySet], tracer: Tracer | None) -> ChainOf:
    """Makes each server's chain; what the servers of a process share is made once."""
    config = process.config
    tokens = config.tokens
    ordinary = verifier(keys[""], tokens.issuer, tokens.audience, config.callers, config.policy)
    verify = accepting_services(
        accepting_people(ordinary, config.keyring, config.callers, config.tenant, process.clock),
        config.keyring,
        service_callers(config.tenant, config.policy),
        config.tenant,
        process.clock,
    )
    providers = [(provider, keys[provider.name]) for provider in config.providers]
    # A login is exchanged where identifiers become tokens, and taken nowhere else.
    verify_logins = accepting_logins(verify, providers, process.clock)
    call_metrics = CallMetrics(process.registry)

    return lambda audit_log, tokenise: layers(
        log=process.log,
        call_metrics=call_metrics,
        verify=verify if tokenise is None else verify_logins,
        clock_ms=process.clock,
        audit_log=audit_log,
        pairwise_of=process.keys.pairwise,
        tokenise=tokenise,
        signals_port=links.signals,
        certified=_certified(config),
        level=process.level,
        tracer=tracer,
        generation=lambda: sum(one.generation for one in keys.values()),
    )


def _certified(config: SuiteConfig) -> Certified | None:
    """For whom the certificates of a deployment speak."""
    tls = config.tls
    if tls is None:
        return None
    services = service_callers(config.tenant, config.policy)
    return Certified(
        gateway_id(tls.trust_domain),
        {tls.identity(name): services[PREFIX + name] for name in SERVICES},
        {identity: config.callers[name] for identity, name in tls.callers.items()},
    )
