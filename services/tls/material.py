"""A certificate with its key and the authorities that are trusted, checked before it is used.

What passes here can serve: the key belongs to the certificate, an authority of the file vouches
for it now, and it speaks for exactly the workload that shows it. Anything else is refused with a
text that names the file's fault and nothing of its content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from services.tls.spiffe import SpiffeId


class CertificateUnusable(Exception):  # noqa: N818 - named after what it says
    """A certificate, its key or the authorities can not be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where a certificate lies, all in PEM.

    Attributes:
        certificate: the certificate, then those between it and an authority.
        key: its private key.
        ca: the authorities that are trusted; two while one follows another.
    """

    certificate: Path
    key: Path
    ca: Path

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        """All three."""
        return self.certificate, self.key, self.ca


@dataclass(frozen=True, slots=True)
class Material:
    """What was read and may be used.

    Attributes:
        certificate: PEM.
        key: PEM; not shown.
        ca: PEM.
        late_ms: from when on it should have been replaced: three quarters of its life are over.
        expire_ms: from when on the certificate is none; both in milliseconds since the epoch.
    """

    certificate: bytes
    key: bytes = field(repr=False)
    ca: bytes
    late_ms: int
    expire_ms: int


def read(files: Files, identity: SpiffeId, now_ms: int) -> Material:
    """Reads and checks the three files.

    Args:
        files: where they lie.
        identity: whom the certificate must speak for.
        now_ms: the present, milliseconds since the epoch.

    Raises:
        CertificateUnusable: they can not be used now.
    """
    certificate, key, ca = (_content(path) for path in files.paths)
    chain, authorities = _certificates(certificate, files.certificate), _certificates(ca, files.ca)
    _check_key(chain[0], key, files)
    _check_name(chain[0], identity, files.certificate)
    _check_chain(chain, authorities, datetime.fromtimestamp(now_ms / 1000, UTC), files)
    return Material(certificate, key, ca, _late_ms(chain[0]), expiry_ms(chain[0]))


def identity_of(certificate: x509.Certificate) -> SpiffeId:
    """Whom a certificate speaks for: its one URI (X509-SVID, section 2).

    Raises:
        ValueError: it has none, several, or one that is no SPIFFE id.
    """
    names = _alternative_names(certificate).get_values_for_type(x509.UniformResourceIdentifier)
    if len(names) != 1:
        raise ValueError("a certificate of the suite has one URI among its names")
    return SpiffeId.parse(names[0])


def expiry_ms(certificate: x509.Certificate) -> int:
    """From when on a certificate is none, milliseconds since the epoch."""
    # The second it names still belongs to it (RFC 5280, section 4.1.2.5).
    return int(certificate.not_valid_after_utc.timestamp()) * 1000 + 1000


def _late_ms(certificate: x509.Certificate) -> int:
    ends_ms = expiry_ms(certificate)
    return ends_ms - (ends_ms - int(certificate.not_valid_before_utc.timestamp()) * 1000) // 4


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateUnusable(f"{path}: {error.strerror}") from None


def _certificates(content: bytes, path: Path) -> Sequence[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise CertificateUnusable(f"{path}: no certificates in PEM") from None


def _check_key(certificate: x509.Certificate, content: bytes, files: Files) -> None:
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CertificateUnusable(f"{files.key}: no private key in PEM without a password") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise CertificateUnusable(f"{files.key}: gRPC takes keys on P-256 and P-384, and RSA keys")
    if key.public_key() != certificate.public_key():
        raise CertificateUnusable(f"{files.key}: not the key of {files.certificate.name}")


def _check_name(certificate: x509.Certificate, identity: SpiffeId, path: Path) -> None:
    try:
        said = identity_of(certificate)
    except ValueError as error:
        raise CertificateUnusable(f"{path}: {error}") from None
    if said != identity:
        raise CertificateUnusable(f"{path}: speaks for {said}, and {identity} is needed")
    names = _alternative_names(certificate).get_values_for_type(x509.DNSName)
    if identity.path.startswith("service/") and identity.dns_name not in names:
        raise CertificateUnusable(f"{path}: lacks the DNS name {identity.dns_name}")


def _check_chain(
    chain: Sequence[x509.Certificate], authorities: Sequence[x509.Certificate], now: datetime, files: Files
) -> None:
    for certificate in chain:
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise CertificateUnusable(f"{files.certificate}: not valid now")
    for certificate, issuer in pairwise(chain):
        if not _issued(certificate, issuer):
            raise CertificateUnusable(f"{files.certificate}: its certificates do not follow one another")
    if not any(_issued(chain[-1], one) for one in authorities if one.not_valid_after_utc >= now):
        raise CertificateUnusable(f"{files.certificate}: no authority of {files.ca.name} vouches for it now")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
