"""The services' certificates that lie here: whether they can be shown now, and until when.

They are read as a service reads its own. A path without ``{service}`` is that of the one workload
which has its files here: a service, the gateway, or a caller such as an operator. Those of the others
lie elsewhere and are looked at there; where nothing is mounted, nobody shows anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cryptography import x509

from services.deployment.config import SERVICES
from services.doctor.files import moment, of_private
from services.doctor.finding import Finding, error, note, warning
from services.tls.config import PLACE, TlsConfig
from services.tls.material import CertificateUnusable, Files, Material, expiry_ms, read
from services.tls.peer import peer_of
from services.tls.spiffe import SpiffeId, gateway_id

#: Another authority is brought in by three steps on every host, and each takes its time.
AUTHORITY_LEFT_DAYS = 30
_DAY_MS = 86_400_000


class Looked(NamedTuple):
    """What came of looking at a certificate's files: what can be shown, or why nothing can."""

    files: Files
    material: Material | None
    fault: str = ""


def looked_at(tls: TlsConfig, now_ms: int) -> Iterator[Looked]:
    """Reads every certificate that lies here.

    Args:
        tls: where they lie.
        now_ms: milliseconds since the epoch.
    """
    for files in dict.fromkeys(tls.files(service) for service in SERVICES):
        named = [tls.identity(service) for service in SERVICES if tls.files(service) == files]
        if len(named) > 1:
            if not files.certificate.parent.exists():
                continue
            named += [gateway_id(tls.trust_domain), *tls.callers]
        try:
            yield Looked(files, read(files, _whose(files, named), now_ms))
        except CertificateUnusable as fault:
            yield Looked(files, None, str(fault))


def shown(tls: TlsConfig | None, now_ms: int) -> Material | None:
    """What can be shown to a service that is asked for its health, which tells it to any of the suite."""
    if tls is None:
        return None
    return next((one.material for one in looked_at(tls, now_ms) if one.material), None)


def of_certificates(tls: TlsConfig | None, now_ms: int) -> Iterator[Finding]:
    """Can each be shown, by nobody but its owner, and is there time until it ends?"""
    if tls is None:
        return
    folder = tls.files("").certificate.parent
    if PLACE not in tls.certificate and not folder.exists():
        yield note("tls", f"{folder}: nothing lies here; certificates are looked at where they are shown")
    authorities = set()
    for files, material, fault in looked_at(tls, now_ms):
        if files.key.exists():
            yield from of_private(files.key, "a private key")
        if material is None:
            yield error("tls", fault, "issue it, or correct the path; a process that runs takes it up")
            continue
        authorities.add(material.ca)
        if now_ms >= material.late_ms:
            yield warning(
                "tls",
                f"{files.certificate} ends {_utc(material.expire_ms)}: three quarters of its life are over",
                "issue it anew; it is taken up by itself",
            )
    for ca in authorities:
        ends_ms = max(expiry_ms(one) for one in x509.load_pem_x509_certificates(ca))
        if ends_ms - now_ms < AUTHORITY_LEFT_DAYS * _DAY_MS:
            yield warning("tls", f"{tls.ca}: the last authority ends {_utc(ends_ms)}", "append the next one")


def _whose(files: Files, named: list[SpiffeId]) -> SpiffeId:
    """Whom a certificate must speak for: of several workloads the one that it names."""
    try:
        said = peer_of(files.certificate.read_bytes()).id
    except OSError:
        return named[0]  # what reads it next says why not
    return next((one for one in named if one == said), named[0])


def _utc(at_ms: int) -> str:
    return f"{moment(at_ms):%Y-%m-%d %H:%M} UTC"
