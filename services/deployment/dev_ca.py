"""A certificate authority of one folder, for development: whoever reads its key is every workload.

Its files lie as SPIFFE paths say: ``ca.pem``, ``gateway.pem``, ``service/identity.pem``,
``caller/shop.pem``, each with a ``.key`` beside it. What is there stays; only certificates are ever
issued anew, for the keys that they had. Production has an authority of its own (SPIRE, a mesh).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from services.deployment.config import SERVICES
from services.deployment.issuer import open_key
from services.key_file import write_private
from services.tls.material import Files
from services.tls.spiffe import SpiffeId, gateway_id, service_id

AUTHORITY_DAYS = 365
CERTIFICATE_DAYS = 30
#: A machine whose clock is a little behind takes the certificate, too.
EARLY = timedelta(minutes=5)
_CA = "ca"


class AuthorityUnusable(Exception):  # noqa: N818 - named after what it says
    """The folder's authority can not issue what was asked for; the text says why."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Issues certificates.

    Attributes:
        certificate: its own.
        key: what it signs with; its ``repr`` shows nothing of it.
    """

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def issue(self, identity: SpiffeId, key: ec.EllipticCurvePublicKey, now: datetime) -> x509.Certificate:
        """A certificate for a workload, good for ``CERTIFICATE_DAYS`` and never beyond the authority."""
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(str(identity))]
        if not identity.path.startswith("caller/"):  # a caller connects, and is connected to by nobody
            names.append(x509.DNSName(identity.dns_name))
        ends = min(now + timedelta(days=CERTIFICATE_DAYS), self.certificate.not_valid_after_utc)
        # It has no subject: gRPC takes a common name for a DNS name where there is none.
        return (
            _builder(x509.Name([]), self.certificate.subject, key, now - EARLY, ends)
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )


def files_of(folder: Path, identity: SpiffeId) -> Files:
    """Where a workload's certificate lies in an authority's folder."""
    path = folder / identity.path
    # No suffix is replaced: a caller's name may hold dots.
    return Files(
        path.with_name(f"{path.name}.pem"), path.with_name(f"{path.name}.key"), folder / f"{_CA}.pem"
    )


def caller_id(trust_domain: str, caller: str) -> SpiffeId:
    """The id that a caller has from such an authority."""
    return SpiffeId(trust_domain, f"caller/{caller}")


def workloads(trust_domain: str, callers: Iterable[str]) -> list[SpiffeId]:
    """Everybody who gets a certificate: the services, the gateway, some callers."""
    return [
        *(service_id(trust_domain, name) for name in SERVICES),
        gateway_id(trust_domain),
        *(caller_id(trust_domain, name) for name in callers),
    ]


def provide(
    folder: Path, trust_domain: str, callers: Iterable[str], now_s: int, *, renew: bool = False
) -> list[Path]:
    """Makes whatever is missing of an authority and its certificates.

    Args:
        folder: of the authority; nobody but its owner can read it.
        trust_domain: in which everybody has a name.
        callers: outside callers that get a certificate, too.
        now_s: the present, seconds since the epoch.
        renew: certificates that are there are issued anew, for the keys that they have.

    Returns:
        The certificates that were written.

    Raises:
        AuthorityUnusable: the folder's authority is of another trust domain, or its time is over.
        PermissionError: others can read a key.
        ValueError: a name can not stand in a certificate.
    """
    wanted = workloads(trust_domain, callers)
    now = datetime.fromtimestamp(now_s, UTC)
    authority, written = _open(folder, trust_domain, now)
    for identity in wanted:
        files = files_of(folder, identity)
        if renew or not files.certificate.exists():
            certificate = authority.issue(identity, open_key(files.key).public_key(), now)
            write_private(files.certificate, _pem(certificate))
            written.append(files.certificate)
    return written


def _open(folder: Path, trust_domain: str, now: datetime) -> tuple[Authority, list[Path]]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key, path = open_key(folder / f"{_CA}.key"), folder / f"{_CA}.pem"
    if not path.exists():
        certificate = _self_signed(trust_domain, key, now)
        write_private(path, _pem(certificate))
        return Authority(certificate, key), [path]
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError:
        raise AuthorityUnusable(f"{path}: no certificate in PEM") from None
    if certificate.public_key() != key.public_key():
        raise AuthorityUnusable(f"{path}: its key is not {path.with_suffix('.key').name}")
    if certificate.subject != _subject(trust_domain):
        raise AuthorityUnusable(f"{path}: not an authority of this program for {trust_domain}")
    if certificate.not_valid_after_utc < now:
        raise AuthorityUnusable(f"{path}: its time is over; a new folder begins with a new authority")
    return Authority(certificate, key), []


def _self_signed(trust_domain: str, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    subject = _subject(trust_domain)
    return (
        _builder(subject, subject, key.public_key(), now - EARLY, now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _subject(trust_domain: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, trust_domain[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, "development only, not for production"),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=begins,
        not_valid_after=ends,
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    """Of an authority, which signs certificates, or of a workload, which signs handshakes."""
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
