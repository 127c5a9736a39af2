"""The page as a process: secrets read, a connection to the suite, a server that stops in order."""

from __future__ import annotations

import asyncio
import signal
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

import grpc
import uvicorn
from prometheus_client import CollectorRegistry, ProcessCollector

from services.monitoring.port import MonitoringTaken, watched_port
from services.preferences.answering import Centre
from services.preferences.application import application
from services.preferences.desk import Desk
from services.preferences.fetching import Fetch, fetch
from services.preferences.guarding import Guarded
from services.preferences.language import load_languages
from services.preferences.metrics import PageMetrics
from services.preferences.pacing import Pace
from services.preferences.proofs import Attester, signing_key
from services.preferences.provider import CALLBACK, Client, Provider
from services.preferences.sealing import Sealer, keys_of
from services.preferences.session import Visits
from services.preferences.settings import SECTION, Settings, SettingsError, secret_of
from services.preferences.showing import Shown
from services.preferences.view import View
from veilgraph.client import Veilgraph, connect

TIMEOUT_S: Final = 10.0
STOP_S: Final = 20
CONNECTIONS_MAX: Final = 200
_SCOPES: Final = {"email": "openid email", "phone": "openid phone"}


def centre_of(
    settings: Settings,
    suite: Veilgraph,
    log: Callable[[str], object],
    clock_ms: Callable[[], int],
    ask: Fetch = fetch,
) -> Centre:
    """What the pages work with.

    Args:
        settings: of the deployment.
        suite: a connection to it, as the page's caller.
        log: takes a line a request.
        clock_ms: gives milliseconds since the epoch.
        ask: asks the provider.

    Raises:
        SettingsError: a secret can not be used.
    """
    try:
        sealer = Sealer(keys_of(secret_of(settings.session_key)))
    except ValueError as error:
        raise SettingsError(f"{settings.session_key}: {error}") from None
    try:
        key = signing_key(secret_of(settings.verifier_key))
    except ValueError as error:
        raise SettingsError(f"{settings.verifier_key}: {error}") from None
    client = Client(
        settings.issuer,
        settings.client_id,
        secret_of(settings.client_secret).strip(),
        settings.public_url + CALLBACK,
        _SCOPES.get(settings.identifier, "openid"),
    )
    attester = Attester(key, settings.verifier_issuer, settings.caller, settings.method)
    visits = Visits(sealer, clock_ms)
    return Centre(
        desk=Desk(suite, attester, clock_ms),
        provider=Provider(client, ask, lambda: visits.now_s),
        visits=visits,
        pace=Pace(clock_ms),
        view=View(settings.name),
        languages=load_languages(),
        origin=settings.public_url,
        identifier=settings.identifier,
        caller=settings.caller,
        log=log,
    )


def serve(settings: Settings, output: TextIO) -> int:
    """Serves the page until SIGINT or SIGTERM.

    Returns:
        The exit code: 0 after an orderly stop, 1 if it could not listen.

    Raises:
        SettingsError: it can not be run as it is configured, or watched where it should be.
    """
    secret_of(settings.token)

    def log(line: str) -> None:
        output.write(line)
        output.flush()

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    with connected(settings) as suite:
        centre = centre_of(settings, suite, log, wall_clock_ms)
        server = server_of(settings, application(centre, PageMetrics(registry)))
        asyncio.run(_served(server, settings, registry, log))
        return 0 if server.started else 1


async def _served(
    server: uvicorn.Server, settings: Settings, registry: CollectorRegistry, log: Callable[[str], object]
) -> None:
    """Serves until it is told to stop; it is watched all the while, and ready while it takes requests."""
    _stop_on_signals(server)
    context = None if settings.certificate is None else server.config.ssl
    shown = Shown(context, settings.certificate, settings.key, log)
    keeping = asyncio.create_task(shown.keep())
    try:
        async with watched_port(
            settings.monitoring, "the page", registry, lambda: server.started and not server.should_exit, log
        ):
            await server.serve()
    except MonitoringTaken as error:
        raise SettingsError(f"{SECTION}.monitoring: {error}") from None
    finally:
        keeping.cancel()


def _stop_on_signals(server: uvicorn.Server) -> None:
    """A signal ends the server in order; uvicorn, when it has ended, raises what it took once more."""

    def stop(*_: object) -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


@contextmanager
def connected(settings: Settings) -> Iterator[Veilgraph]:
    """A connection to the suite; the token is read anew for every call, so it can be replaced.

    Raises:
        SettingsError: the gateway's authorities can not be read.
    """
    tls = None
    if settings.gateway_ca is not None:
        try:
            tls = grpc.ssl_channel_credentials(settings.gateway_ca.read_bytes())
        except OSError as error:
            raise SettingsError(f"{settings.gateway_ca}: {error.strerror}") from None
    with connect(
        settings.gateway, token=lambda: secret_of(settings.token).strip(), timeout_s=TIMEOUT_S, tls=tls
    ) as suite:
        yield suite


def server_of(settings: Settings, app: Guarded) -> uvicorn.Server:
    """A server that says nothing of itself and writes no log of its own.

    Raises:
        SettingsError: the certificate can not be used.
    """
    host, port = settings.address
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=STOP_S,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
    )
    if settings.certificate is not None:
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"the page's certificate: {error}") from None
        if config.ssl is not None:
            config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return uvicorn.Server(config)


def wall_clock_ms() -> int:
    """The present instant, milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
