"""The files a configuration points to: who can read them, and how long the tokens among them hold."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import jwt

from services.deployment.config import SERVICES, SuiteConfig
from services.doctor.finding import Finding, error, warning
from services.file_modes import for_others
from services.key_sets import usable

#: A token that lives longer is as good as a password that nobody changes.
TOKEN_LIFE_DAYS = 30
_DAY_S = 86_400


def of_secrets(config: SuiteConfig) -> Iterator[Finding]:
    """Whoever can read the key ring opens everything; whoever can write it decides what opens."""
    yield from of_private(config.keyring_path, "the key ring")
    if config.keyring_path.with_name(f".{config.keyring_path.name}.new").exists():
        yield warning(
            str(config.keyring_path), "a write of it was cut off beside it", "ask for the change again"
        )
    if stat.S_IMODE(config.folder.stat().st_mode) & 0o022:
        yield error(str(config.folder), "others can replace the files in it", f"chmod go-w {config.folder}")
    for service in SERVICES:
        path = config.folder / f"{service}.db"
        if path.exists():
            yield from of_private(path, f"{service}'s store")


def of_private(path: Path, what: str) -> Iterator[Finding]:
    """A file that only its owner may read."""
    try:
        file = path.stat()
    except OSError as fault:
        yield error(str(path), f"{what} can not be looked at: {fault.strerror}")
        return
    mode, others = stat.S_IMODE(file.st_mode), for_others(file, os.geteuid())
    if others & 0o022:
        yield error(str(path), f"others can write {what} ({mode:04o})", f"chmod 600 {path}")
    elif others & 0o044:
        yield warning(str(path), f"others can read {what} ({mode:04o})", f"chmod 600 {path}")


def of_key_sets(config: SuiteConfig) -> Iterator[Finding]:
    """The callers' issuer has keys that verify something."""
    try:
        found = bool(usable(config.tokens.jwks)) or not config.tokens.jwks  # none: it is fetched
    except ValueError:
        found = False
    if not found:
        yield error("tokens.jwks", "it holds no key that can be used", "fetch the issuer's key set again")


def of_tokens(folder: Path, now_s: int) -> Iterator[Finding]:
    """The tokens that lie beside a configuration, by when they end; they are not verified."""
    for path in sorted(folder.glob("tokens/*")):
        yield from of_private(path, "a token")
        try:
            claims = jwt.decode(path.read_text(), options={"verify_signature": False})
            left_s = int(claims["exp"]) - now_s
        except (jwt.PyJWTError, OSError, KeyError, TypeError, ValueError):
            yield warning(str(path), "it holds no token with an end", "remove it")
            continue
        if left_s <= 0:
            yield warning(str(path), "the token has ended", "get a new one")
        elif left_s > TOKEN_LIFE_DAYS * _DAY_S:
            yield warning(
                str(path),
                f"the token is good for {left_s // _DAY_S} more days",
                f"have the issuer give tokens for {TOKEN_LIFE_DAYS} days at most",
            )


def moment(now_ms: int) -> datetime:
    """An instant as certificates tell theirs."""
    return datetime.fromtimestamp(now_ms / 1000, UTC)
