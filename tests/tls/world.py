"""A deployment's certificates, and ones that are wrong in one way each."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.deployment.dev_ca import caller_id, files_of, provide
from services.tls.credentials import Secured
from services.tls.material import Files, Material, read
from services.tls.spiffe import SpiffeId, gateway_id, service_id

DOMAIN = "acme.example"
CALLERS = ("shop", "partner")
CONSENT, IDENTITY = service_id(DOMAIN, "consent"), service_id(DOMAIN, "identity")
SHOP, PARTNER, GATEWAY = caller_id(DOMAIN, "shop"), caller_id(DOMAIN, "partner"), gateway_id(DOMAIN)


def now_ms() -> int:
    """The clock that handshakes are judged by."""
    return time.time_ns() // 1_000_000


def made(folder: Path, *, renew: bool = False) -> Path:
    """A folder with an authority and everybody's certificates."""
    provide(folder, DOMAIN, CALLERS, now_ms() // 1000, renew=renew)
    return folder


def shown(folder: Path, identity: SpiffeId) -> Material:
    """What a workload shows."""
    return read(files_of(folder, identity), identity, now_ms())


def serial(certificate: bytes) -> int:
    """The serial number of a certificate in PEM."""
    return x509.load_pem_x509_certificate(certificate).serial_number


def toward(material: Material, service: SpiffeId = CONSENT) -> Secured:
    """Both sides of a channel to a service."""
    return Secured(material, service)


class Signed(NamedTuple):
    """A certificate of the test's own making, in PEM."""

    certificate: bytes
    key: bytes

    def material(self, ca: bytes) -> Material:
        """As it would be shown, unchecked."""
        return Material(self.certificate, self.key, ca, 0, 0)

    def write(self, files: Files) -> None:
        """Puts it where another lies."""
        files.certificate.write_bytes(self.certificate)
        files.key.write_bytes(self.key)


def sign(
    folder: Path,
    *uris: str,
    dns: tuple[str, ...] = (),
    name: str = "",
    begins: timedelta = timedelta(hours=-1),
    ends: timedelta = timedelta(hours=1),
) -> Signed:
    """A certificate by the folder's authority, with any names and any time."""
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    signing = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(signing, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=authority.subject,
        subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else []),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now + begins,
        not_valid_after=now + ends,
    )
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
    names += [x509.DNSName(one) for one in dns]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    pem = serialization.Encoding.PEM
    return Signed(
        builder.sign(signing, hashes.SHA256()).public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
