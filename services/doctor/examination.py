"""Everything that is looked at: of a configuration, and of the deployment it is the configuration of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from services.deployment.config import ConfigError, SuiteConfig, load, problems
from services.doctor import certificates, files, models, stores, work
from services.doctor.finding import Finding, error
from services.doctor.running import of_processes, of_sharing, serving


def of_configuration(path: Path, now_ms: Callable[[], int]) -> Iterator[Finding]:
    """Whether a configuration can be used, and everything that it points to; nothing has to run.

    Args:
        path: the file.
        now_ms: the present instant, milliseconds since the epoch.
    """
    for problem in problems(path):
        yield error(str(path), problem)
    try:
        config = load(path)
    except ConfigError:
        return  # what it points to is not known
    yield from files.of_secrets(config)
    yield from certificates.of_certificates(config.tls, now_ms())
    yield from files.of_key_sets(config)
    yield from files.of_tokens(config.folder, now_ms() // 1000)
    yield from stores.of_schemas(config)
    yield from stores.of_postgresql(config, now_ms)


def of_deployment(
    path: Path,
    now_ms: Callable[[], int],
    *,
    say: Callable[[str], object],
    pause: Callable[[float], object] = time.sleep,
) -> Iterator[Finding]:
    """What is wrong with a deployment, running or stopped; changes nothing.

    Args:
        path: its configuration.
        now_ms: the present instant, milliseconds since the epoch.
        say: takes a line where something takes long.
        pause: waits for a number of seconds.
    """
    yield from of_configuration(path, now_ms)
    try:
        config = load(path)
    except ConfigError:
        return
    yield from _of_what_there_is(config, now_ms, say, pause)


def _of_what_there_is(
    config: SuiteConfig,
    now_ms: Callable[[], int],
    say: Callable[[str], object],
    pause: Callable[[float], object],
) -> Iterator[Finding]:
    running = serving(config)
    yield from of_processes(config, running, certificates.shown(config.tls, now_ms()))
    yield from of_sharing(config, pause)
    yield from stores.of_disk(config)
    yield from stores.of_damage(config, say)
    yield from work.of_feeds(config, bool(running), pause)
    yield from work.of_erasures(config, now_ms())
    yield from work.of_rules(config, now_ms())
    yield from work.of_keys(config, now_ms())
    yield from models.of_models(config, now_ms())
