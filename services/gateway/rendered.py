"""The gateway's folder for another machine: rendered where the deployment is kept, served where it runs.

A pod that routes calls holds no key ring, so what it needs of the configuration is worked out
beforehand: from the sections that are no secret and, where a ring is at hand, the public keys that
verify people's tokens. Rendering again gives the same files, or says which have changed. What is
the same in every deployment, the contract, whoever serves adds.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Final

from identity.errors import KeyRingError
from identity.keyring import KeyRing
from services.contract import home_of, public_services
from services.deployment.config import SERVICES, ConfigError
from services.gateway.config import PEOPLE_FILE, GatewayConfig, write_own
from services.gateway.edge import EdgeError, edge_of
from services.gateway.upstream_tls import GatewayTls
from services.key_sets import is_address
from services.login.access_tokens import jwks as people_jwks
from services.tls.material import Files

#: What is needed of a configuration; the whole of it is judged by ``check-config``.
_NEEDED: Final = {
    "listen": SERVICES,
    "tokens": ("issuer", "audience", "jwks"),
    "tls": ("trust_domain", "certificate", "key", "ca"),
    "gateway": ("listen", "certificate", "key"),
}
#: Stands where nobody has said yet which keys verify people's tokens; Envoy does not start with it.
NOBODYS_KEYS: Final[dict[str, Any]] = {"keys": []}


def gateway_at(path: Path, at: Path, ring: Path | None = None) -> GatewayConfig:
    """The gateway of a deployment whose services show certificates.

    Args:
        path: the deployment's configuration.
        at: the folder in which the configuration lies where the gateway runs.
        ring: the deployment's key ring, of which the public part is taken; ``None``: nobody's keys.

    Raises:
        ConfigError: a part that is needed is missing or wrong.
    """
    try:
        content = tomllib.loads(path.read_text())
        people = NOBODYS_KEYS if ring is None else people_jwks(KeyRing.from_json(ring.read_text()))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    except KeyRingError as error:
        raise ConfigError(f"{ring}: {error}") from None
    said = {section: _texts(content, section, names) for section, names in _NEEDED.items()}
    tls, jwks = said["tls"], said["tokens"]["jwks"]
    shown = Files(*(at / tls[name].replace("{service}", "gateway") for name in ("certificate", "key", "ca")))
    try:
        edge = edge_of(content["gateway"], at)
    except EdgeError as error:
        raise ConfigError(f"gateway: {error}") from None
    return GatewayConfig(
        services={name: said["listen"][home_of(name)] for name in public_services()},
        jwks=jwks if is_address(jwks) else str(at / jwks),
        issuer=said["tokens"]["issuer"],
        audience=said["tokens"]["audience"],
        tenant=_texts({"": content}, "", ("tenant",))["tenant"],
        people=people,
        edge=edge,
        tls=GatewayTls(shown, tls["trust_domain"]),
    )


def outdated(config: GatewayConfig, folder: Path, *, mend: bool = False) -> list[str]:
    """The names of the files that rendering changes; with ``mend`` they are changed.

    Keys that somebody put there stay where the configuration has nobody's.
    """
    with tempfile.TemporaryDirectory() as scratch:
        write_own(config, Path(scratch))
        changed = [path for path in sorted(Path(scratch).iterdir()) if not _same(path, folder / path.name)]
        if mend:
            folder.mkdir(parents=True, exist_ok=True)
            for path in changed:
                shutil.copyfile(path, folder / path.name)
        return [path.name for path in changed]


def _same(made: Path, there: Path) -> bool:
    if not there.exists():
        return False
    keeps = made.name == PEOPLE_FILE and json.loads(made.read_text()) == NOBODYS_KEYS
    return keeps or made.read_bytes() == there.read_bytes()


def _texts(content: dict[str, Any], section: str, names: tuple[str, ...]) -> dict[str, str]:
    said = content.get(section)
    if not isinstance(said, dict):
        raise ConfigError(f"the section [{section}] is missing")
    if missing := [name for name in names if not isinstance(said.get(name), str)]:
        raise ConfigError(f"{section}: {missing[0]}: a text is needed".removeprefix(": "))
    return {name: said[name] for name in names}
