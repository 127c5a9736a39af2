"""The gateway's folder for another machine: rendered where the deployment is kept, served where it runs.

A pod that routes calls holds no key ring, so what it needs of the configuration is worked out
beforehand, from the sections that say where services are and whose tokens are taken. Rendering
again gives the same files, or says which have changed.
"""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Final

from google.protobuf import descriptor_pb2

from services.contract import home_of, public_services
from services.deployment.config import SERVICES, ConfigError
from services.gateway.config import DESCRIPTOR_FILE, GatewayConfig, write_config
from services.gateway.edge import edge_of
from services.gateway.upstream_tls import GatewayTls
from services.key_sets import is_address
from services.tls.material import Files

#: What is needed of a configuration; the whole of it is judged by ``check-config``.
_NEEDED: Final = {
    "listen": SERVICES,
    "tokens": ("issuer", "audience", "jwks"),
    "tls": ("trust_domain", "certificate", "key", "ca"),
}


def gateway_of(path: Path, listen: str, at: Path) -> GatewayConfig:
    """The gateway of a deployment whose services show certificates.

    Args:
        path: the deployment's configuration.
        listen: where it listens, "host:port".
        at: the folder in which the configuration lies where the gateway runs.

    Raises:
        ConfigError: a part that is needed is missing.
    """
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    said = {section: _texts(content, section, names) for section, names in _NEEDED.items()}
    tenant, tls, jwks = content.get("tenant"), said["tls"], said["tokens"]["jwks"]
    if not isinstance(tenant, str):
        raise ConfigError("tenant: a text is needed")
    shown = Files(*(at / tls[name].replace("{service}", "gateway") for name in ("certificate", "key", "ca")))
    shown_to_all = {"certificate": str(shown.certificate), "key": str(shown.key)}
    edge = edge_of({**shown_to_all, **content.get("gateway", {}), "listen": listen}, at)
    return GatewayConfig(
        services={name: said["listen"][home_of(name)] for name in public_services()},
        jwks=jwks if is_address(jwks) else str(at / jwks),
        issuer=said["tokens"]["issuer"],
        audience=said["tokens"]["audience"],
        tenant=tenant,
        people=edge.people_keys,
        tls=GatewayTls(shown, tls["trust_domain"]),
        edge=edge,
    )


def outdated(config: GatewayConfig, folder: Path, *, mend: bool = False) -> list[str]:
    """The names of the files that rendering changes; with ``mend`` they are changed."""
    with tempfile.TemporaryDirectory() as scratch:
        write_config(config, Path(scratch))
        changed = [path for path in sorted(Path(scratch).iterdir()) if not _same(path, folder / path.name)]
        if mend:
            folder.mkdir(parents=True, exist_ok=True)
            for path in changed:
                shutil.copyfile(path, folder / path.name)
        return [path.name for path in changed]


def _same(made: Path, there: Path) -> bool:
    if not there.exists():
        return False
    if made.name == DESCRIPTOR_FILE:  # the same contract may be written in more than one way
        return _contract(made) == _contract(there)
    return made.read_bytes() == there.read_bytes()


def _contract(path: Path) -> descriptor_pb2.FileDescriptorSet:
    return descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes())


def _texts(content: dict[str, Any], section: str, names: tuple[str, ...]) -> dict[str, str]:
    said = content.get(section)
    if not isinstance(said, dict):
        raise ConfigError(f"the section [{section}] is missing")
    if missing := [name for name in names if not isinstance(said.get(name), str)]:
        raise ConfigError(f"{section}: {missing[0]}: a text is needed")
    return {name: said[name] for name in names}
